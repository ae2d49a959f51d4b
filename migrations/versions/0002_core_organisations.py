"""Organisations, people, memberships, roles, clients, settings, running instances.

A person is known to the whole installation and visible where he is a member. What a membership may do
hangs on its role; the built-in roles are copied into every organisation from `sec.builtin_permission`,
which `sent db migrate` fills from the engines' manifests.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PERSON = """
-- Not a tenant table: a person may belong to several organisations; organization_id is the platform's.
create table core.person (
  id uuid primary key default core.uuid7(),
  organization_id uuid not null default '00000000-0000-0000-0000-000000000000'
    check (organization_id = '00000000-0000-0000-0000-000000000000'),
  email text not null check (email = lower(email) and email ~ '^[^@ ]+@[^@ ]+$' and length(email) <= 254),
  name text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  version integer not null default 1
);
create unique index uq_person_email on core.person (email);
create trigger stamp before insert or update on core.person for each row execute function core.stamp();
alter table core.person enable row level security;
alter table core.person force row level security;
grant select on core.person to sent_staff, sent_app, sent_system, sent_definer;
"""

PERSON_POLICIES = """
-- The memberships inside the policy are themselves those of the asking organisation. An invitation shows
-- nothing of the person until he has accepted it.
create policy colleagues on core.person
  for select to sent_staff, sent_app, sent_system, sent_ingest, sent_owner
  using (exists (select from core.membership m where m.person_id = person.id and m.state <> 'invited'));
create policy definer on core.person for select to sent_definer using (true);
"""

PERMISSIONS = """
create table sec.builtin_permission (
  role_key text not null,
  permission text not null,
  primary key (role_key, permission)
);
create table sec.builtin_role (role_key text primary key, title text not null);

-- Whether the asker's role holds `permission`. Trusted services hold every one; they act for people whose
-- permission was checked where the work was ordered.
create function sec.has(permission text) returns boolean language plpgsql stable parallel safe
security definer set search_path = '' as $$
begin
  if session_user in ('sent_app', 'sent_system', 'sent_ingest') then
    return true;
  end if;
  return exists (
    select from sec.principal p
    where p.role_name = session_user and not p.disabled and p.valid_until > now()
      and has.permission = any (p.permissions)
  );
end $$;

-- The clients the asker is limited to; null when he is not limited.
create function sec.clients() returns uuid[] language plpgsql stable parallel safe
security definer set search_path = '' as $$
begin
  if session_user in ('sent_app', 'sent_system', 'sent_ingest') then
    return null;
  end if;
  return (select p.client_ids from sec.principal p where p.role_name = session_user);
end $$;

grant execute on function sec.has(text), sec.clients() to public;
"""

WHO_AM_I = """
-- Whether the asker may see rows of this client (null: rows of no client): for definer functions.
create function sec.sees(client_id uuid) returns boolean language sql stable as $$
  select sec.clients() is null or sees.client_id = any (sec.clients())
$$;

-- Who am I: what a program shows after login.
create function sec.me() returns table (
  organization_id uuid, organization_name text, person_id uuid, person_name text, email text,
  membership_id uuid, role_key text, role_title text, client_narrowed boolean, permissions text[]
) language sql stable security definer set search_path = '' as $$
  select o.id, o.name, n.id, n.name, n.email, m.id, r.key, r.title, m.client_narrowed,
    array(select g.permission from core.role_permission g
          where g.organization_id = m.organization_id and g.role_id = m.role_id order by 1)
  from sec.principal p
  join core.membership m on m.organization_id = p.organization_id and m.id = p.membership_id
  join core.organization o on o.organization_id = p.organization_id
  join core.role r on r.organization_id = m.organization_id and r.id = m.role_id
  join core.person n on n.id = p.person_id
  where p.role_name = session_user and not p.disabled and p.valid_until > now()
$$;

grant execute on function sec.sees(uuid) to public;
grant execute on function sec.me() to sent_staff;
"""

MEMBERS = """
-- Creates or updates the built-in roles of one organisation (null: of all); the migrator and
-- core.create_organization call it.
create function sec.sync_roles(organization uuid default null) returns void language plpgsql
set search_path = '' as $$
begin
  insert into core.role (organization_id, key, title, built_in)
  select o.id, b.role_key, b.title, true from core.organization o cross join sec.builtin_role b
  where (organization is null or o.id = organization)
  on conflict (organization_id, key) do nothing;
  delete from core.role_permission g using core.role r
  where r.organization_id = g.organization_id and r.id = g.role_id and r.built_in
    and (organization is null or r.organization_id = organization)
    and not exists (select from sec.builtin_permission b
                    where b.role_key = r.key and b.permission = g.permission);
  insert into core.role_permission (organization_id, role_id, permission)
  select r.organization_id, r.id, b.permission
  from core.role r join sec.builtin_permission b on b.role_key = r.key
  where r.built_in and (organization is null or r.organization_id = organization)
  on conflict (organization_id, role_id, permission) do nothing;
end $$;

-- The organisation a trusted service is about to create becomes the transaction's own.
create function core.create_organization(id uuid, name text, slug text) returns uuid language plpgsql
security definer set search_path = '' as $$
begin
  if session_user not in ('sent_system', 'sent_broker') then
    perform sec.fail('SN403', 'org.create|only the installation''s administrator creates organisations');
  end if;
  perform set_config('sent.organization_id', create_organization.id::text, true);
  insert into core.organization (id, organization_id, name, slug)
  values (create_organization.id, create_organization.id, create_organization.name, create_organization.slug);
  perform sec.sync_roles(create_organization.id);
  return create_organization.id;
end $$;
grant execute on function core.create_organization(uuid, text, text) to sent_system;
"""

MINT = """
create policy keeper on core.membership for select to sent_keeper using (true);
create policy keeper on core.organization for select to sent_keeper using (true);
create policy keeper on core.role_permission for select to sent_keeper using (true);
create policy keeper on core.membership_client for select to sent_keeper using (true);
grant select on core.membership, core.organization, core.role_permission, core.membership_client
  to sent_keeper;

-- Copies into sec.principal what a membership may do. A membership that is switched off or may do less
-- finds out at its next statement, also in open sessions.
create function sec.refresh(organization uuid, membership uuid default null, role uuid default null)
returns void language plpgsql security definer set search_path = '' as $$
begin
  update sec.principal p set
    disabled = (m.state <> 'active' or o.state <> 'active'),
    permissions = array(
      select g.permission from core.role_permission g
      where g.organization_id = m.organization_id and g.role_id = m.role_id),
    client_ids = case when m.client_narrowed then array(
      select c.client_id from core.membership_client c
      where c.organization_id = m.organization_id and c.membership_id = m.id) end
  from core.membership m join core.organization o on o.organization_id = m.organization_id
  where p.organization_id = organization and m.organization_id = organization and m.id = p.membership_id
    and (membership is null or m.id = membership) and (role is null or m.role_id = role);
end $$;

create function core.follow() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  changed record := case when tg_op = 'DELETE' then old else new end;
begin
  case tg_table_name
    when 'membership' then
      if tg_op = 'DELETE' then
        update sec.principal p set disabled = true where p.membership_id = changed.id;
      end if;
      perform sec.refresh(changed.organization_id, changed.id);
    when 'membership_client' then perform sec.refresh(changed.organization_id, changed.membership_id);
    when 'role_permission' then perform sec.refresh(changed.organization_id, null, changed.role_id);
    else perform sec.refresh(changed.organization_id);
  end case;
  return null;
end $$;
create trigger follow after update or delete on core.membership
  for each row execute function core.follow();
create trigger follow after insert or update or delete on core.membership_client
  for each row execute function core.follow();
create trigger follow after insert or update or delete on core.role_permission
  for each row execute function core.follow();
create trigger follow after update on core.organization
  for each row execute function core.follow();

-- The nonce the broker derives a membership's password from: it stays while the password is valid, so two
-- consoles of one membership share it, and changes as soon as it has run out.
create function sec.credential(membership uuid) returns uuid language plpgsql
security definer set search_path = '' as $$
declare
  m record;
  result uuid;
begin
  select x.id, x.organization_id, x.person_id into m
  from core.membership x join core.organization o on o.organization_id = x.organization_id
  where x.id = membership and x.state = 'active' and o.state = 'active';
  if not found then
    perform sec.fail('SN403', 'auth.expired|this membership is switched off');
  end if;
  insert into sec.principal as p (role_name, membership_id, organization_id, person_id, valid_until)
  values ('m_' || replace(m.id::text, '-', ''), m.id, m.organization_id, m.person_id, now())
  on conflict (role_name) do update set disabled = false,
    nonce = case when p.valid_until <= now() then gen_random_uuid() else p.nonce end
  returning p.nonce into result;
  perform sec.refresh(m.organization_id, m.id);
  return result;
end $$;

-- Lets a membership log in with the password that `verifier` stands for, for at most 15 minutes. The name
-- of the role follows from the membership, so no other role can ever be meant.
create function sec.mint(membership uuid, verifier text, valid_until timestamptz) returns name
language plpgsql security definer set search_path = '' as $$
declare
  member_role name;
begin
  if verifier !~ '^SCRAM-SHA-256[$][0-9]+:[A-Za-z0-9+/=]+[$][A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$' then
    perform sec.fail('SN422', 'mint.verifier|not a SCRAM-SHA-256 verifier');
  end if;
  if mint.valid_until > clock_timestamp() + interval '15 minutes 5 seconds' then
    perform sec.fail('SN422', 'mint.validity|a login is valid for at most 15 minutes');
  end if;
  update sec.principal p set valid_until = mint.valid_until
  where p.membership_id = membership and not p.disabled returning p.role_name into member_role;
  if member_role is null then
    perform sec.fail('SN403', 'auth.expired|this membership is switched off');
  end if;
  if not exists (select from pg_catalog.pg_roles r where r.rolname = member_role) then
    execute format('create role %I login nosuperuser nocreatedb nocreaterole noreplication'
      ' connection limit 8', member_role);
    execute format('grant sent_staff to %I with inherit true, set false', member_role);
    execute format('alter role %I set statement_timeout = %L', member_role, '60s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', member_role, '60s');
  end if;
  execute format('alter role %I password %L valid until %L', member_role, verifier, mint.valid_until);
  return member_role;
end $$;
grant execute on function sec.credential(uuid), sec.mint(uuid, text, timestamptz) to sent_minter;
"""

SEARCH = """
create index ix_client_search on core.client
  using gin (to_tsvector('simple', name || ' ' || code || ' ' || note));

-- Finds clients by words or their beginnings. Full-text operators are not leakproof, so under row-level
-- security they run after the policy, over every row (10.7 ms against 0.07): this function belongs to
-- sent_definer, whom the policy lets read, and filters organisation and clients itself.
create function core.search_clients(words text, most integer default 50) returns setof core.client
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  organization uuid := sec.org();
  limited_to uuid[] := sec.clients();
  wanted tsquery;
begin
  select to_tsquery('simple', string_agg(quote_literal(w) || ':*', ' & ')) into wanted
  from regexp_split_to_table(btrim(left(words, 200)), '[[:space:]]+') w where w <> '';
  return query
    select c.* from core.client c
    where c.organization_id = organization
      and (limited_to is null or c.id = any (limited_to))
      and to_tsvector('simple', c.name || ' ' || c.code || ' ' || c.note) @@ wanted
    order by c.name, c.id limit least(most, 2000);
end $$;
grant execute on function core.search_clients(text, integer) to sent_staff, sent_app;
"""

FLEET = """
-- Every running process of SENT, written by itself: not of one organisation, so staff see it by core.fleet().
create table core.instance (
  id uuid primary key,
  organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
  service text not null,
  host text not null,
  pid integer not null,
  version text not null,
  state text not null check (state in ('starting', 'ready', 'degraded', 'draining', 'stopped')),
  started_at timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  metrics jsonb not null default '{}',
  reasons text[] not null default '{}'
);
alter table core.instance enable row level security;
alter table core.instance force row level security;
create policy services on core.instance to sent_app, sent_system, sent_ingest using (true) with check (true);
create policy owner on core.instance for select to sent_owner using (true);
grant select, insert, update, delete on core.instance to sent_app, sent_system, sent_ingest;

create function core.fleet() returns table (
  id uuid, service text, host text, pid integer, version text, state text, started_at timestamptz,
  heartbeat_at timestamptz, age_seconds double precision, metrics jsonb, reasons text[]
) language sql stable security definer set search_path = '' as $$
  select i.id, i.service, i.host, i.pid, i.version, i.state, i.started_at, i.heartbeat_at,
    extract(epoch from clock_timestamp() - i.heartbeat_at)::double precision, i.metrics, i.reasons
  from core.instance i where sec.org() is not null and i.heartbeat_at > now() - interval '1 day'
  order by i.service, i.started_at
$$;
grant execute on function core.fleet() to sent_staff, sent_app, sent_system;
"""


def upgrade() -> None:
    """Make the tables of the core."""
    op.sql("set role sent_owner")
    op.sql(PERMISSIONS)
    op.create_tenant_table(
        "core.organization",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="active"),
        sa.CheckConstraint("id = organization_id", name="ck_organization_self"),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="ck_organization_slug"),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_organization_name"),
        sa.CheckConstraint("state in ('active', 'suspended')", name="ck_organization_state"),
        sa.UniqueConstraint("slug", name="uq_organization_slug"),
        staff="select",
        audit=False,
        claim=True,
    )
    op.create_tenant_table(
        "core.client",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.Text(), nullable=False, server_default="active"),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_client_name"),
        sa.CheckConstraint("length(note) <= 10000", name="ck_client_note"),
        sa.CheckConstraint("state in ('active', 'closed')", name="ck_client_state"),
        sa.UniqueConstraint("organization_id", "code", name="uq_client_code"),
        staff="select,insert,update,delete",
        write="clients:manage",
        client_scoped="id",
        audit=False,
    )
    op.create_tenant_table(
        "core.role",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.UniqueConstraint("organization_id", "key", name="uq_role_key"),
        staff="select",
        audit=False,
    )
    op.create_tenant_table(
        "core.role_permission",
        sa.Column("role_id", pg.UUID(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.UniqueConstraint("organization_id", "role_id", "permission", name="uq_role_permission"),
        staff="select",
        references={"role_id": ("core.role", "cascade")},
        audit=False,
    )
    op.sql(PERSON)
    op.create_tenant_table(
        "core.membership",
        sa.Column("person_id", pg.UUID(), sa.ForeignKey("core.person.id"), nullable=False),
        sa.Column("role_id", pg.UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="active"),
        sa.Column("client_narrowed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.CheckConstraint("state in ('invited', 'active', 'disabled')", name="ck_membership_state"),
        sa.UniqueConstraint("organization_id", "person_id", name="uq_membership_person"),
        staff="select",
        references={"role_id": "core.role"},
        audit=False,
        claim=True,
    )
    op.sql("create index ix_membership_person on core.membership (person_id)")
    op.create_tenant_table(
        "core.membership_client",
        sa.Column("membership_id", pg.UUID(), nullable=False),
        sa.Column("client_id", pg.UUID(), nullable=False),
        sa.UniqueConstraint("organization_id", "membership_id", "client_id", name="uq_membership_client"),
        staff="select",
        references={"membership_id": ("core.membership", "cascade"), "client_id": ("core.client", "cascade")},
        audit=False,
    )
    op.create_tenant_table(
        "core.setting",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", pg.JSONB(), nullable=False),
        sa.CheckConstraint("length(key) between 3 and 100", name="ck_setting_key"),
        sa.CheckConstraint("pg_column_size(value) <= 65536", name="ck_setting_size"),
        sa.UniqueConstraint("organization_id", "key", name="uq_setting_key"),
        staff="select,insert,update,delete",
        write="settings:write",
        audit=False,
    )
    op.sql(PERSON_POLICIES)
    op.sql(WHO_AM_I)
    op.sql(MEMBERS)
    op.sql(FLEET)
    op.sql(MINT)
    op.sql(SEARCH)
    op.sql("reset role")
    op.sql("grant create on schema core to sent_definer")
    op.sql("alter function core.search_clients(text, integer) owner to sent_definer")
    op.sql("revoke create on schema core from sent_definer")
    op.sql("grant create on schema sec to sent_keeper")
    op.sql("alter function sec.credential(uuid) owner to sent_keeper")
    op.sql("alter function sec.refresh(uuid, uuid, uuid) owner to sent_keeper")
    op.sql("grant create on schema core to sent_keeper; alter function core.follow() owner to sent_keeper")
    op.sql("revoke create on schema core from sent_keeper")
    op.sql("alter function sec.mint(uuid, text, timestamptz) owner to sent_keeper")
    op.sql("revoke create on schema sec from sent_keeper")
