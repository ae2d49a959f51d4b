"""Telling of trouble that others can cause at will: counted always, written seldom."""

from __future__ import annotations

from typing import Any

from sent.platform.clock import SYSTEM_CLOCK, Clock

EVERY_S = 10.0


class Seldom:
    """Writes `event` at most once in `every` seconds, with how often it happened since.

    Whoever sends to a listener decides how often its lines cannot be read; he must not decide how fast the
    log grows.
    """

    def __init__(self, log: Any, event: str, *, every: float = EVERY_S, clock: Clock = SYSTEM_CLOCK) -> None:
        self._log, self._event, self._every, self._clock = log, event, every, clock
        self._next = 0.0
        self._unsaid = 0
        self.total = 0

    def error(self, **fields: Any) -> None:
        """Count it, and write it down when it is time."""
        self.total += 1
        self._unsaid += 1
        now = self._clock.monotonic()
        if now >= self._next:
            self._log.error(self._event, times=self._unsaid, **fields)
            self._next, self._unsaid = now + self._every, 0
