"""Upkeep of time series: partitions that come and go without stopping anybody, alarms, rollups thinned.

Each step is a function of its own and so a transaction of its own: a partition is attached or detached
under a lock of milliseconds, whatever else there is to do. A partition that was detached and not dropped,
because the process died in between, is found by its name and dropped later.

`DETACH .. CONCURRENTLY` is refused while there is a default partition, so partitions are detached the plain
way, with a lock timeout: who cannot get the lock at once tries again at the next round.
"""

from __future__ import annotations

from alembic import op

from sent.platform.db import plain
from sent.platform.db.timeseries import from_json

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PARTITIONS = """
alter table ts.dirty add column at timestamptz not null default now();

-- Rows before this moment go, or have gone: a bucket is recomputed only where all of its rows are there.
create or replace function ts.floor(series text) returns timestamptz language sql stable
set search_path = '' as $$
  select date_trunc(s.chunk, now() - s.retention, 'UTC') from ts.series s where s.name = floor.series
$$;

-- Makes the partition of the chunk that contains `moment`; rows that waited in the default partition move
-- in. It is filled first and attached then, so that the table itself is never locked against readers.
-- Writers wait where rows of the chunk may come meanwhile: one who was sent to the default partition before
-- and gets there afterwards would be refused.
create or replace function ts.make_partition(series text, moment timestamptz) returns boolean
language plpgsql security definer set search_path = '' set lock_timeout = '2s' as $$
declare
  s ts.series;
  since timestamptz;
  until timestamptz;
  part text;
begin
  select * into strict s from ts.series x where x.name = series;
  if s.core <> 'plain' then
    return false;
  end if;
  since := date_trunc(s.chunk, moment, 'UTC');
  until := ((since at time zone 'UTC') + ('1 ' || s.chunk)::interval) at time zone 'UTC';
  part := s.storage || '_p' || to_char(since at time zone 'UTC', 'YYYYMMDD');
  if to_regclass(part) is not null then
    return false;
  end if;
  if since <= now() then
    execute format('lock table only %s in share row exclusive mode', s.storage);
  end if;
  execute format('lock table %s_default in share row exclusive mode', s.storage);
  if to_regclass(part) is not null then
    return false;
  end if;
  execute format('create table %s (like %s including defaults including constraints)', part, s.storage);
  execute format(
    'with moved as (delete from %s_default where at >= %L and at < %L returning *)'
    ' insert into %s select * from moved',
    s.storage, since, until, part);
  execute format('alter table %s attach partition %s for values from (%L) to (%L)',
    s.storage, part, since, until);
  return true;
end $$;

-- Makes the chunks from the present one to `ahead` later ones, and those the default partition waits for.
-- Rows of a time that is farther ahead stay there and raise an alarm: a broken clock makes no partitions.
create or replace function ts.make_partitions(series text) returns integer language plpgsql
security definer set search_path = '' as $$
declare
  s ts.series;
  made integer := 0;
  present timestamptz;
  moment timestamptz;
begin
  select * into strict s from ts.series x where x.name = series;
  if s.core <> 'plain' then
    return 0;
  end if;
  present := date_trunc(s.chunk, now(), 'UTC');
  for step in 0 .. s.ahead loop
    made := made + ts.make_partition(series, present + step * ('1 ' || s.chunk)::interval)::integer;
  end loop;
  for moment in execute format(
    'select distinct date_trunc(%L, at, ''UTC'') from %s_default where at >= %L and at < %L',
    s.chunk, s.storage, ts.floor(series), present)
  loop
    made := made + ts.make_partition(series, moment)::integer;
  end loop;
  return made;
end $$;

-- The partitions of a series by name, and whether they are attached.
create function ts.partitions(series text)
returns table (part text, attached boolean, until timestamptz) language sql stable
set search_path = '' as $$
  select format('%I.%I', n.nspname, c.relname), c.relispartition,
    (to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp + ('1 ' || s.chunk)::interval) at time zone 'UTC'
  from ts.series s
  join pg_catalog.pg_namespace n on n.nspname = split_part(s.storage, '.', 1)
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind = 'r'
    and c.relname ~ ('^' || split_part(s.storage, '.', 2) || '_p[0-9]{8}$')
  where s.name = partitions.series and s.core = 'plain' order by 1
$$;

-- Takes partitions out whose youngest row is older than the retention, and removes such rows that have no
-- partition.
create function ts.detach_expired(series text) returns integer language plpgsql
security definer set search_path = '' set lock_timeout = '2s' as $$
declare
  s ts.series;
  part text;
  amount integer := 0;
begin
  select * into strict s from ts.series x where x.name = series;
  if s.core <> 'plain' then
    return 0;
  end if;
  for part in select p.part from ts.partitions(series) p where p.attached and p.until <= ts.floor(series)
  loop
    execute format('alter table %s detach partition %s', s.storage, part);
    amount := amount + 1;
  end loop;
  execute format('delete from %s_default where at < %L', s.storage, ts.floor(series));
  return amount;
end $$;

-- Drops what was taken out, now or by whoever died before he could.
create or replace function ts.drop_expired(series text) returns integer language plpgsql
security definer set search_path = '' set lock_timeout = '2s' as $$
declare
  part text;
  amount integer := 0;
begin
  for part in select p.part from ts.partitions(series) p where not p.attached and p.until <= ts.floor(series)
  loop
    execute format('drop table %s', part);
    amount := amount + 1;
  end loop;
  return amount;
end $$;

-- Rows without a partition, counted no further than 10,000.
create function ts.waiting(series text) returns bigint language plpgsql stable
security definer set search_path = '' as $$
declare
  s ts.series;
  amount bigint := 0;
begin
  select * into strict s from ts.series x where x.name = series;
  if s.core = 'plain' then
    execute format('select count(*) from (select from %s_default limit 10000) d', s.storage) into amount;
  end if;
  return amount;
end $$;

-- All steps at once: {made, dropped, recomputed, waiting}; `waiting` rows have no partition yet.
create or replace function ts.upkeep() returns jsonb language plpgsql
security definer set search_path = '' as $$
declare
  s ts.series;
  made integer := 0;
  dropped integer := 0;
  waiting bigint := 0;
begin
  for s in select * from ts.series order by name loop
    made := made + ts.make_partitions(s.name);
    perform ts.detach_expired(s.name);
    dropped := dropped + ts.drop_expired(s.name);
    waiting := waiting + ts.waiting(s.name);
  end loop;
  return jsonb_build_object('made', made, 'dropped', dropped, 'recomputed', ts.refresh(), 'waiting', waiting);
end $$;

-- Removes at most `most` buckets of a rollup that are older than it keeps them; returns how many.
create function ts.thin_rollup(rollup text, most integer default 10000) returns integer language plpgsql
security definer set search_path = '' as $$
declare
  r ts.rollup;
  keep interval;
  amount integer := 0;
begin
  select * into strict r from ts.rollup x where x.name = rollup;
  select coalesce((described ->> 'keep')::interval, interval '5 years') into keep
  from ts.series s, jsonb_array_elements(s.spec -> 'rollups') described
  where s.name = r.series and s.core = 'plain' and described ->> 'name' = rollup;
  if keep is not null then
    execute format('delete from %1$s where ctid in (select ctid from %1$s where bucket < %2$L limit %3$s)',
      r.storage, now() - keep, most);
    get diagnostics amount = row_count;
  end if;
  return amount;
end $$;
"""

RETENTION = """
-- Changes how long a series is kept. Rows that are gone stay gone: with a longer retention, buckets older
-- than the oldest partition are not recomputed rightly when rows for them come late.
create function ts.set_retention(series text, retention interval) returns void language plpgsql
security definer set search_path = '' as $$
declare
  s ts.series;
  extension text;
begin
  if retention < interval '1 day' then
    perform sec.fail('SN422', 'series.retention|keep rows for a day at least');
  end if;
  update ts.series x set retention = set_retention.retention where x.name = series returning * into strict s;
  if s.core = 'hypertable' and jsonb_array_length(s.spec -> 'writers') > 0 then
    select quote_ident(n.nspname) into strict extension
    from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'timescaledb';
    execute format('select %1$s.remove_retention_policy(%2$L, true);'
      ' select %1$s.add_retention_policy(%2$L, drop_after => interval %3$L)',
      extension, s.storage, retention + ('1 ' || s.chunk)::interval);
  end if;
end $$;
grant execute on function ts.set_retention(text, interval) to sent_system;
"""

ALARMS = """
-- What is wrong with the series, for whoever operates the installation; nothing means all is well.
create function ts.alarms() returns table (
  series text, kind text, since timestamptz, amount bigint, message text
) language plpgsql stable security definer set search_path = '' as $$
declare
  s ts.series;
begin
  perform sec.must_operate('database:read');
  for s in select * from ts.series x order by x.name loop
    series := s.name;
    if s.core = 'plain' then
      kind := 'waiting';
      execute format('select min(d.at), count(*) from (select at from %s_default limit 10000) d', s.storage)
        into since, amount;
      if amount > 0 then
        message := format('%s rows of %s have no partition, the oldest of %s', amount, s.name,
          to_char(since at time zone 'UTC', 'YYYY-MM-DD HH24:MI'));
        return next;
      end if;
      kind := 'ahead';
      select coalesce(max(p.until), now()), 0 into since, amount
      from ts.partitions(s.name) p where p.attached;
      if since < now() + interval '1 hour' then
        message := format('no partition of %s for what comes next', s.name);
        return next;
      end if;
    end if;
    kind := 'dirty';
    select min(d.at), count(*) into since, amount from ts.dirty d
    join ts.rollup r on r.name = d.rollup
    where r.series = s.name and d.at < now() - interval '10 minutes' and (s.core = 'plain'
      or d.bucket < now() - interval '2 days');
    if amount > 0 then
      message := format('rollups of %s are %s behind', s.name,
        justify_hours(date_trunc('minute', now() - since)));
      return next;
    end if;
  end loop;
  if to_regclass('timescaledb_information.job_stats') is not null then
    for series, since, amount, message in execute
      'select h.name, j.last_run_started_at, j.total_failures,'
      ' format(''%s of %s failed'', i.proc_name, h.name)'
      ' from timescaledb_information.job_stats j join timescaledb_information.jobs i using (job_id),'
      ' lateral (select coalesce(j.hypertable_name::text, ''timescaledb'') as name) h'
      ' where j.last_run_status = ''Failed'''
    loop
      kind := 'job';
      return next;
    end loop;
  end if;
end $$;
grant execute on function ts.alarms() to sent_app, sent_system;

-- The same for staff, who do not reach the schema of the storage.
create function core.series_alarms() returns table (
  series text, kind text, since timestamptz, amount bigint, message text
) language sql stable security definer set search_path = '' as 'select * from ts.alarms()';
grant execute on function core.series_alarms() to sent_staff, sent_app, sent_system;
grant execute on function ts.make_partitions(text), ts.detach_expired(text), ts.drop_expired(text),
  ts.waiting(text), ts.thin_rollup(text, integer) to sent_system;
"""


def upgrade() -> None:
    """Replace the upkeep, and the functions of the series that are there."""
    op.sql("set role sent_owner")
    op.sql(PARTITIONS)
    op.sql(RETENTION)
    op.sql(ALARMS)
    driver = op.get_bind().connection
    with driver.cursor() as cursor:
        specs = cursor.execute("select spec from ts.series where core = 'plain' order by name").fetchall()
    for (spec,) in specs:
        for statement in plain.rollups(from_json(spec)):
            op.sql(statement)
    op.sql("reset role")


def downgrade() -> None:
    """Bring back the former upkeep; `ts.floor` stays, because the functions of the series ask it."""
    op.sql("set role sent_owner")
    op.sql(
        "drop function core.series_alarms(); drop function ts.alarms();"
        " drop function ts.set_retention(text, interval);"
        " drop function ts.thin_rollup(text, integer); drop function ts.waiting(text);"
        " drop function ts.detach_expired(text)"
    )
    script = op.get_context().script
    former: str = script.get_revision("0001").module.TIMESERIES
    functions = former[former.index("-- Makes the partition") :]
    op.sql(functions.replace("create function", "create or replace function"))
    op.sql("drop function ts.partitions(text); alter table ts.dirty drop column at")
    op.sql("reset role")
