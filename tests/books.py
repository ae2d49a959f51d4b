"""Small books for tests: a journal, a few accounts, short ways to write entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import api
from sent.platform.context import Ctx

DAY = date(2026, 3, 14)


@dataclass(frozen=True)
class Books:
    """A journal and its accounts: `wallet` must not go below nothing."""

    ctx: Ctx
    journal: UUID
    bank: UUID
    sales: UUID
    wallet: UUID
    fees: UUID

    def draft(self, debit: UUID, credit: UUID, amount: str, **more: object) -> api.Draft:
        """Return an entry over two accounts in euros."""
        value = Decimal(amount)
        lines = [api.Line(debit, value, "EUR"), api.Line(credit, -value, "EUR")]
        return api.Draft(self.journal, more.pop("day", DAY), lines, **more)  # type: ignore[arg-type]

    async def amounts(self) -> dict[UUID, Decimal]:
        """Return the balance of every account in euros."""
        found = await api.balances(self.ctx)
        return {one.account: one.amount for one in found if one.commodity == "EUR"}


async def open_books(ctx: Ctx) -> Books:
    """Open the books of an organisation."""
    return Books(
        ctx,
        await api.open_journal(ctx, "GJ", "General journal"),
        await api.open_account(ctx, "1200", "Bank", "asset"),
        await api.open_account(ctx, "4000", "Sales", "income"),
        await api.open_account(ctx, "2100", "Wallet", "liability", commodity="EUR", floor=Decimal(0)),
        await api.open_account(ctx, "4900", "Fees", "income"),
    )
