"""Jobs: fair claims, schedules, why jobs failed, and what members see of them.

A claim goes to the organisation that was served longest ago, and within it to the highest priority: who
defers ten thousand jobs makes himself wait, not others. No organisation may hold all slots of a worker.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FAIRNESS = """
alter table jobs.procrastinate_jobs add constraint ck_jobs_organization check (organization_id is not null);
create index ix_jobs_ready on jobs.procrastinate_jobs (organization_id, priority desc, id)
  where status = 'todo';
create index ix_jobs_running on jobs.procrastinate_jobs (organization_id) where status = 'doing';
create index ix_jobs_lock on jobs.procrastinate_jobs (lock) where status in ('todo', 'doing');

-- When each organisation was last served. Unlogged: after a crash everybody is equal.
create unlogged table jobs.turn (organization_id uuid primary key, served bigint not null);
create sequence jobs.turn_served;
grant select, insert, update, delete on jobs.turn to sent_system;
grant usage on sequence jobs.turn_served to sent_system;

-- The library's claim, made fair. `sent.jobs_per_organization` is what a worker's connection says about
-- how many jobs of one organisation may run at once.
create or replace function jobs.procrastinate_fetch_job_v2(
  target_queue_names character varying[], p_worker_id bigint
) returns jobs.procrastinate_jobs language plpgsql set search_path = jobs as $$
declare
  most integer := coalesce(nullif(current_setting('sent.jobs_per_organization', true), '')::integer, 1000);
  owner uuid;
  found_job procrastinate_jobs;
begin
  for owner in
    with recursive waiting as (
      (select j.organization_id from procrastinate_jobs j where j.status = 'todo'
       order by j.organization_id limit 1)
      union all
      select (select j.organization_id from procrastinate_jobs j
              where j.status = 'todo' and j.organization_id > w.organization_id
              order by j.organization_id limit 1)
      from waiting w where w.organization_id is not null
    )
    select w.organization_id from waiting w left join turn t on t.organization_id = w.organization_id
    where w.organization_id is not null order by t.served nulls first, w.organization_id
  loop
    continue when most <= (select count(*) from procrastinate_jobs d
                           where d.status = 'doing' and d.organization_id = owner);
    select j.* into found_job from procrastinate_jobs j
    where j.organization_id = owner and j.status = 'todo'
      and (target_queue_names is null or j.queue_name = any (target_queue_names))
      and (j.scheduled_at is null or j.scheduled_at <= now())
      and (j.lock is null or not exists (
        select from procrastinate_jobs o
        where o.lock = j.lock and o.status in ('todo', 'doing') and (o.status = 'doing'
          or o.priority > j.priority or (o.priority = j.priority and o.id < j.id))))
    order by j.priority desc, j.id limit 1
    for update of j skip locked;
    continue when found_job.id is null;
    update procrastinate_jobs j set status = 'doing', worker_id = p_worker_id
    where j.id = found_job.id returning j.* into found_job;
    insert into turn as t (organization_id, served) values (owner, nextval('turn_served'))
    on conflict (organization_id) do update set served = excluded.served where t.served < excluded.served;
    return found_job;
  end loop;
  return null;
end $$;

-- Workers look twice a second and listen to nobody: NOTIFY cannot be forbidden, and the library would stop
-- jobs of others at the word of any member.
drop trigger procrastinate_jobs_notify_queue_job_inserted_v1 on jobs.procrastinate_jobs;
drop trigger procrastinate_jobs_notify_queue_job_aborted_v1 on jobs.procrastinate_jobs;
"""

SCHEDULES = """
-- What the clock starts; written by the jobs service from the engines' manifests.
create table jobs.schedule (
  task text primary key,
  title text not null,
  cron text not null,
  queue text not null,
  installation boolean not null,
  last_due timestamptz not null default now(),
  next_due timestamptz not null,
  seen_at timestamptz not null default now()
);
grant select, insert, update, delete on jobs.schedule to sent_system;

-- Run by sent_system itself. Starts a schedule's jobs for `due`, once however many workers ask: one job for
-- every organisation, or one
-- for the installation. Returns how many, or null when somebody else was first. Whoever still has the
-- former run waiting gets no second one.
create function core.tick(task text, due timestamptz, next_due timestamptz) returns integer
language plpgsql set search_path = 'jobs' as $$
declare
  plan schedule;
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  made integer;
begin
  update schedule s set last_due = tick.due, next_due = tick.next_due
  where s.task = tick.task and s.last_due < tick.due returning s.* into plan;
  if not found then
    return null;
  end if;
  with owners as (
    select o.id from core.organization o where not plan.installation
    union all select nobody where plan.installation
  ), wanted as (
    select id from owners w where not exists (
      select from procrastinate_jobs j
      where j.status = 'todo' and j.queueing_lock = w.id || ':cron:' || tick.task)
  ), deferred as (
    select unnest(procrastinate_defer_jobs_v1(array_agg(row(
      plan.queue, plan.task, 0, w.id || ':cron:' || plan.task, w.id || ':cron:' || plan.task,
      jsonb_build_object('sent', jsonb_build_object('organization_id', w.id, 'trace', core.uuid7())),
      null)::procrastinate_job_to_defer_v1))) from wanted w having count(*) > 0
  )
  select count(*) into made from deferred;
  return made;
end $$;
grant execute on function core.tick(text, timestamptz, timestamptz) to sent_system;
"""

VIEWS = """
-- Why an attempt failed: code and text of an error of ours, else only its kind.
create table jobs.failure (
  job_id bigint not null references jobs.procrastinate_jobs (id) on delete cascade,
  attempt integer not null,
  at timestamptz not null default clock_timestamp(),
  reason text not null check (length(reason) <= 500),
  primary key (job_id, attempt)
);
grant select, insert, update, delete on jobs.failure to sent_system;

create function jobs.mine() returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  if sec.org() is null or not (sec.has('jobs:read') or sec.has('jobs:manage')) then
    perform sec.fail('SN403', 'job.denied|reading jobs needs the permission jobs:read');
  end if;
  return sec.org();
end $$;

create function jobs.managed() returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  if sec.org() is null or not sec.has('jobs:manage') then
    perform sec.fail('SN403', 'job.denied|this needs the permission jobs:manage');
  end if;
  return sec.org();
end $$;

drop function core.jobs(integer);
create function core.jobs(
  before bigint default null, most integer default 200, of_status text[] default null,
  containing text default null, wanted bigint default null
) returns table (
  id bigint, task text, queue text, status text, priority integer, attempts integer, lock text,
  deferred_at timestamptz, scheduled_at timestamptz, started_at timestamptz, ended_at timestamptz,
  actor uuid, actor_name text, trace uuid, reason text, stopping boolean
) language plpgsql stable security definer set search_path = '' as $$
declare
  organization uuid := jobs.mine();
begin
  return query
    select j.id, j.task_name::text, j.queue_name::text, j.status::text, j.priority, j.attempts,
      substr(j.lock, 38), j.deferred_at, j.scheduled_at, e.started, e.ended,
      (j.args -> 'sent' ->> 'actor_id')::uuid, coalesce(p.name, i.service, ''),
      (j.args -> 'sent' ->> 'trace')::uuid,
      (select f.reason from jobs.failure f where f.job_id = j.id order by f.attempt desc limit 1),
      j.abort_requested
    from jobs.procrastinate_jobs j
    left join core.person p on p.id = (j.args -> 'sent' ->> 'actor_id')::uuid
    left join core.instance i on i.id = (j.args -> 'sent' ->> 'actor_id')::uuid
    cross join lateral (
      select max(v.at) filter (where v.type = 'started') as started,
        max(v.at) filter (where v.type in ('succeeded', 'failed', 'cancelled', 'aborted')) as ended
      from jobs.procrastinate_events v where v.job_id = j.id
    ) e
    where j.organization_id = organization
      and (before is null or j.id < before)
      and (wanted is null or j.id = wanted)
      and (of_status is null or j.status::text = any (of_status))
      and (containing is null or strpos(lower(j.task_name), lower(containing)) > 0)
    order by j.id desc limit least(most, 2000);
end $$;

-- How many jobs stand where, each counted to 10,000 at most.
create function core.job_counts() returns table (status text, jobs bigint)
language plpgsql stable security definer set search_path = '' as $$
declare
  organization uuid := jobs.mine();
begin
  return query
    select s.name, (select count(*) from (
      select from jobs.procrastinate_jobs j
      where j.organization_id = organization and j.status::text = s.name limit 10000) x)
    from unnest(array['todo', 'doing', 'succeeded', 'failed', 'cancelled', 'aborted']) s (name);
end $$;

-- How many workers are there to run jobs.
create function core.job_workers() returns integer language plpgsql stable
security definer set search_path = '' as $$
begin
  perform jobs.mine();
  return (select count(*) from jobs.procrastinate_workers w
          where w.last_heartbeat > now() - interval '1 minute');
end $$;

create function core.job_history(job bigint) returns table (at timestamptz, what text, reason text)
language plpgsql stable security definer set search_path = '' as $$
declare
  organization uuid := jobs.mine();
begin
  return query
    select h.at, h.what, h.reason from (
      select v.at, v.type::text as what, null::text as reason
      from jobs.procrastinate_events v where v.job_id = job
      union all
      select f.at, 'error', f.reason from jobs.failure f where f.job_id = job
    ) h
    where exists (select from jobs.procrastinate_jobs j
                  where j.id = job and j.organization_id = organization)
    order by h.at desc limit 200;
end $$;

create function core.job_schedules() returns table (
  task text, title text, cron text, installation boolean, next_due timestamptz, last_job bigint,
  last_status text, last_at timestamptz
) language plpgsql stable security definer set search_path = '' as $$
declare
  organization uuid := jobs.mine();
begin
  return query
    select s.task, s.title, s.cron, s.installation, s.next_due, l.id, l.status::text, l.deferred_at
    from jobs.schedule s
    left join lateral (
      select j.id, j.status, j.deferred_at from jobs.procrastinate_jobs j
      where j.organization_id = organization and j.task_name = s.task order by j.id desc limit 1
    ) l on not s.installation
    where s.seen_at > now() - interval '1 day' order by s.title;
end $$;

-- Runs a failed or stopped job again.
create or replace function core.replay_job(job bigint) returns void language plpgsql
security definer set search_path = 'jobs' as $$
declare
  organization uuid := managed();
begin
  update procrastinate_jobs j set status = 'failed', abort_requested = false
  where j.id = job and j.organization_id = organization and j.status in ('aborted', 'cancelled', 'failed');
  if not found then
    perform sec.fail('SN404', 'job.missing|no job of this number has ended without success');
  end if;
  perform procrastinate_retry_job_v2(job, now(), null, null, null);
  update procrastinate_jobs j set attempts = 0 where j.id = job;
exception when unique_violation then
  perform sec.fail('SN409', 'job.waiting|a job like this one waits already');
end $$;

-- Takes a waiting job out of the queue, or asks a running one to stop.
create function core.cancel_job(job bigint) returns void language plpgsql
security definer set search_path = 'jobs' as $$
declare
  organization uuid := managed();
begin
  perform from procrastinate_jobs j
  where j.id = job and j.organization_id = organization and j.status in ('todo', 'doing') for update;
  if not found then
    perform sec.fail('SN404', 'job.missing|no job of this number waits or runs');
  end if;
  perform procrastinate_cancel_job_v1(job, true, false);
end $$;

-- Starts a scheduled task now, for the own organisation.
create function core.run_schedule(task text) returns bigint language plpgsql
security definer set search_path = 'jobs' as $$
declare
  organization uuid := managed();
  plan schedule;
begin
  select s.* into plan from schedule s where s.task = run_schedule.task and not s.installation;
  if not found then
    perform sec.fail('SN404', 'job.schedule|no schedule of yours has this name');
  end if;
  return (procrastinate_defer_jobs_v1(array[row(
    plan.queue, plan.task, 0, organization || ':cron:' || plan.task, organization || ':cron:' || plan.task,
    jsonb_build_object('sent', jsonb_build_object(
      'organization_id', organization, 'actor_id', sec.actor(), 'trace', core.uuid7())),
    null)::procrastinate_job_to_defer_v1]))[1];
exception when unique_violation then
  perform sec.fail('SN409', 'job.waiting|it waits in the queue already');
end $$;

grant execute on function core.jobs(bigint, integer, text[], text, bigint), core.job_counts(),
  core.job_workers(),
  core.job_history(bigint), core.job_schedules(), core.cancel_job(bigint), core.run_schedule(text)
  to sent_staff, sent_app;

-- Forgets jobs that ended well after a week and others after 90 days; at most 10,000 at a time.
create function jobs.prune() returns integer
language plpgsql security definer set search_path = 'jobs' as $$
declare
  gone integer;
begin
  with old as (
    select j.id from procrastinate_jobs j
    where j.status in ('succeeded', 'cancelled', 'aborted', 'failed')
      and j.deferred_at < now() - interval '7 days'
      and not exists (select from procrastinate_events v where v.job_id = j.id and v.at > now() - case
        when j.status = 'failed' then interval '90 days' else interval '7 days' end)
    limit 10000 for update skip locked
  )
  delete from procrastinate_jobs j using old where j.id = old.id;
  get diagnostics gone = row_count;
  delete from procrastinate_workers w where w.last_heartbeat < now() - interval '1 day'
    and not exists (select from procrastinate_jobs j where j.worker_id = w.id and j.status = 'doing');
  return gone;
end $$;
grant execute on function jobs.prune() to sent_system;
"""

BEFORE = """
drop function jobs.prune();
drop function core.run_schedule(text);
drop function core.cancel_job(bigint);
drop function core.job_schedules();
drop function core.job_history(bigint);
drop function core.job_workers();
drop function core.job_counts();
drop function core.jobs(bigint, integer, text[], text, bigint);
create function core.jobs(most integer default 200) returns table (
  id bigint, task text, queue text, status text, attempts integer, deferred_at timestamptz,
  scheduled_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select j.id, j.task_name::text, j.queue_name::text, j.status::text, j.attempts, j.deferred_at,
    j.scheduled_at
  from jobs.procrastinate_jobs j where j.organization_id = sec.org() order by j.id desc
  limit least(most, 2000)
$$;
grant execute on function core.jobs(integer) to sent_staff, sent_app;
create or replace function core.replay_job(job bigint) returns void language plpgsql
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
drop function jobs.managed();
drop function jobs.mine();
drop table jobs.failure;
drop function core.tick(text, timestamptz, timestamptz);
drop table jobs.schedule;
create or replace function jobs.procrastinate_fetch_job_v2(
  target_queue_names character varying[], p_worker_id bigint
) returns jobs.procrastinate_jobs language plpgsql set search_path = jobs as $$
declare
  found_job procrastinate_jobs;
begin
  select j.* into found_job from procrastinate_jobs j
  where j.status = 'todo' and (target_queue_names is null or j.queue_name = any (target_queue_names))
    and (j.scheduled_at is null or j.scheduled_at <= now())
    and (j.lock is null or not exists (
      select from procrastinate_jobs o
      where o.lock = j.lock and (o.status = 'doing' or (o.status = 'todo'
        and (o.priority > j.priority or (o.priority = j.priority and o.id < j.id))))))
  order by j.priority desc, j.id limit 1 for update of j skip locked;
  update procrastinate_jobs j set status = 'doing', worker_id = p_worker_id
  where j.id = found_job.id returning j.* into found_job;
  return found_job;
end $$;
create trigger procrastinate_jobs_notify_queue_job_inserted_v1 after insert on jobs.procrastinate_jobs
  for each row when (new.status = 'todo')
  execute procedure jobs.procrastinate_notify_queue_job_inserted_v1();
create trigger procrastinate_jobs_notify_queue_job_aborted_v1
  after update of abort_requested on jobs.procrastinate_jobs
  for each row when (not old.abort_requested and new.abort_requested and new.status = 'doing')
  execute procedure jobs.procrastinate_notify_queue_abort_job_v1();
drop table jobs.turn;
drop sequence jobs.turn_served;
drop index jobs.ix_jobs_lock;
drop index jobs.ix_jobs_running;
drop index jobs.ix_jobs_ready;
alter table jobs.procrastinate_jobs drop constraint ck_jobs_organization;
"""


def upgrade() -> None:
    """Make claims fair and jobs visible."""
    op.sql("set role sent_owner")
    for part in (FAIRNESS, SCHEDULES, VIEWS):
        op.sql(part)
    op.sql("reset role")


def downgrade() -> None:
    """Go back to the library's own claim."""
    op.sql("set role sent_owner")
    op.sql(BEFORE)
    op.sql("reset role")
