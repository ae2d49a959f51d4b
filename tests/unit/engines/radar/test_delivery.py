"""Deliveries: what goes from worker to worker arrives as it was, or not at all."""

from __future__ import annotations

import asyncio
import hmac
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from sent.engines.radar.receiving import delivery
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.store.sink import Checkpoint

KEY = b"k" * 32
AT = datetime(2026, 11, 27, 12, 0, 0, 123456, tzinfo=UTC)
SOURCE = Source(uuid4(), uuid4(), None, "s", "file", "/x", None, None, None, "UTC", 1)
POINT = Checkpoint(SOURCE.id, 3, -4, 99, b"\x00\xff")


def parcel(*payloads: bytes, **given: object) -> Parcel:
    return Parcel(SOURCE, AT, payloads, **given)  # type: ignore[arg-type]


def test_a_delivery_arrives_as_it_was_sent() -> None:
    (made,) = delivery.pieces(parcel(b"one\x00\xff", b"", b"two", checkpoint=POINT)) or []
    found = delivery.unpacked(delivery.packed(made, KEY, "inbox"), KEY)
    assert found is not None
    assert found.payloads == (b"one\x00\xff", b"", b"two")
    assert (found.id, found.source_id, found.organization_id) == (
        made.delivery,
        SOURCE.id,
        SOURCE.organization_id,
    )
    assert (found.kind, found.received_at, found.checkpoint) == ("file", AT, POINT)
    assert found.receipt == "", "nobody waits for this one"


def test_a_delivery_of_nothing_still_tells_how_far_a_file_was_read() -> None:
    (made,) = delivery.pieces(parcel(checkpoint=POINT)) or []
    found = delivery.unpacked(delivery.packed(made, KEY, ""), KEY)
    assert found is not None
    assert (found.payloads, found.checkpoint) == ((), POINT)


@pytest.mark.parametrize("place", [0, 31, 32, 36, 60, -1])
def test_a_delivery_that_was_changed_is_none(place: int) -> None:
    (made,) = delivery.pieces(parcel(b"one")) or []
    message = bytearray(delivery.packed(made, KEY, ""))
    message[place] ^= 1
    assert delivery.unpacked(bytes(message), KEY) is None
    assert delivery.unpacked(b"", KEY) is None
    assert delivery.unpacked(delivery.packed(made, b"other" * 7, ""), KEY) is None


def test_only_the_last_piece_ends_a_parcel() -> None:
    stored = asyncio.Event()
    payloads = tuple(b"%06d" % n + b"x" * 100_000 for n in range(7))
    made = delivery.pieces(parcel(*payloads, checkpoint=POINT, stored=stored)) or []
    assert [len(part.payloads) for part in made] == [2, 2, 2, 1]
    assert tuple(payload for part in made for payload in part.payloads) == payloads
    assert [part.checkpoint for part in made] == [None, None, None, POINT]
    assert [part.stored for part in made] == [None, None, None, stored]
    assert len({part.delivery for part in made}) == 4
    assert all(sum(map(len, part.payloads)) <= delivery.PIECE for part in made)


def test_many_short_lines_make_several_pieces() -> None:
    made = delivery.pieces(parcel(*[b"x"] * 4500)) or []
    assert [len(part.payloads) for part in made] == [2000, 2000, 500]


def test_what_does_not_fit_a_message_stays_here() -> None:
    assert delivery.pieces(parcel(b"x" * (delivery.PIECE + 1))) is None
    assert delivery.pieces(parcel(b"x", letter=uuid4())) is None


def test_ids_of_events_are_the_same_every_time_and_sort_by_time() -> None:
    id = uuid4()
    first = [delivery.event_id(id, n, AT) for n in range(2000)]
    assert first == [delivery.event_id(id, n, AT) for n in range(2000)]
    assert len(set(first)) == 2000
    assert all((made.version, made.variant) == (7, "specified in RFC 4122") for made in first)
    assert {made.int >> 80 for made in first} == {int(AT.timestamp() * 1000)}
    assert delivery.event_id(uuid4(), 0, AT) not in first


def test_a_source_stays_in_its_partition() -> None:
    found = {delivery.partition_of(UUID(int=n)) for n in range(100)}
    assert found == set(range(delivery.PARTITIONS))
    assert delivery.partition_of(SOURCE.id) == delivery.partition_of(UUID(str(SOURCE.id)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\x00\x00\x02{}",
        b"\x00\x00\x00\x04null",
        b"\xff\xff\xff\xff{",
        b'\x00\x00\x00\x10{"lengths": [1.5]}'.ljust(40),
        b'\x00\x00\x00\x0f{"lengths":"x"}',
    ],
)
def test_a_delivery_that_is_garbled_behind_its_mac_is_none(body: bytes) -> None:
    """It would end the worker of its partition again and again, as it stays the first one."""
    message = hmac.digest(KEY, body, "sha256") + body
    assert delivery.unpacked(message, KEY) is None
