"""Cards and rate above; the queue or the live tail below."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QStackedWidget, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.cards import StatCard
from sent.ui.kit.chart import Legend, LiveChart
from sent.ui.kit.page import Page
from sent.ui.kit.rates import filled
from sent.ui.kit.text import count
from sent.ui.kit.widgets import button, card, column, label, row
from sent.ui.pages.radar.live import LiveTail
from sent.ui.pages.radar.queue import AlertQueue
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.engines.radar.api import Counters, RatePoint

EVERY_MS = 5000
SPANS = ((3600, 60), (6 * 3600, 300), (24 * 3600, 900), (7 * 86400, 7200))
"""Seconds shown and seconds per bucket, from near to far."""


class RadarPage(Page):
    """The analyst's desk."""

    topics = ("radar.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.urgent = StatCard(tr("Critical and high"))
        self.open_alerts = StatCard(tr("Open alerts"))
        self.events = StatCard(tr("Events per second"))
        self.rules = StatCard(tr("Rules"))
        self.cards = (self.urgent, self.open_alerts, self.events, self.rules)
        self.queue = AlertQueue(self)
        self.tail = LiveTail(self)
        self.urgent.clicked.connect(lambda: self.show_filter("level:critical level:high -state:closed"))
        self.open_alerts.clicked.connect(lambda: self.show_filter("-state:closed"))
        self.events.clicked.connect(lambda: self.show_tab(1))
        self.rules.clicked.connect(lambda: self.show_tab(0))
        self.chart = LiveChart(tr("Events and alerts over time"), unit=tr("events/s"), bars_name=tr("alerts"))
        self._span = 0
        self._window: tuple[float, float] | None = None
        self.chart.span_chosen.connect(self._zoom)
        self.chart.span_reset.connect(lambda: self._zoom(0, 0))
        self.tabs = [
            button(tr("Alerts"), lambda: self.show_tab(0), kind="tab"),
            button(tr("Live tail"), lambda: self.show_tab(1), kind="tab"),
        ]
        for tab in self.tabs:
            tab.setCheckable(True)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.queue)
        self.stack.addWidget(self.tail)
        self._arrange()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self._load_figures)
        self._soon = QTimer(self, singleShot=True, interval=250)
        self._soon.timeout.connect(self._changed)
        self._busy = False
        self.tabs[0].setChecked(True)

    def _arrange(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(10)
        for number, figure in enumerate(self.cards):
            figure.setMinimumWidth(176)
            grid.addWidget(figure, number // 2, number % 2)
        frame = card()
        self._range = QWidget()
        self._ranges = [
            button(text, partial(self._choose_span, n), kind="segment", name=name)
            for n, (text, name) in enumerate(_ranges())
        ]
        for made in self._ranges:
            made.setCheckable(True)
        self._ranges[0].setChecked(True)
        self._range.setLayout(row(*self._ranges, gap=2))
        head = row(
            label(tr("Events per second"), weight="medium"),
            Legend(tr("Events"), tr("Alerts")),
            None,
            self._range,
            gap=14,
        )
        inside = column(head, self.chart, gap=2, margins=(16, 8, 10, 4))
        inside.setStretch(1, 1)
        frame.setLayout(inside)
        frame.setFixedHeight(186)
        top = row(grid, frame, gap=12)
        top.setStretch(1, 1)
        tabs = row(*self.tabs, None, gap=18)
        body = column(top, tabs, self.stack, gap=8, margins=(20, 16, 20, 14))
        body.setStretch(2, 1)
        self.setLayout(body)

    def actions_(self) -> list[Action]:
        queue, group, move = self.queue, tr("Radar"), tr("In a list")
        has = lambda: bool(queue.chosen()) and self.stack.currentIndex() == 0  # noqa: E731
        return [
            Action(
                "radar.acknowledge",
                tr("Acknowledge"),
                lambda: queue.set_state("acknowledged"),
                "check",
                "A",
                "radar:triage",
                group,
                undo=True,
                enabled=has,
            ),
            Action(
                "radar.close",
                tr("Close alert"),
                lambda: queue.set_state("closed"),
                "circle-check",
                "C",
                "radar:triage",
                group,
                undo=True,
                enabled=has,
            ),
            Action(
                "radar.reopen",
                tr("Reopen"),
                lambda: queue.set_state("new"),
                "rotate-ccw",
                "Shift+O",
                "radar:triage",
                group,
                undo=True,
                enabled=has,
            ),
            Action(
                "radar.assign",
                tr("Assign to"),
                queue.assign,
                "user-plus",
                "S",
                "radar:triage",
                group,
                undo=True,
                enabled=has,
            ),
            Action(
                "radar.mine",
                tr("Assign to me"),
                queue.assign_to_me,
                "user-check",
                "M",
                "radar:triage",
                group,
                undo=True,
                enabled=has,
            ),
            Action(
                "radar.open",
                tr("Open alert"),
                self._open_current,
                "panel-right",
                "O",
                "radar:read",
                group,
                enabled=has,
            ),
            Action(
                "radar.copy",
                tr("Copy alert id"),
                self._copy_id,
                "copy",
                "Y",
                "radar:read",
                group,
                enabled=has,
            ),
            Action(
                "radar.filter", tr("Filter"), self._focus_filter, "list-filter", "Ctrl+F", "radar:read", group
            ),
            Action(
                "radar.queue", tr("Alert queue"), lambda: self.show_tab(0), "list", "Q", "radar:read", group
            ),
            Action(
                "radar.tail", tr("Live tail"), lambda: self.show_tab(1), "radio", "L", "radar:read", group
            ),
            Action(
                "radar.pause",
                tr("Pause or go on with the live tail"),
                self.tail.toggle_pause,
                "pause",
                "P",
                "radar:read",
                group,
                enabled=lambda: self.stack.currentIndex() == 1,
            ),
            Action(
                "radar.export",
                tr("Export this list"),
                self._export,
                "download",
                "Ctrl+E",
                "radar:read",
                group,
            ),
            Action(
                "radar.range",
                tr("Next time range"),
                lambda: self._choose_span((self._span + 1) % len(SPANS)),
                "clock",
                "T",
                "radar:read",
                group,
            ),
            *[
                Action(f"list.{key}", text, _nothing, shortcut=key, group=move, hidden=True)
                for key, text in _list_keys()
            ],
        ]

    def activate(self) -> None:
        self._timer.start()
        if self.stack.currentIndex() == 1:
            self.tail.start()
        self.refresh()
        if not self.queue.filter.edit.hasFocus():
            self.queue.table.setFocus()

    def deactivate(self) -> None:
        self._timer.stop()
        self.tail.stop()

    def refresh(self) -> None:
        self._load_figures()
        self.queue.reload()

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._timer.isActive() and not self._soon.isActive():
            self._soon.start()

    def _changed(self) -> None:
        self._load_figures()
        self.queue.reload()

    def show_tab(self, number: int) -> None:
        """Show the queue (0) or the live tail (1)."""
        for n, tab in enumerate(self.tabs):
            tab.setChecked(n == number)
        self.stack.setCurrentIndex(number)
        if number == 1 and self.shell.person is not None:
            self.tail.start()
            self.tail.table.setFocus()
        else:
            self.tail.stop()
            self.queue.table.setFocus()

    def show_filter(self, text: str) -> None:
        """Show the queue with a filter."""
        self.show_tab(0)
        self.queue.filter.set_text(text)

    def open_record(self, record: str) -> None:
        if record.startswith("filter:"):
            self.show_filter(record.removeprefix("filter:"))
        else:
            self.show_tab(0)
            self.queue.open_id(UUID(record))

    def back(self) -> bool:
        return self.stack.currentIndex() == 0 and self.queue.back()

    def set_stale(self, since: datetime | None) -> None:
        for made in self.cards:
            made.set_stale(since is not None)
        self.chart.set_stale(since is not None)
        self.queue.table.set_dimmed(since is not None)
        self.tail.table.set_dimmed(since is not None)

    def _open_current(self) -> None:
        alert = self.queue.table.current_row()
        if alert is not None:
            self.queue.open_alert(alert)

    def _copy_id(self) -> None:
        ids = [str(alert.id) for alert in self.queue.chosen()]
        QGuiApplication.clipboard().setText("\n".join(ids))
        self.shell.toast(trn("Copied {n} id", "Copied {n} ids", n=len(ids)), tone="info")

    def _focus_filter(self) -> None:
        (self.tail if self.stack.currentIndex() else self.queue).filter.edit.setFocus()

    def _export(self) -> None:
        if self.stack.currentIndex() == 1:
            self.tail.export()
        else:
            self.queue.export()

    def _choose_span(self, number: int) -> None:
        self._span, self._window = number, None
        for n, made in enumerate(self._ranges):
            made.setChecked(n == number)
        self._busy = False
        self._load_figures()

    def _zoom(self, start: float, stop: float) -> None:
        """Look closer at a span that was drawn; an empty one goes back."""
        self._window = (start, stop) if stop > start else None
        self._busy = False
        self._load_figures()

    def _span_now(self) -> tuple[float, float, int]:
        span, bucket = SPANS[self._span]
        now = datetime.now(UTC).timestamp()
        if self._window is None:
            return now - span, now, bucket
        start, stop = self._window
        width = max(60.0, stop - start)
        return start, start + width, max(60, int(width // 120 // 60) * 60)

    def _load_figures(self) -> None:
        if self._busy or self.shell.person is None:
            return
        start, stop, bucket = self._span_now()

        async def load() -> tuple[Counters, list[RatePoint]]:
            radar, ctx = self.api("radar"), self.ctx
            since, until = (
                datetime.fromtimestamp(start, UTC),
                datetime.fromtimestamp(stop, UTC) + timedelta(seconds=1),
            )
            counters, points = await asyncio.gather(
                radar.counters(ctx), radar.rate(ctx, since, until, bucket)
            )
            return counters, points

        def failed(error: Any) -> None:
            self._busy = False
            self.shell.report(error)

        self._busy = True
        self.run(load, done=lambda found: self._show(*found, start, stop, bucket), failed=failed)

    def _show(
        self, counters: Counters, points: list[RatePoint], start: float, stop: float, bucket: int
    ) -> None:
        self._busy = False
        self.shell.mark_fresh()
        levels = counters.open_alerts_by_level
        urgent = levels.get("critical", 0) + levels.get("high", 0)
        self.urgent.show_value(
            count(urgent), tr("{n} critical", n=levels.get("critical", 0)), "bad" if urgent else "ok"
        )
        total = sum(levels.values())
        self.open_alerts.show_value(
            count(total), tr("{n} medium or lower", n=count(total - urgent)), "warn" if total else "ok"
        )
        lag = counters.ingest_lag_ms
        behind = tr("no radar runs") if lag is None else tr("{ms} ms behind", ms=count(lag))
        self.events.show_value(
            count(counters.events_per_second), behind, "warn" if lag is None or lag > 5000 else "ok"
        )
        rejected = trn("{n} rejected", "{n} rejected", n=counters.rules_rejected)
        sources = trn("{n} source", "{n} sources", n=counters.sources)
        self.rules.show_value(
            count(counters.rules_active),
            f"{sources} · {rejected}",
            "warn" if counters.rules_rejected else "ok",
        )
        total_open = f" {total:,}" if total else ""
        self.tabs[0].setText(tr("Alerts") + total_open)
        self.chart.show_points(*filled(points, start, stop, bucket), start, stop)


def _nothing() -> None:
    """The table handles this key itself; the entry exists for the shortcut sheet."""


def _ranges() -> list[tuple[str, str]]:
    return [
        ("1h", tr("Last hour")),
        ("6h", tr("Last 6 hours")),
        ("24h", tr("Last 24 hours")),
        ("7d", tr("Last 7 days")),
    ]


def _list_keys() -> list[tuple[str, str]]:
    return [
        ("J", tr("Next")),
        ("K", tr("Previous")),
        ("Return", tr("Open")),
        ("Space", tr("Preview")),
        ("X", tr("Mark")),
        ("Ctrl+A", tr("Mark all")),
        ("Ctrl+C", tr("Copy")),
    ]
