"""Draws the cells of every table: one delegate, no style sheet, so that level colours survive selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from sent.platform.i18n import tr
from sent.ui.kit.text import samples
from sent.ui.kit.widgets import mirrored, paint_dot
from sent.ui.theme import fonts, theme
from sent.ui.theme.tokens import LEVELS

if TYPE_CHECKING:
    from sent.ui.kit.table import Column
    from sent.ui.kit.tableview import PagedTable

LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)

STATE_TONES = {
    "new": "bad",
    "acknowledged": "warn",
    "closed": "ok",
    "insert": "ok",
    "update": "info",
    "delete": "bad",
    "truncate": "bad",
    "todo": "info",
    "doing": "accent",
    "succeeded": "ok",
    "failed": "bad",
    "dead": "bad",
    "behind": "warn",
    "sent": "ok",
    "open": "bad",
    "contained": "warn",
    "resolved": "ok",
    "replay": "info",
    "added": "ok",
    "changed": "info",
    "removed": "bad",
    "alert": "bad",
    "incident": "bad",
    "first": "warn",
    "decision": "ok",
    "comment": "info",
    "done": "ok",
    "working": "ok",
    "opening": "info",
    "silent": "warn",
    "unknown": "warn",
    "problem": "bad",
    "enabled": "ok",
    "broken": "bad",
    "unpaid": "info",
    "overdue": "bad",
    "part-paid": "warn",
    "paid": "ok",
    "certain": "ok",
    "likely": "info",
    "possible": "warn",
}


SEVERITY_TONES = {
    "emergency": "critical",
    "alert": "critical",
    "critical": "critical",
    "error": "bad",
    "warning": "warn",
    "notice": "info",
    "high": "bad",
    "medium": "warn",
    "low": "info",
}
"""Syslog's severities; info and debug are quiet."""


def level_name(level: str) -> str:
    """Return a level in the user's language."""
    names = {
        "critical": tr("Critical"),
        "high": tr("High"),
        "medium": tr("Medium"),
        "low": tr("Low"),
        "informational": tr("Info"),
    }
    return names.get(level, level.capitalize())


def paint_chip(painter: QPainter, box: QRectF, text: str, ink: QColor, ground: QColor) -> None:
    """Paint a rounded chip with centred text."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(ink)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


class CellDelegate(QStyledItemDelegate):
    """Paints text, chips, marks and skeleton bars; colours are read once per theme."""

    def __init__(self, table: PagedTable) -> None:
        super().__init__(table)
        self._table = table
        self._widths: dict[tuple[str, int, str], str] = {}
        theme.state().changed.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        """Read colours and fonts anew."""
        t = theme.tokens()
        scale = theme.state().scale
        names = (
            "card",
            "hover",
            "selected",
            "line",
            "text",
            "text2",
            "text3",
            "accent",
            "raised",
            "primary",
            "on_primary",
        )
        self._c = {name: QColor(getattr(t, name)) for name in names}
        self._severities = {name: theme.colour(tone) for name, tone in SEVERITY_TONES.items()}
        self._inks = {
            "text": "text",
            "strong": "text",
            "quiet": "text3",
            "mono": "text2",
            "number": "text2",
            "time": "text2",
        }
        base = QFont(theme.state().family)
        base.setPixelSize(round(13 * scale))
        strong, mono, chip = QFont(base), QFont(fonts.mono()), QFont(base)
        strong.setWeight(QFont.Weight.Medium)
        mono.setPixelSize(round(12 * scale))
        chip.setPixelSize(round(11 * scale))
        chip.setWeight(QFont.Weight.Medium)
        figures = fonts.tabular(base)
        self._fonts = {
            "text": base,
            "strong": strong,
            "quiet": base,
            "mono": mono,
            "number": figures,
            "time": figures,
            "chip": chip,
        }
        self._metrics = {kind: QFontMetrics(font) for kind, font in self._fonts.items()}
        self._widths.clear()
        self._grid = theme.hairline("line")

    def text_width(self, kind: str, text: str) -> int:
        """Return the width of a text in the font of its kind."""
        return self._metrics[kind].horizontalAdvance(text)

    def natural_width(self, column: Column) -> int:
        """Return the width that suits the language and text size: heading, chips, `column.widest` fit."""
        chip, text = self._metrics["chip"], self._metrics["text"]
        needed = [chip.horizontalAdvance(column.heading) + 24]
        if column.widest:
            side = 32 if column.kind == "state" else 20
            needed += [text.horizontalAdvance(line) + side for line in column.widest.split("\n")]
        if column.kind == "time":
            needed += [self.text_width("time", sample) + 20 for sample in samples()]
        if column.kind == "level":
            needed += [chip.horizontalAdvance(level_name(level)) + 34 for level in LEVELS]
        return max(round(column.width * max(1.0, theme.state().scale)), *needed)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the width of the text, for a double click on the header's edge."""
        column = self._table.model_.columns[index.column()]
        texts = self._table.model_.texts(index.row())
        metrics = self._metrics.get(column.kind, self._metrics["text"])
        width = metrics.horizontalAdvance(texts[index.column()]) if texts else 40
        return QSize(min(width + 34, 600), theme.row_height())

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        view: Any = option
        rect, state = view.rect, view.state
        number, place = index.row(), index.column()
        table = self._table
        marked = table.is_marked(number)
        if state & QStyle.StateFlag.State_Selected or marked:
            painter.fillRect(rect, self._c["selected"])
        elif number == table.hovered:
            painter.fillRect(rect, self._c["hover"])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(self._grid)
        painter.drawLine(rect.left(), rect.bottom(), rect.right() + 1, rect.bottom())
        texts = table.model_.texts(number)
        first = place == table.first_column
        if texts is None:
            self._bar(painter, QRectF(rect), number, place)
            return
        if first and (marked or (number == table.current_number() and table.hasFocus())):
            stripe = QRectF(rect.left(), rect.top(), 3, rect.height() - 1)
            painter.fillRect(mirrored(stripe, rect.width(), rect.left()), self._c["accent"])
        column = table.model_.columns[place]
        if table.dimmed:
            painter.setOpacity(0.55)
        pad = 20 if column.kind == "number" else 16
        box = QRectF(rect.left() + 10, rect.top(), rect.width() - pad, rect.height() - 1)
        box = mirrored(box, rect.width(), rect.left())
        if column.kind == "level":
            self._level(painter, box, texts[place])
        elif column.kind == "severity":
            self._severity(painter, box, texts[place], table.model_.row(number), column.key)
        elif column.kind == "state":
            self._state(painter, box, texts[place], table.model_.row(number), column.key)
        else:
            painter.setFont(self._fonts[column.kind])
            painter.setPen(self._c[self._inks[column.kind]])
            shown = self._elided(column.kind, texts[place], int(box.width()))
            painter.drawText(box, RIGHT if column.kind == "number" else LEFT, shown)
        painter.setOpacity(1)

    def _elided(self, kind: str, text: str, width: int) -> str:
        key = (kind, width, text)
        found = self._widths.get(key)
        if found is None:
            if len(self._widths) > 8000:
                self._widths.clear()
            clipped = text[:600].replace("\n", " ")
            found = self._metrics[kind].elidedText(clipped, Qt.TextElideMode.ElideRight, width)
            self._widths[key] = found
        return found

    def _level(self, painter: QPainter, box: QRectF, level: str) -> None:
        t = theme.tokens()
        text = level_name(level)
        painter.setFont(self._fonts["chip"])
        width = min(self._metrics["chip"].horizontalAdvance(text) + 14, box.width())
        high = max(18, self._metrics["chip"].height() + 2)
        chip = QRectF(box.left(), box.center().y() - high / 2, width, high)
        chip = mirrored(chip, box.width(), box.left())
        paint_chip(painter, chip, text, QColor(t.level(level)), QColor(t.level_soft(level)))

    def _severity(self, painter: QPainter, box: QRectF, text: str, row: Any, key: str) -> None:
        painter.setFont(self._fonts["chip"])
        painter.setPen(self._severities.get(str(getattr(row, key, text)), self._c["text3"]))
        painter.drawText(box, LEFT, text)

    def _state(self, painter: QPainter, box: QRectF, text: str, row: Any, key: str) -> None:
        tone = STATE_TONES.get(str(getattr(row, key, "")), "text3")
        dot = QRectF(box.left(), box.center().y() - 3.5, 7, 7)
        paint_dot(painter, mirrored(dot, box.width(), box.left()), tone)
        painter.setFont(self._fonts["text"])
        painter.setPen(self._c["text2"])
        width = int(box.width()) - 14
        painter.drawText(
            mirrored(box.adjusted(14, 0, 0, 0), box.width(), box.left()),
            LEFT,
            self._elided("text", text, width),
        )

    def _bar(self, painter: QPainter, rect: QRectF, number: int, place: int) -> None:
        """Paint a grey bar of a width that differs from row to row but never jumps."""
        share = 0.35 + ((number * 7 + place * 13) % 10) / 20
        width = max(18.0, min((rect.width() - 24) * share, 260))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._c["raised"])
        bar = QRectF(rect.left() + 10, rect.center().y() - 4, width, 8)
        painter.drawRoundedRect(mirrored(bar, rect.width(), rect.left()), 4, 4)
