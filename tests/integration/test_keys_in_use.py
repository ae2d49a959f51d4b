"""Root and organisation keys change in use; a destroyed organisation stays unreadable, dumps included."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sealing
from tenants import OrgFixture

from sent.platform.context import Ctx
from sent.platform.crypto import recovery, rotate, store
from sent.platform.crypto.root import Roots, chosen_place, root_id
from sent.platform.crypto.store import ring
from sent.platform.crypto.vault import Vault
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid, NotFound, SentError

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Return a vault of the test's own."""
    return Vault(tmp_path / "vault")


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """Return a root key in a file of the test's own."""
    path = tmp_path / "root"
    path.touch(mode=0o600)
    path.write_text(bytes(range(32)).hex())
    return Roots(chosen_place(f"file:{path}"))


def silent(_: object) -> None:
    """Say nothing."""


async def seal(ctx: Ctx, roots: Roots, vault: Vault, plain: bytes) -> tuple[object, bytes]:
    """Store a note and return its row and value."""
    from sent.platform.ids import uuid7

    row = uuid7()
    sealed = await ring(ctx, roots=roots, vault=vault).seal(
        sealing.PURPOSE, plain, sealing.place(ctx.org, row)
    )
    async with uow(ctx) as tx:
        await tx.execute("insert into core.note (id, body) values (%s, %s)", [row, sealed])
    return row, sealed


async def test_the_root_changes_and_the_former_one_is_not_needed_any_more(
    server: Server,
    org_a: OrgFixture,
    org_b: OrgFixture,
    system_db: Database,
    tmp_path: Path,
    roots: Roots,
    vault: Vault,
) -> None:
    sealing.make_table(server)
    notes = [(org, *(await seal(org.ctx, roots, vault, org.slug.encode()))) for org in (org_a, org_b)]
    paper = recovery.make(roots, vault)
    former = roots.current()
    contexts = [Ctx(system_db, org.org, org.owner) for org in (org_a, org_b)]
    fresh = await rotate.rotate_root(contexts, roots, vault, silent)
    assert roots.all() == recovery.recover(paper, vault) and root_id(roots.current()) == fresh
    assert former not in roots.all()
    for org, row, sealed in notes:
        place = sealing.place(org.org, row)  # type: ignore[arg-type]
        anew = Roots(chosen_place(f"file:{tmp_path / 'root'}"))
        assert await ring(org.ctx, roots=anew, vault=vault).open(sealed, place) == org.slug.encode()
        wrong = tmp_path / "wrong"
        wrong.touch(mode=0o600)
        wrong.write_text(former.hex())
        with pytest.raises(Invalid) as refused:
            await ring(org.ctx, roots=Roots(chosen_place(f"file:{wrong}")), vault=vault).open(sealed, place)
        assert fresh in refused.value.message


async def test_a_root_rotation_that_was_killed_goes_on(
    server: Server, org_a: OrgFixture, org_b: OrgFixture, system_db: Database, roots: Roots, vault: Vault
) -> None:
    sealing.make_table(server)
    notes = [(org, *(await seal(org.ctx, roots, vault, b"x"))) for org in (org_a, org_b)]
    contexts = [Ctx(system_db, org.org, org.owner) for org in (org_a, org_b)]

    def killed(line: dict[str, object]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rotate.rotate_root(contexts, roots, vault, killed)
    assert len(roots.all()) == 2
    for org, row, sealed in notes:
        assert await ring(org.ctx, roots=roots, vault=vault).open(sealed, sealing.place(org.org, row)) == b"x"  # type: ignore[arg-type]
    halfway = root_id(roots.current())
    assert await rotate.rotate_root(contexts, roots, vault, silent) == halfway
    assert len(roots.all()) == 1


async def test_a_root_sent_may_not_write_is_changed_by_whoever_keeps_it(
    org_a: OrgFixture, system_db: Database, tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    one, two = bytes(range(32)).hex(), bytes(range(1, 33)).hex()
    (tmp_path / "root").write_text(one)
    roots = Roots(chosen_place("credential:root"))
    contexts = [Ctx(system_db, org_a.org, org_a.owner)]
    await ring(org_a.ctx, roots=roots, vault=vault).sealer("x")
    with pytest.raises(Invalid, match="first line"):
        await rotate.rotate_root(contexts, roots, vault, silent)
    (tmp_path / "root").write_text(f"{two}\n{one}\n")
    assert await rotate.rotate_root(contexts, roots, vault, silent) == root_id(bytes.fromhex(two))
    (tmp_path / "root").write_text(two)
    await ring(org_a.ctx, roots=Roots(chosen_place("credential:root")), vault=vault).sealer("x")


async def test_an_organisations_key_changes_under_values_that_stay(
    server: Server, org_a: OrgFixture, system_db: Database, roots: Roots, vault: Vault
) -> None:
    sealing.make_table(server)
    row, sealed = await seal(org_a.ctx, roots, vault, b"x")
    warm = ring(org_a.ctx, roots=roots, vault=vault)
    system = Ctx(system_db, org_a.org, org_a.owner)
    found = await rotate.rotate_organization(system, roots, vault)
    assert found["rewrapped"] == 1
    place = sealing.place(org_a.org, row)  # type: ignore[arg-type]
    for keys in (warm, ring(org_a.ctx, roots=roots, vault=vault)):
        assert await keys.open(sealed, place) == b"x"
        await keys.seal("another purpose", b"y", place)
    async with uow(system) as tx:
        states = {key.number: key.state for key in await store.rows(tx)}
    assert states == {1: "destroyed", 2: "active", 3: "active", 4: "active"}


async def test_who_may_not_change_keys_is_refused(org_a: OrgFixture, app_db: Database) -> None:
    for statement in (
        "select core.lock_sealed()",
        "select * from core.sealed_cells('auth.credential', 'totp_secret', '{1}', null, 10)",
        "select * from auth.sealed_cells('auth.credential', 'totp_secret', '{1}', null, 10)",
        "select auth.reseal('auth.credential', 'totp_secret', null, null, null)",
    ):
        with pytest.raises(SentError):
            async with uow(replace(org_a.ctx, db=app_db)) as tx:
                await tx.execute(statement)


async def test_only_listed_columns_are_reached(org_a: OrgFixture, system_db: Database) -> None:
    system = Ctx(system_db, org_a.org, org_a.owner)
    for table, column in (
        ("auth.credential", "password_hash"),
        ("core.person", "name"),
        ("pg_authid", "oid"),
    ):
        with pytest.raises(SentError, match="sealed columns"):
            async with uow(system) as tx:
                await tx.execute("select * from auth.sealed_cells(%s, %s, '{1}', null, 10)", [table, column])


async def test_k2_a_destroyed_organisation_stays_unreadable_with_an_old_dump_and_the_root(
    cluster: Cluster,
    server: Server,
    org_a: OrgFixture,
    org_b: OrgFixture,
    system_db: Database,
    tmp_path: Path,
    roots: Roots,
    vault: Vault,
) -> None:
    sealing.make_table(server)
    row, sealed = await seal(org_a.ctx, roots, vault, b"secret")
    other, other_sealed = await seal(org_b.ctx, roots, vault, b"kept")
    paper = recovery.make(roots, vault)
    system = Ctx(system_db, org_a.org, org_a.owner)
    async with uow(system) as tx:
        before = await (
            await tx.execute("select number, wrapped from core.data_key order by number")
        ).fetchall()
    shutil.copytree(vault.folder, tmp_path / "look")
    await rotate.destroy_organization(system, vault)
    place = sealing.place(org_a.org, row)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await ring(org_a.ctx, roots=roots, vault=vault).open(sealed, place)
    with pytest.raises(SentError):
        await ring(org_a.ctx, roots=roots, vault=vault).seal("x", b"x", place)
    # What an old dump holds comes back, and the root with it.
    with cluster.connect(server.dbname) as admin:
        for number, wrapped in before:
            admin.execute(
                "update core.data_key set wrapped = %s, state = 'active' where number = %s"
                " and organization_id = %s",
                [wrapped, number, org_a.org],
            )
    roots.store(recovery.recover(paper, vault))
    with pytest.raises(NotFound) as refused:
        await ring(org_a.ctx, roots=roots, vault=vault).open(sealed, place)
    assert refused.value.code == "crypto.destroyed"
    kept = sealing.place(org_b.org, other)  # type: ignore[arg-type]
    assert await ring(org_b.ctx, roots=roots, vault=vault).open(other_sealed, kept) == b"kept"
    # The check can fail: with the vault of before, all of it opens.
    assert await ring(org_a.ctx, roots=roots, vault=Vault(tmp_path / "look")).open(sealed, place) == b"secret"
