"""The demo organisation on a real database: made once, with a lived-in past; its feeder is heard."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from time import monotonic

import pytest

from sent.engines.capital.billing import api as billing
from sent.engines.demo import api as demo
from sent.engines.demo import company, history
from sent.engines.demo.feed import Generator, Sender, feed
from sent.engines.radar import api
from sent.engines.radar.intake import Intake
from sent.platform.auth import directory
from sent.platform.context import Ctx
from sent.platform.ids import uuid7
from sent.platform.tasks import cancel, spawn


@pytest.fixture
def short_past(monkeypatch) -> None:
    """A third of the traffic: the same shape, sooner there."""
    monkeypatch.setattr(history, "LIVE_RATE", 1.2)


async def test_it_is_made_once_with_people_clients_sources_and_a_past(org_a, short_past) -> None:
    await demo.fill(org_a.ctx)
    alerts = await api.alerts(org_a.ctx, api.AlertFilter(), limit=2000)
    states = Counter(alert.state for alert in alerts)
    assert min(states["new"], states["acknowledged"], states["closed"]) >= 3
    assert len({alert.title for alert in alerts}) >= 10
    assert {alert.client_name for alert in alerts} == {None, "Harbor Logistics", "Brightwater Clinic"}
    now = datetime.now(UTC)
    assert all(now - timedelta(days=7, hours=1) < alert.at < now for alert in alerts)
    closed = next(alert for alert in alerts if alert.state == "closed")
    changes = (await api.alert(org_a.ctx, closed.id)).history
    assert [change.text.split()[0] for change in changes] == ["closed", "assigned", "acknowledged"]
    assert changes[0].actor_name in {colleague.name for colleague in company.COLLEAGUES}
    assert alerts[-1].at < changes[0].at < now
    points = await api.rate(org_a.ctx, now - timedelta(days=7), now, 3600)
    assert len(points) > 150
    people = {member.email for member in await directory.members(org_a.ctx)}
    assert {colleague.email for colleague in company.COLLEAGUES} < people
    before = await api.counters(org_a.ctx, day_start=now - timedelta(days=8))
    await demo.fill(org_a.ctx)
    assert await api.alert_count(org_a.ctx, api.AlertFilter()) == len(alerts)
    after = await api.counters(org_a.ctx, day_start=now - timedelta(days=8))
    assert after.events_today == before.events_today > 5000
    assert len(await api.sources(org_a.ctx)) == len(company.SITES)
    clients = {client.id for client in await directory.clients(org_a.ctx)}
    assert {party.client for party in await billing.parties(org_a.ctx)} == {None, *clients}


async def test_the_feeder_is_heard_on_all_ports_and_its_first_attack_is_seen(system_db, org_a) -> None:
    for site in company.SITES:
        await api.add_source(org_a.ctx, site.source, site.kind, "127.0.0.1:0")
    intake = Intake(system_db, lambda org: Ctx(org_a.ctx.db, org, uuid7()), uuid7())
    await intake.start()
    task = spawn(intake.run(), name="intake")
    ports = {source.name: intake.ports[source.id] for source in await api.sources(org_a.ctx)}
    sender = Sender({site.key: (site.kind, "127.0.0.1", ports[site.source]) for site in company.SITES})
    start = datetime.now(UTC) - timedelta(seconds=2.5)
    stopping = asyncio.Event()
    work = spawn(feed(sender, Generator(Random(5), start, rate=40.0), stopping, 30.0), name="feed")
    end = monotonic() + 20
    seen: set[str] = set()
    while len(seen) < 3:
        assert monotonic() < end, "the attack was not seen"
        await asyncio.sleep(0.05)
        seen = {alert.title for alert in await api.alerts(org_a.ctx, api.AlertFilter())}
    stopping.set()
    await asyncio.wait_for(work, 2)
    sender.close()
    await intake.drain()
    assert intake.metrics()["events_total"] == sender.sent
    assert sender.failed == 0
    assert {row.source_name for row in await api.tail(org_a.ctx)} == {site.source for site in company.SITES}
    await cancel(task)
    await intake.stop()
