"""How a table's columns lie: order, widths, which are shown; kept per person and view.

One column stretches over the room that is left; when that gets too little, others step aside by their
`drop`. What the user chose wins over a column's natural width.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QMenu

from sent.platform.i18n import tr
from sent.ui.prefs import Prefs

if TYPE_CHECKING:
    from sent.ui.kit.tableview import PagedTable


class ColumnLayout(QObject):
    """The columns of `table`; `first` is the number of the leftmost one."""

    def __init__(self, table: PagedTable) -> None:
        super().__init__(table)
        self._table, self._header = table, table.horizontalHeader()
        self.first = 0
        self._prefs: Prefs | None = None
        self._prefs_key = ""
        self._hidden: set[int] = set()
        self._pinned: list[int] = []
        self._widths: dict[int, int] = {}
        self._natural: list[int] = []
        header = self._header
        header.setFixedHeight(32)
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        header.setSectionsClickable(False)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._menu_at)
        header.sectionMoved.connect(self._moved)
        header.sectionHandleDoubleClicked.connect(self.fit_column)
        self.measure()
        for place, width in enumerate(self._natural):
            header.resizeSection(place, width)
        header.sectionResized.connect(self._resized)

    def measure(self) -> None:
        """Find the natural widths anew: the language or the text size changed."""
        self._natural = [self._table.natural_width(column) for column in self._table.model_.columns]

    def remember(self, prefs: Prefs, key: str) -> None:
        """Restore the columns' order, widths and visibility, and keep them from now on."""
        self._restore(prefs.text(f"columns/{key}"))
        self._prefs, self._prefs_key = prefs, f"columns/{key}"
        self.stretch()

    def text(self) -> str:
        """Return how the columns lie, as `apply` reads it: `key:width:hidden:pinned` in their order."""
        header, columns = self._header, self._table.model_.columns
        order = [header.logicalIndex(n) for n in range(header.count())]
        return " ".join(
            f"{columns[n].key}:{self._widths.get(n, 0)}:{int(n in self._hidden)}:{int(n in self._pinned)}"
            for n in order
        )

    def apply(self, text: str) -> None:
        """Lay the columns as `text` says; columns it does not know stay shown."""
        self._hidden, self._pinned, self._widths = set(), [], {}
        self._restore(text)
        self._changed()

    def stretch(self) -> None:
        """Give the room that is left to the stretching column; when it gets too narrow, others step aside."""
        header, columns = self._header, self._table.model_.columns
        shown = [n for n in range(len(columns)) if n not in self._hidden]
        wide = next((n for n in shown if columns[n].stretch), shown[-1] if shown else None)
        if wide is None:
            return
        header.blockSignals(True)
        room = self._table.viewport().width() - sum(self._width(n) for n in shown if n != wide)
        leaving: set[int] = set()
        for n in sorted(shown, key=lambda n: -columns[n].drop):
            may = columns[n].drop and n != wide and n not in self._pinned
            if room < min(columns[wide].width, 240) and may:
                leaving.add(n)
                room += self._width(n)
        for n in range(len(columns)):
            header.setSectionHidden(n, n in self._hidden or n in leaving)
            if n not in leaving and n not in self._hidden and n != wide:
                header.resizeSection(n, self._width(n))
        header.resizeSection(wide, max(120, self._table.heading_width(columns[wide]), room))
        header.blockSignals(False)
        self._find_first()
        self._table.viewport().update()

    def _width(self, number: int) -> int:
        """Return the width that the user gave a column, or its natural one."""
        return self._widths.get(number, self._natural[number])

    def _find_first(self) -> None:
        header = self._header
        places = [header.logicalIndex(n) for n in range(header.count())]
        self.first = next((n for n in places if not header.isSectionHidden(n)), 0)

    def _resized(self, number: int, _before: int, width: int) -> None:
        if width > 0:
            self._widths[number] = width
        self._changed()

    def _changed(self) -> None:
        self.stretch()
        if self._prefs is not None:
            self._prefs.set_text(self._prefs_key, self.text())

    def _restore(self, text: str) -> None:
        header, known = self._header, {c.key: n for n, c in enumerate(self._table.model_.columns)}
        header.blockSignals(True)
        for place, part in enumerate(text.split()):
            key, width, hidden, pinned = [*part.split(":"), "0", "0", "0"][:4]
            if key in known and place < header.count():
                header.moveSection(header.visualIndex(known[key]), place)
                if width.isdigit() and int(width) > 0:
                    self._widths[known[key]] = int(width)
                if hidden == "1" and len(self._hidden) < len(known) - 1:
                    self._hidden.add(known[key])
                if pinned == "1":
                    self._pinned.append(known[key])
        header.blockSignals(False)

    def _moved(self, *_: int) -> None:
        """Keep pinned columns at the front, whatever was drawn where."""
        header = self._header
        header.blockSignals(True)
        self._pinned.sort(key=header.visualIndex)
        for place, number in enumerate(self._pinned):
            header.moveSection(header.visualIndex(number), place)
        header.blockSignals(False)
        self._changed()

    def pin(self, number: int, on: bool) -> None:
        """Keep a column at the front and shown however narrow the list is, or let it go again."""
        self._pinned = [n for n in self._pinned if n != number] + ([number] if on else [])
        self._hidden.discard(number) if on else None
        self._moved()

    @property
    def pinned(self) -> list[str]:
        """Return the keys of the pinned columns, from the left."""
        return [self._table.model_.columns[n].key for n in self._pinned]

    def fit_column(self, number: int) -> None:
        """Make a column as wide as what is in it (a double click on its edge)."""
        self._widths[number] = max(56, self._table.sizeHintForColumn(number))
        self._changed()

    def choose(self) -> None:
        """Let the user choose the columns with the keyboard, at the header's left end."""
        self._menu_at(QPoint(0, self._header.height()))

    def menu(self) -> QMenu:
        """Return the choice of the columns shown."""
        menu = QMenu(self._table)
        for number, column in enumerate(self._table.model_.columns):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(number not in self._hidden)
            action.toggled.connect(partial(self._show_column, number))
        menu.addSeparator()
        pins = menu.addMenu(tr("Pin at the front"))
        for number, column in enumerate(self._table.model_.columns):
            action = pins.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(number in self._pinned)
            action.toggled.connect(partial(self.pin, number))
        menu.addAction(tr("Fit columns to their content"), self._fit)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _menu_at(self, place: QPoint) -> None:
        self.menu().exec(self._header.mapToGlobal(place))

    def _show_column(self, number: int, on: bool) -> None:
        if on:
            self._hidden.discard(number)
        elif len(self._hidden) < len(self._table.model_.columns) - 1:
            self._hidden.add(number)
        self._changed()

    def _fit(self) -> None:
        for number in range(len(self._table.model_.columns)):
            self._widths[number] = max(56, self._table.sizeHintForColumn(number))
        self._changed()
