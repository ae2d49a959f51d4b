"""Sources on a real database: mappings through a worker, states, changes, dead letters, placeholders."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from radar_intake import amount, eventually, running
from tenants import add_member, member_database

from sent.engines.radar import api
from sent.engines.radar.fieldmap.steps import checked
from sent.engines.radar.receiving.access import new_token, opens
from sent.engines.radar.sources import health
from sent.engines.radar.store import letters, states
from sent.engines.radar.telling import Telling
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from tenants import MemberDb, OrgFixture

    from sent.platform.db.engine import Database, Server

RULE = """
title: Recon by whoami
id: 5b1e7d06-9a86-4d0a-8c9e-1f4c0d3f7a11
status: test
author: Tests
logsource: {category: process_creation, product: windows}
detection:
  selection:
    Image|endswith: '\\\\whoami.exe'
    CommandLine|contains: '/all'
  condition: selection
level: high
"""

ECS = {
    "event": {"code": "1"},
    "winlog": {"channel": "Microsoft-Windows-Sysmon/Operational", "computer_name": "pc7"},
    "process": {"command_line": "whoami /all", "executable": "C:\\Windows\\System32\\whoami.exe"},
}


async def write(port: int, *records: object) -> None:
    """Send JSON records as syslog lines over TCP."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    for record in records:
        writer.write(b"<13>1 - pc7 beat - - - " + orjson.dumps(record) + b"\n")
    await writer.drain()
    writer.close()


async def rule_alerts(org: OrgFixture) -> int:
    return await api.alert_count(org.ctx, api.AlertFilter(text="Recon by whoami"))


async def test_an_ecs_source_fires_a_windows_rule_thanks_to_its_mapping_and_not_without(
    system_db: Database, org_a: OrgFixture, tmp_path: Path
) -> None:
    (tmp_path / "rule.yml").write_text(RULE)
    found = await api.import_rules(org_a.ctx, tmp_path / "rule.yml", "own")
    assert [rule.title for rule in found.rules] == ["Recon by whoami"]
    made = await api.add_source(org_a.ctx, "beats", "syslog_tcp", "127.0.0.1:0")
    async with running(system_db, org_a.ctx) as intake:
        await write(intake.ports[made.id], ECS)
        await eventually(lambda: _stored(org_a, 1))
        assert await rule_alerts(org_a) == 0, "without a mapping the rule sees none of its names"
        await api.set_mapping(org_a.ctx, made.id, checked_preset("ecs-windows"), 1)
        await intake.reload()
        await write(intake.ports[made.id], ECS)
        await eventually(lambda: _stored(org_a, 2))
        await eventually(lambda: _alerted(org_a))
    (alert,) = await api.alerts(org_a.ctx, api.AlertFilter(text="Recon by whoami"))
    assert (alert.host, alert.author) == ("pc7", "Tests")
    since = datetime.now(UTC) - timedelta(days=1)
    page = await api.find_events(org_a.ctx, 'CommandLine:"whoami /all"', since, since + timedelta(days=2))
    assert len(page.events) == 1, "the mapped name is searched, of the event that came after"
    assert page.events[0].fields["process.command_line"] == "whoami /all"
    tried = await api.backtest(org_a.ctx, RULE, since, since + timedelta(days=2))
    assert tried.tried[0].hits == 1


def checked_preset(id: str) -> api.FieldMapping:
    return next(one.mapping for one in api.presets() if one.id == id)


async def _stored(org: OrgFixture, wanted: int) -> bool:
    return await amount(org.ctx) == wanted


async def _alerted(org: OrgFixture) -> bool:
    return await rule_alerts(org) == 1


async def state(org: OrgFixture) -> api.SourceHealth:
    """Return the organisation's only source with how it fares."""
    (one,) = await api.source_board(org.ctx)
    return one


async def test_what_a_worker_says_of_a_source_is_known_and_stale_when_it_says_no_more(
    system_db: Database, org_a: OrgFixture, member_db: MemberDb
) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    made = await api.add_source(org_a.ctx, "F", "syslog_tcp", f"127.0.0.1:{taken.getsockname()[1]}")
    assert (await state(org_a)).state == "unknown", "nobody has said anything"
    async with running(system_db, org_a.ctx) as intake:
        told = await state(org_a)
        assert told.state == "problem"
        assert "in use" in told.fares.problem
        assert await api.source_counts(org_a.ctx) == api.SourceCounts(enabled=1, problems=1)
        taken.close()
        await api.enable_source(org_a.ctx, made.id, False)
        assert (await state(org_a)).state == "off"
        assert await api.source_counts(org_a.ctx) == api.SourceCounts(enabled=0, problems=0)
        await api.remove_source(org_a.ctx, made.id)
        port = await api.add_source(org_a.ctx, "T", "syslog_tcp", "127.0.0.1:0")
        await intake.reload()
        told = await state(org_a)
        assert (told.state, told.fares.port) == ("working", intake.ports[port.id])
        await api.keep_source(org_a.ctx, port.id, 7)
        assert (await state(org_a)).state == "opening", "until the worker has taken the change up"
    async with uow(org_a.ctx) as tx:
        await tx.execute("update radar.source_state set seen_at = now() - interval '31 seconds'")
        await tx.execute("update radar.source_state set problem = 'old news'")
    told = await state(org_a)
    assert (told.state, told.fares.keep_days) == ("unknown", 7)
    assert (await api.source_counts(org_a.ctx)).problems == 0, "what nobody says any more is not counted"
    staff = replace(org_a.ctx, db=await member_db(org_a))
    assert [one.state for one in await api.source_board(staff)] == ["unknown"]
    with pytest.raises(Denied):
        async with uow(staff) as tx:
            await tx.execute("update radar.source_state set problem = 'made up'")


async def test_states_are_told_at_once_when_they_change_and_else_seldom(org_a: OrgFixture) -> None:
    made = await api.add_source(org_a.ctx, "T", "syslog_tcp", "127.0.0.1:0")
    now, written = [0.0], []
    telling = Telling(lambda _org: org_a.ctx, clock=lambda: now[0])

    async def told(problem: str, dropped: int) -> None:
        await telling.tell([states.Told(org_a.org, made.id, 1, problem, 7, dropped, 0)])
        one = await state(org_a)
        written.append((one.fares.problem, one.fares.dropped, one.fares.problem_since))

    await told("", 0)
    await told("", 5)
    assert written[1][1] == 0, "counts wait for their turn"
    await told("no route", 6)
    assert written[2][:2] == ("no route", 6)
    now[0] = 11.0
    await told("no route", 9)
    assert written[3] == ("no route", 9, written[2][2]), "since when it has that problem stays"
    await telling.tell([states.Told(org_a.org, uuid7(), 1, "gone", None, 0, 0)])
    assert (await state(org_a)).fares.problem == "no route"


async def test_figures_of_a_source_are_by_hour_and_per_second(org_a: OrgFixture) -> None:
    made = await api.add_source(org_a.ctx, "T", "syslog_tcp", "127.0.0.1:0")
    now = datetime.now(UTC)
    sent = [now - timedelta(hours=3, minutes=1)] * 4 + [now - timedelta(minutes=2)] * 30
    await api.backfill(org_a.ctx, [api.PastMessage(made.id, at, b"<13>x: hello") for at in sent])

    async def counted() -> bool:
        return sum((await state(org_a)).hours) == 34

    await eventually(counted)
    one = await state(org_a)
    assert len(one.hours) == 24
    assert one.fares.per_second == pytest.approx(0.1)
    assert one.fares.last_event_at is not None
    fares = replace(one.fares, stale=False, told_version=1)
    assert health(one.source, fares, now) == "working"
    assert health(one.source, fares, now + timedelta(hours=2)) == "silent"
    assert health(one.source, replace(fares, last_event_at=None), now) == "working", "it never sent anything"


async def test_a_source_is_changed_only_as_it_was_read(org_a: OrgFixture, server: Server) -> None:
    made = await api.add_source(org_a.ctx, "A", "syslog_udp", ":5514")
    await api.edit_source(
        org_a.ctx, made.id, 1, name="B", address=":5515", product="linux", zone="Europe/Vienna", keep_days=30
    )
    one = await state(org_a)
    assert (one.source.name, one.source.address, one.source.product) == ("B", "127.0.0.1:5515", "linux")
    assert (one.fares.zone, one.fares.keep_days, one.source.version) == ("Europe/Vienna", 30, 2)
    with pytest.raises(Conflict, match="somebody else"):
        await api.edit_source(org_a.ctx, made.id, 1, name="C", address=":5515")
    with pytest.raises(Conflict, match="somebody else"):
        await api.set_mapping(org_a.ctx, made.id, checked([{"step": "drop", "fields": ["a"]}]), 1)
    with pytest.raises(NotFound):
        await api.edit_source(org_a.ctx, uuid7(), 1, name="C", address=":5515")
    for wrong in ({"address": "nowhere"}, {"zone": "Mars/Base"}, {"name": " "}, {"keep_days": 0}):
        with pytest.raises(Invalid):
            await api.edit_source(org_a.ctx, made.id, 2, **({"name": "C", "address": ":1"} | wrong))
    await api.add_source(org_a.ctx, "other", "syslog_udp", ":5516")
    with pytest.raises(Conflict):
        await api.edit_source(org_a.ctx, made.id, 2, name="other", address=":5515")
    person, membership = await add_member(org_a.ctx, "low@alpha.test", "Low", "analyst")
    async with member_database(server, membership) as db:
        low = replace(org_a.ctx, db=db, actor=person)
        assert len(await api.source_board(low)) == 2
        with pytest.raises(Denied):
            await api.edit_source(low, made.id, 2, name="C", address=":5515")
        with pytest.raises(Denied):
            await api.set_mapping(low, made.id, checked([{"step": "drop", "fields": ["a"]}]), 2)


async def test_a_fresh_token_ends_the_old_one(org_a: OrgFixture) -> None:
    old = new_token()
    made = await api.add_source(org_a.ctx, "H", "http", "127.0.0.1:0", token=old)
    fresh = await api.rotate_token(org_a.ctx, made.id, 1)
    async with uow(org_a.ctx) as tx:
        digest = await scalar(tx, "select token_digest from radar.source")
    assert opens(digest, f"Bearer {fresh}".encode())
    assert not opens(digest, f"Bearer {old}".encode())
    other = await api.add_source(org_a.ctx, "U", "syslog_udp", ":5514")
    with pytest.raises(Invalid, match="only http"):
        await api.rotate_token(org_a.ctx, other.id, 1)


async def test_a_mapping_that_fails_loses_no_event(system_db: Database, org_a: OrgFixture) -> None:
    made = await api.add_source(org_a.ctx, "T", "syslog_tcp", "127.0.0.1:0")
    many = {"step": "map", "fields": {f"f{i}": [f"t{i}.{j}" for j in range(20)] for i in range(200)}}
    await api.set_mapping(org_a.ctx, made.id, checked([many]), 1)
    async with running(system_db, org_a.ctx) as intake:
        before = intake.metrics()["mapping_failed_total"]
        await write(intake.ports[made.id], {f"f{i}": i for i in range(200)}, {"f1": "one"})
        await eventually(lambda: _stored(org_a, 2))
        assert intake.metrics()["mapping_failed_total"] == before + 1
    async with uow(org_a.ctx) as tx:
        assert await scalar(tx, "select count(*) from radar.event where fields ? 't1.0'") == 1


async def test_a_preview_shows_stored_and_pasted_events_before_and_after(org_a: OrgFixture) -> None:
    made = await api.add_source(org_a.ctx, "H", "http", "127.0.0.1:0", token=new_token())
    now = datetime.now(UTC)
    payloads = [orjson.dumps(ECS), orjson.dumps({"x": 1})]
    await api.backfill(org_a.ctx, [api.PastMessage(made.id, now, data) for data in payloads])
    ecs = checked_preset("ecs-windows")
    found = await api.preview_mapping(org_a.ctx, made.id, ecs)
    assert (len(found.events), found.went_through) == (2, False)
    changed = next(event for event in found.events if "event.code" in event.before)
    assert changed.after["CommandLine"] == "whoami /all"
    assert {"CommandLine", "Channel", "EventID"} <= changed.changed
    assert "event.code" not in changed.changed
    assert changed.source_after == "windows/process_creation/sysmon"
    unchanged = next(event for event in found.events if "x" in event.before)
    assert unchanged.changed == frozenset()
    (pasted,) = (await api.preview_mapping(org_a.ctx, made.id, ecs, pasted=orjson.dumps(ECS).decode())).events
    assert pasted.after["Image"].endswith("whoami.exe")
    assert pasted.rules >= 1, "SENT's own rules for processes look at it"
    with pytest.raises(Invalid, match="no JSON object"):
        await api.preview_mapping(org_a.ctx, made.id, ecs, pasted="plain text")


async def test_letters_are_found_and_decided_on_by_filter(org_a: OrgFixture, member_db: MemberDb) -> None:
    one = await api.add_source(org_a.ctx, "one", "http", "127.0.0.1:0", token=new_token())
    two = await api.add_source(org_a.ctx, "two", "syslog_udp", "127.0.0.1:5514")
    now = datetime.now(UTC)
    kept = [letters.Unread(one.id, "http", now, "is no JSON object", b'{"a": nul}') for _ in range(7)]
    kept += [
        letters.Unread(two.id, "syslog_udp", now, "no reader takes it: ValueError", b"x\x00y")
        for _ in range(3)
    ]
    async with uow(org_a.ctx) as tx:
        assert await letters.keep(tx, kept) == 0
    staff = replace(org_a.ctx, db=await member_db(org_a))
    of_one = api.LetterFilter(sources=("ONE",))
    first = await api.find_letters(staff, of_one, limit=5)
    rest = await api.find_letters(staff, of_one, before=first[-1].id, limit=5)
    assert (len(first), len(rest)) == (5, 2)
    assert len(await api.find_letters(staff, api.LetterFilter(words=("READER", "valueerror")))) == 3
    assert await api.find_letters(staff, api.LetterFilter(kinds=("file",))) == []
    letter, damage = await api.letter_of(staff, first[0].id)
    assert letter.payload == b'{"a": nul}'
    assert damage is not None
    assert damage.at == 6
    assert await api.decide_letters(staff, of_one, "replay") == 7
    assert await api.letter_counts(staff) == {"replay": 7, "dead": 3}
    assert await api.decide_letters(staff, api.LetterFilter(), "discarded") == 3
    assert await api.decided(staff, [first[0].id]) == {"replay": 1}


async def test_placeholders_tell_which_rules_wait(org_a: OrgFixture, tmp_path: Path) -> None:
    text = RULE.replace("CommandLine|contains: '/all'", "User|expand: '%admins%'")
    (tmp_path / "rule.yml").write_text(text)
    await api.import_rules(org_a.ctx, tmp_path / "rule.yml", "own")
    (use,) = await api.placeholder_uses(org_a.ctx)
    assert (use.name, use.values, use.rules, use.waiting) == ("admins", (), 1, 1)
    assert use.titles == ("Recon by whoami",)
    await api.set_placeholder(org_a.ctx, "admins", ["anna", "bert"])
    await api.set_placeholder(org_a.ctx, "unused", ["x"])
    uses = {use.name: use for use in await api.placeholder_uses(org_a.ctx)}
    assert (uses["admins"].values, uses["admins"].waiting) == (("anna", "bert"), 0)
    assert (uses["unused"].rules, uses["unused"].waiting) == (0, 0)
