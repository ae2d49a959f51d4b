"""The Close page: months with their state, checks that lead to the cure, closing, opening again by two."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from ui.capital_books import TODAY, FakeBooks, FakeReports
from ui.capital_years import ANNA, FakeSchedules
from ui.conftest import Desk
from ui.fakes import ALL

from sent.engines.capital import api
from sent.engines.capital.reports.api import Check
from sent.platform.errors import Invalid
from sent.ui.pages.capital import routes
from sent.ui.pages.capital.close import ClosePage
from sent.ui.pages.capital.close.checklist import title, words

Key = Qt.Key


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave schedules out, whether they are installed or not."""
    monkeypatch.setattr(routes, "has", lambda _part: False)


def open_page(desk: Desk, books: FakeBooks, *, may: bool = True) -> ClosePage:
    desk.backend.permissions = ALL | {"capital:read", "capital:post"} | ({"capital:close"} if may else set())
    desk.console.bridge.apis |= {"capital": books, "capital.reports": FakeReports(books)}
    desk.sign_in("close")
    page = desk.window.pages["close"]
    assert isinstance(page, ClosePage)
    page.today = lambda: TODAY
    desk.settle()
    page.year = None
    page.refresh()
    desk.settle()
    return page


@pytest.fixture
def books() -> FakeBooks:
    made = FakeBooks(lines=40)
    made.months = [
        api.Period(
            api.Draft(made.kept[0].id, TODAY, ()).id, date(2026, month, 1), date(2026, month, last), "open"
        )
        for month, last in ((4, 30), (5, 31), (6, 30))
    ]
    return made


def state(books: FakeBooks, month: int) -> str:
    return next(one.state for one in books.months if one.starts.month == month)


def told(page: ClosePage) -> dict[str, str]:
    return {one.id: words(one) for one in page.checklist.checks}


def take(desk: Desk, number: int) -> None:
    """Take an entry of the palette's choices."""
    palette = desk.window.palette_
    desk.until(palette.isVisible)
    for _ in range(number):
        QTest.keyClick(palette.field, Key.Key_Down)
    QTest.keyClick(palette.field, Key.Key_Return)
    desk.settle()


def test_it_begins_with_the_first_month_that_can_be_closed(desk: Desk, books: FakeBooks) -> None:
    page = open_page(desk, books)
    assert page.period() is not None and page.period().starts == date(2026, 4, 1)  # type: ignore[union-attr]
    assert told(page)["trial_balance"] == "Debits equal credits"
    assert told(page)["seal"] == "3 entries wait for their seal"
    assert "Business year 2026-04-01" in page.title.text()
    page.strip.setFocus()
    QTest.keyClick(page.strip, Key.Key_Right)
    desk.settle()
    assert told(page)["earlier"] == "1 earlier month is open" and page.current_record() == "2026-05-01"


def test_a_month_is_closed_softly_with_undo_and_for_good_after_asking(desk: Desk, books: FakeBooks) -> None:
    page = open_page(desk, books)
    page.aside.soft.click()
    desk.settle()
    assert state(books, 4) == "soft" and not page.aside.soft.isVisible()
    page.deeds.open_again()
    desk.settle()
    assert state(books, 4) == "open"
    page.deeds.close_for_good()
    take(desk, 1)
    assert state(books, 4) == "open"
    page.deeds.close_for_good()
    take(desk, 0)
    assert state(books, 4) == "hard" and page.aside.reopen.text() == "Ask to open it again"


def test_two_people_open_a_month_that_is_closed_for_good(desk: Desk, books: FakeBooks) -> None:
    page = open_page(desk, books)
    month = books.months[0]
    books.months[0] = api.Period(month.id, month.starts, month.ends, "hard")
    books.who = desk.console.bridge.ctx.actor  # type: ignore[assignment]
    page.open_record("2026-04-01")
    page.refresh()
    desk.settle()
    page.deeds.open_again()
    desk.until(desk.window.prompt.isVisible)
    desk.window.prompt.field.set_text("A bill came late")
    QTest.keyClick(desk.window.prompt.field.edit, Key.Key_Return)
    desk.until(lambda: len(books.asked_for) == 1)
    desk.settle()
    assert page.aside.asked_card.isVisible() and state(books, 4) == "hard"
    page.deeds.grant(books.asked_for[0])
    desk.settle()
    assert state(books, 4) == "hard", "nobody grants what he asked for"
    books.who = ANNA
    page.deeds.grant(books.asked_for[0])
    desk.settle()
    assert state(books, 4) == "soft" and not page.aside.asked_card.isVisible()


def test_the_closing_entry_is_shown_before_it_is_booked(desk: Desk, books: FakeBooks) -> None:
    page = open_page(desk, books)
    page.deeds.close_year()
    desk.until(lambda: page.deeds.year_card is not None and page.deeds.year_card.isVisible())
    shown = page.deeds.year_card
    assert shown is not None and not books.closed_years
    desk.until(lambda: shown.table.model_.known() == 2)
    assert shown.table.model_.row(0)[1].amount == sum(Decimal(100 + n) for n in range(40))  # type: ignore[index]

    async def refused(*_: object) -> None:
        raise Invalid("capital.period", "the period is closed: choose a later day, or reopen the period")

    real, books.close_year = books.close_year, refused  # type: ignore[method-assign, assignment]
    shown.send()
    desk.until(lambda: "closed" in shown.said.text())
    books.close_year = real  # type: ignore[method-assign]
    shown.send()
    desk.until(lambda: books.closed_years == [date(2027, 3, 31)])
    desk.settle()
    assert not shown.isVisible()


def test_checks_lead_to_the_cure_or_do_it(desk: Desk, books: FakeBooks) -> None:
    page = open_page(desk, books)
    found: list[tuple[str, str]] = []
    desk.window.shell.open_wanted.disconnect()
    desk.window.shell.open_wanted.connect(lambda name, record: found.append((name, record)))
    page.checklist.buttons["trial_balance"].click()
    assert found == [("reports", "trial_balance/2026-04-01/2026-04-30")]
    page.checklist.buttons["revaluation"].click()
    desk.until(lambda: books.revalued == [date(2026, 4, 30)])
    desk.settle()
    assert told(page)["revaluation"] == "Nothing to revalue" and "revaluation" not in page.checklist.buttons
    books.findings = (api.Finding("GJ", 7, None, "changed"),)
    page.checklist.buttons["seal"].click()
    desk.settle()
    assert "rates" in page.checklist.buttons


def test_what_is_due_again_and_depreciation_are_booked_from_the_list(
    desk: Desk, books: FakeBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "has", lambda part: part == "schedules")
    schedules = FakeSchedules()
    desk.console.bridge.apis["capital.schedules"] = schedules
    page = open_page(desk, books)
    assert told(page)["schedules"] == "1 entry is due"
    schedules.refused = ((ANNA, "the period is closed: choose a later day"),)
    page.deeds.run_due()
    desk.settle()
    assert told(page)["schedules"] == "1 entry is due"
    schedules.refused = ()
    page.deeds.run_due()
    desk.settle()
    assert told(page)["schedules"] == "All are booked"
    page.deeds.depreciate()
    desk.settle()
    assert schedules.worn == [date(2026, 4, 30)]


def test_a_year_without_months_is_opened(desk: Desk) -> None:
    books = FakeBooks(lines=2)
    page = open_page(desk, books)
    assert page.none.isVisible() and not page.checklist.isVisible()
    page.none.findChildren(QPushButton)[0].click()
    desk.until(lambda: len(books.months) == 12)
    desk.settle()
    assert len(page.strip.periods) == 12 and page.checklist.isVisible()
    page.after.click()
    desk.settle()
    assert page.periods == [] and page.none.isVisible()
    page.before.click()
    desk.settle()
    assert len(page.periods) == 12


def test_who_may_not_close_only_looks(desk: Desk, books: FakeBooks) -> None:
    page = open_page(desk, books, may=False)
    assert not page.aside.soft.isVisible() and not page.aside.hard.isVisible()
    assert not page.aside.year.isVisible() and "revaluation" not in page.checklist.buttons


def test_books_that_are_not_open_say_where_they_are_set_up(desk: Desk) -> None:
    page = open_page(desk, FakeBooks(empty=True))
    assert page.notice.property("state") == "empty"


def test_wrong_books_are_not_closed_for_good(desk: Desk, books: FakeBooks) -> None:
    page = open_page(desk, books)
    wrong = Check("trial_balance", "bad", Decimal(1), "", "GBP")
    page.checklist.show_checks([wrong])
    page.deeds.close_for_good()
    desk.settle()
    assert state(books, 4) == "open" and not desk.window.palette_.isVisible()
    assert (title(wrong), words(wrong)) == ("Trial balance", "Debits and credits differ by 1.00 GBP")
