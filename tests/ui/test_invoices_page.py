"""The Invoices page: lists and ageing, a document written by keyboard alone, and what is done with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from ui.capital_billing import FakeBilling
from ui.capital_books import FakeBooks, FakeReports
from ui.conftest import Desk
from ui.fakes import ALL

from sent.platform.errors import Unavailable
from sent.ui.kit.drafts import Drafts
from sent.ui.kit.query import parse
from sent.ui.pages.capital.fields import today
from sent.ui.pages.capital.invoices import InvoicesPage, lists
from sent.ui.pages.capital.invoices.files import next_code
from sent.ui.pages.capital.invoices.paylayer import shared_out

KEY, CTRL, ALT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


def open_page(desk: Desk, billing: FakeBilling) -> InvoicesPage:
    desk.backend.permissions = ALL | {"capital:read", "capital:post", "capital:manage"}
    desk.console.bridge.apis |= {
        "capital": billing.books, "capital.reports": FakeReports(billing.books), "capital.billing": billing,
    }  # fmt: skip
    desk.sign_in("invoices")
    desk.window.shell.drafts.forget_all()
    page = desk.window.pages["invoices"]
    assert isinstance(page, InvoicesPage)
    desk.settle()
    rest(desk)
    return page


def rest(desk: Desk) -> None:
    for _ in range(3):
        desk.settle()
        QApplication.processEvents()


def trade(documents: int = 0) -> FakeBilling:
    return FakeBilling(FakeBooks(), documents=documents)


def focused() -> QLineEdit:
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit)
    return field


def type_on(*texts: str) -> None:
    """Type into whatever has the keyboard; Enter after each goes on."""
    for text in texts:
        field = focused()
        if text:
            field.selectAll()
            QTest.keyClicks(field, text)
        QTest.keyClick(field, KEY.Key_Return)


def write_invoice(page: InvoicesPage) -> None:
    """Write an invoice of two lines, with the keyboard alone."""
    QTest.keyClick(page.window(), KEY.Key_N)
    type_on("harb", "", "", "PO 7", "GBP")
    type_on("Night patrol", "8", "45", "", "S20", "4000")
    type_on("Alarm response", "2", "3*40+0.50", "5", "", "4000")


def state(page: InvoicesPage) -> list[str]:
    return [row.number for row in page.table.model_.cached_rows()]


def test_an_invoice_is_written_issued_and_shown_with_the_keyboard_alone(desk: Desk) -> None:
    billing = trade()
    page = open_page(desk, billing)
    desk.window.activateWindow()
    page.table.setFocus()
    write_invoice(page)
    assert page.editor.due.text() == lists.day_shown(today() + timedelta(days=14)), "the party's terms"
    desk.bot.wait(80)
    rest(desk)
    sums = [
        label.text() for label in page.editor.findChildren(type(page.editor.title)) if "GBP" in label.text()
    ]
    assert sums == ["588.95 GBP", "117.79 GBP", "706.74 GBP"], "totals follow the keys"
    QTest.keyClick(focused(), KEY.Key_Return, CTRL)
    desk.until(lambda: any(one.state == "issued" for one in billing.kept.values()))
    rest(desk)
    (made,) = billing.kept.values()
    assert (made.gross, made.reference, made.party) == (
        Decimal("706.74"), "PO 7", billing.known[0].id,
    )  # fmt: skip
    (first, second) = billing.lines_of[made.id]
    assert (first.description, first.quantity, first.unit_price, first.tax) == ("Night patrol", 8, 45, "S20")
    assert (second.unit_price, second.discount, second.tax) == (Decimal("120.50"), 5, "S20"), "as above"
    assert page.stack.currentIndex() == 0 and page.split.is_open()
    assert page.panel.row is not None and page.panel.row.number == "INV-2026-00001".replace(
        "2026", str(today().year)
    )
    assert desk.window.shell.drafts.keys() == []


def test_lines_are_moved_copied_and_taken_away_by_key(desk: Desk) -> None:
    page = open_page(desk, trade())
    page.new("invoice")
    grid = page.editor.grid
    grid.begin()
    type_on("One", "1", "10", "", "", "")
    type_on("Two", "1", "20", "", "", "")
    field = grid.rows[0].description
    QTest.keyClick(field, KEY.Key_D, CTRL)
    assert [one.description for one in grid.texts()] == ["One", "One", "Two"]
    QTest.keyClick(grid.rows[2].price, KEY.Key_Up, ALT)
    assert [one.description for one in grid.texts()] == ["One", "Two", "One"]
    QTest.keyClick(grid.rows[2].price, KEY.Key_Delete, CTRL)
    assert [one.description for one in grid.texts()] == ["One", "Two"]
    assert len(grid.rows) == 3, "an empty line stands below"
    grid.rows[0].description.setFocus()
    QTest.keyClick(grid.rows[0].description, KEY.Key_Down)
    assert focused() is grid.rows[1].description
    rest(desk)


def test_what_is_wrong_is_said_with_its_line_and_the_field_has_the_keyboard(desk: Desk) -> None:
    billing = trade()
    page = open_page(desk, billing)
    page.new("invoice")
    editor = page.editor
    editor.send(issue=True)
    assert editor.party.property("invalid") and "Who is it for" in editor.said.text()
    editor.party.set_account(billing.known[0])
    editor.send(issue=True)
    assert "at least one line" in editor.said.text()
    editor.grid.begin()
    type_on("Patrol", "1", "12x")
    editor.send(issue=True)
    assert editor.said.text().startswith("Line 1:") and focused() is editor.grid.rows[0].price
    editor.grid.rows[0].price.setText("12")
    editor.grid.rows[0].discount.setText("120")
    editor.send(issue=False)
    assert "0 to 100" in editor.said.text()
    editor.grid.rows[0].discount.clear()
    editor.due.setText("2020-01-01")
    editor.send(issue=False)
    assert editor.due.property("invalid") and not billing.kept
    rest(desk)


def test_a_refused_issue_loses_nothing_and_the_next_try_changes_the_draft_that_was_kept(desk: Desk) -> None:
    billing = trade()
    page = open_page(desk, billing)
    desk.window.activateWindow()
    page.table.setFocus()
    write_invoice(page)
    billing.refuse = "the period is closed: choose a later day, or reopen the period"
    page.editor.send(issue=True)
    desk.until(lambda: "period is closed" in page.editor.said.text())
    assert page.stack.currentIndex() == 1 and len(page.editor.grid.texts()) == 2
    billing.refuse = ""
    page.editor.send(issue=True)
    desk.until(lambda: page.stack.currentIndex() == 0)
    rest(desk)
    assert [(one.state, one.version) for one in billing.kept.values()] == [("issued", 3)]


def test_k7_25_a_document_that_was_typed_is_there_again_after_a_crash(desk: Desk) -> None:
    billing = trade()
    page = open_page(desk, billing)
    desk.window.activateWindow()
    page.table.setFocus()
    write_invoice(page)
    before = page.editor.grid.texts()
    desk.window.shell.drafts.write()
    after = Drafts()
    after.use_person(f"{desk.window.shell.person.id}/{desk.console.bridge.session.ctx.org}")  # type: ignore[union-attr]
    assert after.keys() == ["document/invoice"], "it is on the disk"
    page.show_list(None)
    page.new("invoice")
    assert page.editor.grid.texts() == before and page.editor.reference.text() == "PO 7"
    assert page.editor.dirty() and "here again" in page.editor.said.text()
    page.editor.start_over()
    assert page.editor.grid.texts() == [] and desk.window.shell.drafts.keys() == []
    desk.window.shell.toasts.undo_last()
    assert page.editor.grid.texts() == before
    page.editor.send(issue=False)
    desk.until(lambda: bool(billing.kept))
    rest(desk)
    assert desk.window.shell.drafts.keys() == [] and page.segment == "drafts"


def test_a_draft_is_changed_deleted_and_brought_back(desk: Desk) -> None:
    billing = trade(7)
    page = open_page(desk, billing)
    page.show_view("drafts")
    rest(desk)
    assert state(page) == ["Draft"]
    page.table.go(0)
    page.edit()
    desk.until(lambda: page.stack.currentIndex() == 1)
    rest(desk)
    assert page.editor.party.text() == "C100 Harbour Logistics Ltd" and not page.editor.dirty()
    page.editor.grid.rows[0].price.setText("50,5")
    page.editor.send(issue=False)
    desk.until(lambda: page.stack.currentIndex() == 0)
    rest(desk)
    (draft,) = [one for one in billing.kept.values() if one.state == "draft"]
    assert billing.lines_of[draft.id][0].unit_price == Decimal("50.5")
    page.delete()
    desk.until(lambda: draft.id not in billing.kept)
    rest(desk)
    desk.window.shell.toasts.undo_last()
    desk.until(lambda: any(one.state == "draft" for one in billing.kept.values()))
    rest(desk)


def test_segments_filters_and_ages_show_what_they_say(desk: Desk) -> None:
    billing = trade(24)
    page = open_page(desk, billing)
    assert len(state(page)) == 17
    assert page.ageing.cards[0].accessibleDescription().startswith("1,467.48")
    QTest.keyClick(desk.window, KEY.Key_2)
    rest(desk)
    assert all(row.document.kind == "bill" for row in page.table.model_.cached_rows())
    assert "we owe" in page.ageing.cards[0].accessibleDescription()
    page.show_view("sales")
    page.ageing.cards[1].clicked.emit()
    rest(desk)
    assert page.filter.text() == "age:30" and {r.age for r in page.table.model_.cached_rows()} == {"30"}
    page.filter.set_text('party:"Old Mill*" -state:overdue')
    rest(desk)
    assert {(r.party, r.state) for r in page.table.model_.cached_rows()} == {("Old Mill Studios", "unpaid")}
    page.filter.set_text("nobody-is-called-that")
    desk.until(lambda: page.states.state() == "filtered")


def test_a_payment_takes_the_discount_is_told_and_undone(desk: Desk) -> None:
    billing = trade(2)
    for one in list(billing.kept.values()):
        billing.kept[one.id] = replace(one, day=today() - timedelta(days=3))
    page = open_page(desk, billing)
    one = next(row for row in page._rows if row.party == "Old Mill Studios")
    page.table.go(page.table.model_.find(one.id) or 0)
    page.pay()
    desk.until(lambda: page.deeds.pay_layer is not None and not page.deeds.pay_layer.isHidden())
    layer = page.deeds.pay_layer
    assert layer is not None and layer.discount.isChecked() and layer.account.text().startswith("1200")
    assert layer.amount.text() == "745.53" and layer.said.text() == "Settles everything"
    layer.amount.setText("100")
    assert layer.said.text() == "660.74 GBP stays open"
    layer.amount.setText("1000")
    assert "stays as a credit" in layer.said.text()
    layer.amount.setText("745.53")
    billing.refuse = "the period is closed"
    layer.send()
    desk.until(lambda: "period" in layer.said.text())
    assert layer.isVisible() and layer.book.isEnabled()
    billing.refuse = ""
    QTest.keyClick(layer.amount, KEY.Key_Return, CTRL)
    desk.until(lambda: bool(billing.paid))
    rest(desk)
    ((payment, _),) = billing.paid
    assert (payment.direction, payment.amount, payment.parts[0].discount) == (
        "in", Decimal("745.53"), Decimal("15.21"),
    )  # fmt: skip
    assert payment.key == f"payment:{payment.id}" and billing.kept[one.id].open == 0
    QTest.keyClick(desk.window, KEY.Key_Z, CTRL)
    desk.until(lambda: not billing.paid)
    rest(desk)
    assert billing.kept[one.id].open == one.document.open


def test_one_payment_settles_several_and_what_is_allocated_is_taken_off(desk: Desk) -> None:
    billing = trade(5)
    page = open_page(desk, billing)
    both = [row for row in page._rows if row.party == "Harbour Logistics Ltd"]
    page.table.model_.marked = {row.id for row in both}
    page.pay()
    desk.until(lambda: page.deeds.pay_layer is not None and not page.deeds.pay_layer.isHidden())
    layer = page.deeds.pay_layer
    assert layer is not None
    layer.send()
    desk.until(lambda: bool(billing.paid))
    rest(desk)
    assert all(billing.kept[row.id].open == 0 for row in both)
    page.table.clear_marks()
    page.open_row(next(row for row in page._rows if row.id == both[0].id))
    rest(desk)
    assert page.panel.whole is not None and len(page.panel.whole.settled) == 1
    page.deeds.take_off(page.panel.whole.settled[0].group)
    desk.until(lambda: billing.kept[both[0].id].open > 0)
    rest(desk)
    page.table.model_.marked = {row.id for row in page._rows}
    page.pay()
    assert "one party" in desk.window.shell.toasts.toasts[-1].text
    rest(desk)


def test_an_invoice_is_credited_and_voided_with_a_reason(desk: Desk) -> None:
    billing = trade(2)
    page = open_page(desk, billing)
    page.table.go(0)
    page.credit()
    desk.until(lambda: page.stack.currentIndex() == 1)
    assert page.editor.kind == "sales_credit" and len(page.editor.grid.texts()) == 2
    assert page.back() and page.stack.currentIndex() == 0
    rest(desk)
    page.show_view("sales")
    rest(desk)
    page.table.go(0)
    page.void()
    prompt = desk.window.prompt
    assert prompt.field is not None
    prompt.field.set_text("sent twice")
    QTest.keyClick(prompt.field.edit, KEY.Key_Return)
    desk.until(lambda: any(one.note == "sent twice" for one in billing.kept.values()))
    rest(desk)


def test_paper_is_written_whole_and_opened_from_the_message(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    billing = trade(1)
    page = open_page(desk, billing)
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    path = tmp_path / "invoice.pdf"
    page.deeds.print_to(page._rows[0], path)
    desk.until(path.exists)
    rest(desk)
    assert path.read_bytes().startswith(b"%PDF") and path.stat().st_mode & 0o777 == 0o600
    desk.window.shell.toasts.undo_last()
    assert opened == [str(path)]
    page.deeds.print_to(page._rows[0], tmp_path / "no folder" / "x.pdf")
    desk.until(lambda: any("Cannot write" in one.text for one in desk.window.shell.toasts.toasts))


def test_reminders_are_proposed_sent_once_and_printed(desk: Desk, tmp_path: Path) -> None:
    billing = trade(12)
    page = open_page(desk, billing)
    page.deeds.remind()
    layer = page.deeds.dun_layer
    assert layer is not None
    desk.until(lambda: "no levels" in layer.said.text())
    layer.set_levels()
    desk.until(lambda: len(layer.letters) == 2)
    assert [level.days for level in billing.steps] == [7, 21, 35]
    layer.ticks[layer.letters[0].id].setChecked(False)
    assert layer.said.text().startswith("1 reminder ·")
    wanted = layer.letters[1]
    layer.run()
    desk.until(lambda: bool(billing.sent))
    rest(desk)
    assert [one.party for one in billing.sent] == [wanted.party]
    page.deeds.print_letters_to(billing.sent, tmp_path)
    desk.until(lambda: len(list(tmp_path.glob("*.pdf"))) == 1)
    page.deeds.remind()
    desk.until(lambda: len(layer.letters) == 1)
    rest(desk)


def test_a_party_is_added_while_a_document_is_written(desk: Desk) -> None:
    billing = trade()
    page = open_page(desk, billing)
    page.new("bill")
    QTest.keyClicks(page.editor.party, "Brand new")
    page.editor.new_party.click()
    layer = page.deeds.party_layer
    assert layer is not None and (layer.name.text(), layer.code.text()) == ("Brand new", "S101")
    assert layer.account.text().startswith("5000")
    layer.country.set_text("Britain")
    layer.form.submit()
    assert "Two letters" in layer.country._note.text() and len(billing.known) == 3
    layer.country.set_text("gb")
    layer.form.submit()
    desk.until(lambda: len(billing.known) == 4)
    rest(desk)
    assert layer.isHidden() and page.editor.party.account() == billing.known[-1]
    assert (billing.known[-1].kind, billing.known[-1].country) == ("supplier", "GB")


def test_the_sender_and_the_taxes_are_set_up_from_the_palette(desk: Desk, tmp_path: Path) -> None:
    billing = trade()
    page = open_page(desk, billing)
    assert desk.window.shell.actions.trigger("invoices.sender")
    desk.until(lambda: page.office.layer is not None and page.office.layer.isVisible())
    layer = page.office.layer
    assert layer is not None
    layer.form.submit()
    assert layer.isVisible(), "a name is needed"
    layer.fields["name"].set_text("Northwind Ltd")
    layer.fields["address"].set_text("1 Quay, Bristol")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n" + b"0" * 500_000)
    layer.take_logo(tmp_path / "logo.png")
    assert "500 kB" in layer.said.text()
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n1")
    layer.take_logo(tmp_path / "logo.png")
    QTest.keyClick(layer.fields["name"].edit, KEY.Key_Return, CTRL)
    desk.until(layer.isHidden)
    kept = billing.kept_settings
    assert (kept.profile.name, kept.profile.address, kept.logo) == (
        "Northwind Ltd", "1 Quay\nBristol", b"\x89PNG\r\n1",
    )  # fmt: skip
    page.office.set_up_taxes()
    entries = desk.window.palette_.visible_titles()
    assert len(entries) == 3
    desk.window.palette_.close_layer()
    page.office._ask_state()
    prompt = desk.window.prompt
    assert prompt.field is not None
    prompt.field.set_text("tx 8.25 %")
    QTest.keyClick(prompt.field.edit, KEY.Key_Return)
    desk.until(lambda: billing.taxes_asked == [("us", "TX", Decimal("8.25"))])
    rest(desk)


def test_without_books_nothing_is_begun(desk: Desk) -> None:
    page = open_page(desk, FakeBilling(FakeBooks(empty=True)))
    page.new("invoice")
    assert page.stack.currentIndex() == 0
    assert "Set up the books" in desk.window.shell.toasts.toasts[-1].text


def test_it_says_when_it_is_empty_broken_or_stale(desk: Desk) -> None:
    billing = trade()
    page = open_page(desk, billing)
    desk.until(lambda: page.states.state() == "empty")
    billing.broken = Unavailable("database.unreachable", "no answer")
    page.load()
    desk.until(lambda: page.states.state() == "error")
    billing.broken = None
    billing.add(0)
    page.load()
    desk.until(lambda: page.states.state() == "rows")
    desk.window.show_connection("offline", 0)
    assert page.table.dimmed
    desk.window.show_connection("online", 1)
    rest(desk)
    assert not page.table.dimmed


def test_a_record_opens_by_its_link_in_its_segment(desk: Desk) -> None:
    billing = trade(6)
    page = open_page(desk, billing)
    bill = next(one for one in billing.kept.values() if one.kind == "bill")
    desk.window.show_page("invoices", str(bill.id))
    rest(desk)
    assert page.segment == "purchases" and page.current_record() == str(bill.id)
    page.open_record("no id")
    assert "no such document" in desk.window.shell.toasts.toasts[-1].text


def test_money_goes_to_the_longest_due_first_and_a_full_payment_takes_the_discount() -> None:
    billing = trade(3)
    first, second, _ = billing.kept.values()
    parts = shared_out(first.open + 10, [first, second], [Decimal(0), Decimal(0)], let_go=False)
    assert [(one.document, one.amount) for one in parts] == [(first.id, first.open), (second.id, Decimal(10))]
    (part,) = shared_out(first.open - 2, [first], [Decimal(2)], let_go=False)
    assert (part.amount, part.discount, part.write_off) == (first.open - 2, 2, 0)
    (part,) = shared_out(first.open - 3, [first], [Decimal(2)], let_go=False)
    assert (part.discount, part.write_off) == (0, 0), "no discount for less than all"
    (part,) = shared_out(first.open - 3, [first], [Decimal(0)], let_go=True)
    assert part.write_off == 3
    assert shared_out(Decimal(0), [first], [Decimal(0)], let_go=True) == []


def test_filters_are_either_within_a_field_and_all_between_fields() -> None:
    billing = trade(3)
    row = lists.row_of(billing.document_named(f"INV-{today().year}-00001"), "Harbour Ltd", today())
    for text, fits in (
        ("state:unpaid", True), ("state:paid state:unpaid", True), ("state:unpaid party:old*", False),
        ("-state:unpaid", False), ("harbour", True), ("harbour 4000", True), ("harbour 4001", False),
        ("number:inv-*", True),
    ):  # fmt: skip
        assert lists.passes(row, parse(text)) is fits, text
    assert next_code(["C100", "C7", "S300", "Cx"], "C") == "C101" and next_code([], "S") == "S100"
