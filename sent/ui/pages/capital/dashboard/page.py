"""The figures of the company on one screen; each leads to the report behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFrame, QGridLayout, QStackedLayout, QWidget

from sent.platform.i18n import formats, tr
from sent.ui.kit.cards import StatCard
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import Page
from sent.ui.kit.states import Notice
from sent.ui.kit.text import tip
from sent.ui.kit.widgets import Elided, card, column, row, scrolled
from sent.ui.pages.capital.dashboard.charts import (
    CASH,
    EXPENSES,
    INCOME,
    RESULT,
    AgeBar,
    CashChart,
    ProfitChart,
    ShareBars,
    age_names,
)
from sent.ui.pages.capital.dashboard.legend import Legend
from sent.ui.pages.capital.dashboard.plot import Mark, Plot
from sent.ui.pages.capital.dashboard.setupcard import SetupCard
from sent.ui.pages.capital.money import shown
from sent.ui.pages.capital.routes import leads_to, span_record
from sent.ui.shell.actions import Action
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.api import Setup
    from sent.engines.capital.reports.api import Figures, Part
    from sent.platform.errors import SentError

READ, MANAGE = "capital:read", "capital:manage"
ZERO = Decimal(0)


class DashboardPage(Page):
    """See the module."""

    topics = ("capital.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._front = False
        self.figures: Figures | None = None
        self.setup_card: SetupCard | None = None
        self.today: Callable[[], date] = date.today
        self.cash_card = StatCard(tr("Cash"))
        self.receivable_card = StatCard(tr("Customers owe"))
        self.payable_card = StatCard(tr("Owed to suppliers"))
        self.runway_card = StatCard(tr("Cash lasts"))
        self.result_card = StatCard(tr("Result this year"))
        self.cards = (
            self.cash_card, self.receivable_card, self.payable_card, self.runway_card, self.result_card
        )  # fmt: skip
        self.profit = ProfitChart(tr("Profit and loss by month"), high=190)
        self.cash = CashChart(tr("Cash at the months' ends"), high=190)
        self.ages = AgeBar(tr("Customers owe, by days over due"))
        self.customers = ShareBars(tr("Largest customers"), INCOME)
        self.costs = ShareBars(tr("Largest costs"), EXPENSES)
        self.charts: tuple[Plot, ...] = (self.profit, self.cash, self.ages, self.customers, self.costs)
        self.notice = Notice()
        self._arrange()
        self._connect()
        self._pace = Pace(self, self.refresh, soon_ms=400, apart_ms=4000)

    def _arrange(self) -> None:
        profit = _titled(
            tr("Profit and loss"),
            Legend(((tr("Income"), INCOME), (tr("Expenses"), EXPENSES), (tr("Result"), RESULT))),
            self.profit,
        )
        grid = QGridLayout()
        grid.setSpacing(12)
        grid.setContentsMargins(20, 16, 20, 16)
        tops = row(*self.cards, gap=12)
        grid.addLayout(tops, 0, 0, 1, 6)
        grid.addWidget(profit, 1, 0, 1, 3)
        grid.addWidget(_titled(tr("Cash"), None, self.cash), 1, 3, 1, 3)
        grid.addWidget(_titled(tr("Customers owe"), None, self.ages), 2, 0, 1, 2)
        grid.addWidget(_titled(tr("Largest customers, 12 months"), None, self.customers), 2, 2, 1, 2)
        grid.addWidget(_titled(tr("Largest costs, 12 months"), None, self.costs), 2, 4, 1, 2)
        for place in range(6):
            grid.setColumnStretch(place, 1)
        grid.setRowStretch(1, 5)
        grid.setRowStretch(2, 4)
        body = QWidget()
        body.setLayout(grid)
        self.stack = QStackedLayout(self)
        self.stack.setContentsMargins(0, 0, 0, 0)
        area = scrolled(body, tr("Figures"))
        body.setObjectName("canvas")
        self.stack.addWidget(area)
        self.stack.addWidget(self.notice)

    def _connect(self) -> None:
        opens = self._open_report
        self.cash_card.clicked.connect(lambda: opens("direct_cash_flow", year=True))
        self.receivable_card.clicked.connect(lambda: opens("aged_receivable"))
        self.payable_card.clicked.connect(lambda: opens("aged_payable"))
        self.runway_card.clicked.connect(lambda: opens("cash_flow", year=True))
        self.result_card.clicked.connect(lambda: opens("profit_and_loss", year=True))
        self.profit.opened.connect(lambda n: self._open_month("profit_and_loss", n))
        self.cash.opened.connect(lambda n: self._open_month("direct_cash_flow", n))
        self.ages.opened.connect(lambda _n: opens("aged_receivable"))
        self.customers.opened.connect(self._open_customer)
        self.costs.opened.connect(self._open_cost)

    def actions_(self) -> list[Action]:
        group = tr("Capital")
        return [
            Action("capital.reports", tr("Open the reports"), lambda: self.shell.open("reports"), "scale",
                   "R", READ, group),
            Action("capital.setup", tr("Set up the books"), self.set_up, "landmark", "", MANAGE, group),
        ]  # fmt: skip

    def activate(self) -> None:
        self._front = True
        self.refresh()
        if self.stack.currentIndex() == 0:
            self.cash_card.setFocus()

    def deactivate(self) -> None:
        self._front = False

    def refresh(self) -> None:
        if self.shell.person is None or not self._front:
            return
        day = self.today()

        async def load() -> Figures:
            found: Figures = await self.api("capital.reports").figures(self.ctx, day)
            return found

        self.run(load, done=self._show, failed=self._failed)

    def _failed(self, error: SentError) -> None:
        if error.code == "capital.setup.missing":
            self._show_empty()
        elif self.figures is None:
            self.notice.show_text(
                "cloud-alert", tr("The figures could not be loaded"), error_text(error),
                (tr("Try again"), self.refresh), tone="bad",
            )  # fmt: skip
            self.notice.setProperty("state", "error")
            self.stack.setCurrentIndex(1)
        else:
            self.shell.report(error)

    def _show_empty(self) -> None:
        self.shell.mark_fresh()
        text = tr("A chart of accounts, journals, a home currency and a business year: it takes a minute.")
        if self.shell.can(MANAGE):
            self.notice.show_text(
                "landmark", tr("The books are not open yet"), text, (tr("Set up the books"), self.set_up)
            )
        else:
            text = tr("Somebody who may manage accounts has to set them up.")
            self.notice.show_text("landmark", tr("The books are not open yet"), text)
        self.notice.setProperty("state", "empty")
        self.stack.setCurrentIndex(1)

    def set_up(self) -> None:
        """Ask how the books are kept, and open them."""
        if self.setup_card is None:
            self.setup_card = SetupCard(self.window())
        self.setup_card.ask(self._set_up)

    def _set_up(self, template: str, home: str, starts: tuple[int, int]) -> None:
        asked = self.setup_card

        async def act() -> Setup:
            found: Setup = await self.api("capital").set_up(self.ctx, template, home=home, year_starts=starts)
            return found

        def done(_: Setup) -> None:
            if asked is not None:
                asked.settle()
            self.shell.toast(tr("The books are open: book the opening balances next"))
            self.refresh()

        self.run(act, done=done, failed=lambda error: asked.refuse(error_text(error)) if asked else None)

    def _show(self, found: Figures) -> None:
        self.figures = found
        self.shell.mark_fresh()
        self.stack.setCurrentIndex(0)
        self._show_cards(found)
        names = [formats().months[one.starts.month - 1] for one in found.months]
        titles = [f"{name} {one.starts.year}" for name, one in zip(names, found.months, strict=True)]
        money = self._money
        profit = [
            Mark(
                title,
                (
                    (f"{money(one.income)} {tr('Income')}", INCOME),
                    (f"{money(one.expenses)} {tr('Expenses')}", EXPENSES),
                    (f"{money(one.result)} {tr('Result')}", RESULT),
                ),
            )
            for title, one in zip(titles, found.months, strict=True)
        ]
        self.profit.show_months(
            names, profit, [one.income for one in found.months], [one.expenses for one in found.months]
        )
        cash = [
            Mark(title, ((money(one.cash), CASH),)) for title, one in zip(titles, found.months, strict=True)
        ]
        self.cash.show_months(names, cash, [one.cash for one in found.months])
        ages = [
            Mark(name, ((money(amount), ""),))
            for name, amount in zip(age_names(), found.receivable_ages, strict=True)
        ]
        self.ages.show_ages(ages if any(found.receivable_ages) else (), found.receivable_ages)
        for chart, parts in ((self.customers, found.customers), (self.costs, found.costs)):
            chart.show_parts(self._marks(parts), [one.amount for one in parts])

    def _marks(self, parts: Sequence[Part]) -> list[Mark]:
        return [
            Mark(tr("All others") if one.id is None else one.label, ((self._money(one.amount), ""),))
            for one in parts
        ]

    def _money(self, amount: Decimal) -> str:
        """Return an amount without its cents: they say nothing here."""
        return f"{formats().figure(int(amount.to_integral_value()))}"

    def _show_cards(self, found: Figures) -> None:
        code = found.commodity
        gone = found.months[-2].cash if len(found.months) > 1 else ZERO
        moved = found.cash - gone
        self.cash_card.show_value(
            f"{self._money(found.cash)} {code}",
            tr("{amount} since the month began", amount=_signed(self._money(moved), moved)),
            "ok" if moved >= 0 else "warn",
        )
        self.receivable_card.show_value(
            f"{self._money(found.receivable)} {code}", *_late(found.overdue, found.receivable, self._money)
        )
        self.payable_card.show_value(
            f"{self._money(found.payable)} {code}", *_late(found.payable_overdue, found.payable, self._money)
        )
        if found.runway is None:
            self.runway_card.show_value(tr("Profitable"), tr("Cash grew over six months"), "ok")
        else:
            months = formats().figure(float(found.runway), 1)
            tone = "bad" if found.runway < 3 else "warn" if found.runway < 6 else "ok"
            self.runway_card.show_value(
                tr("{n} months", n=months),
                tr("{amount} less a month", amount=self._money(found.outflow)),
                tone,
            )
        more = found.result - found.last_result
        self.result_card.show_value(
            f"{self._money(found.result)} {code}",
            tr("{amount} against last year", amount=_signed(self._money(more), more)),
            "ok" if more >= 0 else "warn",
        )
        missing = tr("Left out for want of a rate: {names}", names=", ".join(found.missing))
        self.cash_card.setToolTip(tip(missing if found.missing else shown(found.cash, code)))

    def _open_report(self, kind: str, *, year: bool = False) -> None:
        if (found := self.figures) is not None:
            starts = found.year_starts if year else found.day.replace(day=1)
            self.shell.open("reports", span_record(kind, starts, found.day))

    def _open_month(self, kind: str, number: int) -> None:
        if (found := self.figures) is not None:
            month = found.months[number]
            self.shell.open("reports", span_record(kind, month.starts, month.ends))

    def _open_customer(self, number: int) -> None:
        if (found := self.figures) is not None:
            part = found.customers[number]
            if part.id is not None and leads_to("invoices"):
                self.shell.open("invoices", f"filter:{part.label}")
            else:
                self._open_report("aged_receivable")

    def _open_cost(self, number: int) -> None:
        if (found := self.figures) is not None:
            part, starts = found.costs[number], found.months[0].starts
            if part.id is None:
                self.shell.open("reports", span_record("profit_and_loss", starts, found.day))
            else:
                self.shell.open("reports", span_record("general_ledger", starts, found.day, part.id))

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint()

    def set_stale(self, since: datetime | None) -> None:
        for made in self.cards:
            made.set_stale(since is not None)
        for chart in self.charts:
            chart.set_stale(since is not None)


def _signed(text: str, amount: Decimal) -> str:
    return f"+{text}" if amount > 0 else text


def _late(overdue: Decimal, whole: Decimal, money: Callable[[Decimal], str]) -> tuple[str, str]:
    """Return the words for what is over due, and their tone."""
    if overdue <= 0:
        return tr("Nothing is over due"), "ok"
    share = int(overdue / whole * 100) if whole > 0 else 100
    return tr("{amount} over due ({share} %)", amount=money(overdue), share=min(share, 100)), (
        "bad" if share >= 50 else "warn"
    )


def _titled(title: str, right: QWidget | None, body: QWidget) -> QFrame:
    frame = card()
    head = Elided(title, weight="bold")
    top = row(head, right, gap=12) if right is not None else row(head)
    frame.setLayout(column(top, body, gap=8, margins=(14, 12, 14, 10)))
    frame.layout().setStretch(1, 1)  # type: ignore[union-attr]
    return frame
