"""Search over stored events in SQL: functions of sent_definer, given the query as a tree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.engines.radar.desk import SEVERITIES
from sent.engines.radar.searching.found import Bucket, FieldUse, FieldValues, FoundEvent, Page, ValueCount
from sent.engines.radar.searching.query import Tree
from sent.platform.db.uow import Tx, fetch, fetch_one

MAX_PAGE = 2000

Place = tuple[datetime, UUID]

_COLUMNS = (
    "e.id, e.at, e.received_at, e.severity, e.source_id, coalesce(s.name, '') as source_name, e.host,"
    " e.program, e.message, e.fields"
)
_NAMED = "left join radar.source s on s.organization_id = (select sec.org()) and s.id = e.source_id"


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID | None
    at: datetime
    received_at: datetime
    severity: int
    source_id: UUID | None
    source_name: str
    host: str
    program: str
    message: str
    fields: dict[str, Any]

    def value(self) -> FoundEvent:
        assert self.id is not None  # noqa: S101  (only the last row of an unfinished page has none)
        return FoundEvent(
            self.id,
            self.at,
            self.received_at,
            self.severity,
            SEVERITIES[self.severity],
            self.source_id,
            self.source_name,
            self.host,
            self.program,
            self.message,
            self.fields,
        )


@dataclass(frozen=True, slots=True)
class _Counted:
    at: datetime
    severity: int
    amount: int
    share: int


async def page(
    tx: Tx, tree: Tree, since: datetime, until: datetime, before: Place | None, limit: int
) -> Page:
    """Return events in [since, until), newest first, before the place (at, id)."""
    rows = await fetch(
        tx,
        _Row,
        f"select {_COLUMNS} from radar.search_events(%s, %s, %s, %s, %s, %s) e {_NAMED}"
        " order by e.id is null, e.at desc, e.id desc",
        [Jsonb(tree), since, until, *(before or (None, None)), max(1, min(limit, MAX_PAGE))],
    )
    stopped = rows.pop().at if rows and rows[-1].id is None else None
    return Page([row.value() for row in rows], stopped)


async def whole(tx: Tx, event_id: UUID, at: datetime) -> FoundEvent | None:
    """Return one event uncut."""
    row = await fetch_one(
        tx, _Row, f"select {_COLUMNS} from radar.event_whole(%s, %s) e {_NAMED}", [event_id, at]
    )
    return None if row is None else row.value()


async def histogram(
    tx: Tx, tree: Tree, since: datetime, until: datetime, step_seconds: int
) -> tuple[list[Bucket], int]:
    """Return the buckets that hold something, and of how many events one was counted."""
    rows = await fetch(
        tx,
        _Counted,
        "select * from radar.search_histogram(%s, %s, %s, make_interval(secs => %s)) order by at",
        [Jsonb(tree), since, until, step_seconds],
    )
    buckets: dict[datetime, dict[int, int]] = {}
    for row in rows:
        buckets.setdefault(row.at, {})[row.severity] = row.amount
    return [Bucket(at, by) for at, by in buckets.items()], max((row.share for row in rows), default=1)


async def values(tx: Tx, tree: Tree, since: datetime, until: datetime, field: str, limit: int) -> FieldValues:
    """Return the most frequent values of `field`."""
    cursor = await tx.execute(
        "select value, amount, looked, share from radar.search_values(%s, %s, %s, %s, %s)",
        [Jsonb(tree), since, until, field, limit],
    )
    rows = await cursor.fetchall()
    looked, share = (int(rows[0][2]), int(rows[0][3])) if rows else (0, 1)
    return FieldValues(field, [ValueCount(row[0], int(row[1])) for row in rows], looked, share)


async def fields(tx: Tx, tree: Tree, since: datetime, until: datetime) -> list[FieldUse]:
    """Return the fields of the events that fit, the most frequent first."""
    return await fetch(
        tx,
        FieldUse,
        "select field, amount, distinct_values, looked, share from radar.search_fields(%s, %s, %s)",
        [Jsonb(tree), since, until],
    )
