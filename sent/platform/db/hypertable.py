"""Time series on TimescaleDB's community edition: hypertables, continuous aggregates, column storage.

Only called, never shipped: the extension's licence lets a customer use it, not us distribute it.

Hypertables and aggregates belong to `sent_series`. TimescaleDB runs policies in the background as the owner
of the hypertable and wants that role to be allowed to log in; `sent_owner` is not. So this one is, with no
password and no connections left for it: only background workers become it.

Row-level security and column storage exclude each other, so the tenant is kept by the views in front, and
nobody but the service roles is granted the storage. The extension opens much to everybody by default: jobs
one may schedule, catalogues of all chunks. `close` takes that away from everybody but the owners.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from sent.platform.db.plain import finer_is_clean
from sent.platform.db.tenancy import literal, split
from sent.platform.db.timeseries import (
    Rollup,
    TimeSeries,
    catalogued,
    note_trigger,
    rollup_view,
    series_view,
    storage_grants,
)

OLDEST = (2, 28)
"""What the statements here were tried with; earlier ones get the plain core."""

REFRESH = "30 seconds"


@dataclass(frozen=True, slots=True)
class Extension:
    """TimescaleDB as a database has it."""

    version: tuple[int, ...]
    schema: str
    licence: str

    @property
    def usable(self) -> bool:
        """Say whether it has continuous aggregates, policies and column storage."""
        return self.version[:2] >= OLDEST and self.licence == "timescale"


def extension(connection: psycopg.Connection[Any]) -> Extension | None:
    """Return the extension of this database, None without it."""
    row = connection.execute(
        "select e.extversion, quote_ident(n.nspname),"
        " coalesce(current_setting('timescaledb.license', true), '')"
        " from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace"
        " where e.extname = 'timescaledb'"
    ).fetchone()
    if row is None:
        return None
    version = tuple(int(part) for part in str(row[0]).split("-")[0].split(".") if part.isdigit())
    return Extension(version, str(row[1]), str(row[2]))


def owner(schema: str) -> Iterator[str]:
    """Yield what makes the role that owns hypertables; as a superuser."""
    yield (
        "do $$ begin if not exists (select from pg_catalog.pg_roles where rolname = 'sent_series')"
        " then create role sent_series login password null connection limit 0 noinherit; end if; end $$"
    )
    yield "grant sent_series to sent_owner with inherit true, set true"
    yield (
        "do $$ begin execute format('grant connect on database %I to sent_series', current_database());"
        " end $$"
    )
    yield "grant usage, create on schema ts to sent_series"
    yield f"grant usage on schema {schema} to sent_series, sent_owner"


def statements(spec: TimeSeries, schema: str) -> Iterator[str]:
    """Yield the SQL that creates the series; `schema` is the extension's. Runs as sent_owner."""
    body = ",\n  ".join(f"{name} {kind}" for name, kind in spec.all_columns())
    table = split(spec.storage)[1]
    yield (
        f"create table {spec.storage} (\n  {body},\n"
        f"  constraint pk_{table} primary key (organization_id, at, id)\n)"
    )
    yield f"alter table {spec.storage} owner to sent_series"
    yield "set role sent_series"
    yield (
        f"select {schema}.create_hypertable({literal(spec.storage)},"
        f" {schema}.by_range('at', interval '1 {spec.chunk}'), create_default_indexes => false)"
    )
    for index in spec.indexes:
        yield f"create index ix_{table}_{index[0]} on {spec.storage} (organization_id, {', '.join(index)})"
    for rollup in spec.rollups:
        yield from _aggregate(spec, rollup, schema)
    # No keeper by age and no column storage where rows are removed one by one, behind seals.
    if spec.writers:
        yield from _policies(spec, schema)
    yield from storage_grants(spec)
    yield "set role sent_owner"
    yield from catalogued(spec, "hypertable", json.dumps(asdict(spec)))
    yield from series_view(spec)
    yield from rollups(spec)


def rollups(spec: TimeSeries) -> Iterator[str]:
    """Yield views and functions of the rollups, replacing those that are there."""
    for rollup in spec.rollups:
        yield _forget(spec, rollup)
        yield from rollup_view(spec, rollup)
    if spec.rollups:
        yield from note_trigger(spec)


def _policies(spec: TimeSeries, schema: str) -> Iterator[str]:
    yield (
        f"select {schema}.add_retention_policy({literal(spec.storage)},"
        f" drop_after => interval {literal(spec.retention)} + interval '1 {spec.chunk}')"
    )
    if spec.compress_after is not None:
        yield (
            f"alter table {spec.storage} set (timescaledb.enable_columnstore = true,"
            " timescaledb.segmentby = 'organization_id', timescaledb.orderby = 'at desc, id')"
        )
        yield (
            f"call {schema}.add_columnstore_policy({literal(spec.storage)},"
            f" after => interval {literal(spec.compress_after)})"
        )


def _aggregate(spec: TimeSeries, rollup: Rollup, schema: str) -> Iterator[str]:
    """Yield the continuous aggregate; `counted` says how many rows a bucket was made of."""
    dimensions = "".join(f", e.{column}" for column in rollup.dimensions(spec))
    if rollup.of is None:
        source, clock, counted = spec.storage, "at", "count(*)"
        values = [f"{measure.of_raw()} as {measure.name}" for measure in rollup.measures]
    else:
        source, clock, counted = spec.rollup(rollup.of).storage, "bucket", "sum(e.counted)::bigint"
        values = [f"{measure.of_parts()} as {measure.name}" for measure in rollup.measures]
    bucket = f"{schema}.time_bucket(interval {literal(rollup.every)}, e.{clock})"
    positions = ", ".join(str(n + 1) for n in range(2 + len(rollup.dimensions(spec))))
    yield (
        f"create materialized view {rollup.storage}"
        " with (timescaledb.continuous, timescaledb.materialized_only = false) as"
        f" select e.organization_id, {bucket} as bucket{dimensions}, {', '.join(values)},"
        f" {counted} as counted"
        f" from {source} e group by {positions} with no data"
    )
    yield f"grant select on {rollup.storage} to sent_definer, sent_system"
    # Further back the rows may be gone, and what is stored is all there is.
    yield (
        f"select {schema}.add_continuous_aggregate_policy({literal(rollup.storage)},"
        f" start_offset => interval {literal(spec.retention)},"
        f" end_offset => interval {literal(rollup.every)}, schedule_interval => interval '{REFRESH}')"
    )
    yield (
        f"select {schema}.add_retention_policy({literal(rollup.storage)},"
        f" drop_after => interval {literal(rollup.keep)})"
    )


def _forget(spec: TimeSeries, rollup: Rollup) -> str:
    """Return the function that drops notes of buckets that are stored as they should be.

    Whoever refreshed the aggregate and whenever: rows are only added, so a bucket that counts as many as are
    there was computed from those that are there. All in one statement, so in one snapshot. Above the
    watermark nothing is stored: a refresh that is under way may still store less than a note knows of.
    """
    table = split(rollup.storage)[1]
    name = literal(rollup.name)
    source, clock, counted = spec.storage, "at", "count(*)"
    if rollup.of is not None:
        source, clock, counted = spec.rollup(rollup.of).storage, "bucket", "sum(e.counted)"
    until = f"e.{clock} < p.bucket + interval {literal(rollup.every)}"
    return f"""
create or replace function ts.recompute_{table}(most integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  amount integer;
  complete timestamptz := ts.floor({literal(spec.name)});
  stored_until timestamptz;
begin
  select _timescaledb_functions.to_timestamp(_timescaledb_functions.cagg_watermark(c.mat_hypertable_id))
  into stored_until from _timescaledb_catalog.continuous_agg c
  where c.user_view_schema = 'ts' and c.user_view_name = {literal(table)};
  with picked as (
    select distinct d.organization_id, d.bucket from ts.dirty d
    where d.rollup = {name} and d.bucket < stored_until{finer_is_clean(rollup)} limit most
  ), same as (
    select p.organization_id, p.bucket from picked p
    where p.bucket < complete or coalesce((select {counted} from {source} e
        where e.organization_id = p.organization_id and e.{clock} >= p.bucket and {until}), 0)
      = coalesce((select sum(r.counted) from {rollup.storage} r
        where r.organization_id = p.organization_id and r.bucket = p.bucket), 0)
  ), gone as (
    delete from ts.dirty d using same s
    where d.rollup = {name} and d.organization_id = s.organization_id and d.bucket = s.bucket
    returning d.organization_id, d.bucket
  )
  select count(*) into amount from (select distinct organization_id, bucket from gone) g;
  return amount;
end $$"""


_OPEN = (
    "_timescaledb_functions.cagg_watermark(integer)",
    "_timescaledb_functions.to_timestamp(bigint)",
    "{schema}.time_bucket(interval, timestamptz)",
)
"""What views of continuous aggregates call as whoever reads them."""


def close(connection: psycopg.Connection[Any]) -> bool:
    """Take from everybody what the extension opens; say whether it is there.

    An update of the extension opens again, so this runs at every migration. Its schemas `_catalog`,
    `_functions` and `_internal` must stay usable by name, or no statement on a hypertable works.
    """
    found = extension(connection)
    if found is None:
        return False
    schemas = ", ".join(
        name
        for (name,) in connection.execute(
            "select quote_ident(nspname) from pg_catalog.pg_namespace where nspname ~ '^_?timescaledb_'"
        )
    )
    functions = f"{schemas}, {found.schema}"
    hidden = ("timescaledb_information", "timescaledb_experimental", "_timescaledb_config")
    owners = "sent_owner, sent_series"
    with connection.transaction():
        for statement in owner(found.schema):
            connection.execute(statement)
        connection.execute(
            f"revoke all on all tables in schema {schemas} from public;"
            f" revoke all on all routines in schema {functions} from public;"
            f" revoke all on schema {found.schema}, {', '.join(hidden)} from public;"
            f" grant usage on schema {schemas} to {owners};"
            f" grant select on all tables in schema {schemas} to {owners};"
            f" grant execute on all routines in schema {functions} to {owners};"
            f" grant execute on function {', '.join(_OPEN).format(schema=found.schema)} to public"
        )
    return True
