"""Muted rules in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.engines.radar.desk import Suppression
from sent.platform.db.uow import Tx, fetch, scalar


@dataclass(frozen=True, slots=True)
class Active:
    """A suppression as the worker needs it."""

    id: UUID
    sigma_id: str
    scope: str
    entity: str
    client_id: UUID | None


async def active(tx: Tx, rules: Iterable[str]) -> list[Active]:
    """Return what mutes one of these rules now; held until `tx` ends, so that its hits can be counted."""
    return await fetch(
        tx,
        Active,
        "select s.id, s.sigma_id, s.scope, s.entity, s.client_id from radar.suppression s"
        " where s.until > now() and s.sigma_id = any (%s) order by s.created_at, s.id for key share",
        [list(rules)],
    )


async def count(tx: Tx, hits: Mapping[UUID, int]) -> None:
    """Count hits that were muted."""
    if not hits:
        return
    await tx.execute(
        "insert into radar.suppression_count as c (suppression_id, client_id, hits, last_at)"
        " select s.id, s.client_id, n.hits, clock_timestamp()"
        " from unnest(%s::uuid[], %s::bigint[]) n (id, hits) join radar.suppression s on s.id = n.id"
        " on conflict (organization_id, suppression_id) do update"
        " set hits = c.hits + excluded.hits, last_at = excluded.last_at",
        [list(hits), list(hits.values())],
    )


async def listed(tx: Tx) -> list[Suppression]:
    """Return the suppressions that hold, and those that ended within 30 days, the latest first."""
    return await fetch(
        tx,
        Suppression,
        "select s.id, s.sigma_id as rule_id, s.title, s.scope, s.entity, s.until, s.reason,"
        " p.name as author_name, s.created_at as at, coalesce(c.hits, 0) as hits, c.last_at,"
        " s.until > now() as active from radar.suppression s"
        " left join core.person p on p.id = s.author_id"
        " left join radar.suppression_count c on c.organization_id = s.organization_id"
        " and c.suppression_id = s.id where s.until > now() - interval '30 days'"
        " order by s.created_at desc, s.id limit 2000",
    )


async def add(tx: Tx, alert: UUID, scope: str, entity: str, until: datetime, reason: str) -> UUID:
    """Mute the rule of an alert."""
    made: UUID = await scalar(
        tx, "select radar.suppress(%s, %s, %s, %s, %s)", [alert, scope, entity, until, reason]
    )
    return made


async def remove(tx: Tx, ids: Sequence[UUID]) -> int:
    """Lift suppressions; returns how many."""
    return int(await scalar(tx, "select radar.unsuppress(%s::uuid[])", [list(ids)]))
