"""Reports on a real ledger: figures before and after counting up, drill-down, files."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from pypdf import PdfReader
from tenants import OrgFixture

from sent.engines.capital import api as ledger
from sent.engines.capital.reports import api
from sent.platform.context import Ctx
from sent.platform.errors import Invalid

YEAR = api.Column("2026", date(2026, 4, 1), date(2027, 3, 31))
MAY = api.Column("May", date(2026, 5, 1), date(2026, 5, 31))


class Company:
    """A company with a month of business; `accounts` by role."""

    def __init__(self, ctx: Ctx) -> None:
        self.ctx = ctx

    async def begin(self) -> Company:
        await ledger.set_up(self.ctx, "uk", year_starts=(4, 1))
        self.accounts = {one.role or one.code: one.id for one in reversed(await ledger.accounts(self.ctx))}
        self.journal = (await ledger.journals(self.ctx))[0].id
        for day, debit, credit, amount in (
            (1, "cash", "capital", "5000"),
            (2, "receivable", "sales", "1200"),
            (3, "cost_of_sales", "payable", "500"),
            (20, "cash", "receivable", "900"),
            (21, "payable", "cash", "500"),
            (30, "fixed_asset", "cash", "600"),
            (31, "depreciation", "accumulated_depreciation", "50"),
        ):
            await self.book(date(2026, 5, day), debit, credit, amount)
        return self

    async def book(self, day: date, debit: str, credit: str, amount: str, memo: str = "") -> UUID:
        value = Decimal(amount)
        lines = [
            ledger.Line(self.accounts[debit], value, "GBP"), ledger.Line(self.accounts[credit], -value, "GBP")
        ]  # fmt: skip
        return await ledger.post(self.ctx, ledger.Draft(self.journal, day, lines, memo=memo))


@pytest.fixture
async def company(org_a: OrgFixture) -> Company:
    return await Company(org_a.ctx).begin()


def figure(report: api.Report, label: str) -> Decimal | None:
    return next(row.amounts[0] for row in report.rows if row.label == label)


@pytest.mark.parametrize("counted", [False, True])
async def test_the_statements_of_a_month(company: Company, counted: bool) -> None:
    for _ in range(2 if counted else 0):
        await ledger.upkeep(company.ctx)
    profit = await api.report(company.ctx, "profit_and_loss", [MAY])
    assert [figure(profit, name) for name in ("Gross profit", "Net result")] == [700, 650]
    sheet = await api.report(company.ctx, "balance_sheet", [api.Column("May", None, MAY.ends)])
    assert figure(sheet, "Total assets") == 5650 == figure(sheet, "Total liabilities and equity")
    flow = await api.report(company.ctx, "cash_flow", [MAY])
    assert [figure(flow, name) for name in ("Cash from operations", "Change of cash")] == [400, 4800]
    direct = await api.report(company.ctx, "direct_cash_flow", [MAY])
    assert figure(direct, "Change of cash") == 4800
    assert figure(direct, "Debtors control account") == 900
    balance = await api.report(company.ctx, "trial_balance", [api.Column("May", None, MAY.ends)])
    assert balance.rows[-1].amounts[0] == balance.rows[-1].amounts[1] == 6250 + 0


async def test_columns_are_compared_and_a_closed_year_still_shows_its_result(company: Company) -> None:
    june = api.Column("June", date(2026, 6, 1), date(2026, 6, 30))
    await company.book(date(2026, 6, 3), "cash", "sales", "10")
    await ledger.close_year(company.ctx, date(2027, 3, 31))
    found = await api.report(company.ctx, "profit_and_loss", [MAY, june, YEAR])
    net = next(row for row in found.rows if row.label == "Net result")
    assert net.amounts == (650, 10, 660)
    sheet = await api.report(company.ctx, "balance_sheet", [api.Column("Year", None, YEAR.ends)])
    assert figure(sheet, "Result of years not closed") == 0
    assert figure(sheet, "Profit and loss account") == 660


async def test_a_register_shows_the_balance_after_each_line(company: Company) -> None:
    cash = company.accounts["cash"]
    days = await api.days(company.ctx, cash, "GBP")
    assert [(one.day.day, one.lines, one.amount) for one in days] == [
        (1, 1, 5000), (20, 1, 900), (21, 1, -500), (30, 1, -600),
    ]  # fmt: skip
    found = await api.postings(company.ctx, cash, "GBP", date(2026, 5, 20), MAY.ends)
    assert [one.balance for one in found] == [5900, 5400, 4800]
    assert found[0].other == company.accounts["receivable"]
    part = await api.postings(company.ctx, cash, "GBP", date(2026, 5, 1), MAY.ends, skip=2, limit=1)
    assert [(one.amount, one.balance) for one in part] == [(-500, 5400)]


async def test_the_lines_of_a_row_come_to_its_amount(company: Company) -> None:
    profit = await api.report(company.ctx, "profit_and_loss", [MAY])
    for row in profit.rows:
        if row.account is not None:
            lines = await api.postings(company.ctx, row.account, "GBP", MAY.starts or MAY.ends, MAY.ends)
            assert abs(sum(one.amount for one in lines)) == row.amounts[0]


async def test_files_say_what_the_report_says(company: Company) -> None:
    await company.book(date(2026, 5, 9), "cash", "sales", "1234.5")
    found = await api.report(company.ctx, "profit_and_loss", [MAY])
    rows = list(csv.reader(io.StringIO(api.csv_bytes(found).decode())))
    assert rows[0] == ["code", "label", "kind", "May"]
    assert [row[3] for row in rows if row[1] == "Net result"] == ["1884.50"]
    with zipfile.ZipFile(io.BytesIO(api.xlsx_bytes(found))) as book:
        assert b"<v>1884.5</v>" in book.read("xl/worksheets/sheet1.xml")


async def test_paper_has_every_row_and_headings_on_each_page(company: Company) -> None:
    months = [api.Column(f"M{n}", date(2026, n, 1), date(2026, n, 28)) for n in range(5, 9)]
    wide = await api.report(company.ctx, "profit_and_loss", months)
    pages = PdfReader(io.BytesIO(api.pdf_bytes(wide, "Harbour <Guards> & Co"))).pages
    text = pages[0].extract_text()
    assert "Harbour <Guards> & Co" in text and "Guarding services" in text and "1,200.00" in text
    assert pages[0].mediabox.width > pages[0].mediabox.height
    rows = tuple(api.Row(f"Account {n}", "account", (Decimal(n),)) for n in range(200))
    long = api.Report("profit_and_loss", "Long", "GBP", (MAY,), rows, ("Left out for want of a rate: CHF",))
    pages = PdfReader(io.BytesIO(api.pdf_bytes(long))).pages
    assert len(pages) > 3 and all("May" in page.extract_text() for page in pages)
    assert "want of a rate" in pages[-1].extract_text()
    assert api.pdf_bytes(long) == api.pdf_bytes(long)


async def test_what_makes_no_sense_is_said(org_a: OrgFixture, company: Company) -> None:
    with pytest.raises(Invalid, match="first day of 'May'"):
        await api.report(company.ctx, "profit_and_loss", [api.Column("May", None, MAY.ends)])
    with pytest.raises(Invalid, match="ends before"):
        await api.report(company.ctx, "cash_flow", [api.Column("May", MAY.ends, MAY.ends - timedelta(9))])
    with pytest.raises(Invalid, match="columns"):
        await api.report(company.ctx, "trial_balance", [])


async def test_entries_are_listed_searched_and_opened(company: Company) -> None:
    late = await company.book(date(2026, 5, 9), "cash", "sales", "10", memo="Cash sale at the Gate")
    everything = await api.entries(company.ctx)
    assert [one.day.day for one in everything] == [31, 30, 21, 20, 9, 3, 2, 1]
    last = everything[2]
    assert [one.day.day for one in await api.entries(company.ctx, before=(last.day, last.seq), limit=2)] == [
        20,
        9,
    ]
    (found,) = await api.entries(company.ctx, text="the gate")
    assert (found.id, found.amount, found.commodity, found.lines, found.reversed) == (
        late,
        10,
        "GBP",
        2,
        False,
    )
    assert [(one.name, one.amount) for one in await api.lines(company.ctx, late)] == [
        ("Bank current account", 10), ("Guarding services", -10),
    ]  # fmt: skip
    await ledger.reverse(company.ctx, late, date(2026, 5, 10))
    assert [one.reversed for one in await api.entries(company.ctx, text="the gate")] == [True]
    assert (
        await api.entries(company.ctx, starts=date(2026, 5, 30), journal="BJ", kind="entry") == everything[:2]
    )


async def test_another_organisation_reads_nothing(company: Company, org_b: OrgFixture) -> None:
    with pytest.raises(Invalid, match="set up the books"):
        await api.report(org_b.ctx, "trial_balance", [api.Column("May", None, MAY.ends)])
    assert await api.days(org_b.ctx, company.accounts["cash"], "GBP") == []
