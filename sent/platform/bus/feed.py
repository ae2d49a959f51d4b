"""Following events: in order, each once, across lost connections.

A notification is only a hint to look; what there is to see is read under row-level security from the last
number on. Whoever missed the hint (or was sent a forged one) loses nothing: the feed also looks every few
seconds by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Sequence
from typing import Literal

import psycopg

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
PACE_LIMIT_S = 2.0

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


def _like(pattern: str) -> str:
    """Return a pattern of topics (`radar.*`) as SQL's LIKE has it."""
    return (
        pattern.replace("\\", "\\\\")
        .replace("%", "\\%")
        .replace("_", "\\_")
        .replace("*", "%")
        .replace("?", "_")
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
        self._patterns = [_like(topic) for topic in topics]
        self._poll = poll
        self._looked = 0.0
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
            full = True
            while full:
                wanted, place = await self._read(connection)
                if wanted:
                    yield wanted
                full = len(wanted) == BATCH
                self.offset = place
            hints = [hint.payload async for hint in connection.notifies(timeout=self._poll, stop_after=1)]
            if hints:
                self.state = "live"
                await self._keep_pace(pace_of(hints[-1]))
            elif await self._behind(connection):
                self.state = "polling"

    async def _keep_pace(self, pace: float) -> None:
        """Wait before the next look: feeds do not all read at once, and none more often than `pace` says.

        Whoever sends a forged wake-up gains `PACE_LIMIT_S` at most.
        """
        since = time.monotonic() - self._looked
        await asyncio.sleep(max(random.uniform(0, pace), pace - since))  # noqa: S311
        self._looked = time.monotonic()

    async def _read(self, connection: Tx) -> tuple[list[BusEvent], int]:
        """Return the next events that are wanted, and up to which number all has been looked at.

        The server picks the topics: what a feed does not want costs neither it nor the line anything.
        """
        async with asyncio.timeout(CALL_TIMEOUT_S), self._inside(connection):
            found = await connection.execute(
                f"with top as materialized (select max(seq) as seq from core.outbox where seq > %(place)s"
                f"{self._own()}), wanted as (select seq, id, topic, payload, at from core.outbox"
                f" where seq > %(place)s and topic like any (%(topics)s){self._own()}"
                f" order by seq limit {BATCH})"
                " select t.seq, w.* from top t left join wanted w on true order by w.seq",
                {"place": self.offset, "topics": self._patterns},
            )
            rows = await found.fetchall()
        events = [BusEvent(*row[1:]) for row in rows if row[1] is not None]
        if len(events) == BATCH:
            return events, events[-1].seq
        top = rows[0][0]
        return events, int(self.offset or 0) if top is None else int(top)

    async def _behind(self, connection: Tx) -> bool:
        newest = await self._newest(connection)
        return self.offset is not None and newest > self.offset

    async def _newest(self, connection: Tx) -> int:
        async with asyncio.timeout(CALL_TIMEOUT_S), self._inside(connection):
            found = await connection.execute(
                f"select coalesce(max(seq), 0) from core.outbox where seq is not null{self._own()}"
            )
            row = await found.fetchone()
        return 0 if row is None else int(row[0])

    @contextlib.asynccontextmanager
    async def _inside(self, connection: Tx) -> AsyncIterator[None]:
        """Read in the feed's organisation: a member's login tells it, a service says it for a transaction.

        One round trip for each reading where the login tells it: with hundreds of consoles that counts.
        """
        if not self._ctx.db.trusted:
            yield
            return
        async with connection.transaction():
            await connection.execute(
                "select set_config('sent.organization_id', %s, true)", [str(self._ctx.org)]
            )
            yield

    def _own(self) -> str:
        """`sent_system` sees all organisations' events; a feed is for one."""
        return " and organization_id = (select sec.org())" if self._ctx.db.trusted else ""
