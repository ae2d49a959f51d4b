"""Sealing single fields: AES-256-GCM (NIST SP 800-38D), bound to the place where the value stands.

    sealed = version 1 | key number (4, big-endian) | nonce (12) | ciphertext | tag (16)
    AAD    = "sent1" 0 schema.table 0 column 0 organisation (16) row (16) [generation (8)]

A sealed value that is copied into another row, column, table or organisation does not open, nor does one
that was cut or changed. A former value put back into its own cell does not open either where the row keeps
a counter for it (`Place.generation`), nor anywhere once the key it was sealed with has been rotated out
(`keys.KeyRing.open`). The row's id must exist before its fields are sealed: ids come from the client.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from sent.platform.errors import Invalid

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
HEADER_BYTES = 1 + 4 + NONCE_BYTES


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value stands: `table` is `"schema.table"`.

    `generation` is a number that the row keeps and that grows whenever the value changes; 0 where the row
    has none.
    """

    table: str
    column: str
    organization: UUID
    row: UUID
    generation: int = 0

    def aad(self) -> bytes:
        """Return the additional data that binds a value to this place."""
        if "\0" in self.table or "\0" in self.column:
            raise ValueError("names hold no zero byte")
        names = b"sent1\0" + self.table.encode() + b"\0" + self.column.encode() + b"\0"
        bound = names + self.organization.bytes + self.row.bytes
        return bound + self.generation.to_bytes(8, "big") if self.generation else bound


class DataKey:
    """A 256-bit key with its number; keeps the cipher, whose set-up costs more than a small field."""

    __slots__ = ("_cipher", "number")

    def __init__(self, number: int, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(key) != 32:
            raise ValueError("data keys have 32 bytes")
        if not 0 < number < 2**32:
            raise ValueError("key numbers are positive and fit 4 bytes")
        self.number = number
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return f"DataKey({self.number}, ***)"

    def seal(self, plain: bytes, place: Place) -> bytes:
        """Return `plain` sealed for `place`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        head = bytes([VERSION]) + self.number.to_bytes(4, "big") + nonce
        return head + self._cipher.encrypt(nonce, plain, place.aad())

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Return the plain value; raises Invalid when anything about it is not as it was sealed."""
        from cryptography.exceptions import InvalidTag

        if key_number(sealed) != self.number:
            raise Invalid("crypto.key", "the value was sealed with another key")
        nonce = sealed[5:HEADER_BYTES]
        try:
            return self._cipher.decrypt(nonce, sealed[HEADER_BYTES:], place.aad())
        except InvalidTag as error:
            raise Invalid("crypto.broken", "the sealed value was changed or moved") from error


def key_number(sealed: bytes) -> int:
    """Return the number of the key a value was sealed with; raises Invalid for what is no sealed value."""
    if len(sealed) < HEADER_BYTES + TAG_BYTES or sealed[0] != VERSION:
        raise Invalid("crypto.format", "this is no sealed value")
    return int.from_bytes(sealed[1:5], "big")
