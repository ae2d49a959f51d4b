"""H5: whatever changes a row, by whatever way, stands in the trail with actor, before and after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import tenants
from psycopg import errors
from tenants import MemberDb, OrgFixture

from sent.engines.audit import api
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Denied
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster


@pytest.fixture
async def owner(member_db: MemberDb, org_a: OrgFixture) -> AsyncIterator[Ctx]:
    """Return the owner of alpha in his own login."""
    yield Ctx(await member_db(org_a), org_a.org, org_a.owner)


async def insert(tx: Tx, *codes: str) -> None:
    """Insert clients."""
    for code in codes:
        await tx.execute(
            "insert into core.client (organization_id, name, code) values (sec.org(), %s, %s)",
            [f"client {code}", code],
        )


async def trail(ctx: Ctx, table: str = "core.client") -> list[api.Entry]:
    """Return the entries of a table, oldest first."""
    return (await api.entries(ctx, table=table, limit=2000))[::-1]


def assert_by(entry: api.Entry, ctx: Ctx, name: str) -> None:
    """Check who is named as the actor."""
    assert (entry.actor, entry.actor_name) == (ctx.actor, name)


async def test_h5_insert(owner: Ctx) -> None:
    async with uow(owner) as tx:
        await insert(tx, "a")
    (entry,) = await trail(owner)
    assert entry.action == "insert" and entry.before is None
    assert entry.after is not None and entry.after["code"] == "a" and entry.after["id"] == str(entry.row_id)
    assert_by(entry, owner, "Alpha Owner")
    assert abs(entry.at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_h5_update(owner: Ctx) -> None:
    async with uow(owner) as tx:
        await insert(tx, "a")
    async with uow(owner) as tx:
        await tx.execute("update core.client set name = 'new'")
    entry = (await trail(owner))[-1]
    assert entry.action == "update"
    assert entry.changed() == {"name": ("client a", "new")}
    assert_by(entry, owner, "Alpha Owner")


async def test_h5_delete(owner: Ctx) -> None:
    async with uow(owner) as tx:
        await insert(tx, "a")
    async with uow(owner) as tx:
        await tx.execute("delete from core.client")
    entry = (await trail(owner))[-1]
    assert entry.action == "delete" and entry.after is None
    assert entry.before is not None and entry.before["code"] == "a"
    assert_by(entry, owner, "Alpha Owner")


async def test_h5_what_is_rolled_back_leaves_no_entry(owner: Ctx) -> None:
    with pytest.raises(ZeroDivisionError):
        async with uow(owner) as tx:
            await insert(tx, "a")
            raise ZeroDivisionError
    assert await trail(owner) == []


async def test_h5_copy(cluster: Cluster, server: Server, org_a: OrgFixture) -> None:
    """COPY into a guarded table is for the superuser; the trail sees him too."""
    statement = "copy core.client (organization_id, name, code) from stdin"
    with cluster.connect(server.dbname) as admin, admin.cursor().copy(statement) as copy:
        for number in range(50):
            copy.write_row([org_a.org, f"client {number}", f"c{number:02}"])
    entries = await trail(org_a.ctx)
    assert [entry.action for entry in entries] == ["insert"] * 50
    assert {entry.after["code"] for entry in entries if entry.after} == {f"c{n:02}" for n in range(50)}


async def test_h5_truncate(cluster: Cluster, server: Server, org_a: OrgFixture, owner: Ctx) -> None:
    async with uow(owner) as tx:
        await insert(tx, "a", "b")
    with cluster.connect(server.dbname) as admin, admin.transaction():
        admin.execute("select set_config('sent.actor_id', %s, true)", [str(uuid7())])
        admin.execute("truncate core.client cascade")
    entries = [entry for entry in await trail(org_a.ctx) if entry.action == "truncate"]
    assert {entry.before["code"] for entry in entries if entry.before} == {"a", "b"}
    assert all(entry.after is None for entry in entries)


async def test_h5_truncating_an_empty_table_is_seen(cluster: Cluster, server: Server) -> None:
    with cluster.connect(server.dbname) as admin:
        admin.execute("truncate core.setting")
        rows = admin.execute(
            "select action, row_id from ts.audit_entry where table_name = 'core.setting'"
        ).fetchall()
    assert rows == [("truncate", None)]


async def test_h5_upsert_is_an_insert_or_an_update(owner: Ctx) -> None:
    statement = (
        "insert into core.client (organization_id, name, code)"
        " values (sec.org(), %s, 'a'), (sec.org(), %s, 'b')"
        " on conflict (organization_id, code) do update set name = excluded.name"
    )
    async with uow(owner) as tx:
        await insert(tx, "a")
        await tx.execute(statement, ["upserted a", "fresh b"])
        await tx.execute(
            "insert into core.client (organization_id, name, code) values (sec.org(), 'x', 'a')"
            " on conflict do nothing"
        )
    entries = await trail(owner)
    assert sorted(entry.action for entry in entries) == ["insert", "insert", "update"]
    (update,) = [entry for entry in entries if entry.action == "update"]
    assert update.changed() == {"name": ("client a", "upserted a")}


async def test_h5_cascade(owner: Ctx, org_a: OrgFixture) -> None:
    """Rows that vanish because another did: each stands there, with the actor of the first."""
    async with uow(owner) as tx:
        await insert(tx, "a")
        row = await (await tx.execute("select id from core.client")).fetchone()
        assert row is not None
        await tx.execute("select auth.narrow(%s, %s)", [org_a.membership, [row[0]]])
    async with uow(owner) as tx:
        await tx.execute("delete from core.client where id = %s", [row[0]])
    entry = (await trail(owner, "core.membership_client"))[-1]
    assert entry.action == "delete"
    assert entry.before is not None and entry.before["client_id"] == str(row[0])
    assert_by(entry, owner, "Alpha Owner")


async def test_h5_merge(owner: Ctx) -> None:
    async with uow(owner) as tx:
        await insert(tx, "a", "b")
        await tx.execute(
            "merge into core.client c using (values ('a', 'merged'), ('c', 'fresh')) s (code, name)"
            " on c.code = s.code when matched then update set name = s.name"
            " when not matched then insert (organization_id, name, code) values (sec.org(), s.name, s.code)"
        )
    actions = [(entry.action, (entry.after or {})["code"]) for entry in await trail(owner)]
    assert sorted(actions) == [("insert", "a"), ("insert", "b"), ("insert", "c"), ("update", "a")]


async def test_h5_a_function_of_another_owner_names_the_one_who_called(owner: Ctx, org_a: OrgFixture) -> None:
    _, membership = await tenants.add_member(org_a.ctx, "vera@alpha.test", "Vera", "viewer")
    async with uow(owner) as tx:
        await tx.execute("select auth.set_role(%s, 'analyst')", [membership])
    entry = (await trail(owner, "core.membership"))[-1]
    assert entry.action == "update" and set(entry.changed()) == {"role_id"}
    assert_by(entry, owner, "Alpha Owner")


async def test_h5_a_workers_change_carries_its_actor_and_trace(org_a: OrgFixture) -> None:
    async with uow(org_a.ctx) as tx:
        await insert(tx, "a")
    (entry,) = await trail(org_a.ctx)
    assert (entry.actor, entry.trace) == (org_a.ctx.actor, org_a.ctx.trace)


async def test_h5_a_member_cannot_name_another_actor(owner: Ctx) -> None:
    async with uow(owner) as tx:
        await tx.execute("select set_config('sent.actor_id', %s, true)", [str(uuid7())])
        await insert(tx, "a")
    (entry,) = await trail(owner)
    assert entry.actor == owner.actor


async def test_h5_secrets_enter_as_digests(cluster: Cluster, server: Server, org_a: OrgFixture) -> None:
    async with uow(org_a.ctx) as tx:
        await tx.execute("insert into core.data_key (number, purpose, wrapped) values (1, 'x', 'topsecret')")
        await tx.execute("update core.data_key set wrapped = 'othersecret'")
        await tx.execute("select auth.initial_password(%s, '$argon2id$verysecrethash')", [org_a.owner])
    with cluster.connect(server.dbname) as admin:
        text = str(admin.execute("select before, after from ts.audit_entry").fetchall())
    assert "sha256:" in text
    assert "verysecrethash" not in text and "746f70736563726574" not in text and "topsecret" not in text


FORBIDDEN = (
    "update audit.entry set actor = null",
    "delete from audit.entry",
    "insert into audit.entry (organization_id, at, action, table_name) values (sec.org(), now(), 'x', 'x')",
    "truncate ts.audit_entry",
    "delete from ts.audit_entry",
    "update ts.audit_entry set actor = null",
    "alter table core.client disable trigger audit_insert",
    "select audit.record_insert()",
)


@pytest.mark.parametrize("who", ["member", "sent_app", "sent_system", "sent_ingest"])
async def test_h5_nobody_changes_the_trail(
    owner: Ctx, app_db: Database, system_db: Database, ingest_db: Database, org_a: OrgFixture, who: str
) -> None:
    db = {"member": owner.db, "sent_app": app_db, "sent_system": system_db, "sent_ingest": ingest_db}[who]
    for statement in FORBIDDEN:
        with pytest.raises((psycopg.Error, Denied)) as refused:
            async with uow(Ctx(db, org_a.org, org_a.owner)) as tx:
                await tx.execute(statement)
        cause = refused.value.__cause__ or refused.value
        assert isinstance(cause, errors.InsufficientPrivilege), statement


async def test_h5_reading_needs_the_permission(org_a: OrgFixture, server: Server, owner: Ctx) -> None:
    _, viewer = await tenants.add_member(org_a.ctx, "vera@alpha.test", "Vera", "viewer")
    _, auditor = await tenants.add_member(org_a.ctx, "otto@alpha.test", "Otto", "auditor")
    async with tenants.member_database(server, viewer) as db:
        with pytest.raises(Denied) as refused:
            await api.entries(Ctx(db, org_a.org, uuid7()))
        assert refused.value.code == "audit.denied"
        async with uow(Ctx(db, org_a.org, uuid7())) as tx:
            assert await (await tx.execute("select count(*) from audit.entry")).fetchone() == (0,)
    async with tenants.member_database(server, auditor) as db:
        assert await api.entries(Ctx(db, org_a.org, uuid7()))


async def test_h5_paging_filters_and_search(owner: Ctx) -> None:
    for number in range(25):
        async with uow(owner) as tx:
            await insert(tx, f"c{number:02}")
    seen: list[api.Entry] = []
    last: tuple[Any, Any] | None = None
    while page := await api.entries(owner, before=last, limit=10, table="core.client"):
        seen += page
        last = (page[-1].at, page[-1].id)
    assert [(entry.after or {})["code"] for entry in seen] == [f"c{n:02}" for n in reversed(range(25))]
    (found,) = await api.entries(owner, text="CLIENT C07")
    assert (found.after or {})["code"] == "c07"
    middle = seen[12].at
    assert len(await api.entries(owner, table="core.client", since=middle)) == 13
    assert len(await api.entries(owner, table="core.client", until=middle)) == 12
    assert await api.entries(owner, action="delete") == []
    assert await api.entries(owner, actor=uuid7()) == []
    assert len(await api.entries(owner, actor=owner.actor, table="core.client")) == 25
    assert {"core.client", "core.membership", "radar.alert"} <= set(await api.tables(owner))


async def test_h5_one_organisation_does_not_see_anothers_trail(
    owner: Ctx, org_b: OrgFixture, member_db: MemberDb
) -> None:
    async with uow(owner) as tx:
        await insert(tx, "a")
    other = Ctx(await member_db(org_b), org_b.org, org_b.owner)
    assert await trail(other) == []
