"""Several radar workers share the work of matching through a NATS server with JetStream.

Whoever receives passes on; the sources are divided into partitions, each worked by one worker at a time,
which holds its lease. Workers share the partitions evenly; while there is one worker only, nothing is passed
on. What the message server does not take at once (it is away, it is full, a payload is too large) is matched
where it was received: a lost message server costs time and nothing else.

A message leaves the stream when its events are committed. Whoever takes a partition over reads everything
that is left of it from the beginning, in order; ids made of the delivery keep what is there already from
being stored twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID
from weakref import WeakValueDictionary

from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.delivery import PARTITIONS, Delivery, packed, partition_of, pieces
from sent.engines.radar.receiving.partition import CALL_TIMEOUT_S, PREFIX, STREAM, Partition
from sent.engines.radar.store.catalogue import Source
from sent.platform.bus.nats import KEY, connect
from sent.platform.config import secrets
from sent.platform.db.lease import Leases
from sent.platform.errors import Unavailable
from sent.platform.telemetry.log import get_logger

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext
    from nats.js.api import PubAck

RECEIPTS = "sent_radar_receipts"
WORKERS = "radar.worker/"
MAX_BYTES = 8 << 30
"""Of the stream, when SENT makes it; whoever runs the message server may set it otherwise."""

PUBLISH_S = 5.0
REST_S = 2.0
"""After a failure, so long everything is matched here."""

AT_ONCE = 256
"""Messages on their way to the message server."""

_log = get_logger("radar")


class Conveyor:
    """See the module.

    `backlog` takes what this worker is to match, `source_of` finds the source of a delivery (None: it has no
    rules now), `holder` names this worker.
    """

    def __init__(
        self,
        url: str,
        credentials: str | None,
        leases: Leases,
        holder: UUID,
        backlog: Backlog,
        source_of: Callable[[Delivery], Awaitable[Source | None]],
    ) -> None:
        self._url, self._credentials = url, credentials
        self._leases, self._holder = leases, holder
        self._backlog, self._source_of = backlog, source_of
        self._key = secrets.key(KEY)
        self._client: Client | None = None
        self._stream: JetStreamContext | None = None
        self._partitions: dict[int, Partition] = {}
        self._held: set[int] = set()
        self._waiting: WeakValueDictionary[bytes, asyncio.Event] = WeakValueDictionary()
        self._rests_until = 0.0
        self.workers = 1
        """Radar workers that are alive."""
        self.passed_on = 0
        """Payloads that went to the stream."""
        self.kept_here = 0
        """Payloads that were to go there and were matched here."""
        self.problem = ""
        """Why the message server is not used."""

    async def look(self) -> None:
        """Say that this worker is alive, and take or give back partitions; connects when it has to."""
        await self._leases.take(_presence(self._holder))
        self.workers = max(1, await self._leases.alive(WORKERS))
        try:
            await self._connected()
        except Unavailable as error:
            self.problem = f"{error.message}; logs are matched where they are received"
        share = -(-PARTITIONS // self.workers)
        kept = await self._leases.take_all(map(_lease, self._held), most=share)
        free = await self._leases.take_all(
            map(_lease, set(range(PARTITIONS)) - self._held), most=share - len(kept)
        )
        held = {int(name.rpartition("/")[2]) for name in [*kept, *free]}
        too_many = self._held - held
        await self._work(held)
        if too_many:
            await self._leases.release(*map(_lease, too_many))

    @property
    def leases(self) -> list[str]:
        """Names of the leases that this worker holds since the last look."""
        return [_presence(self._holder), *map(_lease, sorted(self._held))]

    async def pass_on(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Publish parcels in their order; return what is to be matched here."""
        if self.workers < 2:
            return list(parcels)
        here: list[Parcel] = []
        under_way: list[tuple[Parcel, asyncio.Future[PubAck]]] = []
        for parcel in parcels:
            parts = pieces(parcel) if self._usable() else None
            if parts is None:
                here.append(parcel)
            for part in parts or ():
                sent = await self._publish(part)
                if sent is None:
                    here.append(_here(part))
                else:
                    under_way.append((part, sent))
        for part, sent in under_way:
            if await self._answered(sent):
                self.passed_on += len(part.payloads)
            else:
                here.append(_here(part))
        self.kept_here += sum(len(parcel.payloads) for parcel in here if parcel.letter is None)
        return here

    async def nothing_of(self, source: UUID) -> None:
        """Raise Unavailable while lines of a source wait in the stream: its file must not be read again."""
        from nats.errors import Error
        from nats.js.errors import NotFoundError

        if self._stream is None or self._client is None or not self._client.is_connected:
            raise Unavailable("radar.stream", "waits for the message server, where lines of it may lie")
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._stream.get_last_msg(STREAM, _subject(source))
        except NotFoundError:
            return
        except (Error, TimeoutError, OSError) as error:
            raise Unavailable("radar.stream", f"the message server does not answer: {error}") from error
        raise Unavailable("radar.stream", "lines read before are still being stored")

    async def release(self) -> None:
        """Stop taking deliveries; what was not stored stays in the stream for the next."""
        await self._work(set())
        await self._leases.release(*map(_lease, range(PARTITIONS)), _presence(self._holder))

    async def stop_taking(self) -> None:
        """Take no more deliveries; those taken are still acknowledged when they are stored."""
        for partition in self._partitions.values():
            await partition.pause()

    async def close(self) -> None:
        """Hang up."""
        await self._work(set())
        client, self._client, self._stream = self._client, None, None
        if client is not None:
            with contextlib.suppress(Exception):  # the library's own, or the socket's: it is over either way
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    await client.flush(2)
                    await client.close()

    async def acknowledged(self) -> None:
        """Wait until the deliveries that were taken are stored and have left the stream."""
        await asyncio.gather(*(partition.acknowledged() for partition in self._partitions.values()))

    def figures(self) -> dict[str, float]:
        """Return what is worth watching."""
        return {
            "workers": self.workers,
            "partitions": len(self._partitions),
            "passed_on_total": self.passed_on,
            "kept_here_total": self.kept_here,
        }

    def _usable(self) -> bool:
        client = self._client
        return client is not None and client.is_connected and time.monotonic() >= self._rests_until

    async def _publish(self, part: Parcel) -> asyncio.Future[PubAck] | None:
        from nats.errors import Error

        if self._stream is None or not self._usable():
            return None
        if part.stored is not None and part.delivery is not None:
            self._waiting[part.delivery.bytes] = part.stored
        message = packed(part, self._key, f"{RECEIPTS}.{self._holder.hex}")
        try:
            return await self._stream.publish_async(
                _subject(part.source.id), message, PUBLISH_S, headers={"Nats-Msg-Id": str(part.delivery)}
            )
        except (Error, TimeoutError, OSError) as error:
            self._failed(error)
            return None

    async def _answered(self, sent: asyncio.Future[PubAck]) -> bool:
        from nats.errors import Error

        try:
            async with asyncio.timeout(PUBLISH_S if self._usable() else 0.05):
                await sent
        except (Error, TimeoutError, OSError) as error:
            self._failed(error)
            return False
        return True

    def _failed(self, error: Exception) -> None:
        if time.monotonic() >= self._rests_until:
            _log.warning("radar.stream_refuses", reason=str(error) or type(error).__name__)
        self._rests_until = time.monotonic() + REST_S

    async def _connected(self) -> None:
        if self._client is None:
            self._client = await connect(self._url, credentials=self._credentials, name="sent radar")
        if not self._client.is_connected:
            raise Unavailable("radar.stream", "the message server does not answer")
        if self._stream is None:
            self._stream = await _prepared(self._client, self._receipt, self._holder)
        self.problem = ""

    async def _receipt(self, message: Msg) -> None:
        id, mac = message.data[:16], message.data[16:]
        if hmac.compare_digest(mac, hmac.digest(self._key, id, "sha256")):
            stored = self._waiting.pop(id, None)
            if stored is not None:
                stored.set()

    async def _work(self, held: set[int]) -> None:
        """Take up and let go of partitions, and begin anew those whose connection was lost."""
        self._held = held
        for number, partition in list(self._partitions.items()):
            if number not in held or partition.over:
                await partition.stop()
                del self._partitions[number]
        client = self._client
        if client is None or self._stream is None or not client.is_connected:
            return
        for number in sorted(held - self._partitions.keys()):
            made = Partition(number, client, self._stream, self._key, self._backlog, self._source_of)
            self._partitions[number] = made
            made.start()


async def _prepared(
    client: Client, receipt: Callable[[Msg], Awaitable[None]], holder: UUID
) -> JetStreamContext:
    """Make the stream unless it is there; raises Unavailable."""
    from nats.errors import Error
    from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
    from nats.js.errors import NotFoundError

    stream = client.jetstream(timeout=CALL_TIMEOUT_S, publish_async_max_pending=AT_ONCE)
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            try:
                await stream.stream_info(STREAM)
            except NotFoundError:
                await stream.add_stream(
                    StreamConfig(
                        name=STREAM,
                        subjects=[f"{PREFIX}.>"],
                        retention=RetentionPolicy.WORK_QUEUE,
                        storage=StorageType.FILE,
                        discard=DiscardPolicy.NEW,
                        max_bytes=MAX_BYTES,
                    )
                )
            await client.subscribe(f"{RECEIPTS}.{holder.hex}", cb=receipt)
    except (Error, TimeoutError, OSError) as error:
        raise Unavailable("radar.stream", f"the message server refuses the stream: {error}") from error
    return stream


def _here(part: Parcel) -> Parcel:
    """Return a piece that may lie in the stream as well."""
    return replace(part, again=True)


def _subject(source: UUID) -> str:
    return f"{PREFIX}.{partition_of(source)}.{source.hex}"


def _lease(partition: int) -> str:
    return f"radar.partition/{partition}"


def _presence(holder: UUID) -> str:
    return f"{WORKERS}{holder}"
