"""Passwords, second factors, sessions; invitations and roles; the keys of sealed fields.

Everything here belongs to `sent_auth`, the only role that sees credentials, people of all organisations
and memberships together. Others call its functions: the broker to check and open sessions, staff and
services to invite people and to change roles, each checked inside.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
create table auth.credential (
  id uuid primary key references core.person on delete cascade,
  organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
  password_hash text not null,
  must_change boolean not null default false,
  totp_secret bytea,
  totp_pending bytea,
  totp_step bigint not null default 0,
  changed_at timestamptz not null default clock_timestamp()
);
create table auth.recovery_code (
  person_id uuid not null references auth.credential on delete cascade,
  code_hash bytea not null,
  used_at timestamptz,
  primary key (person_id, code_hash)
);
create table auth.attempt (
  key bytea primary key,
  failures integer not null default 0,
  since timestamptz not null default clock_timestamp(),
  blocked_until timestamptz
);
create table auth.ticket (
  token_hash bytea primary key,
  person_id uuid not null references core.person on delete cascade,
  expires_at timestamptz not null
);
-- What an invited person has to show besides a login of his own: the digest of a code that the inviting
-- administrator hands to him. Whoever else got hold of the address does not have it.
create table auth.invitation (
  id uuid primary key,
  organization_id uuid not null,
  code_hash bytea not null,
  foreign key (organization_id, id) references core.membership on delete cascade
);
create table auth.session (
  id uuid primary key default core.uuid7(),
  organization_id uuid not null,
  person_id uuid not null,
  membership_id uuid not null,
  token_hash bytea not null unique,
  created_at timestamptz not null default clock_timestamp(),
  renewed_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  foreign key (organization_id, membership_id) references core.membership on delete cascade
);
create index ix_session_membership on auth.session (membership_id) where ended_at is null;
create index ix_session_person on auth.session (person_id) where ended_at is null;
"""

GUARDED = ("credential", "recovery_code", "attempt", "ticket", "session", "invitation")

RIGHTS = """
grant select, insert, update, delete on all tables in schema auth to sent_auth;
grant select on core.organization, core.role, core.role_permission, core.client to sent_auth;
grant select, insert on core.person to sent_auth;
grant select, insert, update, delete on core.membership to sent_auth;
grant select, insert, delete on core.membership_client to sent_auth;
create policy identity on core.organization for select to sent_auth using (true);
create policy identity on core.role for select to sent_auth using (true);
create policy identity on core.role_permission for select to sent_auth using (true);
create policy identity on core.client for select to sent_auth using (true);
create policy identity on core.person to sent_auth using (true) with check (true);
create policy identity on core.membership to sent_auth using (true) with check (true);
create policy identity on core.membership_client to sent_auth using (true) with check (true);
grant execute on function core.create_organization(uuid, text, text) to sent_auth;
"""

# The keeper ends a login: its open connections see nothing from the next statement on.
EXPIRE = """
create function sec.expire(membership uuid) returns void language plpgsql
security definer set search_path = '' as $$
declare
  member_role name;
begin
  update sec.principal p set valid_until = now() - interval '1 second'
  where p.membership_id = membership returning p.role_name into member_role;
  if member_role is not null and exists (select from pg_catalog.pg_roles r where r.rolname = member_role) then
    execute format('alter role %I valid until %L', member_role, now());
  end if;
end $$;
grant execute on function sec.expire(uuid) to sent_auth;
"""

LOGIN = """
create function auth.initialised() returns boolean language sql stable
security definer set search_path = '' as $$
  select exists (select from core.organization)
$$;

-- The one form of an address. The program refuses letters whose lower case is disputed; here it is enough
-- that whatever is stored is found under exactly its own text.
create function auth.address(typed text) returns text language sql immutable set search_path = '' as $$
  select normalize(lower(normalize(btrim(typed), NFKC) collate "C"), NFKC)
$$;

create function auth.setup(
  organization uuid, organization_name text, slug text, person uuid, person_name text, email text,
  membership uuid, password_hash text
) returns void language plpgsql security definer set search_path = '' as $$
begin
  lock table auth.credential in share row exclusive mode;
  if exists (select from core.organization) then
    perform sec.fail('SN409', 'setup.done|this installation has been set up already');
  end if;
  perform set_config('sent.actor_id', person::text, true);
  perform core.create_organization(organization, organization_name, slug);
  insert into core.person (id, email, name) values (person, auth.address(setup.email), person_name);
  insert into core.membership (id, organization_id, person_id, role_id)
  select membership, r.organization_id, person, r.id from core.role r
  where r.organization_id = organization and r.key = 'owner';
  insert into auth.credential (id, password_hash) values (person, setup.password_hash);
end $$;

-- Five attempts are free within 15 minutes, then each costs a wait that doubles: 30 s .. 15 min. The key
-- is a digest of what was typed, whether such a person exists or not. Returns the seconds to wait, or 0
-- when the attempt may go on; it is counted before it is judged, so parallel guesses gain nothing.
create function auth.attempt(attempt_key bytea) returns double precision language plpgsql
security definer set search_path = '' as $$
declare
  a auth.attempt;
begin
  delete from auth.attempt x where x.since < now() - interval '1 day' and x.key <> attempt_key;
  insert into auth.attempt as x (key) values (attempt_key) on conflict (key) do nothing;
  select * into strict a from auth.attempt x where x.key = attempt_key for update;
  if a.blocked_until > clock_timestamp() then
    return extract(epoch from a.blocked_until - clock_timestamp());
  end if;
  if a.since < clock_timestamp() - interval '15 minutes' and coalesce(a.blocked_until, a.since)
      < clock_timestamp() - interval '15 minutes' then
    a.failures := 0;
    a.since := clock_timestamp();
  end if;
  a.failures := a.failures + 1;
  update auth.attempt x set failures = a.failures, since = a.since,
    blocked_until = case when a.failures >= 5
      then clock_timestamp() + least(30 * 2 ^ least(a.failures - 5, 10), 900) * interval '1 second' end
  where x.key = attempt_key;
  return 0;
end $$;

-- After a success the count starts over; after a right password that still lacks its code it is as before.
create function auth.attempt_over(attempt_key bytea, success boolean) returns void language sql
security definer set search_path = '' as $$
  delete from auth.attempt x where x.key = attempt_key and success;
  update auth.attempt x set failures = greatest(x.failures - 1, 0),
    blocked_until = case when x.failures > 5 then x.blocked_until end
  where x.key = attempt_key and not success;
$$;

create function auth.lookup(typed_email text) returns table (
  person_id uuid, password_hash text, must_change boolean, totp_secret bytea
) language sql stable security definer set search_path = '' as $$
  select c.id, c.password_hash, c.must_change, c.totp_secret
  from core.person p join auth.credential c on c.id = p.id where p.email = typed_email
$$;

create function auth.credential_of(person uuid) returns table (
  email text, password_hash text, must_change boolean, totp_secret bytea, totp_pending bytea
) language sql stable security definer set search_path = '' as $$
  select p.email, c.password_hash, c.must_change, c.totp_secret, c.totp_pending
  from core.person p join auth.credential c on c.id = p.id where p.id = person
$$;

create function auth.memberships(person uuid) returns table (
  id uuid, organization_id uuid, organization_name text, role text, client_narrowed boolean,
  invited boolean
) language sql stable security definer set search_path = '' as $$
  select m.id, m.organization_id, o.name, r.title, m.client_narrowed, m.state = 'invited'
  from core.membership m
  join core.organization o on o.organization_id = m.organization_id and o.state = 'active'
  join core.role r on r.organization_id = m.organization_id and r.id = m.role_id
  where m.person_id = person and m.state in ('active', 'invited') order by o.name
$$;

create function auth.issue_ticket(token_hash bytea, person uuid) returns void language sql
security definer set search_path = '' as $$
  delete from auth.ticket t where t.expires_at < now();
  insert into auth.ticket values (issue_ticket.token_hash, person, now() + interval '5 minutes');
$$;

-- Trades a ticket for a session of one membership; null when either does not hold. A wrong membership
-- does not spend the ticket.
create function auth.open_session(ticket_hash bytea, membership uuid, session_hash bytea) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  m record;
begin
  select x.id, x.organization_id, x.person_id, x.state into m
  from auth.ticket t join core.membership x on x.person_id = t.person_id
  where t.token_hash = ticket_hash and t.expires_at > now() and x.id = membership
    and x.state in ('active', 'invited');
  if not found then
    return null;
  end if;
  if m.state = 'invited' then
    perform sec.fail('SN403', 'membership.invited|accept this invitation first');
  end if;
  delete from auth.ticket t where t.token_hash = ticket_hash;
  if not found then
    return null;
  end if;
  perform set_config('sent.actor_id', m.person_id::text, true);
  insert into auth.session (organization_id, person_id, membership_id, token_hash, expires_at)
  values (m.organization_id, m.person_id, m.id, session_hash, now() + interval '12 hours');
  return m.id;
end $$;

-- The organisation of an invitation that the holder of this ticket may answer: with a password that he chose
-- himself. Null when there is none.
create function auth.invitation_of(ticket_hash bytea, membership uuid) returns uuid language plpgsql
security definer set search_path = '' as $$
declare
  m record;
begin
  select x.organization_id, x.person_id, c.must_change into m
  from auth.ticket t join core.membership x on x.person_id = t.person_id
  join auth.credential c on c.id = x.person_id
  where t.token_hash = ticket_hash and t.expires_at > now() and x.id = membership and x.state = 'invited'
  for update of x;
  if m.must_change then
    perform sec.fail('SN403', 'auth.must_change|choose a password of your own first');
  end if;
  perform set_config('sent.actor_id', m.person_id::text, true);
  return m.organization_id;
end $$;

-- Makes an invitation a membership; false when ticket, invitation or code does not hold.
create function auth.accept(ticket_hash bytea, membership uuid, code_hash bytea) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := auth.invitation_of(ticket_hash, membership);
begin
  delete from auth.invitation i
  where i.organization_id = organization and i.id = membership and i.code_hash = accept.code_hash;
  if not found then
    return false;
  end if;
  update core.membership m set state = 'active' where m.organization_id = organization and m.id = membership;
  return true;
end $$;

create function auth.decline(ticket_hash bytea, membership uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := auth.invitation_of(ticket_hash, membership);
begin
  delete from core.membership m where m.organization_id = organization and m.id = membership;
  return found;
end $$;

-- The membership and person of a live session (12 hours at most, renewed within the last hour).
create function auth.renew_session(session_hash bytea) returns table (membership_id uuid, person_id uuid)
language sql security definer set search_path = '' as $$
  update auth.session s set renewed_at = now()
  where s.token_hash = session_hash and s.ended_at is null and s.expires_at > now()
    and s.renewed_at > now() - interval '1 hour'
    and exists (select from core.membership m where m.organization_id = s.organization_id
                and m.id = s.membership_id and m.state = 'active')
  returning s.membership_id, s.person_id
$$;

create function auth.end_session(session_hash bytea) returns void language plpgsql
security definer set search_path = '' as $$
declare
  membership uuid;
begin
  update auth.session s set ended_at = now() where s.token_hash = session_hash and s.ended_at is null
  returning s.membership_id into membership;
  if membership is not null and not exists (
    select from auth.session s where s.membership_id = membership and s.ended_at is null
      and s.expires_at > now() and s.renewed_at > now() - interval '1 hour')
  then
    perform sec.expire(membership);
  end if;
end $$;

create function auth.identity(membership uuid) returns table (
  organization_id uuid, organization_name text, person_id uuid, person_name text, membership_id uuid,
  role_key text, permissions text[], must_change boolean
) language sql stable security definer set search_path = '' as $$
  select m.organization_id, o.name, m.person_id, p.name, m.id, r.key,
    array(select g.permission from core.role_permission g
          where g.organization_id = m.organization_id and g.role_id = m.role_id order by 1),
    exists (select from auth.credential c where c.id = m.person_id and c.must_change)
  from core.membership m
  join core.organization o on o.organization_id = m.organization_id
  join core.role r on r.organization_id = m.organization_id and r.id = m.role_id
  join core.person p on p.id = m.person_id
  where m.id = membership
$$;
"""

FACTORS = """
-- Stores a new hash. `keep` is the session that changed it: all others of the person end; a rehash of the
-- same password (keep_all) ends none.
create function auth.change_password(person uuid, password_hash text, keep bytea, keep_all boolean)
returns void language plpgsql security definer set search_path = '' as $$
declare
  other auth.session;
begin
  perform set_config('sent.actor_id', person::text, true);
  if keep_all then
    update auth.credential c set password_hash = change_password.password_hash where c.id = person;
    return;
  end if;
  update auth.credential c set password_hash = change_password.password_hash, must_change = false,
    changed_at = clock_timestamp() where c.id = person;
  delete from auth.ticket t where t.person_id = person;
  for other in select * from auth.session s
    where s.person_id = person and s.ended_at is null and s.token_hash is distinct from keep
  loop
    perform auth.end_session(other.token_hash);
  end loop;
end $$;

create function auth.totp_begin(person uuid, secret bytea) returns void language sql
security definer set search_path = '' as $$
  update auth.credential c set totp_pending = secret where c.id = person
$$;

create function auth.totp_confirm(person uuid, step bigint, codes bytea[]) returns void language plpgsql
security definer set search_path = '' as $$
begin
  perform set_config('sent.actor_id', person::text, true);
  update auth.credential c set totp_secret = c.totp_pending, totp_pending = null, totp_step = step
  where c.id = person and c.totp_pending is not null;
  delete from auth.recovery_code r where r.person_id = person;
  insert into auth.recovery_code (person_id, code_hash) select person, unnest(codes);
end $$;

create function auth.totp_remove(person uuid) returns void language plpgsql
security definer set search_path = '' as $$
begin
  perform set_config('sent.actor_id', person::text, true);
  update auth.credential c set totp_secret = null, totp_pending = null where c.id = person;
  delete from auth.recovery_code r where r.person_id = person;
end $$;

-- Accepts a time step once: a code that was seen (or an older one) is refused, also between two brokers.
create function auth.totp_accept(person uuid, step bigint) returns boolean language plpgsql
security definer set search_path = '' as $$
begin
  update auth.credential c set totp_step = step where c.id = person and c.totp_step < step;
  return found;
end $$;

create function auth.recovery_use(person uuid, code_hash bytea) returns boolean language plpgsql
security definer set search_path = '' as $$
begin
  update auth.recovery_code r set used_at = now()
  where r.person_id = person and r.code_hash = recovery_use.code_hash and r.used_at is null;
  return found;
end $$;
"""

PEOPLE = """
-- Raises unless the asker may manage people and holds every permission of the role he hands out.
create function auth.may_grant(role uuid) returns void language plpgsql stable
security definer set search_path = '' as $$
begin
  if sec.org() is null or not sec.has('people:manage') then
    perform sec.fail('SN403', 'people.denied|managing people needs the permission people:manage');
  end if;
  if exists (select from core.role_permission g
             where g.organization_id = sec.org() and g.role_id = role and not sec.has(g.permission)) then
    perform sec.fail('SN403', 'people.role|nobody hands out more than his own role allows');
  end if;
end $$;

-- Raises unless the asker may change this membership: nobody limits, lifts or switches somebody who may do
-- more than himself or who sees more clients.
create function auth.may_manage(membership uuid) returns void language plpgsql stable
security definer set search_path = '' as $$
declare
  m core.membership;
begin
  select * into m from core.membership x where x.organization_id = sec.org() and x.id = membership;
  if not found then
    perform sec.fail('SN404', 'member.missing|no such member');
  end if;
  perform auth.may_grant(m.role_id);
  if sec.clients() is not null and (not m.client_narrowed or exists (
    select from core.membership_client c where c.organization_id = sec.org() and c.membership_id = m.id
      and c.client_id <> all (sec.clients())))
  then
    perform sec.fail('SN403', 'people.clients|this member may see clients that you may not');
  end if;
end $$;

-- Two who change owners at once take turns: whoever comes second looks at what the first has left.
create function auth.lock_owners() returns void language sql
security definer set search_path = '' as $$
  select m.id from core.membership m
  join core.role r on r.organization_id = m.organization_id and r.id = m.role_id
  where m.organization_id = sec.org() and r.key = 'owner' order by m.id for update of m
$$;

create function auth.role_id(role_key text) returns uuid language plpgsql stable
security definer set search_path = '' as $$
declare
  found_role uuid;
begin
  select r.id into found_role from core.role r where r.organization_id = sec.org() and r.key = role_key;
  if found_role is null then
    perform sec.fail('SN404', 'role.unknown|there is no role of this name');
  end if;
  return found_role;
end $$;

-- Makes a person a member and returns his id. Whom the installation knows keeps name and password, and is
-- only invited: he accepts with a login of his own and with the code whose digest is given here. The
-- administrator at the server (a trusted role) makes him a member at once. A password that another
-- organisation handed out opens nothing here: its owner chooses one himself first.
create function auth.add_member(
  person uuid, membership uuid, email text, name text, role_key text, code_hash bytea default null
) returns uuid language plpgsql security definer set search_path = '' as $$
declare
  role uuid := auth.role_id(role_key);
  known uuid;
  joins text := 'active';
begin
  perform auth.may_grant(role);
  -- Sessions and logins are a membership's by its id alone, whatever organisation it is of.
  if exists (select from core.membership m where m.id = membership) then
    perform sec.fail('SN409', 'member.exists|this membership exists already');
  end if;
  select p.id into known from core.person p where p.email = auth.address(add_member.email);
  if known is null then
    insert into core.person (id, email, name)
    values (person, auth.address(add_member.email), add_member.name);
    known := person;
  elsif exists (
    select from core.membership m where m.organization_id = sec.org() and m.person_id = known)
  then
    perform sec.fail('SN409', 'member.exists|this person is a member or invited already');
  elsif not exists (select from auth.credential c where c.id = known and not c.must_change) then
    perform sec.fail('SN409', 'person.unready|this person must first log in and choose a password of their'
      ' own; then invite them again');
  elsif not sec.trusted() then
    joins := 'invited';
  end if;
  -- Whom somebody limited to clients brings in is limited to the same.
  insert into core.membership (id, organization_id, person_id, role_id, state, client_narrowed)
  values (membership, sec.org(), known, role, joins, sec.clients() is not null);
  insert into core.membership_client (organization_id, membership_id, client_id)
  select sec.org(), membership, c from unnest(sec.clients()) c;
  if joins = 'invited' and code_hash is not null then
    insert into auth.invitation (id, organization_id, code_hash)
    values (membership, sec.org(), add_member.code_hash);
  end if;
  return known;
end $$;

-- The first password of somebody who has none and is a member nowhere else; others change it themselves.
create function auth.initial_password(person uuid, password_hash text) returns boolean language plpgsql
security definer set search_path = '' as $$
begin
  perform auth.may_manage((
    select m.id from core.membership m where m.organization_id = sec.org() and m.person_id = person));
  if exists (
    select from core.membership m where m.person_id = person and m.organization_id <> sec.org())
  then
    return false;
  end if;
  insert into auth.credential (id, password_hash, must_change)
  values (person, initial_password.password_hash, true) on conflict (id) do nothing;
  return found;
end $$;

-- For the installation's administrator: a forgotten password, a lost second factor.
create function auth.reset_password(email text, password_hash text) returns uuid language plpgsql
security definer set search_path = '' as $$
declare
  person uuid;
  other auth.session;
begin
  select p.id into person from core.person p where p.email = auth.address(reset_password.email);
  if person is null then
    perform sec.fail('SN404', 'person.unknown|nobody has this address');
  end if;
  insert into auth.credential as c (id, password_hash, must_change)
  values (person, reset_password.password_hash, true)
  on conflict (id) do update set password_hash = excluded.password_hash, must_change = true,
    totp_secret = null, totp_pending = null, changed_at = clock_timestamp();
  delete from auth.recovery_code r where r.person_id = person;
  delete from auth.ticket t where t.person_id = person;
  for other in select * from auth.session s where s.person_id = person and s.ended_at is null loop
    perform auth.end_session(other.token_hash);
  end loop;
  return person;
end $$;

create function auth.last_owner(membership uuid) returns boolean language sql stable
security definer set search_path = '' as $$
  select not exists (
    select from core.membership m
    join core.role r on r.organization_id = m.organization_id and r.id = m.role_id
    where m.organization_id = sec.org() and r.key = 'owner' and m.state = 'active' and m.id <> membership)
$$;

create function auth.set_role(membership uuid, role_key text) returns void language plpgsql
security definer set search_path = '' as $$
declare
  role uuid;
begin
  perform auth.lock_owners();
  role := auth.role_id(role_key);
  perform auth.may_grant(role);
  perform auth.may_manage(membership);
  if role_key <> 'owner' and auth.last_owner(membership) then
    perform sec.fail('SN409', 'owner.last|the last owner cannot be given another role');
  end if;
  update core.membership m set role_id = role where m.organization_id = sec.org() and m.id = membership;
end $$;

create function auth.set_member_state(membership uuid, state text) returns void language plpgsql
security definer set search_path = '' as $$
begin
  perform auth.lock_owners();
  perform auth.may_manage(membership);
  if set_member_state.state <> 'active' and auth.last_owner(membership) then
    perform sec.fail('SN409', 'owner.last|the last owner cannot be switched off');
  end if;
  -- An invitation is not switched on for anybody, and switching it off takes it back.
  if exists (select from core.membership m
             where m.organization_id = sec.org() and m.id = membership and m.state = 'invited') then
    if set_member_state.state = 'active' then
      perform sec.fail('SN409', 'member.invited|this person has not accepted the invitation yet');
    end if;
    delete from core.membership m
    where m.organization_id = sec.org() and m.id = membership and m.state = 'invited';
    return;
  end if;
  update core.membership m set state = set_member_state.state
  where m.organization_id = sec.org() and m.id = membership;
end $$;

-- Limits a membership to some clients; null lifts the limit. Who is limited himself may only pass on some of
-- his own clients, and to others.
create function auth.narrow(membership uuid, clients uuid[]) returns void language plpgsql
security definer set search_path = '' as $$
begin
  perform auth.may_manage(membership);
  if sec.clients() is not null and (clients is null or not clients <@ sec.clients() or exists (
    select from core.membership m
    where m.organization_id = sec.org() and m.id = membership and m.person_id = sec.actor()))
  then
    perform sec.fail('SN403', 'people.clients|nobody hands out more clients than he may see');
  end if;
  delete from core.membership_client c where c.organization_id = sec.org() and c.membership_id = membership;
  insert into core.membership_client (organization_id, membership_id, client_id)
  select sec.org(), membership, c from unnest(clients) c;
  update core.membership m set client_narrowed = clients is not null
  where m.organization_id = sec.org() and m.id = membership;
end $$;

-- An invited person is an address: name and login show only after he has accepted.
create function auth.members() returns table (
  membership_id uuid, person_id uuid, email text, name text, role_key text, role_title text, state text,
  client_narrowed boolean, has_password boolean, second_factor boolean, last_seen timestamptz
) language sql stable security definer set search_path = '' as $$
  select m.id, p.id, p.email, case when m.state = 'invited' then p.email else p.name end, r.key, r.title,
    m.state, m.client_narrowed, m.state <> 'invited' and c.id is not null,
    m.state <> 'invited' and c.totp_secret is not null,
    (select max(s.renewed_at) from auth.session s where s.membership_id = m.id)
  from core.membership m
  join core.person p on p.id = m.person_id
  join core.role r on r.organization_id = m.organization_id and r.id = m.role_id
  left join auth.credential c on c.id = p.id
  where m.organization_id = sec.org() order by 4
$$;
"""

KEYS = """
create policy identity on core.data_key for all to sent_auth
  using (organization_id = '00000000-0000-0000-0000-000000000000')
  with check (organization_id = '00000000-0000-0000-0000-000000000000');
grant select, insert on core.data_key to sent_auth;
"""

KEY_FUNCTIONS = """
-- The broker's own keys (they seal second factors); they belong to the platform.
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

BROKER = (
    "initialised()",
    "setup(uuid, text, text, uuid, text, text, uuid, text)",
    "attempt(bytea)",
    "attempt_over(bytea, boolean)",
    "lookup(text)",
    "credential_of(uuid)",
    "memberships(uuid)",
    "issue_ticket(bytea, uuid)",
    "open_session(bytea, uuid, bytea)",
    "accept(bytea, uuid, bytea)",
    "decline(bytea, uuid)",
    "renew_session(bytea)",
    "end_session(bytea)",
    "identity(uuid)",
    "change_password(uuid, text, bytea, boolean)",
    "totp_begin(uuid, bytea)",
    "totp_confirm(uuid, bigint, bytea[])",
    "totp_remove(uuid)",
    "totp_accept(uuid, bigint)",
    "recovery_use(uuid, bytea)",
    "keys()",
    "add_key(integer, text, bytea)",
)
PEOPLE_MANAGERS = (
    "add_member(uuid, uuid, text, text, text, bytea)",
    "initial_password(uuid, text)",
    "set_role(uuid, text)",
    "set_member_state(uuid, text)",
    "narrow(uuid, uuid[])",
    "members()",
)
INSIDE = (
    "address(text)",
    "may_grant(uuid)",
    "may_manage(uuid)",
    "lock_owners()",
    "role_id(text)",
    "last_owner(uuid)",
    "invitation_of(bytea, uuid)",
)


def upgrade() -> None:
    """Make credentials, sessions and keys."""
    op.sql("set role sent_owner")
    op.sql(
        "create schema auth; grant usage on schema auth to sent_broker, sent_staff, sent_app, sent_system,"
        " sent_audit; grant usage, create on schema auth to sent_auth"
    )
    op.sql(TABLES)
    for table in GUARDED:
        op.sql(
            f"alter table auth.{table} enable row level security;"
            f" alter table auth.{table} force row level security;"
            f" create policy identity on auth.{table} to sent_auth using (true) with check (true)"
        )
    op.sql(
        "create policy audit on auth.credential for select to sent_audit using (true);"
        " create policy audit on auth.invitation for select to sent_audit using (true);"
        " grant select on auth.credential, auth.invitation to sent_audit"
    )
    op.audit_table("auth.invitation", redact=("code_hash",))
    op.audit_table("auth.credential", redact=("password_hash", "totp_secret", "totp_pending"))
    op.sql(
        "create trigger audit_insert after insert on auth.session referencing new table as fresh"
        " for each statement execute function audit.record_insert('token_hash')"
    )
    op.create_tenant_table(
        "core.data_key",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="active"),
        sa.Column("wrapped", pg.BYTEA(), nullable=False),
        sa.CheckConstraint("state in ('active', 'decrypt_only', 'destroyed')", name="ck_data_key_state"),
        sa.UniqueConstraint("organization_id", "number", name="uq_data_key_number"),
        staff="",
        redact=("wrapped",),
    )
    op.sql(RIGHTS + KEYS + LOGIN + FACTORS + PEOPLE + KEY_FUNCTIONS + EXPIRE)
    op.sql("reset role")
    for function in (*BROKER, *PEOPLE_MANAGERS, *INSIDE, "reset_password(text, text)"):
        op.sql(f"alter function auth.{function} owner to sent_auth")
    for function in BROKER:
        op.sql(f"grant execute on function auth.{function} to sent_broker")
    for function in PEOPLE_MANAGERS:
        op.sql(f"grant execute on function auth.{function} to sent_staff, sent_app")
    op.sql("grant execute on function auth.reset_password(text, text) to sent_system")
    op.sql(
        "revoke create on schema auth from sent_auth; grant create on schema sec to sent_keeper;"
        " alter function sec.expire(uuid) owner to sent_keeper; revoke create on schema sec from sent_keeper"
    )
