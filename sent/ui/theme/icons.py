"""Vector icons in the colours of the theme in force.

An icon paints itself from its SVG at the size and pixel ratio asked for, in the tint's present colour, so
nothing is reloaded when the theme changes. Icons that were not built show as a small ring.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from sent.ui.theme import theme

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "icons"

_FALLBACK = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24" fill="none" '
    'stroke="currentColor" stroke-width="2"><circle cx="12" cy="12" r="5"/></svg>'
)
_OWN = {
    "sent": (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">'
        '<path d="M12 2.5 20 5.6v5.9c0 4.9-3.3 8.3-8 10-4.7-1.7-8-5.1-8-10V5.6Z"/>'
        '<path d="M8.2 12.6a4 4 0 0 1 4-4"/><path d="M12.2 12.6h.01"/>'
        '<path d="M8.4 16.2a7.6 7.6 0 0 0 7.6-7.4"/></svg>'
    ),
}


def svg(name: str) -> str:
    """Return the icon's SVG text, with `currentColor` as its colour."""
    if name in _OWN:
        return _OWN[name]
    path = FOLDER / f"{name}.svg"
    return path.read_text("utf-8") if path.is_file() else _FALLBACK


@cache
def pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QPixmap:
    """Return the icon as `size` x `size` logical pixels in `colour` (`#rrggbb`)."""
    renderer = QSvgRenderer(QByteArray(svg(name).replace("currentColor", colour).encode()))
    edge = max(1, round(size * ratio))
    image = QPixmap(edge, edge)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, edge, edge))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


class _Engine(QIconEngine):
    """Paints one icon in the theme's present colours."""

    def __init__(self, name: str, tint: str) -> None:
        super().__init__()
        self._name, self._tint = name, tint

    def _colour(self, mode: QIcon.Mode, state: QIcon.State) -> str:
        tint = self._tint
        if mode == QIcon.Mode.Disabled:
            tint = "text3"
        elif state == QIcon.State.On and tint == "text2":
            tint = "accent"
        return str(getattr(theme.tokens(), tint))

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._tint)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        edge = min(rect.width(), rect.height())
        image = pixmap(self._name, self._colour(mode, state), edge, ratio)
        painter.drawPixmap(
            QPoint(rect.x() + (rect.width() - edge) // 2, rect.y() + (rect.height() - edge) // 2), image
        )

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return pixmap(self._name, self._colour(mode, state), min(size.width(), size.height()))

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        edge = round(min(size.width(), size.height()) / scale)
        return pixmap(self._name, self._colour(mode, state), edge, scale)


@cache
def icon(name: str, tint: str = "text2") -> QIcon:
    """Return the icon called `name` (Lucide's names) in the colour of `tint`."""
    return QIcon(_Engine(name, tint))
