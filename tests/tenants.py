"""Organisations for tests: two of them, their owners, and memberships logged in as themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest

from sent.platform.ids import MembershipId, OrgId, PersonId, uuid7

if TYPE_CHECKING:
    from sent.platform.context import Ctx
    from sent.platform.db.engine import Database, Server
    from sent.platform.telemetry.log import Secret

MemberDb = Callable[["OrgFixture"], Awaitable["Database"]]


@dataclass(frozen=True, slots=True)
class OrgFixture:
    """An organisation with its owner; `ctx` is on `sent_app`."""

    org: OrgId
    slug: str
    owner: PersonId
    membership: MembershipId
    ctx: Ctx


def mint(server: Server, membership: UUID, *, minutes: float = 14) -> tuple[str, Secret]:
    """Let a membership log in and return its role and password."""
    from sent.platform.auth import scram
    from sent.platform.config.secrets import role_password

    password = scram.generate_password()
    with psycopg.connect(
        **server.parameters(),
        user="sent_minter",
        password=role_password("sent_minter").reveal(),
        autocommit=True,
    ) as connection:
        connection.execute("select sec.credential(%s)", [membership])
        row = connection.execute(
            "select sec.mint(%s, %s, %s)",
            [membership, scram.verifier(password), datetime.now(UTC) + timedelta(minutes=minutes)],
        ).fetchone()
    assert row is not None
    return str(row[0]), password


async def add_member(ctx: Ctx, email: str, name: str, role: str) -> tuple[PersonId, MembershipId]:
    """Add a person without a password to the organisation."""
    from sent.platform.db.uow import scalar, uow

    membership = MembershipId(uuid7())
    async with uow(ctx) as tx:
        person = await scalar(
            tx, "select auth.add_member(%s, %s, %s, %s, %s)", [uuid7(), membership, email, name, role]
        )
    return PersonId(person), membership


async def make_org(system_db: Database, app_db: Database, slug: str) -> OrgFixture:
    """Create an organisation called `slug` whose owner is `owner@<slug>.test`."""
    from sent.platform.auth.directory import create_organization
    from sent.platform.context import Ctx

    org = await create_organization(system_db, slug.title(), slug)
    owner, membership = await add_member(
        Ctx(app_db, org, uuid7()), f"owner@{slug}.test", f"{slug.title()} Owner", "owner"
    )
    return OrgFixture(org, slug, owner, membership, Ctx(app_db, org, owner))


def member_database(server: Server, membership: UUID) -> Database:
    """Return the (closed) database of a membership's own login."""
    from sent.platform.db.engine import Database, fixed

    role, password = mint(server, membership)
    return Database(server, role, fixed(password), trusted=False, name="test member")


@pytest.fixture
async def org_a(system_db: Database, app_db: Database) -> OrgFixture:
    """Return organisation "alpha"."""
    return await make_org(system_db, app_db, "alpha")


@pytest.fixture
async def org_b(system_db: Database, app_db: Database) -> OrgFixture:
    """Return organisation "beta"."""
    return await make_org(system_db, app_db, "beta")


@pytest.fixture
async def member_db(server: Server) -> AsyncIterator[MemberDb]:
    """Return a function that logs an organisation's owner in: `db = await member_db(org_a)` (untrusted)."""
    async with AsyncExitStack() as stack:

        async def login(fixture: OrgFixture) -> Database:
            return await stack.enter_async_context(member_database(server, fixture.membership))

        yield login
