"""Shortcuts as key caps: split into keys, named in the user's language, measured and painted."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import small
from sent.ui.theme import theme


class KeyCaps(QWidget):
    """A shortcut as key caps: `Ctrl+K`, `G, R`."""

    def __init__(self, shortcut: str) -> None:
        super().__init__()
        self._caps = caps(shortcut)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.state().changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        metrics = QFontMetrics(small(self))
        self.setFixedSize(cap_width(metrics, self._caps), max(20, metrics.height() + 4))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small(self))
        paint_caps(painter, QRectF(self.rect()), self._caps)


def caps(shortcut: str) -> list[str]:
    """Return the keys of a shortcut in order: `Ctrl+Shift+F` -> [Ctrl, Shift, F]."""
    keys: list[str] = []
    for step in shortcut.split(", "):
        keys += step.removesuffix("+").split("+") + ["+"] * step.endswith("+")
    return [{"Return": "Enter", "Escape": "Esc"}.get(key, key) for key in keys if key]


def key_name(key: str) -> str:
    """Return what stands on the key in the user's language: `Strg` for `Ctrl`."""
    names = {"Ctrl": tr("Ctrl"), "Shift": tr("Shift"), "Enter": tr("Enter"), "Space": tr("Space")}
    return names.get(key, key)


def cap_width(metrics: QFontMetrics, keys: list[str]) -> int:
    """Return the width of the caps in pixels."""
    widths = [max(18, metrics.horizontalAdvance(key_name(key)) + 10) for key in keys]
    return sum(widths) + 3 * max(0, len(keys) - 1)


def paint_caps(painter: QPainter, box: QRectF, keys: list[str]) -> None:
    """Paint key caps from the left edge of `box`: keys are pressed in that order in every language."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics = QFontMetrics(painter.font())
    left = box.left()
    for key in keys:
        width = max(18, metrics.horizontalAdvance(key_name(key)) + 10)
        high = max(17, metrics.height() + 2)
        cap = QRectF(left + 0.5, box.center().y() - high / 2, width - 1, high)
        painter.setPen(QPen(theme.colour("line_strong"), 1))
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(cap, 4, 4)
        painter.setPen(theme.colour("text2"))
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, key_name(key))
        left += width + 3
