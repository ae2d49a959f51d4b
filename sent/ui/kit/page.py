"""What every page is: a widget that knows the shell, loads through the bridge and forgets late answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget

from sent.platform.i18n import tr

if TYPE_CHECKING:
    from sent.platform.context import Ctx
    from sent.platform.errors import SentError
    from sent.ui.bridge import Bridge, Handle
    from sent.ui.kit.tableview import PagedTable
    from sent.ui.shell.actions import Action
    from sent.ui.shell.shell import Shell

T = TypeVar("T")


class FilterText(Protocol):
    """What saved views need of a list's filter: a FilterBar, or a line of its own."""

    def text(self) -> str:
        """Return the whole filter."""

    def set_text(self, text: str) -> None:
        """Show a filter."""

    def put_tool(self, made: QToolButton) -> None:
        """Put a button at its right end."""


@dataclass(frozen=True, slots=True)
class ListView:
    """A list of a page: what its saved views are called by, its filter and its table."""

    key: str
    filter: FilterText | None
    table: PagedTable


class Page(QWidget):
    """Base of all pages, made as `XPage(shell)` before anybody is signed in.

    The shell calls `activate` when the page comes to the front with a session, `deactivate` when it leaves,
    `refresh` after a reconnect and on F5, `event` for hints from the bus that match `topics`, and
    `set_stale` when the database is lost (what is shown stays, dimmed).
    """

    id = ""
    topics: tuple[str, ...] = ()
    follows_range = False
    """Whether the page looks at the console's time range (`shell.ranges`)."""

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self.shell = shell
        self.setObjectName("canvas")

    def activate(self) -> None:
        """Come to the front."""

    def deactivate(self) -> None:
        """Leave the front; timers stop."""

    def refresh(self) -> None:
        """Load again what is shown."""

    def range_changed(self) -> None:
        """Look at another time range (only pages that follow it hear this, while they are in front)."""
        self.refresh()

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        """Hear that something changed; read it again through the api."""

    def set_stale(self, since: datetime | None) -> None:
        """Dim what is shown (as of `since`), or make it fresh with None."""

    def open_record(self, record: str) -> None:
        """Show one record: what a link or the palette named; `filter:...` filters the list."""
        view = self.list_view()
        if view is None:
            return
        if record.startswith("filter:"):
            if view.filter is not None:
                view.filter.set_text(record.removeprefix("filter:"))
            return
        if view.table.model_.skeleton:
            view.table.model_.loaded.connect(
                lambda: self.open_record(record), Qt.ConnectionType.SingleShotConnection
            )
            return
        rows = view.table.model_.cached_rows()
        row = next((row for row in rows if self.record_of(row) == record), None)
        if row is None:
            self.shell.toast(tr("The record is not among those loaded"), tone="warn")
        else:
            view.table.go(rows.index(row))
            view.table.opened.emit(row)

    def show_alone(self, record: str) -> None:
        """Show one record with nothing beside it where that is possible: it has a window of its own."""
        self.open_record(record)

    def current_record(self) -> str:
        """Return the record that stands out now (for links, history, other windows), or an empty text."""
        view = self.list_view()
        row = view.table.current_row() if view is not None and view.table.hasFocus() else None
        return self.record_of(row) if row is not None else ""

    def arrangement(self) -> dict[str, str]:
        """Return what stands here besides the record, for a restart: the view in front and the filters.

        Pages that keep their view as `view` and `show_view`, or as `stack` and `show_tab`, need nothing.
        """
        found = {f"filter/{view.key}": view.filter.text() for view in self.lists() if view.filter is not None}
        if isinstance(view := getattr(self, "view", None), str) and hasattr(self, "show_view"):
            found["view"] = view
        if (stack := getattr(self, "stack", None)) is not None and hasattr(self, "show_tab"):
            found["tab"] = str(stack.currentIndex())
        return found

    def arrange(self, kept: dict[str, str]) -> None:
        """Show what `arrangement` returned before a restart."""
        if "view" in kept and hasattr(self, "show_view") and kept["view"] != getattr(self, "view", ""):
            self.show_view(kept["view"])
        if "tab" in kept and hasattr(self, "show_tab"):
            self.show_tab(int(kept["tab"]))
        for view in self.lists():
            text = kept.get(f"filter/{view.key}")
            if view.filter is not None and text is not None and text != view.filter.text():
                view.filter.set_text(text)

    def record_of(self, row: Any) -> str:
        """Return how a link names a row of the page's list."""
        return str(getattr(row, "id", ""))

    def list_view(self) -> ListView | None:
        """Return the list that stands in front, with its filter.

        Pages that keep them as `filter` and `table` need nothing of their own.
        """
        bar, table = getattr(self, "filter", None), getattr(self, "table", None)
        return None if table is None else ListView(self.id, bar, table)

    def lists(self) -> list[ListView]:
        """Return all lists of the page."""
        view = self.list_view()
        return [view] if view is not None else []

    def adopt(self) -> None:
        """Give the page's lists the manners that all lists share; the shell calls it once."""
        for view in self.lists():
            view.table.apart.connect(self._open_apart)
            view.table.copy_wanted.connect(self.copy_rows)

    def copy_rows(self, form: Any = "tsv") -> None:
        """Copy the chosen rows of the list in front, in the background."""
        from sent.ui.kit.copying import copy_as

        view = self.list_view()
        if view is not None:
            copy_as(self, view.table, form)

    def takes_files(self, paths: Sequence[Path]) -> bool:
        """Say whether files that are dropped on the page mean something to it."""
        return False

    def drop_files(self, paths: Sequence[Path]) -> None:
        """Take files that were dropped (only those `takes_files` agreed to)."""

    def _open_apart(self, row: Any) -> None:
        if record := self.record_of(row):
            self.shell.open_apart(self.id, record)

    async def waiting(self) -> int | None:
        """Return how much waits here for somebody, for the rail's badge; None: this page counts nothing.

        Awaited in the background with the session's `ctx`.
        """
        return None

    def actions_(self) -> list[Action]:
        """Return the page's actions for menus, palette, toolbar and the shortcut sheet."""
        return []

    def may_take_back(self) -> bool:
        """Say whether the page can undo more than what the last message offers."""
        return False

    def take_back(self) -> None:
        """Undo what was done last here (only when no message offers an Undo, and the page says it may)."""

    def back(self) -> bool:
        """Back out one level (Esc); False when there is nothing to leave."""
        return False

    def run(
        self,
        make: Callable[[], Awaitable[T]],
        *,
        done: Callable[[T], None],
        failed: Callable[[SentError], None] | None = None,
    ) -> Handle | None:
        """Await `make()` in the background; the answer comes to `done` unless this page is gone by then."""
        if self.shell.bridge is None:
            return None
        return self.shell.bridge.run(make, owner=self, done=done, failed=failed or self.shell.report)

    def api(self, engine: str) -> Any:
        """Return `sent.engines.<engine>.api`; call it inside `make` only (the import may be heavy)."""
        return self.bridge().api(engine)

    @property
    def ctx(self) -> Ctx:
        """Return the session's organisation, actor and database; use it inside `make` only."""
        return self.bridge().ctx

    def bridge(self) -> Bridge:
        """Return the bridge; it is there once somebody can sign in."""
        if self.shell.bridge is None:
            raise RuntimeError("the bridge was not started")
        return self.shell.bridge
