"""Stored events in SQL: the live tail, rates and figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sent.engines.radar.desk import SEVERITIES, EventRow, RatePoint, parse_query
from sent.engines.radar.store.alerts import like
from sent.platform.db.uow import Tx, fetch, scalar

MAX_PAGE = 2000
MESSAGE_SHOWN = 2000
"""Characters of a message a row of the tail carries."""

MAX_BUCKETS = 2000

_COLUMNS = {
    "host": "e.host",
    "program": "e.program",
    "message": "e.message",
    "channel": "coalesce(e.channel, '')",
    "event": "coalesce(e.event_code::text, '')",
    "source": "coalesce(s.name, '')",
}


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    at: datetime
    received_at: datetime
    severity: int
    source_name: str
    host: str
    program: str
    message: str

    def value(self) -> EventRow:
        return EventRow(
            self.id,
            self.at,
            self.received_at,
            SEVERITIES[self.severity],
            self.source_name,
            self.host,
            self.program,
            self.message,
        )


async def tail(tx: Tx, after: tuple[datetime, UUID] | None, limit: int, query: str) -> list[EventRow]:
    """Return events in the order they were received: those after (received_at, id), else the latest."""
    where, values = _where(query)
    if after is not None:
        where += " and (e.received_at, e.id) > (%s, %s)"
        values += after
    order = "asc" if after is not None else "desc"
    rows = await fetch(
        tx,
        _Row,
        "select e.id, e.at, e.received_at, e.severity::integer, coalesce(s.name, '') as source_name, e.host,"
        f" e.program, left(e.message, {MESSAGE_SHOWN}) as message from radar.event e"
        " left join radar.source s on s.organization_id = e.organization_id and s.id = e.source_id"
        f" where {where} order by e.received_at {order}, e.id {order} limit %s",
        [*values, max(1, min(limit, MAX_PAGE))],
    )
    found = [row.value() for row in rows]
    return found if after is not None else found[::-1]


async def rate(tx: Tx, since: datetime, until: datetime, bucket_seconds: int) -> list[RatePoint]:
    """Return events and alerts per bucket in [since, until); buckets without any are left out.

    Buckets of whole minutes come from the rollup, finer ones from the events themselves.
    """
    whole = bucket_seconds % 60 == 0
    events = (
        "select date_bin(%(step)s, m.bucket, %(origin)s) as at, sum(m.events)::bigint as events, 0 as alerts"
        " from radar.event_minute m where m.bucket >= %(since)s and m.bucket < %(until)s group by 1"
        if whole
        else "select date_bin(%(step)s, e.at, %(origin)s) as at, count(*) as events, 0 as alerts"
        " from radar.event e where e.at >= %(since)s and e.at < %(until)s group by 1"
    )
    values: dict[str, Any] = {
        "step": f"{bucket_seconds} seconds",
        "origin": since,
        "since": since,
        "until": until,
        "most": MAX_BUCKETS,
    }
    return await fetch(
        tx,
        RatePoint,
        f"select x.at, sum(x.events)::bigint as events, sum(x.alerts)::bigint as alerts from ({events}"
        " union all select date_bin(%(step)s, a.at, %(origin)s), 0, count(*) from radar.alert a"
        " where a.at >= %(since)s and a.at < %(until)s group by 1) x"
        " group by x.at order by x.at limit %(most)s",
        values,
    )


async def per_second(tx: Tx, seconds: int = 10) -> float:
    """Return the events received per second over the last `seconds`."""
    amount = await scalar(
        tx,
        "select count(*) from radar.event e"
        " where e.received_at > clock_timestamp() - make_interval(secs => %s)",
        [seconds],
    )
    return float(amount) / seconds


async def since(tx: Tx, moment: datetime) -> int:
    """Return how many events happened since `moment`."""
    amount = await scalar(
        tx,
        "select coalesce(sum(m.events), 0)::bigint from radar.event_minute m where m.bucket >= %s",
        [moment],
    )
    return int(amount)


async def lag_ms(tx: Tx) -> float | None:
    """Return the largest time from receiving to storing that a running radar worker reports."""
    value = await scalar(
        tx,
        "select max((f.metrics->>'ingest_lag_ms')::double precision) from core.fleet() f"
        " where f.service = 'radar' and f.state in ('ready', 'degraded') and f.age_seconds < 30",
    )
    return None if value is None else float(value)


async def recent_fields(tx: Tx, limit: int = 1000) -> list[dict[str, Any]]:
    """Return the fields of the latest events."""
    cursor = await tx.execute(
        "select e.fields from radar.event e order by e.received_at desc, e.id desc limit %s", [limit]
    )
    return [row[0] for row in await cursor.fetchall()]


def _where(query: str) -> tuple[str, list[Any]]:
    parts = ["e.organization_id = (select sec.org())"]
    values: list[Any] = []
    for name, value, negated in parse_query(query).terms:
        no = "not " if negated else ""
        if name.lower() == "level":
            parts.append(f"{no}e.severity = any (%s)")
            values.append([n for n, known in enumerate(SEVERITIES) if known.startswith(value.lower())])
        elif name.lower() in _COLUMNS:
            parts.append(f"{no}{_COLUMNS[name.lower()]} ilike %s")
            values.append(like(value))
        elif name:
            parts.append(f"{no}coalesce(e.fields ->> %s, '') ilike %s")
            values += [name, like(value)]
        else:
            parts.append(f"{no}concat_ws(' ', e.message, e.host, e.program) ilike %s")
            values.append(like(value))
    return " and ".join(parts), values
