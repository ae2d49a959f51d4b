"""The timeline of an entity on a real database: everything about it in one stream, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sent.engines.incidents import api as incidents
from sent.engines.radar import api
from sent.platform.context import Ctx
from sent.platform.errors import Invalid

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
LOGIN = "<38>1 {at} {host} sshd 7 - - Accepted password for {user} from {ip} port 22 ssh2"
BENIGN = "<30>1 {at} {host} systemd 1 - - Started logrotate.service."


@pytest.fixture
async def staff(org_a, member_db) -> Ctx:
    return replace(org_a.ctx, db=await member_db(org_a))


@pytest.fixture
async def told(org_a) -> None:
    """web1 for ten days with anna, an hour ago with root (an alert) and mallory; web2 with root."""
    source = (await api.add_source(org_a.ctx, "Front", "syslog_udp", ":15999")).id

    def at(back: timedelta, text: str, **values: str) -> api.PastMessage:
        moment = NOW - back
        line = text.format(at=moment.isoformat(), **values)
        return api.PastMessage(source, moment, line.encode())

    web1 = {"host": "web1", "ip": "203.0.113.9"}
    past = [at(DAY * n, LOGIN, user="anna", **web1) for n in range(1, 11)]
    hour = timedelta(hours=1)
    now = [
        at(hour, LOGIN, user="root", **web1),
        at(hour / 2, LOGIN, user="mallory", host="web1", ip="203.0.113.66"),
        at(hour / 3, BENIGN, host="web1"),
        at(hour / 4, LOGIN, user="root", host="web2", ip="203.0.113.9"),
    ]
    await api.backfill(org_a.ctx, [*past, *now])


async def test_one_stream_holds_alerts_decisions_incidents_and_events(staff, told) -> None:
    (alert,) = await api.alerts(staff, api.AlertFilter(host="web1"))
    await api.comment(staff, [alert.id], "Who was that?")
    await api.suppress(staff, alert.id, "host", "web1", NOW + DAY, "our scanner")
    link = incidents.Link("radar.alert", str(alert.id), alert.title)
    await incidents.open_incident(staff, "Root on web1", "high", links=[link])
    await api.set_state(staff, [alert.id], "closed", reason="benign")
    until = datetime.now(UTC) + timedelta(minutes=1)
    found = await api.timeline(staff, "host", "WEB1", NOW - DAY / 2, until)
    kinds = [entry.kind for entry in found.entries]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "alert": 1, "comment": 1, "muted": 1, "incident": 1, "decision": 1, "event": 3,
    }  # fmt: skip
    assert [entry.at for entry in found.entries] == sorted((e.at for e in found.entries), reverse=True)
    shown = next(entry for entry in found.entries if entry.kind == "alert")
    assert (shown.record, shown.credit, shown.level) == (f"radar/alert/{alert.id}", "SENT", "high")
    assert found.histogram.total == 3 and found.alerts == 1
    assert max(value for _, value in found.risk) == pytest.approx(40, rel=0.1)
    assert found.risk[-1][1] == 0, "it was closed"


async def test_users_and_addresses_have_timelines_over_all_hosts(staff, told) -> None:
    span = (NOW - DAY / 2, NOW + timedelta(minutes=1))
    root = await api.timeline(staff, "user", "root", *span)
    assert {entry.actor for entry in root.entries if entry.kind == "event"} == {"web1", "web2"}
    assert root.alerts == 2
    address = await api.timeline(staff, "address", "203.0.113.9", *span)
    assert address.alerts == 2 and sum(entry.kind == "event" for entry in address.entries) == 2


async def test_what_a_host_never_had_before_is_new_and_what_it_had_is_not(staff, told) -> None:
    around = await api.surroundings(staff, "host", "web1", NOW - DAY / 2, NOW + timedelta(minutes=1))
    new = {(entry.actor, entry.title) for entry in around.new}
    assert {("user", "mallory"), ("user", "root"), ("address", "203.0.113.66"), ("program", "systemd")} <= new
    assert ("address", "203.0.113.9") not in new and ("program", "sshd") not in new
    related = {group.kind: dict(group.values) for group in around.related}
    assert related["user"] == {"root": 1, "mallory": 1}
    assert related["address"] == {"203.0.113.9": 1, "203.0.113.66": 1}
    assert around.first_seen is not None and around.first_seen <= NOW - DAY * 9
    assert around.last_seen == NOW - timedelta(minutes=20)


async def test_another_organisation_and_an_unknown_entity_have_nothing(org_b, member_db, staff, told) -> None:
    other = replace(org_b.ctx, db=await member_db(org_b))
    for ctx, host in ((other, "web1"), (staff, "nobody")):
        found = await api.timeline(ctx, "host", host, NOW - DAY, NOW)
        assert found.entries == () and found.histogram.total == 0
        assert await api.surroundings(ctx, "host", host, NOW - DAY, NOW) == api.Surroundings()


async def test_spans_and_names_are_bounded(staff) -> None:
    with pytest.raises(Invalid):
        await api.timeline(staff, "host", "web1", NOW - DAY * 93, NOW)
    with pytest.raises(Invalid):
        await api.timeline(staff, "host", "web1", NOW, NOW)
    with pytest.raises(Invalid):
        await api.timeline(staff, "user", "x" * 250, NOW - DAY, NOW)
