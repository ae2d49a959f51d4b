"""The Accounts page: the register, and entries made with the keyboard alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from ui.capital_books import FakeBooks, FakeReports
from ui.conftest import Desk
from ui.fakes import ALL

from sent.ui.pages.capital.accountedit import ranked
from sent.ui.pages.capital.accounts import AccountsPage

Key = Qt.Key


def open_page(desk: Desk, books: FakeBooks) -> AccountsPage:
    desk.backend.permissions = ALL | {"capital:read", "capital:post", "capital:manage"}
    desk.console.bridge.apis |= {"capital": books, "capital.reports": FakeReports(books)}
    desk.sign_in("accounts")
    page = desk.window.pages["accounts"]
    assert isinstance(page, AccountsPage)
    desk.settle()
    return page


def show(desk: Desk, page: AccountsPage, code: str) -> None:
    page.show_account(next(one for one in page._accounts.values() if one.code == code))
    desk.until(lambda: not page.table.model_.skeleton)
    desk.settle()


def type_entry(page: AccountsPage, other: str, memo: str, debit: str = "", credit: str = "") -> None:
    """Type into whatever has the keyboard, as a bookkeeper does."""
    line = page.entry
    QTest.keyClicks(line.other, other)
    QTest.keyClick(line.other, Key.Key_Return)
    QTest.keyClick(line.other, Key.Key_Return)
    QTest.keyClicks(line.memo, memo)
    QTest.keyClick(line.memo, Key.Key_Return)
    if debit:
        QTest.keyClicks(line.debit, debit)
        QTest.keyClick(line.debit, Key.Key_Return)
    else:
        QTest.keyClick(line.debit, Key.Key_Return)
        QTest.keyClicks(line.credit, credit)
        QTest.keyClick(line.credit, Key.Key_Return)


def test_an_entry_is_typed_booked_and_shown_with_its_balance(desk: Desk) -> None:
    books = FakeBooks(lines=3)
    page = open_page(desk, books)
    show(desk, page, "1200")
    page.entry.begin()
    type_entry(page, "fuel", "Van 3", credit="3*12.50")
    desk.until(lambda: len(books.drafts) == 4)
    desk.settle()
    draft = books.drafts[-1]
    assert [(line.account, line.amount) for line in draft.lines] == [
        (books.account("1200").id, Decimal("-37.50")), (books.account("7300").id, Decimal("37.50")),
    ]  # fmt: skip
    assert (draft.memo, draft.key) == ("Van 3", f"entry:{draft.id}")
    assert page.places.total == 4
    assert not page.entry.dirty() and page.entry.other.hasFocus()


def test_what_is_wrong_is_said_where_it_is_and_nothing_is_lost(desk: Desk) -> None:
    books = FakeBooks(lines=1)
    page = open_page(desk, books)
    show(desk, page, "1200")
    page.entry.begin()
    type_entry(page, "sales", "A note", debit="12x")
    assert page.entry.debit.property("invalid") and "3*12.50" in page.entry.said.text()
    page.entry.debit.setText("12")
    page.entry.day.setText("31.2.")
    page.entry.send()
    assert page.entry.day.property("invalid")
    page.entry.day.setText("14.5.2026")
    books.refuse = "the period is closed: choose a later day, or reopen the period"
    page.entry.send()
    desk.until(lambda: "closed" in page.entry.said.text())
    assert (page.entry.memo.text(), page.entry.debit.text()) == ("A note", "12.00")
    books.refuse = ""
    page.entry.send()
    desk.until(lambda: len(books.drafts) == 2)


def test_the_same_entry_sent_twice_keeps_its_key(desk: Desk) -> None:
    books = FakeBooks(lines=1)
    page = open_page(desk, books)
    show(desk, page, "1200")
    sent = []
    page.entry.entered.connect(sent.append)
    books.refuse = "the database does not answer"
    page.entry.begin()
    type_entry(page, "4000", "x", debit="5")
    desk.until(lambda: page.entry.book.isEnabled())
    page.entry.send()
    assert len(sent) == 2 and sent[0].id == sent[1].id


def test_a_register_loads_only_what_is_looked_at(desk: Desk) -> None:
    books = FakeBooks(lines=1000)
    page = open_page(desk, books)
    show(desk, page, "1200")
    assert page.places.total == 1000 and page.table.model_.known() == 1000
    desk.until(lambda: page.table.model_.row(999) is not None)
    assert len(books.asked) <= 3
    last = page.table.model_.row(999)
    assert last is not None and last.balance == page.places.balance
    page.table.go(500)
    desk.until(lambda: page.table.model_.row(500) is not None)
    before, here = page.table.model_.row(499), page.table.model_.row(500)
    assert before is not None and here is not None and before.balance + here.amount == here.balance


def test_an_entry_is_reversed_with_a_key_and_with_undo(desk: Desk) -> None:
    books = FakeBooks(lines=2)
    page = open_page(desk, books)
    show(desk, page, "1200")
    page.table.go(0)
    page.reverse()
    desk.until(lambda: len(books.reversals) == 1)
    desk.settle()
    assert page.places.total == 3


def test_plus_and_minus_change_the_day(desk: Desk) -> None:
    page = open_page(desk, FakeBooks(lines=1))
    show(desk, page, "1200")
    page.entry.day.setText("2026-05-31")
    QTest.keyClicks(page.entry.day, "+")
    assert page.entry.day.text() == "2026-06-01"
    page.entry.day.setText("14.5")
    QTest.keyClicks(page.entry.day, "-")
    assert page.entry.day.text() == "14.5-"


def test_an_account_is_opened_and_renamed(desk: Desk) -> None:
    books = FakeBooks(lines=1)
    page = open_page(desk, books)
    page.open_account()
    layer = page.layer
    assert layer is not None
    layer.code.set_text("1200")
    layer.name.set_text("Dogs")
    layer.form.submit()
    desk.until(lambda: layer.said.text() == "Another account has this number")
    layer.code.set_text("7710")
    layer.form.submit()
    desk.until(lambda: page.account is not None and page.account.code == "7710")
    desk.settle()
    page.change_account()
    assert layer.code.edit.isReadOnly() and not layer.kind.isEnabled()
    layer.name.set_text("Guard dogs")
    layer.last_day.set_text("31.5.2026")
    layer.form.submit()
    desk.until(lambda: page.account is not None and page.account.name == "Guard dogs")
    assert str(books.account("7710").closed_on) == "2026-05-31"


def test_without_books_the_page_says_where_they_are_set_up(desk: Desk) -> None:
    page = open_page(desk, FakeBooks(empty=True))
    desk.until(lambda: page.charts.state() == "empty")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1200", "1200"),
        ("12", "1200"),
        ("fuel", "7300"),
        ("bank cu", "1200"),
        ("oil", "7300"),
        ("office", "0030"),
    ],
)
def test_accounts_are_found_by_number_and_words(text: str, code: str) -> None:
    assert ranked(text, FakeBooks().chart)[0].code == code
