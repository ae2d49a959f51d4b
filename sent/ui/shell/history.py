"""Where a window has been: back and forward, as in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

KEPT = 50

Place = tuple[str, str]
"""Page and record (may be empty)."""


class History:
    """The places of one window; the present one is at `_at`."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._at = -1
        self._still = False

    def visit(self, page: str, record: str) -> None:
        """Note a new place; what lay ahead is forgotten."""
        if self._still or (self._at >= 0 and self._places[self._at] == (page, record)):
            return
        self._places = [*self._places[: self._at + 1], (page, record)][-KEPT:]
        self._at = len(self._places) - 1

    def leave(self, page: str, record: str) -> None:
        """Note what the present place shows by now."""
        if self._at >= 0 and self._places[self._at][0] == page and not self._still:
            self._places[self._at] = (page, record)

    def back(self, page: str, record: str) -> Place | None:
        """Return the place before, or None."""
        return self._step(-1, page, record)

    def forward(self, page: str, record: str) -> Place | None:
        """Return the place after, or None."""
        return self._step(1, page, record)

    def clear(self) -> None:
        """Forget everything."""
        self._places, self._at = [], -1

    @contextmanager
    def still(self) -> Iterator[None]:
        """Go to a place of the history without adding to it."""
        self._still = True
        try:
            yield
        finally:
            self._still = False

    def _step(self, by: int, page: str, record: str) -> Place | None:
        self.leave(page, record)
        if not 0 <= self._at + by < len(self._places):
            return None
        self._at += by
        return self._places[self._at]
