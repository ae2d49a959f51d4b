"""Keeps the first column of a table in sight when the others are scrolled: it is painted over them.

A second view on the same model would need its own focus, mouse and selection; painting needs none of that.
Languages that begin at the right scroll without it.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHeaderView, QStyle, QStyleOptionViewItem, QTableView

from sent.ui.theme import theme


class FrozenHeader(QHeaderView):
    """A header whose first section stays at the left."""

    def __init__(self, table: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self.setSectionsClickable(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.offset() > 0 and not self.isRightToLeft():
            painter = QPainter(self.viewport())
            box = QRect(0, 0, self.sectionSize(0), self.height())
            painter.fillRect(box, theme.colour("card"))
            self.paintSection(painter, box, 0)
            _edge(painter, box)


def _edge(painter: QPainter, box: QRect) -> None:
    painter.setPen(theme.hairline("line_strong"))
    painter.drawLine(box.topRight(), box.bottomRight())


def scrolled(table: QTableView) -> bool:
    """Say whether the first column has to be painted over the others."""
    return table.horizontalScrollBar().value() > 0 and not table.isRightToLeft()


def paint_names(table: QTableView) -> None:
    """Paint the first column of the visible rows over what is scrolled below it."""
    if not scrolled(table):
        return
    painter, wide = QPainter(table.viewport()), table.columnWidth(0)
    model = table.model()
    current = table.currentIndex().row()
    first, last = table.rowAt(0), table.rowAt(table.viewport().height() - 1)
    last = last if last >= 0 else model.rowCount() - 1
    for number in range(max(first, 0), last + 1):
        box = QRect(0, table.rowViewportPosition(number), wide, table.rowHeight(number))
        painter.fillRect(box, theme.colour("card"))
        option = QStyleOptionViewItem()
        option.rect = box
        if number == current:
            option.state |= QStyle.StateFlag.State_Selected
        table.itemDelegate().paint(painter, option, model.index(number, 0))
    high = table.rowViewportPosition(last) + table.rowHeight(last) if last >= 0 else 0
    _edge(painter, QRect(0, 0, wide, high))


def uncover(table: QTableView) -> None:
    """Scroll so that the current cell is not below the first column."""
    column = table.currentIndex().column()
    if column > 0 and not table.isRightToLeft():
        missing = table.columnWidth(0) - table.columnViewportPosition(column)
        if missing > 0:
            bar = table.horizontalScrollBar()
            bar.setValue(bar.value() - missing)
