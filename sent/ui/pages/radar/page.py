"""The figures above; the queue or the live tail below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QStackedWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.query import Term
from sent.ui.kit.widgets import button, column, row
from sent.ui.pages.radar.deskactions import TRIAGE, desk_actions
from sent.ui.pages.radar.entities import Entities
from sent.ui.pages.radar.escalation import Escalation
from sent.ui.pages.radar.figures import Figures
from sent.ui.pages.radar.keys import list_keys, nothing
from sent.ui.pages.radar.live import LiveTail
from sent.ui.pages.radar.pivots import Pivots
from sent.ui.pages.radar.queue import AlertQueue
from sent.ui.pages.radar.rulesets import RuleSetLayer
from sent.ui.pages.radar.search import EventSearch
from sent.ui.pages.radar.tuning import Tuning
from sent.ui.shell.actions import Action

EVERY_MS = 5000
FIGURES_APART_MS = 3000
"""The figures count events that no rollup holds yet: at most so often."""
RULES = (".yml", ".yaml", ".zip", ".tar.gz", ".tgz")
"""Files that may be dropped on the page."""

LOW = 660
"""Below this height an open alert takes the room of the figures."""


class RadarPage(Page):
    """The analyst's desk."""

    topics = ("radar.",)
    follows_range = True

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.figures = Figures(self)
        self.queue = AlertQueue(self)
        self.tail = LiveTail(self)
        self.search = EventSearch(self)
        self.escalation = Escalation(self, self.queue.chosen)
        self.tuning = Tuning(self, self.queue.chosen)
        self.sets_layer: RuleSetLayer | None = None
        self.entities = Entities(self)
        self.pivots = Pivots(self)
        self.queue.panel.more = self.search.panel.more = self.search.fields.more = self.entities.menu
        figures = self.figures
        figures.urgent.clicked.connect(lambda: self.show_filter("level:critical level:high -state:closed"))
        figures.open_alerts.clicked.connect(lambda: self.show_filter("-state:closed"))
        figures.events.clicked.connect(lambda: self.show_tab(1))
        figures.rules.clicked.connect(lambda: shell.open("rules"))
        figures.counted.connect(self._show_open)
        self.tabs = [
            button(tr("Alerts"), lambda: self.show_tab(0), kind="tab"),
            button(tr("Live tail"), lambda: self.show_tab(1), kind="tab"),
            button(tr("Search"), lambda: self.show_tab(2), kind="tab"),
        ]
        for tab in self.tabs:
            tab.setCheckable(True)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.queue)
        self.stack.addWidget(self.tail)
        self.stack.addWidget(self.search)
        self._alone = False
        self._arrange()
        self.queue.split.turned.connect(self._make_room)
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.figures.load)
        self._paces = (
            Pace(self, self.queue.reload, soon_ms=250, apart_ms=1000),
            Pace(self, self.figures.load, soon_ms=250, apart_ms=FIGURES_APART_MS),
        )
        self.tabs[0].setChecked(True)

    def _arrange(self) -> None:
        tabs = row(*self.tabs, None, gap=18)
        body = column(self.figures, tabs, self.stack, gap=8, margins=(20, 16, 20, 14))
        body.setStretch(2, 1)
        self.setLayout(body)

    def actions_(self) -> list[Action]:
        group, move = tr("Radar"), tr("In a list")
        return [
            *desk_actions(self),
            *self.entities.actions(),
            *self.pivots.actions(),
            Action(
                "radar.filter",
                tr("Filter"),
                self._focus_filter,
                "list-filter",
                "Ctrl+F",
                "radar:read",
                group,
                aliases=("/",),
            ),
            Action(
                "radar.group",
                tr("Group alerts by rule, host or user"),
                self.queue.next_grouping,
                "layers",
                "B",
                "radar:read",
                group,
                enabled=self.shows_queue,
            ),
            Action(
                "radar.muted",
                tr("Muted rules"),
                self.tuning.show_muted,
                "bell-off",
                permission=TRIAGE,
                group=group,
            ),
            Action(
                "radar.rulesets",
                tr("Rule sets: import and update"),
                lambda: self.rule_sets().open_sets(),
                "layers",
                "Shift+R",
                "radar:read",
                group,
            ),
            Action(
                "radar.queue", tr("Alert queue"), lambda: self.show_tab(0), "list", "Q", "radar:read", group
            ),
            Action(
                "radar.tail", tr("Live tail"), lambda: self.show_tab(1), "radio", "L", "radar:read", group
            ),
            Action(
                "radar.search",
                tr("Search events"),
                lambda: self.show_tab(2),
                "search",
                "E",
                "radar:read",
                group,
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
                "radar.columns",
                tr("Choose columns"),
                self._choose_columns,
                "table",
                "Shift+C",
                "radar:read",
                group,
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
            *[
                Action(f"list.{key}", text, nothing, shortcut=key, group=move, hidden=True)
                for key, text in list_keys()
            ],
        ]

    def activate(self) -> None:
        self._timer.start()
        if self.stack.currentIndex() == 1:
            self.tail.start()
        self.refresh()
        if self.stack.currentIndex() == 2:
            self.search.table.setFocus()
        elif not self.queue.filter.edit.hasFocus():
            self.queue.focus()

    def deactivate(self) -> None:
        self._timer.stop()
        self.tail.stop()

    def refresh(self) -> None:
        self.figures.load()
        self.queue.reload()
        self.search.restart()

    def range_changed(self) -> None:
        self.figures.forget()
        self.figures.load()
        self.queue.range_changed()
        self.search.restart()

    def takes_files(self, paths: Sequence[Path]) -> bool:
        return (
            len(paths) == 1
            and self.shell.can("radar:manage")
            and (paths[0].is_dir() or paths[0].name.endswith(RULES))
        )

    def drop_files(self, paths: Sequence[Path]) -> None:
        self.rule_sets().open_file(paths[0])

    def rule_sets(self) -> RuleSetLayer:
        """Return the layer of the rule sets; it is made when it is first asked for."""
        if self.sets_layer is None:
            self.sets_layer = RuleSetLayer(self, self.figures.load)
            self.shell.layers.append(self.sets_layer)
        return self.sets_layer

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._timer.isActive():
            for pace in self._paces:
                pace.hint()

    def show_tab(self, number: int) -> None:
        """Show the queue (0), the live tail (1) or the search (2)."""
        for n, tab in enumerate(self.tabs):
            tab.setChecked(n == number)
        self.stack.setCurrentIndex(number)
        self._make_room()
        if number == 1 and self.shell.person is not None:
            self.tail.start()
            self.tail.table.setFocus()
            return
        self.tail.stop()
        if number == 2:
            self.search.restart()
            self.search.line.edit.setFocus()
        else:
            self.queue.focus()

    def _make_room(self) -> None:
        """Show the figures where there is room for them."""
        number, tight = self.stack.currentIndex(), self.height() < LOW and self.queue.split.is_open()
        self.figures.setVisible(not self._alone and number != 2 and not (number == 0 and tight))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def show_filter(self, text: str) -> None:
        """Show the queue with a filter."""
        self.show_tab(0)
        self.queue.filter.set_text(text)

    def open_record(self, record: str) -> None:
        if record.startswith("filter:"):
            self.show_filter(record.removeprefix("filter:"))
            return
        if record.startswith("entity:"):
            kind, _, value = record.removeprefix("entity:").partition(":")
            self.entities.show(kind, value)
            return
        if record.startswith("search:"):
            self.show_tab(2)
            self.search.line.set_text(record.removeprefix("search:"))
            return
        kind, _, name = record.rpartition("/")
        id = _uuid(name)
        if kind in ("", "alert") and id is not None:
            self.show_tab(0)
            self.queue.open_id(id)
        elif kind == "rule":
            self.show_filter(f'rule:"{name}"')
        elif kind == "source" and id is not None:
            self._show_source(id)
        elif kind == "event" and id is not None:
            self.show_tab(1)
            self.tail.go_to(id)
        else:
            self.shell.toast(tr("The radar has no record {name}", name=record), tone="warn")

    def show_alone(self, record: str) -> None:
        self.open_record(record)
        if record.startswith("alert/"):
            self._alone = True
            for part in (self.figures, *self.tabs, self.queue.filter, self.queue.frame):
                part.hide()

    def current_record(self) -> str:
        queue, tail = self.queue, self.tail.table
        if self.stack.currentIndex() == 1:
            event = tail.current_row() if tail.hasFocus() else None
            return f"event/{event.id}" if event is not None else ""
        alert = queue.panel.alert if queue.split.is_open() else None
        alert = alert or (queue.table.current_row() if queue.table.hasFocus() else None)
        return self.record_of(alert) if alert is not None else ""

    def _show_source(self, source_id: UUID) -> None:
        """Show the alerts of one source."""

        async def load() -> str | None:
            found = await self.api("radar").sources(self.ctx)
            return next((str(source.name) for source in found if source.id == source_id), None)

        def show(name: str | None) -> None:
            if name is None:
                self.shell.toast(tr("This source is gone, or not yours to see"), tone="warn")
            else:
                self.show_filter(str(Term("source", name)))

        self.run(load, done=show)

    def record_of(self, row: Any) -> str:
        return f"alert/{row.id}"

    def lists(self) -> list[ListView]:
        return [
            ListView("radar.alerts", self.queue.filter, self.queue.table),
            ListView("radar.groups", None, self.queue.groups.table),
            ListView("radar.search", self.search.line, self.search.table),
        ]

    def list_view(self) -> ListView | None:
        if self.stack.currentIndex() == 1:
            return ListView("radar.tail", self.tail.filter, self.tail.table)
        if self.stack.currentIndex() == 2:
            return self.lists()[2]
        return self.lists()[1 if self.queue.grouped() else 0]

    def back(self) -> bool:
        number = self.stack.currentIndex()
        return (number == 0 and self.queue.back()) or (number == 2 and self.search.back())

    def set_stale(self, since: datetime | None) -> None:
        self.figures.set_stale(since is not None)
        self.queue.table.set_dimmed(since is not None)
        self.tail.table.set_dimmed(since is not None)
        self.search.table.set_dimmed(since is not None)
        self.search.chart.set_stale(since is not None)

    async def waiting(self) -> int:
        radar = self.api("radar")
        wanted = radar.AlertFilter(levels=("critical", "high"), states=("new",))
        return int(await radar.alert_count(self.ctx, wanted))

    def _show_open(self, total: int) -> None:
        self.tabs[0].setText(tr("Alerts") + (f" {formats().figure(total)}" if total else ""))

    def shows_queue(self) -> bool:
        """Say whether the queue is in front, grouped or not."""
        return self.stack.currentIndex() == 0

    def shows_alerts(self) -> bool:
        """Say whether the alerts themselves are in front."""
        return self.shows_queue() and not self.queue.grouped()

    def open_current(self) -> None:
        """Open the current alert beside the list."""
        alert = self.queue.table.current_row()
        if alert is not None:
            self.queue.open_alert(alert)

    def open_rule(self) -> None:
        """Open the alert's rule on its own page, tested on the alert's event."""
        for alert in self.queue.chosen()[:1]:
            self.shell.open("rules", f"rule/{alert.rule_id}/alert/{alert.id}")

    def copy_id(self) -> None:
        """Copy the ids of the chosen alerts."""
        ids = [str(alert.id) for alert in self.queue.chosen()]
        QGuiApplication.clipboard().setText("\n".join(ids))
        self.shell.toast(trn("Copied {n} id", "Copied {n} ids", n=len(ids)), tone="info")

    def _focus_filter(self) -> None:
        (self.queue.filter, self.tail.filter, self.search.line)[self.stack.currentIndex()].edit.setFocus()

    def _choose_columns(self) -> None:
        (self.queue, self.tail, self.search)[self.stack.currentIndex()].table.layout_.choose()

    def _export(self) -> None:
        (self.queue, self.tail, self.search)[self.stack.currentIndex()].export()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
