"""What the rule would have raised on the events that are stored: progress, cancel, hits over time, hosts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QProgressBar, QStackedWidget, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.chart import LiveChart
from sent.ui.kit.choice import Segments
from sent.ui.kit.page import Page
from sent.ui.kit.states import Notice
from sent.ui.kit.text import clock, count, tip
from sent.ui.kit.widgets import button, column, label, row

if TYPE_CHECKING:
    from sent.engines.radar.rulebook.backtest import Backtest, Tried
    from sent.ui.bridge import Handle

SPANS = {"1": 1, "24": 24, "168": 168, "720": 720}
"""Hours by choice."""


class BacktestPane(QWidget):
    """See the module."""

    sample_chosen = Signal(object, object, str)
    """An event's id, its time and its message: to test the rule on."""
    ended = Signal()

    def __init__(self, page: Page, text: Callable[[], str]) -> None:
        super().__init__()
        self._page, self._text = page, text
        self._asked = 0
        self._handle: Handle | None = None
        self._tried_text = ""
        self.found: Backtest | None = None
        self.hours = "24"
        self.span = Segments(
            tr("How far back"),
            [("1", tr("1 hour")), ("24", tr("1 day")), ("168", tr("7 days")), ("720", tr("30 days"))],
            self.hours,
            self._choose_span,
        )
        self.go = button(tr("Backtest"), self.run, icon_name="clock", name=tr("Run the backtest"))
        self.go.setToolTip(tr("Run the rule over the stored events; nothing is raised (Ctrl+Shift+Enter)"))
        self.cancel = button(tr("Cancel"), self.stop, name=tr("Cancel the backtest"))
        self.cancel.hide()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(tr("Progress of the backtest"))
        self.bar.hide()
        self.said = label("", tone="2", wrap=True)
        self.said.hide()
        self.facts = label("", weight="medium", wrap=True)
        self.more = label("", tone="2", type="s", wrap=True)
        self.chart = LiveChart(tr("Hits over time"), unit=tr("hits"))
        self.chart.setFixedHeight(132)
        self.hosts = _list(tr("Hosts with the most hits"))
        self.samples = _list(tr("Events it would have fired on"))
        self.samples.itemActivated.connect(self._choose)
        self._arrange()

    def _arrange(self) -> None:
        self.notice = Notice()
        self.notice.show_text(
            "clock",
            tr("How often would it have fired?"),
            tr("The backtest runs the rule over the events that are stored; nothing is raised."),
        )
        result = QWidget()
        hosts = column(label(tr("Hosts"), weight="bold"), self.hosts, gap=4)
        samples = column(
            label(tr("Events"), weight="bold"),
            self.samples,
            label(tr("Enter tests the rule on the event"), tone="3", type="s", wrap=True),
            gap=4,
        )
        below = row(hosts, samples, gap=14)
        below.setStretch(0, 2)
        below.setStretch(1, 5)
        whole = column(self.facts, self.more, self.chart, below, gap=6)
        whole.setStretch(3, 1)
        result.setLayout(whole)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.notice)
        self.stack.addWidget(result)
        head = row(self.span, None, self.cancel, self.go, gap=8)
        body = column(head, self.bar, self.said, self.stack, gap=8, margins=(14, 10, 14, 12))
        body.setStretch(3, 1)
        self.setLayout(body)

    def _choose_span(self, hours: str) -> None:
        self.hours = hours

    def running(self) -> bool:
        """Say whether a backtest runs."""
        return self._handle is not None

    def run(self) -> None:
        """Run the rule over the stored events of the span."""
        self.stop()
        self._asked += 1
        asked, text, bridge = self._asked, self._text(), self._page.bridge()
        until = datetime.now(UTC)
        since = until - timedelta(hours=SPANS[self.hours])
        self._tried_text = text
        self._show_running(running=True)
        self._say(tr("Reading the stored events"))

        def progress(done: int, about: int) -> None:
            bridge.post(lambda: self._progress(asked, done, about))

        async def work() -> Backtest:
            found: Backtest = await self._page.api("radar").backtest_rule(
                self._page.ctx, text, since, until, progress
            )
            return found

        self._handle = bridge.run(
            work,
            owner=self,
            done=lambda found: self._done(found, since, until),
            failed=self._failed,
            label="backtest",
            limit=None,
        )

    def stop(self) -> None:
        """Cancel the backtest that runs."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.cancel()
            self._asked += 1
            self._show_running(running=False)
            self._say(tr("Cancelled"))
            self.ended.emit()

    def clear_result(self) -> None:
        """Forget what was tried: another rule is shown."""
        self.stop()
        self.found = None
        self._say("")
        self.stack.setCurrentIndex(0)

    def text_changed(self) -> None:
        """Say that what is shown is of another text."""
        if self.found is not None and self._text() != self._tried_text:
            self._say(tr("The rule was changed since this backtest"))

    def _say(self, text: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))

    def _show_running(self, *, running: bool) -> None:
        self.bar.setVisible(running)
        self.bar.setValue(0)
        self.cancel.setVisible(running)
        self.go.setEnabled(not running)

    def _progress(self, asked: int, done: int, about: int) -> None:
        if asked == self._asked and self._handle is not None:
            self.bar.setValue(round(1000 * done / max(1, about)))
            self._say(tr("{done} of about {all} events", done=count(done), all=count(about)))

    def _failed(self, error: Any) -> None:
        self._handle = None
        self._show_running(running=False)
        self._say("")
        self.found = None
        self.notice.show_text("circle-alert", tr("The backtest failed"), error.message, tone="warn")
        self.stack.setCurrentIndex(0)
        self.ended.emit()

    def _done(self, found: Backtest, since: datetime, until: datetime) -> None:
        self._handle = None
        self.found = found
        self._show_running(running=False)
        self._say("")
        (tried,) = found.tried
        days = max((until - since).total_seconds() / 86400, 1 / 24)
        self.facts.setText(facts(tried, days))
        self.more.setText(trn("{n} event was looked at", "{n} events were looked at", n=found.events))
        step = found.step_seconds
        start = int(since.timestamp() // step) * step
        times = list(range(start, int(until.timestamp()) + step, step))
        values = [float(tried.times.get(at, 0)) for at in times]
        self.chart.show_points(times, values, [], since.timestamp(), until.timestamp())
        self._show_lists(tried)
        self.stack.setCurrentIndex(1)
        self.ended.emit()

    def _show_lists(self, tried: Tried) -> None:
        self.hosts.clear()
        for host, hits in tried.hosts.most_common():
            self.hosts.addItem(f"{host or tr('(no host)')}  ·  {formats().figure(hits)}")
        if tried.other_hosts:
            text = trn(
                "{n} more hit on hosts beyond those counted",
                "{n} more hits on hosts beyond those counted",
                n=tried.other_hosts,
            )
            item = QListWidgetItem(text)
            item.setToolTip(tip(text))
            self.hosts.addItem(item)
        self.samples.clear()
        for sample in tried.samples:
            text = " ".join(sample.message[:600].split())
            place = f"{sample.host}  ·  " if sample.host else ""
            item = QListWidgetItem(f"{clock(sample.at)}  ·  {place}{text}")
            item.setToolTip(tip(sample.message[:1000]))
            item.setData(Qt.ItemDataRole.UserRole, (str(sample.event_id), sample.at.timestamp(), sample.at))
            self.samples.addItem(item)

    def _choose(self, item: QListWidgetItem) -> None:
        event_id, _, at = item.data(Qt.ItemDataRole.UserRole)
        self.sample_chosen.emit(UUID(event_id), at, item.text())


def facts(tried: Tried, days: float) -> str:
    """Return hits and alerts in words."""
    hits = trn("{n} hit", "{n} hits", n=tried.hits)
    alerts = trn("would raise {n} alert", "would raise {n} alerts", n=tried.alerts)
    per_day = count(round(tried.alerts / days, 1))
    return f"{hits}  ·  {tr('{alerts}, about {n} a day', alerts=alerts, n=per_day)}"


def _list(name: str) -> QListWidget:
    made = QListWidget()
    made.setAccessibleName(name)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    made.setTextElideMode(Qt.TextElideMode.ElideRight)
    made.setMinimumHeight(80)
    return made
