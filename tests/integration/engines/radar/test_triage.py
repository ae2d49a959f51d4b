"""Comments, reasons, muted rules, groups, and filters made from alerts, on a real database as memberships."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import yaml
from tenants import add_member, member_database

from sent.engines.radar import api
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.model import EPOCH, Event, LogSource
from sent.engines.radar.pipeline import Figures, Pipeline
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.rulebook.tuning import composed
from sent.engines.radar.sigma.logsource import configured_route
from sent.engines.radar.sigma.ruleset import parse_rules
from sent.engines.radar.store import catalogue
from sent.platform.auth import directory
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Denied, Invalid, NotFound

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = "<38>1 {at} {host} sshd 7 - - Accepted password for root from {ip} port 22 ssh2"


def line(source: UUID, host: str = "web1", minutes: int = 5, ip: str = "203.0.113.9") -> api.PastMessage:
    at = NOW - timedelta(minutes=minutes)
    return api.PastMessage(source, at, ROOT.format(at=at.isoformat(), host=host, ip=ip).encode())


@pytest.fixture
async def source(org_a) -> UUID:
    return (await api.add_source(org_a.ctx, "Front", "syslog_udp", ":15999")).id


@pytest.fixture
async def raised(org_a, source) -> list[api.Alert]:
    await api.backfill(org_a.ctx, [line(source, f"web{n}", 40 - n) for n in (1, 2, 3)])
    return await api.alerts(org_a.ctx, api.AlertFilter())


@pytest.fixture
async def staff(org_a, member_db) -> Ctx:
    return replace(org_a.ctx, db=await member_db(org_a))


async def role(server, org_a, name: str) -> tuple[Ctx, object]:
    person, membership = await add_member(org_a.ctx, f"{name}@alpha.test", name.title(), name)
    db = member_database(server, membership)
    return replace(org_a.ctx, db=db, actor=person), db


async def test_a_closed_alert_keeps_its_reason_until_it_is_opened_again(staff, raised) -> None:
    one = raised[0].id
    (closed,) = await api.set_state(staff, [one], "closed", {one: 1}, reason="false positive")
    assert (closed.state, closed.reason, closed.version) == ("closed", "false positive", 2)
    assert (await api.alert(staff, one)).history[0].text == "closed: false positive"
    found = await api.alerts(staff, api.AlertFilter(query='reason:"false pos"'))
    assert [alert.id for alert in found] == [one]
    (opened,) = await api.set_state(staff, [one], "new")
    assert (opened.reason, opened.version) == (None, 3)
    texts = [change.text for change in (await api.alert(staff, one)).history]
    assert texts == ["reopened", "closed: false positive"]
    with pytest.raises(Invalid):
        await api.set_state(staff, [one], "closed", reason="x" * 501)


async def test_comments_stand_in_the_history_and_can_be_taken_back_by_their_author(
    staff, raised, org_a, server
) -> None:
    ids = [alert.id for alert in raised[:2]]
    made = await api.comment(staff, ids, "  asked the owner of the host  ")
    assert len(made) == 2
    (entry,) = (await api.alert(staff, ids[0])).history
    assert (entry.text, entry.actor_name) == ("asked the owner of the host", "Alpha Owner")
    assert entry.comment in made
    other, db = await role(server, org_a, "analyst")
    async with db:
        assert await api.withdraw_comments(other, made) == 0, "of somebody else"
        own = await api.comment(other, ids[:1], "me too")
        assert await api.withdraw_comments(other, own) == 1
    assert await api.withdraw_comments(staff, made) == 2
    assert (await api.alert(staff, ids[0])).history == []
    with pytest.raises(Invalid, match="1 to 4000"):
        await api.comment(staff, ids, "   ")
    with pytest.raises(NotFound):
        await api.comment(staff, [UUID(int=4)], "x")


async def test_what_a_person_wrote_enters_the_audit_trail_as_a_digest(staff, raised, org_a) -> None:
    await api.comment(staff, [raised[0].id], "call Mrs Miller")
    async with uow(org_a.ctx) as tx:
        text = await scalar(
            tx,
            "select string_agg(e.after::text, '') from audit.entry e where e.table_name = 'radar.comment'",
        )
    assert text and "Miller" not in text


async def test_muted_hits_are_counted_and_raise_nothing(staff, raised, org_a, source) -> None:
    alert = next(a for a in raised if a.host == "web1")
    until = datetime.now(UTC) + timedelta(hours=1)
    muted = await api.suppress(staff, alert.id, "host", "WEB1", until, "scanner of ours")
    done = await api.backfill(org_a.ctx, [line(source, "web1", 2), line(source, "web9", 2)])
    assert (done.events, done.alerts) == (2, 1), "the other host still raises"
    (found,) = await api.suppressions_now(staff)
    assert (found.hits, found.active, found.scope, found.entity) == (1, True, "host", "web1")
    assert (found.reason, found.author_name) == ("scanner of ours", "Alpha Owner")
    assert found.last_at is not None
    assert await api.unsuppress(staff, [muted]) == 1
    done = await api.backfill(org_a.ctx, [line(source, "web1", 1)])
    assert done.alerts == 1 or (await api.alerts(staff, api.AlertFilter(host="web1")))[0].count > 1


async def test_a_muted_rule_speaks_again_when_its_time_is_over(staff, raised, org_a, source) -> None:
    muted = await api.suppress(
        staff, raised[0].id, "rule", "", datetime.now(UTC) + timedelta(days=1), "while we move"
    )
    assert (await api.backfill(org_a.ctx, [line(source, "a1", 3), line(source, "a2", 3)])).alerts == 0
    async with uow(org_a.ctx) as tx:
        await tx.execute("update radar.suppression set until = now() - interval '1 second'")
    assert (await api.backfill(org_a.ctx, [line(source, "a3", 3)])).alerts == 1
    (found,) = await api.suppressions_now(staff)
    assert (found.id, found.hits, found.active) == (muted, 2, False)


async def test_a_rule_is_muted_for_a_user(staff, raised, org_a, source) -> None:
    host, user = await api.alert_entity(staff, raised[0].id)
    assert (host, user) == ("web3", "root")
    await api.suppress(
        staff, raised[0].id, "user", user, datetime.now(UTC) + timedelta(hours=1), "break-glass drill"
    )
    assert (await api.backfill(org_a.ctx, [line(source, "b1", 3)])).alerts == 0


@pytest.mark.parametrize(
    ("scope", "entity", "hours", "reason"),
    [("host", "", 1, "x"), ("rule", "", 24 * 92, "x"), ("rule", "", -1, "x"), ("rule", "", 1, " ")],
)
async def test_muting_has_bounds(staff, raised, scope, entity: str, hours: int, reason: str) -> None:
    until = datetime.now(UTC) + timedelta(hours=hours)
    with pytest.raises(Invalid):
        await api.suppress(staff, raised[0].id, scope, entity, until, reason)


async def test_who_may_only_read_changes_nothing(raised, org_a, server) -> None:
    viewer, db = await role(server, org_a, "viewer")
    until = datetime.now(UTC) + timedelta(hours=1)
    async with db:
        with pytest.raises(Denied):
            await api.comment(viewer, [raised[0].id], "x")
        with pytest.raises(Denied):
            await api.suppress(viewer, raised[0].id, "rule", "", until, "x")
        with pytest.raises(Denied):
            await api.unsuppress(viewer, [UUID(int=1)])
        assert len(await api.alerts(viewer, api.AlertFilter())) == 3
        text = await api.filter_text(viewer, raised[0].id, ("src_ip",))
        with pytest.raises(Denied):
            await api.add_filter(viewer, text)
        assert await api.suppressions_now(viewer) == []


async def test_a_suppression_holds_within_its_alerts_client_only(org_a, server, source) -> None:
    client = await directory.create_client(org_a.ctx, "Harbour", "harbour")
    theirs = (await api.add_source(org_a.ctx, "Theirs", "syslog_udp", ":15998", client_id=client)).id
    await api.backfill(org_a.ctx, [line(theirs, "web1", 40)])
    (alert,) = await api.alerts(org_a.ctx, api.AlertFilter())
    until = datetime.now(UTC) + timedelta(hours=1)
    await api.suppress(org_a.ctx, alert.id, "rule", "", until, "theirs only")
    assert (await api.backfill(org_a.ctx, [line(theirs, "c1", 3)])).alerts == 0
    assert (await api.backfill(org_a.ctx, [line(source, "c1", 3)])).alerts == 1


async def test_groups_by_rule_host_and_user(staff, raised, org_a) -> None:
    by_rule = await api.groups(staff, api.AlertFilter(), "rule")
    assert by_rule.complete
    (group,) = by_rule.groups
    assert (group.alerts, group.entities, group.author) == (3, 3, "SENT")
    hosts = (await api.groups(staff, api.AlertFilter(), "host")).groups
    assert {found.key for found in hosts} == {"web1", "web2", "web3"}
    (user,) = (await api.groups(staff, api.AlertFilter(), "user")).groups
    assert (user.key, user.alerts) == ("root", 3)
    assert (await api.alerts(staff, api.AlertFilter(query="user:=root host:=web1")))[0].host == "web1"
    assert await api.alert_count(staff, api.AlertFilter(query="host:=web")) == 0, "whole values only"
    assert await api.alert_count(staff, api.AlertFilter(query="-host:=web1")) == 2


async def test_filter_out_like_this_leaves_such_events_out_until_undone(staff, raised, org_a, source) -> None:
    text = await api.filter_text(staff, raised[0].id, ("src_ip", "program"))
    document = yaml.safe_load(text)
    assert document["filter"]["selection"] == {"src_ip": "203.0.113.9", "program": "sshd"}
    assert document["filter"]["rules"] == [raised[0].rule_id]
    assert document["filter"]["condition"] == "not selection"
    filter_id = await api.add_filter(staff, text)
    assert document["id"] == filter_id
    (row,) = [row for row in await api.rules(staff) if row.rule_set == api.OWN_FILTERS]
    assert (row.kind, row.reason, row.rule_id) == ("filter", None, filter_id)
    assert await raises(org_a.ctx, source, "d1") == 0
    assert await raises(org_a.ctx, source, "d1", "198.51.100.7") == 1
    await api.remove_filter(staff, filter_id)
    assert await raises(org_a.ctx, source, "d2") == 1
    with pytest.raises(NotFound):
        await api.remove_filter(staff, filter_id)


async def test_filters_that_are_added_at_the_same_time_are_all_kept(staff, raised) -> None:
    texts = [await api.filter_text(staff, raised[0].id, (name,)) for name in ("src_ip", "program", "user")]
    ids = await asyncio.gather(*(api.add_filter(staff, text) for text in texts))
    kept = {row.rule_id for row in await api.rules(staff) if row.rule_set == api.OWN_FILTERS}
    assert kept == set(ids)


async def raises(ctx: Ctx, source: UUID, host: str, ip: str = "203.0.113.9") -> int:
    """Run the organisation's rules as they stand over one event; return how many alerts it raises."""

    async with uow(ctx) as tx:
        texts = await catalogue.rule_texts(tx)
        found = parse_rules([(text.path, text.body, "") for text in texts])
        worked = next(one for one in await catalogue.enabled_sources(tx) if one.id == source)
    figures = Figures()
    pipeline = Pipeline(ctx, ValueMatcher(found.rules), group_minutes=15, figures=figures)
    message = line(source, host, 1, ip)
    await pipeline.handle([Parcel(worked, message.at, (message.data,))])
    return figures.alerts


@pytest.mark.parametrize("value", [r"C:\Users\x\*.exe", "a?b*c\\", "plain", r"\\share\d$\*"])
async def test_values_with_wildcards_are_taken_literally(value: str) -> None:

    rule = {
        "title": "x",
        "id": "00000000-0000-4000-8000-000000000001",
        "logsource": {"product": "windows", "category": "process_creation"},
        "detection": {"sel": {"F": "*"}, "condition": "sel"},
    }
    text = composed(rule, rule["id"], "leave out", {"F": value}, "00000000-0000-4000-8000-0000000000ff")
    found = parse_rules([("r.yml", yaml.safe_dump(rule), ""), ("f.yml", text, "")])
    assert found.rejected == ()
    route = configured_route(LogSource("windows", "process_creation"))
    evaluator = ValueMatcher(found.rules)
    assert evaluator.match(Event(EPOCH, {"F": value}, route)) == []
    assert evaluator.match(Event(EPOCH, {"F": value.replace("*", "z") + "x"}, route))


async def test_a_filter_that_would_narrow_nothing_is_refused(staff, raised) -> None:
    text = await api.filter_text(staff, raised[0].id, ("program",))
    with pytest.raises(Invalid, match="there is no rule"):
        await api.add_filter(staff, text.replace(raised[0].rule_id, "00000000-0000-4000-8000-000000000abc"))
    assert [row for row in await api.rules(staff) if row.rule_set == api.OWN_FILTERS] == []
    for broken in ("[", "title: x", text.replace("id:", "ident:"), text + "---\n" + text):
        with pytest.raises(Invalid):
            await api.add_filter(staff, broken)
    for fields in ((), ("nothing",), ("a|b",)):
        with pytest.raises(Invalid):
            await api.filter_text(staff, raised[0].id, fields)
