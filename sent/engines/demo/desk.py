"""What the makers of the demo's books share: the plan, accounts and parties, and how they book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import sin
from uuid import UUID

from sent.engines.capital import api as ledger
from sent.engines.capital.billing import api as billing
from sent.engines.demo.months import Plan, Written
from sent.platform.context import Ctx
from sent.platform.errors import Invalid


@dataclass(slots=True)
class Desk:
    """The demo's accountant; accounts by code, journals by kind, documents and parties by id."""

    ctx: Ctx
    plan: Plan
    accounts: Mapping[str, UUID]
    journals: Mapping[str, UUID]
    parties: Mapping[UUID, billing.Party]
    documents: dict[UUID, billing.Document] = field(default_factory=dict)

    def rate(self, day: date) -> Decimal:
        """Return how many pounds a euro is worth in the month of a day."""
        n = (day.year - self.plan.first.year) * 12 + day.month - self.plan.first.month
        return Decimal(0.858 + 0.013 * sin(n / 3.1)).quantize(Decimal("0.0001"))


async def post(desk: Desk, entries: Sequence[Written]) -> None:
    """Book entries in one transaction; those booked before stay as they are."""
    drafts = [
        ledger.Draft(
            desk.journals["bank" if one.party else "general"],
            one.day,
            [ledger.Line(desk.accounts[code], amount, "GBP") for code, amount in one.sides if amount],
            one.memo,
            one.text,
            key=f"demo:{one.key}",
        )
        for one in entries
    ]
    for outcome in await ledger.post_batch(desk.ctx, drafts):
        ledger.taken(outcome)


def booked(refused: Sequence[tuple[UUID, str]]) -> None:
    """Raise Invalid when something of the demo was refused."""
    if refused:
        raise Invalid("demo.books", f"the demo's books are not whole: {refused[0][1]}")
