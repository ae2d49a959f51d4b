"""The figures of a company, the checks before a close, and reports that are lists, on a real ledger."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from tenants import OrgFixture
from trade import open_trade

from sent.engines.capital import api as ledger
from sent.engines.capital.bank import api as bank
from sent.engines.capital.reports import api
from sent.platform.context import Ctx
from sent.platform.errors import Invalid, NotFound

APRIL, MAY = date(2026, 4, 30), date(2026, 5, 31)


class Company:
    """A company whose cash shrinks by 100 a month, with accounts by role."""

    def __init__(self, ctx: Ctx) -> None:
        self.ctx = ctx

    async def begin(self) -> Company:
        await ledger.set_up(self.ctx, "uk", year_starts=(4, 1))
        self.accounts = {one.role or one.code: one.id for one in reversed(await ledger.accounts(self.ctx))}
        self.journal = (await ledger.journals(self.ctx))[0].id
        await self.book(date(2025, 6, 2), "cash", "capital", "3000")
        for month in (*range(7, 13), *range(1, 6)):
            day = date(2025 if month > 6 else 2026, month, 10)
            await self.book(day, "cost_of_sales", "cash", "300")
            await self.book(day, "cash", "sales", "200")
        return self

    async def book(self, day: date, debit: str, credit: str, amount: str, commodity: str = "GBP") -> UUID:
        value = Decimal(amount)
        lines = [
            ledger.Line(self.accounts[debit], value, commodity),
            ledger.Line(self.accounts[credit], -value, commodity),
        ]
        return await ledger.post(self.ctx, ledger.Draft(self.journal, day, lines))

    async def check(self, period: UUID) -> dict[str, api.Check]:
        return {one.id: one for one in await api.checks(self.ctx, period)}


@pytest.fixture
async def company(org_a: OrgFixture) -> Company:
    return await Company(org_a.ctx).begin()


@pytest.mark.parametrize("counted", [False, True])
async def test_figures_say_what_there_is_and_how_long_it_lasts(company: Company, counted: bool) -> None:
    for _ in range(2 if counted else 0):
        await ledger.upkeep(company.ctx)
    found = await api.figures(company.ctx, date(2026, 5, 20))
    assert (found.commodity, found.cash, found.outflow, found.runway) == ("GBP", 1900, 100, 19)
    assert (found.year_starts, found.result, found.last_result) == (date(2026, 4, 1), -200, 0)
    assert [one.cash for one in found.months][-3:] == [2100, 2000, 1900]
    assert found.months[0].starts == date(2025, 6, 1) and found.months[-1].ends == date(2026, 5, 20)
    assert (found.months[-1].income, found.months[-1].expenses, found.months[-1].result) == (200, 300, -100)
    assert [(one.amount, one.id) for one in found.costs] == [(3300, company.accounts["cost_of_sales"])]


async def test_a_company_whose_cash_grows_has_no_end_in_sight(company: Company) -> None:
    await company.book(date(2026, 4, 20), "cash", "capital", "9000")
    found = await api.figures(company.ctx, date(2026, 5, 20))
    assert (found.outflow, found.runway) == (0, None)


async def test_what_is_owed_has_its_age_and_its_customers(org_a: OrgFixture) -> None:
    trade = await open_trade(org_a.ctx)
    made = await trade.issued(trade.line("45.00", quantity="8"))
    found = await api.figures(org_a.ctx, made.due.replace(month=made.due.month + 2))
    assert found.receivable == made.gross == found.overdue
    assert found.receivable_ages == (0, 0, 0, made.gross, 0)
    assert [(one.id, one.amount) for one in found.customers] == [(made.party, made.net)]
    aged = await api.aged(org_a.ctx, "receivable", made.due)
    assert aged.rows[0].amounts[0] == made.gross and aged.rows[-1].amounts[5] == made.gross
    taxes = await api.tax_return(org_a.ctx, made.day, made.day)
    assert [row.amounts for row in taxes.rows if row.label == "Box 6"] == [(made.net, None)]
    assert b"Current" in api.csv_bytes(aged)


async def test_drafts_are_counted_up_to_the_months_end(org_a: OrgFixture) -> None:
    trade = await open_trade(org_a.ctx)
    made = await trade.draft(trade.line("1.00"))
    months = await ledger.open_year(org_a.ctx, made.day)
    for month in months:
        found = {one.id: one for one in await api.checks(org_a.ctx, month.id)}["drafts"]
        assert (found.figure, found.state) == ((1, "todo") if month.ends >= made.day else (0, "ok"))


async def test_the_general_ledger_opens_moves_and_closes(company: Company) -> None:
    found = await api.general_ledger(company.ctx, date(2026, 5, 1), MAY)
    rows = {row.account: row.amounts for row in found.rows}
    assert rows[company.accounts["cash"]] == (2000, 200, 300, 1900)
    assert found.rows[-1].amounts[0] == found.rows[-1].amounts[3] == 0
    with pytest.raises(Invalid, match="swap"):
        await api.general_ledger(company.ctx, MAY, APRIL)


async def test_a_month_is_checked_before_it_is_closed(company: Company) -> None:
    months = await ledger.open_year(company.ctx, MAY)
    may = next(one for one in months if one.ends == MAY).id
    found = await company.check(may)
    states = {id: one.state for id, one in found.items()}
    assert states == {
        "earlier": "todo", "trial_balance": "ok", "suspense": "ok", "bank": "ok", "drafts": "ok",
        "reservations": "ok",
        "depreciation": "ok", "revaluation": "ok", "seal": "todo",
    }  # fmt: skip
    await company.book(MAY, "suspense", "cash", "12.50")
    await company.book(MAY, "fixed_asset", "cash", "600")
    lines = [
        ledger.Line(company.accounts["cash"], Decimal(-50), "GBP"),
        ledger.Line(company.accounts["currency_clearing"], Decimal(50), "GBP"),
        ledger.Line(company.accounts["currency_clearing"], Decimal(-60), "EUR"),
        ledger.Line(company.accounts["cash"], Decimal(60), "EUR"),
    ]
    await ledger.post(company.ctx, ledger.Draft(company.journal, MAY, lines))
    pending = ledger.Draft(
        company.journal, MAY,
        [ledger.Line(company.accounts["cash"], Decimal(1), "GBP"),
         ledger.Line(company.accounts["sales"], Decimal(-1), "GBP")], kind="pending",
    )  # fmt: skip
    await ledger.post(company.ctx, pending)
    for _ in range(3):
        await ledger.upkeep(company.ctx)
    found = await company.check(may)
    assert (found["suspense"].state, found["suspense"].figure) == ("todo", Decimal("12.50"))
    assert (found["depreciation"].state, found["depreciation"].figure) == ("todo", 600)
    assert (found["reservations"].figure, found["seal"].state) == (1, "ok")
    assert (found["rates"].state, found["rates"].record) == ("todo", "EUR")
    await ledger.set_rate(company.ctx, "EUR", MAY, Decimal("0.90"))
    found = await company.check(may)
    assert "rates" not in found and found["revaluation"].figure == 4
    await ledger.revalue(company.ctx, MAY)
    assert (await company.check(may))["revaluation"].state == "ok"
    with pytest.raises(NotFound):
        await api.checks(company.ctx, company.journal)


async def test_a_bank_account_agrees_with_its_statement_or_is_told(company: Company) -> None:
    months = await ledger.open_year(company.ctx, MAY)
    may = next(one for one in months if one.ends == MAY).id
    assert (await company.check(may))["bank"].state == "ok"
    opened = await bank.open_bank_account(
        company.ctx, company.accounts["cash"], company.journal, "House bank", commodity="GBP"
    )
    found = (await company.check(may))["bank"]
    assert (found.state, found.figure, found.record) == ("todo", 1900, str(opened))
    assert found.text.startswith("House bank: statement and books differ by 1900")


async def test_the_entry_that_closes_a_year_is_shown_before_it_is_booked(company: Company) -> None:
    ends = date(2026, 3, 31)
    shown = await api.closing_entry(company.ctx, ends)
    assert sum(one.amount for one in shown) == 0
    assert (shown[-1].account, shown[-1].amount) == (company.accounts["retained_earnings"], 900)
    entry = await ledger.close_year(company.ctx, ends)
    assert entry is not None
    booked = await api.lines(company.ctx, entry)
    assert {(one.account, one.amount) for one in booked} == {(one.account, one.amount) for one in shown}
    assert await api.closing_entry(company.ctx, ends) == []
    with pytest.raises(Invalid, match="2026-03-31"):
        await api.closing_entry(company.ctx, date(2026, 3, 30))


async def test_without_books_everything_says_what_is_missing(org_b: OrgFixture) -> None:
    for asked in (
        api.figures(org_b.ctx, MAY), api.general_ledger(org_b.ctx, APRIL, MAY),
        api.aged(org_b.ctx, "payable", MAY), api.checks(org_b.ctx, UUID(int=1)),
    ):  # fmt: skip
        with pytest.raises(Invalid) as told:
            await asked
        assert told.value.code == "capital.setup.missing"
