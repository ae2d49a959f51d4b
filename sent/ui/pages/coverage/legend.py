"""What the shades of the matrix mean."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import mirrored, small
from sent.ui.theme import theme

STEPS = (0, 1, 3, 10, 40)
SIDE, GAP = 14, 3


class Shades(QWidget):
    """Squares from no rule to many, and the mark of alerts."""

    def __init__(self, shade: Callable[[int], QColor]) -> None:
        super().__init__()
        self._shade = shade
        self.setAccessibleName(tr("Shades: more rules are darker; the mark counts alerts"))
        self.setToolTip(tr("Shades: more rules are darker; the mark counts alerts"))
        theme.state().changed.connect(self._fit)
        self._fit()

    def _parts(self) -> tuple[str, str, str]:
        return tr("No rule"), tr("Many rules"), tr("Alerts")

    def _fit(self) -> None:
        metrics = QFontMetrics(small(self))
        words = sum(metrics.horizontalAdvance(text) + 10 for text in self._parts())
        self.setFixedSize(words + len(STEPS) * (SIDE + GAP) + SIDE + 24, max(SIDE + 4, metrics.height() + 2))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small(self))
        none, many, alerts = self._parts()
        left = self._word(painter, 0, none)
        for step in STEPS:
            painter.setPen(theme.hairline("line_strong"))
            painter.setBrush(self._shade(step))
            self._square(painter, left)
            left += SIDE + GAP
        left = self._word(painter, left + 5, many) + 8
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.tokens().high_soft))
        self._square(painter, left)
        painter.setBrush(theme.colour("high"))
        dot = QRectF(left + SIDE / 2 - 2.5, self.height() / 2 - 2.5, 5, 5)
        painter.drawEllipse(mirrored(dot, self.width()))
        self._word(painter, left + SIDE + 6, alerts)

    def _square(self, painter: QPainter, left: float) -> None:
        box = QRectF(left, (self.height() - SIDE) / 2, SIDE, SIDE)
        painter.drawRoundedRect(mirrored(box, self.width()), 3, 3)

    def _word(self, painter: QPainter, left: float, text: str) -> float:
        wide = QFontMetrics(painter.font()).horizontalAdvance(text) + 2.0
        painter.setPen(theme.colour("text2"))
        box = mirrored(QRectF(left, 0, wide, self.height()), self.width())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        return left + wide + 5
