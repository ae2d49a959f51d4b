"""The hierarchy of keys: root -> organisation -> data key, wrapped with AES-KW (RFC 3394).

    organisation's key   wrapped under HKDF-SHA256(root key, salt = the organisation's vault secret)
    data key             one active for each purpose, wrapped under the organisation's key

Neither root key nor vault secret ever enters the database. Rotation happens in use: a value names the key
it was sealed with, and the database refuses a value that is sealed with a key which is not active any more
(`core.guard_sealed`, `Conflict crypto.stale`), so a writer that remembers an older key finds out in its own
transaction; `KeyRing.write` then seals anew. A retired key whose last value was re-sealed opens nothing
more: a former value that is put back is an error.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from sent.platform.crypto.envelope import DataKey, Place, key_number
from sent.platform.crypto.root import FixedRoots, Roots, root_id
from sent.platform.errors import Conflict, Invalid, NotFound

ORGANIZATION = "organization"
"""The purpose of the key that wraps the others."""

STALE = "crypto.stale"
ATTEMPTS = 5

State = Literal["active", "decrypt_only", "destroyed"]
Shred = Callable[[bool], bytes]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A row of `core.data_key`.

    `root_id` names the root key that wraps an organisation's key, `parent` the organisation's key that
    wraps a data key; both are None for keys of the first version, wrapped without a vault secret.
    `emptied`: no value is sealed with this retired key any more.
    """

    number: int
    purpose: str
    state: str
    wrapped: bytes
    root_id: str | None = None
    parent: int | None = None
    emptied: bool = False


class KeyStore(Protocol):
    """Where wrapped keys of one organisation are kept."""

    async def keys(self) -> Iterable[WrappedKey]:
        """Return all keys."""
        ...

    async def add(self, key: WrappedKey) -> None:
        """Store a key unless number or purpose is taken or its parent was replaced: read again."""
        ...


class KeyRing:
    """Seals and opens fields of one organisation; keys are made at first use and kept in memory."""

    def __init__(
        self, store: KeyStore, root: Roots | bytes, shred: Shred | None = None, *, remember: bool = False
    ) -> None:
        """`shred(make)` returns the organisation's vault secret, made where it may be and is missing.

        With `remember`, `open` does not ask again for the states of keys it knows: for a run over many
        values that has just read them.
        """
        self._store = store
        self._roots = FixedRoots(root) if isinstance(root, bytes) else root
        self._shred = shred or (lambda _make: b"")
        self._remember = remember
        self._opened: dict[int, DataKey] = {}
        self._active: dict[str, int] = {}
        self._emptied: set[int] = set()

    async def seal(self, purpose: str, plain: bytes, place: Place) -> bytes:
        """Return `plain` sealed with the active key of `purpose`."""
        return (await self.sealer(purpose)).seal(plain, place)

    async def sealer(self, purpose: str) -> DataKey:
        """Return the active key of `purpose`."""
        if purpose not in self._active:
            await self._load()
        if purpose not in self._active:
            await self._make(purpose)
        return self._opened[self._active[purpose]]

    async def write(
        self, purpose: str, plain: bytes, place: Place, put: Callable[[bytes], Awaitable[T]]
    ) -> T:
        """Seal `plain` and hand it to `put`, which stores it; once more when its key was just retired."""
        for attempt in range(ATTEMPTS):
            try:
                return await put(await self.seal(purpose, plain, place))
            except Conflict as error:
                if error.code != STALE or attempt == ATTEMPTS - 1:
                    raise
                await self.forget()
        raise AssertionError("unreachable")

    async def forget(self) -> None:
        """Read the states of all keys again."""
        await self._load()

    async def open(self, sealed: bytes, place: Place) -> bytes:
        """Return the plain value.

        Raises NotFound (its key was destroyed or is unknown), Invalid (changed, moved, or put back after
        its key was rotated out).
        """
        number = key_number(sealed)
        if number not in self._opened or not self._remember:
            await self._load()
        if number not in self._opened:
            raise NotFound("crypto.key", "the key of this value does not exist any more")
        if number in self._emptied:
            raise Invalid(
                "crypto.replayed", "a former value was put back: its key was rotated out of all values"
            )
        return self._opened[number].open(sealed, place)

    async def _make(self, purpose: str) -> None:
        """Make a data key, and the organisation's key before the first; re-reads who was first."""
        for _ in range(ATTEMPTS):
            known = list(await self._store.keys())
            above = self.organization_key(known)
            number = max((key.number for key in known), default=0) + 1
            fresh = secrets.token_bytes(32)
            if above is None:
                await self._store.add(self.wrapped_organization_key(number, fresh))
            else:
                wrapped = wrap(above[1], fresh)
                await self._store.add(WrappedKey(number, purpose, "active", wrapped, parent=above[0]))
            await self._load()
            if purpose in self._active:
                return
        raise NotFound("crypto.key", f"no key could be made for {purpose!r}")

    async def _load(self) -> None:
        known = list(await self._store.keys())
        usable = [key for key in known if key.purpose != ORGANIZATION and key.state != "destroyed"]
        if any(key.number not in self._opened for key in usable):
            above = self.organization_keys(known)
            for key in usable if above else ():
                if key.number not in self._opened:
                    self._opened[key.number] = DataKey(key.number, unwrap_below(above, key))
        living = {key.number for key in usable}
        self._opened = {number: key for number, key in self._opened.items() if number in living}
        self._emptied = {key.number for key in usable if key.emptied}
        self._active = {
            key.purpose: key.number for key in usable if key.state == "active" and key.number in self._opened
        }

    def organization_keys(self, known: Sequence[WrappedKey]) -> dict[int, bytes]:
        """Return the opened keys of the organisation by number."""
        return {
            key.number: self._unwrapped(key)
            for key in known
            if key.purpose == ORGANIZATION and key.state != "destroyed"
        }

    def organization_key(self, known: Sequence[WrappedKey]) -> tuple[int, bytes] | None:
        """Return number and bytes of the organisation's active key, or None before the first."""
        for key in known:
            if key.purpose == ORGANIZATION and key.state == "active":
                return key.number, self._unwrapped(key)
        return None

    def wrapped_organization_key(self, number: int, fresh: bytes, root: bytes | None = None) -> WrappedKey:
        """Return an organisation's key wrapped under the current root and the vault secret."""
        root = root or self._roots.current()
        wrapped = wrap(_above(root, self._shred(True)), fresh)
        return WrappedKey(number, ORGANIZATION, "active", wrapped, root_id=root_id(root))

    def _unwrapped(self, key: WrappedKey) -> bytes:
        if key.root_id is None:
            return unwrap(self._roots.current(), key.wrapped)
        return unwrap(_above(self._roots.find(key.root_id), self._shred(False)), key.wrapped)


def blind_index(key: bytes, table: str, column: str, normalised: str, *, bits: int = 256) -> bytes:
    """Return an HMAC-SHA256 for equality search on a sealed column, cut to `bits` (a multiple of 8).

    Cut it for values that are few (telephone, birth date), so that collisions hide how often one occurs.
    """
    import hmac

    if bits % 8 or not 16 <= bits <= 256:
        raise ValueError("bits are a multiple of 8 from 16 to 256")
    message = table.encode() + b"\0" + column.encode() + b"\0" + normalised.encode()
    return hmac.digest(key, message, "sha256")[: bits // 8]


def wrap(above: bytes, key: bytes) -> bytes:
    """Return `key` wrapped under the key above it."""
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    return aes_key_wrap(above, key)


def unwrap(above: bytes, wrapped: bytes) -> bytes:
    """Return the key; raises Invalid when `above` is not the one it was wrapped under."""
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    try:
        return aes_key_unwrap(above, wrapped)
    except (InvalidUnwrap, ValueError) as error:
        raise Invalid(
            "crypto.root",
            "the stored keys do not open with this root key and vault: restore the ones they were made with",
        ) from error


def unwrap_below(above: Mapping[int, bytes], key: WrappedKey) -> bytes:
    """Return a data key's bytes; `above` holds the organisation's keys by number."""
    parent = max(above) if key.parent is None else key.parent
    if parent not in above:
        raise NotFound("crypto.destroyed", "the key above this one was destroyed")
    return unwrap(above[parent], key.wrapped)


def _above(root: bytes, shred: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt=shred, info=b"sent organisation key").derive(root)
