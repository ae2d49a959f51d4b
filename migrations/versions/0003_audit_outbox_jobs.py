"""The audit trail, the outbox and the job queue.

Audit entries are written by triggers, because triggers also see COPY, raw SQL and cascades. They are a
time series nobody may write, change or delete: the trigger functions belong to `sent_audit`, the only role
with the right to insert. `seq` and `txid` are there for sealing the entries into a chain afterwards.

The queue is procrastinate's own schema at the version of the installed library, in a schema of its own.
"""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files

from alembic import op

from sent.platform.db.tenancy import Access, claimable, security
from sent.platform.db.timeseries import TimeSeries

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AUDITED = {
    "core.organization": (),
    "core.client": (),
    "core.role": (),
    "core.role_permission": (),
    "core.person": (),
    "core.membership": (),
    "core.membership_client": (),
    "core.setting": (),
}

RECORD = """
grant insert on ts.audit_entry to sent_audit;
grant usage on sequence audit.entry_seq to sent_audit;

-- Columns that must not be read in the trail enter as a digest: that they changed stays visible.
create function audit.redacted(image jsonb, columns text[]) returns jsonb language sql immutable as $$
  select image || coalesce((
    select jsonb_object_agg(c, 'sha256:' || encode(sha256(convert_to(image ->> c, 'UTF8')), 'hex'))
    from unnest(columns) c where image ->> c is not null
  ), '{}')
$$;

grant execute on function audit.redacted(jsonb, text[]) to sent_audit;

create function audit.record_insert() returns trigger language plpgsql
security definer set search_path = '' as $$
begin
  if tg_nargs = 0 then
    insert into ts.audit_entry (organization_id, at, actor, action, table_name, row_id, after, trace)
    select f.organization_id, now(), a.actor, 'insert', a.name, f.id, to_jsonb(f), a.trace
    from fresh f, (select sec.actor() as actor, sec.trace() as trace,
                          tg_table_schema || '.' || tg_table_name as name) a;
  else
    insert into ts.audit_entry (organization_id, at, actor, action, table_name, row_id, after, trace)
    select f.organization_id, now(), sec.actor(), 'insert', tg_table_schema || '.' || tg_table_name, f.id,
      audit.redacted(to_jsonb(f), tg_argv), sec.trace()
    from fresh f;
  end if;
  return null;
end $$;

-- Both images of an update are whole: what changed is worked out by whoever reads, not at every write.
create function audit.record_change() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  before jsonb := to_jsonb(old);
  after jsonb;
begin
  if tg_op = 'UPDATE' then
    after := to_jsonb(new);
  end if;
  if tg_nargs > 0 then
    before := audit.redacted(before, tg_argv);
    after := audit.redacted(after, tg_argv);
  end if;
  insert into ts.audit_entry (organization_id, at, actor, action, table_name, row_id, before, after, trace)
  values (old.organization_id, now(), sec.actor(), lower(tg_op), tg_table_schema || '.' || tg_table_name,
    old.id, before, after, sec.trace());
  return null;
end $$;

create function audit.record_truncate() returns trigger language plpgsql
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

-- One page of the trail, newest first. A definer function, because searching the images needs operators
-- that row-level security would otherwise run over every row first.
create function audit.page(
  before_at timestamptz, before_id uuid, most integer, in_table text, by_actor uuid, of_action text,
  containing text, since timestamptz, until timestamptz
) returns table (
  id uuid, at timestamptz, actor uuid, actor_name text, action text, table_name text, row_id uuid,
  before jsonb, after jsonb, trace uuid
) language plpgsql stable security definer set search_path = '' as $$
declare
  organization uuid := sec.org();
begin
  if organization is null or not sec.has('audit:read') then
    perform sec.fail('SN403', 'audit.denied|reading the audit trail needs the permission audit:read');
  end if;
  return query
    select e.id, e.at, e.actor, coalesce(p.name, i.service, ''), e.action, e.table_name, e.row_id,
      e.before, e.after, e.trace
    from ts.audit_entry e
    left join core.person p on p.id = e.actor
    left join core.instance i on i.id = e.actor
    where e.organization_id = organization
      and (e.at, e.id) < (coalesce(before_at, 'infinity'),
        coalesce(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      and e.at >= coalesce(page.since, '-infinity') and e.at < coalesce(page.until, 'infinity')
      and (in_table is null or e.table_name = in_table)
      and (by_actor is null or e.actor = by_actor)
      and (of_action is null or e.action = of_action)
      and (containing is null
        or strpos(lower(concat(e.before::text, e.after::text, p.name)), lower(containing)) > 0)
    order by e.at desc, e.id desc
    limit least(most, 2000);
end $$;

create function audit.tables() returns setof text language plpgsql stable
security definer set search_path = '' as $$
begin
  if sec.org() is null or not sec.has('audit:read') then
    perform sec.fail('SN403', 'audit.denied|reading the audit trail needs the permission audit:read');
  end if;
  return query
    select distinct n.nspname || '.' || c.relname from pg_catalog.pg_trigger t
    join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where t.tgname = 'audit_insert' order by 1;
end $$;
grant execute on function
  audit.page(timestamptz, uuid, integer, text, uuid, text, text, timestamptz, timestamptz), audit.tables()
  to sent_staff, sent_app;
"""

OUTBOX = """
-- Events wait here in the transaction that caused them. The one dispatcher gives each its number `seq`
-- after the commit, so numbers become visible in their order and a reader that remembers the last one it
-- saw misses nothing, however long other transactions stay open.
create table core.outbox (
  organization_id uuid not null,
  id uuid not null,
  ord bigint generated always as identity,
  seq bigint,
  topic text not null check (topic ~ '^[a-z0-9_]+([.][a-z0-9_]+)+$' and length(topic) <= 120),
  key text check (length(key) <= 200),
  payload jsonb not null check (pg_column_size(payload) <= 8192),
  at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id)
);
create index ix_outbox_waiting on core.outbox (ord) where seq is null;
create index ix_outbox_seq on core.outbox (organization_id, seq) where seq is not null;
create index ix_outbox_at on core.outbox using brin (at);
create sequence core.outbox_seq;
grant select on core.outbox to sent_staff, sent_app;
grant select, update, delete on core.outbox to sent_system;
grant usage on sequence core.outbox_seq to sent_system;

-- Staff tell of changes in engines they may change, in few words: what happened (an alert was raised) only
-- services say. A member who floods is stopped before the dispatcher feels it.
create function core.publish(id uuid, topic text, payload jsonb, key text default null) returns uuid
language plpgsql security definer set search_path = '' as $$
begin
  if not sec.trusted() then
    if publish.topic !~ '[.]changed$' or pg_column_size(publish.payload) > 1024 or not exists (
      select from sec.principal p, unnest(p.permissions) as may
      where p.role_name = session_user and not p.disabled and p.valid_until > now()
        and split_part(may, ':', 1) = split_part(publish.topic, '.', 1) and split_part(may, ':', 2) <> 'read')
    then
      perform sec.fail('SN403', 'bus.topic|you may not publish ' || coalesce(publish.topic, 'nothing'));
    end if;
    if (select count(*) from (
          select from core.outbox o where o.seq is null and o.organization_id = sec.org() limit 1000) waiting
       ) >= 1000 then
      perform sec.fail('SN422', 'bus.flood|too many events of yours are waiting; try again later');
    end if;
  end if;
  insert into core.outbox (organization_id, id, topic, payload, key)
  values (sec.org(), publish.id, publish.topic, publish.payload, publish.key);
  return publish.id;
end $$;
grant execute on function core.publish(uuid, text, jsonb, text)
  to sent_staff, sent_app, sent_system, sent_ingest;

-- What a consumer has handled: at least once becomes exactly once for its effects.
create table core.inbox (
  organization_id uuid not null default sec.org(),
  consumer text not null,
  event_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  primary key (organization_id, consumer, event_id)
);
grant select, insert, delete on core.inbox to sent_app, sent_system;
"""

JOBS = """
-- The library's functions name their tables without a schema.
do $$
declare
  routine regprocedure;
begin
  for routine in
    select p.oid::regprocedure from pg_catalog.pg_proc p where p.pronamespace = 'jobs'::regnamespace
  loop
    execute format('alter function %s set search_path = jobs', routine);
  end loop;
end $$;
alter table jobs.procrastinate_jobs
  add column organization_id uuid generated always as ((args -> 'sent' ->> 'organization_id')::uuid) stored,
  add column deferred_at timestamptz not null default clock_timestamp();
create index ix_jobs_organization on jobs.procrastinate_jobs (organization_id, id);
grant usage on schema jobs to sent_system;
grant all on all tables in schema jobs to sent_system;
grant all on all sequences in schema jobs to sent_system;
grant execute on all functions in schema jobs to sent_system;

-- Puts a job into the caller's transaction and stamps it with the organisation, actor and trace it is run
-- for. Locks are per organisation. Returns null when a job with this queueing lock waits already.
create function core.defer(
  task text, args jsonb default '{}', queue text default 'default', lock text default null,
  queueing_lock text default null, run_at timestamptz default null, priority integer default 0
) returns bigint language plpgsql security definer set search_path = 'jobs' as $$
declare
  organization uuid := sec.org();
begin
  if organization is null then
    perform sec.fail('SN403', 'job.organization|a job belongs to an organisation');
  end if;
  return (procrastinate_defer_jobs_v1(array[row(
    defer.queue, defer.task, defer.priority, organization || ':' || defer.lock,
    organization || ':' || defer.queueing_lock,
    defer.args || jsonb_build_object('sent', jsonb_build_object(
      'organization_id', organization, 'actor_id', sec.actor(), 'trace', sec.trace())),
    defer.run_at)::procrastinate_job_to_defer_v1]))[1];
exception when unique_violation then
  return null;
end $$;
grant execute on function core.defer(text, jsonb, text, text, text, timestamptz, integer)
  to sent_app, sent_system;

create function core.jobs(most integer default 200) returns table (
  id bigint, task text, queue text, status text, attempts integer, deferred_at timestamptz,
  scheduled_at timestamptz
) language plpgsql stable security definer set search_path = '' as $$
begin
  return query
    select j.id, j.task_name::text, j.queue_name::text, j.status::text, j.attempts, j.deferred_at,
      j.scheduled_at
    from jobs.procrastinate_jobs j where j.organization_id = sec.org()
    order by j.id desc limit least(most, 2000);
end $$;

-- Runs a failed job again.
create function core.replay_job(job bigint) returns void language plpgsql
security definer set search_path = 'jobs' as $$
begin
  if not sec.has('org:admin') then
    perform sec.fail('SN403', 'job.denied|running a job again needs the permission org:admin');
  end if;
  perform from procrastinate_jobs j
  where j.id = job and j.organization_id = sec.org() and j.status = 'failed' for update;
  if not found then
    perform sec.fail('SN404', 'job.missing|no failed job of this number');
  end if;
  perform procrastinate_retry_job_v2(job, now(), null, null, null);
end $$;
grant execute on function core.jobs(integer), core.replay_job(bigint) to sent_staff, sent_app;
"""


def upgrade() -> None:
    """Make the trail, the outbox and the queue."""
    op.sql("set role sent_owner")
    _audit()
    op.sql(OUTBOX)
    for statement in (
        *security("core.outbox", Access(("select",))),
        *(claimable("core.outbox", verb) for verb in ("select", "update", "delete")),
        *security("core.inbox", Access(())),
    ):
        op.sql(statement)
    _jobs()
    op.sql("reset role")
    for name in ("record_insert", "record_change", "record_truncate"):
        op.sql(f"alter function audit.{name}() owner to sent_audit")
        op.sql(f"grant execute on function audit.{name}() to sent_owner")
    op.sql("revoke create on schema audit from sent_audit")


def _audit() -> None:
    op.sql(
        "create schema audit; create sequence audit.entry_seq;"
        " grant usage on schema audit to sent_staff, sent_app, sent_system, sent_ingest, sent_definer;"
        " grant usage, create on schema audit to sent_audit"
    )
    op.create_timeseries(
        TimeSeries(
            "audit.entry",
            columns=(
                ("seq", "bigint not null default nextval('audit.entry_seq')"),
                ("txid", "xid8 not null default pg_current_xact_id()"),
                ("actor", "uuid"),
                ("action", "text not null"),
                ("table_name", "text not null"),
                ("row_id", "uuid"),
                ("before", "jsonb"),
                ("after", "jsonb"),
                ("trace", "uuid"),
            ),
            chunk="month",
            ahead=2,
            read="audit:read",
            writers=(),
        )
    )
    op.sql(RECORD)
    for table, redact in AUDITED.items():
        op.audit_table(table, redact=redact)


def _jobs() -> None:
    schema = files("procrastinate").joinpath("sql/schema.sql").read_text(encoding="utf-8")
    op.sql("create schema jobs; set local search_path = jobs")
    op.sql(schema)
    op.sql("set local search_path to default")
    op.sql(
        "insert into core.component_version (component, version)"
        f" values ('procrastinate', '{version('procrastinate')}')"
    )
    op.sql(JOBS)
