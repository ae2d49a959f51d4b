"""Books with a bank account, for tests of statements and matching."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from bank_files import IBAN

from sent.engines.capital import api
from sent.engines.capital.bank import api as banks
from sent.platform.context import Ctx


@dataclass(frozen=True)
class BankBooks:
    """A bank account `bank` on the ledger account `cash`, and what is booked against."""

    ctx: Ctx
    bank: UUID
    journal: UUID
    cash: UUID
    receivable: UUID
    sales: UUID
    rent: UUID
    fees: UUID

    async def book(self, day: date, amount: str, against: UUID, **more: str) -> UUID:
        """Book money that comes to the account (or goes, negative)."""
        value = Decimal(amount)
        lines = [api.Line(self.cash, value, "EUR"), api.Line(against, -value, "EUR")]
        return await api.post(self.ctx, api.Draft(self.journal, day, lines, **more))  # type: ignore[arg-type]

    async def amount(self, account: UUID) -> Decimal:
        """Return the balance of an account in euros."""
        found = await api.balances(self.ctx)
        return sum((one.amount for one in found if one.account == account), Decimal(0))


async def open_bank_books(ctx: Ctx) -> BankBooks:
    """Open books with a bank account."""
    journal = await api.open_journal(ctx, "BJ", "Bank", "bank")
    cash = await api.open_account(ctx, "1200", "House bank", "asset", commodity="EUR", role="cash")
    bank = await banks.open_bank_account(ctx, cash, journal, "House bank", commodity="EUR", iban=IBAN)
    return BankBooks(
        ctx,
        bank,
        journal,
        cash,
        await api.open_account(ctx, "1400", "Receivables", "asset", role="receivable"),
        await api.open_account(ctx, "4000", "Sales", "income", role="sales"),
        await api.open_account(ctx, "6300", "Rent", "expense"),
        await api.open_account(ctx, "6850", "Bank fees", "expense", role="bank_fees"),
    )
