"""A report with its choice above; one level down, the lines behind an amount."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QStackedLayout, QWidget

from sent.platform.errors import Invalid
from sent.platform.i18n import tr
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.states import ListStates, Notice
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import Elided, button, card, column, label, row, tool
from sent.ui.pages.capital.reports import drill, wording
from sent.ui.pages.capital.reports.choices import Choices
from sent.ui.pages.capital.reports.sheet import ReportSheet
from sent.ui.pages.capital.reports.spans import Span
from sent.ui.pages.capital.reports.taking import Taking
from sent.ui.pages.capital.routes import Wanted, leads_to, span_record, wanted
from sent.ui.shell.actions import Action
from sent.ui.shell.palette import Entry
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.reports.api import Report, Row
    from sent.platform.errors import SentError

READ = "capital:read"
SHEET, NOTICE, LINES = range(3)


class ReportsPage(Page):
    """See the module."""

    topics = ("capital.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._front = False
        self._asked = 0
        self._wanted: Wanted | None = None
        self._drilled: tuple[Row, Span] | None = None
        self.today: Callable[[], date] = date.today
        self.report: Report | None = None
        self.commodity = ""
        self.choices = Choices(self.today())
        self.sheet = ReportSheet()
        self.notice = Notice()
        self.table = PagedTable(
            drill.columns(lambda: self.commodity), run=self.run, name=tr("Lines behind the amount")
        )
        self.states = ListStates(
            self.table, empty=("list", tr("Nothing was booked"), tr("This amount has no lines of its own."))
        )
        self.taking = Taking(self, lambda: self.report)
        self.title, self.subtitle = Elided("", type="l"), Elided("", tone="3", type="s")
        self.back_button = tool("arrow-left", tr("Back to the report"), self.back)
        self.remark = label("", tone="warn", type="s", wrap=True)
        self._arrange()
        self._connect()
        self._pace = Pace(self, self.refresh, soon_ms=500, apart_ms=4000)

    def _arrange(self) -> None:
        self.export_button = button(tr("Export"), self.taking.ask, icon_name="download")
        self.print_button = button(tr("Print"), self.taking.print, kind="quiet", icon_name="file")
        heads = column(self.title, self.subtitle, gap=1)
        head = row(self.back_button, heads, self.print_button, self.export_button, gap=8)
        head.setStretch(1, 1)
        self.back_button.hide()
        self.remark.hide()
        frame, self.body = card(), QWidget()
        self.stack = QStackedLayout(self.body)
        self.stack.setContentsMargins(0, 0, 0, 0)
        for part in (self.sheet, self.notice, self.states):
            self.stack.addWidget(part)
        frame.setLayout(column(self.body, margins=(1, 4, 1, 4)))
        body = column(self.choices, head, self.remark, frame, gap=10, margins=(20, 14, 20, 14))
        body.setStretch(3, 1)
        self.setLayout(body)

    def _connect(self) -> None:
        self.sheet.model_.show_skeleton()
        self.table.model_.show_skeleton()
        self.table.remember_columns(self.shell.prefs, "reports.lines")
        self.choices.changed.connect(self._chosen)
        self.sheet.opened.connect(self.go_down)
        self.sheet.left.connect(self.choices.kind.setFocus)
        self.table.opened.connect(self._open_below)
        self.table.left.connect(self.back)

    def actions_(self) -> list[Action]:
        group = tr("Reports")
        return [
            Action("reports.choose", tr("Choose a report"), self.choose, "scale", "R", READ, group),
            Action("reports.export", tr("Export this report"), self.taking.ask, "download", "Ctrl+E", READ,
                   group, enabled=lambda: self.report is not None),
            Action("reports.print", tr("Print this report"), self.taking.print, "file", "Ctrl+P", READ, group,
                   enabled=lambda: self.report is not None),
            Action("reports.copy", tr("Copy the whole report"), self.copy_report, "copy", "Ctrl+Shift+C",
                   READ, group, enabled=lambda: self.report is not None),
            Action("reports.back", tr("Back to the report"), self.back, "arrow-left", "Backspace", READ,
                   group, enabled=lambda: self._drilled is not None),
        ]  # fmt: skip

    def list_view(self) -> ListView | None:
        return ListView("reports.lines", None, self.table) if self._drilled is not None else None

    def lists(self) -> list[ListView]:
        return [ListView("reports.lines", None, self.table)]

    def activate(self) -> None:
        self._front = True
        self.refresh()
        (self.table if self._drilled is not None else self.sheet).setFocus()

    def deactivate(self) -> None:
        self._front = False

    def choose(self) -> None:
        """Choose a report in the palette."""
        take = self.choices.take
        entries = [Entry(id, name, icon="scale", run=partial(take, id)) for id, name in wording.kinds()]
        self.shell.choose(tr("Report"), entries)

    def _chosen(self) -> None:
        self._leave_lines()
        self.report = None
        self.sheet.model_.show_skeleton()
        self.stack.setCurrentIndex(SHEET)
        self.refresh()

    def refresh(self) -> None:
        if self.shell.person is None or not self._front:
            return
        self._asked += 1
        asked, today = self._asked, self.today()

        async def years() -> Any:
            return await self.api("capital").setup(self.ctx)

        def known(kept: Any) -> None:
            if asked != self._asked:
                return
            if kept is None:
                self._show_unset()
                return
            self.choices.set_year(today, kept.year)
            if self._wanted is not None:
                self.choices.set_report(self._wanted.kind, self._wanted.starts, self._wanted.ends)
            self._load(asked)

        self.run(years, done=known, failed=self._failed)

    def _load(self, asked: int) -> None:
        kind, spans = self.choices.kind.choice(), self.choices.columns()

        async def load() -> Report:
            return await self._read(kind, spans)

        def done(report: Report) -> None:
            if asked == self._asked:
                self._show(kind, spans, report)

        self.run(load, done=done, failed=self._failed)

    async def _read(self, kind: str, spans: Sequence[Span]) -> Report:
        api, first = self.api("capital.reports"), spans[0]
        found: Report
        if kind == "general_ledger":
            found = await api.general_ledger(self.ctx, first.starts, first.ends)
        elif kind in ("aged_receivable", "aged_payable"):
            found = await api.aged(self.ctx, kind.removeprefix("aged_"), first.ends)
        elif kind == "budget":
            found = await self._budget(first.ends)
        elif kind == "tax":
            found = await api.tax_return(self.ctx, first.starts, first.ends)
        else:
            moment = kind in wording.MOMENTS
            columns = [api.Column(one.title, None if moment else one.starts, one.ends) for one in spans]
            found = await api.report(self.ctx, kind, columns)
        return found

    async def _budget(self, ends: date) -> Report:
        """Return the newest budget that has begun by a day against what was booked."""
        api = self.api("capital.schedules")
        one = next((one for one in await api.budgets(self.ctx) if one.starts <= ends), None)
        if one is None:
            raise Invalid("capital.budget.missing", tr("There is no budget of these days yet"))
        found: Report = await api.against(self.ctx, one.id, ends)
        return found

    def _show(self, kind: str, spans: Sequence[Span], report: Report) -> None:
        self.shell.mark_fresh()
        self.commodity = report.commodity
        self.report = wording.translated(report)
        if self.choices.compare.choice() in ("previous", "last_year"):
            self.report = wording.with_change(self.report)
        self.remark.setText("\n".join(report.notes))
        self.remark.setVisible(bool(report.notes))
        self.sheet.show_report(self.report)
        self._heading(self.report.title, wording.subtitle(kind, spans, report.commodity))
        if self._drilled is not None:
            self._load_lines(*self._drilled)
        elif not any(any(one.amounts) for one in report.rows):
            self.notice.show_text(
                "scale", tr("Nothing was booked in these days"), tr("Choose other days, or another report.")
            )
            self.stack.setCurrentIndex(NOTICE)
        else:
            self.stack.setCurrentIndex(SHEET)
        if (found := self._wanted) is not None:
            self._wanted = None
            self._go_to(found)

    def _go_to(self, found: Wanted) -> None:
        rows = [line.row for line in self.sheet.model_.shown]
        number = next((n for n, one in enumerate(rows) if one.account == found.account), None)
        if found.account is not None and number is not None:
            self.sheet.go(number)
            self.go_down(rows[number], 0)

    def _show_unset(self) -> None:
        self.notice.show_text(
            "landmark", tr("The books are not open yet"), tr("Set up the books on the Capital page first."),
            (tr("Open Capital"), lambda: self.shell.open("capital")),
        )  # fmt: skip
        self.notice.setProperty("state", "empty")
        self.stack.setCurrentIndex(NOTICE)

    def _failed(self, error: SentError) -> None:
        if self.report is not None:
            self.shell.report(error)
            return
        self.notice.show_text(
            "cloud-alert", tr("The report could not be made"), error_text(error),
            (tr("Try again"), self.refresh), tone="bad",
        )  # fmt: skip
        self.notice.setProperty("state", "error")
        self.stack.setCurrentIndex(NOTICE)

    def _heading(self, title: str, subtitle: str) -> None:
        if self._drilled is None:
            self.title.setText(title)
            self.subtitle.setText(subtitle)

    def span_of(self, amount: int) -> Span:
        """Return the days of an amount: a trial balance has two amounts for each column."""
        spans = self.choices.columns()
        kind = self.choices.kind.choice()
        if kind == "budget" and self.report is not None and (since := self.report.columns[0].starts):
            return Span(spans[0].title, since, self.report.columns[0].ends)
        number = 0 if kind in wording.LISTS else amount // 2 if kind == "trial_balance" else amount
        return spans[number] if number < len(spans) else spans[0]

    def go_down(self, chosen: Row, amount: int) -> None:
        """Show what an amount is made of."""
        kind = self.choices.kind.choice()
        if chosen.account is None and not (kind == "tax" and chosen.kind == "account"):
            return
        self._drilled = (chosen, self.span_of(amount))
        self.title.setText(" ".join(part for part in (chosen.code, chosen.label) if part))
        starts = "" if kind in wording.AT_A_DAY else self._drilled[1].title
        self.subtitle.setText(starts or wording.subtitle(kind, [self._drilled[1]], self.commodity))
        self.back_button.show()
        self.table.model_.show_skeleton()
        self.stack.setCurrentIndex(LINES)
        self.table.setFocus()
        self._load_lines(*self._drilled)

    def _load_lines(self, chosen: Row, span: Span) -> None:
        kind = self.choices.kind.choice()
        if kind in ("general_ledger", "budget", *wording.MOMENTS, *wording.FLOWS):
            self._load_postings(chosen, span, kind)
            return

        async def load() -> list[drill.Below]:
            billing = self.api("capital.billing")
            if kind == "tax":
                found = await billing.tax_report(self.ctx, span.starts, span.ends)
                boxes = found.boxes
                what = "net" if chosen.amounts[0] is not None else "tax"
                return drill.of_box(boxes, chosen.code, what)
            side = kind.removeprefix("aged_")
            items = await billing.open_items(self.ctx, span.ends, side, party=chosen.account)
            return drill.of_items(items)

        def done(found: list[drill.Below]) -> None:
            if self._drilled == (chosen, span):
                self.table.show_rows(found, key=lambda one: one.key)

        self.run(load, done=done, failed=self.table.model_.failed.emit)

    def _load_postings(self, chosen: Row, span: Span, kind: str) -> None:
        async def load() -> tuple[Any, ...]:
            account = chosen.account
            about = next(one for one in await self.api("capital").accounts(self.ctx) if one.id == account)
            commodity = about.commodity or self.commodity
            return about, commodity, await self.api("capital.reports").days(self.ctx, account, commodity)

        def done(found: tuple[Any, ...]) -> None:
            about, commodity, days = found
            if self._drilled != (chosen, span):
                return

            async def ask(*wanted: Any) -> Any:
                starts, ends, skip, limit, before = wanted
                return await self.api("capital.reports").postings(
                    self.ctx, chosen.account, commodity, starts, ends, skip=skip, limit=limit, before=before
                )

            sign = -1 if about.kind in ("income", "liability", "equity") else 1
            starts = None if kind in wording.MOMENTS else span.starts
            self.table.set_source(drill.postings(days, starts, span.ends, sign, ask), keep=True)

        self.run(load, done=done, failed=self.table.model_.failed.emit)

    def _open_below(self, below: drill.Below) -> None:
        if below.page and leads_to(below.page):
            self.shell.open(below.page, below.record)

    def record_of(self, row: Any) -> str:
        return str(getattr(row, "record", ""))

    def _open_apart(self, row: Any) -> None:
        if row.page and leads_to(row.page):
            self.shell.open_apart(row.page, row.record)

    def _leave_lines(self) -> bool:
        if self._drilled is None:
            return False
        self._drilled = None
        self.back_button.hide()
        return True

    def back(self) -> bool:
        if not self._leave_lines():
            return False
        if self.report is not None:
            kind, spans = self.choices.kind.choice(), self.choices.columns()
            self._heading(self.report.title, wording.subtitle(kind, spans, self.commodity))
        self.stack.setCurrentIndex(SHEET)
        self.sheet.setFocus()
        return True

    def copy_report(self) -> None:
        """Put the whole report on the clipboard."""
        self.sheet.copy(whole=True)
        self.shell.toast(tr("The report is on the clipboard"))

    def open_record(self, record: str) -> None:
        found = wanted(record)
        if found is None or found.kind not in dict(wording.kinds()) or found.starts > found.ends:
            self.shell.toast(tr("There is no report {name}", name=record), tone="warn")
            return
        self._wanted = found
        self._leave_lines()
        self.report = None
        self.sheet.model_.show_skeleton()
        self.stack.setCurrentIndex(SHEET)
        self.refresh()

    def current_record(self) -> str:
        account = self._drilled[0].account if self._drilled is not None else None
        return span_record(self.choices.kind.choice(), *self.choices.days, account)

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint()

    def set_stale(self, since: datetime | None) -> None:
        self.sheet.set_dimmed(since is not None)
        self.table.set_dimmed(since is not None)
