"""Correlations on a real database: what is counted is committed with the events, whoever counts and dies."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from closures import Evaluator
from radar_intake import running
from tenants import add_member, member_database

from sent.engines.radar import api
from sent.engines.radar.correlations.correlating import Correlations
from sent.engines.radar.intake import Intake
from sent.engines.radar.model import RuleSet
from sent.engines.radar.pipeline import Figures, Pipeline
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.rulebook.placeholders import look_again
from sent.engines.radar.sigma.ruleset import parse_rules
from sent.engines.radar.store import catalogue, correlations, sink
from sent.engines.radar.store.catalogue import Source
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Denied, NotFound, Unavailable

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)

RULES = """title: Failed login
id: 00000000-0000-4000-8000-000000000001
name: failed
author: Ann
logsource: {product: linux}
detection: {sel: {message|startswith: failed}, condition: sel}
---
title: Login
id: 00000000-0000-4000-8000-000000000002
name: login
author: Ann
logsource: {product: linux}
detection: {sel: {message|startswith: accepted}, condition: sel}
---
title: Many failed logins
id: 00000000-0000-4000-8000-000000000003
name: many
author: Bob
level: medium
correlation:
    type: event_count
    rules: [failed]
    group-by: [u.user]
    timespan: 10m
    condition: {gte: 4}
---
title: Guessed password
id: 00000000-0000-4000-8000-000000000004
author: Bob
level: high
correlation:
    type: temporal_ordered
    rules: [many, login]
    group-by: [u.user]
    timespan: 10m
"""

QUIET = """title: Quiet logins
id: 00000000-0000-4000-8000-000000000005
author: Bob
level: low
correlation:
    type: event_count
    rules: [login]
    group-by: [u.user]
    timespan: 1m
    condition: {lte: 2}
    generate: true
"""

FOUND = parse_rules([("rules.yml", RULES, "")])
WITH_QUIET = parse_rules([("rules.yml", RULES, ""), ("quiet.yml", QUIET, "")])


def line(text: str, seconds: float, user: str = "ann", host: str = "web1") -> bytes:
    at = (NOON + timedelta(seconds=seconds)).isoformat()
    return f'<38>1 {at} {host} app 7 - [u user="{user}"] {text}'.encode()


@pytest.fixture
async def source(org_a) -> Source:
    await api.add_source(org_a.ctx, "Front", "syslog_udp", ":15999")
    async with uow(org_a.ctx) as tx:
        (found,) = await catalogue.enabled_sources(tx)
    return found


def pipeline(ctx: Ctx, found: RuleSet = FOUND) -> Pipeline:
    """A worker's pipeline: a new one is what a worker has that was just started."""
    made = Pipeline(ctx, Evaluator(found.rules), group_minutes=15, figures=Figures())
    made.correlations = Correlations(found.correlations)
    return made


def parcel(source: Source, *payloads: bytes) -> list[Parcel]:
    return [Parcel(source, datetime.now(UTC), payloads)]


async def titles(ctx: Ctx) -> list[tuple[str, int]]:
    return sorted((alert.title, alert.count) for alert in await api.alerts(ctx, api.AlertFilter()))


async def kept(ctx: Ctx) -> int:
    async with uow(ctx) as tx:
        return int(await scalar(tx, "select count(*) from radar.correlation_state"))


FAILED = [line("failed", second) for second in (0, 60, 120, 180)]


async def test_r6_a_restart_in_the_middle_neither_loses_nor_fires_twice(org_a, source) -> None:
    """Each event meets a worker that was just started."""
    ctx = org_a.ctx
    for number, payload in enumerate([*FAILED, line("accepted", 200)]):
        await pipeline(ctx).handle(parcel(source, payload))
        assert await titles(ctx) == ([("Guessed password", 1)] if number == 4 else []), number
    for payload in (*FAILED[:3], line("accepted", 240)):
        await pipeline(ctx).handle(parcel(source, payload))
    assert await titles(ctx) == [("Guessed password", 1)], "what fired is spent"


async def test_r6_a_worker_killed_between_and_within_batches(org_a, source, monkeypatch) -> None:
    ctx = org_a.ctx
    first = pipeline(ctx)
    await first.handle(parcel(source, *FAILED[:2]))

    async def dies(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(sink, "save_checkpoint", dies)
        point = sink.Checkpoint(source.id, 1, 1, 1, b"")
        with pytest.raises(asyncio.CancelledError):
            await first.handle([Parcel(source, datetime.now(UTC), tuple(FAILED[2:]), point)])
    second = pipeline(ctx)
    await second.handle(parcel(source, FAILED[2]))
    await pipeline(ctx).handle(parcel(source, FAILED[3], line("accepted", 200)))
    assert await titles(ctx) == [("Guessed password", 1)]
    async with uow(ctx) as tx:
        assert await scalar(tx, "select count(*) from radar.event") == 5


async def test_r6_a_batch_that_is_tried_again_counts_once(org_a, source, monkeypatch) -> None:
    """The commit was done, only the answer did not arrive."""
    ctx = org_a.ctx
    worker = pipeline(ctx)
    write = worker._write
    failures = [True]

    async def unanswered(batch: object) -> None:
        await write(batch)  # type: ignore[arg-type]
        if failures:
            failures.pop()
            raise Unavailable("db.gone", "the server went away")

    monkeypatch.setattr(worker, "_write", unanswered)
    monkeypatch.setattr("sent.engines.radar.pipeline.RETRY_FIRST_S", 0)
    await worker.handle(parcel(source, *FAILED[:3]))
    assert await kept(ctx) == 1
    await worker.handle(parcel(source, line("accepted", 170)))
    assert await titles(ctx) == []
    await worker.handle(parcel(source, FAILED[3], line("accepted", 190)))
    assert await titles(ctx) == [("Guessed password", 1)]


async def test_r6_two_workers_count_together(org_a, source) -> None:
    """Two workers with different sources of one organisation meet in the database, whoever commits first."""
    ctx = org_a.ctx
    workers = [pipeline(ctx) for _ in range(4)]
    await asyncio.gather(
        *(worker.handle(parcel(source, FAILED[n])) for n, worker in enumerate(workers)),
    )
    await pipeline(ctx).handle(parcel(source, line("accepted", 200)))
    assert await titles(ctx) == [("Guessed password", 1)]


async def test_r6_an_alert_of_a_correlation_says_what_came_together(org_a, source) -> None:
    ctx = org_a.ctx
    await pipeline(ctx).handle(parcel(source, *FAILED, line("accepted", 200, host="web2")))
    (alert,) = await api.alerts(ctx, api.AlertFilter())
    assert (alert.level, alert.author, alert.host) == ("high", "Bob", "web2")
    assert alert.at == NOON + timedelta(seconds=200)
    detail = await api.alert(ctx, alert.id)
    assert detail.event["u.user"] == "ann"
    assert [(why.field, why.value) for why in detail.matched] == [
        ("correlation", "temporal_ordered 2, within 20 s"),
        ("u.user", "ann"),
    ]


async def test_r6_a_window_with_an_upper_bound_is_decided_by_later_events_after_a_restart(
    org_a, source
) -> None:
    ctx = org_a.ctx
    await pipeline(ctx, WITH_QUIET).handle(parcel(source, line("accepted", 0), line("accepted", 30)))
    await pipeline(ctx, WITH_QUIET).handle(
        parcel(source, *(line("accepted", s, user="bob") for s in range(3)))
    )
    await pipeline(ctx, WITH_QUIET).handle(parcel(source, line("something", 360)))
    assert [title for title, _ in await titles(ctx)] == ["Login"], "generate: the rule is heard as well"
    await pipeline(ctx, WITH_QUIET).handle(parcel(source, line("something", 365, user="x", host="other")))
    alerts = {alert.title: alert for alert in await api.alerts(ctx, api.AlertFilter())}
    assert alerts["Quiet logins"].at == NOON + timedelta(seconds=30)
    assert alerts["Quiet logins"].count == 1, "bob's three are more than two"
    await pipeline(ctx, WITH_QUIET).handle(parcel(source, line("something", 900)))
    assert dict(await titles(ctx))["Quiet logins"] == 1


async def test_r6_clients_and_organisations_do_not_mix(org_a, org_b, source) -> None:
    async def client(name: str) -> UUID:
        async with uow(org_a.ctx) as tx:
            found = await scalar(
                tx, "insert into core.client (code, name) values (%s, %s) returning id", [name, name]
            )
        return UUID(str(found))

    theirs = [replace(source, client_id=await client(name)) for name in ("One", "Two")]
    await api.add_source(org_b.ctx, "Front", "syslog_udp", ":15999")
    async with uow(org_b.ctx) as tx:
        (foreign,) = await catalogue.enabled_sources(tx)
    await pipeline(org_a.ctx).handle(parcel(theirs[0], *FAILED[:2]))
    await pipeline(org_a.ctx).handle(parcel(theirs[1], *FAILED[2:]))
    await pipeline(org_b.ctx).handle(parcel(foreign, *FAILED[:2]))
    assert await kept(org_a.ctx) == 2
    assert await kept(org_b.ctx) == 1
    await pipeline(org_a.ctx).handle(parcel(theirs[0], line("accepted", 200)))
    assert await titles(org_a.ctx) == []
    await pipeline(org_a.ctx).handle(parcel(theirs[0], *FAILED[2:], line("accepted", 201)))
    assert await titles(org_a.ctx) == [("Guessed password", 1)]


async def test_r6_groups_are_bounded_and_evictions_counted(org_a, source, monkeypatch) -> None:
    monkeypatch.setattr(correlations, "MAX_ROWS", 20)
    worker = pipeline(org_a.ctx)
    monkeypatch.setattr("sent.engines.radar.correlations.correlating.TRIM_EVERY", 10)
    for number in range(5):
        users = (line("failed", number * 10 + n, user=f"u{number}-{n}") for n in range(10))
        await worker.handle(parcel(source, *users))
    assert await kept(org_a.ctx) == 20
    assert worker.correlations.evicted == 30


async def test_r6_hostile_values_are_counted_like_others(org_a, source) -> None:
    ctx = org_a.ctx
    users = ("a\x00b", "\u202e" + "x" * 3000)
    for user in users:
        for payload in (line("failed", second, user=user) for second in range(4)):
            await pipeline(ctx).handle(parcel(source, payload))
        await pipeline(ctx).handle(parcel(source, line("accepted", 5, user=user)))
    assert await titles(ctx) == [("Guessed password", 2)]


async def test_placeholders_filters_and_correlations_wait_for_what_they_need(org_a, tmp_path: Path) -> None:
    ctx = org_a.ctx
    (tmp_path / "correlation.yml").write_text(RULES.split("---\n")[3])
    (tmp_path / "expand.yml").write_text(
        "title: Admins\nid: 00000000-0000-4000-8000-000000000011\nauthor: Eve\nlevel: high\n"
        "logsource: {product: linux}\ndetection: {a: {u.user|expand: '%admins%'}, condition: a}\n"
    )
    (tmp_path / "filter.yml").write_text(
        "title: Not from the scanner\nid: 00000000-0000-4000-8000-000000000012\nlogsource: {product: linux}\n"
        "filter: {rules: [failed], a: {host: scanner}, condition: not a}\n"
    )

    async def listed() -> dict[str, str | None]:
        return {rule.title: rule.reason for rule in await api.rules(ctx)}

    await api.import_rules(ctx, tmp_path, "First")
    assert await listed() == {
        "Guessed password": "refers to rule many, which is not there",
        "Admins": "needs values for %admins%",
        "Not from the scanner": "filters nothing: there is no rule failed",
    }
    assert await api.placeholders(ctx) == [api.Placeholder("admins", ())]
    async with uow(ctx) as tx:
        before = await catalogue.rules_signature(tx)
    await api.set_placeholder(ctx, "%admins%", ["root", "adm_*"])
    assert (await listed())["Admins"] is None
    assert await api.placeholders(ctx) == [api.Placeholder("admins", ("root", "adm_*"))]
    async with uow(ctx) as tx:
        assert await catalogue.rules_signature(tx) != before, "workers load the rules again"
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "rules.yml").write_text("---\n".join(RULES.split("---\n")[:3]))
    await api.import_rules(ctx, tmp_path / "more", "Second")
    assert set((await listed()).values()) == {None}
    kinds = {rule.title: rule.kind for rule in await api.rules(ctx)}
    assert kinds["Not from the scanner"] == "filter"
    assert kinds["Guessed password"] == "correlation"
    await api.unset_placeholder(ctx, "admins")
    assert (await listed())["Admins"] == "needs values for %admins%"


async def test_looking_again_settles_whatever_was_imported_twice(org_a, tmp_path: Path) -> None:
    """A worker loads rules anew when their reasons change, so they must come to rest."""
    ctx = org_a.ctx
    text = (
        "title: Admins\nid: 00000000-0000-4000-8000-000000000011\nauthor: Eve\n"
        "logsource: {product: linux}\ndetection: {a: {F|expand: '%admins%'}, condition: a}\n"
    )
    for name, amount in (("one", 1), ("two", 2), ("three", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rule.yml").write_text(f"# {name}\n" + "---\n".join([text] * amount))
        await api.import_rules(ctx, tmp_path / name, name)
    for _ in range(2):
        async with uow(ctx) as tx:
            before = await catalogue.rules_signature(tx)
        await look_again(ctx)
        async with uow(ctx) as tx:
            assert await catalogue.rules_signature(tx) == before
        await api.set_placeholder(ctx, "admins", ["root"])
    reasons = [rule.reason for rule in await api.rules(ctx)]
    assert reasons.count(None) == 1
    assert reasons.count("has the same id as rule.yml") == len(reasons) - 1


async def test_values_are_read_by_readers_and_set_by_managers(server, org_a) -> None:
    _, membership = await add_member(org_a.ctx, "v@alpha.test", "Viewer", "viewer")
    await api.set_placeholder(org_a.ctx, "admins", ["root"])
    async with member_database(server, membership) as db:
        ctx = replace(org_a.ctx, db=db)
        assert await api.placeholders(ctx) == [api.Placeholder("admins", ("root",))]
        with pytest.raises(Denied):
            await api.set_placeholder(ctx, "other", ["x"])
        with pytest.raises(NotFound):
            await api.unset_placeholder(ctx, "admins")
    async with member_database(server, org_a.membership) as db:
        ctx = replace(org_a.ctx, db=db)
        await api.set_placeholder(ctx, "admins", ["adm_*"])
        assert await api.placeholders(ctx) == [api.Placeholder("admins", ("adm_*",))]
        await api.unset_placeholder(ctx, "admins")
        assert await api.placeholders(ctx) == []


async def test_r6_the_running_worker_takes_up_correlations_and_values(
    system_db, org_a, tmp_path: Path
) -> None:
    """Killed in the middle of a window; the values of a placeholder come while it runs."""
    ctx = org_a.ctx
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "expand.yml").write_text(
        "title: Admin\nid: 00000000-0000-4000-8000-000000000011\nauthor: Eve\nlevel: high\n"
        "logsource: {product: linux}\ndetection: {a: {u.user|expand: '%admins%'}, condition: a}\n"
    )
    await api.import_rules(ctx, tmp_path, "Own")
    made = await api.add_source(ctx, "Front", "syslog_udp", "127.0.0.1:0")
    stored = 0

    async def sent(intake: Intake, *payloads: bytes) -> None:
        nonlocal stored
        stored += len(payloads)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing:
            for payload in payloads:
                outgoing.sendto(payload, ("127.0.0.1", intake.ports[made.id]))
        async with asyncio.timeout(10), uow(ctx) as tx:
            while await scalar(tx, "select count(*) from radar.event") < stored:
                await asyncio.sleep(0.02)

    async with running(system_db, ctx) as intake:
        await sent(intake, *FAILED[:2])
    async with running(system_db, ctx) as intake:
        await sent(intake, *FAILED[2:], line("accepted", 200), line("x", 201, user="root"))
        assert await titles(ctx) == [("Guessed password", 1)]
        known = intake.metrics()["rules"]
        await api.set_placeholder(ctx, "admins", ["ro*"])
        await intake.reload()
        assert intake.metrics()["rules"] == known + 1
        await sent(intake, line("x", 202, user="root"))
        assert await titles(ctx) == [("Admin", 1), ("Guessed password", 1)]
        many = next(rule for rule in await api.rules(ctx) if rule.title == "Many failed logins")
        await api.enable_rule(ctx, many.id, False)
        await intake.reload()
        reasons = {rule.title: rule.reason for rule in await api.rules(ctx)}
        assert reasons["Guessed password"] == "refers to rule many, which does not run: is switched off"
        await sent(intake, line("failed", 300, host="web9"))
        assert ("Failed login", 1) in await titles(ctx), "nothing refers to it any more"
