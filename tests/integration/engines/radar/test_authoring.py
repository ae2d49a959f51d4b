"""Rules written in the console: saved, copied, switched, deleted, counted and tried; workers take them up."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import orjson
import pytest
from integration.engines.radar.test_backtest import NOW, stored
from radar_intake import eventually, running
from tenants import add_member, member_database

from sent.engines.radar import api
from sent.engines.radar.rulebook.authoring import OWN_RULES, version_of
from sent.engines.radar.rulebook.backtest import Groups
from sent.engines.radar.rulebook.library import ship_rules
from sent.engines.radar.rulebook.ruletext import body_of
from sent.engines.radar.store import past
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound

ROOT = """title: Root logs in
status: test
logsource:
    product: linux
    service: sshd
detection:
    login:
        message|contains: 'Accepted password'
    root:
        user: root
    local:
        src_ip|startswith: '10.'
    condition: login and root and not local
level: high
"""
SINCE = NOW - timedelta(hours=2)


async def listed(ctx: Ctx, title: str) -> api.ListedRule:
    (found,) = [rule for rule in await api.rule_list(ctx) if rule.title == title]
    return found


async def test_a_new_rule_gets_an_id_and_its_author_and_runs(org_a) -> None:
    saved = await api.save_rule(org_a.ctx, ROOT)
    body = body_of(saved.text)
    assert (body["id"], body["author"]) == (saved.rule_id, "Alpha Owner")
    row = await listed(org_a.ctx, "Root logs in")
    assert (row.own, row.rule_set, row.state, row.level, row.product) == (
        True, OWN_RULES, "enabled", "high", "linux",
    )  # fmt: skip
    read = await api.rule_text(org_a.ctx, row.id)
    assert (read.text, read.version, read.kind) == (saved.text, saved.version, "rule")
    assert (await api.rule_text(org_a.ctx, saved.rule_id.upper())).id == row.id
    assert saved.before is None


async def test_a_rule_that_does_not_run_is_refused_with_the_reason_and_nothing_changes(org_a) -> None:
    with pytest.raises(Invalid, match="Unknown modifier 'contain'"):
        await api.save_rule(org_a.ctx, ROOT.replace("contains", "contain"))
    with pytest.raises(Invalid, match="one rule"):
        await api.save_rule(org_a.ctx, ROOT + "---\n" + ROOT)
    assert await api.rule_list(org_a.ctx) == []


async def test_a_rule_that_waits_for_values_is_saved_and_says_so(org_a) -> None:
    text = ROOT.replace("user: root", "user|expand: '%admins%'")
    assert (await api.check_rule(org_a.ctx, text)).waits
    saved = await api.save_rule(org_a.ctx, text)
    assert saved.reason == "needs values for %admins%"
    assert (await listed(org_a.ctx, "Root logs in")).state == "broken"
    await api.set_placeholder(org_a.ctx, "admins", ["root"])
    assert (await listed(org_a.ctx, "Root logs in")).state == "enabled"
    assert (await api.check_rule(org_a.ctx, text)).runs


async def test_a_save_over_what_somebody_else_changed_is_a_conflict(org_a) -> None:
    first = await api.save_rule(org_a.ctx, ROOT)
    second = await api.save_rule(
        org_a.ctx, first.text.replace("high", "low"), rule=first.id, expected=first.version
    )
    assert (second.id, second.before) == (first.id, first.text)
    with pytest.raises(Conflict):
        await api.save_rule(org_a.ctx, first.text, rule=first.id, expected=first.version)
    await api.enable_rules(org_a.ctx, [first.id], False)
    undone = await api.save_rule(org_a.ctx, first.text, rule=first.id, expected=second.version, enabled=False)
    assert undone.version == first.version == version_of(first.text), "a switch is no change of the text"
    await api.remove_rules(org_a.ctx, [first.id])
    with pytest.raises(Conflict):
        await api.save_rule(org_a.ctx, first.text, rule=first.id, expected=first.version)


async def test_an_import_cannot_take_the_place_of_what_was_written(org_a, tmp_path) -> None:
    await api.save_rule(org_a.ctx, ROOT)
    (tmp_path / "a.yml").write_text(ROOT)
    for name in (OWN_RULES, api.OWN_FILTERS):
        with pytest.raises(Invalid, match="another name"):
            await api.import_rules(org_a.ctx, tmp_path, name)
    assert (await listed(org_a.ctx, "Root logs in")).own


async def test_an_id_that_is_taken_is_refused(org_a) -> None:
    first = await api.save_rule(org_a.ctx, ROOT)
    with pytest.raises(Conflict, match="has this id already"):
        await api.save_rule(org_a.ctx, first.text.replace("Root logs", "Somebody logs"))


async def test_editing_a_shipped_rule_makes_a_copy_that_keeps_its_author(org_a) -> None:
    await ship_rules(org_a.ctx)
    before = await api.rule_list(org_a.ctx)
    original = next(rule for rule in before if rule.product == "linux")
    read = await api.rule_text(org_a.ctx, original.id)
    assert not read.own
    edited = read.text.replace(f"title: {read.title}", "title: Ours").replace(
        f"author: {original.author}", "author: Somebody"
    )
    saved = await api.save_rule(org_a.ctx, edited, rule=original.id, expected=read.version, switch_off=True)
    body = body_of(saved.text)
    assert body["id"] == saved.rule_id != original.rule_id
    assert {"id": original.rule_id, "type": "derived"} in body["related"]
    assert body["author"] == f"{original.author}, Somebody, Alpha Owner"
    assert saved.switched_off == original.id
    rows = {rule.id: rule for rule in await api.rule_list(org_a.ctx)}
    assert (rows[original.id].state, rows[saved.id].state) == ("off", "enabled")
    assert rows[saved.id].author == body["author"]
    assert (await api.rule_text(org_a.ctx, original.id)).text == read.text, "the original is as it was"
    assert original.rule_id in (await api.rule_text(org_a.ctx, saved.id)).derived_from
    with pytest.raises(NotFound, match="only rules of your own"):
        await api.remove_rules(org_a.ctx, [saved.id, original.id])
    assert len(await api.rule_list(org_a.ctx)) == len(before) + 1


async def test_many_rules_are_switched_at_once_all_or_none_and_audited(org_a) -> None:
    await ship_rules(org_a.ctx)
    ids = [rule.id for rule in await api.rule_list(org_a.ctx)]
    await api.enable_rules(org_a.ctx, ids[:2], False)
    assert sorted(await api.enable_rules(org_a.ctx, ids, False)) == sorted(ids[2:])
    with pytest.raises(NotFound):
        await api.enable_rules(org_a.ctx, [*ids, uuid4()], True)
    assert {rule.state for rule in await api.rule_list(org_a.ctx)} == {"off"}
    assert sorted(await api.enable_rules(org_a.ctx, ids[2:], True)) == sorted(ids[2:])
    with pytest.raises(Invalid):
        await api.enable_rules(org_a.ctx, [uuid4() for _ in range(5001)], True)


async def test_a_deleted_rule_comes_back_as_it_was(org_a) -> None:
    saved = await api.save_rule(org_a.ctx, ROOT, enabled=False)
    (gone,) = await api.remove_rules(org_a.ctx, [saved.id])
    assert await api.rule_list(org_a.ctx) == []
    again = await api.save_rule(org_a.ctx, gone.text, enabled=gone.enabled)
    assert again.rule_id == saved.rule_id
    assert (await listed(org_a.ctx, "Root logs in")).state == "off"


async def test_correlations_and_filters_are_checked_with_the_rules_they_name(org_a) -> None:
    base = await api.save_rule(org_a.ctx, ROOT)
    correlation = f"""title: Often
correlation:
    type: event_count
    rules: [{base.rule_id}]
    group-by: [host]
    timespan: 1h
    condition: {{gte: 3}}
"""
    assert (await api.check_rule(org_a.ctx, correlation)).runs
    lost = await api.check_rule(org_a.ctx, correlation.replace(base.rule_id, str(uuid4())))
    assert not lost.runs and any(problem.line == 4 for problem in lost.problems)
    often = await api.save_rule(org_a.ctx, correlation)
    chained = await api.check_rule(
        org_a.ctx, correlation.replace(base.rule_id, often.rule_id).replace("Often", "Oftener")
    )
    assert chained.runs and chained.kind == "correlation"
    narrowing = f"""title: Not from the vault
logsource: {{product: linux}}
filter:
    rules: [{base.rule_id}]
    vault: {{src_ip: 203.0.113.9}}
    condition: not vault
"""
    assert (await api.check_rule(org_a.ctx, narrowing)).runs
    assert (await api.check_rule(org_a.ctx, narrowing.replace(f"[{base.rule_id}]", "any"))).runs
    saved = await api.save_rule(org_a.ctx, narrowing)
    assert (await listed(org_a.ctx, "Not from the vault")).rule_set == api.OWN_FILTERS
    # The filter keeps the rule quiet when it is tried, by name, and in a backtest.
    await stored(org_a.ctx)
    tried = await api.try_rule(org_a.ctx, base.text, api.Latest(10))
    assert tried.fired == 0
    assert {event.quieted for event in tried.events} == {(), ("Not from the vault",)}
    assert (await api.backtest_rule(org_a.ctx, base.text, SINCE, NOW)).tried[0].hits == 0
    await api.remove_rules(org_a.ctx, [saved.id])
    assert (await api.backtest_rule(org_a.ctx, base.text, SINCE, NOW)).tried[0].hits == 4
    counted = await api.backtest_rule(org_a.ctx, often.text, SINCE, NOW)
    assert [(each.title, each.hits) for each in counted.tried] == [("Often", 1)]


async def test_what_waits_for_a_rule_hears_of_it(org_a) -> None:
    base = ROOT.replace("status: test", "status: test\nname: root_login")
    for reference in ("11111111-1111-4111-8111-111111111111", "root_login"):
        waiting = await api.save_rule(
            org_a.ctx,
            f"""title: Often
correlation:
    type: event_count
    rules: [{reference}]
    timespan: 1h
    condition: {{gte: 3}}
""",
        )
        assert waiting.reason and "not there" in waiting.reason
        text = base.replace("status:", "id: 11111111-1111-4111-8111-111111111111\nstatus:", 1)
        made = await api.save_rule(org_a.ctx, text)
        assert (await listed(org_a.ctx, "Often")).state == "enabled"
        await api.enable_rules(org_a.ctx, [made.id], False)
        assert (await listed(org_a.ctx, "Often")).state == "broken"
        await api.enable_rules(org_a.ctx, [made.id], True)
        assert (await listed(org_a.ctx, "Often")).state == "enabled"
        await api.remove_rules(org_a.ctx, [made.id])
        assert (await listed(org_a.ctx, "Often")).state == "broken"
        await api.remove_rules(org_a.ctx, [waiting.id])


async def test_a_rule_is_tried_on_stored_events_and_says_what_does_not_hold(org_a) -> None:
    await stored(org_a.ctx)
    found = await api.try_rule(org_a.ctx, ROOT, api.Latest(100))
    assert (found.title, found.condition, len(found.events)) == (
        "Root logs in", "login and root and not local", 8,
    )  # fmt: skip
    assert found.fired == 4
    fired = next(event for event in found.events if event.fires)
    assert [(part.name, part.verdict.holds) for part in fired.selections] == [
        ("login", True), ("root", True), ("local", False),
    ]  # fmt: skip
    assert {match.field for match in fired.matched} >= {"user", "message"}
    ann = next(event for event in found.events if not event.fires and event.looks)
    assert (ann.missing, dict(ann.fields)["user"]) == (1, "ann")
    assert any(not event.looks for event in found.events), "the Windows event is of another log source"
    async with uow(org_a.ctx) as tx:
        (first,) = await past.latest(tx, 1)
    one = await api.try_rule(org_a.ctx, ROOT, api.OneEvent(first.id, first.at))
    assert [event.event_id for event in one.events] == [first.id]
    with pytest.raises(NotFound):
        await api.try_rule(org_a.ctx, ROOT, api.OneEvent(uuid4(), first.at))


async def test_a_rule_is_tried_on_what_is_pasted(org_a) -> None:
    login = "Nov 27 10:00:00 web1 sshd[7]: Accepted password for root from 203.0.113.9 port 22 ssh2"
    flat = orjson.dumps({"message": "Accepted password", "user": "root", "program": "sshd"}).decode()
    copied = orjson.dumps(
        {"id": "x", "at": "2026-01-01T00:00:00Z", "message": "m", "host": "h", "program": "sshd",
         "fields": {"message": "Accepted password", "user": "root"}}
    ).decode()  # fmt: skip
    wrapped = f'{{"n": 1, "src": "a", "event": {flat}}}'
    text = "\n".join([login, flat, copied, wrapped, login.replace("root", "ann"), "{broken", ""])
    found = await api.try_rule(org_a.ctx, ROOT, api.Pasted(text))
    assert [event.fires for event in found.events] == [True, True, True, True, False]
    assert len(found.unreadable) == 1 and "{broken" in found.unreadable[0]
    several = f"[{flat}, {flat}]"
    assert (await api.try_rule(org_a.ctx, ROOT, api.Pasted(several))).fired == 2
    indented = orjson.dumps(orjson.loads(flat), option=orjson.OPT_INDENT_2).decode()
    assert (await api.try_rule(org_a.ctx, ROOT, api.Pasted(indented))).fired == 1
    many = await api.try_rule(org_a.ctx, ROOT, api.Pasted("\n".join([flat] * 503)))
    assert (len(many.events), many.left_out) == (500, 3)
    for empty in ("", "  \n "):
        with pytest.raises(Invalid):
            await api.try_rule(org_a.ctx, ROOT, api.Pasted(empty))
    with pytest.raises(Invalid):
        await api.try_rule(org_a.ctx, ROOT, api.Pasted("x" * 1_000_001))


async def test_a_backtest_says_alerts_and_hits_over_time(org_a) -> None:
    await stored(org_a.ctx)
    heard: list[tuple[int, int]] = []
    found = await api.backtest_rule(org_a.ctx, ROOT, SINCE, NOW, lambda *said: heard.append(said))
    (tried,) = found.tried
    assert (tried.hits, dict(tried.hosts), tried.other_hosts) == (4, {"web1": 4}, 0)
    assert sum(tried.times.values()) == 4 and found.step_seconds == 60
    assert all(at % 60 == 0 for at in tried.times)
    assert 1 <= tried.alerts <= 2, "four logins within six minutes lie in one window of 15, or across two"
    assert heard[-1] == (8, 8)
    with pytest.raises(Invalid, match="Unknown modifier"):
        await api.backtest_rule(org_a.ctx, ROOT.replace("contains", "contain"), SINCE, NOW)


async def test_hosts_that_senders_make_up_are_bounded_and_the_rest_is_told(org_a, monkeypatch) -> None:
    from sent.engines.radar.rulebook import backtest

    await stored(org_a.ctx)
    anything = "title: x\nlogsource: {product: linux}\ndetection: {a: {message|exists: true}, condition: a}\n"
    monkeypatch.setattr(backtest, "MAX_HOSTS", 0)
    (tried,) = (await api.backtest_rule(org_a.ctx, anything, SINCE, NOW)).tried
    assert (tried.hits, dict(tried.hosts), tried.other_hosts) == (7, {}, 7)


def test_hits_become_alerts_as_the_worker_groups_them() -> None:
    groups = Groups(15)
    window = NOW.replace(minute=0, second=0)
    told = [groups.raises("r", None, host, window + timedelta(minutes=m)) for host, m in
            [("a", 0), ("A", 14), ("b", 14), ("a", 15), ("a", 29)]]  # fmt: skip
    assert told == [True, False, True, True, False]
    crowd = [groups.raises("r", None, f"h{n}", window + timedelta(hours=1)) for n in range(300)]
    assert sum(crowd) == 201, "two hundred, and one for all others"


async def test_a_member_does_all_of_it_by_his_own_login_and_the_trail_names_him(org_a, member_db) -> None:
    await ship_rules(org_a.ctx)
    ctx = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    original = (await api.rule_list(ctx))[0]
    read = await api.rule_text(ctx, original.id)
    copy = await api.save_rule(ctx, read.text, rule=original.id, expected=read.version, switch_off=True)
    again = await api.save_rule(
        ctx, copy.text.replace("level: ", "level: low #"), rule=copy.id, expected=copy.version
    )
    assert again.before == copy.text
    assert await api.enable_rules(ctx, [original.id, copy.id], False) == [copy.id]
    assert (await api.vocabulary(ctx)).categories
    await stored(org_a.ctx)
    assert (await api.try_rule(ctx, ROOT, api.Latest(50))).fired == 4
    assert (await api.backtest_rule(ctx, ROOT, SINCE, NOW)).tried[0].hits == 4
    assert [gone.title for gone in await api.remove_rules(ctx, [copy.id])] == [original.title]
    async with uow(org_a.ctx) as tx:
        trail = await tx.execute(
            "select e.action, e.actor from audit.entry e where e.table_name = 'radar.rule' and e.row_id = %s"
            " order by e.at",
            [copy.id],
        )
        assert [(row[0], row[1]) for row in await trail.fetchall()] == [
            ("insert", org_a.owner), ("update", org_a.owner), ("update", org_a.owner),
            ("delete", org_a.owner),
        ]  # fmt: skip


async def test_who_may_only_read_changes_nothing_and_other_organisations_see_nothing(
    org_a, org_b, server
) -> None:
    saved = await api.save_rule(org_a.ctx, ROOT)
    person, membership = await add_member(org_a.ctx, "view@alpha.test", "Vi Ewer", "viewer")
    async with member_database(server, membership) as db:
        ctx = Ctx(db, org_a.org, person)
        assert [rule.title for rule in await api.rule_list(ctx)] == ["Root logs in"]
        assert (await api.check_rule(ctx, ROOT)).runs
        for attempt in (
            api.save_rule(ctx, ROOT),
            api.save_rule(ctx, saved.text, rule=saved.id, expected=saved.version),
            api.enable_rules(ctx, [saved.id], False),
            api.remove_rules(ctx, [saved.id]),
        ):
            with pytest.raises(Denied):
                await attempt
    assert (await listed(org_a.ctx, "Root logs in")).enabled
    assert await api.rule_list(org_b.ctx) == []
    with pytest.raises(NotFound):
        await api.rule_text(org_b.ctx, saved.id)
    with pytest.raises(NotFound):
        await api.enable_rules(org_b.ctx, [saved.id], False)


async def test_a_running_worker_takes_a_saved_rule_up_and_its_hits_are_counted(org_a, system_db) -> None:
    from datetime import UTC, datetime

    await api.add_source(org_a.ctx, "S", "syslog_udp", "127.0.0.1:0")
    async with running(system_db, org_a.ctx) as intake:
        await eventually(lambda: _true(bool(intake.ports)))
        saved = await api.save_rule(org_a.ctx, ROOT)

        async def heard() -> bool:
            import socket

            (port,) = intake.ports.values()
            line = (
                f"<38>1 {datetime.now(UTC).isoformat()} web1 sshd 7 - - Accepted password for root"
                " from 203.0.113.9 port 22 ssh2"
            )
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(line.encode(), ("127.0.0.1", port))
            async with uow(org_a.ctx) as tx:
                return bool(
                    await scalar(
                        tx, "select count(*) from radar.alert a where a.rule_id = %s", [saved.rule_id]
                    )
                )

        await eventually(heard, seconds=30)
    row = await listed(org_a.ctx, "Root logs in")
    assert row.hits_7 == row.hits_30 >= 1
    (alert,) = [a for a in await api.alerts(org_a.ctx, api.AlertFilter()) if a.rule_id == saved.rule_id]
    assert alert.author == "Alpha Owner"
    why = await api.try_rule(org_a.ctx, saved.text, api.OfAlert(alert.id))
    assert [event.fires for event in why.events] == [True]
    quiet = await api.try_rule(
        org_a.ctx, saved.text.replace("user: root", "user: bob"), api.OfAlert(alert.id)
    )
    assert (quiet.events[0].fires, quiet.events[0].missing) == (False, 1)


async def _true(value: bool) -> bool:
    return value
