"""The hierarchy of keys: made once, wrapped, destroyed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from sent.platform.crypto.envelope import Place, key_number
from sent.platform.crypto.keys import ORGANIZATION, KeyRing, WrappedKey, blind_index
from sent.platform.errors import Invalid, NotFound
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
