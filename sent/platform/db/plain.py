"""Time series on plain PostgreSQL: declarative partitions, rollup tables recomputed bucket by bucket.

`ts.recompute_<table>` takes notes and recomputes their buckets from raw (or the finer rollup) in the same
transaction, so a crash loses nothing and running twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from sent.platform.db.tenancy import literal, split
from sent.platform.db.timeseries import (
    Rollup,
    TimeSeries,
    buckets,
    catalogued,
    note_trigger,
    rollup_view,
    series_view,
    storage_grants,
)


def statements(spec: TimeSeries) -> Iterator[str]:
    """Yield the SQL that creates the series."""
    body = ",\n  ".join(f"{name} {kind}" for name, kind in spec.all_columns())
    table = split(spec.storage)[1]
    yield (
        f"create table {spec.storage} (\n  {body},\n"
        f"  constraint pk_{table} primary key (organization_id, at, id)\n) partition by range (at)"
    )
    yield f"create table {spec.storage}_default partition of {spec.storage} default"
    for index in spec.indexes:
        yield f"create index ix_{table}_{index[0]} on {spec.storage} (organization_id, {', '.join(index)})"
    yield from storage_grants(spec)
    yield from catalogued(spec, "plain", json.dumps(asdict(spec)))
    yield from series_view(spec)
    for rollup in spec.rollups:
        yield from _storage(spec, rollup)
    yield from rollups(spec)
    yield f"select ts.make_partitions({literal(spec.name)})"


def rollups(spec: TimeSeries) -> Iterator[str]:
    """Yield views and functions of the rollups, replacing those that are there."""
    for rollup in spec.rollups:
        yield _recompute(spec, rollup)
        yield from rollup_view(spec, rollup)
    if spec.rollups:
        yield from note_trigger(spec)


def _storage(spec: TimeSeries, rollup: Rollup) -> Iterator[str]:
    table = split(rollup.storage)[1]
    types = dict(spec.all_columns())
    by = rollup.dimensions(spec)
    dimensions = "".join(f", {column} {types[column].split()[0]}" for column in by)
    measures = ", ".join(f"{measure.name} {measure.type}" for measure in rollup.measures)
    yield (
        f"create table {rollup.storage} (organization_id uuid not null, bucket timestamptz not null"
        f"{dimensions}, {measures}, constraint uq_{table} unique nulls not distinct"
        f" (organization_id, bucket{''.join(', ' + column for column in by)}))"
    )
    yield f"grant select on {rollup.storage} to sent_definer, sent_system"


def _recompute(spec: TimeSeries, rollup: Rollup) -> str:
    given = "unnest(owners, buckets) as g (organization_id, bucket)"
    return f"""
create or replace function ts.recompute_{split(rollup.storage)[1]}(most integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  owners uuid[];
  buckets timestamptz[];
  complete timestamptz := ts.floor({literal(spec.name)});
begin
  with picked as (
    select distinct d.organization_id, d.bucket from ts.dirty d
    where d.rollup = {literal(rollup.name)}{finer_is_clean(rollup)} limit most
  ), gone as (
    delete from ts.dirty d using picked p
    where d.rollup = {literal(rollup.name)} and d.organization_id = p.organization_id and d.bucket = p.bucket
    returning d.organization_id, d.bucket
  )
  select array_agg(organization_id), array_agg(bucket) into owners, buckets
  from (select distinct organization_id, bucket from gone where bucket >= complete) g;
  if owners is null then return 0; end if;
  delete from {rollup.storage} r using {given}
  where r.organization_id = g.organization_id and r.bucket = g.bucket;
  insert into {rollup.storage} ({", ".join(rollup.columns(spec))})
  {buckets(spec, rollup, given, live=False)};
  return cardinality(owners);
end $$"""


def finer_is_clean(rollup: Rollup) -> str:
    """Return the condition that nothing the bucket d is made of is still dirty."""
    if rollup.of is None:
        return ""
    return (
        f" and not exists (select from ts.dirty f where f.rollup = {literal(rollup.of)}"
        " and f.organization_id = d.organization_id and f.bucket >= d.bucket"
        f" and f.bucket < d.bucket + interval {literal(rollup.every)})"
    )
