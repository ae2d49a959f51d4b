"""The analyst's desk on a real database, as memberships: what they see, what they may change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from tenants import add_member, member_database

from sent.engines.radar import api
from sent.platform.auth import directory
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound
from sent.platform.ids import uuid7

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = "<38>1 {at} {host} sshd 7 - - Accepted password for root from 203.0.113.9 port 22 ssh2"
BENIGN = "<30>1 {at} {host} systemd 1 - - Started logrotate.service."


async def source_of(ctx: Ctx, name: str = "Front", client: UUID | None = None) -> UUID:
    return (await api.add_source(ctx, name, "syslog_udp", ":15999", client_id=client)).id


def past(source: UUID, text: str, host: str = "web1", minutes: int = 5) -> api.PastMessage:
    at = NOW - timedelta(minutes=minutes)
    return api.PastMessage(source, at, text.format(at=at.isoformat(), host=host).encode())


@pytest.fixture
async def raised(org_a) -> list[api.Alert]:
    """Three alerts, from web3 (latest) to web1, and nine ordinary events."""
    source = await source_of(org_a.ctx)
    messages = [past(source, ROOT, f"web{n}", 30 - n) for n in (1, 2, 3)]
    messages += [past(source, BENIGN, f"web{n}", 20) for n in range(9)]
    done = await api.backfill(org_a.ctx, messages)
    assert (done.events, done.alerts) == (12, 3)
    return await api.alerts(org_a.ctx, api.AlertFilter())


@pytest.fixture
async def staff(org_a, member_db) -> Ctx:
    return replace(org_a.ctx, db=await member_db(org_a))


async def test_a_member_reads_queue_detail_tail_rate_and_figures(staff, raised) -> None:
    assert [alert.host for alert in await api.alerts(staff, api.AlertFilter())] == ["web3", "web2", "web1"]
    detail = await api.alert(staff, raised[0].id)
    assert detail.alert.author == "SENT"
    assert "id: " + detail.alert.rule_id in detail.rule_yaml
    assert detail.description.startswith("The superuser entered")
    assert detail.event["src_ip"] == "203.0.113.9"
    (why,) = detail.matched
    assert why.value[why.start : why.end] == "Accepted password for root from "
    rows = await api.tail(staff)
    assert len(rows) == 12
    assert rows == sorted(rows, key=lambda row: (row.received_at, row.id))
    points = await api.rate(staff, NOW - timedelta(hours=1), NOW + timedelta(minutes=1), 60)
    assert sum(point.events for point in points) == 12
    assert sum(point.alerts for point in points) == 3
    fine = await api.rate(staff, NOW - timedelta(hours=1), NOW + timedelta(minutes=1), 5)
    assert sum(point.events for point in fine) == 12
    figures = await api.counters(staff, day_start=NOW - timedelta(hours=2))
    assert figures.events_today == 12
    assert figures.open_alerts_by_level == {"high": 3}
    assert figures.rules_active >= 12
    assert figures.sources == 1
    fields = dict(await api.event_fields(staff))
    assert fields["program"] == [("systemd", 9), ("sshd", 3)]
    assert (await api.rules(staff))[0].rule_set == "SENT"


async def test_the_tail_goes_on_behind_what_was_seen(staff, raised) -> None:
    rows = await api.tail(staff, limit=5)
    seen = rows[2]
    assert await api.tail(staff, (seen.received_at, seen.id)) == rows[3:]


@pytest.mark.parametrize(
    ("wanted", "hosts"),
    [
        (api.AlertFilter(levels=("low",)), []),
        (api.AlertFilter(levels=("high", "low"), states=("new",)), ["web3", "web2", "web1"]),
        (api.AlertFilter(text="WEB2"), ["web2"]),
        (api.AlertFilter(text="100%"), []),
        (api.AlertFilter(host="web1"), ["web1"]),
        (api.AlertFilter(query="host:web* -host:web2"), ["web3", "web1"]),
        (api.AlertFilter(query="src_ip:203.0.113 tag:t1078 root"), ["web3", "web2", "web1"]),
        (api.AlertFilter(query="src_ip:10."), []),
        (api.AlertFilter(since=NOW - timedelta(minutes=28, seconds=30)), ["web3", "web2"]),
        (api.AlertFilter(until=NOW - timedelta(minutes=28)), ["web1"]),
    ],
)
async def test_filters(staff, raised, wanted: api.AlertFilter, hosts: list[str]) -> None:
    assert [alert.host for alert in await api.alerts(staff, wanted)] == hosts
    assert await api.alert_count(staff, wanted) == len(hosts)


async def test_pages_follow_each_other(staff, raised) -> None:
    first = await api.alerts(staff, api.AlertFilter(), limit=2)
    rest = await api.alerts(staff, api.AlertFilter(), before=(first[-1].at, first[-1].id), limit=2)
    assert [alert.host for alert in first + rest] == ["web3", "web2", "web1"]


@pytest.mark.parametrize(
    ("query", "amount"),
    [
        ("", 12),
        ("level:info host:web1", 2),
        ("program:sshd", 3),
        ("-program:sshd", 9),
        ("user:root", 3),
        ("logrotate", 9),
    ],
)
async def test_filtering_the_tail(staff, raised, query: str, amount: int) -> None:
    assert len(await api.tail(staff, query=query)) == amount


async def test_triage_is_recorded_and_undone(staff, raised, org_a) -> None:
    (alert,) = await api.set_state(staff, [raised[0].id], "acknowledged", {raised[0].id: raised[0].version})
    assert (alert.state, alert.version) == ("acknowledged", 2)
    (alert,) = await api.assign(staff, [alert.id], org_a.owner)
    assert alert.assignee == org_a.owner
    (alert,) = await api.set_state(staff, [alert.id], "new", {alert.id: alert.version})
    assert alert.state == "new"
    history = (await api.alert(staff, alert.id)).history
    assert [change.text for change in history] == ["reopened", "assigned to Alpha Owner", "acknowledged"]
    assert {change.actor_name for change in history} == {"Alpha Owner"}
    assert await api.people_for_assignment(staff) == [(org_a.owner, "Alpha Owner")]


async def test_two_who_decide_at_once_collide_and_all_or_none_changes(staff, raised) -> None:
    one, two, _ = raised
    await api.set_state(staff, [one.id], "closed", {one.id: 1})
    with pytest.raises(Conflict, match="somebody else"):
        await api.set_state(staff, [two.id, one.id], "acknowledged", {one.id: 1, two.id: 1})
    states = {alert.id: alert.state for alert in await api.alerts(staff, api.AlertFilter())}
    assert states[two.id] == "new"
    with pytest.raises(NotFound):
        await api.set_state(staff, [two.id, uuid7()], "closed")
    with pytest.raises(Invalid):
        await api.assign(staff, [two.id], uuid7())


async def test_new_events_count_an_alert_up_and_do_not_disturb_triage(staff, raised, org_a) -> None:
    source = (await api.sources(org_a.ctx))[0].id
    await api.backfill(org_a.ctx, [past(source, ROOT, "web1", 29)])
    alert = next(found for found in await api.alerts(staff, api.AlertFilter(host="web1")))
    assert (alert.count, alert.version) == (2, 1)
    await api.set_state(staff, [alert.id], "closed", {alert.id: 1})
    await api.backfill(org_a.ctx, [past(source, ROOT, "web1", 29)])
    states = [found.state for found in await api.alerts(staff, api.AlertFilter(host="web1"))]
    assert sorted(states) == ["closed", "new"]
    (reopened,) = await api.set_state(staff, [alert.id], "new")
    assert reopened.state == "new"


@pytest.mark.parametrize("role", ["viewer", "auditor"])
async def test_reading_roles_may_not_triage(server, org_a, raised, role: str) -> None:
    _, membership = await add_member(org_a.ctx, "v@alpha.test", "Viewer", role)
    async with member_database(server, membership) as db:
        ctx = replace(org_a.ctx, db=db)
        assert len(await api.alerts(ctx, api.AlertFilter())) == 3
        with pytest.raises(Denied):
            await api.set_state(ctx, [raised[0].id], "closed")
        with pytest.raises(Denied):
            await api.assign(ctx, [raised[0].id], None)
        with pytest.raises(Denied):
            await api.add_source(ctx, "x", "syslog_udp", ":1")


@pytest.mark.parametrize(
    "statement",
    [
        "update radar.alert set state = 'closed'",
        "delete from radar.alert",
        "insert into radar.alert_change (alert_id, kind) select id, 'state' from radar.alert",
        "insert into radar.event (at, message) values (now(), 'forged')",
        "select * from ts.radar_event",
        "select * from radar.checkpoint",
        "select radar.lock_alerts('{}', '{}')",
    ],
)
async def test_staff_cannot_go_around_the_functions(staff, raised, statement: str) -> None:
    with pytest.raises(Denied):
        async with uow(staff) as tx:
            await tx.execute(statement)


async def test_another_organisation_sees_and_changes_nothing(org_b, member_db, raised) -> None:
    other = replace(org_b.ctx, db=await member_db(org_b))
    assert await api.alerts(other, api.AlertFilter()) == []
    assert await api.tail(other) == []
    assert await api.rate(other, NOW - timedelta(hours=1), NOW, 60) == []
    assert await api.sources(other) == []
    with pytest.raises(NotFound):
        await api.alert(other, raised[0].id)
    with pytest.raises(NotFound):
        await api.set_state(other, [raised[0].id], "closed")


async def test_a_member_narrowed_to_a_client_sees_only_its_alerts_and_events(server, org_a) -> None:
    mine = await directory.create_client(org_a.ctx, "Mine", "M")
    sources = [await source_of(org_a.ctx, "S1", mine), await source_of(org_a.ctx, "S2")]
    await api.backfill(org_a.ctx, [past(s, ROOT, f"h{n}") for n, s in enumerate(sources)])
    everything = await api.alerts(org_a.ctx, api.AlertFilter())
    _, membership = await add_member(org_a.ctx, "n@alpha.test", "Narrow", "analyst")
    await directory.narrow(org_a.ctx, membership, [mine])
    async with member_database(server, membership) as db:
        ctx = replace(org_a.ctx, db=db)
        assert [alert.client_name for alert in await api.alerts(ctx, api.AlertFilter())] == ["Mine"]
        assert [row.host for row in await api.tail(ctx)] == ["h0"]
        points = await api.rate(ctx, NOW - timedelta(hours=1), NOW, 60)
        assert sum(point.events for point in points) == 1
        foreign = next(alert for alert in everything if alert.client_name is None)
        with pytest.raises(NotFound):
            await api.set_state(ctx, [foreign.id], "closed")


async def test_imported_rules_replace_their_set_and_keep_what_was_switched_off(staff, tmp_path: Path) -> None:
    text = (
        "title: T{n}\nid: 00000000-0000-4000-8000-00000000000{n}\nauthor: Ann\nlevel: low\n"
        "logsource: {{product: linux}}\ndetection: {{a: {{F: x}}, condition: a}}\n"
    )
    for n in (1, 2):
        (tmp_path / f"{n}.yml").write_text(text.format(n=n))
    (tmp_path / "bad.yml").write_text("title: B\n")
    found = await api.import_rules(staff, tmp_path, "Mine")
    assert (len(found.rules), len(found.rejected)) == (2, 1)
    rules = {rule.title: rule for rule in await api.rules(staff)}
    assert rules["B"].reason is not None
    await api.enable_rule(staff, rules["T1"].id, False)
    (tmp_path / "2.yml").unlink()
    await api.import_rules(staff, tmp_path, "Mine")
    assert {rule.title: rule.enabled for rule in await api.rules(staff)} == {"T1": False, "B": True}
    figures = await api.counters(staff)
    assert (figures.rules_active, figures.rules_rejected) == (0, 1)


async def test_sources_are_checked_added_switched_and_removed(staff) -> None:
    made = await api.add_source(staff, "S", "syslog_tcp", "0.0.0.0:5514", zone="Europe/Berlin")
    with pytest.raises(Conflict):
        await api.add_source(staff, "S", "syslog_tcp", ":5515")
    with pytest.raises(Invalid, match="host:port"):
        await api.add_source(staff, "T", "syslog_tcp", "nowhere")
    with pytest.raises(Invalid, match="absolute path"):
        await api.add_source(staff, "T", "file", "relative.log")
    with pytest.raises(Invalid, match="time zone"):
        await api.add_source(staff, "T", "syslog_udp", ":1", zone="Mars/Olympus")
    await api.enable_source(staff, made.id, False)
    assert [(source.name, source.enabled) for source in await api.sources(staff)] == [("S", False)]
    await api.remove_source(staff, made.id)
    with pytest.raises(NotFound):
        await api.remove_source(staff, made.id)


async def test_rates_are_bounded(staff) -> None:
    with pytest.raises(Invalid, match="buckets"):
        await api.rate(staff, NOW - timedelta(days=30), NOW, 60)
    with pytest.raises(Invalid, match="whole minutes"):
        await api.rate(staff, NOW - timedelta(hours=7), NOW, 45)


async def test_alerts_are_audited_without_the_event_itself(org_a, raised) -> None:
    async with uow(org_a.ctx) as tx:
        after = await scalar(
            tx,
            "select after from audit.entry where table_name = 'radar.alert' and action = 'insert' limit 1",
        )
    assert after["title"] == "Root logged on by SSH with a password"
    assert after["event"].startswith("sha256:")
