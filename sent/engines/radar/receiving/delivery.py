"""What one worker received on its way to the one that matches it, as bytes (see `conveyor`).

A delivery carries a MAC under the installation's key: who else may write to the message server can neither
invent events nor say that they came from a source. Its id makes the ids of its events, so one that comes
twice (sent again because no answer came, read again after a death) changes nothing the second time.

    MAC (32 bytes) | length of the head (4 bytes) | head (JSON) | payloads, one behind the other
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson

from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.store.sink import Checkpoint
from sent.platform.ids import uuid7

PARTITIONS = 16
"""All events of a source lie in one of them, and one worker at a time works it."""

PIECE = 262_144
"""Bytes of payload in one message: brokers take a megabyte."""

PIECE_LINES = 2000


@dataclass(frozen=True, slots=True)
class Delivery:
    """Payloads of one source; `receipt` is where its sender wants to hear of the commit, or empty."""

    id: UUID
    source_id: UUID
    organization_id: UUID
    kind: str
    received_at: datetime
    payloads: tuple[bytes, ...]
    checkpoint: Checkpoint | None
    receipt: str


def partition_of(source: UUID) -> int:
    """Return the partition of a source, in [0, PARTITIONS)."""
    return source.int % PARTITIONS


def pieces(parcel: Parcel) -> list[Parcel] | None:
    """Return the parcel in pieces that fit a message, each with an id of its own; None: one cannot.

    What is to happen when all of it is stored stays with the last piece.
    """
    if parcel.letter is not None or any(len(payload) > PIECE for payload in parcel.payloads):
        return None
    parts = list(_parts(parcel.payloads)) or [()]
    made = [replace(parcel, payloads=part, delivery=uuid7(), checkpoint=None, stored=None) for part in parts]
    made[-1] = replace(made[-1], checkpoint=parcel.checkpoint, stored=parcel.stored)
    return made


def _parts(payloads: tuple[bytes, ...]) -> Iterator[tuple[bytes, ...]]:
    part: list[bytes] = []
    size = 0
    for payload in payloads:
        if part and (size + len(payload) > PIECE or len(part) >= PIECE_LINES):
            yield tuple(part)
            part, size = [], 0
        part.append(payload)
        size += len(payload)
    if part:
        yield tuple(part)


def packed(parcel: Parcel, key: bytes, receipt: str) -> bytes:
    """Return a piece as the message that carries it."""
    point = parcel.checkpoint
    head = orjson.dumps(
        {
            "id": parcel.delivery,
            "source": parcel.source.id,
            "org": parcel.source.organization_id,
            "kind": parcel.source.kind,
            "received": parcel.received_at,
            "receipt": receipt if parcel.stored is not None else "",
            "lengths": [len(payload) for payload in parcel.payloads],
            "read": point and [point.device, point.inode, point.position, point.head.hex()],
        }
    )
    body = len(head).to_bytes(4, "big") + head + b"".join(parcel.payloads)
    return hmac.digest(key, body, "sha256") + body


def unpacked(message: bytes, key: bytes) -> Delivery | None:
    """Return what a message carries; None for what others put there, or what is none of ours after all.

    A partition is read in order and from the beginning: a message that raised would end it each time.
    """
    mac, body = message[:32], message[32:]
    if not hmac.compare_digest(mac, hmac.digest(key, body, "sha256")):
        return None
    try:
        return _read(body)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _read(body: bytes) -> Delivery:
    start = 4 + int.from_bytes(body[:4], "big")
    head = orjson.loads(body[4:start])
    payloads = []
    for length in head["lengths"]:
        payloads.append(body[start : start + length])
        start += length
    source = UUID(head["source"])
    read = head["read"]
    return Delivery(
        id=UUID(head["id"]),
        source_id=source,
        organization_id=UUID(head["org"]),
        kind=head["kind"],
        received_at=datetime.fromisoformat(head["received"]),
        payloads=tuple(payloads),
        checkpoint=read and Checkpoint(source, read[0], read[1], read[2], bytes.fromhex(read[3])),
        receipt=head["receipt"],
    )


def event_id(delivery: UUID, number: int, received_at: datetime) -> UUID:
    """Return the id of the delivery's event `number`: a UUIDv7 (RFC 9562) that is the same every time."""
    digest = hashlib.blake2b(delivery.bytes + number.to_bytes(4, "big"), digest_size=10).digest()
    made = int.from_bytes(digest, "big")
    millis = int(received_at.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    return UUID(int=millis << 80 | 0x7 << 76 | (made >> 62 & 0xFFF) << 64 | 0b10 << 62 | made & (1 << 62) - 1)
