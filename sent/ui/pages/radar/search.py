"""The search over stored events: line, histogram, fields, list and detail, all of one query and time range.

Whatever is asked for anew makes the answers of the question before it worthless: they carry its number and
are dropped. A mistake in the line leaves what was found before where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.chart import Legend, LiveChart
from sent.ui.kit.page import Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Source
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.text import absolute
from sent.ui.kit.timerange import between
from sent.ui.kit.widgets import button, card, column, label, row
from sent.ui.pages.radar.columns import found_columns
from sent.ui.pages.radar.eventpanel import EventPanel
from sent.ui.pages.radar.fieldlist import FieldList
from sent.ui.pages.radar.mistakes import mistake
from sent.ui.pages.radar.searchline import SearchLine

if TYPE_CHECKING:
    from sent.engines.radar.api import FieldUse, FieldValues, FoundEvent, Histogram

GRAVE = 3
"""Severities up to error are drawn as bars."""

AROUND_S = 300
NARROW = 1200
"""Below this width an open event takes the room of the fields."""

FIELDS = ("host", "program", "channel", "event", "message", "source", "level", "severity")
LEVELS = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")


class EventSearch(QWidget):
    """The tab "Search" of the radar."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._asked = 0
        self._looked_to: datetime | None = None
        self.line = SearchLine(
            hint=tr('Search events: user:anna failed -host:web* "two words"'),
            name=tr("Search events"),
            values=self._offer_values,
        )
        self.line.changed.connect(lambda _text: self.restart())
        self.line.set_values("level", LEVELS)
        self.export_button = button(tr("Export"), self.export, icon_name="download")
        self.chart = LiveChart(tr("Found events over time"), unit=tr("events"), bars_name=tr("errors"))
        self.chart.setFixedHeight(120)
        self.chart.span_chosen.connect(page.shell.ranges.zoom)
        self.chart.span_reset.connect(page.shell.ranges.zoom_out)
        self.total = label(tr("Searching"), weight="medium")
        self.fields = FieldList()
        self.fields.opened.connect(self._load_values)
        self.fields.pivoted.connect(self.pivot)
        self.table = PagedTable(found_columns(), run=page.run, name=tr("Found events"))
        self.table.remember_columns(page.shell.prefs, "radar.search")
        self.table.value_clicked.connect(self.pivot)
        self.table.opened.connect(self.open_event)
        self.table.previewed.connect(self._follow)
        self.table.left.connect(self.line.edit.setFocus)
        self.table.model_.failed.connect(self._failed)
        self.table.model_.loaded.connect(self._told_looked_to)
        self.line.left.connect(self.table.setFocus)
        self.states = ListStates(
            self.table,
            empty=("search", tr("No events in this time"), tr("Choose a longer time range (T).")),
            filtered=lambda: bool(self.line.text()),
            clear_filter=self.line.clear,
        )
        self.panel = EventPanel()
        self.panel.closed.connect(self.back)
        self.panel.filter_wanted.connect(self.pivot)
        self.panel.pivot_wanted.connect(page.shell.actions.trigger)
        self._arrange()

    def _arrange(self) -> None:
        head = row(self.line, self.export_button, gap=8)
        head.setStretch(0, 1)
        chart = card()
        title = row(self.total, Legend(tr("Events"), tr("Errors and graver")), None, gap=14)
        chart.setLayout(column(title, self.chart, gap=2, margins=(16, 8, 10, 4)))
        self.looked = label("", tone="2", type="s", wrap=True)
        self.go_on = button(tr("Search before that"), self._search_before, kind="quiet")
        self.unfinished = QWidget()
        told = row(self.looked, self.go_on, gap=8, margins=(14, 4, 14, 6))
        told.setStretch(0, 1)
        self.unfinished.setLayout(told)
        self.unfinished.hide()
        frame = card()
        inside = column(self.states, self.unfinished, gap=0, margins=(1, 4, 1, 4))
        inside.setStretch(0, 1)
        frame.setLayout(inside)
        self.side = side = card()
        side.setLayout(column(self.fields, margins=(1, 1, 1, 1)))
        self.split = SplitDetail(frame, self.panel, prefs=self._page.shell.prefs, key="radar.search")
        self.split.turned.connect(self._make_room)
        below = row(side, self.split, gap=12)
        below.setStretch(1, 1)
        body = column(head, self.line.mistake, chart, below, gap=8)
        body.setStretch(3, 1)
        self.setLayout(body)

    def _make_room(self) -> None:
        """Leave messages readable beside an open event."""
        self.side.setVisible(self.width() >= NARROW or not self.split.is_open())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def restart(self) -> None:
        """Search anew: the line or the time range changed, or the tab came to the front."""
        if self._page.shell.person is None or not self.isVisible():
            return
        self._asked += 1
        self._looked_to = None
        self.unfinished.hide()
        self.line.forget_values()
        self.line.set_values("level", LEVELS)
        asked, query = self._asked, self.line.text()
        since, until = self._page.shell.ranges.value.moments()
        self.table.set_source(
            Source(load=self._loader(asked, query, since, until), cursor=_place, key=_id), keep=True
        )

        async def histogram() -> Histogram:
            found: Histogram = await self._page.api("radar").event_histogram(
                self._page.ctx, query, since, until, buckets=130
            )
            return found

        async def fields() -> list[FieldUse]:
            found: list[FieldUse] = await self._page.api("radar").field_uses(
                self._page.ctx, query, since, until
            )
            return found

        self._page.run(
            histogram,
            done=lambda found: self._show_histogram(asked, found, since, until),
            failed=self._failed,
        )
        self._page.run(fields, done=lambda found: self._show_fields(asked, found), failed=_quiet)

    def _loader(self, asked: int, query: str, since: datetime, until: datetime) -> Any:
        """Return what loads pages of one question."""

        async def load(place: tuple[datetime, UUID] | None, limit: int) -> Sequence[FoundEvent]:
            page = await self._page.api("radar").find_events(
                self._page.ctx, query, since, until, before=place, limit=limit
            )
            if asked == self._asked:
                self._looked_to = page.looked_to
            found: list[FoundEvent] = page.events
            return found

        return load

    def _told_looked_to(self) -> None:
        stopped = self._looked_to
        self.unfinished.setVisible(stopped is not None)
        if stopped is not None:
            self.looked.setText(
                tr(
                    "Looked back to {time} so far. Only reading event by event answers this; add a word or a"
                    " field, or search before that.",
                    time=absolute(stopped),
                )
            )

    def _search_before(self) -> None:
        if self._looked_to is not None:
            since, _ = self._page.shell.ranges.value.moments()
            self._page.shell.ranges.choose(between(since.timestamp(), self._looked_to.timestamp()))

    def _show_histogram(self, asked: int, found: Histogram, since: datetime, until: datetime) -> None:
        if asked != self._asked:
            return
        self.line.show_mistake("")
        step = found.step_seconds
        by_time = {bucket.at.timestamp(): bucket for bucket in found.buckets}
        times = [
            found.since.timestamp() + n * step
            for n in range(int((found.until - found.since).total_seconds() // step))
        ]
        known = [by_time.get(at) for at in times]
        values = [float(bucket.total) if bucket else 0.0 for bucket in known]
        grave = [
            float(sum(n for s, n in bucket.by_severity.items() if s <= GRAVE)) if bucket else 0.0
            for bucket in known
        ]
        self.chart.show_points(times, values, grave, since.timestamp(), until.timestamp())
        if found.share > 1:
            self.total.setText(tr("About {n} events", n=formats().figure(found.total)))
            self.total.setToolTip(tr("Estimated from one event in {n}", n=found.share))
        else:
            self.total.setText(trn("{n} event", "{n} events", n=found.total))
            self.total.setToolTip("")

    def _show_fields(self, asked: int, found: list[FieldUse]) -> None:
        if asked == self._asked:
            self.fields.show_fields(found)
            self.line.set_fields([*FIELDS, *(use.field for use in found)])

    def _load_values(self, field: str) -> None:
        self._ask_values(field, self.fields.show_values)

    def _offer_values(self, field: str) -> None:
        self._ask_values(
            field,
            lambda found: self.line.set_values(field, [v.value for v in found.values if v.value]),
            query="",
        )

    def _ask_values(self, field: str, done: Any, query: str | None = None) -> None:
        asked, text = self._asked, self.line.text() if query is None else query
        since, until = self._page.shell.ranges.value.moments()

        async def load() -> FieldValues:
            found: FieldValues = await self._page.api("radar").field_values(
                self._page.ctx, text, since, until, field
            )
            return found

        def show(found: FieldValues) -> None:
            if asked == self._asked:
                done(found)

        self._page.run(load, done=show, failed=_quiet)

    def _failed(self, error: Any) -> None:
        """A mistake in the line is told at its place; anything else as everywhere."""
        if error.code == "radar.query":
            data = error.data
            self.line.show_mistake(mistake(error), int(data.get("at", 0)), int(data.get("length", 1)))
            self.total.setText(tr("Not a search yet"))
        else:
            self._page.shell.report(error)

    def pivot(self, field: str, value: str, out: bool) -> None:
        """Search for a value, or exclude it."""
        from sent.engines.radar.searching.query import term

        self.line.add(term(field, value, out=out))

    def open_event(self, event: FoundEvent) -> None:
        """Show an event beside the list, with its whole message."""
        self.split.open()
        self.panel.show_event(event)

        async def load() -> FoundEvent:
            found: FoundEvent = await self._page.api("radar").whole_event(self._page.ctx, event.id, event.at)
            return found

        def show(found: FoundEvent) -> None:
            if self.panel.event_ is not None and self.panel.event_.id == found.id:
                self.panel.show_event(found)

        if len(event.message) >= 2000:
            self._page.run(load, done=show)

    def back(self) -> bool:
        """Close the detail; False when there was none."""
        closed = self.split.close_detail()
        if closed:
            self.table.setFocus()
        return closed

    def _follow(self, event: Any) -> None:
        if event is not None and self.split.is_open():
            self.open_event(event)

    def explain(self, event: FoundEvent) -> None:
        """Have a rule chosen that is explained on an event."""
        self._page.shell.open("rules", f"event/{event.id}/{round(event.at.timestamp() * 1_000_000)}")

    def around(self, host: str, at: datetime) -> None:
        """Search a host's events within five minutes of a moment."""
        from sent.engines.radar.searching.query import term

        moment = at.timestamp()
        self.line.set_text(term("host", host))
        self._page.shell.ranges.choose(between(moment - AROUND_S, moment + AROUND_S))
        self.restart()

    def export(self) -> None:
        """Ask for a file and write everything that is found into it."""
        name, _ = QFileDialog.getSaveFileName(
            self._page, tr("Export"), "events.csv", "CSV (*.csv);;JSON lines (*.jsonl)"
        )
        if name:
            self.start_export(Path(name))

    def start_export(self, path: Path) -> None:
        """Export to `path` as a task of the task centre: JSON lines for .jsonl, else CSV."""
        bridge, query = self._page.bridge(), self.line.text()
        since, until = self._page.shell.ranges.value.moments()
        span = max(1.0, (until - since).total_seconds())
        task = self._page.shell.tasks.start(tr("Export {title}", title=tr("Events")))

        def progress(done: int, at: datetime) -> None:
            share = min(1.0, max(0.0, (until - at.astimezone(UTC)).total_seconds() / span))
            bridge.post(lambda: task.progress(share, trn("{n} row", "{n} rows", n=done)))

        async def write() -> int:
            kind = "jsonl" if path.suffix == ".jsonl" else "csv"
            written: int = await self._page.api("radar").export_events(
                self._page.ctx, query, since, until, path, kind, progress=progress
            )
            return written

        def finished(written: int) -> None:
            text = trn("{n} row in {path}", "{n} rows in {path}", n=written, path=str(path))
            task.finish(text)
            self._page.shell.toast(tr("Exported {title}: {text}", title=tr("Events"), text=text))

        def failed(error: Any) -> None:
            task.fail(error.message)
            self._page.shell.report(error)

        handle = bridge.run(
            write, owner=self._page.shell, done=finished, failed=failed, label="export", limit=None
        )
        task.on_cancel(handle.cancel)


def _place(event: FoundEvent) -> tuple[datetime, UUID]:
    return event.at, event.id


def _id(event: FoundEvent) -> UUID:
    return event.id


def _quiet(_error: Any) -> None:
    """The list of the same question tells what went wrong."""
