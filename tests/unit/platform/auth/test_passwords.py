"""Passwords: hashed with argon2id, checked for strength, verified with equal work."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sent.platform.auth.passwords import Passwords, check_strength
from sent.platform.errors import Invalid
from sent.platform.telemetry.log import Secret


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    """Return a fast hasher."""
    found = Passwords(memory_kib=64, passes=1)
    yield found
    found.close()


async def test_a_password_is_verified_against_its_hash(passwords: Passwords) -> None:
    stored = await passwords.hash(Secret("correct horse battery"))
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, Secret("correct horse battery"))
    assert not await passwords.verify(stored, Secret("correct horse batterz"))


@pytest.mark.parametrize("stored", [None, "", "plain", "$argon2id$broken", "$2b$12$xxxxxxxxxxxxxxxxxxxxxx"])
async def test_nothing_opens_without_a_proper_hash(passwords: Passwords, stored: str | None) -> None:
    assert not await passwords.verify(stored, Secret("correct horse battery"))


async def test_an_endless_password_costs_no_more(passwords: Passwords) -> None:
    stored = await passwords.hash(Secret("correct horse battery"))
    assert not await passwords.verify(stored, Secret("x" * 10_000_000))


async def test_weaker_parameters_are_noticed(passwords: Passwords) -> None:
    weak = await passwords.hash(Secret("correct horse battery"))
    strong = Passwords()
    assert strong.outdated(weak) and not passwords.outdated(weak)
    strong.close()


@pytest.mark.parametrize(
    "text", ["", "short", "eleven char", "aaaaaaaaaaaaaaaa", "password1234", "123456789012", "x" * 1025]
)
def test_what_anybody_tries_first_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_strength(Secret(text))
    assert refused.value.code == "auth.weak" and (not text or text not in refused.value.message)
