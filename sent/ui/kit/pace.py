"""How often a page reads again while hints come in: soon after the first, then with a distance.

A storm of alerts hints many times a second. Reading after every hint would cost server and window more the
busier they are already, and nobody reads figures that change four times a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


class Pace(QObject):
    """Calls `do` within `soon_ms` of a hint, but not before `apart_ms` after its last call.

    Hints in between are one. The last hint is always followed by a call, unless `stop` comes first.
    """

    def __init__(self, parent: QObject, do: Callable[[], None], *, soon_ms: int, apart_ms: int) -> None:
        super().__init__(parent)
        self._do, self._soon, self._apart = do, soon_ms, apart_ms
        self._last = -1e12
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._call)

    def hint(self, soon_ms: int | None = None) -> None:
        """Something changed; a waiting call is not put off, `soon_ms` may bring it forward."""
        soon = self._soon if soon_ms is None else soon_ms
        wait = max(soon, round(self._last + self._apart - time.monotonic() * 1000))
        if not self._timer.isActive() or wait < self._timer.remainingTime():
            self._timer.start(wait)

    def stop(self) -> None:
        """Forget what waits."""
        self._timer.stop()

    def _call(self) -> None:
        self._last = time.monotonic() * 1000
        self._do()
