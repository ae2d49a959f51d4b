"""The books of a company: how they are set up, prices, business years, closing, revaluation, reopening."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

SETTING_UP = """
create index ix_entry_closing on capital.entry (organization_id, day, seq) where kind = 'closing';

-- Sets the home currency and the first day of the business year; the currency stays once something is booked.
create function capital.set_up(home text, country text, year_month integer, year_day integer) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform capital.may_manage();
  if not exists (select from core.commodity c where c.code = home and c.kind = 'currency') then
    perform sec.fail('SN422', 'capital.home|the home currency is a code of ISO 4217 such as GBP');
  end if;
  if exists (select from capital.setup s where s.organization_id = sec.org() and s.home <> set_up.home)
    and exists (select from capital.entry e where e.organization_id = sec.org()) then
    perform sec.fail('SN409', 'capital.home.kept|entries are booked: the home currency stays');
  end if;
  insert into capital.setup (organization_id, home, country, year_month, year_day)
  values (sec.org(), set_up.home, set_up.country, set_up.year_month, set_up.year_day)
  on conflict (organization_id) do update set home = excluded.home, country = excluded.country,
    year_month = excluded.year_month, year_day = excluded.year_day;
end $$;

-- Debits and credits of accounts between two days, without the entries that close a year: what a profit and
-- loss account is made of.
create function capital.movements(starts date, ends date)
returns table (account_id uuid, commodity text, debit numeric, credit numeric)
language plpgsql stable security invoker set search_path = '' set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
  org constant uuid := sec.org();
  counted constant bigint := coalesce((select p.rolled from capital.progress p
    where p.organization_id = sec.org()), 0);
  first_open constant date := capital.month(movements.ends + 1);
begin
  return query select x.account_id, x.commodity, sum(x.debit), sum(x.credit) from (
    select m.account_id, m.commodity, sum(m.debit) as debit, sum(m.credit) as credit
    from capital.month_total m
    where m.organization_id = org and m.month >= movements.starts and m.month < first_open
    group by 1, 2
    union all
    -- The days of the first and last month that are not whole.
    select d.account_id, d.commodity, d.debit, d.credit from capital.day_total d
    where d.organization_id = org and d.day between movements.starts and movements.ends
      and (capital.month(d.day) < movements.starts or capital.month(d.day) >= first_open)
    union all
    select l.account_id, l.commodity, greatest(l.amount, 0), least(l.amount, 0) from capital.line l
    where l.organization_id = org and not l.pending and l.seq > counted
      and l.day between movements.starts and movements.ends
    union all
    select l.account_id, l.commodity, -greatest(l.amount, 0), -least(l.amount, 0)
    from capital.entry e join capital.line l on l.organization_id = e.organization_id and l.seq = e.seq
    where e.organization_id = org and e.kind = 'closing'
      and e.day between movements.starts and movements.ends) x
  group by 1, 2;
end $$;

-- The newest rate of each commodity in the home currency up to a day.
create function capital.rates(until date) returns table (commodity text, rate numeric, day date)
language sql stable security invoker set search_path = '' as $$
  select distinct on (p.commodity) p.commodity, p.rate, p.day
  from capital.price p join capital.setup s on s.organization_id = p.organization_id and s.home = p.quote
  where p.organization_id = (select sec.org()) and p.day <= rates.until
  order by p.commodity, p.day desc
$$;

-- Organisations whose ledger has something to count, to seal or to free.
create function capital.unsettled() returns setof uuid language plpgsql stable
security definer set search_path = '' as $$
begin
  if not sec.trusted() then
    perform sec.fail('SN403', 'capital.denied|only services keep the ledger');
  end if;
  return query select o.id from (select distinct j.organization_id as id from capital.journal j) o
  left join capital.progress p on p.organization_id = o.id
  where exists (select from capital.entry e where e.organization_id = o.id
      and e.seq > coalesce(p.sealed, 0))
    or exists (select from capital.pending w where w.organization_id = o.id and w.state = 'open'
      and w.expires_at <= clock_timestamp());
end $$;
"""

CLOSING = """
create function capital.may_close() returns void language plpgsql stable as $$
begin
  if not sec.has('capital:close') then
    perform sec.fail('SN403', 'capital.close|your role may not close the books');
  end if;
end $$;

-- Books one entry of the ledger's own kinds: closing and revaluation. Nobody else books meanwhile.
create function capital.book(id uuid, journal uuid, kind text, day date, memo text, accounts uuid[],
  commodities text[], amounts numeric[]) returns smallint language plpgsql set search_path = '' as $$
begin
  return (select w.fault from capital.write(array[book.id], array[book.journal], array[book.kind],
    array[book.day], array[book.memo], array[''], array[null::text], array[null::bytea],
    array[null::uuid], array[null::uuid], array[null::timestamptz],
    array_fill(1, array[cardinality(book.accounts)]), book.accounts, book.commodities, book.amounts,
    array_fill(null::text, array[cardinality(book.accounts)])) w);
end $$;

-- Takes what income and expenses hold at the end of a day into `target` (retained earnings). Returns a fault
-- of capital.write; 9 when there is nothing to take.
create function capital.close_year(id uuid, journal uuid, day date, target uuid, memo text)
returns smallint language plpgsql security definer set search_path = '' as $$
declare
  accounts uuid[];
  commodities text[];
  amounts numeric[];
begin
  perform capital.may_close();
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock(capital.lock_key(sec.org()));
  with held as (
    select b.account_id, b.commodity, b.debit + b.credit as amount
    from capital.balances(close_year.day) b
    join capital.account a on a.organization_id = sec.org() and a.id = b.account_id
    where a.kind in ('income', 'expense') and b.debit + b.credit <> 0
  ), taken as (
    select h.account_id, h.commodity, -h.amount as amount from held h
    union all
    select target, h.commodity, sum(h.amount) from held h group by h.commodity having sum(h.amount) <> 0
  )
  select array_agg(t.account_id), array_agg(t.commodity), array_agg(t.amount)
  into accounts, commodities, amounts from taken t;
  if accounts is null then
    return 9;
  end if;
  return capital.book(close_year.id, journal, 'closing', close_year.day, memo, accounts, commodities,
    amounts);
end $$;

-- What the clearing account holds, at the rates of a day, is what exchange rates have won (negative) or lost:
-- books that in the home currency against `result`, so that the account is worth nothing again.
create function capital.revalue(id uuid, journal uuid, day date, clearing uuid, result uuid, memo text)
returns smallint language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  own text;
  digits smallint;
  missing text;
  worth numeric;
begin
  perform capital.may_close();
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock(capital.lock_key(org));
  select s.home, capital.exponent(s.home) into own, digits from capital.setup s
  where s.organization_id = org;
  if own is null then
    perform sec.fail('SN422', 'capital.setup.missing|set up the books first: home currency and year');
  end if;
  select string_agg(b.commodity, ', ') filter (where r.rate is null and b.commodity <> own),
    round(sum((b.debit + b.credit) * case when b.commodity = own then 1 else r.rate end), digits)
  into missing, worth
  from capital.balances(revalue.day) b left join capital.rates(revalue.day) r on r.commodity = b.commodity
  where b.account_id = clearing and b.debit + b.credit <> 0;
  if missing is not null then
    perform sec.fail('SN422', 'capital.rate.missing|no rate up to that day for ' || missing);
  end if;
  if coalesce(worth, 0) = 0 then
    return 9;
  end if;
  return capital.book(revalue.id, journal, 'revaluation', revalue.day, memo, array[clearing, result],
    array[own, own], array[-worth, worth]);
end $$;

-- A hard closed period opens again when one person asks and another grants.
create function capital.ask_reopening(id uuid, period uuid, why text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform capital.may_close();
  if not exists (select from capital.period p where p.organization_id = sec.org() and p.id = period
      and p.state = 'hard') then
    perform sec.fail('SN409', 'capital.period.open|only a hard closed period is opened again by two');
  end if;
  insert into capital.reopening (organization_id, id, period_id, asked_by, why)
  values (sec.org(), ask_reopening.id, period, sec.actor(), ask_reopening.why);
end $$;

create function capital.grant_reopening(id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  asked capital.reopening;
begin
  perform capital.may_close();
  perform capital.see_committed();
  perform pg_catalog.pg_advisory_xact_lock(capital.lock_key(org));
  select * into asked from capital.reopening r where r.organization_id = org and r.id = grant_reopening.id
  for update;
  if asked.id is null then
    perform sec.fail('SN404', 'capital.reopening.missing|nobody asked for that');
  elsif asked.granted_by is not null then
    perform sec.fail('SN409', 'capital.reopening.done|it is granted already');
  elsif asked.asked_by = sec.actor() or sec.actor() is null then
    perform sec.fail('SN403', 'capital.reopening.alone|another person has to grant what you asked for');
  end if;
  update capital.reopening r set granted_by = sec.actor() where r.organization_id = org and r.id = asked.id;
  update capital.period p set state = 'soft' where p.organization_id = org and p.id = asked.period_id;
end $$;
"""

CALLED = (
    "capital.set_up(text, text, integer, integer)",
    "capital.movements(date, date)",
    "capital.rates(date)",
    "capital.close_year(uuid, uuid, date, uuid, text)",
    "capital.revalue(uuid, uuid, date, uuid, uuid, text)",
    "capital.ask_reopening(uuid, uuid, text)",
    "capital.grant_reopening(uuid)",
)
CHORES = ("capital.unsettled()",)
INNER = (
    "capital.may_close()",
    "capital.book(uuid, uuid, text, date, text, uuid[], text[], numeric[])",
)
TABLES = ("setup", "price", "reopening")


def _tables() -> None:
    op.create_tenant_table(
        "capital.setup",
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("year_month", sa.SmallInteger(), nullable=False, server_default="1"),
        sa.Column("year_day", sa.SmallInteger(), nullable=False, server_default="1"),
        sa.UniqueConstraint("organization_id", name="uq_setup_one"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_setup_country"),
        sa.CheckConstraint("year_month between 1 and 12 and year_day between 1 and 28", name="ck_setup_year"),
        staff="select",
        read="capital:read",
    )
    op.create_tenant_table(
        "capital.price",
        sa.Column("commodity", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(28, 12), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, server_default=""),
        sa.UniqueConstraint("organization_id", "commodity", "quote", "day", name="uq_price_day"),
        sa.CheckConstraint("rate > 0 and rate <> 'NaN'", name="ck_price_rate"),
        sa.CheckConstraint("day between '1900-01-01' and '2200-12-31'", name="ck_price_day"),
        sa.CheckConstraint("length(commodity) <= 24 and length(quote) <= 24", name="ck_price_codes"),
        sa.CheckConstraint("commodity <> quote", name="ck_price_pair"),
        sa.CheckConstraint("length(source) <= 100", name="ck_price_source"),
        staff="select,insert,update",
        read="capital:read",
        write="capital:post",
    )
    op.create_tenant_table(
        "capital.reopening",
        sa.Column("period_id", pg.UUID(), nullable=False),
        sa.Column("asked_by", pg.UUID(), nullable=False),
        sa.Column("granted_by", pg.UUID()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint("length(why) between 3 and 1000", name="ck_reopening_why"),
        references={"period_id": "capital.period"},
        staff="select",
        read="capital:read",
    )
    op.sql(
        "create policy ledger on capital.setup to sent_owner using (true) with check (true);"
        "create policy ledger on capital.price for select to sent_owner using (true);"
        "create policy ledger on capital.reopening to sent_owner using (true) with check (true);"
        "revoke insert, update, delete on capital.setup, capital.reopening from sent_app, sent_system"
    )


def upgrade() -> None:
    """Make tables and functions."""
    op.sql("set role sent_owner")
    _tables()
    op.sql(SETTING_UP)
    op.sql(CLOSING)
    op.sql("revoke execute on all functions in schema capital from public")
    op.sql(f"grant execute on function {', '.join(CALLED)} to sent_staff, sent_app, sent_system")
    op.sql(f"grant execute on function {', '.join(CHORES)} to sent_app, sent_system")
    op.sql("reset role")


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql(f"drop function {', '.join((*CALLED, *CHORES, *INNER))}; drop index capital.ix_entry_closing")
    for name in TABLES:
        op.sql(f"drop table capital.{name}")
    op.sql("reset role")
