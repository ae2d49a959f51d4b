"""What is owed, in SQL: open items of any day, movements of a party, what returns are made of, letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sent.engines.capital.billing.figures import DunningItem, DunningLetter, DunningLevel, OpenItem
from sent.engines.capital.billing.model import TaxKind, TaxNature
from sent.platform.db.uow import Tx, fetch

# An allocation counts from its day on; one that was taken off never counted. Credits are negative.
_OPEN = """
with part as (
  select a.document_id as document, a.amount from capital.allocation a
  where a.released_at is null and a.day <= %(day)s
  union all
  select a.credit_id, a.amount from capital.allocation a
  where a.released_at is null and a.day <= %(day)s and a.credit_id is not null
), settled as (select p.document, sum(p.amount) as amount from part p group by p.document),
used as (
  select a.payment_id as payment, sum(a.amount) as amount from capital.allocation a
  where a.released_at is null and a.day <= %(day)s and a.payment_id is not null group by 1
), item as (
  select d.id, d.kind, case when d.kind in ('invoice', 'sales_credit') then 'receivable' else 'payable' end
    as side,
    d.number, d.party_id, d.commodity, s.sign * d.gross as gross,
    s.sign * (d.gross - coalesce(x.amount, 0)) as open, d.day, d.due, d.reference, d.stopped
  from capital.document d left join settled x on x.document = d.id,
    lateral (select case when d.kind in ('invoice', 'bill') then 1 else -1 end as sign) s
  where d.state <> 'draft' and d.day <= %(day)s and (d.voided_on is null or d.voided_on > %(day)s)
  union all
  select p.id, 'payment', case when y.kind = 'customer' then 'receivable' else 'payable' end, '', p.party_id,
    p.commodity, w.sign * p.amount, w.sign * (p.amount - coalesce(u.amount, 0)), p.day, p.day, p.reference,
      false
  from capital.payment p join capital.party y on y.organization_id = p.organization_id and y.id = p.party_id
    left join used u on u.payment = p.id,
    lateral (select case when (y.kind = 'customer') = (p.direction = 'in') then -1 else 1 end as sign) w
  where p.day <= %(day)s and (p.undone_on is null or p.undone_on > %(day)s)
)
select i.id, i.kind, i.side, i.number, i.party_id as party, y.name as party_name, i.commodity, i.gross,
  i.open,
  i.day, i.due, i.reference, i.stopped or y.stopped as stopped
from item i join capital.party y on y.organization_id = sec.org() and y.id = i.party_id
where i.open <> 0 and (%(side)s::text is null or i.side = %(side)s)
  and (%(party)s::uuid is null or i.party_id = %(party)s)
order by i.due, i.day, i.number, i.id limit 100000
"""

_MOVEMENTS = """
select m.day, m.kind, m.number, m.text, m.amount from (
  select d.day, d.kind, d.number, d.reference as text,
    case when d.kind in ('invoice', 'bill') then d.gross else -d.gross end as amount, d.created_at
  from capital.document d where d.party_id = %(party)s and d.commodity = %(commodity)s and d.state <> 'draft'
  union all
  select d.voided_on, 'void', d.number, d.reference,
    case when d.kind in ('invoice', 'bill') then -d.gross else d.gross end, d.updated_at
  from capital.document d where d.party_id = %(party)s and d.commodity = %(commodity)s and d.state = 'void'
  union all
  select p.day, 'payment', '', p.reference,
    case when (y.kind = 'customer') = (p.direction = 'in') then -p.amount else p.amount end, p.created_at
  from capital.payment p join capital.party y on y.organization_id = p.organization_id and y.id = p.party_id
  where p.party_id = %(party)s and p.commodity = %(commodity)s
  union all
  select p.undone_on, 'undone', '', p.reference,
    case when (y.kind = 'customer') = (p.direction = 'in') then p.amount else -p.amount end, p.updated_at
  from capital.payment p join capital.party y on y.organization_id = p.organization_id and y.id = p.party_id
  where p.party_id = %(party)s and p.commodity = %(commodity)s and p.undone_on is not null
  union all
  select a.day, a.kind, d.number, '',
    case when d.kind in ('invoice', 'bill') then -a.amount else a.amount end, a.created_at
  from capital.allocation a
  join capital.document d on d.organization_id = a.organization_id and d.id = a.document_id
  where d.party_id = %(party)s and d.commodity = %(commodity)s and a.released_at is null
    and a.kind in ('discount', 'write_off')
) m where m.day <= %(ends)s order by m.day, m.created_at limit 100000
"""

_TAXES = """
select t.document_id as document, d.number, y.name as party_name, t.day, c.code, c.kind, c.nature, t.rate,
  c.recoverable, t.home_base as base, t.home_tax as tax, c.base_boxes, c.tax_boxes, c.counter_boxes
from capital.tax_item t
join capital.document d on d.organization_id = t.organization_id and d.id = t.document_id
join capital.party y on y.organization_id = t.organization_id and y.id = d.party_id
join capital.tax_code c on c.organization_id = t.organization_id and c.id = t.tax_id
where t.day between %s and %s order by t.day, d.number, c.code
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement of a party, before its running balance."""

    day: date
    kind: str
    number: str
    text: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TaxedItem:
    """What a document or discount put under a tax code, in home currency; negative when it takes away."""

    document: UUID
    number: str
    party_name: str
    day: date
    code: str
    kind: TaxKind
    nature: TaxNature
    rate: Decimal
    recoverable: bool
    base: Decimal
    tax: Decimal
    base_boxes: list[str]
    tax_boxes: list[str]
    counter_boxes: list[str]


@dataclass(frozen=True, slots=True)
class Dunned:
    """How far a document was dunned."""

    document: UUID
    level: int
    day: date


async def open_items(tx: Tx, day: date, side: str | None, party: UUID | None) -> list[OpenItem]:
    """Return what was open at the end of a day, as it is known now."""
    return await fetch(tx, OpenItem, _OPEN, {"day": day, "side": side, "party": party})


async def movements(tx: Tx, party: UUID, commodity: str, ends: date) -> list[Moved]:
    """Return all movements of a party in a commodity up to a day."""
    return await fetch(tx, Moved, _MOVEMENTS, {"party": party, "commodity": commodity, "ends": ends})


async def taxes(tx: Tx, starts: date, ends: date) -> list[TaxedItem]:
    """Return what the return of a period is made of."""
    return await fetch(tx, TaxedItem, _TAXES, [starts, ends])


async def levels(tx: Tx) -> list[DunningLevel]:
    """Return the levels of dunning in their order."""
    return await fetch(
        tx,
        DunningLevel,
        "select l.n, l.days, l.title, l.body, l.fee, l.interest from capital.dunning_level l order by l.n",
    )


async def save_level(tx: Tx, one: DunningLevel) -> None:
    """Keep a level; one of the same number is replaced."""
    await tx.execute(
        "insert into capital.dunning_level (n, days, fee, interest, title, body) values (%s, %s, %s, %s,"
        " %s, %s)"
        " on conflict on constraint uq_dunning_level do update set days = excluded.days, fee = excluded.fee,"
        " interest = excluded.interest, title = excluded.title, body = excluded.body",
        [one.n, one.days, one.fee, one.interest, one.title, one.body],
    )


async def dunned(tx: Tx) -> list[Dunned]:
    """Return the highest level of every dunned document and its day."""
    return await fetch(
        tx,
        Dunned,
        "select distinct on (i.document_id) i.document_id as document, i.level, l.day from"
        " capital.dunning_item i"
        " join capital.dunning l on l.organization_id = i.organization_id and l.id = i.dunning_id"
        " order by i.document_id, i.level desc",
    )


async def keep_letter(tx: Tx, one: DunningLetter) -> None:
    """Keep a letter and its items; raises Conflict when an item was dunned at its level before."""
    await tx.execute(
        "insert into capital.dunning (id, party_id, level, day, commodity, open, fee, interest, title, body)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            one.id, one.party, one.level, one.day, one.commodity, one.open, one.fee, one.interest, one.title,
            one.body,
        ],
    )  # fmt: skip
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "insert into capital.dunning_item (dunning_id, document_id, level, open, interest, overdue)"
            " values (%s, %s, %s, %s, %s, %s)",
            [
                (one.id, item.document, item.level, item.open, item.interest, item.overdue)
                for item in one.items
            ],
        )


@dataclass(frozen=True, slots=True)
class _Letter:
    id: UUID
    party: UUID
    party_name: str
    commodity: str
    day: date
    level: int
    title: str
    body: str
    fee: Decimal


async def letters(tx: Tx, party: UUID | None, id: UUID | None) -> list[DunningLetter]:
    """Return letters, the newest first, at most 2,000; of a party, or one."""
    heads = await fetch(
        tx,
        _Letter,
        "select l.id, l.party_id as party, y.name as party_name, l.commodity, l.day, l.level, l.title,"
        " l.body, l.fee"
        " from capital.dunning l"
        " join capital.party y on y.organization_id = l.organization_id and y.id = l.party_id"
        " where (%(party)s::uuid is null or l.party_id = %(party)s) and (%(id)s::uuid is null or l.id ="
        " %(id)s)"
        " order by l.day desc, y.name limit 2000",
        {"party": party, "id": id},
    )
    cursor = await tx.execute(
        "select i.dunning_id, i.document_id, d.number, d.day, d.due, i.overdue, i.open, i.interest, i.level"
        " from capital.dunning_item i"
        " join capital.document d on d.organization_id = i.organization_id and d.id = i.document_id"
        " where i.dunning_id = any (%s) order by d.due, d.number",
        [[head.id for head in heads]],
    )
    items: dict[UUID, list[DunningItem]] = {head.id: [] for head in heads}
    for row in await cursor.fetchall():
        items[row[0]].append(DunningItem(*row[1:]))
    return [
        DunningLetter(
            head.party, head.party_name, head.commodity, head.day, head.level, head.title, head.body,
            tuple(items[head.id]), head.fee, head.id,
        )
        for head in heads
    ]  # fmt: skip
