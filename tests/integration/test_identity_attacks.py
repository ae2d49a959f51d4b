"""Attacks on identities: what an inviter, a narrowed administrator or a stranger at the socket may try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tenants
from tenants import MemberDb, OrgFixture

from sent.platform.audit import personal
from sent.platform.auth import directory
from sent.platform.auth.broker import Broker
from sent.platform.auth.client import BrokerClient, Credential, LoginResult
from sent.platform.auth.passwords import Passwords
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound, SentError
from sent.platform.ids import ClientId, MembershipId
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import Secret

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

VICTIM = "victim@alpha.test"
KNOWN = Secret("known to the attacker")
CHOSEN = Secret("an entirely new phrase")

Login = Callable[[MembershipId, OrgFixture], Awaitable[Ctx]]


@pytest.fixture
async def client(server: Server, tmp_path: Path) -> AsyncIterator[BrokerClient]:
    """Return a client of a running broker."""
    socket = tmp_path / "b" / "broker.sock"
    task = spawn(Broker(server, passwords=Passwords(memory_kib=64, passes=1)).serve(socket), name="broker")
    while not socket.exists():
        await asyncio.sleep(0.01)
    yield BrokerClient(socket, timeout=10)
    await cancel(task)


@dataclass(frozen=True)
class Staff:
    """The owners of both organisations, logged in as themselves."""

    alpha: Ctx
    beta: Ctx


@pytest.fixture
async def staff(org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb) -> Staff:
    """Log both owners in."""
    return Staff(
        Ctx(await member_db(org_a), org_a.org, org_a.owner),
        Ctx(await member_db(org_b), org_b.org, org_b.owner),
    )


@pytest.fixture
async def logged_in(server: Server) -> AsyncIterator[Login]:
    """Return a function that logs a membership in."""
    async with AsyncExitStack() as stack:

        async def login(membership: MembershipId, org: OrgFixture) -> Ctx:
            db = await stack.enter_async_context(tenants.member_database(server, membership))
            async with uow(Ctx(db, org.org, org.owner)) as tx:
                row = await (await tx.execute("select person_id from sec.me()")).fetchone()
            assert row is not None
            return Ctx(db, org.org, row[0])

        yield login


async def settle(client: BrokerClient, given: Secret, chosen: Secret, email: str = VICTIM) -> None:
    """Log in with a given password and choose another."""
    result = await client.login(email, given)
    assert result.ticket is not None and result.must_change_password
    credential = await client.mint(result.ticket, result.memberships[0].id)
    await client.change_password(credential.session, given, chosen)


async def name_of(server: Server, credential: Credential) -> str:
    """Ask the database who a credential is."""
    async with (
        Database(server, credential.role, fixed(credential.password), trusted=False) as db,
        uow(Ctx(db, credential.organization_id, credential.person_id)) as tx,
    ):
        return str(await scalar(tx, "select person_name from sec.me()"))


async def asked(client: BrokerClient, password: Secret) -> tuple[Secret, LoginResult]:
    """Log the victim in; return ticket and result."""
    result = await client.login(VICTIM, password)
    assert result.ticket is not None
    return result.ticket, result


# --- somebody else's password ---------------------------------------------------------------------------


async def test_an_address_with_a_strangers_first_password_is_not_invited(staff: Staff) -> None:
    await directory.invite_person(staff.beta, VICTIM, "Whoever", "viewer", password=KNOWN)
    with pytest.raises(Conflict) as refused:
        await directory.invite_person(staff.alpha, VICTIM, "Victim", "admin")
    assert refused.value.code == "person.unready"


async def test_who_took_an_address_over_gets_into_no_other_organisation(
    staff: Staff, client: BrokerClient
) -> None:
    """The inviter logs in himself and changes the password: still he lacks what alpha's administrator has."""
    await directory.invite_person(staff.beta, VICTIM, "Whoever", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    invited = await directory.invite_person(staff.alpha, VICTIM, "Victim", "admin")
    assert invited.password is None and invited.code is not None
    ticket, result = await asked(client, CHOSEN)
    assert {m.organization_name: m.invited for m in result.memberships} == {"Alpha": True, "Beta": False}
    with pytest.raises(Denied) as refused:
        await client.mint(ticket, invited.membership_id)
    assert refused.value.code == "membership.invited"
    for guess in ("", " ", invited.code.reveal()[:-1], invited.code.reveal().swapcase()):
        with pytest.raises(SentError):
            await client.accept(ticket, invited.membership_id, Secret(guess))
    with pytest.raises(Denied):
        await client.mint(ticket, invited.membership_id)
    own = next(m for m in result.memberships if not m.invited)
    assert (await client.mint(ticket, own.id)).organization_name == "Beta"


async def test_an_invitation_without_a_code_is_accepted_by_nobody(staff: Staff, client: BrokerClient) -> None:
    await directory.invite_person(staff.beta, VICTIM, "Victim", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    _, membership = await tenants.add_member(staff.alpha, VICTIM, "Victim", "admin")
    ticket, _ = await asked(client, CHOSEN)
    with pytest.raises(Denied):
        await client.accept(ticket, membership, Secret("anything"))


async def test_an_invitation_is_accepted_with_its_code(staff: Staff, client: BrokerClient) -> None:
    await directory.invite_person(staff.beta, VICTIM, "Victim", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    invited = await directory.invite_person(staff.alpha, VICTIM, "Somebody", "admin")
    assert invited.code is not None
    ticket, _ = await asked(client, CHOSEN)
    await client.accept(ticket, invited.membership_id, invited.code)
    credential = await client.mint(ticket, invited.membership_id)
    assert (credential.organization_name, credential.person_name) == ("Alpha", "Victim")
    with pytest.raises(Denied):
        await client.accept(ticket, invited.membership_id, invited.code)


async def test_an_invitation_is_declined_and_can_be_repeated(staff: Staff, client: BrokerClient) -> None:
    await directory.invite_person(staff.beta, VICTIM, "Victim", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    first = await directory.invite_person(staff.alpha, VICTIM, "Somebody", "admin")
    ticket, _ = await asked(client, CHOSEN)
    await client.decline(ticket, first.membership_id)
    with pytest.raises(Denied):
        await client.decline(ticket, first.membership_id)
    second = await directory.invite_person(staff.alpha, VICTIM, "Somebody", "admin")
    assert first.code is not None and second.code is not None
    with pytest.raises(Denied):
        await client.accept(ticket, second.membership_id, first.code)
    await client.accept(ticket, second.membership_id, second.code)


async def test_a_membership_is_not_declined_nor_anothers_invitation_answered(
    staff: Staff, client: BrokerClient, org_a: OrgFixture
) -> None:
    made = await directory.invite_person(staff.beta, VICTIM, "Victim", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    await directory.invite_person(staff.beta, "other@x.test", "Other", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN, "other@x.test")
    invited = await directory.invite_person(staff.alpha, "other@x.test", "Other", "viewer")
    assert invited.code is not None
    ticket, _ = await asked(client, CHOSEN)
    for membership in (made.membership_id, org_a.membership, invited.membership_id):
        with pytest.raises(Denied):
            await client.decline(ticket, membership)
        with pytest.raises(Denied):
            await client.accept(ticket, membership, invited.code)


async def test_the_inviter_cannot_accept_for_the_person(staff: Staff, client: BrokerClient) -> None:
    await directory.invite_person(staff.beta, VICTIM, "Victim", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    invited = await directory.invite_person(staff.alpha, VICTIM, "Somebody", "admin")
    with pytest.raises(Conflict) as refused:
        await directory.set_member_state(staff.alpha, invited.membership_id, active=True)
    assert refused.value.code == "member.invited"
    await directory.set_member_state(staff.alpha, invited.membership_id, active=False)
    assert VICTIM not in [m.email for m in await directory.members(staff.alpha)]


async def test_an_invitation_shows_an_address_and_no_more(staff: Staff, client: BrokerClient) -> None:
    await directory.invite_person(staff.beta, VICTIM, "Real Name", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    invited = await directory.invite_person(staff.alpha, VICTIM, "Somebody", "viewer")
    (seen,) = [m for m in await directory.members(staff.alpha) if m.email == VICTIM]
    assert (seen.name, seen.state, seen.has_password) == (VICTIM, "invited", False)
    async with uow(staff.alpha) as tx:
        assert "Real Name" not in str(await (await tx.execute("select * from core.person")).fetchall())
    ticket, _ = await asked(client, CHOSEN)
    assert invited.code is not None
    await client.accept(ticket, invited.membership_id, invited.code)
    (seen,) = [m for m in await directory.members(staff.alpha) if m.email == VICTIM]
    assert (seen.name, seen.has_password) == ("Real Name", True)


async def test_nobody_gives_a_strangers_member_his_first_password(
    staff: Staff, org_a: OrgFixture, cluster: Cluster, server: Server
) -> None:
    """A member of alpha without a password is not beta's to give one."""
    person, _ = await tenants.add_member(org_a.ctx, VICTIM, "Victim", "admin")
    with pytest.raises(Conflict):
        await directory.invite_person(staff.beta, VICTIM, "Victim", "viewer", password=KNOWN)
    with cluster.connect(server.dbname) as connection:
        rows = connection.execute("select from auth.credential where id = %s", [person]).fetchall()
    assert rows == []


async def test_a_membership_of_another_organisation_is_not_doubled(
    staff: Staff, org_a: OrgFixture, client: BrokerClient, cluster: Cluster, server: Server
) -> None:
    """Whoever knows the id of a membership elsewhere cannot make one of the same id and be minted as it."""
    with pytest.raises(Conflict):
        async with uow(staff.beta) as tx:
            await tx.execute(
                "select auth.add_member(core.uuid7(), %s, 'eve@beta.test', 'Eve', 'viewer')",
                [org_a.membership],
            )
    with cluster.connect(server.dbname) as connection:
        rows = connection.execute("select id from core.membership where id = %s", [org_a.membership])
        assert len(rows.fetchall()) == 1


async def test_a_ticket_ends_with_the_password_it_was_given_for(
    staff: Staff, client: BrokerClient, system_db: Database
) -> None:
    made = await directory.invite_person(staff.alpha, VICTIM, "Victim", "viewer", password=KNOWN)
    early, _ = await asked(client, KNOWN)
    await settle(client, KNOWN, CHOSEN)
    with pytest.raises(Denied):
        await client.mint(early, made.membership_id)
    late, _ = await asked(client, CHOSEN)
    await directory.reset_password(system_db, VICTIM, KNOWN)
    with pytest.raises(Denied):
        await client.mint(late, made.membership_id)


# --- a password that must be changed --------------------------------------------------------------------


async def test_a_given_password_opens_nothing_but_its_change(
    staff: Staff, client: BrokerClient, server: Server
) -> None:
    made = await directory.invite_person(staff.alpha, VICTIM, "Victim", "admin", password=KNOWN)
    ticket, _ = await asked(client, KNOWN)
    credential = await client.mint(ticket, made.membership_id)
    assert credential.password == Secret("")
    async with Database(server, credential.role, fixed(credential.password), trusted=False) as db:
        with pytest.raises(SentError, match="password"):
            await db.connect()
    for call in (
        client.renew(credential.session),
        client.totp_confirm(credential.session, "000000"),
        client.totp_remove(credential.session, KNOWN),
    ):
        with pytest.raises(Denied) as refused:
            await call
        assert refused.value.code == "auth.must_change"
    with pytest.raises(Invalid) as same:
        await client.change_password(credential.session, KNOWN, KNOWN)
    assert same.value.code == "auth.weak"
    await client.change_password(credential.session, KNOWN, CHOSEN)
    renewed = await client.renew(credential.session)
    assert renewed.role == credential.role
    assert await name_of(server, renewed) == "Victim"


async def test_a_reset_password_accepts_no_invitation(
    staff: Staff, client: BrokerClient, system_db: Database
) -> None:
    await directory.invite_person(staff.beta, VICTIM, "Victim", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    invited = await directory.invite_person(staff.alpha, VICTIM, "Victim", "viewer")
    await directory.reset_password(system_db, VICTIM, KNOWN)
    ticket, _ = await asked(client, KNOWN)
    assert invited.code is not None
    for call in (
        client.accept(ticket, invited.membership_id, invited.code),
        client.decline(ticket, invited.membership_id),
    ):
        with pytest.raises(Denied) as refused:
            await call
        assert refused.value.code == "auth.must_change"


# --- narrowed to clients --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Narrowed:
    """An administrator of alpha who sees client `one`, not client `two`."""

    ctx: Ctx
    membership: MembershipId
    one: ClientId
    two: ClientId


@pytest.fixture
async def narrowed(org_a: OrgFixture, logged_in: Login) -> Narrowed:
    """Log a narrowed administrator in."""
    one, two = [await directory.create_client(org_a.ctx, f"client {n}", f"c{n}") for n in (1, 2)]
    _, membership = await tenants.add_member(org_a.ctx, "narrow@alpha.test", "Narrow", "admin")
    await directory.narrow(org_a.ctx, membership, [one])
    return Narrowed(await logged_in(membership, org_a), membership, one, two)


async def test_a_narrowed_administrator_does_not_change_his_own_limit(narrowed: Narrowed) -> None:
    for wanted in (None, [narrowed.one, narrowed.two], [narrowed.two], [narrowed.one], []):
        with pytest.raises(Denied) as refused:
            await directory.narrow(narrowed.ctx, narrowed.membership, wanted)
        assert refused.value.code == "people.clients"
    assert [client.code for client in await directory.clients(narrowed.ctx)] == ["c1"]


async def test_whom_a_narrowed_administrator_invites_is_narrowed_too(
    narrowed: Narrowed, org_a: OrgFixture, logged_in: Login
) -> None:
    made = await directory.invite_person(narrowed.ctx, "accomplice@alpha.test", "Eve", "admin")
    eve = await logged_in(made.membership_id, org_a)
    assert [client.code for client in await directory.clients(eve)] == ["c1"]
    for ctx in (eve, narrowed.ctx):
        for wanted in (None, [narrowed.one, narrowed.two]):
            with pytest.raises(Denied):
                await directory.narrow(ctx, made.membership_id, wanted)
    for wanted in (None, [narrowed.two]):
        with pytest.raises(Denied):
            await directory.narrow(eve, narrowed.membership, wanted)
    await directory.narrow(narrowed.ctx, made.membership_id, [])
    assert await directory.clients(eve) == []


async def test_a_narrowed_administrator_does_not_touch_who_sees_more(
    narrowed: Narrowed, org_a: OrgFixture
) -> None:
    _, wide = await tenants.add_member(org_a.ctx, "wide@alpha.test", "Wide", "viewer")
    _, other = await tenants.add_member(org_a.ctx, "other@alpha.test", "Other", "viewer")
    await directory.narrow(org_a.ctx, other, [narrowed.one, narrowed.two])
    for membership in (wide, other):
        for attempt in (
            directory.set_role(narrowed.ctx, membership, "admin"),
            directory.set_member_state(narrowed.ctx, membership, active=False),
            directory.narrow(narrowed.ctx, membership, [narrowed.one]),
        ):
            with pytest.raises(Denied) as refused:
                await attempt
            assert refused.value.code == "people.clients"


# --- the last owner -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement", ["select auth.set_member_state(%s, 'disabled')", "select auth.set_role(%s, 'viewer')"]
)
async def test_two_owners_cannot_remove_each_other_at_once(
    org_a: OrgFixture, logged_in: Login, statement: str
) -> None:
    _, second = await tenants.add_member(org_a.ctx, "second@alpha.test", "Second", "owner")
    one, two = await logged_in(org_a.membership, org_a), await logged_in(second, org_a)
    first_has_acted, began = asyncio.Event(), asyncio.Event()

    async def remove_second() -> None:
        async with uow(one) as tx:
            await tx.execute(statement, [second])
            first_has_acted.set()
            await began.wait()
            await asyncio.sleep(0.3)

    async def remove_first() -> None:
        await first_has_acted.wait()
        async with uow(two) as tx:
            began.set()
            await tx.execute(statement, [org_a.membership])

    results = await asyncio.gather(remove_second(), remove_first(), return_exceptions=True)
    assert results[0] is None
    assert isinstance(results[1], Denied | Conflict | NotFound)
    owners = [m for m in await directory.members(org_a.ctx) if (m.role_key, m.state) == ("owner", "active")]
    assert [m.membership_id for m in owners] == [org_a.membership]


# --- erasure --------------------------------------------------------------------------------------------


async def test_an_invitation_elsewhere_keeps_nobody_from_being_erased(
    staff: Staff, client: BrokerClient, cluster: Cluster, server: Server
) -> None:
    """Whoever invites a person of another organisation gets no say over what is known of him."""
    made = await directory.invite_person(staff.alpha, VICTIM, "Victim", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    invited = await directory.invite_person(staff.beta, VICTIM, "Whoever", "owner")
    with cluster.connect(server.dbname) as connection:
        (person,) = connection.execute(
            "select person_id from core.membership where id = %s", [made.membership_id]
        ).fetchone() or pytest.fail("no membership")
        report = await personal.erase(staff.alpha, person)
        assert report["memberships_ended"] == 2
        left = connection.execute(
            "select organization_id, state from core.membership where person_id = %s", [person]
        ).fetchall()
        assert left == [(staff.alpha.org, "disabled")]
        codes = connection.execute("select from auth.invitation where id = %s", [invited.membership_id])
        assert codes.fetchall() == []
    assert VICTIM not in [m.email for m in await directory.members(staff.beta)]
    with pytest.raises(SentError):
        await client.login(VICTIM, CHOSEN)


async def test_a_member_of_two_organisations_and_who_is_only_invited_are_erased_by_neither(
    staff: Staff, client: BrokerClient, cluster: Cluster, server: Server
) -> None:
    await directory.invite_person(staff.alpha, VICTIM, "Victim", "viewer", password=KNOWN)
    await settle(client, KNOWN, CHOSEN)
    invited = await directory.invite_person(staff.beta, VICTIM, "Whoever", "viewer")
    with cluster.connect(server.dbname) as connection:
        (person,) = connection.execute(
            "select person_id from core.membership where id = %s", [invited.membership_id]
        ).fetchone() or pytest.fail("no membership")
    with pytest.raises(NotFound):
        await personal.erase(staff.beta, person)
    ticket, _ = await asked(client, CHOSEN)
    assert invited.code is not None
    await client.accept(ticket, invited.membership_id, invited.code)
    for one in (staff.alpha, staff.beta):
        with pytest.raises(Conflict) as refused:
            await personal.erase(one, person)
        assert refused.value.code == "person.shared"
