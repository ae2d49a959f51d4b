"""Stat cards: one figure, what it means, and where it leads."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from sent.ui.kit.widgets import ClickCard, Dot, Elided, column, label, mirrored, row
from sent.ui.theme import fonts, theme

SMALLEST = 12
"""Pixels down to which a figure shrinks where its card is narrow."""


class _Figure(QWidget):
    """The figure, or a grey bar while it is not known."""

    def __init__(self) -> None:
        super().__init__()
        self._text: str | None = None
        self._stale = False
        self.setFixedHeight(round(30 * theme.state().scale))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_text(self, text: str | None, stale: bool) -> None:
        if (text, stale) != (self._text, self._stale):
            self._text, self._stale = text, stale
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._text is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("raised"))
            bar = QRectF(0, 7, min(96, self.width()), 16)
            painter.drawRoundedRect(mirrored(bar, self.width()), 4, 4)
            return
        font = fonts.tabular(self.font())
        font.setFamily(theme.state().family)
        font.setPixelSize(round(22 * theme.state().scale))
        font.setWeight(font.Weight.DemiBold)
        while QFontMetrics(font).horizontalAdvance(self._text) > self.width() and font.pixelSize() > SMALLEST:
            font.setPixelSize(font.pixelSize() - 1)
        painter.setFont(font)
        painter.setPen(theme.colour("text3" if self._stale else "text"))
        painter.drawText(
            self.rect(), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), self._text
        )


class StatCard(ClickCard):
    """A figure with a title above and a remark with its state below."""

    opened = Signal()

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self._title = label(title, tone="2", type="s", weight="medium")
        self._figure = _Figure()
        self._dot = Dot()
        self._remark = Elided(" ", tone="2", type="s")
        remark = row(self._dot, self._remark, gap=6)
        self.setLayout(column(self._title, self._figure, remark, gap=3, margins=(14, 11, 14, 11)))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._value: tuple[str | None, str, str] = (None, " ", "text3")
        self._dot.hide()

    def show_value(self, value: str, remark: str = "", tone: str = "text3") -> None:
        """Show a figure; `tone` is the state of the remark: ok, warn, bad or text3."""
        self._value = (value, remark, tone)
        self._paint(stale=False)

    def set_stale(self, stale: bool) -> None:
        """Keep the figure, pale, without its state: nobody knows it now."""
        self._paint(stale=stale)

    def _paint(self, *, stale: bool) -> None:
        value, remark, tone = self._value
        self._figure.set_text(value, stale)
        self._remark.setText(remark or " ")
        self._dot.setVisible(bool(remark.strip()))
        self._dot.set_tone("text3" if stale else tone)
        self.setAccessibleDescription(f"{value or ''} {remark}".strip())
