"""The Capital dashboard: figures, where they lead, and the form that opens the books."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from ui.capital_books import TODAY, FakeBooks, FakeReports
from ui.capital_years import some_figures
from ui.conftest import Desk
from ui.fakes import ALL
from ui.walk import rest

from sent.platform.errors import Unavailable
from sent.ui.pages.capital.dashboard import DashboardPage
from sent.ui.pages.capital.dashboard.plot import scale, short
from sent.ui.pages.capital.routes import span_record, wanted

Key = Qt.Key


def open_page(desk: Desk, books: FakeBooks) -> tuple[DashboardPage, FakeReports]:
    desk.backend.permissions = ALL | {"capital:read", "capital:manage"}
    reports = FakeReports(books)
    desk.console.bridge.apis |= {"capital": books, "capital.reports": reports}
    desk.sign_in("capital")
    page = desk.window.pages["capital"]
    assert isinstance(page, DashboardPage)
    page.today = lambda: TODAY
    desk.settle()
    page.refresh()
    desk.settle()
    return page, reports


def led_to(desk: Desk) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    desk.window.shell.open_wanted.disconnect()
    desk.window.shell.open_wanted.connect(lambda page, record: found.append((page, record)))
    return found


def test_the_cards_say_how_the_company_stands(desk: Desk) -> None:
    page, reports = open_page(desk, FakeBooks(lines=3))
    told = [made.accessibleDescription() for made in page.cards]
    assert told[1] == "148,220 GBP 56,820 over due (38 %)"
    assert told[2] == "38,910 GBP Nothing is over due"
    assert told[4] == "41,250 GBP -10,860 against last year"
    assert "months" in told[3] and "9,840 less a month" in told[3]
    reports.found_figures = replace(some_figures(TODAY), outflow=Decimal(0))
    page.refresh()
    desk.settle()
    assert page.runway_card.accessibleDescription().startswith("Profitable")


def test_every_card_bar_and_month_leads_to_the_report_behind_it(desk: Desk) -> None:
    page, _ = open_page(desk, FakeBooks(lines=3))
    found = led_to(desk)
    for made in page.cards:
        QTest.keyClick(made, Key.Key_Return)
    assert [record.split("/")[0] for _, record in found] == [
        "direct_cash_flow", "aged_receivable", "aged_payable", "cash_flow", "profit_and_loss",
    ]  # fmt: skip
    found.clear()
    page.profit.setFocus()
    page.profit.move_to(11)
    QTest.keyClick(page.profit, Key.Key_Left)
    assert "Apr 2026" in page.profit.accessibleDescription()
    QTest.keyClick(page.profit, Key.Key_Return)
    QTest.mouseClick(page.costs, Qt.MouseButton.LeftButton, pos=page.costs.place(0).center().toPoint())
    assert found[0] == ("reports", "profit_and_loss/2026-04-01/2026-04-30")
    assert found[1][1].startswith("general_ledger/2025-06-01/2026-05-20/")


def test_books_are_set_up_from_the_empty_page(desk: Desk) -> None:
    books = FakeBooks(empty=True)
    page, _ = open_page(desk, books)
    assert page.stack.currentIndex() == 1 and page.notice.property("state") == "empty"
    page.set_up()
    made = page.setup_card
    assert made is not None and made.home.text() == "GBP"
    made.choice._choose("de")
    assert made.home.text() == "EUR"
    made.home.set_text("eu")
    made.send()
    assert made.home.edit.property("invalid") and not books.chart
    made.home.set_text("EUR")
    books.refuse = "entries are booked already in another currency"
    made.send()
    desk.until(lambda: "another currency" in made.said.text())
    books.refuse = ""
    made.starts.set_text("1.7.")
    made.send()
    desk.until(lambda: bool(books.chart))
    desk.settle()
    assert (books.home, books.year_starts) == ("EUR", (7, 1))
    assert page.stack.currentIndex() == 0 and not made.isVisible()


def test_who_may_not_manage_is_told_who_can(desk: Desk) -> None:
    page, _ = open_page(desk, FakeBooks(empty=True))
    desk.window.shell.person = replace(desk.window.shell.person, permissions=frozenset({"capital:read"}))  # type: ignore[type-var]
    page.refresh()
    desk.settle()
    rest(desk)
    assert page.notice.findChildren(QPushButton) == []
    assert page.notice.property("state") == "empty"


def test_an_error_keeps_the_figures_that_were_there(desk: Desk) -> None:
    page, reports = open_page(desk, FakeBooks(lines=1))

    async def broken(*_: object) -> None:
        raise Unavailable("database.timeout", "the database does not answer")

    reports.figures = broken  # type: ignore[method-assign, assignment]
    page.refresh()
    desk.settle()
    assert page.stack.currentIndex() == 0 and page.figures is not None
    page.figures = None
    page.refresh()
    desk.settle()
    assert page.notice.property("state") == "error"


def test_scales_reach_below_nothing_and_figures_are_short() -> None:
    assert scale([Decimal(-30), Decimal(90)], 4) == [-50, 0, 50, 100]
    assert scale([], 3) == [0, 1]
    assert [short(value) for value in (12_500, -2_500_000, 0, 750)] == ["12.5k", "-2.5M", "0", "750"]


def test_a_link_to_a_report_is_read_back() -> None:
    record = span_record("tax", TODAY, TODAY)
    found = wanted(record)
    assert found is not None and (found.kind, found.starts, found.account) == ("tax", TODAY, None)
    assert wanted("tax/2026-13-01/2026-01-01") is None and wanted("tax") is None
