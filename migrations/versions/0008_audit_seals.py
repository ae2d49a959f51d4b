"""Seals over the audit trail, personal columns outside of it, erasure of a person.

An entry's images hold for a personal column only a commitment, `personal:<sha256 of salt and value>`; the
value waits in `audit.personal` until the sealer has put it under the person's key, within seconds. So the
chain holds whatever becomes of the person, and erasing somebody is removing rows and a key.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SEALS = """
create index ix_audit_entry_seq on ts.audit_entry (organization_id, seq);

-- Kept until it is cut behind a seal (audit.cut), never by age alone.
update ts.series set retention = interval '1000 years' where name = 'audit.entry';
revoke update, delete on audit.seal from sent_app, sent_system;
revoke insert on audit.seal from sent_app;
revoke update, delete on audit.signing_key from sent_app, sent_system;
revoke insert on audit.signing_key from sent_app;

-- A seal continues the chain or does not enter: two sealers at once write one chain.
create function audit.check_seal() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  former audit.seal;
begin
  select * into former from audit.seal s where s.organization_id = new.organization_id
  order by s.number desc limit 1;
  if new.number <> coalesce(former.number, 0) + 1
    or new.prev <> coalesce(former.head, decode(repeat('00', 32), 'hex'))
    or new.from_seq <= coalesce(former.to_seq, 0) or new.to_seq < new.from_seq
  then
    perform sec.fail('SN409', 'audit.seal|another sealer was here first');
  end if;
  return new;
end $$;
create trigger check_seal before insert on audit.seal for each row execute function audit.check_seal();

-- The highest number an entry has been given, and later whether all transactions of that moment are over.
create function audit.horizon() returns table (seq bigint, xmax xid8) language plpgsql
security definer set search_path = '' as $$
begin
  if not sec.trusted() then
    perform sec.fail('SN403', 'audit.denied|only services seal');
  end if;
  -- Two statements, so two snapshots: whoever drew a number up to `seq` has a transaction below `xmax`.
  select case when s.is_called then s.last_value else 0 end into seq from audit.entry_seq s;
  xmax := pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot());
  return next;
end $$;

create function audit.signing_keys() returns table (key_id text, public_key bytea, made timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  if sec.org() is null or not sec.has('audit:read') then
    perform sec.fail('SN403', 'audit.denied|reading the audit trail needs the permission audit:read');
  end if;
  return query select k.key_id, k.public_key, k.created_at from audit.signing_key k order by k.created_at;
end $$;

-- The entry of a number, for whoever follows a finding of the verification.
create function audit.find(wanted bigint) returns table (
  id uuid, at timestamptz, actor uuid, actor_name text, action text, table_name text, row_id uuid,
  before jsonb, after jsonb, trace uuid
) language plpgsql stable security definer set search_path = '' as $$
begin
  if sec.org() is null or not sec.has('audit:read') then
    perform sec.fail('SN403', 'audit.denied|reading the audit trail needs the permission audit:read');
  end if;
  return query
    select e.id, e.at, e.actor, coalesce(p.name, i.service, ''), e.action, e.table_name, e.row_id,
      e.before, e.after, e.trace
    from ts.audit_entry e
    left join core.person p on p.id = e.actor
    left join core.instance i on i.id = e.actor
    where e.organization_id = sec.org() and e.seq = wanted order by e.at, e.id limit 1;
end $$;

-- Removes the entries that the seals up to `upto` cover; that seal stays as the chain's new beginning.
-- Nobody cuts what is younger than 30 days.
create function audit.cut(upto bigint) returns bigint language plpgsql
security definer set search_path = '' as $$
declare
  s audit.seal;
  amount bigint;
begin
  if not sec.trusted() or sec.org() is null then
    perform sec.fail('SN403', 'audit.denied|only services cut the trail');
  end if;
  select * into s from audit.seal x where x.organization_id = sec.org() and x.number = upto;
  if not found then
    perform sec.fail('SN404', 'audit.seal_missing|there is no such seal');
  end if;
  if exists (select from ts.audit_entry e where e.organization_id = sec.org() and e.seq <= s.to_seq
             and e.at > now() - interval '30 days') then
    perform sec.fail('SN409', 'audit.young|entries of the last 30 days are never cut');
  end if;
  with gone as (
    delete from ts.audit_entry e where e.organization_id = sec.org() and e.seq <= s.to_seq returning e.id
  ), personal as (
    delete from audit.personal p using gone where p.organization_id = sec.org() and p.entry_id = gone.id
  )
  select count(*) into amount from gone;
  delete from audit.seal x where x.organization_id = sec.org() and x.number < upto;
  update audit.seal x set genesis = true, seqs = '{}', digests = ''
  where x.organization_id = sec.org() and x.number = upto;
  return amount;
end $$;

-- Drops partitions of past months in which nothing is left.
create function audit.drop_empty() returns integer language plpgsql
security definer set search_path = '' as $$
declare
  part text;
  filled boolean;
  dropped integer := 0;
begin
  if not sec.trusted() then
    perform sec.fail('SN403', 'audit.denied|only services cut the trail');
  end if;
  for part in
    select c.oid::regclass::text from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'ts.audit_entry'::regclass and c.relname ~ '_p[0-9]{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') + interval '1 month' < now() - interval '1 day'
  loop
    execute format('select exists (select from %s)', part) into filled;
    if not filled then
      execute format('drop table %s', part);
      dropped := dropped + 1;
    end if;
  end loop;
  return dropped;
end $$;
"""

PERSONAL = """
create table core.personal_column (
  table_name text not null,
  column_name text not null,
  person_column text not null,
  primary key (table_name, column_name)
);
grant select on core.personal_column to sent_app, sent_system;

create index ix_personal_entry on audit.personal (organization_id, entry_id);
create index ix_personal_person on audit.personal (person_id);
create index ix_personal_open on audit.personal (organization_id) where value is not null;
create policy trail on audit.personal to sent_audit using (true) with check (true);
create policy erasing on audit.personal to sent_auth using (true);
grant select, insert on audit.personal to sent_audit;
grant select, delete on audit.personal to sent_auth;
select core.register_sealed('audit.personal', 'sealed', 'personal');

-- The image with commitments in place of personal values, which go into audit.personal. Arguments of the
-- trigger name the columns: '@person:<column>' and '@personal:<column>'. A value that an update left as it
-- was keeps the commitment of the image before.
create function audit.hidden(
  entry uuid, organization uuid, image jsonb, arguments text[], former jsonb default null,
  former_hidden jsonb default null
) returns jsonb language plpgsql set search_path = '' as $$
declare
  argument text;
  name text;
  person uuid;
  salt bytea;
  digest bytea;
begin
  foreach argument in array arguments loop
    if argument like '@person:%' then
      person := (image ->> substr(argument, 9))::uuid;
    end if;
    continue when argument not like '@personal:%';
    name := substr(argument, 11);
    continue when image ->> name is null;
    if former ->> name = image ->> name then
      image := image || jsonb_build_object(name, former_hidden -> name);
      continue;
    end if;
    salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
    digest := sha256(salt || convert_to(image ->> name, 'UTF8'));
    insert into audit.personal (organization_id, entry_id, commitment, person_id, salt, value)
    values (organization, entry, digest, person, salt, image ->> name);
    image := image || jsonb_build_object(name, 'personal:' || encode(digest, 'hex'));
  end loop;
  return image;
end $$;
grant execute on function
  audit.hidden(uuid, uuid, jsonb, text[], jsonb, jsonb) to sent_audit;

-- For revisions: says which columns of an audited table are personal, and of whom.
create function audit.mark_personal(
  table_name text, person_column text, columns text[], redact text[] default '{}'
) returns void language plpgsql as $$
declare
  arguments text;
begin
  insert into core.personal_column
  select mark_personal.table_name, c, mark_personal.person_column from unnest(columns) c;
  select string_agg(quote_literal(a), ', ') into arguments from (
    select unnest(redact) a union all select '@person:' || person_column
    union all select '@personal:' || c from unnest(columns) c) x;
  execute format('drop trigger audit_insert on %1$s; drop trigger audit_change on %1$s;'
    ' drop trigger audit_truncate on %1$s;'
    ' create trigger audit_insert after insert on %1$s referencing new table as fresh'
    ' for each statement execute function audit.record_insert(%2$s);'
    ' create trigger audit_change after update or delete on %1$s'
    ' for each row execute function audit.record_change(%2$s);'
    ' create trigger audit_truncate before truncate on %1$s'
    ' for each statement execute function audit.record_truncate(%2$s)', table_name::regclass, arguments);
end $$;
"""

# Owned by sent_audit: replaced as the superuser, who keeps that owner.
RECORD = """
create or replace function audit.record_insert() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  one record;
  entry uuid;
begin
  if tg_nargs = 0 then
    insert into ts.audit_entry (organization_id, at, actor, action, table_name, row_id, after, trace)
    select f.organization_id, now(), a.actor, 'insert', a.name, f.id, to_jsonb(f), a.trace
    from fresh f, (select sec.actor() as actor, sec.trace() as trace,
                          tg_table_schema || '.' || tg_table_name as name) a;
  elsif tg_argv[tg_nargs - 1] not like '@personal:%' then
    insert into ts.audit_entry (organization_id, at, actor, action, table_name, row_id, after, trace)
    select f.organization_id, now(), sec.actor(), 'insert', tg_table_schema || '.' || tg_table_name, f.id,
      audit.redacted(to_jsonb(f), tg_argv), sec.trace()
    from fresh f;
  else
    for one in select x.organization_id, x.id, to_jsonb(x) as image from fresh x loop
      entry := core.uuid7();
      insert into ts.audit_entry (organization_id, at, id, actor, action, table_name, row_id, after, trace)
      values (one.organization_id, now(), entry, sec.actor(), 'insert',
        tg_table_schema || '.' || tg_table_name, one.id,
        audit.hidden(entry, one.organization_id, audit.redacted(one.image, tg_argv), tg_argv), sec.trace());
    end loop;
  end if;
  return null;
end $$;

create or replace function audit.record_change() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  before jsonb := to_jsonb(old);
  after jsonb;
  entry uuid := core.uuid7();
  former jsonb;
begin
  if tg_op = 'UPDATE' then
    after := to_jsonb(new);
  end if;
  if tg_nargs > 0 then
    before := audit.redacted(before, tg_argv);
    after := audit.redacted(after, tg_argv);
    if tg_argv[tg_nargs - 1] like '@personal:%' then
      former := before;
      before := audit.hidden(entry, old.organization_id, before, tg_argv);
      after := audit.hidden(entry, old.organization_id, after, tg_argv, former, before);
    end if;
  end if;
  insert into ts.audit_entry
    (organization_id, at, id, actor, action, table_name, row_id, before, after, trace)
  values (old.organization_id, now(), entry, sec.actor(), lower(tg_op),
    tg_table_schema || '.' || tg_table_name, old.id, before, after, sec.trace());
  return null;
end $$;

create or replace function audit.record_truncate() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  name text := tg_table_schema || '.' || tg_table_name;
  one record;
  entry uuid;
begin
  for one in execute format(
    'select t.organization_id, t.id, audit.redacted(to_jsonb(t), $1) as image from %I.%I t',
    tg_table_schema, tg_table_name) using tg_argv
  loop
    entry := core.uuid7();
    insert into ts.audit_entry (organization_id, at, id, actor, action, table_name, row_id, before, trace)
    values (one.organization_id, now(), entry, sec.actor(), 'truncate', name, one.id,
      audit.hidden(entry, one.organization_id, one.image, coalesce(tg_argv, '{}')), sec.trace());
  end loop;
  insert into ts.audit_entry (organization_id, at, actor, action, table_name, trace)
  values (coalesce(sec.org(), '00000000-0000-0000-0000-000000000000'), now(), sec.actor(), 'truncate', name,
    sec.trace());
  return null;
end $$;
"""

FORMER_TRUNCATE = """
create or replace function audit.record_truncate() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  name text := tg_table_schema || '.' || tg_table_name;
begin
  execute format(
    'insert into ts.audit_entry (organization_id, at, actor, action, table_name, row_id, before, trace)'
    ' select t.organization_id, now(), sec.actor(), %L, %L, t.id, audit.redacted(to_jsonb(t), $1),'
    ' sec.trace() from %I.%I t', 'truncate', name, tg_table_schema, tg_table_name) using tg_argv;
  insert into ts.audit_entry (organization_id, at, actor, action, table_name, trace)
  values (coalesce(sec.org(), '00000000-0000-0000-0000-000000000000'), now(), sec.actor(), 'truncate', name,
    sec.trace());
  return null;
end $$;
"""

# One-off: what revisions before this one recorded in clear.
CONVERT = """
do $$
declare
  e record;
  hidden_before jsonb;
  arguments text[] := array['@person:id', '@personal:name', '@personal:email'];
begin
  for e in select * from ts.audit_entry where table_name = 'core.person' order by seq loop
    hidden_before := audit.hidden(e.id, e.organization_id, e.before, arguments);
    update ts.audit_entry x set before = hidden_before,
      after = audit.hidden(e.id, e.organization_id, e.after, arguments, e.before, hidden_before)
    where x.organization_id = e.organization_id and x.at = e.at and x.id = e.id;
  end loop;
end $$;
"""

REVEAL = """
-- Asks for personal values of entries: whoever holds the keys answers, sealed for `public_key`.
create function audit.ask_reveal(entries uuid[], public_key bytea) returns uuid language plpgsql
security definer set search_path = '' as $$
declare
  made uuid;
begin
  if sec.org() is null or not sec.has('audit:read') then
    perform sec.fail('SN403', 'audit.denied|reading the audit trail needs the permission audit:read');
  end if;
  if cardinality(entries) not between 1 and 2000 or length(ask_reveal.public_key) <> 32 then
    perform sec.fail('SN422', 'audit.reveal|ask for 1 to 2000 entries with a key of 32 bytes');
  end if;
  delete from audit.reveal r where r.organization_id = sec.org()
    and r.created_at < clock_timestamp() - interval '1 minute';
  if (select count(*) from audit.reveal r
      where r.organization_id = sec.org() and r.person_id = sec.actor()) >= 20 then
    perform sec.fail('SN422', 'audit.flood|too many questions at once; wait a moment');
  end if;
  insert into audit.reveal (organization_id, person_id, entries, public_key)
  values (sec.org(), sec.actor(), ask_reveal.entries, ask_reveal.public_key) returning id into made;
  return made;
end $$;

create function audit.take_reveal(question uuid) returns bytea language plpgsql
security definer set search_path = '' as $$
declare
  found_answer bytea;
begin
  delete from audit.reveal r where r.organization_id = sec.org() and r.id = question
    and r.person_id is not distinct from sec.actor() and r.answer is not null
  returning r.answer into found_answer;
  return found_answer;
end $$;
"""

ERASE = """
grant update on core.person to sent_auth;
grant select, insert on audit.erasure to sent_auth;
create policy identity on audit.erasure to sent_auth using (true) with check (true);
"""

ERASE_FUNCTION = """
-- For the installation's administrator: who has this address; who of these is known by name (a restored
-- backup brings back whoever was erased after it was made).
create function auth.person_of(email text) returns uuid language plpgsql stable
security definer set search_path = '' as $$
begin
  if session_user <> 'sent_system' then
    perform sec.fail('SN403', 'person.denied|only the installation''s administrator looks people up');
  end if;
  return (select p.id from core.person p where p.email = person_of.email);
end $$;

create function auth.unerased(people uuid[]) returns setof uuid language plpgsql stable
security definer set search_path = '' as $$
begin
  if session_user <> 'sent_system' then
    perform sec.fail('SN403', 'person.denied|only the installation''s administrator looks people up');
  end if;
  return query select p.id from core.person p where p.id = any (people) and p.email !~ '@erased[.]invalid$';
end $$;

-- Overwrites what is known of a person, ends memberships and logins, removes the personal values of the
-- trail and notes that the person's key is to be destroyed. The installation's administrator erases anybody;
-- an organisation only who belongs to it alone. Returns what was done.
create function auth.erase_person(person uuid) returns jsonb language plpgsql
security definer set search_path = '' as $$
declare
  m record;
  organizations integer := 0;
  logins integer := 0;
  traces integer;
  everywhere boolean := session_user = 'sent_system';
begin
  if not everywhere and (sec.org() is null or not sec.has('audit:manage')) then
    perform sec.fail('SN403', 'audit.denied|erasing a person needs the permission audit:manage');
  end if;
  perform p.id from core.person p where p.id = person for update;
  if not found or not everywhere and not exists (
    select from core.membership x where x.organization_id = sec.org() and x.person_id = person
      and x.state <> 'invited')
  then
    perform sec.fail('SN404', 'person.missing|no such person');
  end if;
  if not everywhere and exists (
    select from core.membership x where x.organization_id <> sec.org() and x.person_id = person
      and x.state <> 'invited')
  then
    perform sec.fail('SN409', 'person.shared|this person belongs to another organisation too: switch the'
      ' membership off here; the installation''s administrator erases the person');
  end if;
  for m in
    select x.organization_id, x.id, x.state, r.key from core.membership x
    join core.role r on r.organization_id = x.organization_id and r.id = x.role_id
    where x.person_id = person order by x.organization_id for update of x
  loop
    if m.key = 'owner' and m.state = 'active' then
      perform o.id from core.membership o join core.role r
        on r.organization_id = o.organization_id and r.id = o.role_id
      where o.organization_id = m.organization_id and r.key = 'owner' order by o.id for update of o;
      if not exists (
        select from core.membership o join core.role r
          on r.organization_id = o.organization_id and r.id = o.role_id
        where o.organization_id = m.organization_id and r.key = 'owner' and o.state = 'active'
          and o.person_id <> person)
      then
        perform sec.fail('SN409', 'owner.last|the last owner cannot be erased; make another first');
      end if;
    end if;
    if not everywhere then
      perform auth.may_manage(m.id);
    end if;
    perform sec.expire(m.id);
    organizations := organizations + 1;
  end loop;
  delete from auth.invitation i using core.membership x where x.person_id = person and i.id = x.id;
  delete from core.membership x where x.person_id = person and x.state = 'invited';
  update core.membership x set state = 'disabled' where x.person_id = person and x.state <> 'disabled';
  update auth.session s set ended_at = now() where s.person_id = person and s.ended_at is null;
  get diagnostics logins = row_count;
  delete from auth.ticket t where t.person_id = person;
  delete from auth.credential c where c.id = person;
  update core.person p set name = 'Erased person',
    email = 'erased-' || replace(person::text, '-', '') || '@erased.invalid' where p.id = person;
  delete from audit.personal x where x.person_id = person;
  get diagnostics traces = row_count;
  insert into audit.erasure (organization_id, person_id, memberships, traces)
  values (case when everywhere then '00000000-0000-0000-0000-000000000000' else sec.org() end, person,
    organizations, traces);
  return jsonb_build_object('person_id', person, 'memberships_ended', organizations,
    'sessions_ended', logins, 'personal_values_removed', traces);
end $$;
"""

FUNCTIONS = (
    "horizon()",
    "signing_keys()",
    "find(bigint)",
    "cut(bigint)",
    "drop_empty()",
    "ask_reveal(uuid[], bytea)",
    "take_reveal(uuid)",
)


def upgrade() -> None:
    """Make seals, personal values, questions for them, erasure."""
    op.sql("set role sent_owner")
    _tables()
    op.sql(SEALS + PERSONAL + REVEAL + ERASE)
    op.sql(
        "grant execute on function audit.horizon(), audit.cut(bigint), audit.drop_empty()"
        " to sent_app, sent_system;"
        " grant execute on function audit.signing_keys(), audit.find(bigint),"
        " audit.ask_reveal(uuid[], bytea), audit.take_reveal(uuid) to sent_staff, sent_app, sent_system"
    )
    op.sql(ERASE_FUNCTION)
    op.sql("reset role")
    op.sql(RECORD)
    op.sql(
        "grant create on schema auth to sent_auth; grant create on schema audit to sent_definer;"
        " grant usage on schema audit to sent_auth;"
        " alter function auth.erase_person(uuid) owner to sent_auth;"
        " alter function auth.person_of(text) owner to sent_auth;"
        " alter function auth.unerased(uuid[]) owner to sent_auth;"
        " alter function audit.find(bigint) owner to sent_definer;"
        " alter function audit.signing_keys() owner to sent_definer;"
        " revoke create on schema auth from sent_auth; revoke create on schema audit from sent_definer;"
        " grant execute on function auth.erase_person(uuid) to sent_staff, sent_app, sent_system;"
        " grant execute on function auth.person_of(text), auth.unerased(uuid[]) to sent_system;"
        " grant execute on function audit.find(bigint), audit.signing_keys()"
        " to sent_staff, sent_app, sent_system"
    )
    op.sql(CONVERT)
    op.sql(
        "set role sent_owner; select audit.mark_personal('core.person', 'id', array['name', 'email']);"
        " reset role"
    )


def _tables() -> None:
    op.create_tenant_table(
        "audit.seal",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("prev", pg.BYTEA(), nullable=False),
        sa.Column("head", pg.BYTEA(), nullable=False),
        sa.Column("signature", pg.BYTEA(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seqs", pg.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("digests", pg.BYTEA(), nullable=False),
        sa.Column("genesis", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.CheckConstraint("length(head) = 32 and length(prev) = 32", name="ck_seal_head"),
        sa.CheckConstraint("length(signature) = 64", name="ck_seal_signature"),
        sa.UniqueConstraint("organization_id", "number", name="uq_seal_number"),
        sa.UniqueConstraint("organization_id", "from_seq", name="uq_seal_from_seq"),
        staff="select",
        read="audit:read",
        audit=False,
        claim=True,
    )
    op.create_tenant_table(
        "audit.signing_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_key", pg.BYTEA(), nullable=False),
        sa.CheckConstraint("length(public_key) = 32", name="ck_signing_key_length"),
        sa.UniqueConstraint("organization_id", "key_id", name="uq_signing_key_id"),
        staff="",
    )
    op.create_tenant_table(
        "audit.proof",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result", pg.JSONB(), nullable=False),
        sa.CheckConstraint("kind in ('anchor', 'verify')", name="ck_proof_kind"),
        sa.UniqueConstraint("organization_id", "kind", name="uq_proof_kind"),
        staff="select",
        read="audit:read",
        audit=False,
    )
    op.create_tenant_table(
        "audit.personal",
        sa.Column("entry_id", pg.UUID(), nullable=False),
        sa.Column("commitment", pg.BYTEA(), nullable=False),
        sa.Column("person_id", pg.UUID()),
        sa.Column("salt", pg.BYTEA()),
        sa.Column("value", sa.Text()),
        sa.Column("sealed", pg.BYTEA()),
        sa.CheckConstraint("(value is null) = (sealed is not null)", name="ck_personal_one"),
        staff="",
        audit=False,
        claim=True,
    )
    op.create_tenant_table(
        "audit.reveal",
        sa.Column("person_id", pg.UUID()),
        sa.Column("entries", pg.ARRAY(pg.UUID()), nullable=False),
        sa.Column("public_key", pg.BYTEA(), nullable=False),
        sa.Column("answer", pg.BYTEA()),
        staff="",
        audit=False,
        claim=True,
    )
    op.create_tenant_table(
        "audit.erasure",
        sa.Column("person_id", pg.UUID(), nullable=False),
        sa.Column("memberships", sa.Integer(), nullable=False),
        sa.Column("traces", sa.Integer(), nullable=False),
        sa.Column("key_destroyed_at", sa.DateTime(timezone=True)),
        staff="select",
        read="audit:read",
        claim=True,
    )


def downgrade() -> None:
    """Drop it; personal columns of entries made meanwhile stay commitments, their values are lost."""
    op.sql("set role sent_owner")
    op.sql(
        "drop function auth.erase_person(uuid), auth.person_of(text), auth.unerased(uuid[]);"
        " drop index ts.ix_audit_entry_seq;"
        " revoke update on core.person from sent_auth;"
        " update ts.series set retention = interval '90 days' where name = 'audit.entry'"
    )
    for function in FUNCTIONS:
        op.sql(f"drop function audit.{function}")
    op.sql("drop function audit.mark_personal(text, text, text[], text[])")
    for table in ("seal", "signing_key", "proof", "personal", "reveal", "erasure"):
        op.sql(f"drop table audit.{table}")
    op.sql(
        "drop function audit.check_seal(); drop table core.personal_column;"
        " delete from core.sealed_column where table_name = 'audit.personal';"
        " drop trigger audit_insert on core.person; drop trigger audit_change on core.person;"
        " drop trigger audit_truncate on core.person"
    )
    op.audit_table("core.person", redact=("name", "email"))
    op.sql("reset role")
    op.sql(FORMER_TRUNCATE)
    op.sql("drop function audit.hidden(uuid, uuid, jsonb, text[], jsonb, jsonb)")
