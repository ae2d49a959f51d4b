"""What the tints of a chart stand for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import mirrored, small
from sent.ui.pages.capital.dashboard.plot import MIDDLE, fill
from sent.ui.theme import theme


class Legend(QWidget):
    """Names with the tint each is drawn in, beside each other."""

    def __init__(self, parts: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._parts = parts
        self.setAccessibleName(tr("Legend"))
        theme.state().changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        metrics = QFontMetrics(small(self))
        self.setFixedWidth(sum(metrics.horizontalAdvance(text) + 26 for text, _ in self._parts))
        self.setFixedHeight(max(18, metrics.height() + 2))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small(self))
        metrics, left = QFontMetrics(painter.font()), 0
        for text, tint in self._parts:
            sign = QRectF(left, (self.height() - 8) / 2, 8, 8)
            painter.fillRect(mirrored(sign, self.width()), fill(tint))
            painter.setPen(theme.colour("text2"))
            words = QRectF(left + 13, 0, metrics.horizontalAdvance(text) + 2, self.height())
            painter.drawText(mirrored(words, self.width()), MIDDLE, text)
            left += metrics.horizontalAdvance(text) + 26
