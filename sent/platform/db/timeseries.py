"""Time series on plain PostgreSQL: partitioned storage, a guarded view, rollups that are never wrong.

Storage lives in schema `ts`, where no membership has any right. In front of it stands a security-barrier
view with local check option, so the organisation is enforced for reading and writing alike:

    radar.event  ->  ts.radar_event, one partition per chunk, and a default partition for what comes late

Rollups are kept true by dirty buckets. Every insert notes the buckets it touched (append only, so writers
never wait for each other); `ts.refresh()` takes such notes and recomputes their buckets from raw in the
same transaction, so a crash loses nothing and running twice changes nothing. The rollup's view answers
buckets that are still dirty from raw, so what it shows equals raw at every moment.

The key is (organization_id, at, id): partitioning wants the time inside, and the newest rows of one
organisation are then one range of the index.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from sent.platform.db.tenancy import Access, condition, literal, split

Chunk = Literal["day", "week", "month"]
Kind = Literal["count", "sum", "min", "max"]

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

    `name` is the view's, `"schema.table"`; `of` names a finer rollup of the same series to build on.
    """

    name: str
    every: str
    by: tuple[str, ...]
    measures: tuple[Measure, ...]
    of: str | None = None


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """What `op.create_timeseries` makes; a literal inside the revision.

    `columns` are (name, SQL type with constraints) besides organization_id, id, at and, with
    `client_scoped`, client_id. `indexes` are further column lists, each led by organization_id. `writers`
    are the service roles that may insert through the view (sent_ingest also by COPY into the storage).
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

    @property
    def storage(self) -> str:
        """Name of the partitioned table."""
        return _storage(self.name)

    def access(self) -> Access:
        """Who may read the view."""
        return Access(("select",), self.read, None, "client_id" if self.client_scoped else None)


def statements(spec: TimeSeries) -> Iterator[str]:
    """Yield the SQL that creates the series; the server's plain core."""
    columns = [("organization_id", "uuid not null default sec.org()"), ("at", "timestamptz not null")]
    columns += [("id", "uuid not null default core.uuid7()")]
    columns += [("client_id", "uuid")] if spec.client_scoped else []
    columns += list(spec.columns)
    body = ",\n  ".join(f"{name} {kind}" for name, kind in columns)
    table = split(spec.storage)[1]
    yield (
        f"create table {spec.storage} (\n  {body},\n"
        f"  constraint pk_{table} primary key (organization_id, at, id)\n) partition by range (at)"
    )
    yield f"create table {spec.storage}_default partition of {spec.storage} default"
    for index in spec.indexes:
        yield f"create index ix_{table}_{index[0]} on {spec.storage} (organization_id, {', '.join(index)})"
    yield f"grant select on {spec.storage} to sent_definer, sent_system"
    if "sent_ingest" in spec.writers:
        yield f"grant insert on {spec.storage} to sent_ingest"
    yield (
        "insert into ts.series (name, storage, chunk, ahead, retention, spec) values"
        f" ({literal(spec.name)}, {literal(spec.storage)}, {literal(spec.chunk)}, {spec.ahead},"
        f" {literal(spec.retention)}, {literal(json.dumps(asdict(spec)))})"
    )
    names = [name for name, _ in columns]
    yield from _view(spec.name, spec.storage, names, spec, writable=True)
    yield from _rollups(spec)
    yield f"select ts.make_partitions({literal(spec.name)})"


def _view(name: str, source: str, columns: list[str], spec: TimeSeries, *, writable: bool) -> Iterator[str]:
    rule = condition(spec.access(), spec.read)
    check = " with local check option" if writable else ""
    yield (
        f"create view {name} with (security_barrier = true) as select {', '.join(columns)}"
        f" from {source} where {rule}{check}"
    )
    yield f"grant select on {name} to sent_app, sent_system, sent_ingest"
    if writable and spec.writers:
        yield f"grant insert on {name} to {', '.join(spec.writers)}"
    if spec.staff:
        yield f"grant select on {name} to sent_staff"


def _rollups(spec: TimeSeries) -> Iterator[str]:
    if not spec.rollups:
        return
    for level, rollup in enumerate(spec.rollups):
        yield from _rollup(spec, rollup, level)
    table = split(spec.storage)[1]
    notes = "\n".join(
        "  insert into ts.dirty (rollup, organization_id, bucket)"
        f" select distinct {literal(r.name)}, organization_id, {_bucket(r, 'at')} from fresh;"
        for r in spec.rollups
    )
    yield (
        f"create function ts.note_{table}() returns trigger language plpgsql security definer"
        f" set search_path = '' as $$\nbegin\n{notes}\n  return null;\nend $$"
    )
    yield (
        f"create trigger dirty after insert on {spec.storage} referencing new table as fresh"
        f" for each statement execute function ts.note_{table}()"
    )


def _rollup(spec: TimeSeries, rollup: Rollup, level: int) -> Iterator[str]:
    storage = _storage(rollup.name)
    table = split(storage)[1]
    types = dict(spec.columns) | {"client_id": "uuid"}
    by = (("client_id",) if spec.client_scoped else ()) + rollup.by
    dimensions = "".join(f", {column} {types[column].split()[0]}" for column in by)
    measures = ", ".join(f"{measure.name} {measure.type}" for measure in rollup.measures)
    yield (
        f"create table {storage} (organization_id uuid not null, bucket timestamptz not null{dimensions},"
        f" {measures}, constraint uq_{table} unique nulls not distinct"
        f" (organization_id, bucket{''.join(', ' + column for column in by)}))"
    )
    yield f"grant select on {storage} to sent_definer, sent_system"
    names = ", ".join(["organization_id", "bucket", *by, *(m.name for m in rollup.measures)])
    raw = ", ".join(measure.of_raw() for measure in rollup.measures)
    live = _aggregate(spec.storage, "at", by, raw, rollup)
    if rollup.of:
        parts = ", ".join(measure.of_parts() for measure in rollup.measures)
        fresh = _aggregate(_storage(rollup.of), "bucket", by, parts, rollup)
    else:
        fresh = live
    yield _recompute(spec, rollup, storage, names, fresh)
    yield (
        "insert into ts.rollup (name, series, storage, level) values"
        f" ({literal(rollup.name)}, {literal(spec.name)}, {literal(storage)}, {level})"
    )
    dirty = f"ts.dirty d where d.rollup = {literal(rollup.name)}"
    open_buckets = f"(select distinct d.organization_id, d.bucket from {dirty}) g"
    union = (
        f"(select {names} from {storage} r where not exists (select from {dirty}"
        " and d.organization_id = r.organization_id and d.bucket = r.bucket)"
        f" union all {live.format(given=open_buckets)}) x"
    )
    columns = ["organization_id", "bucket", *by, *(m.name for m in rollup.measures)]
    yield from _view(rollup.name, union, columns, spec, writable=False)


def _aggregate(source: str, clock: str, by: tuple[str, ...], values: str, rollup: Rollup) -> str:
    """Return the query that computes the buckets of `{given} g`, from raw rows or a finer rollup."""
    grouped = "".join(f", e.{column}" for column in by)
    return (
        f"select e.organization_id, g.bucket{grouped}, {values} from {{given}} join {source} e"
        f" on e.organization_id = g.organization_id and e.{clock} >= g.bucket"
        f" and e.{clock} < g.bucket + interval {literal(rollup.every)}"
        f" group by e.organization_id, g.bucket{grouped}"
    )


def _recompute(spec: TimeSeries, rollup: Rollup, storage: str, names: str, fresh: str) -> str:
    table = split(storage)[1]
    given = "unnest(owners, buckets) as g (organization_id, bucket)"
    finer = ""
    if rollup.of:
        finer = (
            " and not exists (select from ts.dirty f where f.rollup = "
            f"{literal(rollup.of)} and f.organization_id = d.organization_id and f.bucket >= d.bucket"
            f" and f.bucket < d.bucket + interval {literal(rollup.every)})"
        )
    return f"""
create function ts.recompute_{table}(most integer) returns integer language plpgsql security definer
set search_path = '' as $$
declare
  owners uuid[];
  buckets timestamptz[];
  oldest timestamptz := now() - interval {literal(spec.retention)};
begin
  with picked as (
    select distinct d.organization_id, d.bucket from ts.dirty d
    where d.rollup = {literal(rollup.name)}{finer} limit most
  ), gone as (
    delete from ts.dirty d using picked p
    where d.rollup = {literal(rollup.name)} and d.organization_id = p.organization_id and d.bucket = p.bucket
    returning d.organization_id, d.bucket
  )
  select array_agg(organization_id), array_agg(bucket) into owners, buckets
  from (select distinct organization_id, bucket from gone where bucket >= oldest) g;
  if owners is null then return 0; end if;
  delete from {storage} r using {given}
  where r.organization_id = g.organization_id and r.bucket = g.bucket;
  insert into {storage} ({names})
  {fresh.format(given=given)};
  return cardinality(owners);
end $$"""


def _bucket(rollup: Rollup, column: str) -> str:
    return f"date_bin(interval {literal(rollup.every)}, {column}, {ORIGIN})"


def _storage(name: str) -> str:
    schema, table = split(name)
    return f"ts.{schema}_{table}"
