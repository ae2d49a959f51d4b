"""A time series to try both cores with: spec, rows, and fifty queries with their answers in Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

import sent.platform.db.operations  # noqa: F401  (registers the operations)
from sent.platform.db.ingest import Column, statement
from sent.platform.db.timeseries import Measure, Rollup, TimeSeries

MEASURES = (
    Measure("events", "count"),
    Measure("total", "sum", "value"),
    Measure("low", "min", "value"),
    Measure("high", "max", "value"),
)
SERIES = TimeSeries(
    "core.gauge",
    columns=(("device", "text"), ("value", "bigint not null")),
    retention="30 days",
    ahead=2,
    indexes=(("device", "at"),),
    rollups=(
        Rollup("core.gauge_minute", "1 minute", ("device",), MEASURES),
        Rollup("core.gauge_hour", "1 hour", (), MEASURES, of="core.gauge_minute"),
        Rollup("core.gauge_day", "1 day", (), MEASURES, of="core.gauge_hour"),
    ),
)
COLUMNS = [("at", "timestamptz"), ("id", "uuid"), ("device", "text"), ("value", "bigint")]
ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)

Admin = psycopg.Connection[Any]
Answer = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """One reading."""

    at: datetime
    id: UUID
    device: str | None
    value: int


def create(parameters: dict[str, Any], spec: TimeSeries = SERIES) -> None:
    """Make the series as a revision does, as the superuser of `parameters`."""
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(**parameters))
    with engine.begin() as raw:
        operations = Operations(MigrationContext.configure(raw))
        operations.sql("set role sent_owner")
        operations.create_timeseries(spec)
        operations.sql("reset role")
    engine.dispose()


@contextmanager
def speaking_as(admin: Admin, role: str, org: UUID | None = None) -> Iterator[Admin]:
    """Let the superuser be a service role, in an organisation, for one transaction."""
    with admin.transaction():
        admin.execute(f"set local session authorization {role}")
        admin.execute("set local timezone = 'UTC'")
        if org is not None:
            admin.execute("select set_config('sent.organization_id', %s, true)", [str(org)])
        yield admin


def put(admin: Admin, org: UUID, rows: Iterable[Row]) -> int:
    """Insert through the tenant's view, as a service does; rows that are there are skipped."""
    values = [(row.at, row.id, row.device, row.value) for row in rows]
    query = statement("core.gauge", COLUMNS, returning="id")
    encoded = [
        Column(kind, column) for (_, kind), column in zip(COLUMNS, zip(*values, strict=True), strict=True)
    ]
    with speaking_as(admin, "sent_app", org):
        return len(admin.execute(query, encoded).fetchall())


def ask(admin: Admin, org: UUID, query: str) -> Answer:
    """Return the answer to a query in an organisation."""
    with speaking_as(admin, "sent_app", org):
        return admin.execute(query).fetchall()


@dataclass(frozen=True, slots=True)
class Query:
    """A query over the views, and what it must answer over the organisation's rows."""

    name: str
    sql: str
    answer: Callable[[list[Row]], Answer]


def floor(at: datetime, width: timedelta) -> datetime:
    """Return the bucket that `at` falls into."""
    return at - (at - ORIGIN) % width


MINUTE, QUARTER, HOUR, DAY = (timedelta(minutes=n) for n in (1, 15, 60, 1440))


def _figures(values: list[int]) -> tuple[int, int, int, int]:
    return len(values), sum(values), min(values), max(values)


def _grouped(rows: Iterable[Row], key: Callable[[Row], tuple[Any, ...]]) -> Answer:
    found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row.value)
    ordered = sorted(
        found.items(), key=lambda item: [(part is None, part or "") for part in map(_text, item[0])]
    )
    return [(*key, *_figures(values)) for key, values in ordered]


def _text(part: Any) -> str | None:
    return None if part is None else part.isoformat() if isinstance(part, datetime) else str(part)


def queries(now: datetime) -> list[Query]:
    """Return the fifty: twelve questions over four windows, and two more."""
    windows = {
        "the_last_hour": (floor(now, HOUR) - HOUR, now + HOUR),
        "the_last_day": (floor(now, DAY) - DAY, now + HOUR),
        "three_weeks_ago": (floor(now, DAY) - 22 * DAY, floor(now, DAY) - 19 * DAY),
        "everything": (floor(now, DAY) - 29 * DAY, now + HOUR),
    }
    found = [query for name, (since, until) in windows.items() for query in _questions(name, since, until)]
    first = floor(now, DAY) - 28 * DAY
    days = [first + n * DAY for n in range(29)]
    found.append(
        Query(
            "days_with_gaps",
            "select g, coalesce(d.events, 0) from generate_series("
            f"'{first.isoformat()}'::timestamptz, '{days[-1].isoformat()}', interval '1 day') g"
            " left join core.gauge_day d on d.bucket = g order by g",
            lambda rows: [(day, sum(1 for r in rows if floor(r.at, DAY) == day)) for day in days],
        )
    )
    found.append(
        Query(
            "rollups_agree_with_each_other",
            "select coalesce(h.bucket, m.bucket) from core.gauge_hour h full join (select"
            " date_bin('1 hour', bucket, '2000-01-03 00:00+00') as bucket, sum(events) as events,"
            " sum(total) as total, min(low) as low, max(high) as high from core.gauge_minute group by 1) m"
            " on m.bucket = h.bucket and m.events = h.events and m.total = h.total and m.low = h.low"
            " and m.high = h.high where h.bucket is null or m.bucket is null",
            lambda _rows: [],
        )
    )
    return found


def _questions(window: str, since: datetime, until: datetime) -> Iterator[Query]:
    def query(
        name: str, sql: str, answer: Callable[[list[Row]], Answer], width: timedelta = timedelta.resolution
    ) -> Query:
        between = f"%s >= '{since.isoformat()}' and %s < '{until.isoformat()}'"
        for clock in ("at", "bucket"):
            sql = sql.replace(f"@{clock}", between.replace("%s", clock))
        return Query(
            f"{name}_of_{window}",
            sql,
            lambda rows: answer([row for row in rows if since <= floor(row.at, width) < until]),
        )

    figures = "count(*), sum(value)::bigint, min(value), max(value)"
    stored = "events, total, low, high"
    merged = "sum(events)::bigint, sum(total)::bigint, min(low), max(high)"
    newest = lambda rows: sorted(rows, key=lambda r: (r.at, r.id), reverse=True)  # noqa: E731
    yield query("count", "select count(*) from core.gauge where @at", lambda rows: [(len(rows),)])
    yield query(
        "figures_by_device",
        f"select device, {figures} from core.gauge where @at group by 1 order by device nulls last",
        lambda rows: _grouped(rows, lambda r: (r.device,)),
    )
    yield query(
        "newest_twenty",
        "select at, id, device, value from core.gauge where @at order by at desc, id desc limit 20",
        lambda rows: [(r.at, r.id, r.device, r.value) for r in newest(rows)[:20]],
    )
    yield query(
        "latest_of_each_device",
        "select distinct on (device) device, at, id, value from core.gauge where @at and device is not null"
        " order by device, at desc, id desc",
        lambda rows: sorted(
            (device, *next((r.at, r.id, r.value) for r in newest(rows) if r.device == device))
            for device in {r.device for r in rows if r.device is not None}
        ),
    )
    yield query(
        "quarters_from_raw",
        f"select date_bin('15 minutes', at, '2000-01-03 00:00+00'), {figures} from core.gauge where @at"
        " group by 1 order by 1",
        lambda rows: _grouped(rows, lambda r: (floor(r.at, QUARTER),)),
    )
    yield query(
        "minutes_by_device",
        f"select bucket, device, {stored} from core.gauge_minute where @bucket order by 1, 2 nulls last",
        lambda rows: _grouped(rows, lambda r: (floor(r.at, MINUTE), r.device)),
    )
    yield query(
        "minutes_without_device",
        f"select bucket, {stored} from core.gauge_minute where @bucket and device is null order by 1",
        lambda rows: _grouped((r for r in rows if r.device is None), lambda r: (floor(r.at, MINUTE),)),
    )
    yield query(
        "quarters_from_minutes",
        f"select date_bin('15 minutes', bucket, '2000-01-03 00:00+00'), {merged} from core.gauge_minute"
        " where @bucket group by 1 order by 1",
        lambda rows: _grouped(rows, lambda r: (floor(r.at, QUARTER),)),
    )
    yield query(
        "devices_from_minutes",
        f"select device, {merged} from core.gauge_minute where @bucket group by 1 order by device nulls last",
        lambda rows: _grouped(rows, lambda r: (r.device,)),
    )
    yield query(
        "hours",
        f"select bucket, {stored} from core.gauge_hour where @bucket order by 1",
        lambda rows: _grouped(rows, lambda r: (floor(r.at, HOUR),)),
    )
    yield query(
        "busiest_hours",
        f"select bucket, {stored} from core.gauge_hour where @bucket order by events desc, bucket limit 5",
        lambda rows: sorted(
            _grouped(rows, lambda r: (floor(r.at, HOUR),)), key=lambda found: (-found[1], found[0])
        )[:5],
    )
    yield query(
        "days",
        f"select bucket, {stored} from core.gauge_day where @bucket order by 1",
        lambda rows: _grouped(rows, lambda r: (floor(r.at, DAY),)),
        DAY,
    )
