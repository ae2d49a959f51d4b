"""The ledger: accounts, journals, periods; entries and lines that only functions write and nobody changes.

Balances are kept where a floor needs them (`capital.holding`, locked in one order) and otherwise counted:
`capital.day_total` holds every line up to a number that all transactions have passed, the rest is added
when it is read. So an account that everybody posts to is a row that nobody locks.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

SCHEMA = """
create schema capital;
grant usage on schema capital to sent_staff, sent_app, sent_system, sent_ingest, sent_definer, sent_audit;

-- ISO 4217: what money there is, and to how many digits it is counted. The same for everybody.
create table core.commodity (
  code text primary key check (code ~ '^[A-Z][A-Z0-9._''-]{0,23}$'),
  kind text not null check (kind in ('currency', 'metal', 'other')),
  exponent smallint not null check (exponent between 0 and 8)
);
grant select on core.commodity to sent_staff, sent_app, sent_system, sent_ingest, sent_definer;
"""

KIND = "kind in ('asset', 'liability', 'equity', 'income', 'expense')"
ROLES = (
    "cash receivable payable inventory prepayment fixed_asset accumulated_depreciation tax payroll loan"
    " capital retained_earnings opening clearing currency_clearing suspense sales cost_of_sales depreciation"
    " interest bank_fees exchange rounding income_tax"
)
ROLE = f"role in ({', '.join(repr(role) for role in ROLES.split())})"
JOURNAL_KIND = "kind in ('general', 'sales', 'purchase', 'bank', 'closing')"
ENTRY_KIND = "kind in ('entry', 'opening', 'pending', 'post', 'void', 'reversal', 'closing', 'revaluation')"

TABLES = f"""
create sequence capital.entry_seq;

-- What was booked. `day` is when it counts, `booked_at` when it was known; `about` names the pending entry
-- of a posting or voiding, and the entry that a reversal takes back.
create table capital.entry (
  organization_id uuid not null default sec.org(),
  id uuid not null,
  seq bigint not null,
  journal_id uuid not null,
  kind text not null check ({ENTRY_KIND}),
  day date not null check (day between '1900-01-01' and '2200-12-31'),
  booked_at timestamptz not null default clock_timestamp(),
  actor_id uuid,
  memo text not null default '' check (length(memo) <= 1000),
  reference text not null default '' check (length(reference) <= 200),
  key text check (length(key) between 1 and 200),
  request bytea check (length(request) = 32),
  group_id uuid,
  about uuid,
  expires_at timestamptz,
  constraint pk_entry primary key (organization_id, id),
  constraint uq_entry_seq unique (organization_id, seq),
  constraint ck_entry_key check ((key is null) = (request is null))
);
-- By key first, and asked for with "is not distinct from": a plan made while the table was empty would take
-- any index that begins with the organisation and read all of its entries.
create unique index uq_entry_key on capital.entry (key, organization_id) where key is not null;
create unique index uq_entry_resolved on capital.entry (organization_id, about) where kind in ('post',
  'void');
create unique index uq_entry_reversed on capital.entry (organization_id, about) where kind = 'reversal';
create index ix_entry_day on capital.entry (organization_id, day, seq);

-- Debits are positive, credits negative. Journal and account are checked by the one function that may insert:
-- foreign keys cost a fifth of the throughput of a batch, and neither can be deleted.
create table capital.line (
  organization_id uuid not null default sec.org(),
  seq bigint not null,
  n smallint not null,
  account_id uuid not null,
  commodity text not null,
  amount numeric(28, 8) not null check (amount <> 0 and amount <> 'NaN'),
  day date not null,
  pending boolean not null,
  note text check (length(note) <= 300),
  constraint pk_line primary key (organization_id, seq, n)
);
create index ix_line_account on capital.line (organization_id, account_id, day, seq, n);

-- Of accounts with a floor only, and in their own direction: what they hold is positive.
create table capital.holding (
  organization_id uuid not null default sec.org(),
  account_id uuid not null,
  commodity text not null,
  posted numeric(28, 8) not null default 0,
  pending_in numeric(28, 8) not null default 0,
  pending_out numeric(28, 8) not null default 0 check (pending_out <= 0),
  constraint pk_holding primary key (organization_id, account_id, commodity)
) with (fillfactor = 50);

create table capital.pending (
  organization_id uuid not null default sec.org(),
  id uuid not null,
  state text not null default 'open' check (state in ('open', 'posted', 'voided', 'expired')),
  expires_at timestamptz,
  constraint pk_pending primary key (organization_id, id)
);
create index ix_pending_expiry on capital.pending (organization_id, expires_at) where state = 'open';

-- What all lines up to `rolled` come to by account, commodity and day: wider than an amount, so that a sum of
-- amounts always fits and counting never stops.
create table capital.day_total (
  organization_id uuid not null default sec.org(),
  account_id uuid not null,
  commodity text not null,
  day date not null,
  debit numeric(48, 8) not null,
  credit numeric(48, 8) not null,
  lines bigint not null,
  constraint pk_day_total primary key (organization_id, account_id, commodity, day)
);

-- The same by month: what is asked about years does not read their days.
create table capital.month_total (
  organization_id uuid not null default sec.org(),
  account_id uuid not null,
  commodity text not null,
  month date not null check (extract(day from month) = 1),
  debit numeric(48, 8) not null,
  credit numeric(48, 8) not null,
  constraint pk_month_total primary key (organization_id, account_id, commodity, month)
);

create table capital.progress (
  organization_id uuid not null default sec.org(),
  rolled bigint not null default 0,
  sealed bigint not null default 0,
  candidate bigint,
  candidate_xmax xid8,
  constraint pk_progress primary key (organization_id)
);
"""

PLAIN = ("entry", "line", "holding", "pending", "day_total", "month_total", "progress")

GUARDS = """
create function capital.refuse_change() returns trigger language plpgsql as $$
begin
  perform sec.fail('SN403', 'capital.immutable|what is booked stays: book a reversal instead');
  return null;
end $$;
create trigger immutable before update or delete on capital.entry
  for each statement execute function capital.refuse_change();
create trigger keep before truncate on capital.entry
  for each statement execute function capital.refuse_change();
create trigger immutable before update or delete on capital.line
  for each statement execute function capital.refuse_change();
create trigger keep before truncate on capital.line
  for each statement execute function capital.refuse_change();

create function capital.keep_row() returns trigger language plpgsql as $$
begin
  perform sec.fail('SN403', 'capital.kept|accounts, journals and commodities are closed, not deleted');
  return null;
end $$;
-- An organisation may count a currency to more digits than ISO 4217 does, never to fewer: amounts that are
-- booked could not be taken back.
create function capital.guard_commodity() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.exponent < (select c.exponent from core.commodity c where c.code = new.code) then
    perform sec.fail('SN422', 'capital.commodity.digits|a commodity is never counted to fewer digits');
  end if;
  return new;
end $$;
create trigger guard before insert or update on capital.commodity
  for each row execute function capital.guard_commodity();
create trigger keep before delete on capital.account for each statement execute function capital.keep_row();
create trigger keep before delete on capital.journal for each statement execute function capital.keep_row();
create trigger keep before delete
  on capital.commodity for each statement execute function capital.keep_row();

-- Held shared by who books, alone by who changes what bookings are checked against: periods and floors.
create function capital.lock_key(organization uuid) returns bigint language sql immutable as $$
  select hashtextextended('capital ' || organization, 7304021013)
$$;

-- A snapshot older than its lock would not see the period, floor, closing or allocation that another made:
-- whoever writes the books sees what is committed when it is his turn.
create function capital.see_committed() returns void language plpgsql stable set search_path = '' as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform sec.fail('SN409',
      'capital.isolation|the books are written in transactions that are read committed: begin again');
  end if;
end $$;

-- Whether nothing may be booked on a day: it is in a closed period, or in none at all and before one, where
-- it would change what that period began with.
create function capital.shut(day date, soft boolean) returns boolean language sql stable
set search_path = '' as $$
  select exists (select from capital.period p where p.organization_id = sec.org()
    and shut.day <= p.ends and (p.state = 'hard' or p.state = 'soft' and not shut.soft)
    and (shut.day >= p.starts or not exists (select from capital.period q
      where q.organization_id = p.organization_id and shut.day between q.starts and q.ends)))
$$;

create function capital.exponent(code text) returns smallint language sql stable
security definer set search_path = '' as $$
  select coalesce(
    (select o.exponent from capital.commodity o where o.organization_id = sec.org()
      and o.code = exponent.code),
    (select c.exponent from core.commodity c where c.code = exponent.code))
$$;
"""

WRITE = """
-- Books entries as one transaction; each is taken or refused for itself, those of one group together.
-- `owners` says to which entry (from 1) a line belongs. Faults: 0 taken, 1 duplicate (the same request
-- under the same key was booked before: `entry` names it), 2 key used for another request, 3 does not
-- balance, 4 account, 5 amount or commodity, 6 period, 7 floor, 8 another of its group, 9 no lines,
-- 10 journal.
create function capital.write(
  ids uuid[], journals uuid[], kinds text[], days date[], memos text[], refs text[], keys text[],
  requests bytea[], groups uuid[], abouts uuid[], expiries timestamptz[],
  owners integer[], accounts uuid[], commodities text[], amounts numeric[], notes text[]
) returns table (n integer, fault smallint, entry uuid)
language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  org constant uuid := sec.org();
  who constant uuid := sec.actor();
  total constant integer := coalesce(cardinality(ids), 0);
  soft constant boolean := sec.has('capital:close');
  faults smallint[];
  found uuid[] := ids;
  firsts integer[] := array_fill(null::integer, array[coalesce(cardinality(ids), 0)]);
  signs smallint[];
  known text[];
  exponents smallint[];
  strange uuid[];
  shut date[];
  seqs bigint[];
  same record;
begin
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock_shared(capital.lock_key(sec.org()));
  -- A batch knows few commodities, journals and days: each is looked up once.
  select array_agg(k.code), array_agg(coalesce(
      (select o.exponent from capital.commodity o where o.organization_id = org and o.code = k.code),
      (select c.exponent from core.commodity c where c.code = k.code))) into known, exponents
  from (select distinct u.code from unnest(commodities) u (code)) k;
  strange := array(select d.id from (select distinct u.id from unnest(journals) u (id)) d
    where d.id is null or not exists (select from capital.journal j where j.organization_id = org
      and j.id = d.id));
  shut := array(select d.day from (select distinct u.day from unnest(days) u (day)) d
    where capital.shut(d.day, soft));

  -- No joins between the arrays anywhere: a planner that takes them for ten rows makes them quadratic.
  with looked as materialized (
    select l.owner, l.commodity, l.amount,
      (select case when a.closed_on < days[l.owner] or a.commodity <> l.commodity then 0
         when a.floor is null then 1
         when a.kind in ('asset', 'expense') then 2 else -2 end
       from capital.account a where a.organization_id = org and a.id = l.account) as found,
      exponents[array_position(known, l.commodity)] as exponent, l.place
    from unnest(owners, accounts, commodities, amounts) with ordinality l (owner, account, commodity,
      amount, place)
  ), summed as (
    select x.owner, sum(x.amount) as rest, bool_or(coalesce(x.found, 0) = 0) as strange,
      bool_or(coalesce(x.amount = 0 or x.amount <> round(x.amount, x.exponent), true)) as odd
    from looked x group by x.owner, x.commodity
  ), told as (
    select s.owner as n, case when bool_or(s.strange) then 4 when bool_or(s.odd) then 5
      when bool_or(s.rest <> 0) then 3 else 0 end as code, true as lined from summed s group by s.owner
    union all
    select e.n, case when strange <> '{}' and array_position(strange, journals[e.n]) is not null then 10
      when shut <> '{}' and days[e.n] = any (shut) then 6 else 0 end, false
    from generate_series(1, total) e (n)
  ), judged as (
    select t.n, case when bool_or(t.lined) then max(t.code) else 9 end as code from told t group by t.n
  )
  select array(select j.code::smallint from judged j where j.n between 1 and total order by j.n),
    array(select case when abs(x.found) = 2 then sign(x.found) else 0 end::smallint
      from looked x order by x.place)
  into faults, signs;

  -- The same key twice: in this batch, or booked before.
  for same in
    select k.n, k.request, k.first, k.booked
    from (select u.n::integer, u.request, min(u.n) over (partition by u.key)::integer as first,
            (select e.id from capital.entry e where e.key = u.key
              and e.organization_id is not distinct from org) as booked
          from unnest(keys, requests) with ordinality u (key, request, n) where u.key is not null) k
    where k.booked is not null or k.first < k.n
  loop
    if same.booked is not null then
      faults[same.n] := (select case when e.request = same.request then 1 else 2 end from capital.entry e
        where e.organization_id = org and e.id = same.booked);
      found[same.n] := same.booked;
    elsif requests[same.first] = same.request then
      faults[same.n] := 1;
      found[same.n] := ids[same.first];
      firsts[same.n] := same.first;
    else
      faults[same.n] := 2;
    end if;
  end loop;

  if exists (select from unnest(groups) g (id) where g.id is not null) then
    faults := capital.fail_together(faults, groups);
  end if;

  if exists (select from unnest(signs) s (sign) where s.sign <> 0) then
    faults := capital.hold(kinds, groups, faults, owners, accounts, commodities, amounts, signs);
  end if;

  -- What repeats an entry of this batch shares its fate, which is known only now.
  for i in 1 .. total loop
    if firsts[i] is not null and faults[firsts[i]] <> 0 then
      faults[i] := faults[firsts[i]];
    end if;
  end loop;

  seqs := array(select nextval('capital.entry_seq') from generate_series(1, total));
  insert into capital.entry (organization_id, id, seq, journal_id, kind, day, actor_id, memo, reference,
    key,
    request, group_id, about, expires_at)
  select org, u.id, seqs[u.n], u.journal, u.kind, u.day, who, coalesce(u.memo, ''), coalesce(u.ref, ''),
    u.key,
    u.request, u.gid, u.about, u.expiry
  from unnest(ids, journals, kinds, days, memos, refs, keys, requests, groups, abouts, expiries)
    with ordinality u (id, journal, kind, day, memo, ref, key, request, gid, about, expiry, n)
  where faults[u.n] = 0;
  insert into capital.line (organization_id, seq, n, account_id, commodity, amount, day, pending, note)
  select org, seqs[l.owner], row_number() over (partition by l.owner order by l.place), l.account,
    l.commodity,
    l.amount, days[l.owner], kinds[l.owner] = 'pending', nullif(l.note, '')
  from unnest(owners, accounts, commodities, amounts, notes)
    with ordinality l (owner, account, commodity, amount, note, place)
  where faults[l.owner] = 0;
  if 'pending' = any (kinds) then
    insert into capital.pending (organization_id, id, expires_at)
    select org, u.id, u.expiry from unnest(ids, kinds, expiries) with ordinality u (id, kind, expiry, n)
    where u.kind = 'pending' and faults[u.n] = 0;
  end if;
  return query select u.n::integer, u.fault, u.entry from unnest(faults, found) with ordinality u (fault,
    entry, n);
end $$;

-- A group with one entry that cannot be booked is not booked.
create function capital.fail_together(faults smallint[], groups uuid[]) returns smallint[]
language sql immutable as $$
  select array_agg(case when x.fault = 0 and x.gid is not null and x.bad then 8 else x.fault end::smallint
    order by x.n)
  from (select u.n, u.fault, u.gid, bool_or(u.fault > 1) over (partition by u.gid) as bad
        from unnest(faults, groups) with ordinality u (fault, gid, n)) x
$$;

-- Locks the holdings of accounts with a floor, in one order for all, refuses what would cross a floor (7) and
-- keeps the rest. `slots` says for each line which of the touched holdings is its own.
create function capital.hold(
  kinds text[], groups uuid[], faults smallint[], owners integer[], accounts uuid[], commodities text[],
  amounts numeric[], signs smallint[]
) returns smallint[] language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan
set enable_seqscan = off as $$
declare
  org constant uuid := sec.org();
  result smallint[] := faults;
  touched uuid[];
  kept text[];
  slots integer[];
  held numeric[];
  room numeric[];
begin
  select array_agg(d.account order by d.slot), array_agg(d.commodity order by d.slot) into touched, kept
  from (select l.account, l.commodity, row_number() over (order by l.account, l.commodity) as slot
        from unnest(owners, accounts, commodities, signs) l (owner, account, commodity, sign)
        where l.sign <> 0 and faults[l.owner] = 0 group by l.account, l.commodity) d;
  if touched is null then
    return faults;
  end if;
  slots := array(
    select case when l.sign <> 0 and faults[l.owner] = 0 then dense_rank() over (
      partition by l.sign <> 0 and faults[l.owner] = 0 order by l.account, l.commodity) else 0 end
    from unnest(owners, accounts, commodities, signs) with ordinality l (owner, account, commodity, sign,
      place)
    order by l.place);
  for attempt in 1 .. 2 loop
    held := array(
      select (select h.posted + h.pending_out from capital.holding h where h.organization_id = org
        and h.account_id = u.account and h.commodity = u.commodity for no key update)
      from unnest(touched, kept) with ordinality u (account, commodity, slot) order by u.slot);
    exit when array_position(held, null) is null;
    insert into capital.holding (organization_id, account_id, commodity)
    select org, u.account, u.commodity from unnest(touched, kept, held) u (account, commodity, held)
    where u.held is null on conflict do nothing;
  end loop;
  room := array(
    select held[u.slot] - (select a.floor from capital.account a where a.organization_id = org
      and a.id = u.account)
    from unnest(touched) with ordinality u (account, slot) order by u.slot);
  if exists (
    select from (
      select d.taken, room[d.slot] + sum(d.taken) over (partition by d.slot order by d.owner) as left_over
      from (select l.owner, l.slot,
          case when kinds[l.owner] = 'pending' then least(sum(l.sign * l.amount), 0)
            else sum(l.sign * l.amount) end as taken
        from unnest(owners, slots, amounts, signs) l (owner, slot, amount, sign)
        where l.slot > 0 group by l.owner, l.slot) d) r
    where r.taken < 0 and r.left_over < 0)
  then
    result := capital.refuse_crossing(kinds, groups, faults, owners, slots, amounts, signs, room);
  end if;
  -- An insert that always conflicts: a join would be planned once, and badly while there are no holdings yet.
  with net as (
    select l.slot, kinds[l.owner] = 'pending' as waits, sum(l.sign * l.amount) as amount
    from unnest(owners, slots, amounts, signs) l (owner, slot, amount, sign)
    where l.slot > 0 and result[l.owner] = 0 group by l.owner, l.slot
  )
  insert into capital.holding as h (organization_id, account_id, commodity, posted, pending_in, pending_out)
  select org, touched[n.slot], kept[n.slot], coalesce(sum(n.amount) filter (where not n.waits), 0),
    coalesce(sum(greatest(n.amount, 0)) filter (where n.waits), 0),
    coalesce(sum(least(n.amount, 0)) filter (where n.waits), 0)
  from net n group by n.slot
  on conflict on constraint pk_holding do update set posted = h.posted + excluded.posted,
    pending_in = h.pending_in + excluded.pending_in, pending_out = h.pending_out + excluded.pending_out;
  return result;
end $$;

-- The slow way, when some entry would take an account below its floor: in order, each group as a whole.
-- `room` is what each touched holding may still give.
create function capital.refuse_crossing(
  kinds text[], groups uuid[], faults smallint[], owners integer[], slots integer[], amounts numeric[],
  signs smallint[], room numeric[]
) returns smallint[] language plpgsql set search_path = '' as $$
declare
  result smallint[] := faults;
  units integer[] := array(
    select min(u.n) over (partition by coalesce(u.gid::text, u.n::text))::integer
    from unnest(groups) with ordinality u (gid, n) order by u.n);
  refused boolean[] := array_fill(false, array[cardinality(kinds)]);
  part record;
  latest integer := 0;
  touched integer[];
  before numeric[];
begin
  for part in
    select units[n.owner] as unit, n.slot,
      sum(case when kinds[n.owner] = 'pending' then least(n.amount, 0) else n.amount end) as taken
    from (select l.owner, l.slot, sum(l.sign * l.amount) as amount
      from unnest(owners, slots, amounts, signs) l (owner, slot, amount, sign)
      where l.slot > 0 group by l.owner, l.slot) n
    group by units[n.owner], n.slot order by 1
  loop
    if part.unit <> latest then
      latest := part.unit;
      touched := '{}';
      before := '{}';
    end if;
    continue when refused[part.unit];
    touched := touched || part.slot;
    before := before || room[part.slot];
    room[part.slot] := room[part.slot] + part.taken;
    if part.taken < 0 and room[part.slot] < 0 then
      refused[part.unit] := true;
      for i in 1 .. cardinality(touched) loop
        room[touched[i]] := before[i];
      end loop;
    end if;
  end loop;
  for i in 1 .. cardinality(result) loop
    if result[i] = 0 and refused[units[i]] then
      result[i] := 7;
    end if;
  end loop;
  return result;
end $$;

-- What people and services call; see capital.write.
create function capital.post(
  ids uuid[], journals uuid[], kinds text[], days date[], memos text[], refs text[], keys text[],
  requests bytea[], groups uuid[], expiries timestamptz[],
  owners integer[], accounts uuid[], commodities text[], amounts numeric[], notes text[]
) returns table (n integer, fault smallint, entry uuid)
language plpgsql security definer set search_path = '' as $$
declare
  -- Arrays may begin anywhere, have dimensions, differ in length: what one place reads by number and another
  -- by order would be two things.
  whole constant text := '[1:' || cardinality(ids) || ']';
  lined constant text := case when cardinality(owners) > 0 then '[1:' || cardinality(owners) || ']'
    else '' end;
begin
  if not sec.has('capital:post') then
    perform sec.fail('SN403', 'capital.post|your role may not book');
  end if;
  if coalesce(cardinality(ids), 0) not between 1 and 10000 or cardinality(owners) > 100000 then
    perform sec.fail('SN422', 'capital.batch|a batch has 1 to 10000 entries and at most 100000 lines');
  end if;
  if not coalesce(owners is not null and array_dims(ids) = whole and array_dims(journals) = whole
    and array_dims(kinds) = whole and array_dims(days) = whole and array_dims(memos) = whole
    and array_dims(refs) = whole and array_dims(keys) = whole and array_dims(requests) = whole
    and array_dims(groups) = whole and array_dims(expiries) = whole
    and coalesce(array_dims(owners), '') = lined and coalesce(array_dims(accounts), '') = lined
    and coalesce(array_dims(commodities), '') = lined and coalesce(array_dims(amounts), '') = lined
    and coalesce(array_dims(notes), '') = lined, false) then
    perform sec.fail('SN422', 'capital.shape|all lists of a batch have the same number of members, from 1');
  end if;
  if not kinds <@ array['entry', 'opening', 'pending'] then
    perform sec.fail('SN422', 'capital.kind|entries are booked as entry, opening or pending');
  end if;
  return query select * from capital.write(ids, journals, kinds, days, memos, refs, keys, requests, groups,
    array_fill(null::uuid, array[cardinality(ids)]), expiries, owners, accounts, commodities, amounts,
      notes);
end $$;
"""

ONE = """
-- What post_one does when no row took the amount: the account holds nothing yet, or would cross its floor.
create function capital.first_holding(account uuid, commodity text, moved numeric, floor numeric,
  waits boolean)
returns void language plpgsql set search_path = '' as $$
begin
  if moved < 0 and moved < floor and not exists (select from capital.holding h
    where h.organization_id = sec.org()
      and h.account_id = first_holding.account and h.commodity = first_holding.commodity) then
    perform sec.fail('SN409', 'capital.floor|an account would go below its floor');
  end if;
  insert into capital.holding as h (organization_id, account_id, commodity, posted, pending_in, pending_out)
  values (sec.org(), first_holding.account, first_holding.commodity, case when waits then 0 else moved end,
    case when waits then greatest(moved, 0) else 0 end, case when waits then least(moved, 0) else 0 end)
  on conflict on constraint pk_holding do update set posted = h.posted + excluded.posted,
    pending_in = h.pending_in + excluded.pending_in, pending_out = h.pending_out + excluded.pending_out
  where excluded.posted + excluded.pending_out >= 0
    or h.posted + h.pending_out + excluded.posted + excluded.pending_out >= first_holding.floor;
  if not found then
    perform sec.fail('SN409', 'capital.floor|an account would go below its floor');
  end if;
end $$;

-- One entry, as people and shops book it: the same rules as capital.write, written for the shortest way.
-- Raises what capital.write tells as a fault (SN409 or SN422), except for a duplicate.
create function capital.post_one(
  id uuid, journal uuid, kind text, day date, memo text, reference text, wanted text, request bytea,
  expires_at timestamptz, accounts uuid[], commodities text[], amounts numeric[], notes text[]
) returns table (fault smallint, entry uuid)
language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off as $$
#variable_conflict use_variable
declare
  org constant uuid := sec.org();
  waits constant boolean := kind = 'pending';
  wrong smallint;
  held uuid[];
  kept text[];
  moves numeric[];
  floors numeric[];
  number bigint;
begin
  if not sec.has('capital:post') then
    perform sec.fail('SN403', 'capital.post|your role may not book');
  end if;
  if kind not in ('entry', 'opening', 'pending') then
    perform sec.fail('SN422', 'capital.kind|entries are booked as entry, opening or pending');
  end if;
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock_shared(capital.lock_key(org));
  select coalesce(max(x.wrong), 9), array_agg(x.account) filter (where x.floor is not null),
    array_agg(x.commodity) filter (where x.floor is not null),
    array_agg(x.moved) filter (where x.floor is not null),
      array_agg(x.floor) filter (where x.floor is not null)
  into wrong, held, kept, moves, floors from (
    select l.account, l.commodity, a.floor,
      sum(case when a.kind in ('asset', 'expense') then l.amount else -l.amount end) as moved,
      greatest(
        case when sum(sum(l.amount)) over (partition by l.commodity) <> 0 then 3 else 0 end,
        max(case when a.id is null or a.closed_on < day or a.commodity <> l.commodity then 4 else 0 end),
        max(case when l.amount = 0 or l.amount <> round(l.amount, coalesce(
            (select o.exponent from capital.commodity o where o.organization_id = org
              and o.code = l.commodity),
            (select c.exponent from core.commodity c where c.code = l.commodity), -1))
              then 5 else 0 end)) as wrong
    from unnest(accounts, commodities, amounts) l (account, commodity, amount)
    left join capital.account a on a.organization_id = org and a.id = l.account
    group by l.account, l.commodity, a.floor order by l.account, l.commodity) x;
  if wrong = 0 then
    select case when not exists (select from capital.journal j where j.organization_id = org
      and j.id = journal)
        then 10
      when exists (select from capital.period p where p.organization_id = org and day <= p.ends
        and p.state <> 'open') and capital.shut(day, sec.has('capital:close'))
          then 6 else 0 end into wrong;
  end if;
  if wrong > 0 then
    return query select case when e.request is null
      then wrong when e.request = post_one.request then 1
      else 2 end::smallint, coalesce(e.id, post_one.id)
    from (select 1) o left join capital.entry e on e.key = post_one.wanted
      and e.organization_id is not distinct from org;
    return;
  end if;
  number := nextval('capital.entry_seq');
  insert into capital.entry as e (organization_id, id, seq, journal_id, kind, day, actor_id, memo,
    reference, key,
    request, expires_at)
  values (org, id, number, journal, kind, day, sec.actor(), coalesce(memo, ''), coalesce(reference, ''),
    wanted,
    request, expires_at)
  on conflict (organization_id, key) where key is not null do nothing;
  if not found then
    return query select case when e.request = post_one.request then 1 else 2 end::smallint, e.id
      from capital.entry e where e.key = post_one.wanted
        and e.organization_id is not distinct from org;
    return;
  end if;
  for i in 1 .. coalesce(cardinality(held), 0) loop
    update capital.holding h set posted = h.posted + case when waits then 0 else moves[i] end,
      pending_in = h.pending_in + case when waits then greatest(moves[i], 0) else 0 end,
      pending_out = h.pending_out + case when waits then least(moves[i], 0) else 0 end
    where h.organization_id = org and h.account_id = held[i] and h.commodity = kept[i]
      and (moves[i] >= 0 or h.posted + h.pending_out + moves[i] >= floors[i]);
    if not found then
      perform capital.first_holding(held[i], kept[i], moves[i], floors[i], waits);
    end if;
  end loop;
  insert into capital.line (organization_id, seq, n, account_id, commodity, amount, day, pending, note)
  select org, number, l.n, l.account, l.commodity, l.amount, day, waits, nullif(l.note, '')
  from unnest(accounts, commodities, amounts, notes) with ordinality l (account, commodity, amount, note,
    n);
  if waits then
    insert into capital.pending (organization_id, id, expires_at) values (org, id, expires_at);
  end if;
  return query select 0::smallint, post_one.id;
end $$;
"""


def _tables() -> None:
    op.create_tenant_table(
        "capital.commodity",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("exponent", sa.SmallInteger(), nullable=False),
        sa.UniqueConstraint("organization_id", "code", name="uq_commodity_code"),
        sa.CheckConstraint(r"code ~ '^[A-Za-z][A-Za-z0-9._''-]{0,23}$'", name="ck_commodity_code"),
        sa.CheckConstraint("exponent between 0 and 8", name="ck_commodity_exponent"),
        staff="select,insert",
        read="capital:read",
        write="capital:manage",
    )
    op.create_tenant_table(
        "capital.account",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("role", sa.Text()),
        sa.Column("parent_id", pg.UUID()),
        sa.Column("commodity", sa.Text()),
        sa.Column("floor", sa.Numeric(28, 8)),
        sa.Column("closed_on", sa.Date()),
        sa.UniqueConstraint("organization_id", "code", name="uq_account_code"),
        sa.CheckConstraint("length(code) between 1 and 200", name="ck_account_code"),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_account_name"),
        sa.CheckConstraint(KIND, name="ck_account_kind"),
        sa.CheckConstraint(ROLE, name="ck_account_role"),
        sa.CheckConstraint("floor <> 'NaN'", name="ck_account_floor"),
        sa.CheckConstraint("closed_on between '1900-01-01' and '2200-12-31'", name="ck_account_closed"),
        references={"parent_id": "capital.account"},
        staff="select",
        read="capital:read",
    )
    op.create_tenant_table(
        "capital.journal",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, server_default="general"),
        sa.UniqueConstraint("organization_id", "code", name="uq_journal_code"),
        sa.CheckConstraint("length(code) between 1 and 20", name="ck_journal_code"),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_journal_name"),
        sa.CheckConstraint(JOURNAL_KIND, name="ck_journal_kind"),
        staff="select",
        read="capital:read",
    )
    op.create_tenant_table(
        "capital.period",
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="open"),
        sa.CheckConstraint("starts <= ends", name="ck_period_days"),
        sa.CheckConstraint("starts >= '1900-01-01' and ends <= '2200-12-31'", name="ck_period_range"),
        sa.CheckConstraint("state in ('open', 'soft', 'hard')", name="ck_period_state"),
        staff="select",
        read="capital:read",
    )
    op.create_tenant_table(
        "capital.block",
        sa.Column("journal_id", pg.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("prev", pg.BYTEA(), nullable=False),
        sa.Column("digests", pg.BYTEA(), nullable=False),
        sa.Column("head", pg.BYTEA(), nullable=False),
        sa.UniqueConstraint("organization_id", "journal_id", "number", name="uq_block_number"),
        references={"journal_id": "capital.journal"},
        staff="select",
        read="capital:read",
        redact=("digests",),
    )


CALLED = (
    "capital.post(uuid[], uuid[], text[], date[], text[], text[], text[], bytea[], uuid[], timestamptz[],"
    " integer[], uuid[], text[], numeric[], text[])",
    "capital.post_one(uuid, uuid, text, date, text, text, text, bytea, timestamptz, uuid[], text[],"
    " numeric[], text[])",
    "capital.exponent(text)",
)

WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
HUNDREDTHS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE"
    " CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD"
    " HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP"
    " MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD"
    " SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS"
    " VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
)
THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
FINER = "CLF UYW"
METALS = "XAG XAU XPD XPT"


def _commodities() -> str:
    """Return the insert of ISO 4217's list (minor units as of 2026; metals are counted in troy ounces)."""
    parts = [(WHOLE, 0), (HUNDREDTHS, 2), (THOUSANDTHS, 3), (FINER, 4)]
    rows = [f"('{code}', 'currency', {digits})" for codes, digits in parts for code in codes.split()]
    rows += [f"('{code}', 'metal', 8)" for code in METALS.split()]
    return f"insert into core.commodity (code, kind, exponent) values {', '.join(rows)}"


def _guard_plain() -> None:
    """Write-once and counted tables: what the tenant operation does, without triggers per row.

    Nobody can tell of which client a line is, so staff limited to clients see none.
    """
    for name in PLAIN:
        table = f"capital.{name}"
        op.sql(f"alter table {table} enable row level security; alter table {table} force row level security")
        own = "organization_id = (select sec.org())"
        op.sql(
            f"create policy own on {table} to sent_app, sent_system, sent_ingest"
            f" using ({own}) with check ({own});"
            f" create policy definer on {table} for select to sent_definer using (true);"
            f" create policy staff_select on {table} for select to sent_staff"
            f" using ({own} and (select sec.has('capital:read')) and (select sec.clients()) is null);"
            f" grant select on {table} to sent_staff, sent_app, sent_system, sent_definer"
        )


WRITTEN = ("account", "commodity", "journal", "period", *PLAIN)
"""What the ledger's functions filter themselves: a policy that asks for the organisation in each of their
statements costs a fifth of an entry's time."""


def upgrade() -> None:
    """Make tables and functions."""
    op.sql("grant execute on function pg_catalog.pg_advisory_xact_lock_shared(bigint) to sent_owner")
    op.sql("set role sent_owner")
    op.sql(SCHEMA)
    op.sql(_commodities())
    _tables()
    op.sql(TABLES)
    _guard_plain()
    for name in WRITTEN:
        op.sql(f"create policy ledger on capital.{name} to sent_owner using (true) with check (true)")
    op.sql(
        "revoke insert, update, delete on capital.account, capital.journal, capital.period, capital.block"
        " from sent_app, sent_system; revoke update, delete on capital.commodity from sent_app, sent_system"
    )
    for text in (GUARDS, WRITE, ONE):
        op.sql(text)
    op.sql("revoke execute on all functions in schema capital from public")
    op.sql(f"grant execute on function {', '.join(CALLED)} to sent_staff, sent_app, sent_system")
    op.sql("reset role")


def downgrade() -> None:
    """Drop the ledger."""
    op.sql("set role sent_owner; drop schema capital cascade; drop table core.commodity; reset role")
