"""What attacks on locks, notices and erasure had left open.

A member who keeps a lock is told apart by his transaction, not by what it does at the moment: services give
up on a row after five seconds, so whoever holds one up is ended well before, together with the other
sessions of his login, or the next of them would take its place in the queue.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A console shows only what its person may still see: a notice he lost says nothing new to him.
UNSHOWN = """
create or replace function notify.unshown() returns table (
  delivery uuid, id uuid, topic text, severity text, texts jsonb, link text, count bigint
) language sql stable security definer set search_path = '' as $$
  select d.id, n.id, n.topic, n.severity, n.texts, n.link, n.count
  from notify.delivery d
  join notify.notice n on n.organization_id = d.organization_id and n.id = d.notice_id
  {lost}where d.organization_id = sec.org() and d.person_id = sec.actor() and d.kind = 'desktop'
    and d.state = 'pending' and d.next_at <= clock_timestamp()
    and d.created_at > clock_timestamp() - interval '24 hours'
  order by d.id limit 50
$$;
"""
RECIPIENT = (
    "join notify.recipient r on r.organization_id = d.organization_id and r.notice_id = d.notice_id"
    " and r.person_id = d.person_id\n  "
)

# How much of an organisation is on its way: those may not take all the places of the others.
CLAIMED = """
create index ix_delivery_claimed on notify.delivery (organization_id, next_at) where claim is not null;
"""

# Rights over a member are asked in the own organisation only: an invitation elsewhere, which nobody
# accepted, is nobody's member and goes with the person.
ERASE = """
create or replace function auth.erase_person(person uuid) returns jsonb language plpgsql
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
    if not everywhere{own} then
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
OWN = " and m.organization_id = sec.org()"

# Ends members' sessions that keep others waiting for a lock: idle ones after `idle_s` of the others'
# waiting, busy ones too when their transaction is older than `busy_s` (whoever holds a lock on purpose is
# busy with short queries). Who waits himself is no culprit, but for other sessions of a culprit's login.
# Counted is the time since the wait began, not since the waiting query did.
BLOCKERS = """
create function core.end_blockers(idle_s double precision, busy_s double precision) returns table (
  pid integer, who text, reason text, digest text, seconds double precision
) language plpgsql security definer set search_path = '' as $$
declare
  seen record;
begin
  perform sec.must_system();
  if not exists (select from pg_catalog.pg_locks l where not l.granted) then
    return;
  end if;
  for seen in
    with waiting as (
      select l.pid, max(extract(epoch from clock_timestamp() - l.waitstart))::double precision as since,
        pg_blocking_pids(l.pid) as blockers
      from pg_catalog.pg_locks l where not l.granted and l.waitstart is not null group by l.pid),
    blocking as (
      select a.pid, a.usesysid, a.usename, a.query, a.state, a.xact_start, w.since,
        exists (select from waiting x where x.pid = a.pid) as waits
      from pg_catalog.pg_stat_activity a
      cross join lateral (select max(x.since) as since from waiting x where a.pid = any (x.blockers)) w
      where a.datname = current_database() and a.backend_type = 'client backend'
        and a.usename ~ '^m_[0-9a-f]{32}$' and w.since is not null),
    culprit as (
      select b.usesysid, max(b.since) as since from blocking b
      where not b.waits and b.since > idle_s and (b.state like 'idle%'
        or b.xact_start < clock_timestamp() - make_interval(secs => busy_s))
      group by b.usesysid)
    select b.pid, b.usename, b.query, c.since from blocking b join culprit c using (usesysid)
  loop
    pid := seen.pid; who := core.login_name(seen.usename); digest := md5(core.query_shape(seen.query));
    reason := 'keeps a lock that others wait for'; seconds := seen.since;
    perform pg_terminate_backend(seen.pid);
    perform core.note_cancelled(digest);
    return next;
  end loop;
end $$;
grant execute on function core.end_blockers(double precision, double precision) to sent_system;
"""


def upgrade() -> None:
    """Close what was open."""
    op.sql("set role sent_owner")
    op.sql(UNSHOWN.replace("{lost}", RECIPIENT))
    op.sql(CLAIMED)
    op.sql(BLOCKERS)
    op.sql("reset role")
    _replace_erasure(OWN)
    op.sql("grant create on schema core to sent_watch")
    op.sql("alter function core.end_blockers(double precision, double precision) owner to sent_watch")
    op.sql("revoke create on schema core from sent_watch")


def _replace_erasure(own: str) -> None:
    op.sql("grant create on schema auth to sent_auth; set role sent_auth")
    op.sql(ERASE.replace("{own}", own))
    op.sql("reset role; revoke create on schema auth from sent_auth")


def downgrade() -> None:
    """Put back what was before."""
    op.sql("drop function core.end_blockers(double precision, double precision)")
    _replace_erasure("")
    op.sql("set role sent_owner")
    op.sql("drop index notify.ix_delivery_claimed")
    op.sql(UNSHOWN.replace("{lost}", ""))
    op.sql("reset role")
