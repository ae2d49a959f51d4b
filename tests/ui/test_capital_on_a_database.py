"""Invoices and Bank on a real database: what is typed in the console stands in the books."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bank_files import Payment, mt940
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from tenants import OrgFixture, mint
from trade import Trade, open_trade
from ui.conftest import Desk
from ui.fakes import ALL

from sent.engines.capital import api as ledger
from sent.engines.capital.bank import api as banks
from sent.engines.capital.billing import api as billing
from sent.platform.db.engine import Database, fixed
from sent.ui.pages.capital.bank import BankPage
from sent.ui.pages.capital.fields import today
from sent.ui.pages.capital.invoices import InvoicesPage

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier
IBAN = "DE02120300000000202051"


@pytest.fixture
async def trade(org_a: OrgFixture) -> Trade:
    """Return the books of a German company with a bank account."""
    made = await open_trade(org_a.ctx, "de")
    journals = {one.kind: one.id for one in await ledger.journals(org_a.ctx)}
    await banks.open_bank_account(
        org_a.ctx, made.accounts["cash"], journals["bank"], "House bank", commodity="EUR", iban=IBAN
    )
    return made


@pytest.fixture
def real(desk: Desk, server: Server, org_a: OrgFixture, trade: Trade) -> Desk:
    """Return the console of the company's owner, logged in to the real database."""
    role, password = mint(server, org_a.membership)

    def connect(_credential: Any, _password: Any) -> Database:
        return Database(server, role, fixed(password), trusted=False, size=2, name="test console")

    desk.backend.connect = connect  # type: ignore[method-assign]
    desk.backend.permissions = ALL | {"capital:read", "capital:post", "capital:manage", "capital:close"}
    return desk


def type_on(*texts: str) -> None:
    for text in texts:
        field = QApplication.focusWidget()
        assert isinstance(field, QLineEdit)
        if text:
            field.selectAll()
            QTest.keyClicks(field, text)
        QTest.keyClick(field, KEY.Key_Return)


def ask(desk: Desk, make: Callable[[Any], Any]) -> Any:
    """Ask the database on the console's own thread and connection."""
    found: list[Any] = []
    bridge = desk.console.bridge
    bridge.run(lambda: make(bridge.ctx), owner=desk.window, done=found.append, failed=found.append)
    desk.until(lambda: bool(found))
    return found[0]


def rest(desk: Desk) -> None:
    for _ in range(4):
        desk.settle()
        QApplication.processEvents()


def test_an_invoice_is_typed_issued_paid_by_the_bank_and_opened_again_by_undo(
    real: Desk, trade: Trade, tmp_path: Path
) -> None:
    desk = real
    desk.sign_in("invoices")
    desk.window.shell.drafts.forget_all()
    page = desk.window.pages["invoices"]
    assert isinstance(page, InvoicesPage)
    desk.until(lambda: page.states.state() == "empty")
    desk.window.activateWindow()
    page.table.setFocus()
    QTest.keyClick(desk.window, KEY.Key_N)
    type_on("harbour", "", "", "PO 7", "EUR")
    code = page.editor.grid._taxes[0].code
    type_on("Night patrol", "8", "45", "", code, "")
    desk.bot.wait(60)
    rest(desk)
    QTest.keyClick(QApplication.focusWidget(), KEY.Key_Return, CTRL)
    desk.until(lambda: page.stack.currentIndex() == 0 or "Ctrl+Enter" not in page.editor.said.text())
    assert page.stack.currentIndex() == 0, page.editor.said.text()
    rest(desk)
    (issued,) = ask(desk, lambda ctx: billing.documents(ctx))
    assert issued.status == "open" and issued.net == 360 and issued.reference == "PO 7"
    assert page.panel.whole is not None and len(page.panel.whole.entry) >= 2
    path = tmp_path / "invoice.pdf"
    page.deeds.print_to(page._rows[0], path)
    desk.until(path.exists)

    gross = issued.gross
    text = f"RE {issued.number} DANKE"
    paid = Payment(today(), str(gross), "Harbour Logistics Ltd", "DE755121080012", text, "", "BR1")
    fee = Payment(today(), "-7.90", "Bank", "", "ENTGELT", "", "BR2")
    statement = tmp_path / "statement.sta"
    statement.write_bytes(mt940([paid, fee], "100.00"))
    desk.window.show_page("bank")
    bank = desk.window.pages["bank"]
    assert isinstance(bank, BankPage)
    desk.until(lambda: bank.bank is not None and bank.states.state() == "empty")
    bank.drop_files([statement])
    desk.until(lambda: any(line.sure == "certain" for line in bank.lines))
    rest(desk)
    place = next(n for n, line in enumerate(bank.table.model_.cached_rows()) if line.sure == "certain")
    bank.table.go(place)
    bank.table.setFocus()
    QTest.keyClick(bank.table, KEY.Key_Return)
    desk.until(lambda: len(bank.deeds.done) == 1)
    desk.until(lambda: len(bank.lines) == 1)
    rest(desk)
    (settled,) = ask(desk, lambda ctx: billing.documents(ctx))
    assert settled.status == "paid" and settled.settled == gross

    bank.table.go(0)
    QTest.keyClick(desk.window, KEY.Key_C)
    expense = next(one for one in bank.accounts if one.role == "bank_fees")
    type_on(expense.code, "", "Fees of the bank")
    desk.until(lambda: len(bank.deeds.done) == 2)
    desk.until(lambda: bank.states.state() == "empty")
    wanted = gross - Decimal("7.90")
    desk.until(lambda: bank.reconciled is not None and bank.reconciled.ledger == wanted)
    rest(desk)
    sums = {one.account: one.amount for one in ask(desk, ledger.balances)}
    assert sums[expense.id] == Decimal("7.90") and sums[trade.accounts["cash"]] == wanted

    bank.deeds.undo()
    desk.until(lambda: len(bank.lines) == 1)
    bank.deeds.undo()
    desk.until(lambda: len(bank.lines) == 2)
    rest(desk)
    (again,) = ask(desk, lambda ctx: billing.documents(ctx))
    assert again.status == "open" and again.open == gross
    assert sum(one.amount for one in ask(desk, ledger.balances) if one.account == expense.id) == 0


def test_a_payment_credit_note_and_reminder_on_a_real_database(real: Desk, trade: Trade) -> None:
    desk = real

    async def late(ctx: Any) -> Any:
        codes = [one for one in await billing.tax_codes(ctx) if one.kind == "sale" and one.rate > 0]
        day = today() - timedelta(days=60)
        line = billing.DocumentLine("Guarding", Decimal(2), Decimal(500), codes[0].code)
        saved = await billing.save_document(
            ctx, billing.DocumentDraft("invoice", trade.customer.id, day, [line], commodity="EUR")
        )
        return await billing.issue(ctx, saved.id)

    desk.sign_in("overview")
    made = ask(desk, late)
    assert getattr(made, "state", "") == "issued", made
    desk.window.show_page("invoices")
    page = desk.window.pages["invoices"]
    assert isinstance(page, InvoicesPage)
    desk.until(lambda: page.states.state() == "rows" and len(page._rows) == 1)
    rest(desk)
    assert page._rows[0].state == "overdue" and page.ageing.cards[1].accessibleDescription()
    page.deeds.remind()
    layer = page.deeds.dun_layer
    assert layer is not None
    desk.until(lambda: "no levels" in layer.said.text())
    layer.set_levels()
    desk.until(lambda: len(layer.letters) == 1)
    layer.run()
    desk.until(layer.isHidden)
    assert len(ask(desk, lambda ctx: billing.letters(ctx))) == 1
    page.table.go(0)
    page.pay()
    desk.until(lambda: page.deeds.pay_layer is not None and not page.deeds.pay_layer.isHidden())
    pay = page.deeds.pay_layer
    assert pay is not None
    pay.amount.setText("100")
    pay.send()
    desk.until(pay.isHidden)
    desk.until(lambda: page._rows[0].document.settled == 100)
    rest(desk)
    desk.window.shell.toasts.undo_last()
    desk.until(lambda: page._rows[0].document.settled == 0)
    rest(desk)
    page.table.go(0)
    page.credit()
    desk.until(lambda: page.stack.currentIndex() == 1)
    rest(desk)
    page.editor.send(issue=True)
    desk.until(lambda: page.stack.currentIndex() == 0)
    desk.until(lambda: len(page._rows) == 2 and all(row.state == "paid" for row in page._rows))
    rest(desk)
