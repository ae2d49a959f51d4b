"""The table's view: keyboard, marks, columns that are remembered.

J and K or the arrows move, Enter opens, Space previews, X marks, Ctrl+A marks all that is loaded, Esc takes
marks away and then leaves. Ctrl+click filters for a value, Alt+click filters it out. Columns are moved and
resized with the mouse, hidden through the header's menu, and kept per person and view.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView

from sent.platform.i18n import tr
from sent.ui.kit.cells import CellDelegate
from sent.ui.kit.table import Column, Index, PagedModel, Run, Source
from sent.ui.prefs import Prefs
from sent.ui.theme import theme


class PagedTable(QTableView):
    """A keyboard-first table over a PagedModel."""

    opened = Signal(object)
    """Enter or double click; the row."""
    previewed = Signal(object)
    """The current row changed by keyboard or mouse, or Space."""
    left = Signal()
    """Esc with nothing marked."""
    marks_changed = Signal(int)
    value_clicked = Signal(str, str, bool)
    """Field, value, filter out? (Ctrl+click, Alt+click)."""
    menu_wanted = Signal(object, QPoint)
    """A row's context menu."""

    def __init__(
        self, columns: Sequence[Column], *, run: Run, name: str, model: PagedModel | None = None
    ) -> None:
        super().__init__()
        self.model_ = model or PagedModel(columns, run, self)
        self.hovered = -1
        self.dimmed = False
        self.first_column = 0
        self._prefs: Prefs | None = None
        self._prefs_key = ""
        self._hidden: set[int] = set()
        self._widths: dict[int, int] = {}
        self._keep: tuple[Hashable | None, int] = (None, 0)
        self.setModel(self.model_)
        self.setAccessibleName(name)
        self._delegate = CellDelegate(self)
        self.setItemDelegate(self._delegate)
        self._arrange()
        self.model_.modelAboutToBeReset.connect(self._remember)
        self.model_.modelReset.connect(self._restore)
        self.model_.loaded.connect(self._choose_first)
        theme.state().changed.connect(self._restyle)

    def _arrange(self) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        vertical = self.verticalHeader()
        vertical.hide()
        vertical.setMinimumSectionSize(10)
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        vertical.setDefaultSectionSize(theme.row_height())
        header = self.horizontalHeader()
        header.setFixedHeight(32)
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        header.setSectionsClickable(False)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._header_menu)
        header.sectionMoved.connect(lambda *_: self._columns_changed())
        header.sectionResized.connect(self._resized)
        self._natural = [self._delegate.natural_width(column) for column in self.model_.columns]
        for place, width in enumerate(self._natural):
            header.resizeSection(place, width)

    def remember_columns(self, prefs: Prefs, key: str) -> None:
        """Restore the columns' order, widths and visibility, and keep them from now on."""
        self.horizontalHeader().blockSignals(True)
        self._restore_columns(prefs.text(f"columns/{key}"))
        self.horizontalHeader().blockSignals(False)
        self._prefs, self._prefs_key = prefs, f"columns/{key}"
        self._stretch()

    def set_source(self, source: Source | None, *, keep: bool = False) -> None:
        """Show rows from `source`."""
        self.model_.set_source(source, keep=keep)

    def set_dimmed(self, dimmed: bool) -> None:
        """Draw the rows pale: they are stale."""
        self.dimmed = dimmed
        self.viewport().update()

    def current_number(self) -> int:
        """Return the current row's number, or -1."""
        return self.currentIndex().row()

    def current_row(self) -> Any | None:
        """Return the current row, or None."""
        return self.model_.row(self.current_number()) if self.current_number() >= 0 else None

    def chosen(self) -> list[Any]:
        """Return the marked rows, or the current one when none is marked."""
        if self.model_.marked:
            source = self.model_.source
            return [r for r in self.model_.cached_rows() if source and source.key(r) in self.model_.marked]
        row = self.current_row()
        return [] if row is None else [row]

    def is_marked(self, number: int) -> bool:
        """Say whether the row is marked."""
        return bool(self.model_.marked) and self.model_.key(number) in self.model_.marked

    def clear_marks(self) -> None:
        """Take all marks away."""
        if self.model_.marked:
            self.model_.marked.clear()
            self._marks()

    def go(self, number: int) -> None:
        """Make a row the current one and bring it into view."""
        number = max(0, min(number, self.model_.known() - 1))
        index = self.model_.index(number, self.first_column)
        if index.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().setCurrentIndex(index, flags)
            self.scrollTo(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        action = self._keys().get(Qt.Key(event.key())) if plain else None
        if action is not None and action():
            event.accept()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self._mark_all()
        else:
            event.ignore() if event.text().isprintable() and event.text() else super().keyPressEvent(event)

    def _keys(self) -> dict[Qt.Key, Callable[[], bool]]:
        key = Qt.Key
        return {
            key.Key_J: lambda: self._moved(1),
            key.Key_K: lambda: self._moved(-1),
            key.Key_Return: self._open,
            key.Key_Enter: self._open,
            key.Key_Space: self._preview,
            key.Key_X: self._mark_current,
            key.Key_Escape: self._escape,
        }

    def _moved(self, step: int) -> bool:
        self.go(self.current_number() + step)
        return True

    def _open(self) -> bool:
        if (row := self.current_row()) is not None:
            self.opened.emit(row)
        return True

    def _preview(self) -> bool:
        if (row := self.current_row()) is not None:
            self.previewed.emit(row)
        return True

    def _mark_current(self) -> bool:
        self._toggle(self.current_number())
        return True

    def _toggle(self, number: int) -> None:
        key = self.model_.key(number)
        if key is not None:
            self.model_.marked ^= {key}
            self._marks()

    def _mark_all(self) -> None:
        source = self.model_.source
        if source is not None:
            self.model_.marked = {source.key(row) for row in self.model_.cached_rows()}
            self._marks()

    def _marks(self) -> None:
        self.viewport().update()
        self.marks_changed.emit(len(self.model_.marked))

    def _escape(self) -> bool:
        if self.model_.marked:
            self.clear_marks()
        else:
            self.left.emit()
        return True

    def copy(self) -> None:
        """Put the chosen rows on the clipboard, tab-separated."""
        rows = self.chosen()
        lines = ["\t".join(column.text(row) for column in self.model_.columns) for row in rows]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid() and current.row() != previous.row():
            row = self.model_.row(current.row())
            if row is not None:
                self.previewed.emit(row)
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        modifiers = event.modifiers()
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            column = self.model_.columns[index.column()]
            row = self.model_.row(index.row())
            out = bool(modifiers & Qt.KeyboardModifier.AltModifier)
            if column.field and row is not None and (out or modifiers & Qt.KeyboardModifier.ControlModifier):
                self.value_clicked.emit(column.field, self._value(column, row), out)
                return
            if modifiers & Qt.KeyboardModifier.ShiftModifier:
                self._mark_range(index.row())
                return
        super().mousePressEvent(event)

    @staticmethod
    def _value(column: Column, row: Any) -> str:
        raw = getattr(row, column.key, None)
        return raw if isinstance(raw, str) else column.text(row)

    def _mark_range(self, to: int) -> None:
        first, last = sorted((max(0, self.current_number()), to))
        self.model_.marked |= {key for n in range(first, last + 1) if (key := self.model_.key(n)) is not None}
        self._marks()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.indexAt(event.position().toPoint()).isValid():
            self._open()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.indexAt(event.position().toPoint()).row())
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def _choose_first(self) -> None:
        if self.hasFocus() and self.current_number() < 0 and self.model_.known():
            self.go(0)

    def _hover(self, number: int) -> None:
        if number != self.hovered:
            self.hovered = number
            self.viewport().update()

    def focusInEvent(self, event: Any) -> None:
        super().focusInEvent(event)
        if self.current_number() < 0 and self.model_.known():
            self.go(0)
        self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        row = self.current_row()
        if row is not None:
            self.menu_wanted.emit(row, event.globalPos())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._stretch()

    def _stretch(self) -> None:
        """Give the room that is left to the stretching column; when it gets too narrow, others step aside."""
        header, columns = self.horizontalHeader(), self.model_.columns
        wide = next((n for n, c in enumerate(columns) if c.stretch and n not in self._hidden), None)
        if wide is None:
            return
        header.blockSignals(True)
        shown = [n for n in range(len(columns)) if n not in self._hidden]
        room = self.viewport().width() - sum(self._width(n) for n in shown if n != wide)
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

    def _width(self, number: int) -> int:
        """Return the width that the user gave a column, or its natural one."""
        return self._widths.get(number, self._natural[number])

    def _find_first(self) -> None:
        header = self.horizontalHeader()
        places = [header.logicalIndex(n) for n in range(header.count())]
        self.first_column = next((n for n in places if not header.isSectionHidden(n)), 0)

    def _resized(self, number: int, _before: int, width: int) -> None:
        if width > 0:
            self._widths[number] = width
        self._columns_changed()

    def _columns_changed(self) -> None:
        self._stretch()
        if self._prefs is not None:
            header = self.horizontalHeader()
            order = [header.logicalIndex(n) for n in range(header.count())]
            parts = [
                f"{self.model_.columns[n].key}:{self._widths.get(n, 0)}:{int(n in self._hidden)}"
                for n in order
            ]
            self._prefs.set_text(self._prefs_key, " ".join(parts))

    def _restore_columns(self, text: str) -> None:
        header, known = self.horizontalHeader(), {c.key: n for n, c in enumerate(self.model_.columns)}
        for place, part in enumerate(text.split()):
            key, width, hidden = [*part.split(":"), "0", "0"][:3]
            if key in known and place < header.count():
                header.moveSection(header.visualIndex(known[key]), place)
                if width.isdigit() and int(width) > 0:
                    self._widths[known[key]] = int(width)
                if hidden == "1":
                    self._hidden.add(known[key])

    def _header_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        header = self.horizontalHeader()
        for number, column in enumerate(self.model_.columns):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(number not in self._hidden)
            action.toggled.connect(lambda on, n=number: self._show_column(n, on))
        menu.addSeparator()
        menu.addAction(tr("Fit columns to their content"), self._fit)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.exec(header.mapToGlobal(place))

    def _show_column(self, number: int, on: bool) -> None:
        if on:
            self._hidden.discard(number)
        elif len(self._hidden) < len(self.model_.columns) - 1:
            self._hidden.add(number)
        self._columns_changed()

    def _fit(self) -> None:
        for number in range(len(self.model_.columns)):
            self._widths[number] = max(56, self.sizeHintForColumn(number))
        self._columns_changed()

    def _remember(self) -> None:
        number = self.current_number()
        key = None if number < 0 or self.model_.skeleton else self.model_.key(number)
        self._keep = (key, self.verticalScrollBar().value())

    def _restore(self) -> None:
        key, scroll = self._keep
        self.hovered = -1
        number = self.model_.find(key) if key is not None else None
        if number is not None:
            index = self.model_.index(number, self.first_column)
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().blockSignals(True)
            self.selectionModel().setCurrentIndex(index, flags)
            self.selectionModel().blockSignals(False)
        self.verticalScrollBar().setValue(scroll)
        self._marks()

    def _restyle(self) -> None:
        self.verticalHeader().setDefaultSectionSize(theme.row_height())
        self.horizontalHeader().setFixedHeight(round(32 * max(theme.state().scale, 1)))
        self._natural = [self._delegate.natural_width(column) for column in self.model_.columns]
        self._stretch()
        self.viewport().update()
