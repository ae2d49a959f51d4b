"""The months of a business year, the checks of the one in front, and its close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QStackedLayout, QWidget

from sent.platform.errors import SentError
from sent.platform.i18n import tr, trn
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import Page
from sent.ui.kit.states import Notice
from sent.ui.kit.widgets import Elided, column, row, scrolled, tool
from sent.ui.pages.capital import routes
from sent.ui.pages.capital.close.aside import Aside, month_name
from sent.ui.pages.capital.close.checklist import Checklist
from sent.ui.pages.capital.close.deeds import Deeds
from sent.ui.pages.capital.close.strip import MonthStrip
from sent.ui.pages.capital.money import day_shown
from sent.ui.pages.capital.routes import span_record
from sent.ui.shell.actions import Action
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.api import Period, Setup
    from sent.engines.capital.reports.api import Check

READ, CLOSE = "capital:read", "capital:close"
Offer = tuple[str, Callable[[], object]]


class ClosePage(Page):
    """See the module."""

    topics = ("capital.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._front = False
        self.today: Callable[[], date] = date.today
        self.kept: Setup | None = None
        self.year: tuple[date, date] | None = None
        self.periods: list[Period] = []
        self._all: list[Period] = []
        self._wanted: date | None = None
        self.title = Elided("", type="l")
        self.strip = MonthStrip()
        self.checklist = Checklist(self._offer)
        self.deeds = Deeds(self)
        self.aside = Aside(self.deeds)
        self.notice, self.none = Notice(), Notice()
        self._arrange()
        self.strip.chosen.connect(self._month_chosen)
        self.strip.entered.connect(self._enter_checks)
        self._pace = Pace(self, self.refresh, soon_ms=500, apart_ms=4000)

    def _arrange(self) -> None:
        self.before = tool("arrow-left", tr("Year before"), lambda: self._turn(-1))
        self.after = tool("arrow-right", tr("Year after"), lambda: self._turn(1))
        head = row(self.before, self.after, self.title, gap=8)
        head.setStretch(2, 1)
        self.aside.setFixedWidth(300)
        body = QWidget()
        cards = row(self.checklist, self.aside, gap=12)
        cards.setStretch(0, 1)
        body.setLayout(column(cards, None))
        self.area = scrolled(body, tr("Checks"))
        body.setObjectName("canvas")
        whole = QWidget()
        layout = column(head, self.strip, self.area, self.none, gap=12, margins=(20, 14, 20, 14))
        layout.setStretch(2, 1)
        layout.setStretch(3, 1)
        whole.setLayout(layout)
        self.stack = QStackedLayout(self)
        self.stack.setContentsMargins(0, 0, 0, 0)
        self.stack.addWidget(whole)
        self.stack.addWidget(self.notice)

    def actions_(self) -> list[Action]:
        group = tr("Closing")

        def closing(*states: str) -> Callable[[], bool]:
            return lambda: (one := self.period()) is not None and one.state in states

        deeds = self.deeds
        return [
            Action("close.soft", tr("Close the month softly"), deeds.close_softly, "lock", "S", CLOSE, group,
                   enabled=closing("open")),
            Action("close.hard", tr("Close the month for good"), deeds.close_for_good, "lock", "", CLOSE,
                   group, enabled=closing("open", "soft")),
            Action("close.open", tr("Open the month again"), deeds.open_again, "rotate-ccw", "O", CLOSE,
                   group, enabled=closing("soft", "hard")),
            Action("close.year", tr("Close the year"), deeds.close_year, "scale", "Y", CLOSE, group,
                   enabled=lambda: self.year is not None),
            Action("close.verify", tr("Verify the seals"), deeds.verify, "shield-check", "V", READ, group),
        ]  # fmt: skip

    def activate(self) -> None:
        self._front = True
        self.refresh()
        self.strip.setFocus()

    def deactivate(self) -> None:
        self._front = False

    def period(self) -> Period | None:
        """Return the month in front."""
        return self.periods[self.strip.current] if 0 <= self.strip.current < len(self.periods) else None

    def refresh(self) -> None:
        if self.shell.person is None or not self._front:
            return

        async def load() -> tuple[Any, ...]:
            api = self.api("capital")
            kept = await api.setup(self.ctx)
            return kept, await api.periods(self.ctx), await api.reopenings(self.ctx), self.ctx.actor

        self.run(load, done=self._show, failed=self._failed)

    def _failed(self, error: SentError) -> None:
        if self.kept is not None:
            self.shell.report(error)
            return
        self.notice.show_text(
            "cloud-alert", tr("The months could not be loaded"), error_text(error),
            (tr("Try again"), self.refresh), tone="bad",
        )  # fmt: skip
        self.notice.setProperty("state", "error")
        self.stack.setCurrentIndex(1)

    def _show(self, found: tuple[Any, ...]) -> None:
        kept, periods, asked, actor = found
        self.shell.mark_fresh()
        self.kept = kept
        if kept is None:
            self.notice.show_text(
                "landmark",
                tr("The books are not open yet"),
                tr("Set up the books on the Capital page first."),
                (tr("Open Capital"), lambda: self.shell.open("capital")),
            )  # fmt: skip
            self.notice.setProperty("state", "empty")
            self.stack.setCurrentIndex(1)
            return
        self.stack.setCurrentIndex(0)
        self._all = sorted(periods, key=lambda one: one.starts)
        names = {one.id: month_name(one) for one in periods}
        waiting = [(one, names.get(one.period, "")) for one in asked if one.granted_by is None]
        self.aside.show_asked(waiting, actor, may=self.shell.can(CLOSE))
        self._show_year()

    def _start(self, kept: Setup) -> date:
        """Return a day of the month to begin with: what was asked for, else the first to be closed."""
        today = self.today()
        ended = (one.starts for one in self._all if one.state == "open" and one.ends < today)
        return self._wanted or next(ended, today)

    def _show_year(self) -> None:
        kept = self.kept
        if kept is None:
            return
        current = self.period()
        if self.year is None or self._wanted is not None:
            day = self._start(kept)
            self.year = kept.year(day)
        else:
            day = current.starts if current is not None else self.year[0]
        self._wanted = None
        starts, ends = self.year
        self.title.setText(
            tr("Business year {starts} to {ends}", starts=day_shown(starts), ends=day_shown(ends))
        )
        self.periods = [one for one in self._all if starts <= one.starts <= ends]
        number = next((n for n, one in enumerate(self.periods) if one.starts <= day <= one.ends), 0)
        self.strip.show_periods(self.periods, number if self.periods else -1)
        self._show_whether()
        self._load_month()

    def _show_whether(self) -> None:
        """Show the months, or that the year has none yet."""
        there = bool(self.periods)
        self.area.setVisible(there)
        self.strip.setVisible(there)
        self.none.setVisible(not there)
        if not there:
            opens = [(tr("Open this year"), self.open_year)] if self.shell.can(CLOSE) else []
            self.none.show_text(
                "calendar-check", tr("This business year has no months yet"),
                tr("Once they are there, they are closed one by one. Booking needs none of them."), *opens,
            )  # fmt: skip

    def _turn(self, step: int) -> None:
        if self.year is not None and self.kept is not None:
            starts, ends = self.year
            day = starts - timedelta(days=1) if step < 0 else ends + timedelta(days=1)
            self.year = self.kept.year(day)
            self.strip.current = -1
            self._show_year()

    def open_year(self) -> None:
        """Make the months of the year in front."""
        if self.year is None:
            return
        day = self.year[0]

        async def act() -> list[Period]:
            found: list[Period] = await self.api("capital").open_year(self.ctx, day)
            return found

        def done(made: list[Period]) -> None:
            self.shell.toast(trn("{n} month is open", "{n} months are open", n=len(made)))
            self._wanted = day
            self.refresh()
            self.strip.setFocus()

        self.run(act, done=done)

    def _month_chosen(self, _number: int) -> None:
        self._load_month()

    def _enter_checks(self) -> None:
        first = next(iter(self.checklist.buttons.values()), None)
        if first is not None:
            first.setFocus()

    def _load_month(self) -> None:
        one = self.period()
        if one is None or self.year is None:
            return
        starts, ends = self.year
        self.checklist.show_loading()
        wrong = any(check.state == "bad" for check in self.checklist.checks)
        self.aside.show_period(one, may=self.shell.can(CLOSE), wrong=wrong)

        async def load() -> tuple[Sequence[Check], date | None]:
            api = self.api("capital.reports")
            checks = await api.checks(self.ctx, one.id)
            if routes.has("schedules"):
                due = await self.api("capital.schedules").due(self.ctx, one.ends)
                state = "todo" if due else "ok"
                checks = [*checks[:-1], api.Check("schedules", state, Decimal(len(due)), ""), checks[-1]]
            closed = await api.entries(self.ctx, kind="closing", starts=ends, ends=ends, limit=1)
            return checks, closed[0].booked_at.astimezone().date() if closed else None

        def done(found: tuple[Sequence[Check], date | None]) -> None:
            now = self.period()
            if now is None or now.id != one.id:
                return
            checks, booked = found
            self.checklist.show_checks(checks)
            may = self.shell.can(CLOSE)
            self.aside.show_period(now, may=may, wrong=any(check.state == "bad" for check in checks))
            self.aside.show_year(starts, ends, booked, may=may)

        self.run(load, done=done)

    def _offer(self, check: Check) -> Offer | None:
        """Return what leads to the cure of a check, or does it."""
        one, open_ = self.period(), self.shell.open
        if one is None:
            return None
        offers: dict[str, Offer] = {
            "trial_balance": (
                tr("Show"), lambda: open_("reports", span_record("trial_balance", one.starts, one.ends))
            ),
            "seal": (tr("Verify"), self.deeds.verify),
        }  # fmt: skip
        if check.state != "ok":
            offers |= {
                "earlier": (tr("Go there"), self._go_to_earliest),
                "suspense": (tr("Show"), lambda: open_("accounts", check.record)),
                "reservations": (
                    tr("Show"), lambda: open_("journal", f"filter:kind:pending to:{one.ends.isoformat()}")
                ),
                "depreciation": (tr("Show"), lambda: open_("journal")),
            }  # fmt: skip
            if routes.has("schedules") and self.shell.can("capital:post"):
                offers["depreciation"] = (tr("Book"), self.deeds.depreciate)
                offers["schedules"] = (tr("Book"), self.deeds.run_due)
            if routes.leads_to("invoices"):
                offers["drafts"] = (tr("Show"), lambda: open_("invoices"))
            if routes.leads_to("bank"):
                offers["bank"] = (tr("Show"), lambda: open_("bank"))
            if self.shell.can("capital:manage") or self.shell.can(CLOSE):
                offers["rates"] = (tr("Enter a rate"), lambda: self.deeds.enter_rate(check))
            if self.shell.can(CLOSE):
                offers["revaluation"] = (tr("Book"), self.deeds.revalue)
        return offers.get(check.id)

    def _go_to_earliest(self) -> None:
        first = next((one for one in self._all if one.state == "open"), None)
        if first is not None:
            self._wanted = first.starts
            self._show_year()
            self.strip.setFocus()

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint()

    def set_stale(self, since: datetime | None) -> None:
        self.strip.set_stale(since is not None)

    def open_record(self, record: str) -> None:
        try:
            self._wanted = date.fromisoformat(record)
        except ValueError:
            self.shell.toast(tr("There is no month {name}", name=record), tone="warn")
            return
        if self.kept is not None:
            self._show_year()

    def current_record(self) -> str:
        one = self.period()
        return one.starts.isoformat() if one is not None else ""
