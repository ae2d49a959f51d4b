"""Keys that change while they are used.

Which columns are sealed stands in `core.sealed_column`; `core.register_sealed` writes it and puts the guard
on the table: a value enters only under a key that is active at that moment. Writers hold a shared lock from
that check to their commit, whoever retires a key takes it exclusively, so after the change of state nothing
is under way with the old key. The lock is an advisory one because those queue; a row lock that many share
can keep the one who waits for it waiting for ever.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = """
alter table core.data_key
  add column root_id text check (length(root_id) <= 64),
  add column parent integer,
  add column retired_at timestamptz,
  add column emptied_at timestamptz,
  add column destroyed_at timestamptz;
create unique index uq_data_key_active on core.data_key (organization_id, purpose) where state = 'active';

create table core.sealed_column (
  table_name text not null,
  column_name text not null,
  purpose text not null,
  place_column text not null,
  primary key (table_name, column_name)
);
grant select on core.sealed_column to sent_app, sent_system, sent_auth;

create policy keeper on core.data_key for select to sent_keeper using (true);
grant select on core.data_key to sent_keeper;
-- Enough to hold a key's row while a key below it is added.
grant update (state) on core.data_key to sent_auth;
"""

GUARD = """
-- The number of the key a value was sealed with (bytes 2 to 5), or null for what is no sealed value.
create function core.sealed_with(sealed bytea) returns bigint language sql immutable parallel safe as $$
  select case when length(sealed) >= 33 and get_byte(sealed, 0) = 1 then
    get_byte(sealed, 1)::bigint << 24 | get_byte(sealed, 2) << 16 | get_byte(sealed, 3) << 8
      | get_byte(sealed, 4) end
$$;

create function core.sealed_lock(organization uuid) returns bigint language sql immutable as $$
  select hashtextextended('sealed ' || organization, 7304021003)
$$;

-- Refuses a value under a key that is not active. A value may move between columns of its own row (a
-- second factor that is confirmed), and stay as it is while others change.
create function core.guard_sealed() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  fresh jsonb := to_jsonb(new);
  former jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) else '{}' end;
  name text;
  used_key bigint;
  found_state text;
begin
  perform pg_catalog.pg_advisory_xact_lock_shared(core.sealed_lock(new.organization_id));
  foreach name in array tg_argv loop
    continue when fresh ->> name is null;
    continue when fresh ->> name in (select former ->> c from unnest(tg_argv) c);
    used_key := core.sealed_with((fresh ->> name)::bytea);
    if used_key is null then
      perform sec.fail('SN422', 'crypto.format|only sealed values may stand in ' || name);
    end if;
    select k.state into found_state from core.data_key k
    where k.organization_id = new.organization_id and k.number = used_key;
    if found_state is distinct from 'active' then
      perform sec.fail('SN409', 'crypto.stale|the value was sealed with a key that is not active (any more)');
    end if;
  end loop;
  return new;
end $$;

-- For revisions: notes a sealed column and guards its table.
create function core.register_sealed(
  table_name text, column_name text, purpose text, place_column text default null
) returns void language plpgsql as $$
declare
  columns text;
begin
  insert into core.sealed_column
  values (register_sealed.table_name, register_sealed.column_name, register_sealed.purpose,
    coalesce(register_sealed.place_column, register_sealed.column_name));
  select string_agg(quote_literal(s.column_name), ', ' order by s.column_name) into columns
  from core.sealed_column s where s.table_name = register_sealed.table_name;
  execute format('drop trigger if exists guard_sealed on %s', register_sealed.table_name::regclass);
  execute format('create trigger guard_sealed before insert or update on %s for each row'
    ' execute function core.guard_sealed(%s)', register_sealed.table_name::regclass, columns);
end $$;

create function core.lock_sealed() returns void language plpgsql security definer set search_path = '' as $$
begin
  if session_user <> 'sent_system' or sec.org() is null then
    perform sec.fail('SN403', 'crypto.denied|only the installation''s administrator changes keys');
  end if;
  perform pg_catalog.pg_advisory_xact_lock(core.sealed_lock(sec.org()));
end $$;
"""

# The same three functions for tables of tenants (as sent_owner) and of credentials (as sent_auth).
CELLS = """
create function {schema}.sealed_numbers(table_name text, column_name text)
returns table (number integer, amount bigint) language plpgsql
security definer set search_path = '' as $$
begin
  perform core.may_reseal(sealed_numbers.table_name, sealed_numbers.column_name);
  return query execute format(
    'select core.sealed_with(%1$I)::integer, count(*) from %2$s'
    ' where organization_id = sec.org() and %1$I is not null group by 1 order by 1',
    sealed_numbers.column_name, sealed_numbers.table_name::regclass);
end $$;

create function {schema}.sealed_cells(
  table_name text, column_name text, numbers bigint[], after uuid, most integer
) returns table (id uuid, sealed bytea) language plpgsql security definer set search_path = '' as $$
begin
  perform core.may_reseal(sealed_cells.table_name, sealed_cells.column_name);
  return query execute format(
    'select id, %1$I from %2$s where organization_id = sec.org() and core.sealed_with(%1$I) = any ($1)'
    ' and ($2 is null or id > $2) order by id limit $3',
    sealed_cells.column_name, sealed_cells.table_name::regclass)
    using sealed_cells.numbers, sealed_cells.after, least(most, 2000);
end $$;

create function {schema}.reseal(
  table_name text, column_name text, row_id uuid, before bytea, after bytea
) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  changed integer;
begin
  perform core.may_reseal(reseal.table_name, reseal.column_name);
  execute format('update %2$s set %1$I = $3 where organization_id = sec.org() and id = $1 and %1$I = $2',
    reseal.column_name, reseal.table_name::regclass) using row_id, before, after;
  get diagnostics changed = row_count;
  return changed = 1;
end $$;
"""

MAY = """
create function core.may_reseal(table_name text, column_name text) returns void language plpgsql stable
security definer set search_path = '' as $$
begin
  if session_user <> 'sent_system' or sec.org() is null or not exists (
    select from core.sealed_column s
    where s.table_name = may_reseal.table_name and s.column_name = may_reseal.column_name)
  then
    perform sec.fail('SN403', 'crypto.denied|only the administrator re-seals, and only sealed columns');
  end if;
end $$;
"""

PLATFORM = """
drop function auth.keys();
drop function auth.add_key(integer, text, bytea);

-- The broker's own keys (they seal second factors); they belong to the platform.
create function auth.keys() returns table (
  number integer, purpose text, state text, wrapped bytea, root_id text, parent integer, emptied boolean
) language sql stable security definer set search_path = '' as $$
  select k.number, k.purpose, k.state, k.wrapped, k.root_id, k.parent, k.emptied_at is not null
  from core.data_key k where k.organization_id = '00000000-0000-0000-0000-000000000000'
$$;

create function auth.add_key(number integer, purpose text, wrapped bytea, root_id text, parent integer)
returns void language sql security definer set search_path = '' as $$
  insert into core.data_key (organization_id, number, purpose, wrapped, root_id, parent)
  select '00000000-0000-0000-0000-000000000000', add_key.number, add_key.purpose, add_key.wrapped,
    add_key.root_id, add_key.parent
  where add_key.parent is null or exists (
    select from core.data_key p where p.organization_id = '00000000-0000-0000-0000-000000000000'
      and p.number = add_key.parent and p.state = 'active' for share)
  on conflict do nothing
$$;
"""

CELL_FUNCTIONS = (
    "sealed_numbers(text, text)",
    "sealed_cells(text, text, bigint[], uuid, integer)",
    "reseal(text, text, uuid, bytea, bytea)",
)
FORMER = """
create function auth.keys() returns table (number integer, purpose text, state text, wrapped bytea)
language sql stable security definer set search_path = '' as $$
  select k.number, k.purpose, k.state, k.wrapped from core.data_key k
  where k.organization_id = '00000000-0000-0000-0000-000000000000'
$$;

create function auth.add_key(number integer, purpose text, wrapped bytea) returns void
language sql security definer set search_path = '' as $$
  insert into core.data_key (organization_id, number, purpose, wrapped)
  values ('00000000-0000-0000-0000-000000000000', add_key.number, add_key.purpose, add_key.wrapped)
  on conflict (organization_id, number) do nothing
$$;
"""


def upgrade() -> None:
    """Make the registry, the guard and the functions that re-seal."""
    op.sql("grant execute on function pg_catalog.pg_advisory_xact_lock_shared(bigint) to sent_keeper")
    op.sql("set role sent_owner")
    op.sql(TABLES + GUARD + MAY)
    for schema in ("core", "auth"):
        op.sql(CELLS.replace("{schema}", schema))
    op.sql(
        "grant execute on function core.sealed_with(bytea), core.sealed_lock(uuid),"
        " core.may_reseal(text, text) to sent_owner, sent_auth, sent_keeper, sent_system;"
        " grant execute on function core.lock_sealed() to sent_system;"
        " select core.register_sealed('auth.credential', 'totp_secret', 'second_factor', 'totp');"
        " select core.register_sealed('auth.credential', 'totp_pending', 'second_factor', 'totp')"
    )
    for schema in ("core", "auth"):
        for function in CELL_FUNCTIONS:
            op.sql(f"grant execute on function {schema}.{function} to sent_system")
    op.sql(PLATFORM)
    op.sql("reset role")
    _own()


def _own() -> None:
    """Hand functions to the roles that may see what they look at."""
    op.sql("grant create on schema core to sent_keeper; grant create on schema auth to sent_auth")
    op.sql(
        "alter function core.guard_sealed() owner to sent_keeper;"
        " grant execute on function core.guard_sealed() to sent_owner"
    )
    for function in (*CELL_FUNCTIONS, "keys()", "add_key(integer, text, bytea, text, integer)"):
        op.sql(f"alter function auth.{function} owner to sent_auth")
    op.sql("grant usage on schema auth to sent_system")
    for function in CELL_FUNCTIONS:
        op.sql(f"grant execute on function auth.{function} to sent_system")
    op.sql("grant execute on function auth.keys() to sent_broker")
    op.sql("grant execute on function auth.add_key(integer, text, bytea, text, integer) to sent_broker")
    op.sql("revoke create on schema core from sent_keeper; revoke create on schema auth from sent_auth")


def downgrade() -> None:
    """Drop it all; keys that only a vault secret opens stay, unreadable to the former program."""
    op.sql("drop trigger if exists guard_sealed on auth.credential")
    op.sql(
        "do $$ declare t text; begin for t in select distinct table_name from core.sealed_column loop"
        " execute format('drop trigger if exists guard_sealed on %s', t::regclass); end loop; end $$"
    )
    for schema in ("core", "auth"):
        for function in CELL_FUNCTIONS:
            op.sql(f"drop function {schema}.{function}")
    op.sql(
        "drop function auth.keys(), auth.add_key(integer, text, bytea, text, integer);"
        " drop function core.guard_sealed(), core.register_sealed(text, text, text, text),"
        " core.lock_sealed(),"
        " core.may_reseal(text, text), core.sealed_with(bytea), core.sealed_lock(uuid);"
        " drop policy keeper on core.data_key;"
        " revoke select on core.data_key from sent_keeper;"
        " revoke update (state) on core.data_key from sent_auth;"
        " drop table core.sealed_column; drop index core.uq_data_key_active;"
        " alter table core.data_key drop column root_id, drop column parent, drop column retired_at,"
        " drop column emptied_at, drop column destroyed_at"
    )
    op.sql("set role sent_owner")
    op.sql(FORMER)
    op.sql("reset role")
    op.sql("grant create on schema auth to sent_auth")
    for function in ("keys()", "add_key(integer, text, bytea)"):
        op.sql(
            f"alter function auth.{function} owner to sent_auth;"
            f" grant execute on function auth.{function} to sent_broker"
        )
    op.sql("revoke create on schema auth from sent_auth")
    op.sql("revoke execute on function pg_catalog.pg_advisory_xact_lock_shared(bigint) from sent_keeper")
