"""Work that may overlap but must end in the order in which it began.

    turn = turns.take()
    ...                # together with those before
    await turn.come()  # they are done
    ...
    turn.done()

One that fails is never done: those behind it must not act as if it had been.
"""

from __future__ import annotations

import asyncio


class Turn:
    """A place in a row; one that was not taken from any has come."""

    def __init__(self, before: Turn | None = None) -> None:
        self._before = before
        self._over = asyncio.Event()

    async def come(self, patience: float | None = None) -> None:
        """Wait until all before are done; raises TimeoutError after `patience` seconds."""
        if self._before is not None:
            async with asyncio.timeout(patience):
                await self._before._over.wait()
            self._before = None

    def done(self) -> None:
        """Let the next one come. Its own turn must have come."""
        self._over.set()


class Turns:
    """The row. It keeps its last place only: one that has come forgets those before."""

    def __init__(self) -> None:
        self._last: Turn | None = None

    def take(self) -> Turn:
        """Return the place behind all others."""
        self._last = Turn(self._last)
        return self._last
