"""How the rows of a report are painted: headings, accounts, totals, results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from sent.ui.kit.widgets import mirrored
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.ui.pages.capital.reports.sheet import Line, ReportSheet

LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


class SheetDelegate(QStyledItemDelegate):
    """Paints rows by what they are."""

    def __init__(self, sheet: ReportSheet) -> None:
        super().__init__(sheet)
        self._sheet = sheet

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        view: Any = option
        box, model = QRectF(view.rect), self._sheet.model_
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if model.skeleton:
            self._bar(painter, box, index.row(), index.column())
            return
        line = model.shown[index.row()]
        kind = "heading" if line.folds else line.row.kind
        current = index.row() == self._sheet.currentIndex().row()
        if view.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, theme.colour("selected"))
        elif kind == "result":
            painter.fillRect(box, theme.colour("raised"))
        elif index.row() == self._sheet.hovered:
            painter.fillRect(box, theme.colour("hover"))
        strong = kind in ("total", "result")
        painter.setPen(theme.hairline("line_strong" if strong and index.column() else "line"))
        if strong and index.column():
            painter.drawLine(box.topLeft(), box.topRight())
        below = model.shown[index.row() + 1].row.kind if index.row() + 1 < len(model.shown) else ""
        if kind in ("account", "result") and not (index.column() and below in ("total", "result")):
            ground = box.adjusted(0, 0, 0, -1)
            painter.drawLine(ground.bottomLeft(), ground.bottomRight())
        if self._sheet.dimmed:
            painter.setOpacity(0.55)
        text = model.text(index.row(), index.column())
        if index.column():
            self._amount(painter, box, text, kind)
            if current and self._sheet.hasFocus() and index.column() == self._sheet.currentIndex().column():
                painter.setPen(theme.ring())
                painter.drawRect(box.adjusted(1, 1, -2, -2))
        else:
            self._name(painter, box, line, kind)
            if current and self._sheet.hasFocus():
                painter.fillRect(
                    mirrored(QRectF(box.left(), box.top(), 3, box.height()), box.width(), box.left()),
                    theme.colour("accent"),
                )
        painter.setOpacity(1)

    def _amount(self, painter: QPainter, box: QRectF, text: str, kind: str) -> None:
        painter.setFont(self._sheet.font_of(kind, figures=True))
        painter.setPen(theme.colour("text3" if text == "–" else "text" if kind != "account" else "text2"))
        # Brackets stand outside of the figures, so that the digits are below each other.
        inner = box.adjusted(6, 0, -16 if text.endswith(")") else -20, 0)
        painter.drawText(inner, RIGHT, text)

    def _name(self, painter: QPainter, box: QRectF, line: Line, kind: str) -> None:
        font = self._sheet.font_of(kind)
        painter.setFont(font)
        left = box.left() + 14
        if line.folds:
            sign = "▸" if line.group in self._sheet.model_.folded else "▾"
            painter.setPen(theme.colour("text3"))
            painter.drawText(self._turned(QRectF(left - 4, box.top(), 16, box.height()), box), LEFT, sign)
            left += 14
        elif line.group:
            left += 14
        if line.row.code:
            painter.setPen(theme.colour("text3"))
            wide = self._sheet.code_width
            painter.drawText(
                self._turned(QRectF(left, box.top(), wide, box.height()), box), LEFT, line.row.code
            )
            left += wide
        painter.setPen(theme.colour("text"))
        room = QRectF(left, box.top(), max(10.0, box.right() - left - 8), box.height())
        text = QFontMetrics(font).elidedText(line.row.label, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(self._turned(room, box), LEFT, text)

    def _turned(self, part: QRectF, box: QRectF) -> QRectF:
        return mirrored(part, box.width(), box.left())

    def _bar(self, painter: QPainter, box: QRectF, number: int, column: int) -> None:
        share = 0.35 + ((number * 7 + column * 13) % 10) / 20
        wide = max(18.0, min((box.width() - 28) * share, 220))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("raised"))
        left = box.left() + 14 if not column else box.right() - 20 - wide
        bar = QRectF(left, box.center().y() - 4, wide, 8)
        painter.drawRoundedRect(mirrored(bar, box.width(), box.left()), 4, 4)
