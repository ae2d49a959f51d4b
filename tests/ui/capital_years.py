"""Figures, reports and business years of `FakeBooks`, for the dashboard, the reports and the close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from sent.engines.capital import api
from sent.engines.capital.billing import figures as billing
from sent.engines.capital.charts import TEMPLATES
from sent.engines.capital.model import Balance
from sent.engines.capital.reports import api as reports
from sent.engines.capital.reports import closing, lists, service
from sent.engines.capital.reports.figures import months_back
from sent.engines.capital.reports.valuation import Valuation
from sent.platform.errors import Conflict, Denied, Invalid, NotFound
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from ui.capital_books import FakeBooks

HOME = Valuation("GBP", {})
ME, ANNA = UUID(int=1), UUID(int=2)
PARTIES = tuple((UUID(int=900 + n), name) for n, name in enumerate(("Harbour Ltd", "Mill Street School")))
D = Decimal


class FakeYears:
    """Periods, closing and reopening of books in memory."""

    def __init__(self) -> None:
        self.months: list[api.Period] = []
        self.asked_for: list[api.Reopening] = []
        self.who = ME
        self.closed_years: list[date] = []
        self.revalued: list[date] = []
        self.findings: tuple[api.Finding, ...] = ()
        self.home = "GBP"
        self.year_starts = (4, 1)

    async def set_up(
        self: Any, _ctx: Any, template: str, *, home: str | None = None,
        year_starts: tuple[int, int] | None = None,
    ) -> api.Setup:  # fmt: skip
        if self.refuse:
            raise Invalid("capital.setup", self.refuse)
        plan = TEMPLATES[template]
        self.fill_chart(template)
        self.home, self.year_starts = home or plan.home, year_starts or plan.year
        return await self.setup(None)

    async def periods(self, _ctx: Any) -> list[api.Period]:
        return sorted(self.months, key=lambda one: one.starts, reverse=True)

    async def open_year(self, _ctx: Any, day: date) -> list[api.Period]:
        return self.open_months(day)

    def open_months(self, day: date) -> list[api.Period]:
        """Make the months of a business year."""
        ends = api.Setup(self.home, "GB", *self.year_starts).year(day)[1]
        known = {one.starts for one in self.months}
        made = [
            api.Period(uuid5(ME, first.isoformat()), first, last, "open")
            for first, last in months_back(ends)
            if first not in known
        ]
        self.months += made
        return made

    async def set_period(
        self, _ctx: Any, starts: date, ends: date, state: str, *, period: UUID | None = None
    ) -> UUID:
        known = next(one for one in self.months if one.id == period)
        if known.state == "hard" and state != "hard":
            raise Conflict("capital.period.hard", "a hard closed period stays closed")
        self.months = [replace(one, state=state) if one.id == period else one for one in self.months]  # type: ignore[arg-type]
        return known.id

    async def close_year(self, _ctx: Any, day: date, memo: str = "") -> UUID | None:
        self.closed_years.append(day)
        return uuid7()

    async def revalue(self, _ctx: Any, day: date, memo: str = "") -> UUID | None:
        self.revalued.append(day)
        return uuid7()

    async def reopenings(self, _ctx: Any) -> list[api.Reopening]:
        return self.asked_for[::-1]

    async def ask_reopening(self, _ctx: Any, period: UUID, why: str) -> UUID:
        made = api.Reopening(uuid7(), period, self.who, None, why)
        self.asked_for.append(made)
        return made.id

    async def grant_reopening(self, _ctx: Any, asked: UUID) -> None:
        one = next(each for each in self.asked_for if each.id == asked)
        if one.asked_by == self.who:
            raise Denied("capital.reopening.alone", "another person has to grant what you asked for")
        self.asked_for = [
            replace(each, granted_by=self.who) if each is one else each for each in self.asked_for
        ]
        self.months = [replace(each, state="soft") if each.id == one.period else each for each in self.months]

    async def verify(self, _ctx: Any) -> api.Verified:
        return api.Verified(41, 3, 0, self.findings)


class FakeFigures:
    """Reports of books in memory, made by the engine's own rules."""

    csv_bytes = staticmethod(reports.csv_bytes)
    xlsx_bytes = staticmethod(reports.xlsx_bytes)
    pdf_bytes = staticmethod(reports.pdf_bytes)
    Check = reports.Check
    books: FakeBooks
    drafts = 0
    found_figures: reports.Figures | None = None
    reports_asked: list[tuple[Any, ...]]

    async def figures(self, _ctx: Any, day: date) -> reports.Figures:
        self._check()
        return self.found_figures or some_figures(day)

    def _check(self) -> None:
        if not self.books.chart:
            raise Invalid("capital.setup.missing", "set up the books first: home currency and business year")

    def _moved(self, starts: date | None, ends: date) -> list[Balance]:
        sums: dict[UUID, list[Decimal]] = {}
        for draft in self.books.drafts:
            for line in draft.lines:
                if draft.day <= ends and (starts is None or draft.day >= starts):
                    sums.setdefault(line.account, [D(0), D(0)])[line.amount < 0] += line.amount
        return [Balance(account, "GBP", *sides) for account, sides in sums.items()]

    async def report(self, _ctx: Any, kind: Any, columns: Sequence[reports.Column]) -> reports.Report:
        self._check()
        self.reports_asked.append((kind, columns))
        at_once = kind in service.AT_A_MOMENT
        valued = [HOME.amounts(self._moved(None if at_once else one.starts, one.ends)) for one in columns]
        rows = service._ROWS[kind](self.books.chart, valued)
        return reports.Report(kind, reports.TITLES[kind], "GBP", tuple(columns), tuple(rows))

    async def general_ledger(self, _ctx: Any, starts: date, ends: date) -> reports.Report:
        self._check()
        before = self._moved(None, date.fromordinal(starts.toordinal() - 1))
        rows = lists.ledger_rows(self.books.chart, before, self._moved(None, ends), HOME)
        titles = ("Opening", "Debit", "Credit", "Closing")
        columns = tuple(reports.Column(title, starts, ends) for title in titles)
        return reports.Report("general_ledger", "General ledger", "GBP", columns, tuple(rows))

    async def aged(self, _ctx: Any, side: Any, day: date) -> reports.Report:
        self._check()
        rows = lists.aged_rows(open_items(day, side), day, HOME)
        columns = tuple(reports.Column(name, None, day) for name in reports.AGES)
        return reports.Report(f"aged_{side}", "Aged receivables", "GBP", columns, tuple(rows))

    async def tax_return(self, _ctx: Any, starts: date, ends: date) -> reports.Report:
        self._check()
        columns = (reports.Column("Net", starts, ends), reports.Column("Tax", starts, ends))
        rows = lists.tax_rows(tax_report(starts, ends))
        return reports.Report("tax", "Tax return", "GBP", columns, tuple(rows))

    async def checks(self, _ctx: Any, period: UUID) -> list[reports.Check]:
        about = next((one for one in self.books.months if one.id == period), None)
        if about is None:
            raise NotFound("capital.period.missing", "there is no such period")
        balances, moved = self._moved(None, about.ends), self._moved(about.starts, about.ends)
        chart = self.books.chart
        earlier = sum(1 for one in self.books.months if one.ends < about.starts and one.state == "open")
        return [
            closing.counted("earlier", earlier, "all earlier months are closed", "earlier months are open"),
            closing.trial_balance(balances, "GBP"),
            closing.suspense(chart, balances, "GBP"),
            closing.counted("drafts", self.drafts, "none", "some"),
            closing.depreciation(chart, balances, moved, "GBP"),
            reports.Check("rates", "todo", D(1), "no rate up to the last day for EUR", record="EUR"),
            reports.Check("revaluation", "todo" if not self.books.revalued else "ok", D("4.20"), "", "GBP"),
            closing.counted("seal", 3, "every entry is sealed", "entries are not sealed yet"),
        ]

    async def closing_entry(self, _ctx: Any, day: date) -> list[reports.EntryLine]:
        target = next(one for one in self.books.chart if one.role == "retained_earnings")
        return closing.closing_lines(self.books.chart, self._moved(None, day), target)


class FakeBilling:
    """What is open, and taxes, of two customers."""

    async def open_items(
        self, _ctx: Any, day: date, kind: Any = None, *, party: UUID | None = None
    ) -> list[billing.OpenItem]:
        return [one for one in open_items(day, kind) if party in (None, one.party)]

    async def tax_report(self, _ctx: Any, starts: date, ends: date) -> billing.TaxReport:
        return tax_report(starts, ends)


class FakeSchedules:
    """One entry that is due until it was carried out, and a budget of the year from April."""

    def __init__(self) -> None:
        self.waiting = [object()]
        self.refused: tuple[tuple[UUID, str], ...] = ()
        self.worn: list[date] = []
        self.plans = [SimpleNamespace(id=ME, name="Plan", starts=date(2026, 4, 1))]

    async def due(self, _ctx: Any, until: date) -> list[object]:
        return self.waiting

    async def run(self, _ctx: Any, until: date) -> Any:
        if not self.refused:
            self.waiting = []
        return SimpleNamespace(refused=self.refused)

    async def depreciate(self, _ctx: Any, until: date) -> Any:
        self.worn.append(until)
        return SimpleNamespace(refused=())

    async def budgets(self, _ctx: Any) -> list[Any]:
        return self.plans

    async def against(self, _ctx: Any, budget: UUID, until: date) -> reports.Report:
        names, starts = ("Actual", "Plan", "Difference"), date(2026, 4, 1)
        columns = tuple(reports.Column(name, starts, until) for name in names)
        rows = (reports.Row("Net result", "result", (D(90), D(100), D(-10))),)
        return reports.Report("budget", "Budget and actual", "GBP", columns, rows)


def open_items(day: date, side: Any) -> list[billing.OpenItem]:
    """Return what is open on a day: one not due, two over due."""
    return [
        billing.OpenItem(
            UUID(int=950 + n), "invoice", side or "receivable", f"INV-2026-0000{n}", *PARTIES[n % 2], "GBP",
            amount, amount, day - timedelta(days=60), day - timedelta(days=late), "",
        )
        for n, (amount, late) in enumerate(((D("1200.00"), -10), (D("860.50"), 12), (D("99.00"), 200)))
    ]  # fmt: skip


def tax_report(starts: date, ends: date) -> billing.TaxReport:
    """Return a quarter with one sale."""
    source = billing.TaxSource(UUID(int=950), "INV-2026-00000", PARTIES[0][1], starts, "S20", D(200))
    boxes = (
        billing.Box("1", "tax", D(200), (source,)), billing.Box("3", "total", D(200)),
        billing.Box("6", "net", D(1000), (replace(source, amount=D(1000)),)),
    )  # fmt: skip
    return billing.TaxReport(starts, ends, boxes, (billing.TaxTotal("S20", "sale", D(20), D(1000), D(200)),))


def some_figures(day: date) -> reports.Figures:
    """Return the figures of a company that grows, with a bad spring."""
    months = []
    cash = D(182_400)
    for n, (starts, ends) in enumerate(months_back(day)):
        income = D(96_000 + 2_350 * n - (41_000 if n == 8 else 0))
        cost = D(88_500 + 1_100 * n)
        cash += income - cost
        months.append(reports.Month(starts, ends, income, cost, cash))
    customers = ("Harbour Ltd", "Mill Street School", "Northgate Shopping Centre Management", "Quay Hotels")
    costs = ("Gross wages", "Subcontracted guards", "Fuel and oil", "Rent", "Uniforms", "Insurance")
    return reports.Figures(
        day=day, commodity="GBP", year_starts=date(day.year, 4, 1), cash=cash, receivable=D("148220.40"),
        payable=D("38910.00"), outflow=D("9840.00"), result=D("41250.00"), last_result=D("52110.00"),
        months=tuple(months),
        receivable_ages=(D("91400"), D("31020.40"), D("14800"), D("6000"), D("5000")),
        payable_ages=(D("38910"), D(0), D(0), D(0), D(0)),
        customers=(*parts(customers, 310_000, 900), reports.Part("Others", D(20_000), None)),
        costs=parts(costs, 640_000, 990),
    )  # fmt: skip


def parts(names: Sequence[str], most: int, first: int) -> tuple[reports.Part, ...]:
    """Return shares of falling size."""
    return tuple(reports.Part(name, D(most // (n + 1)), UUID(int=first + n)) for n, name in enumerate(names))
