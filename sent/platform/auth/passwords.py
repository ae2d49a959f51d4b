"""Password hashes: argon2id (RFC 9106), two at a time, and a check that takes as long for nobody.

64 MiB and three passes cost about 0.1 s; two threads bound what a flood of logins can take. Parameters
stand in each hash, so raising them re-hashes people as they come in.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from sent.platform.errors import Invalid
from sent.platform.telemetry.log import Secret

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 1024
MEMORY_KIB = 64 * 1024
PASSES = 3


class Passwords:
    """Hashes and verifies in a pool of two threads; `close` ends them."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        from argon2 import PasswordHasher

        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="argon2")
        self._nobody: str | None = None

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: Secret) -> str:
        """Return the hash of a new password; raises Invalid when it is too short or too common."""
        check_strength(password)
        return await self._run(self._hasher, password)

    async def verify(self, stored: str | None, password: Secret) -> bool:
        """Say whether the password is right; without a stored hash the same work is done in vain."""
        if len(password.reveal()) > MAXIMUM_LENGTH:
            password, stored = Secret("x"), None
        if stored is None:
            if self._nobody is None:
                self._nobody = await self._run(self._hasher, Secret(secrets.token_urlsafe(16)))
            stored_or_nobody = self._nobody
        else:
            stored_or_nobody = stored
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._pool, _matches, self._hasher, stored_or_nobody, password)
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """Say whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    async def rehash(self, password: Secret) -> str:
        """Return today's hash of a password that was just verified."""
        return await self._run(self._hasher, password)

    async def _run(self, hasher: PasswordHasher, password: Secret) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, hasher.hash, password.reveal())


def check_strength(password: Secret) -> None:
    """Raise Invalid unless the password has 12 to 1024 characters and is none everybody tries first."""
    text = password.reveal()
    if len(text) < MINIMUM_LENGTH:
        raise Invalid(
            "auth.weak", f"a password has at least {MINIMUM_LENGTH} characters", minimum=MINIMUM_LENGTH
        )
    if len(text) > MAXIMUM_LENGTH:
        raise Invalid("auth.weak", f"a password has at most {MAXIMUM_LENGTH} characters")
    if len(set(text)) < 5 or text.casefold() in _common():
        raise Invalid("auth.weak", "this password is among the first anybody would try")


@cache
def _common() -> frozenset[str]:
    """What people type when twelve characters are asked for."""
    stems = (
        "password",
        "passwort",
        "qwertyuiop",
        "administrator",
        "letmein",
        "welcome",
        "sentinel",
        "changeme",
    )
    tails = ("", "1", "12", "123", "1234", "12345", "123456", "!", "1!", "123!", "2024", "2025", "2026")
    numbers = (
        "123456789012",
        "1234567890123",
        "012345678901",
        "qwerty123456",
        "1q2w3e4r5t6y",
        "abcdefghijkl",
    )
    return frozenset(stem + tail for stem in stems for tail in tails) | frozenset(numbers)


def _matches(hasher: PasswordHasher, stored: str, password: Secret) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return hasher.verify(stored, password.reveal())
    except (VerificationError, InvalidHashError):
        return False
