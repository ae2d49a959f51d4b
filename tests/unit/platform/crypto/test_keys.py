"""The hierarchy of keys: made once, wrapped, destroyed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from sent.platform.crypto.envelope import DataKey, Place, key_number
from sent.platform.crypto.keys import ORGANIZATION, KeyRing, WrappedKey, blind_index, wrap
from sent.platform.errors import Conflict, Invalid, NotFound
from sent.platform.ids import uuid7

ROOT = bytes(32)
PLACE = Place("core.person", "phone", uuid7(), uuid7())


class Shelf:
    """Keys in memory, as a table with unique numbers keeps them."""

    def __init__(self) -> None:
        self.rows: dict[int, WrappedKey] = {}

    async def keys(self) -> Iterable[WrappedKey]:
        """Return all keys."""
        await asyncio.sleep(0)
        return list(self.rows.values())

    async def add(self, key: WrappedKey) -> None:
        """Store a key unless its number is taken."""
        await asyncio.sleep(0)
        self.rows.setdefault(key.number, key)


async def test_keys_are_made_at_first_use_and_found_again() -> None:
    shelf = Shelf()
    sealed = await KeyRing(shelf, ROOT).seal("contact", b"plain", PLACE)
    assert [key.purpose for key in shelf.rows.values()] == [ORGANIZATION, "contact"]
    assert await KeyRing(shelf, ROOT).open(sealed, PLACE) == b"plain"


async def test_purposes_have_keys_of_their_own() -> None:
    ring = KeyRing(Shelf(), ROOT)
    one, other = await ring.seal("a", b"x", PLACE), await ring.seal("b", b"x", PLACE)
    assert key_number(one) != key_number(other)


async def test_many_who_start_at_once_can_read_each_other() -> None:
    shelf = Shelf()
    rings = [KeyRing(shelf, ROOT) for _ in range(10)]
    sealed = await asyncio.gather(*(ring.seal(f"p{n % 3}", b"x", PLACE) for n, ring in enumerate(rings)))
    fresh = KeyRing(shelf, ROOT)
    assert [await fresh.open(value, PLACE) for value in sealed] == [b"x"] * 10
    assert [key.purpose for key in shelf.rows.values()].count(ORGANIZATION) == 1


async def test_the_wrong_root_opens_nothing() -> None:
    shelf = Shelf()
    sealed = await KeyRing(shelf, ROOT).seal("contact", b"plain", PLACE)
    with pytest.raises(Invalid) as refused:
        await KeyRing(shelf, bytes([1]) * 32).open(sealed, PLACE)
    assert refused.value.code == "crypto.root"


async def test_a_destroyed_organisation_key_shreds_everything() -> None:
    shelf = Shelf()
    sealed = await KeyRing(shelf, ROOT).seal("contact", b"plain", PLACE)
    shelf.rows[1] = replace(shelf.rows[1], state="destroyed")
    with pytest.raises(NotFound):
        await KeyRing(shelf, ROOT).open(sealed, PLACE)


async def test_a_retired_key_still_opens_but_seals_no_more() -> None:
    shelf = Shelf()
    old = await KeyRing(shelf, ROOT).seal("contact", b"plain", PLACE)
    shelf.rows[2] = replace(shelf.rows[2], state="decrypt_only")
    ring = KeyRing(shelf, ROOT)
    new = await ring.seal("contact", b"plain", PLACE)
    assert key_number(new) == 3
    assert await ring.open(old, PLACE) == await ring.open(new, PLACE) == b"plain"


async def test_wrapped_keys_do_not_hold_the_key() -> None:
    shelf = Shelf()
    await KeyRing(shelf, ROOT).seal("contact", b"plain", PLACE)
    assert all(len(key.wrapped) == 40 for key in shelf.rows.values())


def test_blind_indexes_tell_equal_values_only() -> None:
    one = blind_index(ROOT, "core.person", "phone", "+4420")
    assert one == blind_index(ROOT, "core.person", "phone", "+4420") and len(one) == 32
    assert one != blind_index(ROOT, "core.person", "mobile", "+4420")
    assert one != blind_index(bytes([1]) * 32, "core.person", "phone", "+4420")
    assert blind_index(ROOT, "core.person", "phone", "+4420", bits=16) == one[:2]
    with pytest.raises(ValueError, match="bits"):
        blind_index(ROOT, "t", "c", "v", bits=12)


async def test_the_vault_secret_is_part_of_what_opens_an_organisation() -> None:
    shelf = Shelf()
    sealed = await KeyRing(shelf, ROOT, lambda _: b"vault").seal("contact", b"plain", PLACE)
    assert await KeyRing(shelf, ROOT, lambda _: b"vault").open(sealed, PLACE) == b"plain"
    with pytest.raises(Invalid):
        await KeyRing(shelf, ROOT, lambda _: b"other").open(sealed, PLACE)


async def test_keys_of_the_first_version_still_open() -> None:
    shelf = Shelf()
    above, below = bytes([3]) * 32, bytes([4]) * 32
    shelf.rows[1] = WrappedKey(1, ORGANIZATION, "active", wrap(ROOT, above))
    shelf.rows[2] = WrappedKey(2, "contact", "active", wrap(above, below))
    sealed = DataKey(2, below).seal(b"plain", PLACE)
    assert await KeyRing(shelf, ROOT, lambda _: b"vault").open(sealed, PLACE) == b"plain"


async def test_a_value_of_an_emptied_key_is_a_replay() -> None:
    shelf = Shelf()
    ring = KeyRing(shelf, ROOT)
    sealed = await ring.seal("contact", b"plain", PLACE)
    shelf.rows[2] = replace(shelf.rows[2], state="decrypt_only", emptied=True)
    with pytest.raises(Invalid) as refused:
        await ring.open(sealed, PLACE)
    assert refused.value.code == "crypto.replayed"


async def test_who_is_told_that_his_key_is_stale_seals_with_the_next() -> None:
    shelf = Shelf()
    ring = KeyRing(shelf, ROOT)
    await ring.seal("contact", b"plain", PLACE)
    shelf.rows[2] = replace(shelf.rows[2], state="decrypt_only")
    tried: list[int] = []

    async def put(sealed: bytes) -> int:
        tried.append(key_number(sealed))
        if key_number(sealed) == 2:
            raise Conflict("crypto.stale", "stale")
        return key_number(sealed)

    assert await ring.write("contact", b"plain", PLACE, put) == 3
    assert tried == [2, 3]


async def test_a_conflict_of_another_kind_is_not_tried_again() -> None:
    ring = KeyRing(Shelf(), ROOT)
    tried: list[bytes] = []

    async def put(sealed: bytes) -> None:
        tried.append(sealed)
        raise Conflict("row.version", "somebody was first")

    with pytest.raises(Conflict, match="first"):
        await ring.write("contact", b"plain", PLACE, put)
    assert len(tried) == 1
