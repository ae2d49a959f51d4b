"""Stored events in the order they happened, as rules see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.platform.db.uow import Tx, fetch, fetch_one, scalar

PAGE = 2000
"""Events of one round trip."""


@dataclass(frozen=True, slots=True)
class PastEvent:
    """A stored event, with what its source says of it (None where the source is gone)."""

    id: UUID
    at: datetime
    host: str
    program: str
    channel: str | None
    event_code: int | None
    message: str
    fields: dict[str, str | None]
    product: str | None
    category: str | None
    service: str | None
    mapping: str | None = None
    source_id: UUID | None = None


_EVENT = (
    "select e.id, e.at, e.host, e.program, e.channel, e.event_code, e.message, e.fields,"
    " s.product, s.category, s.service, e.source_id, s.mapping::text as mapping from radar.event e"
    " left join radar.source s on s.organization_id = e.organization_id and s.id = e.source_id"
)


async def page(
    tx: Tx, since: datetime, until: datetime, after: tuple[datetime, UUID] | None
) -> list[PastEvent]:
    """Return the next events in [since, until) after (at, id), at most `PAGE`."""
    return await fetch(
        tx,
        PastEvent,
        f"{_EVENT} where e.at >= %(since)s and e.at < %(until)s"
        + (" and (e.at, e.id) > (%(at)s, %(id)s)" if after else "")
        + f" order by e.at, e.id limit {PAGE}",
        {"since": since, "until": until} | ({"at": after[0], "id": after[1]} if after else {}),
    )


async def amount(tx: Tx, since: datetime, until: datetime) -> int:
    """Return about how many events there are in [since, until), from the rollup by minute."""
    found = await scalar(
        tx,
        "select coalesce(sum(m.events), 0)::bigint from radar.event_minute m"
        " where m.bucket >= date_trunc('minute', %s::timestamptz) and m.bucket < %s",
        [since, until],
    )
    return int(found)


async def latest(tx: Tx, limit: int) -> list[PastEvent]:
    """Return the events that came last, newest first."""
    return await fetch(tx, PastEvent, f"{_EVENT} order by e.received_at desc, e.id desc limit %s", [limit])


async def one(tx: Tx, event_id: UUID, at: datetime) -> PastEvent | None:
    """Return one event, or None when it is gone."""
    return await fetch_one(tx, PastEvent, f"{_EVENT} where e.at = %s and e.id = %s", [at, event_id])


async def of_alert(tx: Tx, alert_id: UUID) -> PastEvent | None:
    """Return the event that raised an alert; when it is gone, what the alert keeps of it."""
    cursor = await tx.execute("select a.first_event_id, a.at from radar.alert a where a.id = %s", [alert_id])
    row = await cursor.fetchone()
    if row is None:
        return None
    return await one(tx, row[0], row[1]) or await fetch_one(
        tx,
        PastEvent,
        "select a.first_event_id as id, a.at, a.host, coalesce(a.event->>'program', '') as program,"
        " a.event->>'Channel' as channel, case when a.event->>'EventID' ~ '^[0-9]{1,9}$'"
        " then (a.event->>'EventID')::integer end as event_code,"
        " coalesce(a.event->>'message', '') as message,"
        " a.event as fields, s.product, s.category, s.service, a.source_id from radar.alert a"
        " left join radar.source s on s.organization_id = a.organization_id and s.id = a.source_id"
        " where a.id = %s",
        [alert_id],
    )
