"""The bytes that are signed, so that a third party can compute them from an export alone.

    digest  = SHA-256 of "sent-entry-1" 0 and, in this order, organisation, id, time, actor, action, table,
              row, before, after, trace, each as "<length>:<bytes>," or "-," for null; UUIDs in lower case
              with hyphens, the time as microseconds since 1970 in UTC, images as PostgreSQL prints jsonb
    chain   = h0 is the former seal's head (32 zero bytes at first); for each entry in the order of its
              number: h = SHA-256(h, number as 8 bytes big-endian, digest)
    message = "sent-seal-1" 0 organisation (16) number (8) first (8) last (8) entries (8) former head (32)
              head (32) time of sealing in microseconds (8) key id in ASCII, signed with Ed25519 (RFC 8032)

docs/howto/audit.md has the same with an example.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

START = bytes(32)
"""The head before the first seal."""

_ENTRY = hashlib.sha256(b"sent-entry-1\0")


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the trail as text; `at` is in microseconds."""

    seq: int
    organization: str
    id: str
    at: int
    actor: str | None
    action: str
    table: str
    row: str | None
    before: str | None
    after: str | None
    trace: str | None

    def digest(self) -> bytes:
        """Return the entry's digest; its number is bound by the chain."""
        found = _ENTRY.copy()
        parts = []
        for field in (
            self.organization,
            self.id,
            str(self.at),
            self.actor,
            self.action,
            self.table,
            self.row,
            self.before,
            self.after,
            self.trace,
        ):
            if field is None:
                parts.append(b"-,")
            else:
                raw = field.encode()
                parts.append(b"%d:%b," % (len(raw), raw))
        found.update(b"".join(parts))
        return found.digest()


@dataclass(frozen=True, slots=True)
class Seal:
    """A signed stretch of one organisation's trail.

    `seqs` and `digests` (32 bytes each) list its entries; both are empty for the seal the trail was cut
    behind (`genesis`).
    """

    organization: UUID
    number: int
    from_seq: int
    to_seq: int
    entries: int
    prev: bytes
    head: bytes
    signature: bytes
    key_id: str
    at: datetime
    seqs: list[int]
    digests: bytes
    genesis: bool = False

    def expected(self) -> list[tuple[int, bytes]]:
        """Return (number, digest) of each entry; shorter where the lists do not fit each other."""
        whole = len(self.digests) // 32
        return [(seq, self.digests[n * 32 : n * 32 + 32]) for n, seq in enumerate(self.seqs[:whole])]

    def message(self) -> bytes:
        """Return what the signature is over."""
        return message(self)


def chain(prev: bytes, entries: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the head after `entries`, given as (number, digest)."""
    head = prev
    for seq, digest in entries:
        head = hashlib.sha256(head + struct.pack(">q", seq) + digest).digest()
    return head


def message(seal: Seal) -> bytes:
    """Return the bytes of a seal that are signed."""
    return (
        b"sent-seal-1\0"
        + seal.organization.bytes
        + struct.pack(">qqqq", seal.number, seal.from_seq, seal.to_seq, seal.entries)
        + seal.prev
        + seal.head
        + struct.pack(">q", microseconds(seal.at))
        + seal.key_id.encode()
    )


def microseconds(at: datetime) -> int:
    """Return a time as microseconds since 1970 in UTC, exactly."""
    past = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds
