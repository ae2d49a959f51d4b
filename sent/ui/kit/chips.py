"""Chips: a level, or tags in as many lines as they need."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from sent.ui.kit.cells import paint_chip
from sent.ui.kit.widgets import mirrored, small
from sent.ui.theme import theme

PAD, HEIGHT, GAP = 8, 20, 6
"""Pixels at each side of the text; of a chip; between chips."""


class Chip(QWidget):
    """A level, or a tag; as wide as its text in the font it is painted with, whatever that becomes."""

    def __init__(self, text: str, level: str = "") -> None:
        super().__init__()
        self.text, self._level = text, level
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(small(self))
        height = max(HEIGHT, metrics.height() + 4)
        return QSize(metrics.horizontalAdvance(self.text) + 2 * PAD, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small(self))
        t = theme.tokens()
        ink, ground = (
            (t.level(self._level), t.level_soft(self._level)) if self._level else (t.text2, t.raised)
        )
        paint_chip(painter, self.rect().toRectF(), self.text, QColor(ink), QColor(ground))


class Chips(QWidget):
    """Chips that wrap at the right edge."""

    def __init__(self, texts: Sequence[str], *, name: str) -> None:
        super().__init__()
        self.chips = [Chip(text) for text in texts]
        for chip in self.chips:
            chip.setParent(self)
        self.setAccessibleName(name)
        self._arrange(360)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self.width())

    def _arrange(self, room: int) -> None:
        """Place the chips line by line and take the height they need."""
        left, top, height = 0, 4, HEIGHT
        for chip in self.chips:
            size = chip.sizeHint()
            height = size.height()
            if left and left + size.width() > room:
                left, top = 0, top + height + 5
            place = QRectF(left, top, min(size.width(), max(room, 40)), height)
            chip.setGeometry(mirrored(place, room).toRect())
            left += size.width() + GAP
        self.setFixedHeight(top + height + 4)
