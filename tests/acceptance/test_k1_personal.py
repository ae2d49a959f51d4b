"""K1 t 2: an erased person is in no dump, and the chain still holds; retention cuts behind a seal."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
import tenants
from sealed_trail import ROOT, FixedClock, Trail, small_seals
from tenants import MemberDb, OrgFixture

from sent.engines.audit import tasks
from sent.platform.audit import proof
from sent.platform.audit.personal import Personals, erase, reveal
from sent.platform.context import Ctx
from sent.platform.crypto import rotate
from sent.platform.crypto.root import FixedRoots
from sent.platform.db.embedded import binaries
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import uow
from sent.platform.errors import Conflict, Denied, NotFound
from sent.platform.ids import PLATFORM_ORG, OrgId
from sent.platform.tasks import cancel, spawn

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

NAME, EMAIL, OLD = "Canaria Zwitscher", "canary@zwitscher.test", "canary-maiden-name"


@pytest.fixture
async def trail(
    cluster: Cluster,
    server: Server,
    org_a: OrgFixture,
    system_db: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Trail]:
    """Return a trail."""
    monkeypatch.setenv("SENT_AUDIT_ANCHOR", str(tmp_path / "anchors.jsonl"))
    small_seals(monkeypatch)
    yield Trail(cluster, server, org_a, system_db, tmp_path, FixedClock())


@pytest.fixture
def dump(cluster: Cluster, server: Server) -> AsyncIterator[str]:
    """Return a function that dumps the whole database as text."""

    def made() -> str:
        from sent.platform.db.embedded.cluster import SUPERUSER

        environment = {**os.environ, "PGPASSWORD": cluster.password.reveal(), "PGHOST": server.host,
                       "PGPORT": str(server.port), "PGUSER": SUPERUSER}  # fmt: skip
        command = [binaries.bin_dir() / "pg_dump", "--inserts", server.dbname]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    return made  # type: ignore[return-value]


def rename(cluster: Cluster, server: Server, person: UUID, name: str) -> None:
    """Change a person's name as the superuser."""
    with cluster.connect(server.dbname) as admin:
        admin.execute("update core.person set name = %s where id = %s", [name, person])


async def canary(trail: Trail) -> tuple[UUID, UUID]:
    """Make a member whose former and present name stand in the trail."""
    person, membership = await tenants.add_member(trail.org.ctx, EMAIL, OLD, "viewer")
    rename(trail.cluster, trail.server, person, NAME)
    return person, membership


def platform(trail: Trail) -> Ctx:
    """Return the platform's context."""
    return Ctx(trail.system_db, PLATFORM_ORG, PLATFORM_ORG)


async def verified(trail: Trail) -> None:
    """Check both chains."""
    heads = proof.read_anchors(trail.anchors) if trail.anchors.exists() else {}
    for ctx in (trail.ctx, platform(trail)):
        report = await proof.check(ctx, trail.signing().trusted(), heads)
        assert report.ok and report.unsealed == 0, report.finding


async def test_k1_an_erased_person_is_in_no_dump_and_the_chain_holds(trail: Trail, dump) -> None:  # type: ignore[no-untyped-def]
    person, membership = await canary(trail)
    before = dump()
    assert NAME in before and EMAIL in before and OLD in before, "the canaries must be able to sing"
    await trail.seal()
    sealed = dump()
    assert OLD not in sealed, "seconds later the former name stands nowhere in clear"
    await verified(trail)
    report = await erase(platform(trail), person)
    assert report["memberships_ended"] == 1 and int(str(report["personal_values_removed"])) >= 3
    await trail.seal()
    await verified(trail)
    after = dump()
    for word in (NAME, EMAIL, OLD):
        assert word not in after
    with trail.cluster.connect(trail.server.dbname) as admin:
        assert admin.execute("select name from core.person where id = %s", [person]).fetchone() == (
            "Erased person",
        )
        assert admin.execute("select state from core.membership where id = %s", [membership]).fetchone() == (
            "disabled",
        )
        recorded = admin.execute(
            "select count(*) from ts.audit_entry where table_name = 'audit.erasure'"
        ).fetchone()
    assert recorded is not None and recorded[0] >= 1
    assert trail.vault.destroyed(person)
    with pytest.raises(psycopg.DatabaseError, match="switched off"):
        tenants.mint(trail.server, membership)


async def test_k1_an_older_dump_gives_nothing_back_without_the_persons_key(trail: Trail) -> None:
    """What the dump held of the trail is put back, with root and organisation's key, without the vault."""
    person, _ = await canary(trail)
    await trail.seal()
    with trail.cluster.connect(trail.server.dbname) as admin:
        admin.execute("create table public.old_dump as select * from audit.personal")
        ids = [row[0] for row in admin.execute("select entry_id from public.old_dump").fetchall()]
    keys = Personals(trail.system_db, FixedRoots(ROOT), trail.vault)
    async with uow(platform(trail)) as tx:
        assert OLD in (await keys.opened(tx, platform(trail), ids)).values()
    await erase(platform(trail), person)
    await trail.seal()
    with trail.attacker() as admin:
        admin.execute("delete from audit.personal")
        admin.execute("insert into audit.personal select * from public.old_dump")
    keys = Personals(trail.system_db, FixedRoots(ROOT), trail.vault)
    async with uow(platform(trail)) as tx:
        opened = await keys.opened(tx, platform(trail), ids)
    with trail.cluster.connect(trail.server.dbname) as admin:
        mine = {
            row[0].hex()
            for row in admin.execute(
                "select commitment from public.old_dump where person_id = %s", [person]
            ).fetchall()
        }
    assert mine and {opened[c] for c in mine} == {None}
    assert any(value for c, value in opened.items() if c not in mine), "others stay readable"


async def test_k1_a_value_that_stays_keeps_its_commitment(trail: Trail) -> None:
    person, _ = await canary(trail)
    with trail.cluster.connect(trail.server.dbname) as admin:
        before, after = admin.execute(
            "select before, after from ts.audit_entry where row_id = %s and action = 'update'", [person]
        ).fetchone()
    assert before["email"] == after["email"] and before["email"].startswith("personal:")
    assert before["name"] != after["name"]


async def test_k1_the_last_owner_and_a_member_elsewhere_are_not_erased_by_an_organisation(
    trail: Trail, org_b: OrgFixture, member_db: MemberDb, app_db: Database
) -> None:
    with pytest.raises(Conflict, match="last owner"):
        await erase(platform(trail), trail.org.owner)
    owner = Ctx(await member_db(trail.org), trail.org.org, trail.org.owner)
    with pytest.raises(NotFound):
        await erase(owner, org_b.owner)
    person, _ = await canary(trail)
    with trail.cluster.connect(trail.server.dbname) as admin:
        admin.execute(
            "insert into core.membership (organization_id, person_id, role_id) select r.organization_id, %s,"
            " r.id from core.role r where r.organization_id = %s and r.key = 'viewer'",
            [person, org_b.org],
        )
    for ctx in (owner, Ctx(app_db, trail.org.org, trail.org.owner)):
        with pytest.raises(Conflict) as refused:
            await erase(ctx, person)
        assert refused.value.code == "person.shared"
    report = await erase(platform(trail), person)
    assert report["memberships_ended"] == 2


async def test_k1_erasing_needs_the_permission(trail: Trail, member_db: MemberDb, server: Server) -> None:
    person, _ = await canary(trail)
    _, analyst = await tenants.add_member(trail.org.ctx, "ana@alpha.test", "Ana", "analyst")
    async with tenants.member_database(server, analyst) as db:
        with pytest.raises(Denied):
            await erase(Ctx(db, trail.org.org, person), person)
    owner = Ctx(await member_db(trail.org), trail.org.org, trail.org.owner)
    assert (await erase(owner, person))["person_id"] == str(person)


async def test_k1_who_may_read_the_trail_is_shown_personal_values(
    trail: Trail, member_db: MemberDb, server: Server
) -> None:
    """In an organisation's own table; the answer is sealed for the asker, an erased value is none."""
    with trail.cluster.connect(trail.server.dbname) as admin:
        admin.execute("set role sent_owner")
        admin.execute("select audit.mark_personal('core.client', 'id', array['name'])")
    await trail.record("one", "two")
    sealer = trail.sealer()
    await sealer.turn()
    with trail.cluster.connect(trail.server.dbname) as admin:
        entries = admin.execute(
            "select id, row_id, after ->> 'name' from ts.audit_entry where table_name = 'core.client'"
            " order by seq"
        ).fetchall()
    trail.vault.destroy(entries[1][1])
    owner = Ctx(await member_db(trail.org), trail.org.org, trail.org.owner)
    working = spawn(sealer.run(), name="sealer")
    try:
        found = await reveal(owner, [entry for entry, _, _ in entries], wait=30)
        assert found == {
            entries[0][2].removeprefix("personal:"): "client one",
            entries[1][2].removeprefix("personal:"): None,
        }
        _, viewer = await tenants.add_member(trail.org.ctx, "vera@alpha.test", "Vera", "viewer")
        async with tenants.member_database(server, viewer) as db:
            with pytest.raises(Denied):
                await reveal(Ctx(db, trail.org.org, trail.org.owner), [entries[0][0]])
    finally:
        await cancel(working)
    assert await reveal(owner, [entries[0][0]], wait=0.2) is None


async def test_k1_trouble_with_one_organisation_does_not_stop_the_others(
    trail: Trail, member_db: MemberDb
) -> None:
    """A question with a key that is none, and an organisation whose keys were destroyed."""
    with trail.cluster.connect(trail.server.dbname) as admin:
        admin.execute("set role sent_owner")
        admin.execute("select audit.mark_personal('core.client', 'id', array['name'])")
    await trail.record("one")
    await trail.seal()
    owner = Ctx(await member_db(trail.org), trail.org.org, trail.org.owner)
    async with uow(owner) as tx:
        await tx.execute("select audit.ask_reveal(array[gen_random_uuid()], %s)", [bytes(32)])
    await rotate.destroy_organization(trail.ctx, trail.vault)
    await trail.record("two")
    person, _ = await canary(trail)
    await trail.seal()
    await verified(trail)
    with trail.cluster.connect(trail.server.dbname) as admin:
        assert admin.execute("select count(*) from audit.personal where value is not null").fetchone() == (0,)
        assert admin.execute("select count(*) from audit.reveal").fetchone() == (0,)
        kept = admin.execute("select count(*) from audit.personal where person_id = %s", [person]).fetchone()
    assert kept is not None and kept[0] >= 3


async def test_k1_retention_cuts_whole_seals_and_the_rest_still_verifies(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = datetime.now(UTC) - timedelta(days=200)
    with trail.attacker() as admin:
        admin.execute("select ts.make_partition('audit.entry', %s)", [old])
        admin.execute(
            "update ts.audit_entry set at = %s + (seq || ' seconds')::interval where organization_id = %s",
            [old, trail.org.org],
        )
        part = admin.execute("select to_regclass(%s)", [f"ts.audit_entry_p{old:%Y%m}01"]).fetchone()
        assert part != (None,)
    trail.clock.moment = old + timedelta(hours=1)
    await trail.seal()
    trail.clock.moment = datetime.now(UTC)
    kept = len(trail.entries())
    await trail.record("young")
    await trail.seal()
    assert await tasks.retain(trail.org.ctx) == kept
    report = await trail.check()
    assert report.ok and report.entries == 1 and report.begins_after > 0 and report.from_number != 1
    with trail.attacker() as admin:
        assert admin.execute("select to_regclass(%s)", [f"ts.audit_entry_p{old:%Y%m}01"]).fetchone() == (
            None,
        )
    assert await tasks.retain(trail.org.ctx) == 0
    await trail.record("later")
    await trail.seal()
    assert (await trail.check()).ok


async def test_k1_nobody_cuts_what_is_young(trail: Trail) -> None:
    await trail.record("one")
    await trail.seal()
    for ctx in (trail.ctx, trail.org.ctx):
        with pytest.raises(Conflict) as refused:
            async with uow(ctx) as tx:
                await tx.execute("select audit.cut(1)")
        assert refused.value.code == "audit.young"
    assert OrgId(trail.org.org) == trail.org.org
