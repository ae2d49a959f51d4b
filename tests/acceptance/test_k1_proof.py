"""K1 t: whoever changes the sealed trail is found, and the first bad entry is named."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sealed_trail import FixedClock, Trail, small_seals
from tenants import MemberDb, OrgFixture

from sent.platform.audit import canonical, store
from sent.platform.audit.canonical import START, Line, Seal, chain
from sent.platform.audit.export import ExportFile, export
from sent.platform.audit.verify import blocks, verify
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import uow
from sent.platform.errors import Conflict, Invalid

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster


@pytest.fixture
async def trail(
    cluster: Cluster,
    server: Server,
    org_a: OrgFixture,
    system_db: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Trail]:
    """Return a trail of some seals with a handful of entries each, anchored."""
    monkeypatch.setenv("SENT_AUDIT_ANCHOR", str(tmp_path / "anchors.jsonl"))
    small_seals(monkeypatch)
    found = Trail(cluster, server, org_a, system_db, tmp_path, FixedClock())
    await found.record(*(f"c{n:02}" for n in range(20)))
    await found.seal()
    assert found.anchors.exists(), "the first round writes an anchor"
    yield found


async def found(trail: Trail, kind: str, seq: int) -> None:
    """Check that verification names this entry first."""
    report = await trail.check()
    assert report.finding is not None, "nothing was noticed"
    assert (report.finding.kind, report.finding.seq) == (kind, seq), report.finding


async def test_k1_an_untouched_trail_holds(trail: Trail) -> None:
    report = await trail.check()
    assert report.ok and report.entries == len(trail.entries()) and report.seals >= 4
    assert report.anchors == 1 and report.unsealed == 0 and report.begins_after == 0
    await trail.record("late")
    report = await trail.check()
    assert report.ok and report.unsealed == 1


CHANGES = (
    'after = after || \'{"name": "another"}\'',
    "before = '{}'",
    "actor = gen_random_uuid()",
    "actor = null",
    "action = 'update'",
    "table_name = 'core.role'",
    "row_id = gen_random_uuid()",
    "trace = gen_random_uuid()",
    "at = at + interval '1 microsecond'",
    "id = gen_random_uuid()",
)


async def test_k1_an_edit_of_whatever_column_is_named(trail: Trail) -> None:
    seq, identity, table = trail.entries()[-9]
    for change in CHANGES:
        with trail.damaged() as admin:
            admin.execute(f"update ts.audit_entry set {change} where seq = %s", [seq])
            await found(trail, "edited", seq)
            report = await trail.check()
            assert report.finding is not None
            if not change.startswith(("id", "table")):
                assert (report.finding.id, report.finding.table) == (str(identity), table)
    assert (await trail.check()).ok


async def test_k1_a_deleted_or_moved_entry_is_named(trail: Trail) -> None:
    entries = trail.entries()
    for position in (0, 4, 5, 11, -1):
        seq = entries[position][0]
        for statement in (
            "delete from ts.audit_entry where seq = %s",
            "update ts.audit_entry set organization_id = gen_random_uuid() where seq = %s",
            "update ts.audit_entry set seq = seq + 100000 where seq = %s",
        ):
            with trail.damaged() as admin:
                admin.execute(statement, [seq])
                await found(trail, "deleted", seq)


async def test_k1_entries_that_changed_places_are_named(trail: Trail) -> None:
    entries = trail.entries()
    # Within one seal it is told from an edit; across seals the other entry is not at hand.
    for one, two, kind in ((6, 7, "reordered"), (0, 1, "reordered"), (2, 16, "edited")):
        with trail.damaged() as admin:
            admin.execute(
                "update ts.audit_entry set seq = case seq when %(a)s then %(b)s else %(a)s end"
                " where seq in (%(a)s, %(b)s)",
                {"a": entries[one][0], "b": entries[two][0]},
            )
            await found(trail, kind, entries[one][0])


async def test_k1_an_inserted_entry_is_named(trail: Trail) -> None:
    entries = trail.entries()
    for seq in (entries[8][0], entries[0][0] - 1, -5, entries[-1][0]):
        with trail.damaged() as admin:
            admin.execute(
                "insert into ts.audit_entry (organization_id, at, seq, action, table_name)"
                " values (%s, now(), %s, 'insert', 'core.client')",
                [trail.org.org, seq],
            )
            await found(trail, "inserted", seq)


async def test_k1_a_tail_cut_off_with_its_seals_is_told_by_the_anchor(trail: Trail) -> None:
    async with uow(trail.ctx) as tx:
        seals = await store.seals(tx, 0, 100)
    kept = seals[-3]
    with trail.damaged() as admin:
        admin.execute(
            "delete from audit.seal where organization_id = %s and number > %s", [trail.org.org, kept.number]
        )
        admin.execute(
            "delete from ts.audit_entry where organization_id = %s and seq > %s", [trail.org.org, kept.to_seq]
        )
        await found(trail, "truncated", kept.to_seq + 1)
        trail.anchors.unlink()
        assert (await trail.check()).ok, "without an anchor nothing can tell: the documented limit"
    with trail.damaged() as admin:
        admin.execute("delete from audit.seal where organization_id = %s and number = 2", [trail.org.org])
        admin.execute(
            "delete from ts.audit_entry where organization_id = %s and seq between %s and %s",
            [trail.org.org, seals[1].from_seq, seals[1].to_seq],
        )
        await found(trail, "deleted", seals[0].to_seq + 1)


async def rewritten(trail: Trail, name: str | None) -> None:
    """Edit an entry and recompute the whole chain; sign with the key `name`, or leave the signatures."""
    seq = trail.entries()[3][0]
    with trail.attacker() as admin:
        admin.execute("update ts.audit_entry set after = after || '{\"x\": 1}' where seq = %s", [seq])
    async with uow(trail.ctx) as tx:
        seals = await store.seals(tx, 0, 100)
        lines = await store.lines(tx, 0, 2**62, 10_000)
    await rewrite(trail, seals, lines, name)


async def rewrite(trail: Trail, seals: list[Seal], lines: list[Line], name: str | None) -> None:
    """Write the seals anew over the lines."""
    head = START
    signing = trail.signing(name) if name else None
    for seal in seals:
        inside = [(line.seq, line.digest()) for line in lines if seal.from_seq <= line.seq <= seal.to_seq]
        prev, head = head, chain(head, inside)
        with trail.attacker() as admin:
            signature, key = seal.signature, seal.key_id
            if signing is not None:
                signing.load()
                key = signing.key_id
                from dataclasses import replace

                fresh = replace(seal, prev=prev, head=head, key_id=key)
                signature = signing.sign(canonical.message(fresh))
            admin.execute(
                "update audit.seal set prev = %s, head = %s, digests = %s, signature = %s, key_id = %s"
                " where organization_id = %s and number = %s",
                [prev, head, b"".join(d for _, d in inside), signature, key, trail.org.org, seal.number],
            )
            if signing is not None:
                admin.execute(
                    "insert into audit.signing_key (organization_id, key_id, public_key) values"
                    " ('00000000-0000-0000-0000-000000000000', %s, %s) on conflict do nothing",
                    [key, signing.public],
                )


async def test_k1_a_replaced_chain_is_told(trail: Trail) -> None:
    """Recomputed without the signing key, with the attacker's own key, and with the stolen one."""
    first = trail.entries()[0][0]
    for name, kind in ((None, "seal_forged"), ("attackers", "chain_replaced"), ("key", "chain_replaced")):
        with trail.damaged():
            await rewritten(trail, name)
            report = await trail.check()
            assert report.finding is not None and report.finding.kind == kind
            if name != "key":
                assert report.finding.seq == first
            else:
                assert "anchor" in report.finding.text


async def test_k1_a_prefix_passed_off_as_retention_is_told(trail: Trail) -> None:
    with trail.attacker() as admin:
        admin.execute("delete from audit.seal where organization_id = %s and number < 3", [trail.org.org])
        upto = admin.execute(
            "update audit.seal set genesis = true, at = at - interval '60 days', seqs = '{}', digests = ''"
            " where organization_id = %s and number = 3 returning to_seq",
            [trail.org.org],
        ).fetchone()[0]
        admin.execute(
            "delete from ts.audit_entry where organization_id = %s and seq <= %s", [trail.org.org, upto]
        )
    report = await trail.check()
    assert report.finding is not None and report.finding.kind == "seal_forged"
    with trail.attacker() as admin:
        admin.execute(
            "update audit.seal set at = at + interval '60 days' where organization_id = %s and number = 3",
            [trail.org.org],
        )
    report = await trail.check()
    assert report.finding is not None and report.finding.kind == "deleted"


async def test_k1_each_organisation_has_a_chain_of_its_own(trail: Trail, org_b: OrgFixture) -> None:
    from sent.platform.audit import proof
    from sent.platform.ids import PLATFORM_ORG

    await trail.seal()
    async with uow(trail.ctx) as tx:
        keys = await store.signing_keys(tx)
    for org in (trail.org.org, org_b.org, PLATFORM_ORG):
        report = await proof.check(Ctx(trail.system_db, org, org), keys, {})
        assert report.ok and report.entries > 0 and report.unsealed == 0 and report.from_number == 1


async def test_k1_two_sealers_at_once_write_one_chain(trail: Trail) -> None:
    sealers = [trail.sealer() for _ in range(4)]
    for turn in range(5):
        await asyncio.gather(trail.record(*(f"t{turn}-{n}" for n in range(8))), *(s.turn() for s in sealers))
    for _ in range(3):
        await asyncio.gather(*(s.turn() for s in sealers))
    report = await trail.check()
    assert report.ok and report.unsealed == 0 and report.entries == len(trail.entries())


async def test_k1_a_seal_that_does_not_continue_the_chain_is_refused(trail: Trail) -> None:
    sealer = trail.sealer()
    async with uow(trail.ctx) as tx:
        seals = await store.seals(tx, 0, 100)
        lines = await store.lines(tx, 0, 2**62, 3)
    for last in (None, seals[0], seals[-2]):
        with pytest.raises(Conflict):
            async with uow(trail.ctx) as tx:
                await store.add_seal(tx, sealer.signed(trail.org.org, last, lines), lines[-1].at)


async def test_k1_a_late_commit_with_a_small_number_is_sealed_in_its_place(
    trail: Trail, app_db: Database
) -> None:
    """A transaction draws its number and stays open while later ones commit: nothing passes it."""
    sealer = trail.sealer()
    async with uow(Ctx(app_db, trail.org.org, trail.org.owner)) as slow:
        await slow.execute("insert into core.client (name, code) values ('slow', 'slow')")
        await trail.record("after1", "after2")
        for _ in range(3):
            assert await sealer.turn() == 0
        report = await trail.check()
        assert report.ok and report.unsealed == 2
    # The round that waited seals up to the number it had noted, the next one the rest.
    assert await sealer.turn() + await sealer.turn() >= 3
    report = await trail.check()
    assert report.ok and report.unsealed == 0


DAMAGE = {
    "delete from ts.audit_entry": "deleted",
    "update ts.audit_entry set action = action || ' '": "edited",
    "update ts.audit_entry set after = jsonb_set(after, '{note}', '\"x\"')": "edited",
}


async def test_k1_random_damage_is_always_noticed(trail: Trail) -> None:
    chance = random.Random(7)
    for _ in range(15):
        victims = sorted(chance.sample(trail.entries()[-20:], chance.randint(1, 4)))
        what = chance.choice(list(DAMAGE))
        with trail.damaged() as admin:
            admin.execute(f"{what} where seq = any (%s)", [[seq for seq, _, _ in victims]])
            await found(trail, DAMAGE[what], victims[0][0])
    assert (await trail.check()).ok


async def test_k1_a_member_verifies_by_himself(trail: Trail, member_db: MemberDb) -> None:
    db = await member_db(trail.org)
    ctx = Ctx(db, trail.org.org, trail.org.owner)
    async with uow(ctx) as tx:
        keys = await store.signing_keys(tx)
    report = await verify(trail.org.org, blocks(ctx), keys)
    assert report.ok and report.entries == len(trail.entries())


async def test_k1_an_export_is_verified_without_a_database(trail: Trail, tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    with path.open("w") as out:
        counts = await export(trail.ctx, out)
    file = ExportFile(path)
    report = await verify(file.organization, file.blocks(), file.keys, partial=True)
    assert report.ok and report.entries == counts["entries"] == len(trail.entries())
    text = path.read_text().splitlines()
    entry = next(n for n, line in enumerate(text) if '"client c07"' in line.replace("\\", ""))
    for change in ("edit", "drop", "swap"):
        lines = list(text)
        if change == "edit":
            lines[entry] = lines[entry].replace("client c07", "client c99")
        elif change == "drop":
            del lines[entry]
        else:
            lines[entry], lines[entry + 1] = lines[entry + 1], lines[entry]
        path.write_text("\n".join(lines) + "\n")
        broken = ExportFile(path)
        report = await verify(broken.organization, broken.blocks(), broken.keys, partial=True)
        assert not report.ok, change
    path.write_text("x")
    with pytest.raises(Invalid):
        ExportFile(path)


async def test_k1_a_rotated_signing_key_leaves_former_seals_valid(trail: Trail) -> None:
    trail.signing().rotate()
    await trail.record("with the new key")
    await trail.seal()
    report = await trail.check()
    assert report.ok and report.unsealed == 0
    assert len(trail.signing().trusted()) == 2
