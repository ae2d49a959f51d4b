"""How sure something is: a bar as long as the share, in the colour of its step; words stand beside it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import mirrored
from sent.ui.theme import theme

TONES = {"certain": "ok", "likely": "info", "possible": "warn", "none": "text3"}


class ConfidenceBar(QWidget):
    """Paints a share between 0 and 1."""

    def __init__(self) -> None:
        super().__init__()
        self._share, self._tone = 0.0, "text3"
        self.setFixedSize(96, 8)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_share(self, share: float, sure: str) -> None:
        """Show a share."""
        self._share, self._tone = max(0.0, min(1.0, share)), TONES.get(sure, "text3")
        self.setAccessibleName(tr("{n} % sure", n=round(100 * self._share)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(self.rect())
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(whole, 4, 4)
        if self._share > 0:
            box = QRectF(0, 0, max(8.0, whole.width() * self._share), whole.height())
            painter.setBrush(theme.colour(self._tone))
            painter.drawRoundedRect(mirrored(box, whole.width()), 4, 4)
