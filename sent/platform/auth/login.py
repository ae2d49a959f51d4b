"""What a login is: password, second factor, ticket, session, credential (the broker's use cases)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from math import ceil
from typing import Any
from uuid import UUID

from sent.platform.auth import scram, totp
from sent.platform.auth.addresses import canonical
from sent.platform.auth.passwords import Passwords
from sent.platform.auth.store import AuthStore, Identity, Known, Live, Own
from sent.platform.clock import Clock
from sent.platform.crypto.envelope import Place
from sent.platform.crypto.keys import KeyRing
from sent.platform.errors import Denied, Invalid, Unavailable
from sent.platform.ids import PLATFORM_ORG
from sent.platform.telemetry.log import Secret

VALIDITY = timedelta(minutes=15)
PURPOSE = "second_factor"


class Logins:
    """The use cases behind the broker's calls."""

    def __init__(
        self, store: AuthStore, passwords: Passwords, ring: KeyRing, key: bytes, clock: Clock
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._ring = ring
        self._key = key
        self._clock = clock

    async def initialised(self) -> bool:
        """Say whether an organisation exists."""
        return await self._store.initialised()

    async def setup(self, organisation: str, slug: str, person: str, email: str, password: Secret) -> None:
        """Create the first organisation and its owner; raises Conflict when one exists."""
        address = canonical(email)
        password_hash = await self._passwords.hash(password)
        await self._store.setup(organisation, slug, person, address, password_hash)

    async def login(self, email: str, password: Secret, code: str | None) -> dict[str, Any]:
        """Return a ticket and the memberships, or ask for the second factor.

        Raises Denied auth.failed for every wrong answer alike, Unavailable auth.throttled.
        """
        address = _address(email)
        attempt = await self._attempt(address)
        known = await self._store.lookup(address)
        right = await self._passwords.verify(known.password_hash if known else None, password)
        if known is None or not right:
            raise _failed()
        if known.totp_secret is not None:
            if code is None:
                await self._store.attempt_over(attempt, success=False)
                return {"status": "second_factor"}
            if not await self._second_factor(known.person_id, known.totp_secret, code):
                raise _failed()
        await self._store.attempt_over(attempt, success=True)
        if self._passwords.outdated(known.password_hash):
            fresh = await self._passwords.rehash(password)
            await self._store.change_password(known.person_id, fresh, keep=None, rehash=True)
        return await self._ticket(known)

    async def mint(self, ticket: Secret, membership: str) -> dict[str, Any]:
        """Return a credential and a new session for a ticket.

        While the password must be changed the credential has neither password nor validity: its session can
        change the password and nothing else, and is renewed afterwards.
        """
        session = Secret(secrets.token_urlsafe(32))
        wanted = _uuid(membership)
        found = await self._store.open_session(_digest(ticket), wanted, _digest(session))
        if found is None:
            raise _expired()
        return await self._credential(found, session)

    async def accept(self, ticket: Secret, membership: str, code: Secret) -> None:
        """Make an invitation a membership; the ticket stays good for `mint`."""
        if not await self._store.accept(_digest(ticket), _uuid(membership), _digest(code)):
            raise Denied("invitation.failed", "this invitation or its code does not hold")

    async def decline(self, ticket: Secret, membership: str) -> None:
        """Remove an invitation."""
        if not await self._store.decline(_digest(ticket), _uuid(membership)):
            raise Denied("invitation.failed", "this invitation or its code does not hold")

    async def renew(self, session: Secret) -> dict[str, Any]:
        """Return the credential anew."""
        live = await self._live(session)
        found = await self._credential(live.membership_id, session)
        if not found["password"]:
            raise _must_change()
        return found

    async def logout(self, session: Secret) -> None:
        """End the session."""
        await self._store.end_session(_digest(session))

    async def totp_begin(self, session: Secret, password: Secret, code: str | None) -> str:
        """Store a new second factor, unconfirmed, and return its URI; it takes a login to replace one."""
        live, own = await self._settled(session)
        await self._confirm(own, password)
        if own.totp_secret is not None:
            await self._confirm_code(own.email, live.person_id, own.totp_secret, code)
        secret = totp.new_secret()
        await self._ring.write(
            PURPOSE,
            secret.reveal().encode(),
            _place(live.person_id),
            lambda sealed: self._store.totp_begin(live.person_id, sealed),
        )
        return totp.uri(secret, own.email)

    async def totp_confirm(self, session: Secret, code: str) -> tuple[str, ...]:
        """Switch the pending second factor on when the code is right; return recovery codes."""
        live, own = await self._settled(session)
        if own.totp_pending is None:
            raise Invalid("auth.totp", "there is no second factor to confirm")
        secret = await self._opened(own.totp_pending, live.person_id)
        step = totp.accepted_step(secret, code, self._clock.now().timestamp())
        if step is None:
            raise Invalid("auth.code", "this code is not right; check the clock of the device")
        codes = totp.recovery_codes()
        await self._store.totp_confirm(live.person_id, step, totp.recovery_hashes(codes))
        return codes

    async def totp_remove(self, session: Secret, password: Secret) -> None:
        """Switch the second factor off."""
        live, own = await self._settled(session)
        await self._confirm(own, password)
        await self._store.totp_remove(live.person_id)

    async def change_password(self, session: Secret, old: Secret, new: Secret) -> None:
        """Replace the password; other sessions end."""
        live, own = await self._own(session)
        await self._confirm(own, old)
        if new == old:
            raise Invalid("auth.weak", "choose another password than the present one")
        fresh = await self._passwords.hash(new)
        await self._store.change_password(live.person_id, fresh, keep=_digest(session))

    async def _confirm(self, own: Own, password: Secret) -> None:
        """Check the password of somebody logged in, throttled like a login."""
        attempt = await self._attempt(own.email)
        if not await self._passwords.verify(own.password_hash, password):
            raise _failed()
        await self._store.attempt_over(attempt, success=True)

    async def _confirm_code(self, email: str, person: UUID, sealed: bytes, code: str | None) -> None:
        """Check a code of the second factor that is active, throttled under a count of its own."""
        if code is None:
            raise Invalid("auth.code", "the second factor is on: its present code is needed as well")
        attempt = await self._attempt(f"code {email}")
        if not await self._second_factor(person, sealed, code):
            raise _failed()
        await self._store.attempt_over(attempt, success=True)

    async def _second_factor(self, person: UUID, sealed: bytes, code: str) -> bool:
        secret = await self._opened(sealed, person)
        step = totp.accepted_step(secret, code, self._clock.now().timestamp())
        if step is not None:
            return await self._store.totp_accept(person, step)
        return await self._store.recovery_use(person, totp.recovery_hash(code))

    async def _ticket(self, known: Known) -> dict[str, Any]:
        memberships = await self._store.memberships(known.person_id)
        ticket = Secret(secrets.token_urlsafe(32))
        await self._store.issue_ticket(_digest(ticket), known.person_id)
        return {
            "status": "ok",
            "ticket": ticket.reveal(),
            "must_change_password": known.must_change,
            "memberships": [
                {
                    "id": str(choice.id),
                    "organization_id": str(choice.organization_id),
                    "organization_name": choice.organization_name,
                    "role": choice.role,
                    "client_narrowed": choice.client_narrowed,
                    "invited": choice.invited,
                }
                for choice in memberships
            ],
        }

    async def _credential(self, membership: UUID, session: Secret) -> dict[str, Any]:
        identity = await self._store.identity(membership)
        if identity is None:
            raise _expired()
        if identity.must_change:
            role, password, valid_until = f"m_{membership.hex}", Secret(""), self._clock.now()
        else:
            nonce = await self._store.nonce(membership)
            password = Secret(hmac.new(self._key, membership.bytes + nonce.bytes, "sha256").hexdigest())
            valid_until = self._clock.now() + VALIDITY
            role = await self._store.mint(membership, scram.verifier(password), valid_until)
        return _wire(identity) | {
            "role": role,
            "password": password.reveal(),
            "valid_until": valid_until.isoformat(),
            "session": session.reveal(),
        }

    async def _live(self, session: Secret) -> Live:
        live = await self._store.renew_session(_digest(session))
        if live is None:
            raise _expired()
        return live

    async def _own(self, session: Secret) -> tuple[Live, Own]:
        live = await self._live(session)
        own = await self._store.own(live.person_id)
        if own is None:
            raise _expired()
        return live, own

    async def _settled(self, session: Secret) -> tuple[Live, Own]:
        """Return whose session it is when the password is the person's own choice."""
        live, own = await self._own(session)
        if own.must_change:
            raise _must_change()
        return live, own

    async def _opened(self, sealed: bytes, person: UUID) -> Secret:
        return Secret((await self._ring.open(sealed, _place(person))).decode())

    async def _attempt(self, address: str) -> bytes:
        """Count an attempt and return its key: addresses of nobody are not kept in clear.

        `address` is the very text that is looked up. Raises Unavailable auth.throttled.
        """
        attempt = hmac.digest(self._key, b"attempt\0" + address.encode(), "sha256")
        if wait := await self._store.attempt(attempt):
            raise Unavailable(
                "auth.throttled", "too many attempts; wait and try again", retry_after=ceil(wait)
            )
        return attempt


def _wire(identity: Identity) -> dict[str, Any]:
    return {
        "organization_id": str(identity.organization_id),
        "organization_name": identity.organization_name,
        "person_id": str(identity.person_id),
        "person_name": identity.person_name,
        "membership_id": str(identity.membership_id),
        "role_key": identity.role_key,
        "permissions": identity.permissions,
    }


def _place(person: UUID) -> Place:
    # Pending and confirmed secret stand in two columns of one row; confirming moves the value.
    return Place("auth.credential", "totp", PLATFORM_ORG, person)


def _digest(token: Secret) -> bytes:
    return hashlib.sha256(token.reveal().encode()).digest()


def _address(typed: str) -> str:
    """Return what a login looks up; what is no address is looked up in vain, as nobody's."""
    try:
        return canonical(typed)
    except Invalid:
        return ""


def _failed() -> Denied:
    return Denied("auth.failed", "address, password or code is not right")


def _expired() -> Denied:
    return Denied("auth.expired", "log in again")


def _must_change() -> Denied:
    return Denied("auth.must_change", "choose a password of your own first")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("broker.request", "membership_id must be a UUID") from error
