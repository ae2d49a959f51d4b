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
        header.sectionMoved.connect(lambda *_: self._changed())
        self.measure()
        for place, width in enumerate(self._natural):
            header.resizeSection(place, width)
        header.sectionResized.connect(self._resized)

    def measure(self) -> None:
        """Find the natural widths anew: the language or the text size changed."""
        self._natural = [self._table.natural_width(column) for column in self._table.model_.columns]

    def remember(self, prefs: Prefs, key: str) -> None:
        """Restore the columns' order, widths and visibility, and keep them from now on."""
        self._header.blockSignals(True)
        self._restore(prefs.text(f"columns/{key}"))
        self._header.blockSignals(False)
        self._prefs, self._prefs_key = prefs, f"columns/{key}"
        self.stretch()

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
            if room < min(columns[wide].width, 240) and columns[n].drop and n != wide:
                leaving.add(n)
                room += self._width(n)
        for n in range(len(columns)):
            header.setSectionHidden(n, n in self._hidden or n in leaving)
            if n not in leaving and n not in self._hidden and n != wide:
                header.resizeSection(n, self._width(n))
        header.resizeSection(wide, max(120, room))
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
            header = self._header
            order = [header.logicalIndex(n) for n in range(header.count())]
            parts = [
                f"{self._table.model_.columns[n].key}:{self._widths.get(n, 0)}:{int(n in self._hidden)}"
                for n in order
            ]
            self._prefs.set_text(self._prefs_key, " ".join(parts))

    def _restore(self, text: str) -> None:
        header, known = self._header, {c.key: n for n, c in enumerate(self._table.model_.columns)}
        for place, part in enumerate(text.split()):
            key, width, hidden = [*part.split(":"), "0", "0"][:3]
            if key in known and place < header.count():
                header.moveSection(header.visualIndex(known[key]), place)
                if width.isdigit() and int(width) > 0:
                    self._widths[known[key]] = int(width)
                if hidden == "1":
                    self._hidden.add(known[key])

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
