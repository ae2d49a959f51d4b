"""Sealed fields: whatever is done to one, it opens as what it was or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.platform.crypto.envelope import DataKey, Place, key_number
from sent.platform.errors import Invalid, SentError
from sent.platform.ids import uuid7

KEY = DataKey(7, bytes(range(32)))
PLACE = Place("core.person", "phone", uuid7(), uuid7())


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens(plain: bytes) -> None:
    sealed = KEY.seal(plain, PLACE)
    assert KEY.open(sealed, PLACE) == plain
    assert key_number(sealed) == 7
    assert len(sealed) == 1 + 4 + 12 + len(plain) + 16


def test_sealing_twice_never_gives_the_same() -> None:
    assert len({KEY.seal(b"+44 20 7946 0000", PLACE) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "other",
    [
        replace(PLACE, table="core.client"),
        replace(PLACE, column="mobile"),
        replace(PLACE, organization=uuid7()),
        replace(PLACE, row=uuid7()),
    ],
    ids=["table", "column", "organisation", "row"],
)
def test_a_value_moved_elsewhere_does_not_open(other: Place) -> None:
    with pytest.raises(Invalid) as refused:
        KEY.open(KEY.seal(b"+44 20 7946 0000", PLACE), other)
    assert refused.value.code == "crypto.broken"


def test_names_cannot_run_into_each_other() -> None:
    with pytest.raises(Invalid):
        KEY.open(
            KEY.seal(b"x", replace(PLACE, table="a.bc", column="d")), replace(PLACE, table="a.b", column="cd")
        )
    with pytest.raises(ValueError, match="zero"):
        KEY.seal(b"x", replace(PLACE, table="a\0b"))


def test_every_flipped_bit_is_noticed() -> None:
    sealed = KEY.seal(b"+44 20 7946 0000", PLACE)
    for index in range(len(sealed)):
        for bit in range(8):
            broken = bytearray(sealed)
            broken[index] ^= 1 << bit
            with pytest.raises(SentError):
                KEY.open(bytes(broken), PLACE)


def test_every_truncation_and_extension_is_noticed() -> None:
    sealed = KEY.seal(b"+44 20 7946 0000", PLACE)
    for length in range(len(sealed)):
        with pytest.raises(Invalid):
            KEY.open(sealed[:length], PLACE)
    with pytest.raises(Invalid):
        KEY.open(sealed + b"\0", PLACE)


def test_another_key_does_not_open() -> None:
    sealed = KEY.seal(b"x", PLACE)
    with pytest.raises(Invalid):
        DataKey(8, bytes(range(32))).open(sealed, PLACE)
    with pytest.raises(Invalid):
        DataKey(7, bytes(range(1, 33))).open(sealed, PLACE)


def test_keys_do_not_show() -> None:
    assert repr(KEY) == "DataKey(7, ***)"


@pytest.mark.parametrize(("number", "key"), [(0, bytes(32)), (2**32, bytes(32)), (1, bytes(16)), (1, b"")])
def test_impossible_keys_are_refused(number: int, key: bytes) -> None:
    with pytest.raises(ValueError, match="key"):
        DataKey(number, key)
