"""What waits between receiving and storing: bounded in lines and in bytes, so memory is.

Senders that can wait (TCP, files) are held up when it is full; those that cannot (UDP) are told so and count
what they drop.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.store.sink import Checkpoint

MAX_LINES = 150_000
"""What a burst over UDP fills and the worker stores within the grace of a stop."""

PATIENT_LINES = 20_000
"""Lines behind which senders that can wait do: a longer queue only makes alerts later."""

MAX_BYTES = 64_000_000

SHARE = 0.75
"""Of the room that one organisation may fill: a flood of one must not shut the others out."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Payloads of one source, received together; with `checkpoint`, how far its file is then read."""

    source: Source
    received_at: datetime
    payloads: tuple[bytes, ...]
    checkpoint: Checkpoint | None = None
    stored: asyncio.Event | None = None
    """Set when all of it is committed."""
    letter: UUID | None = None
    """The dead letter that is read again."""
    delivery: UUID | None = None
    """What makes the ids of its events, where it goes from worker to worker (see `delivery`)."""
    again: bool = False
    """Whether some of it may be stored already."""

    @property
    def size(self) -> int:
        """Bytes of the payloads."""
        return sum(map(len, self.payloads))


class Backlog:
    """A queue of parcels in the order of their arrival."""

    def __init__(
        self, *, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES, max_connections: int = 1000
    ) -> None:
        self._parcels: deque[Parcel] = deque()
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._patient_lines = min(PATIENT_LINES, max_lines)
        self._bytes = 0
        self.lines = 0
        self.arrived = 0
        """Parcels that were ever queued."""
        self.waiting = 0
        """Senders that wait for room."""
        self.held = 0
        """Bytes of requests, of all sources, that are being received or wait for their commit."""
        self.connections = 0
        """Open ones of all sources, of `max_connections`."""
        self.max_connections = max_connections
        self._of_organisation: Counter[UUID] = Counter()
        self._bytes_of: Counter[UUID] = Counter()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether senders that can wait must."""
        return self.lines >= self._patient_lines or self._bytes >= self._max_bytes

    def try_put(self, parcel: Parcel, *, patient: bool = False) -> bool:
        """Queue the parcel; False when there is no room: for a `patient` sender that is so earlier."""
        organisation, lines, size = parcel.source.organization_id, len(parcel.payloads), parcel.size
        most = self._patient_lines if patient else self._max_lines
        theirs, their_bytes = self._of_organisation[organisation], self._bytes_of[organisation]
        if self._parcels and (
            self.lines + lines > most
            or self._bytes + size > self._max_bytes
            or (theirs and theirs + lines > most * SHARE)
            or (their_bytes and their_bytes + size > self._max_bytes * SHARE)
        ):
            return False
        self._parcels.append(parcel)
        self.arrived += 1
        self.lines += lines
        self._bytes += size
        self._of_organisation[organisation] += lines
        self._bytes_of[organisation] += size
        self._filled.set()
        return True

    async def put(self, parcel: Parcel) -> None:
        """Queue the parcel, waiting for room."""
        self.waiting += 1
        try:
            while not self.try_put(parcel, patient=True):
                self._room.clear()
                await self._room.wait()
        finally:
            self.waiting -= 1

    async def take(self, most: int, linger: float) -> list[Parcel]:
        """Wait for parcels and return those of about `most` lines, or of `linger` seconds."""
        while not self._parcels:
            self._filled.clear()
            await self._filled.wait()
        deadline = asyncio.get_running_loop().time() + linger
        while self.lines < most:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            self._filled.clear()
            try:
                await asyncio.wait_for(self._filled.wait(), left)
            except TimeoutError:
                break
        return self._taken(most)

    def _taken(self, most: int) -> list[Parcel]:
        taken: list[Parcel] = []
        amount = 0
        while self._parcels and (not taken or amount + len(self._parcels[0].payloads) <= most):
            parcel = self._parcels.popleft()
            amount += len(parcel.payloads)
            self._bytes -= parcel.size
            self._forget(parcel)
            taken.append(parcel)
        self.lines -= amount
        self._room.set()
        return taken

    def _forget(self, parcel: Parcel) -> None:
        organisation = parcel.source.organization_id
        self._of_organisation[organisation] -= len(parcel.payloads)
        self._bytes_of[organisation] -= parcel.size
        if not self._of_organisation[organisation] and not self._bytes_of[organisation]:
            del self._of_organisation[organisation], self._bytes_of[organisation]
