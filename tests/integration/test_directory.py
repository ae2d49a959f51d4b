"""People and rights: nobody hands out more than he has, nobody locks the last owner out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import tenants
from tenants import MemberDb, OrgFixture

from sent.platform.auth import directory
from sent.platform.config import settings_store
from sent.platform.context import Ctx
from sent.platform.crypto.envelope import Place
from sent.platform.crypto.store import ring
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound
from sent.platform.ids import MembershipId, uuid7
from sent.platform.telemetry.log import Secret

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

As = Callable[[str], Awaitable[tuple[Ctx, MembershipId]]]


@pytest.fixture
async def as_role(server: Server, org_a: OrgFixture) -> AsyncIterator[As]:
    """Return a function that logs somebody new in with a built-in role."""
    async with AsyncExitStack() as stack:

        async def login(role: str) -> tuple[Ctx, MembershipId]:
            person, membership = await tenants.add_member(
                org_a.ctx, f"{role}{uuid7()}@alpha.test", role.title(), role
            )
            db = await stack.enter_async_context(tenants.member_database(server, membership))
            return Ctx(db, org_a.org, person), membership

        yield login


async def test_an_invited_person_gets_a_password_to_change(org_a: OrgFixture) -> None:
    made = await directory.invite_person(org_a.ctx, "Vera@Alpha.test", "Vera", "viewer")
    assert made.password is not None and len(made.password.reveal()) >= 12
    (vera,) = [m for m in await directory.members(org_a.ctx) if m.name == "Vera"]
    assert (vera.email, vera.role_key, vera.has_password) == ("vera@alpha.test", "viewer", True)
    with pytest.raises(Conflict):
        await directory.invite_person(org_a.ctx, "vera@alpha.test", "Vera", "viewer")


def chosen(cluster: Cluster, server: Server, email: str) -> None:
    """Say that the person has chosen the password himself."""
    with cluster.connect(server.dbname) as connection:
        connection.execute(
            "update auth.credential c set must_change = false from core.person p"
            " where p.id = c.id and p.email = %s",
            [email],
        )


async def test_a_known_person_keeps_name_and_password(
    org_a: OrgFixture, org_b: OrgFixture, cluster: Cluster, server: Server
) -> None:
    first = await directory.invite_person(org_a.ctx, "vera@alpha.test", "Vera", "viewer")
    with pytest.raises(Conflict) as refused:
        await directory.invite_person(org_b.ctx, "vera@alpha.test", "Another", "admin")
    assert refused.value.code == "person.unready"
    chosen(cluster, server, "vera@alpha.test")
    second = await directory.invite_person(org_b.ctx, "vera@alpha.test", "Another", "admin")
    assert second.person_id == first.person_id and second.password is None
    assert [m.name for m in await directory.members(org_b.ctx) if m.email == "vera@alpha.test"] == ["Vera"]


async def test_an_administrator_cannot_make_owners(as_role: As, org_a: OrgFixture) -> None:
    admin, own = await as_role("admin")
    _, viewer = await as_role("viewer")
    await directory.set_role(admin, viewer, "analyst")
    for membership in (viewer, own):
        with pytest.raises(Denied) as refused:
            await directory.set_role(admin, membership, "owner")
        assert refused.value.code == "people.role"
    with pytest.raises(Denied):
        await directory.invite_person(admin, "eve@alpha.test", "Eve", "owner")
    with pytest.raises(Denied):
        await directory.set_role(admin, org_a.membership, "viewer")
    with pytest.raises(Denied):
        await directory.set_member_state(admin, org_a.membership, active=False)


@pytest.mark.parametrize("role", ["analyst", "viewer", "auditor"])
async def test_others_manage_nothing(as_role: As, org_a: OrgFixture, role: str) -> None:
    ctx, own = await as_role(role)
    with pytest.raises(Denied):
        await directory.invite_person(ctx, "eve@alpha.test", "Eve", "viewer")
    with pytest.raises(Denied):
        await directory.set_role(ctx, own, "admin")
    with pytest.raises(Denied):
        await directory.create_client(ctx, "x", "x")
    async with uow(org_a.ctx) as tx:
        await tx.execute("insert into core.client (name, code) values ('kept', 'kept')")
    async with uow(ctx) as tx:
        assert (await tx.execute("update core.client set name = 'x'")).rowcount == 0
        assert (await tx.execute("delete from core.client")).rowcount == 0


async def test_the_last_owner_stays(org_a: OrgFixture) -> None:
    with pytest.raises(Conflict) as refused:
        await directory.set_role(org_a.ctx, org_a.membership, "viewer")
    assert refused.value.code == "owner.last"
    with pytest.raises(Conflict):
        await directory.set_member_state(org_a.ctx, org_a.membership, active=False)
    made = await directory.invite_person(org_a.ctx, "second@alpha.test", "Second", "owner")
    await directory.set_role(org_a.ctx, org_a.membership, "viewer")
    with pytest.raises(Conflict):
        await directory.set_member_state(org_a.ctx, made.membership_id, active=False)


async def test_a_new_role_counts_in_open_sessions_at_once(as_role: As, org_a: OrgFixture) -> None:
    ctx, membership = await as_role("viewer")
    with pytest.raises(Denied):
        await directory.create_client(ctx, "x", "x")
    await directory.set_role(org_a.ctx, membership, "admin")
    await directory.create_client(ctx, "x", "x")
    await directory.set_member_state(org_a.ctx, membership, active=False)
    assert await directory.clients(ctx) == []
    await directory.set_member_state(org_a.ctx, membership, active=True)
    assert len(await directory.clients(ctx)) == 1


async def test_a_narrowed_member_sees_his_clients_only(as_role: As, org_a: OrgFixture) -> None:
    ctx, membership = await as_role("admin")
    one, two = [await directory.create_client(org_a.ctx, f"client {n}", f"c{n}") for n in (1, 2)]
    async with uow(org_a.ctx) as tx:
        await tx.execute(
            "insert into radar.source (name, kind, address, client_id)"
            " values ('s1', 'file', 'x', %s), ('s2', 'file', 'x', %s), ('own', 'file', 'x', null)",
            [one, two],
        )

    async def sees() -> tuple[list[str], list[str], list[str]]:
        async with uow(ctx) as tx:
            sources = await (await tx.execute("select name from radar.source order by 1")).fetchall()
            found = await (await tx.execute("select code from core.search_clients('client')")).fetchall()
        clients = [client.code for client in await directory.clients(ctx)]
        return clients, [row[0] for row in sources], [row[0] for row in found]

    assert await sees() == (["c1", "c2"], ["own", "s1", "s2"], ["c1", "c2"])
    await directory.narrow(org_a.ctx, membership, [two])
    assert await sees() == (["c2"], ["s2"], ["c2"])
    async with uow(ctx) as tx:
        assert (await tx.execute("update radar.source set address = 'y'")).rowcount == 1
    with pytest.raises(Denied):
        async with uow(ctx) as tx:
            await tx.execute("insert into radar.source (name, kind, address) values ('n', 'file', 'x')")
    await directory.narrow(org_a.ctx, membership, [])
    assert await sees() == ([], [], [])
    await directory.narrow(org_a.ctx, membership, None)
    assert len((await sees())[0]) == 2


async def test_people_are_visible_where_they_are_members(
    org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb, cluster: Cluster, server: Server
) -> None:
    await directory.invite_person(org_a.ctx, "shared@alpha.test", "Shared", "viewer")
    chosen(cluster, server, "shared@alpha.test")
    await directory.invite_person(org_b.ctx, "shared@alpha.test", "Shared", "viewer")
    async with uow(Ctx(await member_db(org_b), org_b.org, org_b.owner)) as tx:
        rows = await (await tx.execute("select email from core.person order by 1")).fetchall()
    assert rows == [("owner@beta.test",), ("shared@alpha.test",)]


async def test_an_administrator_resets_a_forgotten_password(
    org_a: OrgFixture, system_db: Database, app_db: Database
) -> None:
    await directory.invite_person(org_a.ctx, "vera@alpha.test", "Vera", "viewer")
    assert len((await directory.reset_password(system_db, "VERA@alpha.test")).reveal()) >= 12
    with pytest.raises(NotFound):
        await directory.reset_password(system_db, "nobody@alpha.test")
    with pytest.raises(Invalid):
        await directory.reset_password(system_db, "vera@alpha.test", Secret("short"))
    with pytest.raises(Denied):
        await directory.reset_password(app_db, "vera@alpha.test")


async def test_slugs_and_codes_are_checked(org_a: OrgFixture, system_db: Database) -> None:
    for slug in ("", "Upper", "with space", "-x", "a" * 64):
        with pytest.raises(Invalid):
            await directory.create_organization(system_db, "Name", slug)
    with pytest.raises(Conflict):
        await directory.create_organization(system_db, "Name", "alpha")
    with pytest.raises(NotFound) as refused:
        await directory.find_organization(system_db, "gamma")
    assert "alpha" in refused.value.message


async def test_settings_are_kept_per_organisation(org_a: OrgFixture, org_b: OrgFixture, as_role: As) -> None:
    known = await settings_store.get_all(org_a.ctx)
    item = next(item for item in known if item.setting.kind == "int")
    low = item.setting.minimum if item.setting.minimum is not None else int(item.value) - 1
    value = low if low != item.value else low + 1
    await settings_store.put(org_a.ctx, item.key, value)
    assert await settings_store.get(org_a.ctx, item.key) == value
    assert await settings_store.get(org_b.ctx, item.key) == item.setting.default
    viewer, _ = await as_role("viewer")
    assert await settings_store.get(viewer, item.key) == value
    with pytest.raises(Denied):
        await settings_store.put(viewer, f"{item.key}", value)
    await settings_store.reset(org_a.ctx, item.key)
    assert await settings_store.get(org_a.ctx, item.key) == item.setting.default
    with pytest.raises(NotFound):
        await settings_store.get(org_a.ctx, "no.such")


async def test_sealed_fields_open_in_their_organisation_only(org_a: OrgFixture, org_b: OrgFixture) -> None:
    place = Place("core.client", "note", org_a.org, uuid7())
    sealed = await ring(org_a.ctx).seal("contact", b"+44 20 7946 0000", place)
    assert await ring(org_a.ctx).open(sealed, place) == b"+44 20 7946 0000"
    with pytest.raises(NotFound):
        await ring(org_b.ctx).open(sealed, place)
    await ring(org_b.ctx).seal("contact", b"x", place)
    with pytest.raises(Invalid):
        await ring(org_b.ctx).open(sealed, place)


async def test_a_reset_removes_recovery_codes(
    org_a: OrgFixture, system_db: Database, cluster: Cluster, server: Server
) -> None:
    made = await directory.invite_person(org_a.ctx, "vera@alpha.test", "Vera", "viewer")
    with cluster.connect(server.dbname) as connection:
        connection.execute("insert into auth.recovery_code values (%s, 'x', null)", [made.person_id])
        await directory.reset_password(system_db, "vera@alpha.test")
        assert connection.execute("select from auth.recovery_code").fetchall() == []


async def test_a_clients_note_has_an_end(org_a: OrgFixture) -> None:
    await directory.create_client(org_a.ctx, "name", "fits", "x" * 10_000)
    with pytest.raises(Invalid):
        await directory.create_client(org_a.ctx, "name", "more", "x" * 10_001)
