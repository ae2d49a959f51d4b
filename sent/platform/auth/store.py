"""What the broker asks the database: functions of schema `auth` only, no table.

As `sent_broker` for everything but minting, which is `sent_minter`'s single right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sent.platform.crypto.keys import WrappedKey
from sent.platform.db.engine import Database
from sent.platform.db.uow import fetch, fetch_one, scalar, transaction
from sent.platform.ids import uuid7


@dataclass(frozen=True, slots=True)
class Known:
    """A person who can log in."""

    person_id: UUID
    password_hash: str
    must_change: bool
    totp_secret: bytes | None


@dataclass(frozen=True, slots=True)
class Own:
    """A logged-in person's credential."""

    email: str
    password_hash: str
    must_change: bool
    totp_secret: bytes | None
    totp_pending: bytes | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A membership to choose."""

    id: UUID
    organization_id: UUID
    organization_name: str
    role: str
    client_narrowed: bool
    invited: bool


@dataclass(frozen=True, slots=True)
class Live:
    """A session that holds."""

    membership_id: UUID
    person_id: UUID


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a credential is for."""

    organization_id: UUID
    organization_name: str
    person_id: UUID
    person_name: str
    membership_id: UUID
    role_key: str
    permissions: list[str]
    must_change: bool


class AuthStore:
    """The functions of schema `auth`; also the `KeyStore` of the platform's keys."""

    def __init__(self, broker: Database, minter: Database) -> None:
        self._broker = broker
        self._minter = minter

    async def initialised(self) -> bool:
        """Say whether an organisation exists."""
        return bool(await self._value("select auth.initialised()"))

    async def setup(self, organisation: str, slug: str, person: str, email: str, password_hash: str) -> None:
        """Create the first organisation and its owner."""
        await self._value(
            "select auth.setup(%s, %s, %s, %s, %s, %s, %s, %s)",
            [uuid7(), organisation, slug, uuid7(), person, email, uuid7(), password_hash],
        )

    async def attempt(self, key: bytes) -> float:
        """Count an attempt; return the seconds to wait, 0 to go on."""
        return float(await self._value("select auth.attempt(%s)", [key]))

    async def attempt_over(self, key: bytes, *, success: bool) -> None:
        """Start the count over, or take this attempt back."""
        await self._value("select auth.attempt_over(%s, %s)", [key, success])

    async def lookup(self, email: str) -> Known | None:
        """Return who has this address."""
        async with transaction(self._broker) as tx:
            return await fetch_one(tx, Known, "select * from auth.lookup(%s)", [email])

    async def own(self, person: UUID) -> Own | None:
        """Return a person's credential."""
        async with transaction(self._broker) as tx:
            return await fetch_one(tx, Own, "select * from auth.credential_of(%s)", [person])

    async def memberships(self, person: UUID) -> list[Choice]:
        """Return the active memberships and the invitations."""
        async with transaction(self._broker) as tx:
            return await fetch(tx, Choice, "select * from auth.memberships(%s)", [person])

    async def issue_ticket(self, token_hash: bytes, person: UUID) -> None:
        """Store a ticket for 5 minutes."""
        await self._value("select auth.issue_ticket(%s, %s)", [token_hash, person])

    async def open_session(self, ticket: bytes, membership: UUID, session: bytes) -> UUID | None:
        """Trade a ticket for a session; None when it does not hold."""
        found = await self._value("select auth.open_session(%s, %s, %s)", [ticket, membership, session])
        return None if found is None else UUID(str(found))

    async def accept(self, ticket: bytes, membership: UUID, code: bytes) -> bool:
        """Make an invitation a membership; False when something does not hold."""
        return bool(await self._value("select auth.accept(%s, %s, %s)", [ticket, membership, code]))

    async def decline(self, ticket: bytes, membership: UUID) -> bool:
        """Remove an invitation; False when there is none."""
        return bool(await self._value("select auth.decline(%s, %s)", [ticket, membership]))

    async def renew_session(self, session: bytes) -> Live | None:
        """Return a live session and count it as used now."""
        async with transaction(self._broker) as tx:
            return await fetch_one(tx, Live, "select * from auth.renew_session(%s)", [session])

    async def end_session(self, session: bytes) -> None:
        """End it, and the login with the last one."""
        await self._value("select auth.end_session(%s)", [session])

    async def identity(self, membership: UUID) -> Identity | None:
        """Return whom a membership stands for."""
        async with transaction(self._broker) as tx:
            return await fetch_one(tx, Identity, "select * from auth.identity(%s)", [membership])

    async def change_password(
        self, person: UUID, password_hash: str, *, keep: bytes | None, rehash: bool = False
    ) -> None:
        """Store a new hash; all sessions but `keep` end, unless the password is the same (`rehash`)."""
        await self._value(
            "select auth.change_password(%s, %s, %s, %s)", [person, password_hash, keep, rehash]
        )

    async def totp_begin(self, person: UUID, sealed: bytes) -> None:
        """Store a second factor that is not confirmed yet."""
        await self._value("select auth.totp_begin(%s, %s)", [person, sealed])

    async def totp_confirm(self, person: UUID, step: int, codes: Sequence[bytes]) -> None:
        """Switch it on, with the hashes of the recovery codes."""
        await self._value("select auth.totp_confirm(%s, %s, %s)", [person, step, list(codes)])

    async def totp_remove(self, person: UUID) -> None:
        """Switch it off."""
        await self._value("select auth.totp_remove(%s)", [person])

    async def totp_accept(self, person: UUID, step: int) -> bool:
        """Spend a time step; False when it or a later one was spent before."""
        return bool(await self._value("select auth.totp_accept(%s, %s)", [person, step]))

    async def recovery_use(self, person: UUID, code_hash: bytes) -> bool:
        """Spend a recovery code; False when there is none such left."""
        return bool(await self._value("select auth.recovery_use(%s, %s)", [person, code_hash]))

    async def nonce(self, membership: UUID) -> UUID:
        """Return the nonce of the membership's password."""
        async with transaction(self._minter) as tx:
            return UUID(str(await scalar(tx, "select sec.credential(%s)", [membership])))

    async def mint(self, membership: UUID, verifier: str, valid_until: datetime) -> str:
        """Let the membership log in until then; return its role."""
        async with transaction(self._minter) as tx:
            return str(await scalar(tx, "select sec.mint(%s, %s, %s)", [membership, verifier, valid_until]))

    async def keys(self) -> Iterable[WrappedKey]:
        """Return the platform's keys."""
        async with transaction(self._broker) as tx:
            return await fetch(tx, WrappedKey, "select * from auth.keys()")

    async def add(self, key: WrappedKey) -> None:
        """Store a key of the platform."""
        await self._value(
            "select auth.add_key(%s, %s, %s, %s, %s)",
            [key.number, key.purpose, key.wrapped, key.root_id, key.parent],
        )

    async def _value(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        async with transaction(self._broker) as tx:
            return await scalar(tx, query, parameters)
