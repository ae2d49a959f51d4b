"""What the radar measures: four figures, and the rate over the console's time range."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QSizePolicy, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.cards import StatCard
from sent.ui.kit.chart import Legend, LiveChart
from sent.ui.kit.page import Page
from sent.ui.kit.rates import filled
from sent.ui.kit.text import count
from sent.ui.kit.widgets import card, column, label, row

if TYPE_CHECKING:
    from sent.engines.radar.api import Counters, RatePoint


class Figures(QWidget):
    """Cards that lead to what they count, and the chart; a span drawn on it becomes the time range."""

    counted = Signal(int)
    """How many alerts are open."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self.urgent = StatCard(tr("Critical and high"))
        self.open_alerts = StatCard(tr("Open alerts"))
        self.events = StatCard(tr("Events per second"))
        self.rules = StatCard(tr("Rules"))
        self.cards = (self.urgent, self.open_alerts, self.events, self.rules)
        self.chart = LiveChart(tr("Events and alerts over time"), unit=tr("events/s"), bars_name=tr("alerts"))
        self.chart.span_chosen.connect(page.shell.ranges.zoom)
        self.chart.span_reset.connect(page.shell.ranges.zoom_out)
        self._busy, self._asked = False, 0
        grid = QGridLayout()
        grid.setSpacing(10)
        for number, figure in enumerate(self.cards):
            figure.setMinimumWidth(176)
            grid.addWidget(figure, number // 2, number % 2)
        layout = row(grid, self._framed_chart(), gap=12)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _framed_chart(self) -> QFrame:
        frame = card()
        head = row(
            label(tr("Events per second"), weight="medium"), Legend(tr("Events"), tr("Alerts")), None, gap=14
        )
        inside = column(head, self.chart, gap=2, margins=(16, 8, 10, 4))
        inside.setStretch(1, 1)
        frame.setLayout(inside)
        frame.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        return frame

    def set_stale(self, stale: bool) -> None:
        """Show the figures pale: nobody knows them now."""
        for made in self.cards:
            made.set_stale(stale)
        self.chart.set_stale(stale)

    def forget(self) -> None:
        """What was asked for is not wanted any more: another range is."""
        self._busy = False
        self._asked += 1

    def load(self) -> None:
        """Read the figures; one question at a time."""
        if self._busy or self._page.shell.person is None:
            return
        wanted = self._page.shell.ranges.value
        (start, stop), bucket, asked = wanted.bounds(), wanted.bucket(), self._asked

        async def load() -> tuple[Counters, list[RatePoint]]:
            radar, ctx = self._page.api("radar"), self._page.ctx
            since, until = (
                datetime.fromtimestamp(start, UTC),
                datetime.fromtimestamp(stop, UTC) + timedelta(seconds=1),
            )
            counters, points = await asyncio.gather(
                radar.counters(ctx), radar.rate(ctx, since, until, bucket)
            )
            return counters, points

        def done(found: tuple[Counters, list[RatePoint]]) -> None:
            if asked == self._asked:
                self._show(*found, start, stop, bucket)

        def failed(error: Any) -> None:
            if asked == self._asked:
                self._busy = False
                self._page.shell.report(error)

        self._busy = True
        self._page.run(load, done=done, failed=failed)

    def _show(
        self, counters: Counters, points: list[RatePoint], start: float, stop: float, bucket: int
    ) -> None:
        self._busy = False
        self._page.shell.mark_fresh()
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
        self.counted.emit(total)
        self.chart.show_points(*filled(points, start, stop, bucket), start, stop)
