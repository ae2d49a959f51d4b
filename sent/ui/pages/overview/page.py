"""Health, open alerts, throughput and the latest alerts on one screen; everything leads on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.cards import StatCard
from sent.ui.kit.chart import Legend, LiveChart
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import Page
from sent.ui.kit.rates import filled
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Column
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.text import absolute, count, relative
from sent.ui.kit.widgets import button, card, column, label, row, scrolled
from sent.ui.pages.overview.health import HealthList, bytes_text, engines_of
from sent.ui.pages.overview.levels import LevelBar
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.engines.overview.api import Overview
    from sent.engines.radar.api import Counters, RatePoint

EVERY_MS = 5000
LATEST = 50


class OverviewPage(Page):
    """The first page after sign-in."""

    topics = ("radar.alert.",)
    follows_range = True

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.alerts_card = StatCard(tr("Open alerts"))
        self.events_card = StatCard(tr("Events per second"))
        self.workers_card = StatCard(tr("Workers"))
        self.database_card = StatCard(tr("Database"))
        self.cards = (self.alerts_card, self.events_card, self.workers_card, self.database_card)
        for made in (self.alerts_card, self.events_card):
            made.clicked.connect(lambda: shell.open("radar"))
        for made in (self.workers_card, self.database_card):
            made.clicked.connect(self._focus_health)
        self.chart = LiveChart(tr("Throughput"), unit=tr("events/s"), bars_name=tr("alerts"))
        self.chart.span_chosen.connect(shell.ranges.zoom)
        self.chart.span_reset.connect(shell.ranges.zoom_out)
        self.levels = LevelBar()
        self.levels.chosen.connect(lambda level: shell.open("radar", f"filter:level:{level} -state:closed"))
        self.health = HealthList()
        self.table = PagedTable(_columns(), run=self.run, name=tr("Latest alerts"))
        self.table.opened.connect(lambda alert: shell.open("radar", f"alert/{alert.id}"))
        self.states = ListStates(
            self.table,
            empty=("shield-check", tr("No open alerts"), tr("Nothing that a rule found waits for anybody.")),
        )
        self._arrange()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self._pace = Pace(self, self.refresh, soon_ms=300, apart_ms=3000)
        self._busy = False
        self.table.model_.show_skeleton()

    def _arrange(self) -> None:
        chart = _titled(tr("Throughput"), Legend(tr("Events per second"), tr("Alerts")), self.chart)
        health = _titled(tr("Health"), None, scrolled(self.health, tr("Health")))
        levels = _titled(tr("Open alerts by level"), None, self.levels)
        lead = button(tr("All alerts"), lambda: self.shell.open("radar"), kind="link")
        latest = _titled(tr("Latest open alerts"), lead, self.states, flush=True)
        grid = QGridLayout()
        grid.setSpacing(12)
        grid.setContentsMargins(20, 16, 20, 16)
        for place, made in enumerate(self.cards):
            grid.addWidget(made, 0, place)
            grid.setColumnStretch(place, 1)
        grid.addWidget(chart, 1, 0, 2, 3)
        grid.addWidget(levels, 1, 3)
        grid.addWidget(health, 2, 3, 2, 1)
        grid.addWidget(latest, 3, 0, 1, 3)
        grid.setRowStretch(2, 2)
        grid.setRowStretch(3, 5)
        self.setLayout(grid)

    def actions_(self) -> list[Action]:
        group = tr("Overview")
        return [
            Action(
                "overview.alerts",
                tr("Look at all alerts"),
                lambda: self.shell.open("radar"),
                "radar",
                "A",
                "radar:read",
                group,
            ),
            Action(
                "overview.list",
                tr("Move to the latest alerts"),
                self.table.setFocus,
                "list",
                "L",
                None,
                group,
            ),
        ]

    def activate(self) -> None:
        self._timer.start()
        self.refresh()
        self.table.setFocus()

    def deactivate(self) -> None:
        self._timer.stop()

    def range_changed(self) -> None:
        self._busy = False
        self.refresh()

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._timer.isActive():
            self._pace.hint()

    def refresh(self) -> None:
        if self._busy or self.shell.person is None:
            return
        self._busy = self.run(self._load, done=self._show, failed=self._failed) is not None
        if self.shell.can("radar:read"):
            self._load_latest()

    async def _load(self) -> tuple[Overview, Counters | None, list[RatePoint]]:
        ctx = self.ctx
        seen: Overview = await self.api("overview").overview(ctx)
        if not self.shell.can("radar:read"):
            return seen, None, []
        radar = self.api("radar")
        chosen = self.shell.ranges.value
        since, until = chosen.moments()
        import asyncio  # a tenth of the time to the first paint, which comes before anything is asked for

        counters, points = await asyncio.gather(
            radar.counters(ctx), radar.rate(ctx, since, until, chosen.bucket())
        )
        return seen, counters, points

    def _load_latest(self) -> None:
        async def load() -> Any:
            radar = self.api("radar")
            wanted = radar.AlertFilter(states=("new", "acknowledged"))
            return await radar.alerts(self.ctx, wanted, before=None, limit=LATEST)

        self.run(load, done=lambda rows: self.table.show_rows(rows, lambda a: a.id), failed=self._no_latest)

    def _no_latest(self, error: Any) -> None:
        self.table.model_.failed.emit(error)

    def _show(self, found: tuple[Overview, Counters | None, list[RatePoint]]) -> None:
        self._busy = False
        seen, counters, points = found
        healthy = sum(instance.healthy for instance in seen.instances)
        total = len(seen.instances)
        self.shell.status.show_workers(healthy, total)
        self.shell.mark_fresh()
        lost = [i.service for i in seen.instances if not i.healthy]
        remark = (
            tr("Not well: {names}", names=", ".join(sorted(set(lost))))
            if lost
            else tr("All healthy")
            if total
            else tr("None has reported")
        )
        self.workers_card.show_value(
            f"{healthy} / {total}" if lost else f"{total}",
            remark,
            "bad" if lost else "ok" if total else "warn",
        )
        database = seen.database
        busy = database.connections > database.max_connections * 0.8
        self.database_card.show_value(
            f"{formats().figure(database.latency_ms, 1)} ms",
            f"{bytes_text(database.size_bytes)} · {database.version.split(' (')[0]}",
            "warn" if busy else "ok",
        )
        self.health.show_health(seen.instances, database, engines_of(seen.instances))
        if counters is not None:
            self._show_radar(counters, points)

    def _show_radar(self, counters: Counters, points: list[RatePoint]) -> None:
        by_level = counters.open_alerts_by_level
        total, urgent = sum(by_level.values()), by_level.get("critical", 0) + by_level.get("high", 0)
        remark = (
            trn("{n} critical or high", "{n} critical or high", n=urgent)
            if urgent
            else tr("None is urgent")
            if total
            else tr("Nothing waits")
        )
        self.alerts_card.show_value(count(total), remark, "bad" if urgent else "ok")
        lag = counters.ingest_lag_ms
        text = (
            tr("{n} today · no radar runs", n=count(counters.events_today))
            if lag is None
            else tr("{n} today · {ms} ms behind", n=count(counters.events_today), ms=count(lag))
        )
        self.events_card.show_value(
            count(counters.events_per_second), text, "warn" if lag is None or lag > 5000 else "ok"
        )
        self.levels.show_counts(by_level)
        chosen = self.shell.ranges.value
        start, stop = chosen.bounds()
        self.chart.show_points(*filled(points, start, stop, chosen.bucket()), start, stop)

    def _failed(self, error: Any) -> None:
        self._busy = False
        self.shell.report(error)

    def _open_apart(self, row: Any) -> None:
        self.shell.open_apart("radar", f"alert/{row.id}")

    def current_record(self) -> str:
        return ""

    def set_stale(self, since: datetime | None) -> None:
        stale = since is not None
        for made in self.cards:
            made.set_stale(stale)
        self.chart.set_stale(stale)
        self.table.set_dimmed(stale)

    def _focus_health(self) -> None:
        self.shell.open("settings", "system") if not self.health.isVisible() else self.health.setFocus()


def _columns() -> list[Column]:
    return [
        Column(
            "at",
            tr("Raised"),
            lambda a: relative(a.at),
            96,
            "time",
            newest_first=True,
            widest=tr("{n} min ago", n=59),
            tip=lambda a: absolute(a.at),
        ),
        Column("level", tr("Level"), lambda a: a.level, 86, "level"),
        Column("title", tr("Alert"), lambda a: a.title, 280, "strong", stretch=True, tip=lambda a: a.title),
        Column("host", tr("Host"), lambda a: a.host, 150, "text", drop=1),
        Column("assignee", tr("Assignee"), lambda a: a.assignee_name or "–", 120, "quiet", drop=2),
        Column("count", tr("Count"), lambda a: count(a.count), 64, "number"),
    ]


def _titled(title: str, right: QWidget | None, body: QWidget, *, flush: bool = False) -> QFrame:
    frame = card()
    head = row(
        label(title, weight="medium"),
        None,
        *([right] if right is not None else []),
        margins=(16 if flush else 0, 0, 12 if flush else 0, 0),
    )
    layout = column(head, body, gap=6 if flush else 8, margins=(1, 10, 1, 8) if flush else (16, 12, 16, 12))
    layout.setStretch(1, 1)
    frame.setLayout(layout)
    return frame
