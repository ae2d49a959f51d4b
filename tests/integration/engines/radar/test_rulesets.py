"""Rule sets on a real database: previewed, applied as previewed, brought back; also the shared archive."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tarfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from tenants import add_member, member_database

from sent.engines.radar import api
from sent.engines.radar.rulebook import rulesets
from sent.engines.radar.store import catalogue
from sent.platform.context import Ctx
from sent.platform.db.engine import Server
from sent.platform.db.uow import uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound

ID = "00000000-0000-4000-8000-00000000000{n}"
TEXT = (
    "title: Rule {n}\nid: 00000000-0000-4000-8000-00000000000{n}\nname: rule_{n}\nstatus: {status}\n"
    "level: {level}\nauthor: Ann\nlogsource: {{product: linux}}\n"
    "detection: {{a: {{F: {value}}}, condition: a}}\n"
)
FILTER = (
    "title: Ours\nid: 00000000-0000-4000-8000-0000000000f1\nlogsource: {product: linux}\n"
    "filter:\n  rules: [rule_3]\n  selection: {H: ours}\n  condition: not selection\n"
)


def write(folder: Path, n: int, *, status: str = "test", level: str = "high", value: str = "x") -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{n}.yml").write_text(TEXT.format(n=n, status=status, level=level, value=value))


@pytest.fixture
def first(tmp_path: Path) -> Path:
    for n in (1, 2, 3):
        write(tmp_path / "first", n)
    return tmp_path / "first"


@pytest.fixture
def second(tmp_path: Path) -> Path:
    folder = tmp_path / "second"
    write(folder, 1)
    write(folder, 2, value="y")
    write(folder, 4)
    write(folder, 5, status="experimental", level="low")
    (folder / "6.yml").write_text("title: Broken\nid: 00000000-0000-4000-8000-000000000006\n")
    return folder


async def by_title(ctx: Ctx) -> dict[str, api.RuleRow]:
    return {rule.title: rule for rule in await api.rules(ctx) if rule.rule_set != "SENT"}


async def the_set(ctx: Ctx, name: str = "Theirs") -> api.SetRow:
    return next(each for each in await api.rule_sets(ctx) if each.name == name)


@pytest.fixture
async def staff(org_a, member_db) -> Ctx:
    return replace(org_a.ctx, db=await member_db(org_a))


async def test_an_import_is_previewed_and_then_done_exactly_so(staff, first: Path, second: Path) -> None:
    fresh = await api.preview_import(staff, first, "Theirs")
    assert not fresh.existed and fresh.counts == {
        "added": 3, "changed": 0, "removed": 0, "unchanged": 0, "idle": 0,
    }  # fmt: skip
    assert await by_title(staff) == {}, "looking changes nothing"
    await api.apply_import(staff, fresh)
    one = await the_set(staff)
    assert (one.rules, one.idle, one.off, one.origin, one.undo) == (3, 0, 0, "first", True)
    assert one.imported_by == "Alpha Owner"

    rows = await by_title(staff)
    await api.enable_rule(staff, rows["Rule 2"].id, False)
    await api.enable_rule(staff, rows["Rule 3"].id, False)
    told: list[tuple[str, int, int | None]] = []
    preview = await api.preview_import(staff, second, "Theirs", lambda *said: told.append(said))
    assert preview.counts == {"added": 3, "changed": 1, "removed": 1, "unchanged": 1, "idle": 1}
    changes = {change.title: change for change in preview.changes}
    assert changes["Rule 2"].parts == ("detection",) and changes["Rule 2"].off
    assert changes["Rule 3"].change == "removed" and changes["Rule 3"].off
    assert changes["Broken"].idle and "no valid Sigma rule" in str(changes["Broken"].reason)
    assert {stage for stage, _, _ in told} == {"parse", "compare"}
    done = await api.apply_import(staff, preview, api.NewRules(frozenset({"stable", "test"}), "medium"))
    assert done.off == 2, "the experimental one, and the broken one, which has no status"
    rows = await by_title(staff)
    assert {title: row.enabled for title, row in rows.items()} == {
        "Rule 1": True, "Rule 2": False, "Rule 4": True, "Rule 5": False, "Broken": False,
    }  # fmt: skip


async def test_what_was_switched_off_stays_off_through_a_broken_edition(staff, first, tmp_path) -> None:
    await api.import_rules(staff, first, "Theirs")
    await api.enable_rule(staff, (await by_title(staff))["Rule 2"].id, False)
    broken = tmp_path / "broken"
    write(broken, 2)
    (broken / "2.yml").write_text((broken / "2.yml").read_text().replace("condition: a", "condition: zzz"))
    await api.import_rules(staff, broken, "Theirs")
    (row,) = (await by_title(staff)).values()
    assert row.reason and not row.enabled
    await api.import_rules(staff, first, "Theirs")
    assert not (await by_title(staff))["Rule 2"].enabled


async def test_a_set_that_changed_after_the_look_is_not_overwritten(staff, first, second) -> None:
    late = await api.preview_import(staff, first, "Theirs")
    await api.import_rules(staff, second, "Theirs")
    with pytest.raises(Conflict) as caught:
        await api.apply_import(staff, late)
    assert caught.value.code == "radar.rule_set.changed"
    late = await api.preview_import(staff, first, "Theirs")
    await api.enable_rule(staff, (await by_title(staff))["Rule 4"].id, False)
    with pytest.raises(Conflict):
        await api.apply_import(staff, late)
    assert "Rule 4" in await by_title(staff)


async def test_one_undo_brings_back_what_the_set_held(staff, first, second) -> None:
    await api.import_rules(staff, first, "Theirs")
    rows = await by_title(staff)
    await api.enable_rule(staff, rows["Rule 1"].id, False)
    before = await the_set(staff)
    await api.import_rules(staff, second, "Theirs")
    assert await api.undo_import(staff, "Theirs") is True
    rows = await by_title(staff)
    assert {title: row.enabled for title, row in rows.items()} == {
        "Rule 1": False, "Rule 2": True, "Rule 3": True,
    }  # fmt: skip
    after = await the_set(staff)
    assert replace(after, undo=True) == before
    with pytest.raises(NotFound) as caught:
        await api.undo_import(staff, "Theirs")
    assert caught.value.code == "radar.rule_set.before"


async def test_undoing_a_first_import_takes_the_set_away(staff, first) -> None:
    await api.import_rules(staff, first, "Theirs")
    assert await api.undo_import(staff, "Theirs") is False
    assert [each.name for each in await api.rule_sets(staff)] == []


@pytest.mark.parametrize(
    "kept",
    [
        zlib.compress(b"[" + b" " * 5000 + b"]"),
        zlib.compress(b'{"files": [["a.yml", "%s"]], "off": []}' % (b"x" * 1500)),
        zlib.compress(b'{"files": [7], "off": []}'),
        b"no zlib",
    ],
)
async def test_a_bomb_in_place_of_what_a_set_held_is_refused(staff, first, monkeypatch, kept) -> None:
    """Members may write the table; whoever undoes unpacks it."""
    await api.import_rules(staff, first, "Theirs")
    monkeypatch.setattr(rulesets, "MAX_BEFORE", 4000)
    monkeypatch.setattr(catalogue, "MAX_RULE_TEXT", 1000)
    async with uow(staff) as tx:
        await tx.execute("update radar.rule_set_before set existed = true, content = %s", [kept])
    with pytest.raises(Invalid):
        await api.undo_import(staff, "Theirs")


async def test_a_set_is_removed_and_brought_back(staff, first) -> None:
    await api.import_rules(staff, first, "Theirs")
    await api.remove_rule_set(staff, "Theirs")
    assert await by_title(staff) == {}
    with pytest.raises(NotFound):
        await api.remove_rule_set(staff, "Theirs")
    assert await api.undo_import(staff, "Theirs")
    assert len(await by_title(staff)) == 3


async def test_what_refers_to_rules_that_go_and_ids_of_other_sets_are_told(
    staff, first, second, tmp_path
) -> None:
    await api.import_rules(staff, first, "Theirs")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "f.yml").write_text(FILTER)
    await api.import_rules(staff, tmp_path / "own", "Narrowed")
    preview = await api.preview_import(staff, second, "Theirs")
    assert preview.referring == (api.Referring("filter", "Ours", "Narrowed", ("Rule 3",)),)
    twins = (await api.preview_import(staff, second, "Copies")).twins
    assert {(twin.title, twin.rule_set) for twin in twins} == {("Rule 1", "Theirs"), ("Rule 2", "Theirs")}


async def test_sets_that_sent_keeps_itself_are_left_alone(staff, first) -> None:
    for name in ("SENT", api.OWN_FILTERS, " "):
        with pytest.raises(Invalid):
            await api.preview_import(staff, first, name)
        with pytest.raises(Invalid):
            await api.remove_rule_set(staff, name)


async def test_who_may_not_manage_sees_the_difference_and_changes_nothing(
    server: Server, org_a, staff, first, second
) -> None:
    await api.import_rules(staff, first, "Theirs")
    _, viewer = await add_member(org_a.ctx, "viewer@alpha.test", "V", "analyst")
    async with member_database(server, viewer) as db:
        ctx = replace(org_a.ctx, db=db)
        preview = await api.preview_import(ctx, second, "Theirs")
        assert preview.counts["changed"] == 1
        with pytest.raises((Denied, Conflict)):
            await api.apply_import(ctx, preview)
        with pytest.raises((Denied, NotFound)):
            await api.remove_rule_set(ctx, "Theirs")
        with pytest.raises((Denied, NotFound)):
            await api.undo_import(ctx, "Theirs")
    assert set(await by_title(staff)) == {"Rule 1", "Rule 2", "Rule 3"}


async def test_other_organisations_have_sets_of_their_own(org_a, org_b, first, second) -> None:
    await api.import_rules(org_a.ctx, first, "Theirs")
    await api.import_rules(org_b.ctx, second, "Theirs")
    assert (await the_set(org_a.ctx)).rules == 3
    with pytest.raises(NotFound):
        await api.undo_import(org_a.ctx, "Other")
    assert await api.undo_import(org_b.ctx, "Theirs") is False
    assert (await the_set(org_a.ctx)).undo


async def test_whoever_stops_waiting_stops_the_reading(org_a, tmp_path: Path) -> None:
    for n in range(1, 400):
        folder = tmp_path / "many"
        folder.mkdir(exist_ok=True)
        text = TEXT.format(n=1, status="test", level="low", value=n).replace("00000001\n", f"{n:08d}\n")
        (folder / f"{n}.yml").write_text(text)
    stages: list[str] = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(stage: str, _done: int, _all: int | None) -> None:
        stages.append(stage)
        loop.call_soon_threadsafe(begun.set)

    work = asyncio.ensure_future(api.preview_import(org_a.ctx, folder, "Many", told))  # noqa: TID251
    await asyncio.wait_for(begun.wait(), 20)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert "compare" not in stages


def reduced(archive: Path, target: Path) -> int:
    """Copy the archive with some rules less and some edited; return how many are left."""
    left = 0
    with tarfile.open(archive) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            stream = old.extractfile(member)
            if stream is None or not member.name.endswith(".yml"):
                continue
            content = stream.read()
            left += 1
            if left % 100 == 0:
                continue
            if left % 60 == 0:
                content = content.replace(b"level: medium", b"level: high") + b"# edited\n"
            import io

            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return left - left // 100


async def test_the_shared_archive_comes_in_is_brought_up_to_date_and_back(
    staff, test_data: Path, tmp_path: Path
) -> None:
    archive = test_data / "sigma" / "rules.tar.gz"
    loop = asyncio.get_running_loop()
    begun = loop.time()
    preview = await api.preview_import(staff, archive, "SigmaHQ")
    await api.apply_import(staff, preview, api.NewRules(frozenset({"stable", "test"}), "medium"))
    one = await the_set(staff, "SigmaHQ")
    assert one.rules + one.idle == sum(preview.counts[n] for n in ("added", "changed", "unchanged")) >= 3000
    assert one.off > 300
    again = await api.preview_import(staff, archive, "SigmaHQ")
    assert again.counts["unchanged"] == len(again.changes) and again.digest == preview.digest
    newer = tmp_path / "newer.tar.gz"
    left = reduced(archive, newer)
    update = await api.preview_import(staff, newer, "SigmaHQ")
    assert update.counts["removed"] == len(preview.changes) - left
    assert update.counts["added"] == 0 and update.counts["changed"] > 30
    assert any("level" in change.parts for change in update.changes)
    await api.apply_import(staff, update)
    assert (await the_set(staff, "SigmaHQ")).off > 250, "nothing was switched on by the way"
    assert await api.undo_import(staff, "SigmaHQ")
    assert replace(await the_set(staff, "SigmaHQ"), undo=True) == one
    async with uow(staff) as tx:
        assert await catalogue.rule_set_digest(tx, "SigmaHQ") == preview.digest
    assert loop.time() - begun < 180


@pytest.fixture
def radar(server: Server, org_a):
    """Return a function that runs `sent radar rules ...` on this test's database."""
    url = f"postgresql://sent@/{server.dbname}?host={server.host}&port={server.port}"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sent", "radar", "rules", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "SENT_DATABASE_URL": url},
        )

    return run


def said(done: subprocess.CompletedProcess[str]) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_command_line_shows_applies_and_undoes_a_difference(radar, first: Path, second: Path) -> None:
    said(radar("import", first, "--name", "Theirs"))
    *changes, summary = said(radar("diff", second, "--name", "Theirs", "--text"))
    assert {line["title"]: line["change"] for line in changes} == {
        "Rule 2": "changed", "Rule 3": "removed", "Rule 4": "added", "Rule 5": "added", "Broken": "added",
    }  # fmt: skip
    (edited,) = [line for line in changes if line["change"] == "changed"]
    assert edited["parts"] == ["detection"] and any(line.startswith("+detection") for line in edited["diff"])
    wrong = radar("import", second, "--name", "Theirs", "--pin", "0" * 16)
    assert wrong.returncode == 1 and summary["pin"] in wrong.stderr
    right = ("--pin", summary["pin"], "--status", "test", "--min-level", "medium")
    (done,) = said(radar("update", "Theirs", second, *right))
    assert (done["added"], done["changed"], done["removed"], done["off"]) == (3, 1, 1, 2)
    missing = radar("update", "Others", second)
    assert missing.returncode == 1 and "there are: Theirs" in missing.stderr
    (listed,) = said(radar("sets"))
    assert (listed["set"], listed["rules"], listed["rejected"], listed["off"]) == ("Theirs", 4, 1, 2)
    assert said(radar("undo", "Theirs")) == [{"set": "Theirs", "there": True}]
    assert said(radar("remove", "Theirs")) == [{"set": "Theirs", "there": False}]
    assert said(radar("sets")) == []
