"""Where a consumer's events come from: the outbox itself, or the site's message server in front of it.

A source is asked for the events of one shard after a number, in order and without a gap. The outbox is the
truth; what wakes the reader is only a hint.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import psycopg

from sent.platform.bus.outbox import CHANNEL
from sent.platform.db.engine import Database
from sent.platform.db.uow import fetch, transaction
from sent.platform.errors import Unavailable
from sent.platform.telemetry.log import get_logger

SHARDS = 16
POLL_S = 2.0
BATCH = 200
CONNECT_TIMEOUT_S = 15.0

_COLUMNS = "seq, id, organization_id as organization, topic, key, payload, at"

_log = get_logger("bus")


@dataclass(frozen=True, slots=True)
class ShardEvent:
    """An event as consumers get it: `seq` orders all events, `key` names what it is about."""

    seq: int
    id: UUID
    organization: UUID
    topic: str
    key: str | None
    payload: dict[str, str]
    at: datetime


class Source(Protocol):
    """What a consumer reads from."""

    async def run(self) -> None:
        """Keep the connection that wakes readers, until cancelled."""
        ...

    async def read(self, shard: int, after: int) -> list[ShardEvent]:
        """Return the next events of `shard` with numbers above `after`; waits a while for the first.

        Raises Unavailable while the database cannot be read.
        """
        ...

    def leave(self, shard: int) -> None:
        """Forget what is kept for a shard that somebody else reads now."""
        ...


class OutboxSource:
    """Reads the outbox as `sent_system`, woken by the dispatcher's notifications."""

    def __init__(self, system: Database, *, poll: float = POLL_S) -> None:
        self._system = system
        self._poll = poll
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled; without a connection readers look every `poll` seconds."""
        while True:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    connection = await self._system.connect()
                try:
                    async with asyncio.timeout(CONNECT_TIMEOUT_S):
                        await connection.execute(f"listen {CHANNEL}")
                    async for _ in connection.notifies():
                        self.wake()
                finally:
                    with contextlib.suppress(psycopg.Error):
                        await connection.close()
            except (psycopg.Error, Unavailable, TimeoutError) as error:
                _log.info("bus.source_lost", reason=str(error))
            await asyncio.sleep(0.5)

    def wake(self) -> None:
        """Let all waiting readers look again."""
        self._wake.set()
        self._wake = asyncio.Event()

    async def read(self, shard: int, after: int) -> list[ShardEvent]:
        """Return the next events of `shard`; see Source."""
        wake = self._wake
        found = await self.stored(shard, after)
        if not found:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), self._poll)
            found = await self.stored(shard, after)
        return found

    async def stored(self, shard: int, after: int) -> list[ShardEvent]:
        """Return what the outbox holds, without waiting."""
        async with transaction(self._system) as tx:
            return await fetch(
                tx,
                ShardEvent,
                f"select {_COLUMNS} from core.outbox where shard = %s and seq > %s"
                f" order by seq limit {BATCH}",
                [shard, after],
            )

    def leave(self, shard: int) -> None:
        """Nothing is kept."""
