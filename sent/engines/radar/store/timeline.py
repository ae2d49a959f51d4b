"""What a timeline shows beside events: alerts of an entity, what people did with them, what mutes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.engines.radar.entity import user_sql
from sent.engines.radar.searching.timeline import ADDRESS_FIELDS, Entity
from sent.platform.db.uow import Tx, fetch

MAX_ALERTS = 1000
MAX_CHANGES = 2000
MAX_MUTED = 200


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert of the entity."""

    id: UUID
    at: datetime
    last_at: datetime
    level: str
    rule_id: str
    title: str
    author: str
    host: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What somebody did with an alert: `kind` state, assignee or comment; `value` to what."""

    alert_id: UUID
    at: datetime
    kind: str
    value: str
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class MutedRow:
    """A rule that is or was muted for the entity."""

    title: str
    at: datetime
    until: datetime
    reason: str
    actor: str
    hits: int


async def alerts(tx: Tx, entity: Entity, since: datetime, until: datetime) -> list[AlertRow]:
    """Return the latest alerts that name the entity, newest first."""
    condition, values = _about(entity)
    return await fetch(
        tx,
        AlertRow,
        "select a.id, a.at, a.last_at, a.level, a.rule_id, a.title, a.author, a.host, a.state, a.count"
        " from radar.alert a where a.organization_id = (select sec.org()) and a.at >= %s and a.at < %s"
        f" and {condition} order by a.at desc, a.id desc limit %s",
        [since, until, *values, MAX_ALERTS],
    )


def _about(entity: Entity) -> tuple[str, list[str]]:
    value = entity.value.lower()
    if entity.kind == "host":
        return "lower(a.host) = %s", [value]
    if entity.kind == "user":
        return f"{user_sql('a.event')} = %s", [value]
    named = ", ".join(f"lower(a.event ->> '{field}')" for field in ADDRESS_FIELDS)
    return f"%s in ({named})", [value]


async def changes(tx: Tx, ids: Sequence[UUID]) -> list[ChangeRow]:
    """Return what people did with these alerts and wrote about them, newest first."""
    return await fetch(
        tx,
        ChangeRow,
        "select n.alert_id, n.at, n.kind,"
        " coalesce(case when n.kind = 'assignee' then q.name end, n.value, '') as value,"
        " coalesce(n.reason, '') as reason, coalesce(p.name, '') as actor from ("
        " select h.alert_id, h.created_at as at, h.actor_id, h.kind, h.value, h.reason"
        " from radar.alert_change h where h.alert_id = any (%s)"
        " union all select c.alert_id, c.created_at, c.author_id, 'comment', c.body, null"
        " from radar.comment c where c.alert_id = any (%s)) n"
        " left join core.person p on p.id = n.actor_id left join core.person q on n.kind = 'assignee'"
        " and q.id = case when n.kind = 'assignee' then n.value::uuid end order by n.at desc limit %s",
        [list(ids), list(ids), MAX_CHANGES],
    )


async def muted(tx: Tx, entity: Entity) -> list[MutedRow]:
    """Return the rules that are or were muted for the entity, newest first."""
    return await fetch(
        tx,
        MutedRow,
        "select s.title, s.created_at as at, s.until, s.reason, coalesce(p.name, '') as actor,"
        " coalesce(c.hits, 0) as hits from radar.suppression s left join core.person p on p.id = s.author_id"
        " left join radar.suppression_count c on c.organization_id = s.organization_id"
        " and c.suppression_id = s.id where s.scope = %s and s.entity = %s"
        " order by s.created_at desc limit %s",
        [entity.kind, entity.value.lower(), MAX_MUTED],
    )
