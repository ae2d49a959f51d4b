"""What an administrator sees of the database and orders of it.

Size, running queries and backups belong to the whole installation, not to an organisation: only members of
the organisation that operates it, with `database:read` or `database:manage`, get any of it, and only
through the functions here. Text of queries leaves them without its values.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OPERATOR = """
alter table core.organization add column operator boolean not null default false;

-- The first organisation of an installation operates it; `sent org operator` says otherwise.
create function core.first_operates() returns trigger language plpgsql
security definer set search_path = '' as $$
begin
  new.operator := not exists (select from core.organization o where o.operator);
  return new;
end $$;
create trigger first_operates before insert on core.organization
  for each row execute function core.first_operates();

create function sec.operates(permission text) returns boolean language sql stable
security definer set search_path = '' as $$
  select session_user = 'sent_system' or (sec.has(operates.permission) and exists (
    select from core.organization o where o.organization_id = sec.org() and o.operator))
$$;

create function sec.must_operate(permission text) returns void language plpgsql stable
security definer set search_path = '' as $$
begin
  if not sec.operates(must_operate.permission) then
    perform sec.fail('SN403', 'database.operator|the database is looked after by the organisation that'
      || ' operates this installation; there it needs the permission ' || must_operate.permission);
  end if;
end $$;

create function sec.must_system() returns void language plpgsql stable
security definer set search_path = '' as $$
begin
  if session_user <> 'sent_system' then
    perform sec.fail('SN403', 'database.system|this is the work of the database''s owner process');
  end if;
end $$;
grant execute on function sec.operates(text) to sent_staff, sent_app, sent_system;

create function core.set_operator(slug text, operates boolean) returns void language plpgsql
security definer set search_path = '' as $$
declare
  organization uuid := core.organization_by_slug(set_operator.slug);
begin
  perform sec.must_system();
  if organization is null then
    perform sec.fail('SN404', 'org.missing|there is no organisation ' || set_operator.slug);
  end if;
  if not operates and core.operators() <= 1 then
    perform sec.fail('SN409', 'org.operator|one organisation must operate the installation; name another');
  end if;
  perform set_config('sent.organization_id', organization::text, true);
  update core.organization o set operator = set_operator.operates where o.id = organization;
end $$;
grant execute on function core.set_operator(text, boolean) to sent_system;
"""

# Owned by sent_definer, whose policy reads all organisations.
OPERATOR_DEFINER = """
create function core.organization_by_slug(slug text) returns uuid language sql stable
security definer set search_path = '' as $$
  select o.id from core.organization o where o.slug = organization_by_slug.slug
$$;
create function core.operators() returns bigint language sql stable
security definer set search_path = '' as $$
  select count(*) from core.organization o where o.operator
$$;
"""

TABLES = """
-- Orders of an administrator (his organisation) or of the schedule (the platform's own, nil).
create table core.operation (
  id uuid not null default core.uuid7(),
  organization_id uuid not null,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  arguments jsonb not null default '{}' check (pg_column_size(arguments) <= 4096),
  state text not null default 'ordered'
    check (state in ('ordered', 'running', 'done', 'failed', 'cancelled')),
  ordered_by uuid,
  ordered_at timestamptz not null default clock_timestamp(),
  runner uuid,
  started_at timestamptz,
  ended_at timestamptz,
  cancel_asked boolean not null default false,
  result jsonb,
  error text check (length(error) <= 4000),
  primary key (organization_id, id)
);
-- How far one is; apart, so that the trail has its orders and ends, not every step.
create table core.operation_progress (
  organization_id uuid not null,
  operation_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  fraction double precision check (fraction between 0 and 1),
  step text not null default '' check (length(step) <= 200),
  primary key (organization_id, operation_id),
  foreign key (organization_id, operation_id) references core.operation on delete cascade
);
-- What the owner process knows and the server does not: backups, archive, free space.
create table core.database_state (
  organization_id uuid primary key default '00000000-0000-0000-0000-000000000000',
  at timestamptz not null default clock_timestamp(),
  state jsonb not null check (pg_column_size(state) <= 262144)
);
create table core.database_sample (
  organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
  day date not null,
  table_name text not null,
  bytes bigint not null,
  row_estimate bigint,
  primary key (organization_id, day, table_name)
);
create table core.slow_query (
  organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
  digest text not null,
  query text not null,
  who text not null,
  seen bigint not null default 1,
  longest_s double precision not null,
  cancelled bigint not null default 0,
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  last_pid integer not null,
  last_start timestamptz not null,
  primary key (organization_id, digest)
);
"""

GUARD = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy owner on {table} to sent_owner using (true) with check (true);
"""

OPERATIONS = """
create function core.order_operation(kind text, arguments jsonb default '{}') returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  made uuid;
begin
  perform sec.must_operate('database:manage');
  perform pg_advisory_xact_lock(7304021010);
  if exists (select from core.operation o where o.kind = order_operation.kind
      and o.arguments = order_operation.arguments and o.state in ('ordered', 'running')) then
    perform sec.fail('SN409', 'operation.busy|this is ordered already and not finished yet');
  end if;
  if (select count(*) from core.operation o where o.state = 'ordered') >= 20 then
    perform sec.fail('SN422', 'operation.full|too many orders wait; cancel one or try again later');
  end if;
  if session_user <> 'sent_system' and not exists (select from core.instance i where i.service = 'db'
      and i.heartbeat_at > clock_timestamp() - interval '1 minute') then
    perform sec.fail('SN409', 'operation.nobody|no process of SENT owns this database; an external server is'
      || ' backed up and updated with its own tools');
  end if;
  insert into core.operation (organization_id, kind, arguments, ordered_by)
  values (case when session_user = 'sent_system' then '00000000-0000-0000-0000-000000000000'
      else sec.org() end,
    order_operation.kind, order_operation.arguments, sec.actor())
  returning id into made;
  return made;
end $$;

create function core.operations(most integer default 50) returns table (
  id uuid, kind text, arguments jsonb, state text, ordered_by_name text, ordered_at timestamptz,
  started_at timestamptz, ended_at timestamptz, fraction double precision, step text, progress_at timestamptz,
  cancel_asked boolean, result jsonb, error text
) language plpgsql stable security definer set search_path = '' as $$
begin
  perform sec.must_operate('database:read');
  return query
    select o.id, o.kind, o.arguments, o.state, coalesce(n.name, ''), o.ordered_at, o.started_at, o.ended_at,
      p.fraction, coalesce(p.step, ''), p.at, o.cancel_asked, o.result, o.error
    from core.operation o
    left join core.operation_progress p
      on p.organization_id = o.organization_id and p.operation_id = o.id
    left join core.person n on n.id = o.ordered_by
    order by o.ordered_at desc, o.id desc limit least(most, 500);
end $$;

-- What waits is cancelled at once; what runs is told to stop. Returns the state it is in now.
create function core.cancel_operation(id uuid) returns text language plpgsql
security definer set search_path = '' as $$
declare
  now_is text;
begin
  perform sec.must_operate('database:manage');
  update core.operation o set cancel_asked = true,
    state = case o.state when 'ordered' then 'cancelled' else o.state end,
    ended_at = case o.state when 'ordered' then clock_timestamp() end
  where o.id = cancel_operation.id and o.state in ('ordered', 'running') returning o.state into now_is;
  if now_is is null then
    perform sec.fail('SN404', 'operation.over|there is no such order, or it is over');
  end if;
  return now_is;
end $$;
grant execute on function core.order_operation(text, jsonb), core.operations(integer),
  core.cancel_operation(uuid) to sent_staff, sent_app, sent_system;

-- The oldest order becomes the runner's; one at a time.
create function core.claim_operation(runner uuid) returns table (id uuid, kind text, arguments jsonb)
language plpgsql security definer set search_path = '' as $$
begin
  perform sec.must_system();
  return query
    update core.operation o
    set state = 'running', runner = claim_operation.runner, started_at = clock_timestamp()
    where (o.organization_id, o.id) = (
      select w.organization_id, w.id from core.operation w where w.state = 'ordered'
      order by w.ordered_at, w.id limit 1 for update skip locked)
    returning o.id, o.kind, o.arguments;
end $$;

-- Says how far it is; returns whether it shall stop.
create function core.report_operation(id uuid, fraction double precision, step text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid;
  stop boolean;
begin
  perform sec.must_system();
  select o.organization_id, o.cancel_asked into organization, stop
  from core.operation o where o.id = report_operation.id and o.state = 'running';
  if organization is null then
    return true;
  end if;
  insert into core.operation_progress (organization_id, operation_id, fraction, step)
  values (organization, report_operation.id, report_operation.fraction, left(report_operation.step, 200))
  on conflict (organization_id, operation_id) do update
  set at = clock_timestamp(), fraction = excluded.fraction, step = excluded.step;
  return stop;
end $$;

-- Ends an order; keeps the newest 500.
create function core.finish_operation(id uuid, state text, result jsonb, error text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform sec.must_system();
  update core.operation o set state = finish_operation.state, result = finish_operation.result,
    error = left(finish_operation.error, 4000), ended_at = clock_timestamp()
  where o.id = finish_operation.id and o.state = 'running';
  delete from core.operation o where o.state not in ('ordered', 'running') and (o.organization_id, o.id) in (
    select x.organization_id, x.id from core.operation x order by x.ordered_at desc, x.id desc offset 500);
end $$;

-- An order whose runner is gone did not end by itself: says so. `runner` is the one that asks.
create function core.fail_orphans(runner uuid) returns integer language plpgsql
security definer set search_path = '' as $$
declare
  failed integer;
begin
  perform sec.must_system();
  update core.operation o set state = 'failed', ended_at = clock_timestamp(),
    error = 'the process that worked on it ended before it was done; order it again'
  where o.state = 'running' and o.runner is distinct from fail_orphans.runner;
  get diagnostics failed = row_count;
  return failed;
end $$;

create function core.report_database(state jsonb) returns void language plpgsql
security definer set search_path = '' as $$
begin
  perform sec.must_system();
  insert into core.database_state (state) values (report_database.state)
  on conflict (organization_id) do update set state = excluded.state, at = clock_timestamp();
end $$;

create function core.database_state() returns table (at timestamptz, state jsonb)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform sec.must_operate('database:read');
  return query select d.at, d.state from core.database_state d;
end $$;

create function core.sample_database() returns integer language plpgsql
security definer set search_path = '' as $$
declare
  made integer;
begin
  perform sec.must_system();
  insert into core.database_sample (day, table_name, bytes, row_estimate)
  select (now() at time zone 'UTC')::date, s.name, s.bytes, s.amount
  from core.table_sizes() s order by s.bytes desc limit 500
  on conflict (organization_id, day, table_name) do update
  set bytes = excluded.bytes, row_estimate = excluded.row_estimate;
  get diagnostics made = row_count;
  delete from core.database_sample d where d.day < (now() at time zone 'UTC')::date - 400;
  delete from core.slow_query q where q.last_at < now() - interval '30 days';
  return made;
end $$;

create function core.database_tables() returns table (
  name text, bytes bigint, row_estimate bigint, bytes_week_ago bigint
) language plpgsql stable security definer set search_path = '' as $$
begin
  perform sec.must_operate('database:read');
  return query
    select s.name, s.bytes, s.amount, (
      select d.bytes from core.database_sample d
      where d.table_name = s.name and d.day >= (now() at time zone 'UTC')::date - 7
        and d.day < (now() at time zone 'UTC')::date order by d.day limit 1)
    from core.table_sizes() s order by s.bytes desc limit 500;
end $$;

create function core.database_growth() returns table (day date, bytes bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform sec.must_operate('database:read');
  return query
    select d.day, sum(d.bytes)::bigint from core.database_sample d group by d.day order by d.day;
end $$;

create function core.slow_queries(most integer default 100) returns table (
  digest text, query text, who text, seen bigint, longest_s double precision, cancelled bigint,
  first_at timestamptz, last_at timestamptz
) language plpgsql stable security definer set search_path = '' as $$
begin
  perform sec.must_operate('database:read');
  return query
    select q.digest, q.query, q.who, q.seen, q.longest_s, q.cancelled, q.first_at, q.last_at
    from core.slow_query q order by q.longest_s desc, q.digest limit least(most, 500);
end $$;

grant execute on function core.claim_operation(uuid), core.report_operation(uuid, double precision, text),
  core.finish_operation(uuid, text, jsonb, text), core.fail_orphans(uuid), core.report_database(jsonb),
  core.sample_database() to sent_system;
grant execute on function core.database_state(), core.database_tables(), core.database_growth(),
  core.slow_queries(integer) to sent_staff, sent_app, sent_system;
"""

SHAPE = """
-- A query without its values: literals, numbers and comments go, white space shrinks. Text that the server
-- cut off in the middle of a literal loses the rest.
create function core.query_shape(query text) returns text language sql immutable parallel safe
set search_path = '' as $$
  select left(btrim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(query_shape.query,
    $re$--[^\\n]*|/\\*([^*]|\\*+[^*/])*\\*+/|\\$([A-Za-z_][A-Za-z_0-9]*)?\\$.*$|[eE]'([^'\\\\]|\\\\.|'')*('|$)|'([^']|'')*('|$)$re$,
    '?', 'g'),
    '/\\*.*$', '?'),
    '([^$[:alnum:]_.])[0-9][0-9a-fA-FxX.]*', '\\1?', 'g'),
    '[[:space:]]+', ' ', 'g')), 500)
$$;

-- Sizes by table, partitions counted with theirs; the amount is null before a table was analysed.
create function core.table_sizes() returns table (name text, bytes bigint, amount bigint)
language sql stable security definer set search_path = '' as $$
  select n.nspname || '.' || r.relname, sum(pg_total_relation_size(c.oid))::bigint,
    case when bool_and(c.reltuples >= 0) then sum(c.reltuples)::bigint end
  from pg_catalog.pg_class c
  left join pg_catalog.pg_inherits i on i.inhrelid = c.oid
  join pg_catalog.pg_class r on r.oid = coalesce(i.inhparent, c.oid)
  join pg_catalog.pg_namespace n on n.oid = r.relnamespace
  where c.relkind in ('r', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  group by 1
$$;
"""

WATCH = """
-- Who is connected and what he does; people of other organisations stay nameless.
create function core.database_activity() returns table (
  pid integer, who text, application text, state text, seconds double precision,
  transaction_seconds double precision, waits_for text,
  blocked_by integer[], blocking integer, query text, digest text, mine boolean
) language plpgsql stable security definer set search_path = '' as $$
begin
  perform sec.must_operate('database:read');
  return query
    with seen as (
      select a.*, pg_blocking_pids(a.pid) as blockers from pg_catalog.pg_stat_activity a
      where a.datname = current_database() and a.backend_type = 'client backend'
        and a.pid <> pg_backend_pid() limit 500)
    select s.pid, core.login_name(s.usename), coalesce(s.application_name, ''), coalesce(s.state, ''),
      extract(epoch from clock_timestamp() - case when s.state = 'active' then s.query_start
        else s.state_change end)::double precision,
      extract(epoch from clock_timestamp() - s.xact_start)::double precision,
      coalesce(s.wait_event_type || ': ' || s.wait_event, ''), s.blockers,
      (select count(*)::integer from seen b where s.pid = any (b.blockers)),
      core.query_shape(s.query), md5(core.query_shape(s.query)), s.usename = session_user
    from seen s order by s.state = 'active' desc, s.query_start;
end $$;

-- Connections in use and allowed, by who may have them.
create function core.database_connections() returns table (who text, used bigint, allowed integer)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform sec.must_operate('database:read');
  return query
    with used as (
      select case when a.usename ~ '^m_[0-9a-f]{32}$' then 'staff' when a.usename ~ '^sent_' then a.usename
        else 'other' end as name, count(*) as amount
      from pg_catalog.pg_stat_activity a where a.backend_type in ('client backend', 'walsender') group by 1)
    select x.name::text, coalesce(u.amount, 0), x.most from (
      select r.rolname as name, nullif(r.rolconnlimit, -1) as most from pg_catalog.pg_roles r
      where r.rolname in
        ('sent_app', 'sent_system', 'sent_ingest', 'sent_broker', 'sent_minter', 'sent_super')
      union all select 'staff', current_setting('max_connections')::integer
        - current_setting('reserved_connections')::integer
        - current_setting('superuser_reserved_connections')::integer
      union all select 'other', null) x(name, most)
    left join used u on u.name = x.name
    where u.amount is not null or x.name not in ('other', 'sent_super')
    order by x.most desc nulls last, 1;
end $$;

create function core.database_server() returns jsonb language plpgsql stable
security definer set search_path = '' as $$
begin
  perform sec.must_operate('database:read');
  return jsonb_build_object(
    'version', current_setting('server_version'), 'started_at', pg_postmaster_start_time(),
    'bytes', pg_database_size(current_database()), 'max_connections', current_setting('max_connections')::int,
    'connections', (select count(*) from pg_catalog.pg_stat_activity a
                    where a.backend_type in ('client backend', 'walsender')),
    'checksum_failures', (select coalesce(d.checksum_failures, 0) from pg_catalog.pg_stat_database d
                          where d.datname = current_database()),
    'oldest_transaction_age', (select age(d.datfrozenxid) from pg_catalog.pg_database d
                               where d.datname = current_database()));
end $$;

create function core.cancel_query(pid integer, close boolean default false) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  found_one record;
begin
  perform sec.must_operate('database:manage');
  select a.usename, r.rolsuper into found_one from pg_catalog.pg_stat_activity a
  join pg_catalog.pg_roles r on r.oid = a.usesysid
  where a.pid = cancel_query.pid and a.datname = current_database() and a.backend_type = 'client backend';
  if not found then
    perform sec.fail('SN404', 'query.over|it is over already');
  end if;
  if found_one.rolsuper then
    perform sec.fail('SN403', 'query.super|this is an administrator''s own work; cancel its order instead');
  end if;
  if cancel_query.close then
    return pg_terminate_backend(cancel_query.pid);
  end if;
  return pg_cancel_backend(cancel_query.pid);
end $$;
grant execute on function core.database_activity(), core.database_connections(), core.database_server(),
  core.cancel_query(integer, boolean) to sent_staff, sent_app, sent_system;

-- One look at what runs: notes what takes longer than `note_s`; ends what of staff is over its limits, which
-- a member can lift for himself (statement_timeout is a mere setting). Returns what was ended and why.
create function core.watch_queries(
  note_s double precision, run_s double precision, idle_s double precision, block_s double precision
) returns table (
  pid integer, who text, reason text, digest text, seconds double precision
) language plpgsql security definer set search_path = '' as $$
declare
  seen record;
begin
  perform sec.must_system();
  for seen in
    with now_running as (
      select a.pid, a.usename, a.state, a.query_start, a.state_change, a.xact_start, a.query,
        case when a.wait_event_type = 'Lock' then pg_blocking_pids(a.pid) else '{}' end as blockers
      from pg_catalog.pg_stat_activity a
      where a.datname = current_database() and a.backend_type = 'client backend'
        and a.pid <> pg_backend_pid() and a.state <> 'idle')
    select r.pid, r.usename, r.state, r.query_start, core.query_shape(r.query) as shape,
      r.usename ~ '^m_[0-9a-f]{32}$' as staff,
      extract(epoch from clock_timestamp() - r.query_start)::double precision as running,
      extract(epoch from clock_timestamp() - r.state_change)::double precision as still,
      coalesce((select max(extract(epoch from clock_timestamp() - b.query_start)) from now_running b
        where r.pid = any (b.blockers)), 0)::double precision as holds_up
    from now_running r
  loop
    pid := seen.pid; who := core.login_name(seen.usename); digest := md5(seen.shape); reason := null;
    if seen.state = 'active' and seen.running > note_s then
      perform core.note_query(digest, seen.shape, who, seen.running, seen.pid, seen.query_start);
    end if;
    if not seen.staff then
      continue;
    end if;
    if seen.state = 'active' and seen.running > run_s then
      reason := 'runs too long'; seconds := seen.running;
      perform pg_cancel_backend(seen.pid);
    elsif seen.state like 'idle in transaction%' and seen.holds_up > block_s then
      reason := 'holds others up and does nothing'; seconds := seen.holds_up;
      perform pg_terminate_backend(seen.pid);
    elsif seen.state like 'idle in transaction%' and seen.still > idle_s then
      reason := 'keeps a transaction open and does nothing'; seconds := seen.still;
      perform pg_terminate_backend(seen.pid);
    elsif seen.state = 'active' and seen.holds_up > block_s and seen.running > block_s then
      reason := 'holds others up'; seconds := seen.holds_up;
      perform pg_cancel_backend(seen.pid);
    end if;
    if reason is not null then
      perform core.note_cancelled(digest);
      return next;
    end if;
  end loop;
end $$;
grant execute on function core.watch_queries(
  double precision, double precision, double precision, double precision) to sent_system;
"""

# Owned by sent_owner: they touch its tables; sent_watch, which sees all queries, touches none.
NOTES = """
create function core.note_query(
  digest text, query text, who text, seconds double precision, pid integer, start timestamptz
) returns void language plpgsql security definer set search_path = '' as $$
begin
  if (select count(*) from core.slow_query q) >= 500
      and not exists (select from core.slow_query q where q.digest = note_query.digest) then
    delete from core.slow_query q where q.digest = (
      select o.digest from core.slow_query o order by o.last_at limit 1);
  end if;
  -- Two looks at one run count once.
  insert into core.slow_query as q (digest, query, who, longest_s, last_pid, last_start)
  values (note_query.digest, note_query.query, note_query.who, seconds, note_query.pid, start)
  on conflict on constraint slow_query_pkey do update set
    seen = q.seen + (q.last_pid <> excluded.last_pid or q.last_start <> excluded.last_start)::integer,
    longest_s = greatest(q.longest_s, excluded.longest_s), who = excluded.who,
    last_at = clock_timestamp(), last_pid = excluded.last_pid, last_start = excluded.last_start;
end $$;

create function core.note_cancelled(digest text) returns void language sql
security definer set search_path = '' as $$
  update core.slow_query q set cancelled = q.cancelled + 1 where q.digest = note_cancelled.digest
$$;

-- How a login is called: a person of the asker's own organisation by name, others by what they are.
create function core.login_name(login name) returns text language sql stable
security definer set search_path = '' as $$
  select case when login !~ '^m_[0-9a-f]{32}$' then coalesce(login::text, '')
    else coalesce((select n.name from sec.principal p join core.person n on n.id = p.person_id
                   where p.role_name = login and p.organization_id = sec.org()), 'staff') end
$$;
"""

TABLES_GUARDED = (
    "core.operation",
    "core.operation_progress",
    "core.database_state",
    "core.database_sample",
    "core.slow_query",
)
WATCHERS = (
    "core.table_sizes()",
    "core.database_activity()",
    "core.database_connections()",
    "core.database_server()",
    "core.cancel_query(integer, boolean)",
    "core.watch_queries(double precision, double precision, double precision, double precision)",
)
FUNCTIONS = (
    *WATCHERS,
    "core.note_query(text, text, text, double precision, integer, timestamptz)",
    "core.note_cancelled(text)",
    "core.login_name(name)",
    "core.query_shape(text)",
    "core.order_operation(text, jsonb)",
    "core.operations(integer)",
    "core.cancel_operation(uuid)",
    "core.claim_operation(uuid)",
    "core.report_operation(uuid, double precision, text)",
    "core.finish_operation(uuid, text, jsonb, text)",
    "core.fail_orphans(uuid)",
    "core.report_database(jsonb)",
    "core.database_state()",
    "core.sample_database()",
    "core.database_tables()",
    "core.database_growth()",
    "core.slow_queries(integer)",
    "core.set_operator(text, boolean)",
    "core.organization_by_slug(text)",
    "core.operators()",
    "sec.must_system()",
    "sec.must_operate(text)",
    "sec.operates(text)",
)


def upgrade() -> None:
    """Make the operator, the orders and the watch."""
    op.sql(
        "do $$ begin if not exists (select from pg_catalog.pg_roles where rolname = 'sent_watch')"
        " then create role sent_watch nologin; end if; end $$;"
        " grant pg_read_all_stats, pg_signal_backend to sent_watch;"
        " grant usage on schema core, sec to sent_watch"
    )
    op.sql("set role sent_owner")
    op.sql(OPERATOR)
    op.sql(OPERATOR_DEFINER)
    op.sql(TABLES)
    for table in TABLES_GUARDED:
        op.sql(GUARD.format(table=table))
    op.audit_table("core.operation")
    op.sql(SHAPE)
    op.sql(NOTES)
    op.sql(OPERATIONS)
    op.sql(WATCH)
    op.sql(
        "grant execute on function sec.must_operate(text), sec.must_system(), core.query_shape(text),"
        " core.login_name(name), core.note_cancelled(text),"
        " core.note_query(text, text, text, double precision, integer, timestamptz) to sent_watch"
    )
    op.sql("reset role")
    op.sql(
        "update core.organization set operator = true"
        " where id = (select id from core.organization order by created_at, id limit 1)"
    )
    op.sql("grant create on schema core to sent_watch, sent_definer")
    for function in WATCHERS:
        op.sql(f"alter function {function} owner to sent_watch")
    for function in ("core.organization_by_slug(text)", "core.operators()", "core.first_operates()"):
        op.sql(f"alter function {function} owner to sent_definer")
    op.sql("revoke create on schema core from sent_watch, sent_definer")
    # Grants to oneself do not outlive a change of owner.
    op.sql(
        "grant execute on function core.organization_by_slug(text), core.operators(), core.table_sizes()"
        " to sent_owner"
    )


def downgrade() -> None:
    """Drop it all; the role stays, because it is the whole server's."""
    op.sql("drop trigger first_operates on core.organization; drop function core.first_operates()")
    for function in FUNCTIONS:
        op.sql(f"drop function {function} cascade")
    for table in reversed(TABLES_GUARDED):
        op.sql(f"drop table {table}")
    op.sql("alter table core.organization drop column operator")
    op.sql("revoke usage on schema core, sec from sent_watch")
