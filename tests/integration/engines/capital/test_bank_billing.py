"""The bank settles billing's documents: one transaction for match, entry and allocation, both ways."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from bank_files import Payment, camt
from tenants import OrgFixture
from trade import DAY, Trade, open_trade

from sent.engines.capital import api as ledger
from sent.engines.capital.bank import api
from sent.engines.capital.billing import api as billing

PAID = DAY + timedelta(days=12)
LATER = DAY + timedelta(days=60)


@pytest.fixture
async def trade(org_a: OrgFixture) -> Trade:
    return await open_trade(org_a.ctx)


async def bank(trade: Trade, *payments: Payment) -> UUID:
    """Open the bank account and import what came and went."""
    journal = next(one.id for one in await ledger.journals(trade.ctx) if one.kind == "bank")
    made = await api.open_bank_account(trade.ctx, trade.accounts["cash"], journal, "Bank", commodity="GBP")
    data = camt(list(payments), "0.00").replace(b"EUR", b"GBP")
    assert (await api.import_statement(trade.ctx, made, data)).added == len(payments)
    return made


async def states(trade: Trade, *documents: billing.Document) -> list[str]:
    return [(await billing.document(trade.ctx, one.id)).document.status for one in documents]


async def test_a_transfer_settles_invoices_and_undoing_opens_them_again(trade: Trade) -> None:
    first, second = await trade.issued(trade.line("100.00")), await trade.issued(trade.line("53.17"))
    total = sum((one.gross or Decimal(0) for one in (first, second)), Decimal(0))
    text = f"{first.number} and {second.number}"
    account = await bank(trade, Payment(PAID, f"{total:.2f}", "HARBOUR LOGISTICS", "", text, "", "N1"))
    assert (await api.auto_match(trade.ctx, account)).matched == 1
    assert await states(trade, first, second) == ["paid", "paid"]
    assert await billing.open_items(trade.ctx, LATER) == []
    (held,) = await api.held(trade.ctx, account)
    await api.undo(trade.ctx, held.id)
    assert await states(trade, first, second) == ["open", "open"]
    assert {one.kind for one in await billing.open_items(trade.ctx, LATER)} == {"invoice"}
    amounts = await trade.amounts()
    assert (amounts["receivable"], amounts.get("cash")) == (total, None)
    assert (await api.auto_match(trade.ctx, account)).matched == 1
    assert await states(trade, first, second) == ["paid", "paid"]


async def test_bills_are_paid_and_parts_stay_parts(trade: Trade) -> None:
    invoice = await trade.issued(trade.line("200.00"))
    bill = await trade.issued(trade.line("80.00", "P20"), kind="bill", reference="LL-2026-0815")
    account = await bank(
        trade,
        Payment(PAID, "-96.00", "Lamp & Lock Ltd", "", "LL-2026-0815", "", "N1"),
        Payment(PAID, "100.00", "Harbour Logistics", "", f"part payment {invoice.number}", "", "N2"),
    )
    assert (await api.auto_match(trade.ctx, account)).matched == 2
    assert await states(trade, invoice, bill) == ["part paid", "paid"]
    (left,) = await billing.open_items(trade.ctx, LATER)
    assert (left.id, left.open) == (invoice.id, Decimal("140.00"))
    found = await api.reconciled(trade.ctx, account, LATER)
    assert (found.difference, found.explained) == (0, True)
