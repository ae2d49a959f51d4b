"""A partition of the stream: its deliveries become parcels, and leave the stream when they are stored."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.delivery import Delivery, unpacked
from sent.engines.radar.store.catalogue import Source
from sent.platform.errors import NotFound, SentError
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger
from sent.platform.telemetry.seldom import Seldom

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

STREAM = "SENT_RADAR"
PREFIX = "sent_radar"
CALL_TIMEOUT_S = 10.0
IN_FLIGHT = 32
"""Deliveries of one partition that are not stored yet: with `delivery.PIECE` they bound the memory."""

ACK_S = 86_400
"""Nothing is delivered again while its worker lives, however long the database is away: who takes over reads
what is left anyway."""

POLL_S = 1.0
AGAIN_S = 5.0
"""After this a delivery comes again whose organisation's rules are still being loaded."""

_log = get_logger("radar")

FOREIGN = Seldom(_log, "radar.foreign_delivery")
ORPHAN = Seldom(_log, "radar.orphan_delivery")


@dataclass(frozen=True, slots=True)
class _Taken:
    """A delivery that waits for its commit; without `stored` there is nothing to wait for."""

    message: Msg
    delivery: Delivery | None
    stored: asyncio.Event | None


class Partition:
    """Works one partition from the oldest delivery that is left, in order, until it is stopped."""

    def __init__(
        self,
        number: int,
        client: Client,
        stream: JetStreamContext,
        key: bytes,
        backlog: Backlog,
        source_of: Callable[[Delivery], Awaitable[Source | None]],
    ) -> None:
        self._number = number
        self._client, self._stream, self._key = client, stream, key
        self._backlog, self._source_of = backlog, source_of
        self._taken: asyncio.Queue[_Taken] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._told_last = 0

    def start(self) -> None:
        """Begin."""
        self._tasks = [
            spawn(self._take(), name=f"radar.partition.{self._number}"),
            spawn(self._acknowledge(), name=f"radar.partition.{self._number}.stored"),
        ]

    @property
    def over(self) -> bool:
        """Whether it ended by itself: the connection was lost."""
        return any(task.done() for task in self._tasks)

    async def pause(self) -> None:
        """Take no more deliveries."""
        await cancel(*self._tasks[:1])

    async def acknowledged(self) -> None:
        """Wait until what was taken is stored and has left the stream, or cannot leave it from here."""
        joined = spawn(self._taken.join(), name=f"radar.partition.{self._number}.join")
        await asyncio.wait([joined, *self._tasks[1:]], return_when=asyncio.FIRST_COMPLETED)
        await cancel(joined)

    async def stop(self) -> None:
        """End; deliveries that are not stored stay in the stream."""
        await cancel(*self._tasks)

    async def _take(self) -> None:
        from nats.errors import Error
        from nats.errors import TimeoutError as NothingCame

        try:
            subscription = await self._from_the_beginning()
            connected = self._client.stats["reconnects"]
            while self._client.stats["reconnects"] == connected and self._client.is_connected:
                try:
                    message = await subscription.next_msg(POLL_S)
                except NothingCame:
                    continue
                await self._hand_over(message)
            with contextlib.suppress(Error, OSError):
                await subscription.unsubscribe()
        except (Error, SentError, TimeoutError, OSError) as error:
            _log.info("radar.partition_lost", partition=self._number, reason=str(error) or repr(error))

    async def _from_the_beginning(self) -> JetStreamContext.PushSubscription:
        """Return a subscription to what is left; whoever had the partition before is heard no more."""
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
        from nats.js.errors import NotFoundError

        name = f"radar-{self._number}"
        async with asyncio.timeout(CALL_TIMEOUT_S):
            with contextlib.suppress(NotFoundError):
                await self._stream.delete_consumer(STREAM, name)
            self._told_last = (await self._stream.stream_info(STREAM)).state.last_seq
            return await self._stream.subscribe(
                f"{PREFIX}.{self._number}.>",
                stream=STREAM,
                durable=name,
                manual_ack=True,
                config=ConsumerConfig(
                    ack_policy=AckPolicy.EXPLICIT,
                    ack_wait=ACK_S,
                    max_ack_pending=IN_FLIGHT,
                    deliver_policy=DeliverPolicy.ALL,
                ),
            )

    async def _hand_over(self, message: Msg) -> None:
        delivery = unpacked(message.data, self._key)
        if delivery is None:
            FOREIGN.error(partition=self._number)
            self._taken.put_nowait(_Taken(message, None, None))
            return
        try:
            source = await self._source_of(delivery)
        except NotFound as error:  # nobody is left who could store it
            ORPHAN.error(partition=self._number, reason=error.message)
            self._taken.put_nowait(_Taken(message, delivery, None))
            return
        if source is None:
            await message.nak(delay=AGAIN_S)
            return
        stored = asyncio.Event()
        again = message.metadata.sequence.stream <= self._told_last
        self._taken.put_nowait(_Taken(message, delivery, stored))
        await self._backlog.put(
            Parcel(
                source,
                delivery.received_at,
                delivery.payloads,
                delivery.checkpoint,
                stored,
                delivery=delivery.id,
                again=again,
            )
        )

    async def _acknowledge(self) -> None:
        from nats.errors import Error

        while True:
            taken = await self._taken.get()
            if taken.stored is not None:
                await taken.stored.wait()
            try:
                await taken.message.ack()
                if taken.delivery is not None and taken.delivery.receipt:
                    id = taken.delivery.id.bytes
                    mac = hmac.digest(self._key, id, "sha256")
                    await self._client.publish(taken.delivery.receipt, id + mac)
            except (Error, OSError) as error:  # it is stored: who reads it again finds it there
                _log.info("radar.partition_lost", partition=self._number, reason=str(error) or repr(error))
            self._taken.task_done()
