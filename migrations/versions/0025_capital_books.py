"""The ledger's other use cases: reservations, reversals, floors, periods, accounts, balances, seals."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

RESOLVE = """
-- Books what a pending entry reserved, whole or less; the rest is free again. The lines name accounts of the
-- pending entry, in its direction. Returns a fault of capital.write.
create function capital.post_pending(
  reserved uuid, id uuid, day date, memo text, key text, request bytea,
  accounts uuid[], commodities text[], amounts numeric[]
) returns table (n integer, fault smallint, entry uuid)
language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  about capital.entry;
begin
  if not sec.has('capital:post') then
    perform sec.fail('SN403', 'capital.post|your role may not book');
  end if;
  -- Whoever asks for the same at the same time waits here, and then is told that it is done.
  perform from capital.pending p where p.organization_id = org and p.id = reserved for update;
  if exists (select from capital.entry e where e.key = post_pending.key
      and e.organization_id is not distinct from org) then
    return query select 1, case when e.request = post_pending.request then 1 else 2 end::smallint, e.id
      from capital.entry e where e.key = post_pending.key
      and e.organization_id is not distinct from org;
    return;
  end if;
  about := capital.open_pending(reserved);
  if accounts is null then
    select array_agg(l.account_id order by l.n), array_agg(l.commodity order by l.n),
      array_agg(l.amount order by l.n) into accounts, commodities, amounts
    from capital.line l where l.organization_id = org and l.seq = about.seq;
  elsif exists (
    select from (select u.account, u.commodity, sign(u.amount) as way, sum(abs(u.amount)) as wanted
      from unnest(accounts, commodities, amounts) u (account, commodity, amount) group by 1, 2, 3) w
    where w.wanted > coalesce((select sum(abs(l.amount)) from capital.line l
      where l.organization_id = org and l.seq = about.seq and l.account_id = w.account
        and l.commodity = w.commodity and sign(l.amount) = w.way), 0))
  then
    perform sec.fail('SN422', 'capital.pending.more|more would be booked than was reserved');
  end if;
  perform capital.free(about.seq);
  update capital.pending p set state = 'posted' where p.organization_id = org and p.id = reserved;
  return query select * from capital.write(array[id], array[about.journal_id], array['post'], array[day],
    array[memo], array[about.reference], array[key], array[request], array[null::uuid], array[reserved],
    array[null::timestamptz], array_fill(1, array[cardinality(accounts)]), accounts, commodities, amounts,
    array_fill(null::text, array[cardinality(accounts)]));
  if exists (select from capital.pending p where p.organization_id = org and p.id = reserved
      and p.state = 'posted') and not exists (
      select from capital.entry e where e.organization_id = org and e.about = reserved
        and e.kind = 'post') then
    perform sec.fail('SN422', 'capital.pending.refused|the entry cannot be booked: period
      or account is closed');
  end if;
end $$;

-- Frees what was reserved. Voiding twice is no fault.
create function capital.void_pending(reserved uuid, id uuid, why text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  about capital.entry;
begin
  if not sec.has('capital:post') then
    perform sec.fail('SN403', 'capital.post|your role may not book');
  end if;
  if exists (select from capital.pending p where p.organization_id = org and p.id = reserved
      and p.state in ('voided', 'expired')) then
    return false;
  end if;
  about := capital.open_pending(reserved);
  perform capital.close_pending(about, id, why, 'voided');
  return true;
end $$;

-- Frees what was reserved and is over its time, at most `most` entries; returns how many.
create function capital.expire(most integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  late uuid[];
  about capital.entry;
  freed integer := 0;
begin
  if not sec.trusted() and not sec.has('capital:post') then
    perform sec.fail('SN403', 'capital.post|your role may not book');
  end if;
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock_shared(capital.lock_key(sec.org()));
  late := array(select p.id from capital.pending p
    where p.organization_id = org and p.state = 'open' and p.expires_at <= clock_timestamp()
    order by p.id limit least(most, 1000) for update skip locked);
  -- All holdings first, in the order of everybody: one entry after the other would meet others crosswise.
  perform from capital.holding h
  where h.organization_id = org and (h.account_id, h.commodity) in (
    select l.account_id, l.commodity from capital.entry e
    join capital.line l on l.organization_id = org and l.seq = e.seq
    where e.organization_id = org and e.id = any (late))
  order by h.account_id, h.commodity for no key update;
  for about in select e.* from capital.entry e where e.organization_id = org and e.id = any (late) loop
    perform capital.close_pending(about, core.uuid7(), 'its time was over', 'expired');
    freed := freed + 1;
  end loop;
  return freed;
end $$;

create function capital.open_pending(reserved uuid) returns capital.entry
language plpgsql set search_path = '' as $$
declare
  org constant uuid := sec.org();
  waiting capital.pending;
  about capital.entry;
begin
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock_shared(capital.lock_key(sec.org()));
  select * into waiting from capital.pending p where p.organization_id = org and p.id = reserved for update;
  if waiting.id is null then
    perform sec.fail('SN404', 'capital.pending.missing|there is no such pending entry');
  elsif waiting.state <> 'open' then
    perform sec.fail('SN409',
      'capital.pending.' || waiting.state || '|the pending entry is ' || waiting.state);
  elsif waiting.expires_at <= clock_timestamp() then
    perform sec.fail('SN409', 'capital.pending.expired|the pending entry is over its time');
  end if;
  select * into about from capital.entry e where e.organization_id = org and e.id = reserved;
  return about;
end $$;

create function capital.close_pending(about capital.entry, id uuid, why text, target text) returns void
language plpgsql set search_path = '' as $$
begin
  perform capital.free(about.seq);
  update capital.pending p set state = target where p.organization_id = about.organization_id
    and p.id = about.id;
  insert into capital.entry (organization_id, id, seq, journal_id, kind, day, actor_id, memo, about)
  values (about.organization_id, close_pending.id, nextval('capital.entry_seq'), about.journal_id, 'void',
    about.day, sec.actor(), left(coalesce(why, ''), 1000), about.id);
end $$;

-- Takes the lines of a pending entry out of the holdings.
create function capital.free(pending_seq bigint) returns void language plpgsql set search_path = '' as $$
begin
  perform from capital.holding h
  where h.organization_id = sec.org() and (h.account_id, h.commodity) in (
    select l.account_id, l.commodity from capital.line l
    where l.organization_id = sec.org() and l.seq = pending_seq)
  order by h.account_id, h.commodity for no key update;
  update capital.holding h set pending_in = h.pending_in - d.coming, pending_out = h.pending_out - d.leaving
  from (
    select l.account_id, l.commodity, greatest(sum(s.sign * l.amount), 0) as coming,
      least(sum(s.sign * l.amount), 0) as leaving
    from capital.line l join capital.account a on a.organization_id = l.organization_id
      and a.id = l.account_id,
      lateral (select case when a.kind in ('asset', 'expense') then 1 else -1 end as sign) s
    where l.organization_id = sec.org() and l.seq = pending_seq group by 1, 2) d
  where h.organization_id = sec.org() and h.account_id = d.account_id and h.commodity = d.commodity;
end $$;

-- Books the opposite of an entry; once.
create function capital.reverse(reversed uuid, id uuid, day date, memo text)
returns table (n integer, fault smallint,
  entry uuid) language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  about capital.entry;
  accounts uuid[];
  commodities text[];
  amounts numeric[];
begin
  if not sec.has('capital:post') then
    perform sec.fail('SN403', 'capital.post|your role may not book');
  end if;
  -- One at a time: whoever takes its line as a payment meanwhile waits here, or is seen below.
  select * into about from capital.entry e where e.organization_id = org and e.id = reversed
  for no key update;
  if about.id is null then
    perform sec.fail('SN404', 'capital.entry.missing|there is no such entry');
  elsif about.kind in ('pending', 'void') then
    perform sec.fail('SN422', 'capital.reverse.kind|a pending entry is voided, a voiding is not reversed');
  elsif about.kind in ('closing', 'revaluation') and not sec.has('capital:close') then
    perform sec.fail('SN403', 'capital.close|your role may not take back what closes the books');
  elsif exists (select from capital.entry e where e.organization_id = org and e.about = reversed
      and e.kind = 'reversal') then
    perform sec.fail('SN409', 'capital.reversed|the entry is reversed already');
  end if;
  select array_agg(l.account_id order by l.n), array_agg(l.commodity order by l.n),
    array_agg(-l.amount order by l.n) into accounts, commodities, amounts
  from capital.line l where l.organization_id = org and l.seq = about.seq;
  return query select * from capital.write(array[id], array[about.journal_id], array['reversal'],
    array[day],
    array[memo], array[about.reference], array[null::text], array[null::bytea], array[null::uuid],
    array[reversed], array[null::timestamptz], array_fill(1, array[cardinality(accounts)]), accounts,
    commodities, amounts, array_fill(null::text, array[cardinality(accounts)]));
end $$;
"""

SETTINGS = """
-- Sets or lifts (null) the floor of an account; what it holds must be above it.
create function capital.set_floor(account uuid, floor numeric) returns void
language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  holder capital.account;
begin
  if not sec.has('capital:manage') then
    perform sec.fail('SN403', 'capital.manage|your role may not change accounts');
  end if;
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock(capital.lock_key(sec.org()));
  select * into holder from capital.account a where a.organization_id = org and a.id = account for update;
  if holder.id is null then
    perform sec.fail('SN404', 'capital.account.missing|there is no such account');
  end if;
  delete from capital.holding h where h.organization_id = org and h.account_id = account;
  if set_floor.floor is not null then
    insert into capital.holding (organization_id, account_id, commodity, posted, pending_in, pending_out)
    select org, account, n.commodity, coalesce(sum(n.amount) filter (where not n.pending), 0),
      coalesce(sum(greatest(n.amount, 0)) filter (where n.state = 'open'), 0),
      coalesce(sum(least(n.amount, 0)) filter (where n.state = 'open'), 0)
    from (
      select l.seq, l.commodity, l.pending, p.state,
        sum(case when holder.kind in ('asset', 'expense') then l.amount else -l.amount end) as amount
      from capital.line l
      left join capital.entry e on l.pending and e.organization_id = org and e.seq = l.seq
      left join capital.pending p on p.organization_id = org and p.id = e.id
      where l.organization_id = org and l.account_id = account
      group by l.seq, l.commodity, l.pending, p.state) n
    group by n.commodity;
    if exists (select from capital.holding h where h.organization_id = org and h.account_id = account
        and h.posted + h.pending_out < set_floor.floor) then
      perform sec.fail('SN409', 'capital.floor.below|the account is below that floor already');
    end if;
  end if;
  update capital.account a set floor = set_floor.floor where a.organization_id = org and a.id = account;
end $$;

-- Opens, closes or reopens a period; a hard closed one stays.
create function capital.set_period(id uuid, starts date, ends date, state text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  former capital.period;
begin
  if not sec.has('capital:close') then
    perform sec.fail('SN403', 'capital.close|your role may not close periods');
  end if;
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock(capital.lock_key(sec.org()));
  select * into former from capital.period p where p.organization_id = org and p.id = set_period.id;
  if former.state = 'hard' and set_period.state <> 'hard' then
    perform sec.fail('SN409', 'capital.period.hard|a hard closed period stays closed');
  end if;
  if exists (select from capital.period p where p.organization_id = org and p.id <> set_period.id
      and daterange(p.starts, p.ends, '[]') && daterange(set_period.starts, set_period.ends, '[]')) then
    perform sec.fail('SN409', 'capital.period.overlap|another period has some of these days');
  end if;
  if former.id is not null and (former.starts, former.ends) <> (set_period.starts, set_period.ends) then
    perform sec.fail('SN422', 'capital.period.days|a period keeps its days');
  end if;
  insert into capital.period (organization_id, id, starts, ends, state)
  values (org, set_period.id, set_period.starts, set_period.ends, set_period.state)
  on conflict on constraint pk_period do update set state = excluded.state;
end $$;
"""

ACCOUNTS = """
create function capital.may_manage() returns void language plpgsql stable as $$
begin
  if not sec.has('capital:manage') then
    perform sec.fail('SN403', 'capital.manage|your role may not change accounts and journals');
  end if;
end $$;

create function capital.open_account(
  id uuid, code text, name text, kind text, parent uuid, commodity text, role text
) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform capital.may_manage();
  if commodity is not null and capital.exponent(commodity) is null then
    perform sec.fail('SN422',
      'capital.commodity.unknown|' || commodity || ' is no commodity: add it first');
  end if;
  insert into capital.account (organization_id, id, code, name, kind, parent_id, commodity, role)
  values (sec.org(), open_account.id, open_account.code, open_account.name, open_account.kind,
    open_account.parent, open_account.commodity, open_account.role);
end $$;

-- Renames, moves, closes (from the day after `closed_on` nothing is booked) or opens an account again.
create function capital.change_account(
  id uuid, expected integer, name text, parent uuid, closed_on date, role text
) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform capital.may_manage();
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock(capital.lock_key(sec.org()));
  if exists (
    with recursive above (id) as (
      select change_account.parent union select a.parent_id from capital.account a join above x
        on x.id = a.id
      where a.organization_id = sec.org())
    select from above x where x.id = change_account.id) then
    perform sec.fail('SN422', 'capital.account.loop|an account cannot stand below itself');
  end if;
  if exists (select from capital.line l where l.organization_id = sec.org()
      and l.account_id = change_account.id and l.day > change_account.closed_on) then
    perform sec.fail('SN409', 'capital.account.booked|the account has entries after that day');
  end if;
  update capital.account a set name = change_account.name, parent_id = change_account.parent,
    closed_on = change_account.closed_on, role = change_account.role
  where a.organization_id = sec.org() and a.id = change_account.id and a.version = expected;
  if not found then
    perform sec.fail('SN409', 'capital.account.changed|somebody else changed the account meanwhile');
  end if;
end $$;

create function capital.open_journal(id uuid, code text, name text, kind text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform capital.may_manage();
  insert into capital.journal (organization_id, id, code, name, kind)
  values (sec.org(), open_journal.id, open_journal.code, open_journal.name, open_journal.kind);
end $$;
"""

READING = """
-- The first day of a day's month.
create function capital.month(day date) returns date language sql immutable parallel safe as $$
  select day - (extract(day from day)::integer - 1)
$$;

-- Counts lines into day totals up to a number that every transaction has passed. Called again and again;
-- returns how many lines it counted.
create function capital.roll() returns bigint language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  at capital.progress;
  counted bigint := 0;
  newest bigint;
begin
  if not sec.trusted() then
    perform sec.fail('SN403', 'capital.denied|only services count up');
  end if;
  insert into capital.progress (organization_id) values (org) on conflict do nothing;
  select * into at from capital.progress p where p.organization_id = org for update skip locked;
  if at.organization_id is null then
    return 0;
  end if;
  if at.candidate is not null
    and pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) >= at.candidate_xmax then
    insert into capital.day_total as d (organization_id, account_id, commodity, day, debit, credit, lines)
    select org, l.account_id, l.commodity, l.day, coalesce(sum(l.amount) filter (where l.amount > 0), 0),
      coalesce(sum(l.amount) filter (where l.amount < 0), 0), count(*)
    from capital.line l
    where l.organization_id = org and l.seq > at.rolled and l.seq <= at.candidate and not l.pending
    group by 2, 3, 4 order by 2, 3, 4
    on conflict on constraint pk_day_total do update set debit = d.debit + excluded.debit,
      credit = d.credit + excluded.credit, lines = d.lines + excluded.lines;
    insert into capital.month_total as m (organization_id, account_id, commodity, month, debit, credit)
    select org, l.account_id, l.commodity, capital.month(l.day),
      coalesce(sum(l.amount) filter (where l.amount > 0), 0),
      coalesce(sum(l.amount) filter (where l.amount < 0), 0)
    from capital.line l
    where l.organization_id = org and l.seq > at.rolled and l.seq <= at.candidate and not l.pending
    group by 2, 3, 4 order by 2, 3, 4
    on conflict on constraint pk_month_total do update set debit = m.debit + excluded.debit,
      credit = m.credit + excluded.credit;
    select count(*) into counted from capital.line l
    where l.organization_id = org and l.seq > at.rolled and l.seq <= at.candidate and not l.pending;
    at.rolled := at.candidate;
    at.candidate := null;
  end if;
  if at.candidate is null then
    -- Two statements, so two snapshots: whoever drew a number up to `newest` has a transaction below xmax.
    select case when s.is_called then s.last_value else 0 end into newest from capital.entry_seq s;
    at.candidate := newest;
    at.candidate_xmax := pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot());
  end if;
  update capital.progress p set rolled = at.rolled, candidate = at.candidate,
    candidate_xmax = at.candidate_xmax
  where p.organization_id = org;
  return counted;
end $$;

-- What every account holds in each commodity at the end of `until` (null: with all days), debits positive:
-- from totals and what is not in them yet. How much that is a planner must be told
-- each time: else it reads all lines for it.
create function capital.balances(until date) returns table (account_id uuid, commodity text, debit numeric,
  credit numeric)
language plpgsql stable security invoker set search_path = '' set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
  org constant uuid := sec.org();
  counted constant bigint := coalesce((select p.rolled from capital.progress p
    where p.organization_id = sec.org()), 0);
begin
  return query select x.account_id, x.commodity, sum(x.debit), sum(x.credit) from (
    select m.account_id, m.commodity, sum(m.debit) as debit, sum(m.credit) as credit
      from capital.month_total m
    where m.organization_id = org
      and (balances.until is null or m.month < capital.month(balances.until))
    group by 1, 2
    union all
    select d.account_id, d.commodity, d.debit, d.credit from capital.day_total d
    where d.organization_id = org and d.day between capital.month(balances.until) and balances.until
    union all
    select l.account_id, l.commodity, greatest(l.amount, 0), least(l.amount, 0) from capital.line l
    where l.organization_id = org and not l.pending and l.seq > counted
      and (balances.until is null or l.day <= balances.until)) x
  group by 1, 2;
end $$;

-- The same as it was known at a moment: from the lines alone.
create function capital.balances_known(until date, known timestamptz)
returns table (account_id uuid, commodity text, debit numeric, credit numeric)
language sql stable security invoker set search_path = '' as $$
  select l.account_id, l.commodity, sum(greatest(l.amount, 0)), sum(least(l.amount, 0))
  from capital.line l join capital.entry e on e.organization_id = l.organization_id and e.seq = l.seq
  where l.organization_id = (select sec.org()) and not l.pending and e.booked_at <= balances_known.known
    and (balances_known.until is null or l.day <= balances_known.until)
  group by 1, 2
$$;
"""

SEAL = """
-- What a seal vouches for: every column of an entry and its lines. Versioned, since it must never change.
create function capital.digests(journal uuid, after bigint, until bigint)
returns table (seq bigint, entry uuid,
  digest bytea) language sql stable security invoker set search_path = '' as $$
  select e.seq, e.id, pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(1, e.id, e.seq,
      e.journal_id, e.kind, e.day, extract(epoch from e.booked_at), e.actor_id, e.memo, e.reference, e.key,
      encode(e.request, 'hex'), e.group_id, e.about, extract(epoch from e.expires_at),
      coalesce((select jsonb_agg(jsonb_build_array(l.n, l.account_id, l.commodity, l.amount::text, l.day,
          l.pending, l.note) order by l.n)
        from capital.line l where l.organization_id = e.organization_id and l.seq = e.seq), '[]'))::text,
          'UTF8'))
  from capital.entry e
  where e.organization_id = (select sec.org()) and e.journal_id = digests.journal
    and e.seq > digests.after and e.seq <= digests.until
  order by e.seq
$$;

-- Seals the next `most` settled entries: one block for each journal that has some. Returns how many entries.
create function capital.seal(most integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  zero constant bytea := decode(repeat('00', 32), 'hex');
  at capital.progress;
  until bigint;
  former capital.block;
  made record;
  amount integer := 0;
begin
  if not sec.trusted() then
    perform sec.fail('SN403', 'capital.denied|only services seal');
  end if;
  select * into at from capital.progress p where p.organization_id = org for update skip locked;
  select count(*)::integer, max(x.seq) into amount, until from (select e.seq from capital.entry e
    where e.organization_id = org and e.seq > at.sealed and e.seq <= at.rolled order by e.seq limit most) x;
  if amount = 0 then
    return 0;
  end if;
  for made in
    select j.id as journal, d.* from capital.journal j, lateral (
      select count(*)::integer as amount, min(x.seq) as first, max(x.seq) as last,
        string_agg(x.digest, '' order by x.seq) as digests
      from capital.digests(j.id, at.sealed, until) x) d
    where j.organization_id = org and d.amount > 0
  loop
    former := null;
    select * into former from capital.block b where b.organization_id = org and b.journal_id = made.journal
    order by b.number desc limit 1;
    insert into capital.block (organization_id, journal_id, number, from_seq, to_seq, amount, prev,
      digests, head)
    values (org, made.journal, coalesce(former.number, 0) + 1, made.first, made.last, made.amount,
      coalesce(former.head, zero), made.digests,
      pg_catalog.sha256(coalesce(former.head, zero) || int8send(coalesce(former.number, 0)::bigint + 1)
        || int8send(made.first) || int8send(made.last) || int8send(made.amount::bigint) || made.digests));
  end loop;
  update capital.progress p set sealed = until where p.organization_id = org;
  return amount;
end $$;
"""

CALLED = (
    "capital.post_pending(uuid, uuid, date, text, text, bytea, uuid[], text[], numeric[])",
    "capital.void_pending(uuid, uuid, text)",
    "capital.expire(integer)",
    "capital.reverse(uuid, uuid, date, text)",
    "capital.set_floor(uuid, numeric)",
    "capital.set_period(uuid, date, date, text)",
    "capital.open_account(uuid, text, text, text, uuid, text, text)",
    "capital.change_account(uuid, integer, text, uuid, date, text)",
    "capital.open_journal(uuid, text, text, text)",
    "capital.balances(date)",
    "capital.month(date)",
    "capital.balances_known(date, timestamptz)",
    "capital.digests(uuid, bigint, bigint)",
)
CHORES = ("capital.roll()", "capital.seal(integer)")


def upgrade() -> None:
    """Make the functions."""
    op.sql("set role sent_owner")
    for text in (RESOLVE, SETTINGS, ACCOUNTS, READING, SEAL):
        op.sql(text)
    op.sql("revoke execute on all functions in schema capital from public")
    op.sql(f"grant execute on function {', '.join(CALLED)} to sent_staff, sent_app, sent_system")
    op.sql(f"grant execute on function {', '.join(CHORES)} to sent_app, sent_system")
    op.sql("reset role")


INNER = (
    "capital.open_pending(uuid)",
    "capital.close_pending(capital.entry, uuid, text, text)",
    "capital.free(bigint)",
    "capital.may_manage()",
)


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql(f"drop function {', '.join((*CALLED, *CHORES, *INNER))}")
    op.sql("reset role")
