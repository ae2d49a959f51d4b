"""Identifiers: UUIDv7 made by the client (RFC 9562, section 5.7).

The row's id must exist before its fields are encrypted (it is part of the additional data) and before it
is written (idempotent retries), so the client makes it. Within one process ids are strictly increasing:
the 12 bits of `rand_a` are a counter seeded at random each millisecond (method 1 of section 6.2).
"""

from __future__ import annotations

import os
import threading
import time
from typing import NewType
from uuid import UUID

OrgId = NewType("OrgId", UUID)
PersonId = NewType("PersonId", UUID)
MembershipId = NewType("MembershipId", UUID)
ClientId = NewType("ClientId", UUID)

PLATFORM_ORG = OrgId(UUID(int=0))
"""Owner of rows that belong to no customer of SENT: visible to all, writable by migrations."""

_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Return a new UUIDv7, greater than every one this process made before."""
    global _last
    with _lock:
        random = int.from_bytes(os.urandom(10), "big")
        candidate = (time.time_ns() // 1_000_000) << 12 | random >> 69
        _last = candidate if candidate > _last else _last + 1
        stamp = _last
    millis, counter = stamp >> 12, stamp & 0xFFF
    value = (millis & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | counter << 64
    return UUID(int=value | 0b10 << 62 | random & 0x3FFF_FFFF_FFFF_FFFF)
