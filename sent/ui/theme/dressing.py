"""Who wears the style sheet: the parts of windows, each its own, those out of sight when there is time.

Qt polishes every widget of an application anew when the application's sheet changes, seen or not: 190 ms
with all pages visited, and more with every page. So nobody but *roots* carries the sheet: bars, pages,
layers, popups that belong to nothing. A switch restyles the roots in sight at once (30 to 50 ms), the others
one by one afterwards, or when they are shown, whichever comes first (ADR 0025).
"""

from __future__ import annotations

import weakref

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

PAUSE_MS = 40
"""Between two roots out of sight: room for what the person does."""


class _Wardrobe(QObject):
    """The one state of this module."""

    def __init__(self) -> None:
        super().__init__()
        self.sheet = ""
        self.roots: weakref.WeakSet[QWidget] = weakref.WeakSet()
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self._next)

    def add(self, root: QWidget) -> None:
        if root not in self.roots:
            self.roots.add(root)
            root.installEventFilter(self)
        self.put(root)

    def put(self, root: QWidget) -> None:
        if root.styleSheet() != self.sheet:
            root.setStyleSheet(self.sheet)

    def change(self, sheet: str) -> None:
        self.sheet = sheet
        for root in self._living():
            if root.isVisible():
                self.put(root)
        self._timer.start()

    def _living(self) -> list[QWidget]:
        return [root for root in self.roots if isValid(root)]

    def _next(self) -> None:
        late = next((root for root in self._living() if root.styleSheet() != self.sheet), None)
        if late is not None:
            self.put(late)
            self._timer.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget):
            self.put(watched)
        return False


_state: _Wardrobe | None = None


def _wardrobe() -> _Wardrobe:
    global _state
    if _state is None:
        _state = _Wardrobe()
    return _state


def dress(*roots: QWidget) -> None:
    """Let `roots` wear the sheet in force, from now on and in every other theme.

    A root is not inside another one. Calling it again brings a root up to date before it is measured or
    shown.
    """
    for root in roots:
        _wardrobe().add(root)


def redress(sheet: str) -> None:
    """Change to another sheet: what is in sight now, the rest soon."""
    _wardrobe().change(sheet)


def sheet() -> str:
    """Return the sheet in force."""
    return _wardrobe().sheet
