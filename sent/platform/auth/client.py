"""Talks to the login broker: one JSON line there, one back, over a unix socket in a 0700 folder.

Standard library only, because the console loads it before anything else works. Passwords and tickets are
`Secret`s, so no log or traceback shows them. What the broker refuses arrives as the SentError it raised:

    auth.failed      Denied       wrong password, unknown person, wrong code: one text for all
    auth.throttled   Unavailable  too many attempts; data["retry_after"] in seconds
    auth.expired     Denied       the session or ticket ran out or was ended: log in again
    setup.done       Conflict     the installation has an organisation already
    auth.must_change Denied       the password was given by somebody else: nothing but `change_password`
    membership.invited  Denied    the membership is an invitation: `accept` it first
    invitation.failed   Denied    there is no such invitation, or its code is another
    auth.weak        Invalid      the new password cannot be taken; the message says why
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from sent.platform import errors
from sent.platform.errors import SentError, Unavailable
from sent.platform.ids import MembershipId, OrgId, PersonId
from sent.platform.telemetry.log import Secret

LINE_LIMIT = 64 * 1024
TIMEOUT_S = 30.0

_KINDS: dict[str, type[SentError]] = {
    kind.__name__: kind
    for kind in (errors.NotFound, errors.Conflict, errors.Invalid, errors.Denied, errors.Unavailable)
}


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """Whether an organisation exists yet, and the program's version."""

    initialised: bool
    version: str


@dataclass(frozen=True, slots=True)
class MembershipChoice:
    """One of the organisations a person may work in, or is `invited` to: that has to be accepted first."""

    id: MembershipId
    organization_id: OrgId
    organization_name: str
    role: str
    client_narrowed: bool
    invited: bool = False


@dataclass(frozen=True, slots=True)
class LoginResult:
    """`second_factor`: call again with a code. `ok`: choose a membership and `mint` with the ticket."""

    status: Literal["ok", "second_factor"]
    ticket: Secret | None
    memberships: tuple[MembershipChoice, ...]
    must_change_password: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """A login of the database for one membership, and who that is.

    `session` renews it; `password` logs `role` in until `valid_until`. Open connections survive that
    moment, but see no rows after it unless the session was renewed. While the password must be changed,
    `password` is empty and `valid_until` is past: change the password, then `renew`.
    """

    role: str
    password: Secret
    valid_until: datetime
    organization_id: OrgId
    organization_name: str
    person_id: PersonId
    person_name: str
    membership_id: MembershipId
    role_key: str
    permissions: frozenset[str]
    session: Secret
    host: str
    port: int
    dbname: str


class BrokerClient:
    """Calls the broker behind `socket_path`; each call is a connection of its own."""

    def __init__(self, socket_path: Path | str, *, timeout: float = TIMEOUT_S) -> None:
        self._path = str(socket_path)
        self._timeout = timeout

    async def status(self) -> BrokerStatus:
        """Return whether the first-run wizard is needed; raises Unavailable when nobody listens."""
        found = await self._call("status")
        return BrokerStatus(bool(found["initialised"]), str(found["version"]))

    async def setup(
        self, organisation_name: str, slug: str, person_name: str, email: str, password: Secret
    ) -> None:
        """Create the first organisation and its owner; raises Conflict when there is one already."""
        await self._call(
            "setup",
            organisation_name=organisation_name,
            slug=slug,
            person_name=person_name,
            email=email,
            password=password.reveal(),
        )

    async def login(self, email: str, password: Secret, code: str | None = None) -> LoginResult:
        """Check the password and, when the person has one, the second factor (or a recovery code)."""
        found = await self._call("login", email=email, password=password.reveal(), code=code)
        ticket = found.get("ticket")
        return LoginResult(
            found["status"],
            None if ticket is None else Secret(ticket),
            tuple(_choice(item) for item in found.get("memberships", ())),
            bool(found.get("must_change_password", False)),
        )

    async def mint(self, ticket: Secret, membership_id: MembershipId) -> Credential:
        """Trade a ticket (one use, 5 minutes) for a database login of one membership."""
        return _credential(await self._call("mint", ticket=ticket.reveal(), membership_id=str(membership_id)))

    async def accept(self, ticket: Secret, membership_id: MembershipId, code: Secret) -> None:
        """Accept an invitation with the code its sender gave; the ticket can `mint` it afterwards.

        Raises Denied invitation.failed, auth.must_change.
        """
        await self._call(
            "accept", ticket=ticket.reveal(), membership_id=str(membership_id), code=code.reveal().strip()
        )

    async def decline(self, ticket: Secret, membership_id: MembershipId) -> None:
        """Turn an invitation down; it is gone. Raises what `accept` raises."""
        await self._call("decline", ticket=ticket.reveal(), membership_id=str(membership_id))

    async def renew(self, session: Secret) -> Credential:
        """Extend the login; the password stays the same while it was still valid."""
        return _credential(await self._call("renew", session=session.reveal()))

    async def logout(self, session: Secret) -> None:
        """End the session; the membership's login ends with its last session."""
        await self._call("logout", session=session.reveal())

    async def totp_begin(self, session: Secret, password: Secret, code: str | None = None) -> str:
        """Return an otpauth:// URI for a new second factor; it counts only after `totp_confirm`.

        Asks for the password once more and, when a second factor is on, for its present `code` (or a recovery
        code); without it raises Invalid auth.code.
        """
        found = await self._call(
            "totp_begin", session=session.reveal(), password=password.reveal(), code=code
        )
        return str(found["uri"])

    async def totp_confirm(self, session: Secret, code: str) -> tuple[str, ...]:
        """Switch the second factor on and return ten recovery codes, shown this once."""
        found = await self._call("totp_confirm", session=session.reveal(), code=code)
        return tuple(str(item) for item in found["recovery_codes"])

    async def totp_remove(self, session: Secret, password: Secret) -> None:
        """Switch the second factor off; asks for the password once more."""
        await self._call("totp_remove", session=session.reveal(), password=password.reveal())

    async def change_password(self, session: Secret, old: Secret, new: Secret) -> None:
        """Replace the password; all other sessions of the person end."""
        await self._call("change_password", session=session.reveal(), old=old.reveal(), new=new.reveal())

    async def _call(self, call: str, **arguments: Any) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=LINE_LIMIT)
                try:
                    writer.write(json.dumps({"call": call} | arguments).encode() + b"\n")
                    await writer.drain()
                    line = await reader.readline()
                finally:
                    writer.close()
        except TimeoutError as error:
            raise Unavailable("broker.timeout", "the login service does not answer") from error
        except (OSError, ValueError) as error:
            raise Unavailable(
                "broker.unreachable", f"the login service cannot be reached: {error}"
            ) from error
        return _answer(line)


def _answer(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
        if "error" not in found:
            return dict(found["ok"])
        problem = found["error"]
        kind = _KINDS.get(problem["kind"], SentError)
        raised = kind(problem["code"], problem["message"], **problem.get("data", {}))
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("broker.unreachable", "the login service answered nonsense") from error
    raise raised


def _choice(item: dict[str, Any]) -> MembershipChoice:
    return MembershipChoice(
        MembershipId(UUID(item["id"])),
        OrgId(UUID(item["organization_id"])),
        item["organization_name"],
        item["role"],
        bool(item["client_narrowed"]),
        bool(item["invited"]),
    )


def _credential(found: dict[str, Any]) -> Credential:
    return Credential(
        role=found["role"],
        password=Secret(found["password"]),
        valid_until=datetime.fromisoformat(found["valid_until"]),
        organization_id=OrgId(UUID(found["organization_id"])),
        organization_name=found["organization_name"],
        person_id=PersonId(UUID(found["person_id"])),
        person_name=found["person_name"],
        membership_id=MembershipId(UUID(found["membership_id"])),
        role_key=found["role_key"],
        permissions=frozenset(found["permissions"]),
        session=Secret(found["session"]),
        host=found["host"],
        port=int(found["port"]),
        dbname=found["dbname"],
    )
