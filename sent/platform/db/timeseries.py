"""Time series: what a series is, and the guarded views in front of it, the same on both cores.

Storage lives in schema `ts`, where no membership has any right. In front of it stands a security-barrier
view with local check option, so the organisation is enforced for reading and writing alike:

    radar.event  ->  ts.radar_event

On plain PostgreSQL the storage is one partition per chunk and a default partition for what comes late
(`plain`); where TimescaleDB's community edition runs it is a hypertable (`hypertable`). The server decides
when the series is made, and `ts.series.core` remembers; everybody above sees the same names, columns, types
and rights.

Rollups are kept true by dirty buckets. Every insert notes the buckets it touched (append only, so writers
never wait for each other). The rollup's view answers buckets that are still dirty from raw, so what it
shows equals raw at every moment, on both cores: a continuous aggregate alone shows late rows only after its
next refresh. A note goes when what is stored was computed from the very rows that are there.

The key is (organization_id, at, id): partitioning wants the time inside, and the newest rows of one
organisation are then one range of the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sent.platform.db.tenancy import Access, condition, literal, split

Chunk = Literal["day", "week", "month"]
Kind = Literal["count", "sum", "min", "max"]
Core = Literal["plain", "hypertable"]

ORIGIN = "timestamptz '2000-01-03 00:00:00+00'"
"""A Monday: buckets of weeks begin there."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A value that can be merged from parts: count of rows, or sum, min, max of a column."""

    name: str
    kind: Kind
    column: str = ""
    type: str = "bigint"

    def of_raw(self) -> str:
        """Return the aggregate over raw rows."""
        return "count(*)" if self.kind == "count" else f"{self.kind}(e.{self.column})::{self.type}"

    def of_parts(self) -> str:
        """Return the aggregate over rows of a finer rollup."""
        merge = "sum" if self.kind in ("count", "sum") else self.kind
        return f"{merge}(e.{self.name})::{self.type}"


@dataclass(frozen=True, slots=True)
class Rollup:
    """Aggregates per bucket of `every` (such as "1 minute", at most days) and per value of `by`.

    `name` is the view's, `"schema.table"`; `of` names a finer rollup of the same series to build on. Without
    it a bucket lies inside one chunk, so that it is computed from all of its rows or not at all. `keep` is
    how long buckets stay: longer than the rows they were made of.
    """

    name: str
    every: str
    by: tuple[str, ...]
    measures: tuple[Measure, ...]
    of: str | None = None
    keep: str = "5 years"

    @property
    def storage(self) -> str:
        """Name of the table or the continuous aggregate behind the view."""
        return storage(self.name)

    def columns(self, spec: TimeSeries) -> list[str]:
        """Return the names of the view's columns."""
        return ["organization_id", "bucket", *self.dimensions(spec), *(m.name for m in self.measures)]

    def dimensions(self, spec: TimeSeries) -> tuple[str, ...]:
        """Return the columns it groups by besides organisation and bucket."""
        return (("client_id",) if spec.client_scoped else ()) + self.by

    def bucket(self, column: str) -> str:
        """Return the expression of the bucket that `column` falls into."""
        return f"date_bin(interval {literal(self.every)}, {column}, {ORIGIN})"


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """What `op.create_timeseries` makes; a literal inside the revision.

    `columns` are (name, SQL type with constraints) besides organization_id, id, at and, with
    `client_scoped`, client_id. `indexes` are further column lists, each led by organization_id. `writers`
    are the service roles that may insert through the view (sent_ingest also by COPY into the storage). A
    series without writers is filled by triggers and thinned by its own keeper: nothing drops it by age.
    `compress_after` is when chunks of a hypertable turn into column storage.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    chunk: Chunk = "day"
    ahead: int = 7
    retention: str = "90 days"
    read: str | None = None
    staff: bool = True
    writers: tuple[str, ...] = ("sent_app", "sent_system", "sent_ingest")
    client_scoped: bool = False
    indexes: tuple[tuple[str, ...], ...] = ()
    rollups: tuple[Rollup, ...] = ()
    compress_after: str | None = "7 days"

    def __post_init__(self) -> None:
        known: dict[str, Rollup] = {}
        for rollup in self.rollups:
            if rollup.of is None and _seconds(rollup.every) > _CHUNK_S[self.chunk]:
                raise ValueError(
                    f"{rollup.name}: buckets of {rollup.every} do not fit into chunks of a {self.chunk};"
                    " build it on a finer rollup (of=...)"
                )
            if rollup.of is not None:
                if rollup.of not in known:
                    raise ValueError(f"{rollup.name}: {rollup.of} must be a rollup of the series before it")
                if _seconds(rollup.every) % _seconds(known[rollup.of].every):
                    raise ValueError(f"{rollup.name}: its buckets are not made of whole ones of {rollup.of}")
            known[rollup.name] = rollup

    @property
    def storage(self) -> str:
        """Name of the partitioned table or hypertable."""
        return storage(self.name)

    def rollup(self, name: str) -> Rollup:
        """Return the rollup called `name`."""
        return next(rollup for rollup in self.rollups if rollup.name == name)

    def finest(self, rollup: Rollup) -> Rollup:
        """Return the rollup, made of rows, that `rollup` is made of in the end."""
        return rollup if rollup.of is None else self.finest(self.rollup(rollup.of))

    def all_columns(self) -> list[tuple[str, str]]:
        """Return (name, SQL type with constraints) of every column."""
        return [
            ("organization_id", "uuid not null default sec.org()"),
            ("at", "timestamptz not null"),
            ("id", "uuid not null default core.uuid7()"),
            *([("client_id", "uuid")] if self.client_scoped else []),
            *self.columns,
        ]

    def access(self) -> Access:
        """Who may read the view."""
        return Access(("select",), self.read, None, "client_id" if self.client_scoped else None)


def from_json(stored: Mapping[str, Any]) -> TimeSeries:
    """Return the spec that `ts.series.spec` holds."""
    rollups = tuple(
        Rollup(**{**r, "by": tuple(r["by"]), "measures": tuple(Measure(**m) for m in r["measures"])})
        for r in stored["rollups"]
    )
    return TimeSeries(
        **{
            **stored,
            "columns": tuple((name, kind) for name, kind in stored["columns"]),
            "writers": tuple(stored["writers"]),
            "indexes": tuple(tuple(index) for index in stored["indexes"]),
            "rollups": rollups,
        }
    )


def storage(name: str) -> str:
    """Return the name behind the view `name`: `"radar.event"` -> `"ts.radar_event"`."""
    schema, table = split(name)
    return f"ts.{schema}_{table}"


def series_view(spec: TimeSeries) -> Iterator[str]:
    """Yield the view in front of the storage."""
    names = [name for name, _ in spec.all_columns()]
    yield from _view(spec.name, spec.storage, names, spec, writable=True)


def rollup_view(spec: TimeSeries, rollup: Rollup) -> Iterator[str]:
    """Yield the view in front of a rollup."""
    yield from _view(rollup.name, f"{truth(spec, rollup)} x", rollup.columns(spec), spec, writable=False)


def note_trigger(spec: TimeSeries) -> Iterator[str]:
    """Yield what notes the buckets that an insert touched."""
    table = split(spec.storage)[1]
    # Rows older than the retention go with the next upkeep; their buckets are what is left of the others.
    notes = "\n".join(
        "  insert into ts.dirty (rollup, organization_id, bucket)"
        f" select {literal(r.name)}, n.organization_id, n.bucket from (select distinct organization_id,"
        f" {r.bucket('at')} as bucket from fresh) n where n.bucket >= complete;"
        for r in spec.rollups
    )
    yield (
        f"create or replace function ts.note_{table}() returns trigger language plpgsql security definer"
        " set search_path = '' as $$\ndeclare\n"
        f"  complete timestamptz := ts.floor({literal(spec.name)});\nbegin\n{notes}\n  return null;\nend $$"
    )
    yield (
        f"create or replace trigger dirty after insert on {spec.storage} referencing new table as fresh"
        f" for each statement execute function ts.note_{table}()"
    )


def truth(spec: TimeSeries, rollup: Rollup, within: tuple[str, str] | None = None) -> str:
    """Return the rollup of all organisations as it is now: stored buckets, and dirty ones recomputed.

    `within` names a row of the query around it and a width: only the buckets of that wider bucket.
    """
    names = ", ".join(rollup.columns(spec))
    name = literal(rollup.name)
    inside = ["", ""] if within is None else [_inside(alias, "bucket", *within) for alias in ("r", "d")]
    alias = "p" if within is None else "q"
    given = (
        "(select distinct d.organization_id, d.bucket from ts.dirty d"
        f" where d.rollup = {name}{inside[1]}) {alias}"
    )
    # `not in` is hashed whatever the planner believes of the notes, which come and go faster than its
    # statistics; `not exists` becomes a loop over all of them for every bucket when it expects none.
    return (
        f"(select {names} from {rollup.storage} r where (r.organization_id, r.bucket) not in"
        f" (select f.organization_id, f.bucket from ts.dirty f where f.rollup = {name}){inside[0]}"
        f" union all {buckets(spec, rollup, given, alias=alias, live=True)})"
    )


def buckets(spec: TimeSeries, rollup: Rollup, given: str, *, alias: str = "g", live: bool) -> str:
    """Return the query that computes the buckets of `given`, a row source (organization_id, bucket).

    From raw rows or the finer rollup: as it is now (`live`), or as it is stored, where it is known clean. Now
    is asked of the finest one straight away: asking level by level costs seconds where this costs
    milliseconds.
    """
    if rollup.of is None:
        source, values = f"select * from {spec.storage} s", [m.of_raw() for m in rollup.measures]
        where = f"{_inside('s', 'at', alias, rollup.every)}"
    else:
        values = [m.of_parts() for m in rollup.measures]
        if live:
            source, where = f"select * from {truth(spec, spec.finest(rollup), (alias, rollup.every))} s", ""
        else:
            source = f"select * from {spec.rollup(rollup.of).storage} s"
            where = _inside("s", "bucket", alias, rollup.every)
    grouped = "".join(f", e.{column}" for column in rollup.dimensions(spec))
    # Each bucket is grouped for itself, so that it leads into the index however the source is composed: a
    # join over all of them that is grouped afterwards reads ten million rows for fifty buckets, because the
    # planner cannot tell how few rows lie in one.
    listed = ", ".join([*(f"e.{column}" for column in rollup.dimensions(spec)), *values])
    return (
        f"select {alias}.organization_id, {alias}.bucket, x.* from {given} cross join lateral"
        f" (select {listed} from ({source} where true{where}) e group by e.organization_id{grouped}) x"
    )


def _inside(row: str, clock: str, outer: str, width: str) -> str:
    """Return the condition that `row` lies in the bucket of `outer`."""
    return (
        f" and {row}.organization_id = {outer}.organization_id and {row}.{clock} >= {outer}.bucket"
        f" and {row}.{clock} < {outer}.bucket + interval {literal(width)}"
    )


def catalogued(spec: TimeSeries, core: Core, text: str) -> Iterator[str]:
    """Yield what enters series and rollups into their catalogue; `text` is the spec as JSON."""
    yield (
        "insert into ts.series (name, storage, core, chunk, ahead, retention, spec) values"
        f" ({literal(spec.name)}, {literal(spec.storage)}, {literal(core)}, {literal(spec.chunk)},"
        f" {spec.ahead}, {literal(spec.retention)}, {literal(text)})"
    )
    for level, rollup in enumerate(spec.rollups):
        yield (
            "insert into ts.rollup (name, series, storage, level) values"
            f" ({literal(rollup.name)}, {literal(spec.name)}, {literal(rollup.storage)}, {level})"
        )


def storage_grants(spec: TimeSeries) -> Iterator[str]:
    """Yield who reaches the storage: services that work for all organisations, and COPY."""
    yield f"grant select on {spec.storage} to sent_definer, sent_system"
    if "sent_ingest" in spec.writers:
        yield f"grant insert on {spec.storage} to sent_ingest"


def _view(name: str, source: str, columns: list[str], spec: TimeSeries, *, writable: bool) -> Iterator[str]:
    rule = condition(spec.access(), spec.read)
    check = " with local check option" if writable else ""
    yield (
        f"create or replace view {name} with (security_barrier = true) as select {', '.join(columns)}"
        f" from {source} where {rule}{check}"
    )
    yield f"grant select on {name} to sent_app, sent_system, sent_ingest"
    if writable and spec.writers:
        yield f"grant insert on {name} to {', '.join(spec.writers)}"
    if spec.staff:
        yield f"grant select on {name} to sent_staff"


_CHUNK_S = {"day": 86_400, "week": 7 * 86_400, "month": 28 * 86_400}
_UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 7 * 86_400}


def _seconds(every: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]*) (second|minute|hour|day|week)s?", every)
    if found is None:
        raise ValueError(f"{every!r}: buckets are written as '1 minute', in units up to weeks")
    return int(found[1]) * _UNIT_S[found[2]]
