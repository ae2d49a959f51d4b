"""Where windows stand: remembered for each set of monitors, and never where nobody can reach them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication

GRIP_W, GRIP_H = 120, 24
"""Of a window's upper edge, this much must be on a screen: enough to take it with the mouse."""


def screens() -> list[QRect]:
    """Return the usable areas of the screens, the first one first."""
    return [screen.availableGeometry() for screen in QGuiApplication.screens()]


def monitor_set() -> str:
    """Return a name for the monitors that are attached now and how they stand."""
    found = sorted(
        f"{screen.name()} {screen.geometry().getRect()} {screen.devicePixelRatio():g}"
        for screen in QGuiApplication.screens()
    )
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:12]


def placed(wanted: QRect, areas: Sequence[QRect], minimum: tuple[int, int] = (760, 520)) -> QRect:
    """Return `wanted`, or the nearest place for it whose upper edge can be reached and that fits a screen."""
    if not areas:
        return wanted
    grip = QRect(wanted.x(), wanted.y(), wanted.width(), GRIP_H)
    shares = [area.intersected(grip) for area in areas]
    if any(share.width() >= GRIP_W and share.height() >= GRIP_H for share in shares):
        return wanted
    home = min(areas, key=lambda area: _away(area, wanted))
    width = max(min(wanted.width(), home.width()), min(minimum[0], home.width()))
    height = max(min(wanted.height(), home.height()), min(minimum[1], home.height()))
    left = min(max(wanted.x(), home.left()), home.right() + 1 - width)
    top = min(max(wanted.y(), home.top()), home.bottom() + 1 - height)
    return QRect(left, top, width, height)


def _away(area: QRect, wanted: QRect) -> int:
    middle, other = area.center(), wanted.center()
    return (middle.x() - other.x()) ** 2 + (middle.y() - other.y()) ** 2
