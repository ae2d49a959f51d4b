"""The table's view: keyboard, marks, columns that are remembered.

J and K or the arrows move, Enter opens, Space previews, X marks, Ctrl+A marks all that is loaded, Esc takes
marks away and then leaves. Ctrl+click filters for a value, Alt+click filters it out. Columns are moved and
resized with the mouse, hidden through the header's menu, and kept per person and view.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QItemSelectionModel, QMimeData, QPoint, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDrag,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from sent.ui.kit import sorting
from sent.ui.kit.cells import CellDelegate
from sent.ui.kit.columnlayout import ColumnLayout
from sent.ui.kit.table import Column, Index, PagedModel, Run, Source
from sent.ui.prefs import Prefs
from sent.ui.theme import theme

AT_ONCE = 500
"""Rows copied at once; more are copied in the background."""


_CTRL = Qt.KeyboardModifier.ControlModifier


class PagedTable(QTableView):
    """A keyboard-first table over a PagedModel."""

    opened = Signal(object)
    """Enter or double click; the row."""
    previewed = Signal(object)
    """The current row changed by keyboard or mouse, or Space."""
    left = Signal()
    """Esc with nothing marked."""
    copy_wanted = Signal()
    """Copy more rows than can be made into text between two frames."""
    marks_changed = Signal(int)
    value_clicked = Signal(str, str, bool)
    """Field, value, filter out? (Ctrl+click, Alt+click)."""
    apart = Signal(object)
    """Ctrl+Enter or a middle click: the row, for a window of its own."""
    menu_wanted = Signal(object, QPoint)
    """A row's context menu."""

    def __init__(
        self, columns: Sequence[Column], *, run: Run, name: str, model: PagedModel | None = None
    ) -> None:
        super().__init__()
        self.model_ = model or PagedModel(columns, run, self)
        self.hovered = -1
        self.dimmed = False
        self._rows: Sequence[Any] | None = None
        self._row_key: Callable[[Any], Hashable] = id
        self._keep: tuple[Hashable | None, int] = (None, 0)
        self.setModel(self.model_)
        self.setAccessibleName(name)
        self._delegate = CellDelegate(self)
        self.setItemDelegate(self._delegate)
        self._arrange()
        self.layout_ = ColumnLayout(self)
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
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setCornerButtonEnabled(False)
        vertical = self.verticalHeader()
        vertical.hide()
        vertical.setMinimumSectionSize(10)
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        vertical.setDefaultSectionSize(theme.row_height())

    def natural_width(self, column: Column) -> int:
        """Return the width that suits a column in this language and text size."""
        return self._delegate.natural_width(column)

    def heading_width(self, column: Column) -> int:
        """Return the width that a column's heading needs."""
        return self._delegate.text_width("chip", column.heading) + 24

    @property
    def first_column(self) -> int:
        """The number of the leftmost column."""
        return self.layout_.first

    def remember_columns(self, prefs: Prefs, key: str) -> None:
        """Restore the columns' order, widths and visibility, and keep them from now on."""
        self.layout_.remember(prefs, key)

    def set_source(self, source: Source | None, *, keep: bool = False) -> None:
        """Show rows from `source`."""
        self.model_.set_source(source, keep=keep)

    def show_rows(self, rows: Sequence[Any], key: Callable[[Any], Hashable]) -> None:
        """Show rows that are all in memory; such a list can be sorted by its headers."""
        first = self._rows is None
        self._rows, self._row_key = rows, key
        if first:
            self.horizontalHeader().setSectionsClickable(True)
            self.horizontalHeader().sectionClicked.connect(self._header_clicked)
        self._sort(keep=not first)

    def sort_by(self, text: str) -> None:
        """Sort as `sort_text` told; lists in pages keep the server's order."""
        if self._rows is not None:
            self.model_.order = sorting.read(text, self.model_.columns)
            self._sort(keep=True)

    def sort_text(self) -> str:
        """Return what the user sorts by."""
        return sorting.write(self.model_.order)

    def _header_clicked(self, number: int) -> None:
        add = bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
        key = self.model_.columns[number].key
        self.model_.order = sorting.clicked(self.model_.order, key, add=add)
        self._sort(keep=True)

    def _sort(self, *, keep: bool) -> None:
        rows = sorting.in_order(self._rows or (), self.model_.order, self.model_.columns)
        self.model_.set_source(sorting.source(rows, self._row_key), keep=keep)
        self.horizontalHeader().viewport().update()

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
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and event.modifiers() & _CTRL:
            self._open_apart(self.current_number())
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

    def _open_apart(self, number: int) -> None:
        row = self.model_.row(number) if number >= 0 else None
        if row is not None:
            self.apart.emit(row)

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

    def visible_columns(self) -> list[Column]:
        """Return the columns that are shown, from the left."""
        header, columns = self.horizontalHeader(), self.model_.columns
        order = [header.logicalIndex(place) for place in range(header.count())]
        return [columns[number] for number in order if not header.isSectionHidden(number)]

    def copied_columns(self) -> list[Column]:
        """Return what copies hold: the columns shown, and those that are owed."""
        shown = self.visible_columns()
        return shown + [column for column in self.model_.columns if column.always and column not in shown]

    def drag_data(self) -> QMimeData:
        """Return the chosen rows for drawing out: a CSV file for the file manager, text for all else."""
        from sent.ui.kit.drawnout import drawn_out

        return drawn_out(self.chosen(), self.copied_columns(), self.accessibleName())

    def startDrag(self, actions: Qt.DropAction) -> None:
        if self.chosen():
            drag = QDrag(self)
            drag.setMimeData(self.drag_data())
            drag.exec(Qt.DropAction.CopyAction)

    def copy(self) -> None:
        """Put the chosen rows on the clipboard, tab-separated; many of them in the background."""
        rows = self.chosen()
        if len(rows) > AT_ONCE:
            self.copy_wanted.emit()
            return
        lines = ["\t".join(column.text(row) for column in self.model_.columns) for row in rows]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid() and current.row() != previous.row():
            row = self.model_.row(current.row())
            if row is not None:
                self.previewed.emit(row)
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self.viewport())
            painter.setPen(theme.ring())
            painter.drawLine(0, 0, self.viewport().width(), 0)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        modifiers = event.modifiers()
        if index.isValid() and event.button() == Qt.MouseButton.MiddleButton:
            self._open_apart(index.row())
            return
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
        self.layout_.stretch()

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
        self.layout_.measure()
        self.layout_.stretch()
        self.viewport().update()
