"""Stored events in the order they happened, as rules see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.platform.db.uow import Tx, fetch, scalar

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


async def page(
    tx: Tx, since: datetime, until: datetime, after: tuple[datetime, UUID] | None
) -> list[PastEvent]:
    """Return the next events in [since, until) after (at, id), at most `PAGE`."""
    return await fetch(
        tx,
        PastEvent,
        "select e.id, e.at, e.host, e.program, e.channel, e.event_code, e.message, e.fields,"
        " s.product, s.category, s.service, s.mapping::text as mapping from radar.event e"
        " left join radar.source s on s.organization_id = e.organization_id and s.id = e.source_id"
        " where e.at >= %(since)s and e.at < %(until)s"
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
