"""What the radar measures: four figures and the rate over time, with the range that is looked at."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QSizePolicy, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.cards import StatCard
from sent.ui.kit.chart import Legend, LiveChart
from sent.ui.kit.page import Page
from sent.ui.kit.rates import filled
from sent.ui.kit.text import count
from sent.ui.kit.widgets import button, card, column, label, row

if TYPE_CHECKING:
    from sent.engines.radar.api import Counters, RatePoint

SPANS = ((3600, 60), (6 * 3600, 300), (24 * 3600, 900), (7 * 86400, 7200))
"""Seconds shown and seconds per bucket, from near to far."""


class Figures(QWidget):
    """Cards that lead to what they count, and the chart; a span drawn on it is looked at closer."""

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
        self.chart.span_chosen.connect(self._zoom)
        self.chart.span_reset.connect(lambda: self._zoom(0, 0))
        self._span = 0
        self._window: tuple[float, float] | None = None
        self._busy = False
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
        self._ranges = [
            button(text, partial(self.choose_span, n), kind="segment", name=name)
            for n, (text, name) in enumerate(_ranges())
        ]
        for made in self._ranges:
            made.setCheckable(True)
        self._ranges[0].setChecked(True)
        head = row(
            label(tr("Events per second"), weight="medium"),
            Legend(tr("Events"), tr("Alerts")),
            None,
            row(*self._ranges, gap=2),
            gap=14,
        )
        inside = column(head, self.chart, gap=2, margins=(16, 8, 10, 4))
        inside.setStretch(1, 1)
        frame.setLayout(inside)
        frame.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        return frame

    def next_span(self) -> None:
        """Show the next range; after the farthest comes the nearest."""
        self.choose_span((self._span + 1) % len(SPANS))

    def set_stale(self, stale: bool) -> None:
        """Show the figures pale: nobody knows them now."""
        for made in self.cards:
            made.set_stale(stale)
        self.chart.set_stale(stale)

    def choose_span(self, number: int) -> None:
        """Show another of the ranges, counted from the nearest."""
        self._span, self._window = number, None
        for n, made in enumerate(self._ranges):
            made.setChecked(n == number)
        self._busy = False
        self.load()

    def _zoom(self, start: float, stop: float) -> None:
        """Look closer at a span that was drawn; an empty one goes back."""
        self._window = (start, stop) if stop > start else None
        self._busy = False
        self.load()

    def _span_now(self) -> tuple[float, float, int]:
        span, bucket = SPANS[self._span]
        now = datetime.now(UTC).timestamp()
        if self._window is None:
            return now - span, now, bucket
        start, stop = self._window
        width = max(60.0, stop - start)
        return start, start + width, max(60, int(width // 120 // 60) * 60)

    def load(self) -> None:
        """Read the figures; one question at a time."""
        if self._busy or self._page.shell.person is None:
            return
        start, stop, bucket = self._span_now()

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

        def failed(error: Any) -> None:
            self._busy = False
            self._page.shell.report(error)

        self._busy = True
        self._page.run(load, done=lambda found: self._show(*found, start, stop, bucket), failed=failed)

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


def _ranges() -> list[tuple[str, str]]:
    return [
        ("1h", tr("Last hour")),
        ("6h", tr("Last 6 hours")),
        ("24h", tr("Last 24 hours")),
        ("7d", tr("Last 7 days")),
    ]
