"""The hierarchy of keys: root -> organisation -> data key, wrapped with AES-KW (RFC 3394).

The root key never enters the database. Each organisation has a key wrapped by the root, and data keys per
purpose wrapped by the organisation's. Changing the root re-wraps one key per organisation; destroying an
organisation's key makes all its sealed fields unreadable, backups included.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from sent.platform.crypto.envelope import DataKey, Place, key_number
from sent.platform.errors import Invalid, NotFound

ORGANIZATION = "organization"
"""The purpose of the key that wraps the others."""

State = Literal["active", "decrypt_only", "destroyed"]


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A row of `core.data_key`."""

    number: int
    purpose: str
    state: str
    wrapped: bytes


class KeyStore(Protocol):
    """Where wrapped keys of one organisation are kept."""

    async def keys(self) -> Iterable[WrappedKey]:
        """Return all keys."""
        ...

    async def add(self, key: WrappedKey) -> None:
        """Store a key unless its number is taken (somebody else was first: read again)."""
        ...


class KeyRing:
    """Seals and opens fields of one organisation; keys are made at first use and kept in memory."""

    def __init__(self, store: KeyStore, root: bytes) -> None:
        if len(root) != 32:
            raise ValueError("the root key has 32 bytes")
        self._store = store
        self._root = root
        self._opened: dict[int, DataKey] = {}
        self._active: dict[str, int] = {}

    async def seal(self, purpose: str, plain: bytes, place: Place) -> bytes:
        """Return `plain` sealed with the active key of `purpose`."""
        if purpose not in self._active:
            await self._load()
        if purpose not in self._active:
            await self._make(purpose)
        return self._opened[self._active[purpose]].seal(plain, place)

    async def open(self, sealed: bytes, place: Place) -> bytes:
        """Return the plain value; raises NotFound (key destroyed or unknown) or Invalid (changed)."""
        number = key_number(sealed)
        if number not in self._opened:
            await self._load()
        if number not in self._opened:
            raise NotFound("crypto.key", "the key of this value does not exist any more")
        return self._opened[number].open(sealed, place)

    async def _make(self, purpose: str) -> None:
        """Make a data key, and the organisation's key before the first; re-reads who was first."""
        for _ in range(5):
            known = list(await self._store.keys())
            above = self._organization_key(known)
            number = max((key.number for key in known), default=0) + 1
            if above is None:
                fresh = WrappedKey(number, ORGANIZATION, "active", _wrap(self._root, secrets.token_bytes(32)))
            else:
                fresh = WrappedKey(number, purpose, "active", _wrap(above, secrets.token_bytes(32)))
            await self._store.add(fresh)
            await self._load()
            if purpose in self._active:
                return
        raise NotFound("crypto.key", f"no key could be made for {purpose!r}")

    async def _load(self) -> None:
        known = list(await self._store.keys())
        above = self._organization_key(known)
        for key in known:
            if key.purpose == ORGANIZATION or key.state == "destroyed" or above is None:
                continue
            if key.number not in self._opened:
                self._opened[key.number] = DataKey(key.number, _unwrap(above, key.wrapped))
            if key.state == "active":
                self._active[key.purpose] = key.number

    def _organization_key(self, known: Iterable[WrappedKey]) -> bytes | None:
        for key in known:
            if key.purpose == ORGANIZATION and key.state != "destroyed":
                return _unwrap(self._root, key.wrapped)
        return None


def blind_index(key: bytes, table: str, column: str, normalised: str, *, bits: int = 256) -> bytes:
    """Return an HMAC-SHA256 for equality search on a sealed column, cut to `bits` (a multiple of 8).

    Cut it for values that are few (telephone, birth date), so that collisions hide how often one occurs.
    """
    import hmac

    if bits % 8 or not 16 <= bits <= 256:
        raise ValueError("bits are a multiple of 8 from 16 to 256")
    message = table.encode() + b"\0" + column.encode() + b"\0" + normalised.encode()
    return hmac.digest(key, message, "sha256")[: bits // 8]


def _wrap(above: bytes, key: bytes) -> bytes:
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    return aes_key_wrap(above, key)


def _unwrap(above: bytes, wrapped: bytes) -> bytes:
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    try:
        return aes_key_unwrap(above, wrapped)
    except (InvalidUnwrap, ValueError) as error:
        raise Invalid(
            "crypto.root", "the root key does not fit the stored keys: restore the right one"
        ) from error
