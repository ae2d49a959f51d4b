"""A partition goes on behind deliveries that nobody can store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from sent.engines.radar.receiving import delivery
from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.delivery import Delivery
from sent.engines.radar.receiving.partition import Partition
from sent.engines.radar.store.catalogue import Source
from sent.platform.errors import NotFound

KEY = b"k" * 32
KEPT = Source(uuid4(), uuid4(), None, "s", "file", "/x", None, None, None, "UTC", 1)
GONE = Source(uuid4(), uuid4(), None, "s", "file", "/x", None, None, None, "UTC", 1)


@dataclass
class Message:
    """One of the stream; tells whether it was taken out of it."""

    data: bytes
    metadata: Any = field(default_factory=lambda: SimpleNamespace(sequence=SimpleNamespace(stream=9)))
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)

    async def ack(self) -> None:
        self.acknowledged.set()


class Stream:
    """A message server that has these messages, and no more after them."""

    def __init__(self, *messages: Message) -> None:
        self.stats, self.is_connected = {"reconnects": 0}, True
        self._messages = asyncio.Queue[Message]()
        for message in messages:
            self._messages.put_nowait(message)

    async def delete_consumer(self, _stream: str, _name: str) -> None:
        return None

    async def stream_info(self, _stream: str) -> Any:
        return SimpleNamespace(state=SimpleNamespace(last_seq=0))

    async def subscribe(self, *_args: Any, **_options: Any) -> Stream:
        return self

    async def next_msg(self, _timeout: float) -> Message:
        return await self._messages.get()


def sent(source: Source, payload: bytes) -> Message:
    (piece,) = delivery.pieces(Parcel(source, datetime.now(UTC), (payload,))) or []
    return Message(delivery.packed(piece, KEY, ""))


async def test_a_delivery_of_an_organisation_that_is_gone_leaves_the_stream() -> None:
    async def source_of(asked: Delivery) -> Source:
        if asked.organization_id == GONE.organization_id:
            raise NotFound("radar.organisation.gone", "gone")
        return KEPT

    orphan, ours, backlog = sent(GONE, b"lost"), sent(KEPT, b"line"), Backlog()
    stream = cast(Any, Stream(orphan, ours))
    partition = Partition(3, stream, stream, KEY, backlog, source_of)
    partition.start()
    try:
        async with asyncio.timeout(5):
            await orphan.acknowledged.wait()
            (parcel,) = await backlog.take(1, 0)
            assert parcel.payloads == (b"line",)
            assert parcel.stored is not None
            parcel.stored.set()
            await ours.acknowledged.wait()
        assert not partition.over
        assert parcel.source.id != UUID(int=0)
    finally:
        await partition.stop()
