"""Several lists of one page, one in front: each with its filter, its states, its remembered columns.

The page says what is listed and what happens to a row; that a filter goes with its list, that Esc leads back
and which list a saved view belongs to is the same for all such pages, and is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from sent.ui.kit.filterbar import FilterBar
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Column
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import column


class ListStack(QStackedWidget):
    """Lists by the name of their view; `name` begins the keys of their columns and saved views."""

    loaded = Signal()
    """Rows came: what can be done with them may be another."""
    previewed = Signal(object)
    opened = Signal(object)
    left = Signal()
    filtered = Signal(str)
    """The filter of this view changed."""

    def __init__(self, page: Page, name: str, filters: Mapping[str, FilterBar]) -> None:
        super().__init__()
        self._page, self._name, self.filters = page, name, dict(filters)
        self.tables: dict[str, PagedTable] = {}
        self.places: list[str] = []
        self.bars: QVBoxLayout = column(*self.filters.values(), gap=0)
        """Where the filters stand; the page places it."""

    def add_part(self, view: str, widget: QWidget) -> None:
        """Add a view that is no list."""
        self.addWidget(widget)
        self.places.append(view)

    def add_list(
        self,
        view: str,
        title: str,
        columns: Sequence[Column],
        *,
        empty: tuple[str, str, str],
        action: tuple[str, Callable[[], object]] | None = None,
    ) -> None:
        """Add a list; `empty` and `action` are what it says and offers without rows."""
        table = PagedTable(columns, run=self._page.run, name=title)
        bar = self.filters.get(view)
        states = ListStates(
            table,
            empty=empty,
            action=action,
            filtered=lambda: bar is not None and bool(bar.terms()),
            clear_filter=bar.clear if bar is not None else None,
        )
        self.add_part(view, states)
        table.remember_columns(self._page.shell.prefs, f"{self._name}.{view}")
        table.model_.show_skeleton()
        table.model_.loaded.connect(self.loaded)
        table.previewed.connect(self.previewed)
        table.opened.connect(self.opened)
        table.left.connect(self.left)
        self.tables[view] = table
        if bar is not None:
            bar.changed.connect(lambda _terms: self.filtered.emit(view))
            bar.left.connect(table.setFocus)
            table.value_clicked.connect(lambda field, value, out: bar.add(field, value, out=out))

    def show_view(self, view: str) -> None:
        """Bring a view to the front with its filter."""
        self.setCurrentIndex(self.places.index(view))
        for other, bar in self.filters.items():
            bar.setVisible(view == other)

    def view(self) -> str:
        """Return the view in front."""
        return self.places[self.currentIndex()]

    def focus_filter(self) -> None:
        """Give the filter of the list in front the keyboard."""
        if self.view() in self.filters:
            self.filters[self.view()].edit.setFocus()

    def list_view(self) -> ListView | None:
        """Return the list in front as saved views know it."""
        table = self.tables.get(self.view())
        return None if table is None else self._as_view(self.view(), table)

    def lists(self) -> list[ListView]:
        """Return all lists as saved views know them."""
        return [self._as_view(view, table) for view, table in self.tables.items()]

    def _as_view(self, view: str, table: PagedTable) -> ListView:
        return ListView(f"{self._name}.{view}", self.filters.get(view), table)

    def set_dimmed(self, dimmed: bool) -> None:
        """Show the rows pale: nobody knows how they are now."""
        for table in self.tables.values():
            table.set_dimmed(dimmed)
