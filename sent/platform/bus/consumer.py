"""Handling events in the background: at least once delivered, effects exactly once, in order per key.

    async def handle(tx, ctx, event): ...           # as sent_app, in the event's organisation

    consumer = Consumer("capital.payouts", ["dispatch.job.*"], handle, ctx=host.ctx, ...)
    await consumer.run()

The events are spread over 16 shards by their key; the workers of one consumer share the shards by lease. A
shard's place moves inside the handler's transaction (`core.advance`), under the lease's fence, so an effect
and the place after it are committed together or not at all, and a worker that lost its lease cannot commit.

An event whose handler keeps failing becomes a dead letter, and the later ones of its key wait behind it
until somebody replays or discards it; other keys go on.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from fnmatch import fnmatchcase
from typing import Literal
from uuid import UUID

from sent.platform.bus import letters
from sent.platform.bus.source import SHARDS, ShardEvent, Source
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.lease import Leases
from sent.platform.db.uow import Tx, scalar, transaction, uow
from sent.platform.errors import Conflict, SentError, Unavailable
from sent.platform.ids import OrgId
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger

Handler = Callable[[Tx, Ctx, ShardEvent], Awaitable[None]]

ATTEMPTS = 5
CRASHES = 10
"""A shard whose next event was begun so often without an end has an event that kills its worker."""

HANDLER_TIMEOUT_S = 60.0
FIRST_WAIT_S = 0.2
LEASE_S = 15.0
OUTAGE_WAIT_S = 1.0

_log = get_logger("bus")


class Consumer:
    """One process's part of a consumer; any number of processes may run one of the same name."""

    def __init__(
        self,
        name: str,
        topics: Sequence[str],
        handle: Handler,
        *,
        system: Database,
        ctx: Callable[[OrgId], Ctx],
        holder: UUID,
        source: Source,
        start: Literal["new", "oldest"] = "new",
        lease: float = LEASE_S,
        first_wait: float = FIRST_WAIT_S,
    ) -> None:
        """`topics` are patterns (`radar.*`); `start` is where a name that is used first begins."""
        self.name = name
        self._topics = tuple(topics)
        self._handle = handle
        self._system = system
        self._ctx = ctx
        self._source = source
        self._start = start
        self._lease = lease
        self._first_wait = first_wait
        self._leases = Leases(system, holder, ttl=lease)
        self._holder = holder
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.handled = 0
        self.dead = 0

    @property
    def shards(self) -> int:
        """How many shards this process works on."""
        return len(self._tasks)

    async def run(self) -> None:
        """Work until cancelled."""
        source = spawn(self._source.run(), name=f"{self.name} source")
        try:
            await self._begin()
            while True:
                try:
                    await self._share()
                except SentError as error:
                    _log.warning("bus.share_failed", consumer=self.name, reason=error.message)
                await asyncio.sleep(self._lease / 4)
        finally:
            await cancel(source, *self._tasks.values())
            names = [self._shard_name(shard) for shard in self._tasks]
            try:
                async with asyncio.timeout(5):
                    await self._leases.release(*names, f"{self._prefix}member/{self._holder}")
            except (SentError, TimeoutError) as error:
                _log.info("bus.release_failed", consumer=self.name, reason=str(error))

    @property
    def _prefix(self) -> str:
        return f"bus:{self.name}/"

    def _shard_name(self, shard: int) -> str:
        return f"{self._prefix}{shard:02}"

    async def _begin(self) -> None:
        """Give a consumer that is new its places."""
        first = "0" if self._start == "oldest" else "coalesce((select max(o.seq) from core.outbox o), 0)"
        while True:
            try:
                async with transaction(self._system) as tx:
                    await tx.execute(
                        f"insert into core.consumer (name, shard, seq) select %s, s, {first}"
                        f" from generate_series(0, {SHARDS - 1}) s on conflict do nothing",
                        [self.name],
                    )
                return
            except Unavailable as error:
                _log.info("bus.begin_failed", consumer=self.name, reason=error.message)
                await asyncio.sleep(OUTAGE_WAIT_S)

    async def _share(self) -> None:
        """Take, renew and give back shards so that every worker has about as many."""
        members = await self._members()
        most = math.ceil(SHARDS / max(1, members))
        for shard, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[shard]
                self._source.leave(shard)
        for shard in sorted(self._tasks)[most:]:
            await self._drop(shard)
        wanted = set(self._tasks)
        others = [shard for shard in range(SHARDS) if shard not in wanted]
        held = await self._leases.take_all(self._shard_name(shard) for shard in wanted)
        for shard in wanted:
            if self._shard_name(shard) not in held:
                await self._drop(shard)
        for shard in others:
            if len(self._tasks) >= most:
                break
            fence = await self._leases.take(self._shard_name(shard))
            if fence is not None:
                self._tasks[shard] = spawn(self._work(shard, fence), name=f"{self.name} {shard}")

    async def _members(self) -> int:
        """Report this worker and return how many there are."""
        await self._leases.take(f"{self._prefix}member/{self._holder}")
        async with transaction(self._system) as tx:
            await tx.execute(
                "delete from core.lease where starts_with(name, %s)"
                " and expires_at < now() - interval '1 day'",
                [f"{self._prefix}member/"],
            )
            return int(
                await scalar(
                    tx,
                    "select count(*) from core.lease where starts_with(name, %s) and expires_at > now()",
                    [f"{self._prefix}member/"],
                )
            )

    async def _drop(self, shard: int) -> None:
        await cancel(self._tasks.pop(shard))
        self._source.leave(shard)
        await self._leases.release(self._shard_name(shard))

    async def _work(self, shard: int, fence: int) -> None:
        """Handle a shard's events until cancelled or until somebody else has its lease."""
        work = _Shard(self, shard, fence)
        while True:
            try:
                await work.run()
            except Conflict as error:
                if error.code == "bus.fence":
                    return
                raise
            except Unavailable as error:
                _log.info("bus.shard_waits", consumer=self.name, shard=shard, reason=error.message)
                await asyncio.sleep(OUTAGE_WAIT_S)

    def wants(self, topic: str) -> bool:
        """Say whether a topic is this consumer's."""
        return any(fnmatchcase(topic, pattern) for pattern in self._topics)


class _Shard:
    """One shard under one lease."""

    def __init__(self, consumer: Consumer, shard: int, fence: int) -> None:
        self._consumer = consumer
        self._shard = shard
        self._fence = fence
        self._place = 0
        self._stored = 0
        self._blocked: set[tuple[UUID, str]] = set()

    async def run(self) -> None:
        """Take the place under our fence, then go on from there."""
        consumer = self._consumer
        tries = await self._take_place()
        self._blocked = await letters.blocked(consumer._system, consumer.name, self._shard)
        while True:
            await self._replay()
            for event in await consumer._source.read(self._shard, self._place):
                if event.seq <= self._place:
                    continue
                if consumer.wants(event.topic):
                    await self._pass(event, tries)
                    self._stored = event.seq
                self._place = event.seq
                tries = 0
            if self._stored < self._place:
                async with transaction(consumer._system) as tx:
                    await self._advance(tx, self._place)
                self._stored = self._place

    async def _take_place(self) -> int:
        """Read the place and forbid it to whoever had it before; return how often it was begun in vain."""
        consumer = self._consumer
        async with transaction(consumer._system) as tx:
            found = await tx.execute(
                "update core.consumer set fence = %s, tries = tries + 1"
                " where name = %s and shard = %s and fence <= %s returning seq, tries",
                [self._fence, consumer.name, self._shard, self._fence],
            )
            row = await found.fetchone()
        if row is None:
            raise Conflict("bus.fence", "somebody else works here now")
        self._place = self._stored = int(row[0])
        return int(row[1])

    async def _pass(self, event: ShardEvent, tries: int) -> None:
        """Handle an event or bury it, and move on."""
        consumer = self._consumer
        ctx = consumer._ctx(OrgId(event.organization))
        if await self._is_blocked(event):
            await self._bury(ctx, event, "behind", 0, "")
        elif tries > CRASHES:
            await self._bury(ctx, event, "dead", tries, "its worker died whenever it was handled")
        else:
            attempts, reason = await self._attempt(ctx, event)
            if reason is not None:
                await self._bury(ctx, event, "dead", attempts, reason)

    async def _attempt(self, ctx: Ctx, event: ShardEvent) -> tuple[int, str | None]:
        """Try until it works; return the number of attempts and why the last one failed."""
        consumer = self._consumer
        wait = consumer._first_wait
        attempt = 0
        while True:
            try:
                async with asyncio.timeout(HANDLER_TIMEOUT_S), uow(ctx) as tx:
                    await consumer._handle(tx, ctx, event)
                    await self._advance(tx, event.seq)
                consumer.handled += 1
                return attempt + 1, None
            except Exception as error:
                if _is_outage(error) or (isinstance(error, Conflict) and error.code == "bus.fence"):
                    raise
                failure = error
            attempt += 1
            reason = letters.reason(failure)
            _log.warning("bus.handler_failed", consumer=consumer.name, seq=event.seq, reason=reason)
            if attempt >= ATTEMPTS:
                return attempt, reason
            await asyncio.sleep(wait)
            wait *= 3

    async def _advance(self, tx: Tx, seq: int) -> None:
        await tx.execute(
            "select core.advance(%s, %s, %s, %s)", [self._consumer.name, self._shard, self._fence, seq]
        )

    async def _bury(
        self, ctx: Ctx, event: ShardEvent, state: Literal["dead", "behind"], attempts: int, reason: str
    ) -> None:
        async with uow(ctx) as tx:
            await letters.bury(tx, self._consumer.name, self._shard, event, state, attempts, reason)
            await self._advance(tx, event.seq)
        if state == "dead":
            self._consumer.dead += 1
        if event.key is not None:
            self._blocked.add((event.organization, event.key))

    async def _is_blocked(self, event: ShardEvent) -> bool:
        """Say whether an earlier event of this key is still unresolved."""
        if event.key is None or (event.organization, event.key) not in self._blocked:
            return False
        ctx = self._consumer._ctx(OrgId(event.organization))
        async with uow(ctx) as tx:
            waiting = await letters.unresolved(tx, self._consumer.name, event.key)
        if not waiting:
            self._blocked.discard((event.organization, event.key))
        return waiting

    async def _replay(self) -> None:
        """Handle what somebody wants handled again, and then what waited behind it, in order."""
        consumer = self._consumer
        for organization, letter, event in await letters.wanted(consumer._system, consumer.name, self._shard):
            ctx = consumer._ctx(OrgId(organization))
            try:
                async with asyncio.timeout(HANDLER_TIMEOUT_S), uow(ctx) as tx:
                    if not await letters.next_of_key(tx, consumer.name, letter, event):
                        continue
                    await self._hold(tx)
                    await consumer._handle(tx, ctx, event)
                    await letters.done(tx, consumer.name, letter, event)
                consumer.handled += 1
            except Exception as error:
                if _is_outage(error) or (isinstance(error, Conflict) and error.code == "bus.fence"):
                    raise
                async with uow(ctx) as tx:
                    await letters.failed_again(tx, letter, letters.reason(error))

    async def _hold(self, tx: Tx) -> None:
        """Stop a worker that lost its lease before it repeats an effect."""
        await tx.execute("select core.hold(%s, %s, %s)", [self._consumer.name, self._shard, self._fence])


def _is_outage(error: Exception) -> bool:
    """Say whether the database is away; a lock somebody keeps or a slow query is the handler's trouble."""
    return isinstance(error, Unavailable) and error.code != "database.timeout"
