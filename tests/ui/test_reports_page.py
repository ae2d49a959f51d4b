"""The Reports page: choosing, comparing, going down to entries, taking along."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from ui.capital_books import TODAY, FakeBooks, FakeReports
from ui.capital_years import PARTIES, FakeBilling, FakeSchedules
from ui.conftest import Desk
from ui.fakes import ALL

from sent.engines.capital.api import Draft, Line
from sent.platform.i18n import set_language
from sent.ui.pages.capital import routes
from sent.ui.pages.capital.reports import ReportsPage, spans, wording

Key = Qt.Key


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave schedules out, whether they are installed or not."""
    monkeypatch.setattr(routes, "has", lambda _part: False)


def open_page(desk: Desk, books: FakeBooks) -> tuple[ReportsPage, FakeReports]:
    desk.backend.permissions = ALL | {"capital:read", "capital:post"}
    reports = FakeReports(books)
    desk.console.bridge.apis |= {
        "capital": books, "capital.reports": reports, "capital.billing": FakeBilling(),
    }  # fmt: skip
    desk.sign_in("reports")
    page = desk.window.pages["reports"]
    assert isinstance(page, ReportsPage)
    page.today = lambda: TODAY
    page.choices.today = TODAY
    desk.settle()
    page.refresh()
    desk.settle()
    return page, reports


def some_books() -> FakeBooks:
    """Return sales of 40 days and wages in two months."""
    books = FakeBooks(lines=40)
    bank, wages = books.account("1200").id, books.account("7000").id
    for month in (4, 5):
        both = [Line(wages, Decimal(900), "GBP"), Line(bank, Decimal(-900), "GBP")]
        books.drafts.append(Draft(books.kept[0].id, date(2026, month, 2), both, memo=f"Wages {month}"))
    return books


def texts(page: ReportsPage) -> list[tuple[str, ...]]:
    model = page.sheet.model_
    return [tuple(model.text(n, c) for c in range(model.columnCount())) for n in range(model.rowCount())]


def choose(desk: Desk, page: ReportsPage, kind: str, span: str = "month", compare: str = "none") -> None:
    page.choices.kind.show_choice(kind)
    page.choices.compare.show_choice(compare)
    page.choices.span.show_choice(span)
    page.choices._preset(span)
    desk.settle()


def test_profit_and_loss_of_this_month_with_what_it_changed(desk: Desk) -> None:
    page, _ = open_page(desk, some_books())
    choose(desk, page, "profit_and_loss", compare="previous")
    assert page.sheet.model_.titles == ["May 2026", "Apr 2026", "Change"]
    rows = {row[0]: row[1:] for row in texts(page)}
    assert rows["Net result"] == ("1,290.00", "1,690.00", "(400.00)")
    assert page.title.text() == "Profit and loss"


def test_months_of_the_year_have_a_total_and_balances_have_none(desk: Desk) -> None:
    page, _ = open_page(desk, some_books())
    choose(desk, page, "profit_and_loss", "year", "months")
    assert page.sheet.model_.titles == ["Apr 2026", "2026-05-01 – 2026-05-20", "Total"]
    choose(desk, page, "balance_sheet", "year", "months")
    assert page.sheet.model_.titles == ["2026-04-30", "2026-05-20"]
    choose(desk, page, "trial_balance", "year")
    assert page.sheet.model_.titles == ["Debit", "Credit"]


def test_an_amount_leads_to_its_lines_a_line_to_its_entry_and_esc_back(desk: Desk) -> None:
    page, _ = open_page(desk, some_books())
    choose(desk, page, "profit_and_loss", compare="previous")
    number = next(n for n, row in enumerate(texts(page)) if row[0].startswith("7000"))
    page.sheet.go(number, 2)
    QTest.keyClick(page.sheet, Key.Key_Return)
    desk.settle()
    below = page.table.model_.row(0)
    assert below is not None and (below.text, below.amount) == ("Wages 4", 900)
    assert page.table.model_.known() == 1 and page.subtitle.text() == "Apr 2026"
    assert page.current_record().endswith(str(some_books().account("7000").id))
    found: list[tuple[str, str]] = []
    desk.window.shell.open_wanted.disconnect()
    desk.window.shell.open_wanted.connect(lambda name, record: found.append((name, record)))
    page.table.go(0)
    QTest.keyClick(page.table, Key.Key_Return)
    assert found == [("journal", below.record)]
    QTest.keyClick(page.table, Key.Key_Escape)
    assert page.stack.currentIndex() == 0 and page.title.text() == "Profit and loss"
    assert page.sheet.currentIndex().row() == number


def test_lines_of_a_balance_come_from_the_beginning_and_those_of_a_month_sum_up_to_it(desk: Desk) -> None:
    page, _ = open_page(desk, some_books())
    for kind, starts in (("trial_balance", True), ("general_ledger", False)):
        choose(desk, page, kind)
        row = next(line.row for line in page.sheet.model_.shown if line.row.code == "1200")
        page.go_down(row, 0)
        desk.until(lambda: page.table.model_.known() > 0 and page.table.model_.row(0) is not None)
        last = page.table.model_.row(page.table.model_.known() - 1)
        total = row.amounts[0] if starts else cast(Decimal, row.amounts[1]) - cast(Decimal, row.amounts[2])
        assert last is not None and last.balance == total
        page.back()


def test_groups_fold_to_their_total_with_the_space_bar(desk: Desk) -> None:
    page, _ = open_page(desk, some_books())
    choose(desk, page, "profit_and_loss")
    before = texts(page)
    page.sheet.go(1)
    QTest.keyClick(page.sheet, Key.Key_Space)
    assert texts(page)[0] == ("Revenue", "2,190.00") and len(texts(page)) == len(before) - 2
    QTest.keyClick(page.sheet, Key.Key_Return)
    assert texts(page) == before and before[0] == ("Revenue", "")


def test_names_stay_in_sight_when_amounts_are_scrolled(desk: Desk) -> None:
    page, _ = open_page(desk, some_books())
    page.choices.set_report("profit_and_loss", date(2025, 6, 1), date(2026, 5, 31))
    page.choices.compare.show_choice("months")
    page.choices._chosen()
    desk.settle()
    sheet = page.sheet
    sheet.go(1, 13)
    assert sheet.horizontalScrollBar().value() > 0
    names = QRect(0, 0, sheet.columnWidth(0) - 2, sheet.height())
    before = sheet.viewport().grab(names).toImage()
    for column in range(12, 0, -1):
        QTest.keyClick(sheet, Key.Key_Left)
        assert sheet.columnViewportPosition(column) >= sheet.columnWidth(0)
    assert sheet.viewport().grab(names).toImage() == before
    sheet.go(1, 13)
    at = QPoint(20, sheet.rowViewportPosition(0) + 4)
    assert sheet.indexAt(at).column() == 0
    QTest.mouseClick(sheet.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert sheet.model_.folded == {"Revenue"}


def test_what_customers_owe_and_taxes_go_down_to_documents(desk: Desk) -> None:
    page, _ = open_page(desk, some_books())
    choose(desk, page, "aged_receivable")
    assert [row[0] for row in texts(page)] == [PARTIES[0][1], PARTIES[1][1], "Total"]
    assert texts(page)[-1][1:] == ("1,200.00", "860.50", "–", "–", "99.00", "2,159.50")
    assert page.choices.starts.isHidden() and page.choices.compare.isHidden()
    page.go_down(page.sheet.model_.shown[0].row, 0)
    desk.settle()
    assert [one.amount for one in page.table.model_.cached_rows()] == [Decimal("1200.00"), Decimal("99.00")]
    page.back()
    choose(desk, page, "tax", "quarter")
    assert texts(page)[1][1:] == ("", "200.00")
    page.sheet.go(1)
    QTest.keyClick(page.sheet, Key.Key_Return)
    desk.settle()
    assert [one.text for one in page.table.model_.cached_rows()] == ["INV-2026-00000 Harbour Ltd"]


def test_the_budget_stands_beside_what_was_booked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "budget" not in dict(wording.kinds())
    monkeypatch.setattr(routes, "has", lambda part: part == "schedules")
    schedules = FakeSchedules()
    desk.console.bridge.apis["capital.schedules"] = schedules
    page, _ = open_page(desk, some_books())
    choose(desk, page, "budget")
    assert page.sheet.model_.titles == ["Actual", "Plan", "Difference"]
    assert texts(page) == [("Net result", "90.00", "100.00", "(10.00)")]
    assert page.span_of(1).starts == date(2026, 4, 1)
    schedules.plans.clear()
    choose(desk, page, "trial_balance")
    choose(desk, page, "budget")
    assert page.notice.property("state") == "error"


def test_a_link_opens_a_report_and_its_lines(desk: Desk) -> None:
    books = some_books()
    page, _ = open_page(desk, books)
    page.open_record(f"general_ledger/2026-04-01/2026-04-30/{books.account('7000').id}")
    desk.settle()
    assert page.title.text().startswith("7000") and page.table.model_.known() == 1
    assert page.choices.span.choice() == "last_month"
    page.open_record("nonsense")
    assert page.choices.kind.choice() == "general_ledger"


def test_typed_days_make_another_report_and_wrong_ones_are_marked(desk: Desk) -> None:
    page, reports = open_page(desk, some_books())
    choose(desk, page, "profit_and_loss")
    page.choices.starts.setText("10.5.")
    page.choices._typed()
    desk.settle()
    assert reports.reports_asked[-1][1][0].starts == date(2026, 5, 10)
    assert page.choices.span.choice() == "custom"
    page.choices.starts.setText("1.7.2026")
    page.choices._typed()
    assert page.choices.starts.property("invalid") and page.choices.days[0] == date(2026, 5, 10)
    page.choices.starts.setText("May")
    page.choices._typed()
    assert "Not a day" in page.choices.starts.toolTip()


@pytest.mark.parametrize(("form", "begin"), [("csv", b"code,label"), ("xlsx", b"PK"), ("pdf", b"%PDF")])
def test_a_report_is_written_as_a_file(desk: Desk, tmp_path: Path, form: str, begin: bytes) -> None:
    page, _ = open_page(desk, some_books())
    path = tmp_path / f"report.{form}"
    page.taking.write(path)
    desk.until(path.exists)
    desk.settle()
    assert path.read_bytes().startswith(begin)
    page.taking.write(tmp_path / "nowhere" / f"report.{form}")
    desk.settle()
    assert not (tmp_path / "nowhere").exists()


def test_a_report_is_copied_whole(desk: Desk) -> None:
    page, _ = open_page(desk, some_books())
    choose(desk, page, "trial_balance")
    page.copy_report()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert lines[0] == "\tDebit\tCredit" and len(lines) == page.sheet.model_.rowCount() + 1


def test_days_without_entries_and_books_that_are_not_open_are_told(desk: Desk) -> None:
    page, _ = open_page(desk, some_books())
    page.choices.set_report("profit_and_loss", date(2020, 1, 1), date(2020, 1, 31))
    page._chosen()
    desk.settle()
    assert page.stack.currentIndex() == 1
    page, _ = open_page(desk, FakeBooks(empty=True))
    assert page.notice.property("state") == "empty"


def test_amounts_below_nothing_follow_the_language() -> None:
    assert wording.figure(Decimal("-1234.5"), "GBP") == "(1,234.50)"
    assert wording.figure(Decimal(0), "GBP") == "–" and wording.figure(None, "GBP") == ""
    set_language("de")
    assert wording.figure(Decimal("-1234.5"), "EUR") == "-1.234,50"
    set_language("en")


APRIL_YEAR = (date(2026, 4, 1), date(2027, 3, 31))


def april(day: date) -> tuple[date, date]:
    first = day.year if day.month > 3 else day.year - 1
    return date(first, 4, 1), date(first + 1, 3, 31)


@pytest.mark.parametrize(
    ("id", "starts", "ends"),
    [
        ("month", date(2026, 5, 1), date(2026, 5, 31)),
        ("last_month", date(2026, 4, 1), date(2026, 4, 30)),
        ("quarter", date(2026, 4, 1), date(2026, 6, 30)),
        ("year", date(2026, 4, 1), date(2026, 5, 20)),
        ("last_year", date(2025, 4, 1), date(2026, 3, 31)),
    ],
)
def test_presets_follow_the_business_year(id: str, starts: date, ends: date) -> None:
    assert spans.preset(id, TODAY, april) == (starts, ends)


def test_what_lies_before_and_pieces_of_a_span() -> None:
    day = date
    assert spans.before(day(2026, 3, 1), day(2026, 3, 31)) == (day(2026, 2, 1), day(2026, 2, 28))
    assert spans.before(day(2026, 3, 10), day(2026, 3, 19)) == (day(2026, 2, 28), day(2026, 3, 9))
    assert spans.before(*APRIL_YEAR) == (day(2025, 4, 1), day(2026, 3, 31))
    assert spans.years_back(day(2024, 2, 29)) == day(2023, 2, 28)
    quarters = list(spans.pieces(day(2026, 2, 10), day(2026, 7, 5), 3))
    assert quarters == [
        (day(2026, 2, 10), day(2026, 3, 31)), (day(2026, 4, 1), day(2026, 6, 30)),
        (day(2026, 7, 1), day(2026, 7, 5)),
    ]  # fmt: skip
    assert len(spans.columns(day(2020, 1, 1), day(2026, 1, 1), "months", moment=False)) == 24
