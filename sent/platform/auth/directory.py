"""People, memberships, clients and organisations: the use cases behind the console's and the CLI's lists.

Each function takes the context of one organisation; rights are checked in the database, where nobody can
go around them. `create_organization` and `reset_password` are for the installation's administrator
(`sent_system`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.platform.auth.addresses import canonical
from sent.platform.auth.passwords import Passwords
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import fetch, scalar, transaction, uow
from sent.platform.errors import NotFound
from sent.platform.ids import ClientId, MembershipId, OrgId, PersonId, uuid7
from sent.platform.telemetry.log import Secret


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation of this installation."""

    id: OrgId
    name: str
    slug: str
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A person as a member of the organisation."""

    membership_id: MembershipId
    person_id: PersonId
    email: str
    name: str
    role_key: str
    role_title: str
    state: str
    client_narrowed: bool
    has_password: bool
    second_factor: bool
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class Client:
    """A customer's company."""

    id: ClientId
    name: str
    code: str
    note: str
    state: str
    version: int


@dataclass(frozen=True, slots=True)
class Invited:
    """A new member with his first `password`; or somebody with a login, invited, who accepts with `code`."""

    person_id: PersonId
    membership_id: MembershipId
    password: Secret | None
    code: Secret | None = None


async def create_organization(system: Database, name: str, slug: str) -> OrgId:
    """Create an organisation with its built-in roles; as `sent_system`. Raises Conflict, Invalid."""
    organization = OrgId(uuid7())
    async with transaction(system) as tx:
        await scalar(tx, "select core.create_organization(%s, %s, %s)", [organization, name, slug])
    return organization


async def organizations(system: Database) -> list[Organization]:
    """Return all organisations of the installation; as `sent_system`."""
    async with transaction(system) as tx:
        return await fetch(
            tx,
            Organization,
            "select id, name, slug, state, created_at from core.organization order by name",
        )


async def find_organization(system: Database, slug: str) -> Organization:
    """Return the organisation called `slug`; raises NotFound naming the choices."""
    known = await organizations(system)
    for organization in known:
        if organization.slug == slug:
            return organization
    choices = ", ".join(organization.slug for organization in known) or "none yet"
    raise NotFound("organization.unknown", f"no organisation {slug!r}; there are: {choices}", slug=slug)


async def invite_person(
    ctx: Ctx, email: str, name: str, role_key: str, *, password: Secret | None = None
) -> Invited:
    """Make a person a member with a first password, which he must change at login.

    A person who is known to the installation keeps his own password and is only invited: he accepts with
    the `code` that the inviter hands to him (the administrator at the server adds him at once). Raises
    Denied (people:manage, or a role that allows more than the asker's), Conflict (is a member; has a
    password by somebody else still), NotFound (role), Invalid.
    """
    address = canonical(email)
    membership = MembershipId(uuid7())
    first = password or Secret(secrets.token_urlsafe(15))
    passwords = Passwords()
    try:
        password_hash = await passwords.hash(first)
    finally:
        passwords.close()
    code = Secret(secrets.token_urlsafe(15))
    digest = hashlib.sha256(code.reveal().encode()).digest()
    async with uow(ctx) as tx:
        person = await scalar(
            tx,
            "select auth.add_member(%s, %s, %s, %s, %s, %s)",
            [uuid7(), membership, address, name, role_key, digest],
        )
        fresh = await scalar(tx, "select auth.initial_password(%s, %s)", [person, password_hash])
        invited = await scalar(
            tx, "select state = 'invited' from core.membership where id = %s", [membership]
        )
    return Invited(PersonId(person), membership, first if fresh else None, code if invited else None)


async def reset_password(system: Database, email: str, password: Secret | None = None) -> Secret:
    """Give a person a new first password and remove his second factor; his sessions end."""
    address = canonical(email)
    first = password or Secret(secrets.token_urlsafe(15))
    passwords = Passwords()
    try:
        password_hash = await passwords.hash(first)
    finally:
        passwords.close()
    async with transaction(system) as tx:
        await scalar(tx, "select auth.reset_password(%s, %s)", [address, password_hash])
    return first


async def members(ctx: Ctx) -> list[Member]:
    """Return the organisation's members by name."""
    async with uow(ctx) as tx:
        return await fetch(tx, Member, "select * from auth.members()")


async def set_role(ctx: Ctx, membership: MembershipId, role_key: str) -> None:
    """Give a member another role; raises Denied, NotFound, Conflict (the last owner)."""
    async with uow(ctx) as tx:
        await scalar(tx, "select auth.set_role(%s, %s)", [membership, role_key])


async def set_member_state(ctx: Ctx, membership: MembershipId, *, active: bool) -> None:
    """Switch a member on or off; off takes effect in open sessions at their next statement.

    An invitation that is switched off is taken back; switching it on raises Conflict.
    """
    async with uow(ctx) as tx:
        state = "active" if active else "disabled"
        await scalar(tx, "select auth.set_member_state(%s, %s)", [membership, state])


async def narrow(ctx: Ctx, membership: MembershipId, clients: Sequence[ClientId] | None) -> None:
    """Limit a member to rows of these clients; None lifts the limit."""
    async with uow(ctx) as tx:
        wanted = None if clients is None else list(clients)
        await scalar(tx, "select auth.narrow(%s, %s::uuid[])", [membership, wanted])


async def create_client(ctx: Ctx, name: str, code: str, note: str = "") -> ClientId:
    """Create a client; raises Denied (clients:manage), Conflict (the code is taken)."""
    client = ClientId(uuid7())
    async with uow(ctx) as tx:
        await tx.execute(
            "insert into core.client (id, organization_id, name, code, note)"
            " values (%s, sec.org(), %s, %s, %s)",
            [client, name, code, note],
        )
    return client


async def clients(ctx: Ctx) -> list[Client]:
    """Return the clients the asker may see, by name."""
    async with uow(ctx) as tx:
        return await fetch(
            tx, Client, "select id, name, code, note, state, version from core.client order by name"
        )


async def close_client(ctx: Ctx, client: UUID) -> None:
    """Mark a client as no longer served; raises NotFound."""
    async with uow(ctx) as tx:
        found = await scalar(
            tx, "update core.client set state = 'closed' where id = %s returning true", [client]
        )
        if not found:
            raise NotFound("client.missing", "no such client", id=str(client))
