"""The Journal: the list, an entry beside it, and entries of many lines typed with the keyboard."""

from __future__ import annotations

from decimal import Decimal

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from ui.capital_books import FakeBooks, FakeReports
from ui.conftest import Desk
from ui.fakes import ALL

from sent.ui.pages.capital.journal import JournalPage
from sent.ui.pages.capital.journal.editor import EntryEditor

Key = Qt.Key


def open_page(desk: Desk, books: FakeBooks) -> JournalPage:
    desk.backend.permissions = ALL | {"capital:read", "capital:post"}
    desk.console.bridge.apis |= {"capital": books, "capital.reports": FakeReports(books)}
    desk.sign_in("journal")
    page = desk.window.pages["journal"]
    assert isinstance(page, JournalPage)
    desk.settle()
    return page


def editor(desk: Desk, page: JournalPage) -> EntryEditor:
    page.new_entry()
    desk.until(lambda: page.editor is not None and page.editor.isVisible())
    assert page.editor is not None
    return page.editor


def type_line(made: EntryEditor, number: int, account: str, debit: str = "", credit: str = "") -> None:
    one = made._lines[number]
    one.account.setFocus()
    QTest.keyClicks(one.account, account)
    QTest.keyClick(one.account, Key.Key_Return)
    QTest.keyClick(one.account, Key.Key_Return)
    QTest.keyClick(one.note, Key.Key_Return)
    if debit:
        QTest.keyClicks(one.debit, debit)
    QTest.keyClick(one.debit, Key.Key_Return)
    if not debit:
        if credit:
            QTest.keyClicks(one.credit, credit)
        QTest.keyClick(one.credit, Key.Key_Return)


def test_an_entry_of_three_lines_is_balanced_by_the_editor(desk: Desk) -> None:
    books = FakeBooks(lines=2)
    page = open_page(desk, books)
    made = editor(desk, page)
    QTest.keyClicks(made.memo.edit, "Wages of May")
    type_line(made, 0, "6000", debit="1000")
    type_line(made, 1, "2210", credit="200")
    assert len(made._lines) == 3 and made._lines[2].account.hasFocus()
    type_line(made, 2, "2220")
    assert made._lines[2].credit.text() == "800.00"
    assert made.difference() == 0
    QTest.keyClick(made.book, Key.Key_Return)
    desk.until(lambda: len(books.drafts) == 3)
    desk.settle()
    assert [line.amount for line in books.drafts[-1].lines] == [1000, -200, -800]
    assert books.drafts[-1].memo == "Wages of May" and not made.isVisible()


def test_what_does_not_balance_is_not_sent_and_stays(desk: Desk) -> None:
    books = FakeBooks(lines=1)
    page = open_page(desk, books)
    made = editor(desk, page)
    type_line(made, 0, "6000", debit="10")
    type_line(made, 1, "1200", credit="9")
    made.send()
    assert "1.00" in made.said.text() and len(books.drafts) == 1
    made._lines[1].credit.setText("10")
    books.refuse = "the period is closed: choose a later day, or reopen the period"
    made.send()
    desk.until(lambda: "closed" in made.said.text())
    assert made._lines[0].debit.text() == "10"
    made.close_layer()
    assert editor(desk, page)._lines[0].debit.text() == "10"


def test_an_entry_is_opened_read_and_reversed(desk: Desk) -> None:
    books = FakeBooks(lines=3)
    page = open_page(desk, books)
    desk.until(lambda: page.table.model_.known() == 3)
    page.table.go(0)
    page.open_entry(page.table.current_row())
    desk.settle()
    assert page.panel.entry is not None and page.panel.entry.amount == Decimal(100)
    page.reverse()
    desk.until(lambda: len(books.reversals) == 1)
    desk.settle()
    assert page.table.model_.known() == 4


def test_a_link_opens_an_entry_that_is_not_in_the_list(desk: Desk) -> None:
    books = FakeBooks(lines=300)
    page = open_page(desk, books)
    oldest = books.ordered()[0][1]
    page.open_record(str(oldest.id))
    desk.until(lambda: page.split.is_open())
    assert page.current_record() == str(oldest.id)
    page.open_record("no-entry")
    assert page.current_record() == str(oldest.id)


def test_words_filter_the_list(desk: Desk) -> None:
    page = open_page(desk, FakeBooks(lines=30))
    page.filter.set_text("Invoice 12")
    desk.until(lambda: page.table.model_.known() == 1)
