"""What is set about one source, in SQL: changed only as it was read (its version)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.platform.db.uow import Tx, fetch, fetch_one, scalar
from sent.platform.errors import Conflict, Denied, NotFound


@dataclass(frozen=True, slots=True)
class Known:
    """What a change needs to know of a source."""

    id: UUID
    kind: str
    version: int
    mapping: str | None
    product: str | None
    category: str | None
    service: str | None
    zone: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The fields of a stored event, and how it was routed."""

    fields: dict[str, str | None]
    channel: str | None
    event_code: int | None
    program: str
    host: str
    at: datetime


async def known(tx: Tx, source_id: UUID) -> Known:
    """Return a source; raises NotFound."""
    found = await fetch_one(
        tx,
        Known,
        "select s.id, s.kind, s.version, s.mapping::text as mapping, s.product, s.category, s.service,"
        " s.zone from radar.source s where s.id = %s",
        [source_id],
    )
    if found is None:
        raise NotFound("radar.source.missing", "the source is not there, or not yours to see")
    return found


async def change(tx: Tx, source_id: UUID, expected: int, values: dict[str, Any]) -> None:
    """Change columns of a source that has still the version it was read at; Conflict, Denied, NotFound.

    `values` are named by this engine, never by who asks.
    """
    columns = ", ".join(f"{name} = %s" for name in values)
    given = [Jsonb(value) if isinstance(value, dict) else value for value in values.values()]
    cursor = await tx.execute(
        f"update radar.source set {columns} where id = %s and version = %s", [*given, source_id, expected]
    )
    if cursor.rowcount == 1:
        return
    version = await scalar(tx, "select s.version from radar.source s where s.id = %s", [source_id])
    if version is None:
        raise NotFound("radar.source.missing", "the source is not there, or not yours to change")
    if version == expected:
        raise Denied("radar.source", "your role may not change sources")
    raise Conflict("radar.source.changed", "somebody else changed the source first; look again")


async def latest(tx: Tx, source_id: UUID, limit: int) -> list[Sample]:
    """Return the latest events of a source, within a week, newest first."""
    return await fetch(
        tx,
        Sample,
        "select e.fields, e.channel, e.event_code, e.program, e.host, e.at from radar.event e"
        " where e.source_id = %s and e.received_at > now() - interval '7 days'"
        " order by e.received_at desc, e.id desc limit %s",
        [source_id, limit],
    )


async def rules_by_logsource(tx: Tx) -> list[tuple[str, int]]:
    """Return how many running rules there are of each log source, written `product/category/service`."""
    cursor = await tx.execute(
        "select r.logsource, count(*) from radar.rule r where r.enabled and r.reason is null"
        " and r.kind = 'rule' group by r.logsource"
    )
    return [(row[0], int(row[1])) for row in await cursor.fetchall()]


async def clients(tx: Tx) -> list[tuple[UUID, str]]:
    """Return the organisation's clients by name."""
    cursor = await tx.execute(
        "select c.id, c.name from core.client c where c.state = 'active' order by c.name"
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def now(tx: Tx) -> datetime:
    """Return the database's time."""
    found: datetime = await scalar(tx, "select now()")
    return found
