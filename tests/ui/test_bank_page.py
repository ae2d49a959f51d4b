"""The Bank page: statements come in, lines and books are brought together with the keyboard alone."""

from __future__ import annotations

import gzip
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from bank_files import Payment, camt
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from ui.capital_bank import FakeBank
from ui.capital_billing import FakeBilling
from ui.capital_books import FakeBooks, FakeReports
from ui.conftest import Desk
from ui.fakes import ALL

from sent.engines.capital.bank.model import Movement, Open, Proposal
from sent.platform.errors import Unavailable
from sent.platform.ids import uuid7
from sent.ui.kit.query import parse
from sent.ui.pages.capital.bank import BankPage, lists
from sent.ui.pages.capital.fields import today

KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier


def a_bank(documents: int = 24, **wanted: int) -> FakeBank:
    books = FakeBooks()
    return FakeBank(books, FakeBilling(books, documents=documents), **wanted)


def open_page(desk: Desk, bank: FakeBank) -> BankPage:
    desk.backend.permissions = ALL | {"capital:read", "capital:post", "capital:manage"}
    desk.console.bridge.apis |= {
        "capital": bank.books, "capital.reports": FakeReports(bank.books), "capital.billing": bank.billing,
        "capital.bank": bank,
    }  # fmt: skip
    desk.sign_in("bank")
    page = desk.window.pages["bank"]
    assert isinstance(page, BankPage)
    rest(desk)
    desk.window.activateWindow()
    page.table.setFocus()
    return page


def rest(desk: Desk) -> None:
    for _ in range(4):
        desk.settle()
        QApplication.processEvents()


def press(key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or QApplication.activeWindow(), key, held)


def go(page: BankPage, text: str) -> None:
    rows = page.table.model_.cached_rows()
    page.table.go(next(n for n, row in enumerate(rows) if text in row.text))


def said(desk: Desk, text: str) -> bool:
    return any(text in toast.text for toast in desk.window.shell.toasts.toasts)


def test_enter_accepts_line_by_line_and_u_undoes_the_last(desk: Desk) -> None:
    bank = a_bank()
    bank.tell_month()
    page = open_page(desk, bank)
    assert [row.sure for row in page.table.model_.cached_rows()].count("certain") == 5
    page.table.go(0)
    rest(desk)
    first = page.table.current_row()
    assert page.panel.party.text() == first.movement.counterparty
    assert page.panel.card.sure.text() == "Certain" and "100 %" in page.panel.card.share.text()
    assert "the text names its number" in page.panel.card.why.text()
    press(KEY.Key_Return)
    page.deeds.accept(first)
    desk.until(lambda: len(bank.matches) == 1)
    rest(desk)
    assert page.table.model_.known() == 8 and page.table.current_number() == 0, "the next one is in front"
    assert len(bank.matches) == 1, "one that is on its way is not sent twice"
    press(KEY.Key_U)
    desk.until(lambda: not bank.matches)
    desk.until(lambda: page.table.model_.known() == 9)
    rest(desk)
    go(page, "ACCOUNT FEE")
    press(KEY.Key_Return)
    assert said(desk, "Nothing is proposed")


def test_a_long_look_for_matches_is_not_repeated_after_every_line(desk: Desk) -> None:
    bank = a_bank()
    bank.tell_month()
    page = open_page(desk, bank)
    assert bank.asked == 1
    page.proposer._took = 1000.0
    certain = [row for row in page.table.model_.cached_rows() if row.sure == "certain"]
    for row in certain[:2]:
        page.deeds.accept(row)
    desk.until(lambda: len(bank.matches) == 2)
    desk.until(lambda: len(page.lines) == 7)
    rest(desk)
    assert bank.asked == 1 and page.proposer._timer.isActive()
    assert sum(row.sure == "certain" for row in page.lines) == 3, "what is known stays"
    page.deeds.undo()
    desk.until(lambda: bank.asked == 2)
    desk.until(lambda: sum(row.sure == "certain" for row in page.lines) == 4)
    rest(desk)


def test_c_creates_an_entry_by_keyboard(desk: Desk) -> None:
    bank = a_bank()
    bank.tell_month()
    page = open_page(desk, bank)
    go(page, "SHELL")
    rest(desk)
    assert "press C" in page.panel.card.why.text()
    press(KEY.Key_C)
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit) and field is page.panel.account
    press(KEY.Key_Escape)
    assert page.table.hasFocus() and page.panel.stack.currentIndex() == 0
    press(KEY.Key_C)
    press(KEY.Key_Return)
    press(KEY.Key_Return)
    press(KEY.Key_Return)
    assert "Which account" in page.panel.said.text() and page.panel.account.property("invalid")
    QTest.keyClicks(page.panel.account, "fuel")
    press(KEY.Key_Return)
    QTest.keyClicks(page.panel.tax, "P20")
    press(KEY.Key_Return)
    assert QApplication.focusWidget() is page.panel.memo and page.panel.memo.text().startswith("SHELL")
    press(KEY.Key_Return)
    desk.until(lambda: bool(bank.matches))
    rest(desk)
    (made,) = bank.matches.values()
    assert (made.kind, made.account, made.tax_code) == ("book", bank.books.account("7300").id, "P20")
    assert page.table.hasFocus() and not any("SHELL" in row.text for row in page.table.model_.cached_rows())


def test_several_items_are_chosen_until_the_difference_is_nothing(desk: Desk) -> None:
    bank = a_bank()
    first, second = bank.opens()[:2]
    bank.tell(str(first.amount + second.amount), "SOMEBODY", "TWO AT ONCE")
    page = open_page(desk, bank)
    page.table.go(0)
    press(KEY.Key_F)
    assert page.panel.table.hasFocus()
    rows = page.panel.table.model_.cached_rows()
    page.panel.table.go(rows.index(first))
    press(KEY.Key_X)
    rest(desk)
    assert f"{second.amount:,.2f}" in page.panel.sum.text() and not page.panel.match.isEnabled()
    press(KEY.Key_Return)
    assert not bank.matches
    page.panel.table.go(rows.index(second))
    press(KEY.Key_X)
    rest(desk)
    assert "Difference 0.00" in page.panel.sum.text() and page.panel.match.isEnabled()
    press(KEY.Key_Return)
    desk.until(lambda: bool(bank.matches))
    rest(desk)
    (made,) = bank.matches.values()
    assert {one.open.id for one in made.taken} == {first.id, second.id} and made.charge == 0
    assert page.states.state() == "empty" and page.panel.party.text() == "Nothing is left to match"


def test_a_part_is_left_open_and_a_charge_is_the_banks_when_somebody_says_so(desk: Desk) -> None:
    bank = a_bank()
    one = next(each for each in bank.opens() if each.amount > 0)
    bank.tell("300.00", "UNKNOWN", "SOMETHING")
    page = open_page(desk, bank)
    page.table.go(0)
    page.choose_items()
    page.panel.table.go(page.panel.table.model_.cached_rows().index(one))
    press(KEY.Key_X)
    rest(desk)
    assert "stays open" in page.panel.sum.text() and page.panel.match.isEnabled()
    page.panel.charge.setChecked(True)
    assert "stays open" not in page.panel.sum.text()
    page.panel.send_match()
    desk.until(lambda: bool(bank.matches))
    (made,) = bank.matches.values()
    assert made.charge == 300 - one.amount
    rest(desk)
    page.deeds.undo()
    desk.until(lambda: not bank.matches)
    desk.until(lambda: page.table.model_.known() == 1 and not page.table.model_.skeleton)
    rest(desk)
    page.table.go(0)
    page.choose_items()
    page.panel.table.go(page.panel.table.model_.cached_rows().index(one))
    press(KEY.Key_X)
    page.panel.send_match()
    desk.until(lambda: bool(bank.matches))
    (made,) = bank.matches.values()
    assert (made.charge, made.taken[0].amount) == (0, Decimal(300))
    rest(desk)


def test_all_that_is_certain_goes_as_a_task_with_a_summary_and_each_can_be_undone(desk: Desk) -> None:
    bank = a_bank()
    bank.tell_month()
    page = open_page(desk, bank)
    assert page.figures.left.accessibleDescription() == "9 lines 5 are certain"
    press(KEY.Key_A, Qt.KeyboardModifier.ShiftModifier)
    desk.until(lambda: len(bank.matches) == 5)
    rest(desk)
    assert said(desk, "5 lines matched, 4 are left")
    assert desk.window.shell.tasks.tasks[-1].state == "done"
    desk.until(lambda: page.table.model_.known() == 4)
    assert page.figures.left.accessibleDescription().startswith("4 lines")
    assert not page.certain.isEnabled()
    press(KEY.Key_U)
    desk.until(lambda: len(bank.matches) == 4)
    press(KEY.Key_U)
    desk.until(lambda: len(bank.matches) == 3)
    desk.until(lambda: page.table.model_.known() == 6)
    rest(desk)


def test_r_makes_a_rule_that_says_how_many_lines_it_fits(desk: Desk) -> None:
    bank = a_bank()
    bank.tell_month()
    bank.tell("-70.10", "SHELL 0423", "CARD 8812 FUEL", ago=6)
    page = open_page(desk, bank)
    go(page, "M5 SERVICES")
    press(KEY.Key_R)
    layer = page.deeds.rule_layer
    assert layer is not None and layer.party.text() == "SHELL"
    desk.until(lambda: layer.said.text() == "Fits 2 lines that are left")
    layer.party.set_text("shell(")
    desk.until(lambda: layer.said.text().startswith("Pattern for the counterparty"))
    layer.party.set_text("shell")
    layer.form.submit()
    assert "Which account" in layer.said.text() and not bank.kept_rules
    layer.account.set_account(bank.books.account("7300"))
    layer.form.submit()
    desk.until(lambda: bool(bank.kept_rules))
    desk.until(lambda: page.deeds.rule_layer is not None and page.deeds.rule_layer.isHidden())
    (rule,) = bank.kept_rules
    assert (rule.party_pattern, rule.direction, rule.auto) == ("shell", "out", False)
    desk.until(lambda: sum(row.sure == "likely" for row in page.lines) == 2)
    rest(desk)
    go(page, "M5 SERVICES")
    rest(desk)
    assert "the rule SHELL 0423" in page.panel.card.why.text()


def test_a_statement_is_dropped_read_once_and_told(desk: Desk, tmp_path: Path) -> None:
    bank = a_bank(0)
    bank.accounts[0] = replace(bank.accounts[0], commodity="EUR")
    page = open_page(desk, bank)
    desk.until(lambda: page.states.state() == "empty")
    payments = [
        Payment(today(), "12.50", "A", "", "one", "", "B1"),
        Payment(today(), "-3.00", "B", "", "two"),
    ]
    data = camt(payments, "0.00")
    path = tmp_path / "march.xml.gz"
    path.write_bytes(gzip.compress(data))
    assert page.takes_files([path]) and not page.takes_files([tmp_path / "photo.png"])
    page.drop_files([path])
    desk.until(lambda: said(desk, "2 new lines"))
    desk.until(lambda: page.table.model_.known() == 2 and not page.table.model_.skeleton)
    page.drop_files([path])
    desk.until(lambda: said(desk, "0 new lines, 2 were known"))
    (tmp_path / "bad.xml").write_text("<Document><Bk")
    page.drop_files([tmp_path / "bad.xml"])
    desk.until(lambda: said(desk, "bad.xml") or said(desk, "XML"))
    page.drop_files([tmp_path / "gone.ofx"])
    desk.until(lambda: said(desk, "Cannot read"))
    rest(desk)


CSV = (
    "Date,Description,Name,Amount\n01/03/2026,RENT UNIT 4,Quayside,-850.00\n"
    "02/03/2026,PAYMENT INV 7,Harbour,1200.50\n31/03/2026,FEE,,-7.90\n"
)


def test_a_csv_file_is_mapped_with_a_preview_and_remembered(desk: Desk, tmp_path: Path) -> None:
    bank = a_bank(0)
    page = open_page(desk, bank)
    path = tmp_path / "march.csv"
    path.write_text(CSV)
    page.deeds.open_file(path)
    desk.until(lambda: page.deeds.import_layer is not None and page.deeds.import_layer.take.isEnabled())
    layer = page.deeds.import_layer
    assert layer is not None
    rest(desk)
    shown = [(str(one.day), one.amount) for one in layer.preview.model_.cached_rows()]
    assert shown[0] == ("2026-03-01", Decimal("-850.00")) and len(shown) == 3
    layer.choices["day_format"].show_choice("%m/%d/%Y")
    layer._timer.start()
    desk.until(lambda: not layer.take.isEnabled())
    assert "Row 4" in layer.said.text()
    layer.choices["day_format"].show_choice("%d/%m/%Y")
    layer.choices["counterparty"].show_choice("")
    layer._timer.start()
    desk.until(layer.take.isEnabled)
    layer.send()
    desk.until(lambda: len(bank.movements) == 3)
    rest(desk)
    assert {one.counterparty for one in bank.movements.values()} == {""}
    assert bank.mapping is not None and bank.mapping.columns["amount"] == ("Amount",)
    path.write_text("a;b\n1;2\n")
    page.deeds.open_file(path)
    desk.until(layer.isVisible)
    rest(desk)
    assert not layer.take.isEnabled()
    layer.close_layer()


def test_without_a_bank_account_one_is_added(desk: Desk) -> None:
    bank = a_bank(0, accounts=0)
    page = open_page(desk, bank)
    assert page.stack.currentIndex() == 1
    page.deeds.add_account()
    layer = page.deeds.account_layer
    assert layer is not None and layer.account.text().startswith("1200")
    assert (layer.name.text(), layer.commodity.text()) == ("Bank current account", "GBP")
    layer.form.submit()
    desk.until(lambda: len(bank.accounts) == 1)
    rest(desk)
    assert page.stack.currentIndex() == 0 and page.choice.currentText() == "Bank current account"


def test_another_account_is_chosen_and_the_choice_remembered(desk: Desk) -> None:
    bank = a_bank(0, accounts=2)
    page = open_page(desk, bank)
    page.choose_bank(str(bank.accounts[1].id))
    rest(desk)
    assert page.bank is not None and page.bank.name == "Reserve"
    assert desk.window.shell.prefs.own("bank.account") == str(bank.accounts[1].id)


def test_the_difference_is_explained(desk: Desk) -> None:
    bank = a_bank()
    bank.tell_month()
    page = open_page(desk, bank)
    assert "explained" in page.figures.difference.accessibleDescription()
    press(KEY.Key_D)
    assert page._layer is not None and page._layer.isVisible()
    press(KEY.Key_Escape)
    assert page._layer.isHidden()


def test_a_refusal_brings_the_line_back(desk: Desk) -> None:
    bank = a_bank()
    bank.tell_month()
    page = open_page(desk, bank)
    bank.refuse = "the period is closed: choose a later day"
    page.table.go(0)
    press(KEY.Key_Return)
    desk.until(lambda: said(desk, "period is closed"))
    desk.until(lambda: page.table.model_.known() == 9)
    rest(desk)


def test_it_says_when_it_is_broken_or_stale(desk: Desk) -> None:
    bank = a_bank()
    bank.broken = Unavailable("database.timeout", "no answer")
    page = open_page(desk, bank)
    desk.until(lambda: page.states.state() == "error")
    bank.broken = None
    bank.tell_month()
    page.load()
    desk.until(lambda: page.states.state() == "rows")
    desk.window.show_connection("offline", 0)
    assert page.table.dimmed and page.panel.table.dimmed
    desk.window.show_connection("online", 1)
    rest(desk)


def test_several_lines_are_marked_and_summed(desk: Desk) -> None:
    bank = a_bank()
    bank.tell("10.00", "A", "ONE")
    bank.tell("15.00", "B", "TWO")
    page = open_page(desk, bank)
    page.table.go(0)
    press(KEY.Key_X)
    page.table.go(1)
    press(KEY.Key_X)
    assert page.panel.amount.text() == "25.00 GBP" and "2 lines chosen" in page.panel.meta.text()
    page.deeds.create(page.chosen(), bank.books.account("4000").id, "", "both")
    desk.until(lambda: bool(bank.matches))
    rest(desk)
    (made,) = bank.matches.values()
    assert len(made.movements) == 2


def movement(amount: str, text: str = "", party: str = "") -> Movement:
    return Movement(uuid7(), today(), Decimal(amount), "GBP", party, "", text)


def item(amount: str, kind: str = "invoice", reference: str = "", party: str = "") -> Open:
    return Open(str(uuid7()), Decimal(amount), "GBP", today(), reference, party, kind)  # type: ignore[arg-type]


def test_a_selection_is_whole_part_or_less_a_charge() -> None:
    money = [movement("100")]
    whole = lists.split_of(money, [item("60"), item("40")], charge=False)
    assert whole is not None and whole.amounts == (60, 40)
    part = lists.split_of(money, [item("60"), item("70")], charge=False)
    assert part is not None and (part.amounts, part.left) == ((60, 40), 30)
    assert lists.split_of(money, [item("60"), item("20"), item("130")], charge=False) is not None
    assert lists.split_of(money, [item("130"), item("20")], charge=False) is None, (
        "nothing is left for the last"
    )
    assert lists.split_of(money, [item("130", "line")], charge=False) is None, "what is booked is whole"
    assert lists.split_of(money, [item("90")], charge=False) is None, "too much is no part"
    fee = lists.split_of(money, [item("103")], charge=True)
    assert fee is not None and (fee.amounts, fee.charge) == ((103,), -3)
    out = lists.split_of([movement("-50")], [item("-80", "bill")], charge=False)
    assert out is not None and (out.amounts, out.left) == ((-50,), -30)
    assert lists.split_of(money, [], charge=True) is None


def test_items_stand_by_amount_then_words_then_distance() -> None:
    money = [movement("100", "INV 77 HARBOUR", "Harbour Ltd")]
    exact, named, near, other = (
        item("100", party="Someone"), item("500", party="Harbour Ltd"), item("101", party="X"), item("-100")
    )  # fmt: skip
    assert lists.nearest(money, [other, near, named, exact]) == [exact, named, near, other]


@pytest.mark.parametrize(
    ("confidence", "auto", "kind", "sure"),
    [(0.99, False, "match", "certain"), (0.8, False, "match", "likely"), (0.3, False, "match", "possible"),
     (1.0, False, "book", "likely"), (1.0, True, "book", "certain")],
)  # fmt: skip
def test_certain_is_what_goes_by_itself(confidence: float, auto: bool, kind: str, sure: str) -> None:
    proposal = Proposal(kind, (uuid7(),), confidence, (), auto=auto)  # type: ignore[arg-type]
    assert lists.sure_of(proposal) == sure and lists.sure_of(None) == "none"


def test_filters_and_the_words_of_a_rule() -> None:
    line = lists.Line(movement("-64.20", "CARD 8812 FUEL M5", "SHELL 0423"), None)
    for text, fits in (
        ("direction:out", True), ("direction:in", False), ("party:shell*", True), ("text:fuel", True),
        ("amount:64.2", True), ("sure:none -party:shell*", False), ("fuel shell", True), ("diesel", False),
    ):  # fmt: skip
        assert lists.passes(line, parse(text)) is fits, text
    assert lists.remembered_words(line.movement) == "SHELL"
    assert lists.remembered_words(movement("1", "RENT UNIT 4 MARCH")) == "RENT.*UNIT"
