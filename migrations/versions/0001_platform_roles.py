"""Roles, the functions that say who asks, and the machinery of time series.

Roles belong to the whole server and are made where they are missing. `sec` answers three questions for
every policy: which organisation (`sec.org`), which person (`sec.actor`), and later what is allowed
(`sec.has`). For a membership the answer comes from `session_user`, which no SQL statement can change; the
transaction's settings count for the trusted service roles only.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROLES = {
    "sent_owner": "nologin",
    "sent_definer": "nologin",
    "sent_audit": "nologin",
    "sent_auth": "nologin",
    "sent_keeper": "nologin createrole",
    "sent_staff": "nologin",
    "sent_app": "login connection limit 40",
    "sent_system": "login connection limit 20",
    "sent_ingest": "login connection limit 20",
    "sent_broker": "login connection limit 8",
    "sent_minter": "login connection limit 4",
}
_SERVICE = {"idle_in_transaction_session_timeout": "60s", "lock_timeout": "5s"}
LIMITS = {
    "sent_app": {"statement_timeout": "60s", **_SERVICE},
    "sent_system": _SERVICE,
    "sent_ingest": _SERVICE,
    "sent_broker": {"statement_timeout": "10s", **_SERVICE},
    "sent_minter": {"statement_timeout": "10s", **_SERVICE},
}

CLOSED = """
-- What PostgreSQL leaves open to everybody and is shared by all organisations: advisory locks, large
-- objects, notification by function, messages in the log. Those who need one get it back.
do $$
declare
  routine regprocedure;
begin
  for routine in
    select p.oid::regprocedure from pg_catalog.pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace
      and (p.proname ~ '^pg_(try_)?advisory_' or p.proname ~ '^(lo_|loread|lowrite)' or p.proname ~ '^be_lo_'
        or p.proname in ('pg_notify', 'pg_logical_emit_message'))
  loop
    execute format('revoke execute on function %s from public', routine);
  end loop;
end $$;
grant execute on function pg_catalog.pg_notify(text, text) to sent_owner, sent_system;
grant execute on function pg_catalog.pg_try_advisory_lock(bigint) to sent_system;
grant execute on function pg_catalog.pg_advisory_unlock(bigint) to sent_system;
grant execute on function pg_catalog.pg_advisory_xact_lock(bigint) to sent_owner, sent_system, sent_app;
grant execute on function pg_catalog.pg_try_advisory_xact_lock(bigint) to sent_owner, sent_system, sent_app;
revoke all on schema public from public;
"""

SCHEMAS = """
alter default privileges revoke execute on functions from public;
alter default privileges revoke usage on types from public;

create schema sec;
create schema core;
create schema ts;
grant usage on schema sec, core to
  sent_staff, sent_app, sent_system, sent_ingest, sent_definer, sent_audit, sent_auth, sent_keeper,
  sent_broker, sent_minter;
grant usage on schema ts to sent_app, sent_system, sent_ingest, sent_definer, sent_audit;
"""

# uuidv7() is there from PostgreSQL 18 on; before, 48 bits of milliseconds over a random UUID.
UUID7_NATIVE = """
create function core.uuid7() returns uuid language sql volatile parallel safe as 'select uuidv7()';
"""
UUID7_COMPOSED = """
create function core.uuid7() returns uuid language sql volatile parallel safe as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing substring(
    int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid
$$;
"""

WHO = """
-- One row per membership that may log in; read by the functions below only.
create table sec.principal (
  role_name name primary key,
  membership_id uuid not null unique,
  organization_id uuid not null,
  person_id uuid not null,
  disabled boolean not null default false,
  valid_until timestamptz not null,
  -- Copies that follow memberships, roles and clients by trigger (sec.refresh): every query asks for
  -- them, and one row by key costs 3 microseconds where the joins cost 11 to 16.
  permissions text[] not null default '{}',
  client_ids uuid[],
  nonce uuid not null default gen_random_uuid()
);
alter table sec.principal enable row level security;
alter table sec.principal force row level security;
create policy guard on sec.principal to sent_owner, sent_keeper using (true) with check (true);
grant select, insert, update on sec.principal to sent_keeper;

create function sec.trusted() returns boolean language sql stable parallel safe as $$
  select session_user in ('sent_app', 'sent_system', 'sent_ingest')
$$;

-- The organisation that is asked for: of the login, or of the transaction for trusted services (and for the
-- broker, which sets it inside its own functions and may touch no table).
create function sec.org() returns uuid language plpgsql stable parallel safe
security definer set search_path = '' as $$
begin
  if session_user in ('sent_app', 'sent_system', 'sent_ingest', 'sent_broker') then
    return nullif(current_setting('sent.organization_id', true), '')::uuid;
  end if;
  return (
    select p.organization_id from sec.principal p
    where p.role_name = session_user and not p.disabled and p.valid_until > now()
  );
end $$;

-- The person (for services: the instance) that acts.
create function sec.actor() returns uuid language plpgsql stable parallel safe
security definer set search_path = '' as $$
begin
  if session_user in ('sent_app', 'sent_system', 'sent_ingest', 'sent_broker') then
    return nullif(current_setting('sent.actor_id', true), '')::uuid;
  end if;
  return (select p.person_id from sec.principal p where p.role_name = session_user);
end $$;

-- Who may write the setting may write nonsense into it: that is no trace, and no error either.
create function sec.trace() returns uuid language sql stable parallel safe as $$
  select case when current_setting('sent.trace', true) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    then current_setting('sent.trace', true)::uuid end
$$;

-- Raises an error that reaches people: state SN403 denied, SN404 not found, SN409 conflict, SN422 invalid;
-- text is 'code|English sentence'.
create function sec.fail(state text, message text) returns void language plpgsql as $$
begin
  raise exception using errcode = state, message = message;
end $$;

grant execute on function sec.trusted(), sec.org(), sec.actor(), sec.trace(), sec.fail(text, text),
  core.uuid7() to public;

-- Keeps identity, times and version of a row honest: they are the server's, not the caller's. Trusted
-- services may give the time of creation (imports, history).
create function core.stamp() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    new.version := 1;
    if not sec.trusted() then
      new.created_at := clock_timestamp();
    end if;
    new.updated_at := new.created_at;
    return new;
  end if;
  if new.id <> old.id or new.organization_id <> old.organization_id then
    perform sec.fail('SN403', 'row.identity|a row keeps its id and its organisation');
  end if;
  new.created_at := old.created_at;
  new.updated_at := clock_timestamp();
  new.version := old.version + 1;
  return new;
end $$;

-- Which schema is installed by what: read by programs before they start.
create table core.component_version (
  component text primary key,
  version text not null,
  at timestamptz not null default clock_timestamp()
);
grant select on core.component_version to
  sent_staff, sent_app, sent_system, sent_ingest, sent_broker, sent_minter;
"""

TIMESERIES = """
create table ts.series (
  name text primary key,
  storage text not null,
  core text not null default 'plain',
  chunk text not null check (chunk in ('day', 'week', 'month')),
  ahead integer not null,
  retention interval not null,
  spec jsonb not null
);
create table ts.rollup (
  name text primary key,
  series text not null references ts.series,
  storage text not null,
  level integer not null
);
create table ts.dirty (rollup text not null, organization_id uuid not null, bucket timestamptz not null);
create index ix_dirty on ts.dirty (rollup, organization_id, bucket);
grant select on ts.series, ts.rollup, ts.dirty to sent_system;

-- Makes the partition of the chunk that contains `moment`; rows that waited in the default partition move
-- in. It is filled first and attached then, so that the table itself is never locked against readers.
create function ts.make_partition(series text, moment timestamptz) returns boolean language plpgsql
security definer set search_path = '' as $$
declare
  s ts.series;
  since timestamptz;
  until timestamptz;
  part text;
begin
  select * into strict s from ts.series x where x.name = series;
  since := date_trunc(s.chunk, moment, 'UTC');
  until := ((since at time zone 'UTC') + ('1 ' || s.chunk)::interval) at time zone 'UTC';
  part := s.storage || '_p' || to_char(since at time zone 'UTC', 'YYYYMMDD');
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
create function ts.make_partitions(series text) returns integer language plpgsql
security definer set search_path = '' as $$
declare
  s ts.series;
  made integer := 0;
  moment timestamptz;
begin
  select * into strict s from ts.series x where x.name = series;
  for step in 0 .. s.ahead loop
    made := made + ts.make_partition(series,
      date_trunc(s.chunk, now(), 'UTC') + step * ('1 ' || s.chunk)::interval)::integer;
  end loop;
  for moment in execute format(
    'select distinct date_trunc(%L, at, ''UTC'') from %s_default where at > now() - %L::interval',
    s.chunk, s.storage, s.retention)
  loop
    made := made + ts.make_partition(series, moment)::integer;
  end loop;
  return made;
end $$;

-- Drops the partitions whose youngest row is older than the retention.
create function ts.drop_expired(series text) returns integer language plpgsql
security definer set search_path = '' as $$
declare
  s ts.series;
  part text;
  dropped integer := 0;
begin
  select * into strict s from ts.series x where x.name = series;
  for part in
    select c.oid::regclass::text from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = s.storage::regclass and c.relname ~ '_p[0-9]{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') + ('1 ' || s.chunk)::interval < now() - s.retention
  loop
    execute format('drop table %s', part);
    dropped := dropped + 1;
  end loop;
  execute format('delete from %s_default where at < now() - %L::interval', s.storage, s.retention);
  return dropped;
end $$;

-- Recomputes dirty buckets of all rollups, at most `most` of each; returns how many. One caller at a time.
create function ts.refresh(most integer default 2000) returns integer language plpgsql
security definer set search_path = '' as $$
declare
  r ts.rollup;
  done integer := 0;
  amount integer;
begin
  if not pg_try_advisory_xact_lock(7304021001) then
    return 0;
  end if;
  for r in select * from ts.rollup order by level, name loop
    execute format('select ts.recompute_%s($1)', split_part(r.storage, '.', 2)) into amount using most;
    done := done + amount;
  end loop;
  return done;
end $$;

-- The hourly care of all series: {made, dropped, recomputed, waiting}; `waiting` rows have no partition yet.
create function ts.upkeep() returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  s ts.series;
  made integer := 0;
  dropped integer := 0;
  waiting bigint := 0;
  amount bigint;
begin
  for s in select * from ts.series order by name loop
    made := made + ts.make_partitions(s.name);
    dropped := dropped + ts.drop_expired(s.name);
    execute format('select count(*) from %s_default', s.storage) into amount;
    waiting := waiting + amount;
  end loop;
  return jsonb_build_object('made', made, 'dropped', dropped, 'recomputed', ts.refresh(), 'waiting', waiting);
end $$;
grant execute on function ts.upkeep(), ts.refresh(integer) to sent_system;
"""


def upgrade() -> None:
    """Make roles, schemas and functions."""
    for role, attributes in ROLES.items():
        op.sql(
            f"do $$ begin if not exists (select from pg_catalog.pg_roles where rolname = '{role}')"
            f" then create role {role} {attributes}; end if; end $$"
        )
    for role, limits in LIMITS.items():
        for name, value in limits.items():
            op.sql(f"alter role {role} set {name} = '{value}'")
    op.sql(
        "grant sent_staff to sent_keeper with admin true, inherit false, set false;"
        " grant sent_definer to sent_audit with inherit true, set false"
    )
    op.sql(
        "grant pg_use_reserved_connections to sent_app, sent_system, sent_ingest, sent_broker, sent_minter"
    )
    op.sql(
        "do $$ begin execute format('grant create on database %I to sent_owner', current_database()); end $$"
    )
    op.sql(CLOSED)
    op.sql("set role sent_owner")
    op.sql(SCHEMAS)
    version = op.get_bind().exec_driver_sql("show server_version_num").scalar_one()
    op.sql(UUID7_NATIVE if int(version) >= 180000 else UUID7_COMPOSED)
    op.sql(WHO)
    op.sql(TIMESERIES)
    op.sql("reset role")
