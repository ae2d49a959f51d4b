"""The timeline of a host, user or address, over the window: stream, charts, whom it has to do with.

A drag over a chart looks closer, a double click goes back; a related entity opens in its place, and Backspace
goes back to the one before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.chart import Legend, LiveChart, share_crosshair
from sent.ui.kit.choice import Segments
from sent.ui.kit.page import Page
from sent.ui.kit.states import ListStates
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.text import absolute, relative, tip
from sent.ui.kit.widgets import (
    LINK_EDGE,
    Elided,
    IconLabel,
    button,
    card,
    clear,
    column,
    label,
    row,
    scrolled,
    tool,
)
from sent.ui.pages.radar.entitylists import entity_icon, entity_name, entry_columns, group_name, spans
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.radar.api import Entry, Surroundings, Timeline

FRESH = timedelta(minutes=15)
"""A span that ended at most so long ago still counts as one up to now."""

Place = tuple[str, str, datetime, datetime]
"""Kind, value, since, until."""

KINDS: dict[str, tuple[str, ...]] = {
    "story": ("alert", "incident", "decision", "comment", "muted", "first"),
    "alerts": ("alert", "incident"),
    "people": ("decision", "comment", "muted"),
    "new": ("first",),
    "events": ("event",),
    "all": (),
}
"""What the stream is narrowed to."""


class EntityLayer(Overlay):
    """Shows one entity at a time; `open_record` is called with where an entry leads."""

    def __init__(
        self,
        page: Page,
        open_record: Callable[[str], object],
        search: Callable[[str, str, datetime], object],
    ) -> None:
        frame = QFrame()
        super().__init__(page.window(), frame)
        self._page, self._open_record, self._search = page, open_record, search
        self._asked = 0
        self._trail: list[Place] = []
        self._spans: list[tuple[datetime, datetime]] = []
        self.place: Place | None = None
        self.found: Timeline | None = None
        self.around: Surroundings | None = None
        self.kind = "story"
        self.icon = IconLabel("server", "text2", 20)
        self.title = Elided(type="l")
        self.facts = label(tone="2", wrap=True)
        self.span = Segments(tr("Time"), spans(), "1", self._choose_span)
        self.events = LiveChart(tr("Events over time"), unit=tr("events"), bars_name=tr("alerts"))
        self.risk = LiveChart(tr("Risk over time"), unit=tr("risk"))
        self.sums = label(weight="medium", type="s")
        self.table = PagedTable(entry_columns(), run=page.run, name=tr("What happened"))
        self.states = ListStates(
            self.table,
            empty=("clock", tr("Nothing happened in this time"), tr("Choose a longer time above.")),
            filtered=lambda: self.kind != "all" and bool(self.entries()),
            clear_filter=lambda: self._choose_kind("all"),
        )
        self._chips: QHBoxLayout = row(gap=0)
        self._related = column(gap=3)
        self.back_button = tool("arrow-left", tr("Back (Backspace)"), self.go_back)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        close = tool("x", tr("Close (Esc)"), self.close_layer)
        head = row(self.back_button, self.icon, self.title, self.span, close, gap=10)
        head.setStretch(2, 1)
        charts = card()
        legend = row(self.sums, Legend(tr("Events"), tr("Alerts")), None, gap=14)
        self.events.setFixedHeight(120)
        self.risk.setFixedHeight(96)
        weighed = label(tr("Risk"), weight="medium", type="s")
        charts.setLayout(column(legend, self.events, weighed, self.risk, gap=2, margins=(14, 8, 10, 4)))
        list_card = card()
        list_card.setLayout(column(self.states, margins=(1, 1, 1, 1)))
        side = QWidget()
        side.setLayout(column(self._related, None, margins=(4, 0, 8, 8)))
        area = scrolled(side, tr("Related"))
        area.setFixedWidth(250)
        left = column(self._chips, list_card, gap=8)
        left.setStretch(1, 1)
        below = row(left, area, gap=12)
        below.setStretch(0, 1)
        whole = column(head, self.facts, charts, below, gap=10, margins=(20, 14, 16, 16))
        whole.setStretch(3, 1)
        self.card.setLayout(whole)

    def _connect(self) -> None:
        share_crosshair(self.events, self.risk)
        for chart in (self.events, self.risk):
            chart.span_chosen.connect(self._zoom)
            chart.span_reset.connect(self._zoom_out)
        self.table.opened.connect(self.open_entry)
        self.table.left.connect(self.close_layer)

    def open_entity(self, kind: str, value: str) -> None:
        """Show an entity over the last day."""
        self._trail = []
        size = self._page.window().size()
        self.card.setFixedSize(min(1240, size.width() - 40), min(860, size.height() - 40))
        self.open()
        now = datetime.now(UTC)
        self._go((kind, value, now - timedelta(days=1), now))
        self.table.setFocus()

    def go_back(self) -> None:
        """Show the entity that stood here before."""
        if self._trail:
            place = self._trail.pop()
            self._go(place)

    def pivot(self, kind: str, value: str) -> None:
        """Show a related entity over the same time."""
        if self.place is not None:
            self._trail.append(self.place)
            self._go((kind, value, self.place[2], self.place[3]))

    def _go(self, place: Place, *, keep: bool = False) -> None:
        kind, value, since, until = place
        self.place = place
        self.span.show_choice(_named_span(since, until))
        if not keep:
            self._spans = []
        self._asked += 1
        self.found = self.around = None
        self.icon.set_icon(entity_icon(kind), "text2")
        self.title.setText(value)
        self.title.setToolTip(tip(value))
        self.facts.setText(f"{entity_name(kind)}  ·  {tr('Loading')}")
        self.back_button.setVisible(bool(self._trail))
        self.events.loading = self.risk.loading = True
        self.events.update()
        self.risk.update()
        self.sums.setText("")
        self.table.model_.show_skeleton()
        self.states.refresh()
        clear(self._related)
        asked = self._asked

        async def load() -> Timeline:
            found: Timeline = await self._page.api("radar").timeline(
                self._page.ctx, kind, value, since, until
            )
            return found

        async def around() -> Surroundings:
            found: Surroundings = await self._page.api("radar").surroundings(
                self._page.ctx, kind, value, since, until
            )
            return found

        self._page.run(
            load,
            done=lambda found: self._show(asked, found),
            failed=lambda error: self._failed(asked, error),
        )
        self._page.run(
            around,
            done=lambda found: self._show_around(asked, found),
            failed=lambda error: self._failed_around(asked, error),
        )

    def _failed(self, asked: int, error: Any) -> None:
        if asked == self._asked:
            self.facts.setText(error_text(error))
            self.table.model_.set_source(None)
            self.table.model_.failed.emit(error)

    def _failed_around(self, asked: int, error: Any) -> None:
        if asked == self._asked:
            self._related.addWidget(label(error_text(error), tone="3", wrap=True))

    def _show(self, asked: int, found: Timeline) -> None:
        if asked != self._asked:
            return
        self.found = found
        histogram, step = found.histogram, found.histogram.step_seconds
        counts = {bucket.at.timestamp(): float(bucket.total) for bucket in histogram.buckets}
        begin = histogram.since.timestamp()
        slots = int((histogram.until - histogram.since).total_seconds() // step)
        times = [begin + n * step for n in range(slots)]
        raised = Counter(
            int((entry.at.timestamp() - begin) // step) for entry in found.entries if entry.kind == "alert"
        )
        bars = [float(raised[n]) for n in range(slots)]
        since, until = found.since.timestamp(), found.until.timestamp()
        self.events.show_points(times, [counts.get(at, 0.0) for at in times], bars, since, until)
        moments = [at.timestamp() for at, _ in found.risk]
        self.risk.show_points(moments, [value for _, value in found.risk], [], since, until)
        about = "≈ " if histogram.share > 1 else ""
        self.sums.setText(about + trn("{n} event", "{n} events", n=histogram.total))
        self._show_facts()
        self._fill()

    def _show_around(self, asked: int, found: Surroundings) -> None:
        if asked != self._asked:
            return
        self.around = found
        self._show_facts()
        self._fill()
        clear(self._related)
        for group in found.related:
            head = label(group_name(group.kind), weight="medium", type="s")
            head.setContentsMargins(LINK_EDGE, 8, 0, 0)
            self._related.addWidget(head)
            for value, amount in group.values:
                self._related.addLayout(self._related_row(group.kind, value, amount))
        if not found.related:
            self._related.addWidget(label(tr("Nobody else in these events"), tone="3", wrap=True))

    def _related_row(self, kind: str, value: str, amount: int) -> QHBoxLayout:
        shown = value if len(value) <= 24 else value[:23] + "…"
        new = self.around is not None and any(
            entry.actor == kind and entry.title.lower() == value.lower() for entry in self.around.new
        )
        made: QWidget
        if kind == "program":
            made = label(shown, tone="2")
            made.setContentsMargins(LINK_EDGE, 0, 0, 0)
            made.setToolTip(tip(value))
        else:
            made = button(shown, partial(self.pivot, kind, value), kind="link")
            made.setToolTip(tip(tr("Timeline of {name}", name=value)))
        parts: list[QWidget | None] = [made]
        if new:
            parts.append(label(tr("new"), tone="warn", type="s", weight="medium"))
        return row(*parts, None, label(formats().figure(amount), tone="3", type="s"), gap=6)

    def _show_facts(self) -> None:
        if self.place is None:
            return
        said = [entity_name(self.place[0])]
        if self.found is not None:
            now = self.found.risk[-1][1] if self.found.risk else 0.0
            said.append(tr("risk {n}", n=formats().figure(round(now))))
            said.append(trn("{n} alert raised", "{n} alerts raised", n=self.found.alerts))
        if self.around is not None and self.around.last_seen is not None:
            first = self.around.first_seen or self.around.last_seen
            said.append(tr("first seen {when}", when=relative(first)))
            said.append(tr("last seen {when}", when=relative(self.around.last_seen)))
            self.facts.setToolTip(f"{absolute(first)}\n{absolute(self.around.last_seen)}")
        elif self.around is not None:
            said.append(tr("no events within 90 days"))
        self.facts.setText("  ·  ".join(said))

    def entries(self) -> list[Entry]:
        """Return the stream, newest first, with what is new about the entity."""
        if self.found is None:
            return []
        new = self.around.new if self.around is not None else ()
        merged: list[Entry] = self._page.api("radar").merged(self.found.entries, new)[0]
        return merged

    def _fill(self) -> None:
        if self.found is None:
            return
        every = self.entries()
        titles = {
            "story": tr("Highlights"), "alerts": tr("Alerts"), "people": tr("Decisions"), "new": tr("New"),
            "events": tr("Events"), "all": tr("All"),
        }  # fmt: skip
        amounts = {
            kind: sum(not kinds or entry.kind in kinds for entry in every) for kind, kinds in KINDS.items()
        }
        clear(self._chips)
        chosen = [(kind, f"{title} {formats().figure(amounts[kind])}") for kind, title in titles.items()]
        self.chips = Segments(tr("What is shown"), chosen, self.kind, self._choose_kind)
        self._chips.addWidget(self.chips)
        self._chips.addStretch(1)
        kinds = KINDS[self.kind]
        rows = [(number, entry) for number, entry in enumerate(every) if not kinds or entry.kind in kinds]
        keys = {id(entry): number for number, entry in rows}
        self.table.show_rows([entry for _, entry in rows], lambda entry: keys.get(id(entry), -1))

    def _choose_kind(self, kind: str) -> None:
        self.kind = kind
        self._fill()

    def _choose_span(self, id: str) -> None:
        if self.place is not None:
            now = datetime.now(UTC)
            self._go((*self.place[:2], now - timedelta(days=int(id)), now))

    def _zoom(self, start: float, stop: float) -> None:
        if self.place is not None and stop - start >= 60:
            self._spans.append(self.place[2:])
            moments = (datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(stop, UTC))
            self._go((*self.place[:2], *moments), keep=True)

    def _zoom_out(self) -> None:
        if self.place is not None and self._spans:
            self._go((*self.place[:2], *self._spans.pop()), keep=True)

    def open_entry(self, entry: Entry) -> None:
        """Go to where an entry leads: its alert, its incident, or the events around it."""
        if self.place is None:
            return
        self.close_layer()
        if entry.record:
            self._open_record(entry.record)
        else:
            self._search(self.place[0], self.place[1], entry.at)

    def event(self, event: QEvent) -> bool:
        pressed = event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent)
        if pressed and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Backspace:
            self.go_back()
            return True
        return super().event(event)


def _named_span(since: datetime, until: datetime) -> str:
    """Return the choice that a span is, up to now; an empty text for one that was drawn."""
    fresh = datetime.now(UTC) - until < FRESH
    return next((id for id, _ in spans() if fresh and until - since == timedelta(days=int(id))), "")
