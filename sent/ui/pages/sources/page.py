"""Three lists: sources and how they fare, lines that could not be read, placeholders that rules wait for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton

from sent.platform.i18n import tr
from sent.ui.kit.choice import Segments
from sent.ui.kit.filterbar import Field, FilterBar
from sent.ui.kit.liststack import ListStack
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.table import Source
from sent.ui.kit.widgets import button, card, column, label, row
from sent.ui.pages.sources import lists
from sent.ui.pages.sources.letterdeeds import LetterDeeds
from sent.ui.pages.sources.panel import SidePanel
from sent.ui.pages.sources.sourcedeeds import MANAGE, SourceDeeds
from sent.ui.pages.sources.valuedeeds import ValueDeeds
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.engines.radar.api import SourceHealth
    from sent.platform.errors import SentError

EVERY_MS = 10_000
LATER_MS = 4000
"""A worker looks for letters every two seconds."""


class SourcesPage(Page):
    """See the module."""

    topics = ("radar.sources.", "radar.rules.")

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.view = "sources"
        self.board: list[SourceHealth] = []
        filters = {
            "sources": FilterBar(
                [Field("state", tr("State"), lists.HEALTH), Field("kind", tr("Kind"), lists.KINDS),
                 Field("client", tr("Client"))],
                hint=tr("Filter sources: state:problem kind:http words"),
                name=tr("Filter sources"),
            ),
            "letters": FilterBar(
                [Field("state", tr("State"), lists.LETTERS), Field("source", tr("Source")),
                 Field("kind", tr("Kind"), lists.KINDS)],
                hint=tr("Filter dead letters: source:edge words of the reason"),
                name=tr("Filter dead letters"),
            ),
        }  # fmt: skip
        self.stack = ListStack(self, "sources", filters)
        self.filters, self.tables = self.stack.filters, self.stack.tables
        self.panel = SidePanel()
        self.sources, self.letters, self.values = SourceDeeds(self), LetterDeeds(self), ValueDeeds(self)
        self._add_lists()
        self.segments = Segments(tr("What to show"), lists.views(), self.view, self.show_view)
        self.notice = label(tone="warn", wrap=True)
        self.notice.hide()
        self._make_buttons()
        self._arrange()
        self.tables["sources"].model_.loaded.connect(self._open_wanted)
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self._pace = Pace(self, self.refresh, soon_ms=100, apart_ms=1000)
        self._visited = False
        self._wanted = ""

    def _add_lists(self) -> None:
        for view, columns in lists.columns().items():
            action = (tr("Add source"), self.sources.add) if view == "sources" else None
            title = dict(lists.views())[view]
            self.stack.add_list(view, title, columns, empty=lists.empty(view), action=action)
        self.stack.loaded.connect(self._offer)
        self.stack.previewed.connect(self._previewed)
        self.stack.opened.connect(self.open_row)
        self.stack.left.connect(self.back)
        self.stack.filtered.connect(self._filtered)

    def _make_buttons(self) -> None:
        self.buttons: dict[str, list[tuple[str, QPushButton]]] = {}
        for view, id, text, icon, key, do in (
            ("sources", "add", tr("Add source"), "plus", "N", self.sources.add),
            ("sources", "edit", tr("Edit"), "square-pen", "E", self.sources.edit),
            ("sources", "map", tr("Field mapping"), "replace", "M", self.sources.map_fields),
            ("sources", "switch", tr("Switch off"), "pause", "S", self.sources.switch),
            ("letters", "again", tr("Read again"), "rotate-ccw", "A", self.letters.replay),
            ("letters", "discard", tr("Give up"), "x", "D", self.letters.discard),
            (
                "letters",
                "all",
                tr("All of this filter"),
                "list-checks",
                "Shift+A",
                self.letters.all_of_filter,
            ),
            ("letters", "export", tr("Export"), "download", "Ctrl+E", self.letters.export),
            ("placeholders", "new", tr("Add placeholder"), "plus", "N", self.values.add),
            ("placeholders", "clear", tr("Take values away"), "x", "D", self.values.clear_values),
        ):
            made = button(text, do, kind="quiet", icon_name=icon)
            made.setToolTip(f"{text} ({key})")
            self.buttons.setdefault(view, []).append((id, made))

    def _arrange(self) -> None:
        frame = card()
        frame.setLayout(column(self.stack, margins=(1, 4, 1, 4)))
        self.split = SplitDetail(frame, self.panel, prefs=self.shell.prefs, key="sources")
        tools = (made for listed in self.buttons.values() for _, made in listed)
        head = row(self.segments, None, *tools, gap=6)
        body = column(head, self.notice, self.stack.bars, self.split, gap=10, margins=(20, 16, 20, 14))
        body.setStretch(3, 1)
        self.setLayout(body)
        self.panel.closed.connect(self.back)
        save = QShortcut(QKeySequence("Ctrl+S"), self.panel)
        save.activated.connect(self._save)
        self._show_bars()

    def actions_(self) -> list[Action]:
        group, search = tr("Sources"), self.stack.focus_filter

        def made(id: str, title: str, do: Callable[[], object], icon: str, key: str) -> Action:
            return Action(f"sources.{id}", title, do, icon, key, MANAGE, group)

        found = [
            Action("sources.alerts", tr("Show the source's alerts"), self.sources.show_alerts, "siren", "Q",
                   "radar:read", group, enabled=lambda: self.sources.current() is not None),
            Action("sources.events", tr("Search the source's events"), self.sources.show_events, "search",
                   "V", "radar:read", group, enabled=lambda: self.sources.current() is not None),
            made("new", tr("Add source or placeholder"), self._add, "plus", "N"),
            made("edit", tr("Edit source"), self.sources.edit, "square-pen", "E"),
            made("map", tr("Field mapping"), self.sources.map_fields, "replace", "M"),
            made("switch", tr("Switch source on or off"), self.sources.switch, "pause", "S"),
            made("token", tr("New token"), self.sources.rotate, "key-round", "O"),
            made("again", tr("Read again"), self.letters.replay, "rotate-ccw", "A"),
            made("all", tr("Read all of this filter again, or give them up"), self.letters.all_of_filter,
                 "list-checks", "Shift+A"),
            made("remove", tr("Remove, give up, or take values away"), self._remove, "x", "D"),
            Action("sources.filter", tr("Filter"), search, "list-filter", "Ctrl+F", "radar:read", group,
                   aliases=("/",)),
            Action("sources.export", tr("Export this list"), self.letters.export, "download", "Ctrl+E",
                   "radar:read", group),
        ]  # fmt: skip
        for number, (view, title) in enumerate(lists.views(), 1):
            show = (lambda v: lambda: self.show_view(v))(view)
            words = tr("Show {title}", title=title)
            found.append(Action(f"sources.{view}", words, show, "list", str(number), "radar:read", group))
        return found

    def list_view(self) -> ListView | None:
        return self.stack.list_view()

    def lists(self) -> list[ListView]:
        return self.stack.lists()

    def activate(self) -> None:
        self._timer.start()
        self._visited = True
        self._show_bars()
        self.refresh()
        self.tables[self.view].setFocus()

    def deactivate(self) -> None:
        self._timer.stop()

    def show_view(self, view: str) -> None:
        """Show the sources, the dead letters or the placeholders."""
        self.back()
        self.view = view
        self.segments.show_choice(view)
        self._show_bars()
        self.tables[view].setFocus()
        self.load()

    def open_record(self, record: str) -> None:
        """Show a view by its name, or a source by its id or `name:` and its name."""
        if record in self.tables:
            self.show_view(record)
        elif record.startswith("name:"):
            self.filters["sources"].clear()
            self.show_view("sources")
            self._wanted = record.removeprefix("name:")
        else:
            super().open_record(record)

    def _show_bars(self) -> None:
        self.stack.show_view(self.view)
        self._offer()

    def refresh(self) -> None:
        self.load(keep=True)

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._timer.isActive():
            self._pace.hint()

    def load(self, *, keep: bool = False) -> None:
        """Load the list in front."""
        if self.shell.person is None or not self._visited:
            return
        if self.view == "letters":
            self.tables["letters"].set_source(self.letters.source(), keep=keep)
        else:
            self._load_whole(self.view)

    def _load_whole(self, view: str) -> None:
        ask = self._asking(view)

        def failed(_error: SentError) -> None:
            # The list asks once more by itself: what it says then, and how to try again, is its own.
            async def again(before: Any, _limit: int) -> Sequence[Any]:
                return [] if before is not None else await ask()

            source = Source(load=again, cursor=lambda _row: True, key=lambda one: one.id)
            self.tables[view].set_source(source, keep=True)

        self.run(ask, done=lambda rows: self._show_rows(view, rows), failed=failed)

    def _asking(self, view: str) -> Callable[[], Awaitable[list[Any]]]:
        async def board() -> list[Any]:
            return list(await self.api("radar").source_board(self.ctx))

        async def uses() -> list[Any]:
            return list(await self.api("radar").placeholder_uses(self.ctx))

        return board if view == "sources" else uses

    def _show_rows(self, view: str, rows: list[Any]) -> None:
        self.shell.mark_fresh()
        if view == "sources":
            self.board = rows
            self.notice.setText(
                tr("No radar worker runs: start one with `sent --mode=worker --service=radar`.")
            )
            on = [one for one in rows if one.source.enabled]
            self.notice.setVisible(bool(on) and all(one.fares.stale for one in on))
            rows = self.sources.passing(rows)
        self.tables[view].show_rows(rows, lambda one: one.id)
        current = self.tables[view].current_row()
        if self.split.is_open() and current is not None and not self.panel.busy and view == self.view:
            self._show(current)

    def _open_wanted(self) -> None:
        """Open the source that another page asked for by name, once its row is there."""
        if not self._wanted or not self.board or self.view != "sources":
            return
        name, table = self._wanted, self.tables["sources"]
        rows = list(table.model_.cached_rows())
        place = next((n for n, one in enumerate(rows) if one.source.name == name), None)
        if place is not None:
            self._wanted = ""
            table.go(place)
            self.open_row(rows[place])
        elif all(one.source.name != name for one in self.board):
            self._wanted = ""
            self.shell.toast(tr("This source is gone, or not yours to see"), tone="warn")

    def _filtered(self, view: str) -> None:
        if view == "sources" and self.board:
            self._show_rows("sources", self.board)
        else:
            self.load()

    def _offer(self) -> None:
        """Show the buttons of the list in front and enable what can be done with the chosen rows."""
        if not hasattr(self, "buttons"):
            return
        may, chosen = self.shell.can(MANAGE), self.chosen()
        for view, listed in self.buttons.items():
            for id, made in listed:
                made.setVisible(view == self.view and (may or id == "export"))
                if id in ("edit", "map"):
                    made.setEnabled(len(chosen) == 1)
                elif id in ("again", "discard"):
                    made.setEnabled(view == self.view and any(one.state == "dead" for one in chosen))
                elif id == "clear":
                    made.setEnabled(view == self.view and any(one.values for one in chosen))
                elif id == "switch":
                    off = view == self.view and bool(chosen) and not chosen[0].source.enabled
                    made.setEnabled(bool(chosen))
                    made.setText(tr("Switch on") if off else tr("Switch off"))

    def chosen(self) -> list[Any]:
        """Return the chosen rows of the list in front."""
        return list(self.tables[self.view].chosen())

    def _previewed(self, chosen: Any) -> None:
        self._offer()
        if self.split.is_open() and not self.panel.busy:
            self._show(chosen)

    def open_row(self, chosen: Any) -> None:
        """Show a row beside the list."""
        self.split.open()
        self._show(chosen)

    def _show(self, chosen: Any) -> None:
        shows: dict[str, Callable[[Any], None]] = {
            "sources": self.sources.show,
            "letters": self.letters.show,
            "placeholders": self.values.show,
        }
        shows[self.view](chosen)

    def _add(self) -> None:
        self.values.add() if self.view == "placeholders" else self.sources.add()

    def _remove(self) -> None:
        {
            "sources": self.sources.remove,
            "letters": self.letters.discard,
            "placeholders": self.values.clear_values,
        }[self.view]()

    def _save(self) -> None:
        if self.panel.form is not None:
            self.panel.form.form.submit()
        elif self.panel.values is not None and self.shell.can(MANAGE):
            self.values.save(self.panel.values.toPlainText())

    def back(self) -> bool:
        self.panel.leave()
        closed = self.split.close_detail()
        self.tables[self.view].setFocus()
        return closed

    def later(self, do: Callable[[], object]) -> None:
        """Do something once workers had the time to take a change up."""
        QTimer.singleShot(LATER_MS, self, do)

    def set_stale(self, since: datetime | None) -> None:
        self.stack.set_dimmed(since is not None)

    async def waiting(self) -> int:
        counts = await self.api("radar").source_counts(self.ctx)
        return int(counts.problems)
