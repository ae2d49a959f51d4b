"""What imports and exports ask the database: commodities, and entries page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sent.platform.db.uow import Tx, fetch, scalar
from sent.platform.ids import uuid7

PAGE = 2000


@dataclass(frozen=True, slots=True)
class Commodity:
    """A commodity of the organisation's own."""

    code: str
    name: str
    exponent: int


@dataclass(frozen=True, slots=True)
class Row:
    """A line with its entry."""

    seq: int
    day: date
    kind: str
    memo: str
    reference: str
    account: UUID
    commodity: str
    amount: Decimal
    note: str | None


async def commodities(tx: Tx) -> dict[str, Commodity]:
    """Return the organisation's own commodities by code."""
    found = await fetch(
        tx,
        Commodity,
        "select c.code, c.name, c.exponent from capital.commodity c order by c.code limit 20000",
    )
    return {one.code: one for one in found}


async def exponent(tx: Tx, code: str) -> int | None:
    """Return to how many digits a commodity is counted; None when it is unknown."""
    found = await scalar(tx, "select capital.exponent(%s)", [code])
    return None if found is None else int(found)


async def add_commodity(tx: Tx, commodity: Commodity) -> None:
    """Add a commodity of the organisation's own."""
    await tx.execute(
        "insert into capital.commodity (organization_id, id, code, name, exponent)"
        " values (sec.org(), %s, %s, %s, %s)",
        [uuid7(), commodity.code, commodity.name, commodity.exponent],
    )


async def refine_commodity(tx: Tx, code: str, exponent: int) -> None:
    """Count a commodity of the organisation's own to more digits."""
    await tx.execute("select capital.refine_commodity(%s, %s)", [code, exponent])


async def booked(tx: Tx, until: date | None) -> AsyncIterator[Sequence[Row]]:
    """Yield what is booked up to the end of a day, by day and number, whole entries a page."""
    last: tuple[date, int] = (date.min, 0)
    while True:
        rows = await fetch(
            tx,
            Row,
            "select e.seq, e.day, e.kind, e.memo, e.reference, l.account_id as account, l.commodity,"
            " l.amount, l.note from (select x.seq, x.day, x.kind, x.memo, x.reference from capital.entry x"
            " where (x.day, x.seq) > (%s, %s) and x.day <= coalesce(%s, x.day)"
            " and x.kind not in ('pending', 'void') order by x.day, x.seq limit %s) e"
            " join capital.line l on l.seq = e.seq and l.organization_id = (select sec.org())"
            " where not l.pending order by e.day, e.seq, l.n",
            [*last, until, PAGE],
        )
        if not rows:
            return
        last = (rows[-1].day, rows[-1].seq)
        yield rows


async def first_days(tx: Tx) -> dict[UUID, date]:
    """Return the first day of each account that something was booked on."""
    cursor = await tx.execute(
        "select l.account_id, min(l.day) from capital.line l where l.organization_id = (select sec.org())"
        " and not l.pending group by l.account_id"
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}
