"""A report on the screen: headings that fold, accounts below them, totals; a cursor that moves over amounts.

Arrows move (left and right choose the column), Enter goes down to the lines of an amount, Space folds
a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableView,
)

from sent.platform.i18n import tr
from sent.ui.pages.capital.reports.frozen import FrozenHeader, paint_names, scrolled, uncover
from sent.ui.pages.capital.reports.sheetcells import LEFT, RIGHT, SheetDelegate
from sent.ui.pages.capital.reports.wording import figure, first_heading, headings
from sent.ui.theme import fonts, theme

if TYPE_CHECKING:
    from sent.engines.capital.reports.api import Report, Row

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
NAME_WIDTH = 250
SKELETON = 14


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its texts; `group` is the heading it stands under, `folds` whether it is one."""

    row: Row
    texts: tuple[str, ...]
    group: str = ""
    folds: bool = False


def lines_of(report: Report) -> list[Line]:
    """Return the lines of a report; a heading shows its group's total, which it stands for when folded."""
    lines: list[Line] = []
    group, at = "", -1
    wide = len(headings(report))
    for row in report.rows:
        texts = tuple(figure(amount, report.commodity) for amount in row.amounts)
        texts += ("",) * (wide - len(texts))
        if row.kind == "heading":
            group, at = row.label, len(lines)
            lines.append(Line(row, texts, row.label, True))
        elif row.kind == "result" or (row.kind == "total" and row.depth == 0):
            group = ""
            lines.append(Line(row, texts))
        else:
            lines.append(Line(row, texts, group))
            if row.kind == "total" and group:
                lines[at] = Line(lines[at].row, texts, group, True)
    return lines


class SheetModel(QAbstractTableModel):
    """Name first, then one column for each amount."""

    def __init__(self) -> None:
        super().__init__()
        self.first = tr("Account")
        self.titles: Sequence[str] = ()
        self.lines: Sequence[Line] = ()
        self.shown: Sequence[Line] = ()
        self.folded: set[str] = set()
        self.skeleton = True

    def show_report(self, report: Report) -> None:
        """Show a report; groups that were folded stay so."""
        self.beginResetModel()
        self.skeleton = False
        self.first = first_heading(report.id)
        self.titles, self.lines = headings(report), lines_of(report)
        self._choose()
        self.endResetModel()

    def show_skeleton(self) -> None:
        """Show grey bars: nothing is known yet."""
        self.beginResetModel()
        self.skeleton, self.titles, self.lines, self.shown = True, ("",), (), ()
        self.endResetModel()

    def _choose(self) -> None:
        self.shown = [one for one in self.lines if one.folds or one.group not in self.folded or not one.group]

    def fold(self, group: str) -> None:
        """Fold a group, or open it again."""
        self.beginResetModel()
        self.folded ^= {group}
        self._choose()
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else SKELETON if self.skeleton else len(self.shown)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.titles) + 1

    def text(self, number: int, column: int) -> str:
        """Return the text of a cell."""
        if self.skeleton:
            return ""
        line = self.shown[number]
        if not column:
            return " ".join(part for part in (line.row.code, line.row.label) if part)
        if line.folds and line.group not in self.folded:
            return ""
        return line.texts[column - 1] if column <= len(line.texts) else ""

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.text(index.row(), index.column())
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.titles[section - 1] if section else self.first
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag(RIGHT if section else LEFT)
        return None


class ReportSheet(QTableView):
    """See the module."""

    opened = Signal(object, int)
    """Enter or a double click: the row, and the number of the amount under the cursor."""
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model_ = SheetModel()
        self.hovered, self.dimmed = -1, False
        self.code_width = 48
        self.report: Report | None = None
        self.setHorizontalHeader(FrozenHeader(self))
        self.setModel(self.model_)
        self.setItemDelegate(SheetDelegate(self))
        self.setAccessibleName(tr("Report"))
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(10)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalScrollBar().valueChanged.connect(self._scrolled)
        theme.state().changed.connect(self.measure)
        self.measure()

    def show_report(self, report: Report) -> None:
        """Show a report; the cursor stays on its account where that is still there."""
        row, column = self.current_row(), max(1, self.currentIndex().column())
        self.report = report
        self.model_.show_report(report)
        self.measure()
        same = (
            n
            for n, line in enumerate(self.model_.shown)
            if row is not None and (line.row.label, line.row.account) == (row.label, row.account)
        )
        self.go(next(same, 0), column)

    def go(self, number: int, column: int = 1) -> None:
        """Move the cursor."""
        column = max(0, min(column, self.model_.columnCount() - 1))
        index = self.model_.index(max(0, min(number, self.model_.rowCount() - 1)), column)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def _scrolled(self, _value: int) -> None:
        self.viewport().update()
        self.horizontalHeader().viewport().update()

    def scrollTo(
        self,
        index: Index,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        super().scrollTo(index, hint)
        uncover(self)

    def indexAt(self, pos: QPoint) -> QModelIndex:
        found = super().indexAt(pos)
        if found.isValid() and scrolled(self) and pos.x() < self.columnWidth(0):
            return self.model_.index(found.row(), 0)
        return found

    def current_row(self) -> Row | None:
        """Return the row under the cursor."""
        number = self.currentIndex().row()
        shown = self.model_.shown
        return shown[number].row if 0 <= number < len(shown) else None

    def set_dimmed(self, dimmed: bool) -> None:
        """Draw pale: what is shown is old."""
        self.dimmed = dimmed
        self.viewport().update()

    def font_of(self, kind: str, *, figures: bool = False) -> QFont:
        """Return the font of a row."""
        font = QFont(theme.state().family)
        font.setPixelSize(round(13 * theme.state().scale))
        if kind in ("heading", "result"):
            font.setWeight(QFont.Weight.DemiBold)
        elif kind == "total":
            font.setWeight(QFont.Weight.Medium)
        return fonts.tabular(font) if figures else font

    def measure(self) -> None:
        """Give every amount room, and the names what is left."""
        metrics = QFontMetrics(self.font_of("result", figures=True))
        heads = QFontMetrics(self.font_of("result"))
        self.verticalHeader().setDefaultSectionSize(theme.row_height())
        self.horizontalHeader().setFixedHeight(round(32 * max(theme.state().scale, 1)))
        codes = [heads.horizontalAdvance(line.row.code) for line in self.model_.lines if line.row.code]
        self.code_width = max(codes, default=30) + 12
        taken = 0
        for number, title in enumerate(self.model_.titles):
            texts = [line.texts[number] for line in self.model_.lines if number < len(line.texts)]
            wide = max((metrics.horizontalAdvance(text) for text in texts), default=60) + 36
            wide = max(wide, heads.horizontalAdvance(title) + 24, 96)
            self.setColumnWidth(number + 1, wide)
            taken += wide
        least = round(NAME_WIDTH * max(1.0, theme.state().scale))
        self.setColumnWidth(0, max(least, self.viewport().width() - taken))
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.measure()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, number = Qt.Key(event.key()), self.currentIndex().row()
        column = self.currentIndex().column()
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif key in (Qt.Key.Key_J, Qt.Key.Key_K) and not event.modifiers():
            self.go(number + (1 if key == Qt.Key.Key_J else -1), column)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open()
        elif key == Qt.Key.Key_Space:
            self._fold()
        elif key in (Qt.Key.Key_Escape, Qt.Key.Key_Backspace):
            self.left.emit()
        elif event.text().isprintable() and event.text():
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _open(self) -> None:
        row = self.current_row()
        if row is not None and row.kind == "heading":
            self._fold()
        elif row is not None:
            self.opened.emit(row, max(0, self.currentIndex().column() - 1))

    def _fold(self) -> None:
        number, column = self.currentIndex().row(), self.currentIndex().column()
        group = self.model_.shown[number].group if 0 <= number < len(self.model_.shown) else ""
        if group:
            self.model_.fold(group)
            self.go(
                next(n for n, one in enumerate(self.model_.shown) if one.folds and one.group == group), column
            )

    def copy(self, *, whole: bool = False) -> None:
        """Put the row under the cursor, or the whole report, on the clipboard, tab-separated."""
        model = self.model_
        numbers = range(len(model.shown)) if whole else [self.currentIndex().row()]
        head = ["\t".join(["", *model.titles])] if whole else []
        rows = ["\t".join(model.text(n, c) for c in range(model.columnCount())) for n in numbers if n >= 0]
        QGuiApplication.clipboard().setText("\n".join([*head, *rows]))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        number = self.indexAt(event.position().toPoint()).row()
        if number != self.hovered:
            self.hovered = number
            self.viewport().update()
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        shown = self.model_.shown
        if index.isValid() and index.column() == 0 and index.row() < len(shown) and shown[index.row()].folds:
            self._fold()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self.current_row()
        if row is not None and row.kind != "heading":
            self._open()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        paint_names(self)
        if self.hasFocus():
            painter = QPainter(self.viewport())
            painter.setPen(theme.ring())
            painter.drawLine(0, 0, self.viewport().width(), 0)
