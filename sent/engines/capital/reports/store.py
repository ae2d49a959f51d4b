"""What reports read; row-level security says of which organisation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sent.engines.capital.model import Balance
from sent.engines.capital.reports.model import Day, EntryLine, EntryRow, Posting
from sent.platform.db.uow import Tx, fetch, fetch_one

_DAYS = """
select x.day, sum(x.lines)::bigint as lines, sum(x.amount) as amount from (
  select d.day, d.lines, d.debit + d.credit as amount from capital.day_total d
  where d.organization_id = (select sec.org()) and d.account_id = %(account)s
    and d.commodity = %(commodity)s
  union all
  select l.day, 1, l.amount from capital.line l
  where l.organization_id = (select sec.org()) and l.account_id = %(account)s
    and l.commodity = %(commodity)s and not l.pending
    and l.seq > coalesce((select p.rolled from capital.progress p
      where p.organization_id = (select sec.org())), 0)) x
group by x.day order by x.day
"""

_POSTINGS = """
select w.*, e.id as entry, e.kind, e.memo, e.reference, e.journal_id as journal, o.other
from (
  select l.seq, l.n, l.day, coalesce(l.note, '') as note, l.amount,
    %(before)s + sum(l.amount) over (order by l.day, l.seq, l.n) as balance
  from capital.line l
  where l.organization_id = (select sec.org()) and l.account_id = %(account)s
    and l.commodity = %(commodity)s and not l.pending and l.day between %(starts)s and %(ends)s
  order by l.day, l.seq, l.n offset %(skip)s limit %(limit)s) w
join capital.entry e on e.organization_id = (select sec.org()) and e.seq = w.seq
cross join lateral (
  select case when count(distinct s.account_id) = 1 then (array_agg(s.account_id))[1] end as other
  from capital.line s
  where s.organization_id = (select sec.org()) and s.seq = w.seq and s.account_id <> %(account)s) o
order by w.day, w.seq, w.n
"""

_CASH = """
select l.account_id as account, l.commodity, sum(greatest(l.amount, 0)) as debit,
  sum(least(l.amount, 0)) as credit
from capital.line l
where l.organization_id = (select sec.org()) and l.day between %(starts)s and %(ends)s and not l.pending
  and not l.account_id = any (%(cash)s)
  and l.seq in (select c.seq from capital.line c where c.organization_id = (select sec.org())
    and c.account_id = any (%(cash)s) and c.day between %(starts)s and %(ends)s and not c.pending)
group by 1, 2
"""


async def days(tx: Tx, account: UUID, commodity: str) -> list[Day]:
    """Return the days on which an account was booked, the oldest first."""
    return await fetch(tx, Day, _DAYS, {"account": account, "commodity": commodity})


async def postings(
    tx: Tx, account: UUID, commodity: str, starts: date, ends: date, skip: int, limit: int, before: object
) -> list[Posting]:
    """Return an account's lines between two days in their order, `before` being the balance before them."""
    return await fetch(
        tx,
        Posting,
        _POSTINGS,
        {
            "account": account, "commodity": commodity, "starts": starts, "ends": ends, "skip": skip,
            "limit": limit, "before": before,
        },
    )  # fmt: skip


async def beside_cash(tx: Tx, cash: list[UUID], starts: date, ends: date) -> list[Balance]:
    """Return the other sides of entries that moved cash."""
    return await fetch(tx, Balance, _CASH, {"cash": cash, "starts": starts, "ends": ends})


_ENTRIES = """
select e.seq, e.id, e.day, e.booked_at, e.kind, j.code as journal, e.memo, e.reference, e.actor_id as actor,
  coalesce(s.amount, 0) as amount, coalesce(s.commodity, '') as commodity, coalesce(s.lines, 0) as lines,
  exists (select from capital.entry r where r.organization_id = e.organization_id and r.about = e.id
    and r.kind = 'reversal') as reversed
from capital.entry e
join capital.journal j on j.organization_id = e.organization_id and j.id = e.journal_id
left join lateral (
  select (array_agg(l.commodity order by l.n))[1] as commodity, count(*) as lines,
    sum(l.amount) filter (where l.amount > 0 and l.commodity = f.commodity) as amount
  from capital.line l, (select c.commodity from capital.line c
    where c.organization_id = e.organization_id and c.seq = e.seq order by c.n limit 1) f
  where l.organization_id = e.organization_id and l.seq = e.seq) s on true
where e.organization_id = (select sec.org()) and (%(id)s::uuid is null or e.id = %(id)s)
  and (%(before)s::bigint is null or (e.day, e.seq) < (%(day)s::date, %(before)s::bigint))
  and (%(journal)s::text is null or j.code = %(journal)s) and (%(kind)s::text is null or e.kind = %(kind)s)
  and (%(starts)s::date is null or e.day >= %(starts)s) and (%(ends)s::date is null or e.day <= %(ends)s)
  and (%(text)s::text is null or strpos(lower(e.memo || ' ' || e.reference), %(text)s) > 0)
order by e.day desc, e.seq desc limit %(limit)s
"""

_LINES = """
select l.account_id as account, a.code, a.name, l.amount, l.commodity, coalesce(l.note, '') as note
from capital.entry e
join capital.line l on l.organization_id = e.organization_id and l.seq = e.seq
join capital.account a on a.organization_id = l.organization_id and a.id = l.account_id
where e.organization_id = (select sec.org()) and e.id = %s order by l.n
"""


async def entries(tx: Tx, wanted: dict[str, Any]) -> list[EntryRow]:
    """Return entries, the latest day first."""
    return await fetch(tx, EntryRow, _ENTRIES, wanted)


async def lines(tx: Tx, entry: UUID) -> list[EntryLine]:
    """Return the lines of an entry."""
    return await fetch(tx, EntryLine, _LINES, [entry])


_CUSTOMERS = """
select d.party_id as party, y.name,
  sum(case when d.kind = 'invoice' then d.net else -d.net end * coalesce(d.rate, 1)) as amount
from capital.document d
join capital.party y on y.organization_id = d.organization_id and y.id = d.party_id
where d.organization_id = (select sec.org()) and d.kind in ('invoice', 'sales_credit')
  and d.state = 'issued' and d.day between %s and %s
group by 1, 2 order by 3 desc limit 1000
"""

_LEFT = """
select
  (select count(*) from capital.document d where d.organization_id = (select sec.org())
    and d.state = 'draft' and d.day <= %(ends)s)::integer as drafts,
  (select count(*) from capital.pending p
    join capital.entry e on e.organization_id = p.organization_id and e.id = p.id
    where p.organization_id = (select sec.org()) and p.state = 'open' and e.day <= %(ends)s
  )::integer as reservations,
  (select count(*) from capital.entry e where e.organization_id = (select sec.org())
    and e.seq > coalesce((select g.sealed from capital.progress g
      where g.organization_id = (select sec.org())), 0) and e.day <= %(ends)s)::integer as unsealed
"""


@dataclass(frozen=True, slots=True)
class Buyer:
    """What was invoiced to a customer, less credit notes, in home currency."""

    party: UUID
    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What is unfinished up to a day: drafts of documents, open reservations, entries without a seal."""

    drafts: int
    reservations: int
    unsealed: int


async def customers(tx: Tx, starts: date, ends: date) -> list[Buyer]:
    """Return what was invoiced between two days, net, by customer, the most first."""
    return await fetch(tx, Buyer, _CUSTOMERS, [starts, ends])


async def left_over(tx: Tx, ends: date) -> LeftOver:
    """Return how much is unfinished up to a day."""
    return await fetch_one(tx, LeftOver, _LEFT, {"ends": ends}) or LeftOver(0, 0, 0)
