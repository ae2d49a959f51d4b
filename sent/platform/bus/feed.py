"""Following events: in order, each once, across lost connections.

A notification is only a hint to look; what there is to see is read under row-level security from the last
number on. Whoever missed the hint (or was sent a forged one) loses nothing: the feed also looks every few
seconds by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from fnmatch import fnmatchcase
from typing import Literal

import psycopg
from psycopg.rows import class_row

from sent.platform.bus.events import BusEvent
from sent.platform.bus.outbox import CHANNEL
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx
from sent.platform.errors import Unavailable
from sent.platform.telemetry.log import get_logger

POLL_S = 3.0
BATCH = 500
CALL_TIMEOUT_S = 15.0
BACKOFF_LIMIT_S = 5.0
PACE_LIMIT_S = 1.0

State = Literal["live", "polling", "offline"]

_log = get_logger("bus")


def pace_of(hint: str) -> float:
    """Return the seconds within which a feed may read after a wake-up (`"<number> <milliseconds>"`)."""
    words = hint.split()
    return (
        min(int(words[1]) / 1000, PACE_LIMIT_S)
        if len(words) == 2 and len(words[1]) < 8 and words[1].isdecimal()
        else 0.0
    )


class Feed:
    """`async for batch in Feed(ctx, ["radar.*"])` yields lists of BusEvent, forever.

    `start` is the number after which to begin (`offset` of an earlier feed); None begins with what
    happens from now on. A batch counts as delivered when the loop asks for the next one. It keeps one
    connection of its own. `state` tells whether hints arrive, are being done without, or nobody answers.
    """

    def __init__(
        self, ctx: Ctx, topics: Sequence[str], *, start: int | None = None, poll: float = POLL_S
    ) -> None:
        self._ctx = ctx
        self._topics = tuple(topics)
        self._poll = poll
        self.offset = start
        self.state: State = "offline"

    async def __aiter__(self) -> AsyncIterator[list[BusEvent]]:
        """Yield batches; connection losses are waited out."""
        backoff = 0.1
        while True:
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    connection = await self._ctx.db.connect()
                try:
                    async for batch in self._follow(connection):
                        backoff = 0.1
                        yield batch
                finally:
                    self.state = "offline"
                    with contextlib.suppress(psycopg.Error):
                        await connection.close()
            except (psycopg.Error, Unavailable, TimeoutError) as error:
                _log.info("bus.feed_lost", reason=str(error), again_in_s=backoff)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, BACKOFF_LIMIT_S)

    async def _follow(self, connection: Tx) -> AsyncIterator[list[BusEvent]]:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await connection.execute(f"listen {CHANNEL}")
            if self.offset is None:
                self.offset = await self._newest(connection)
        self.state = "live"
        while True:
            hinted = False
            while rows := await self._read(connection):
                wanted = [event for event in rows if self._wants(event.topic)]
                if wanted:
                    yield wanted
                self.offset = rows[-1].seq
                if len(rows) < BATCH:
                    break
            async for hint in connection.notifies(timeout=self._poll, stop_after=1):
                hinted = True
                # Feeds do not all read at once; whoever sent a forged hint gains a second at most.
                await asyncio.sleep(random.uniform(0, pace_of(hint.payload)))  # noqa: S311
            if hinted:
                self.state = "live"
            elif await self._behind(connection):
                self.state = "polling"

    async def _read(self, connection: Tx) -> list[BusEvent]:
        async with asyncio.timeout(CALL_TIMEOUT_S), connection.transaction():
            await self._enter(connection)
            async with connection.cursor(row_factory=class_row(BusEvent)) as cursor:
                await cursor.execute(
                    "select seq, id, topic, payload, at from core.outbox where seq > %s"
                    f"{self._own()} order by seq limit {BATCH}",
                    [self.offset],
                )
                return await cursor.fetchall()

    async def _behind(self, connection: Tx) -> bool:
        newest = await self._newest(connection)
        return self.offset is not None and newest > self.offset

    async def _newest(self, connection: Tx) -> int:
        async with asyncio.timeout(CALL_TIMEOUT_S), connection.transaction():
            await self._enter(connection)
            found = await connection.execute(
                f"select coalesce(max(seq), 0) from core.outbox where seq is not null{self._own()}"
            )
            row = await found.fetchone()
        return 0 if row is None else int(row[0])

    async def _enter(self, connection: Tx) -> None:
        """Set the organisation for this transaction where the login does not tell it."""
        if self._ctx.db.trusted:
            await connection.execute(
                "select set_config('sent.organization_id', %s, true)", [str(self._ctx.org)]
            )

    def _own(self) -> str:
        """`sent_system` sees all organisations' events; a feed is for one."""
        return " and organization_id = (select sec.org())" if self._ctx.db.trusted else ""

    def _wants(self, topic: str) -> bool:
        return any(fnmatchcase(topic, pattern) for pattern in self._topics)
