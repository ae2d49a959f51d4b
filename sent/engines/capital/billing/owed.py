"""Use cases of what is owed: open items, aging, statements of account. The rules are pure and stand first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from uuid import UUID

from sent.engines.capital.billing import reads
from sent.engines.capital.billing.documents import party_of
from sent.engines.capital.billing.figures import Aged, Movement, OpenItem, StatementOfAccount
from sent.engines.capital.billing.model import ZERO, Party, Side
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid

BUCKETS = (0, 30, 60, 90)
"""The last day over due of each bucket but the oldest."""


def bucket(due: date, day: date) -> int:
    """Return the bucket of something due: 0 current, 1 to 30 days (1), to 60 (2), to 90 (3), older (4)."""
    late = (day - due).days
    return next((n for n, last in enumerate(BUCKETS) if late <= last), len(BUCKETS))


def aged(items: Iterable[OpenItem], day: date) -> list[Aged]:
    """Return what each party owes in each commodity by age, by name."""
    sums: dict[tuple[str, UUID, str], list[Decimal]] = {}
    for item in items:
        row = sums.setdefault((item.party_name, item.party, item.commodity), [ZERO] * 5)
        row[bucket(item.due, day)] += item.open
    return [Aged(party, name, commodity, *row) for (name, party, commodity), row in sorted(sums.items())]


def balanced(
    party: Party, commodity: str, starts: date, ends: date, moved: Iterable[reads.Moved]
) -> StatementOfAccount:
    """Return a statement with running balances from all movements up to its end."""
    opening = balance = ZERO
    movements = []
    for one in moved:
        balance += one.amount
        if one.day < starts:
            opening = balance
        else:
            movements.append(Movement(one.day, one.kind, one.number, one.text, one.amount, balance))
    return StatementOfAccount(party, commodity, starts, ends, opening, tuple(movements), balance)


async def open_items(
    ctx: Ctx, day: date, kind: Side | None = None, *, party: UUID | None = None
) -> list[OpenItem]:
    """Return what was open at the end of a day, the longest due first: documents, credits, overpayments."""
    async with uow(ctx) as tx:
        return await reads.open_items(tx, day, kind, party)


async def aging(ctx: Ctx, day: date, kind: Side) -> list[Aged]:
    """Return what parties owe (or are owed) by days over due."""
    return aged(await open_items(ctx, day, kind), day)


async def statement(ctx: Ctx, party: UUID, commodity: str, starts: date, ends: date) -> StatementOfAccount:
    """Return a statement of account; raises NotFound, Invalid (days the wrong way round)."""
    if starts > ends:
        raise Invalid(
            "capital.statement.days", f"the statement ends on {ends}, before it starts: swap the days"
        )
    async with uow(ctx) as tx:
        about = await party_of(tx, party)
        return balanced(about, commodity, starts, ends, await reads.movements(tx, party, commodity, ends))
