"""The live tail: every event as it arrives, newest at the bottom.

It follows until the user scrolls up or pauses; then a pill counts what is new and leads back. Events are
asked for in bounded batches after the last one seen, so none is skipped; the newest 10,000 are kept.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.export import export_csv
from sent.ui.kit.filterbar import FilterBar
from sent.ui.kit.page import Page
from sent.ui.kit.query import unparse
from sent.ui.kit.states import ListStates
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.tailmodel import TailModel
from sent.ui.kit.widgets import button, card, column, row
from sent.ui.pages.radar.columns import event_columns, event_fields

if TYPE_CHECKING:
    from sent.engines.radar.api import EventRow

BATCH = 1000
AT_MOST = 5 * BATCH
"""What is read before it is shown, while the tail is behind: painting between two batches only delays it."""
FIRST = 300
EVERY_MS = 400


class LiveTail(QWidget):
    """The tail with its filter, pause and pill."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self.filter = FilterBar(
            event_fields(), hint=tr("Filter events: host:fs* program:sshd failed"), name=tr("Filter events")
        )
        self.filter.changed.connect(lambda _terms: self.restart())
        self.pause_button = button(tr("Pause"), self.toggle_pause, icon_name="pause")
        self.pause_button.setToolTip(tr("Pause or go on (P)"))
        self.model = TailModel(event_columns(), self)
        self.table = PagedTable((), run=page.run, name=tr("Live tail"), model=self.model)
        self.table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.filter.left.connect(self.table.setFocus)
        self.table.remember_columns(page.shell.prefs, "radar.tail")
        self.states = ListStates(
            self.table,
            empty=("radio", tr("No events yet"), tr("Events appear here as soon as a source sends them.")),
            filtered=lambda: bool(self.filter.terms()),
            clear_filter=self.filter.clear,
        )
        frame = card()
        frame.setLayout(column(self.states, margins=(1, 4, 1, 4)))
        self.pill = button("", self.follow, kind="pill", icon_name="arrow-down")
        self.pill.setParent(frame)
        self.pill.hide()
        self._frame = frame
        frame.installEventFilter(self)
        head = row(self.filter, self.pause_button, gap=8)
        head.setStretch(0, 1)
        body = column(head, frame, gap=10)
        body.setStretch(1, 1)
        self.setLayout(body)
        self.paused = False
        self._after: tuple[datetime, UUID] | None = None
        self._read: list[EventRow] = []
        self._query = ""
        self._busy = False
        self._generation = 0
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.poll)
        self.table.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.model.restart()

    def start(self) -> None:
        """Begin to poll (the tail came to the front)."""
        if not self._timer.isActive():
            self._page.run(self._fields, done=self._offer_values, failed=lambda _error: None)
        self._timer.start()
        self.poll()

    async def _fields(self) -> list[tuple[str, list[tuple[str, int]]]]:
        found: list[tuple[str, list[tuple[str, int]]]] = await self._page.api("radar").event_fields(
            self._page.ctx
        )
        return found

    def _offer_values(self, fields: list[tuple[str, list[tuple[str, int]]]]) -> None:
        for name, values in fields:
            self.filter.set_values(name, [value for value, _ in values])

    def stop(self) -> None:
        """Stop polling."""
        self._timer.stop()

    def restart(self) -> None:
        """Begin anew with the filter as it is now."""
        self._query = unparse(self.filter.terms())
        self._generation += 1
        self._after, self._busy, self._read = None, False, []
        self.model.held = self.paused
        self.model.restart()
        self.pill.hide()
        self.poll()

    def poll(self) -> None:
        """Ask for what came after the last event seen; one question at a time."""
        if self._busy or not self._timer.isActive() or self._page.shell.person is None:
            return
        after, query, generation = self._after, self._query, self._generation

        async def load() -> list[EventRow]:
            limit = BATCH if after is not None else FIRST
            found: list[EventRow] = await self._page.api("radar").tail(self._page.ctx, after, limit, query)
            return found

        self._busy = True
        self._page.run(
            load,
            done=lambda rows: self._arrived(generation, rows),
            failed=lambda error: self._failed(generation, error),
        )

    def _arrived(self, generation: int, rows: list[EventRow]) -> None:
        if generation != self._generation:
            return
        self._busy = False
        first = self._after is None
        if rows:
            self._after = (rows[-1].received_at, rows[-1].id)
            self._read.extend(rows)
        behind = len(rows) == BATCH and not first
        if not behind or len(self._read) >= AT_MOST:
            self._show_read()
        if behind:
            QTimer.singleShot(10, self, self.poll)

    def _show_read(self) -> None:
        rows, self._read = self._read, []
        follow = self.following()
        if rows or self.model.skeleton:
            self.model.append(rows)
        if rows and follow:
            self.table.scrollToBottom()
        self._show_pill()

    def _failed(self, generation: int, error: object) -> None:
        if generation == self._generation:
            self._busy = False

    def export(self) -> None:
        """Write the events of the last day that pass the filter to a file, oldest first."""
        query, start = self._query, (datetime.now(UTC) - timedelta(days=1), UUID(int=0))

        async def load(place: tuple[datetime, UUID] | None, limit: int) -> list[EventRow]:
            found: list[EventRow] = await self._page.api("radar").tail(
                self._page.ctx, place or start, limit, query
            )
            return found

        export_csv(self._page, tr("Events"), self.model.columns, load, lambda e: (e.received_at, e.id), None)

    def go_to(self, event_id: UUID) -> None:
        """Show one event while it is among those the tail holds."""
        number = None if self.model.skeleton else self.model.find(event_id)
        if number is None:
            self._page.shell.toast(tr("The tail does not hold this event (any more)"), tone="warn")
        else:
            self.model.held = True
            self.table.go(number)

    def following(self) -> bool:
        """Say whether the newest event is kept in view."""
        return not self.paused and not self.model.held

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        self.paused = not self.paused
        self.pause_button.setText(tr("Go on") if self.paused else tr("Pause"))
        if self.paused:
            self.model.held = True
        else:
            self.follow()

    def follow(self) -> None:
        """Show what waited and go to the newest."""
        self.paused = False
        self.pause_button.setText(tr("Pause"))
        self.model.release()
        self.table.scrollToBottom()
        self._show_pill()

    def _scrolled(self, value: int) -> None:
        if self.model.skeleton:
            return
        bar = self.table.verticalScrollBar()
        at_end = value >= bar.maximum() - 2
        if not at_end:
            self.model.held = True
        elif self.model.held and not self.paused:
            QTimer.singleShot(0, self, self.follow)

    def _show_pill(self) -> None:
        waiting = len(self.model.waiting)
        self.pill.setVisible(waiting > 0)
        if waiting:
            self.pill.setText(trn("{n} new", "{n} new", n=waiting))
            self.pill.adjustSize()
            self._place_pill()

    def _place_pill(self) -> None:
        size = self.pill.sizeHint()
        self.pill.setGeometry(
            (self._frame.width() - size.width()) // 2,
            self._frame.height() - size.height() - 16,
            size.width(),
            size.height(),
        )
        self.pill.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place_pill()
        return False
