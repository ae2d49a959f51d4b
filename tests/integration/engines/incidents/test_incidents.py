"""Incidents on a real database, as memberships: opened, worked on, kept apart."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from tenants import add_member, member_database

from sent.engines.incidents import api
from sent.engines.incidents.search import search
from sent.platform.auth import directory
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound

OURS = "from audit.entry e where starts_with(e.table_name, 'incidents.')"


def alert(number: int = 1, client: UUID | None = None) -> api.Link:
    ref = str(UUID(int=number))
    return api.Link("radar.alert", ref, f"Alert {number}", f"radar/alert/{ref}", "high", "SENT", client)


@pytest.fixture
async def staff(org_a, member_db) -> Ctx:
    return replace(org_a.ctx, db=await member_db(org_a))


async def test_an_incident_is_opened_with_links_and_a_timeline(staff, org_a) -> None:
    made = await api.open_incident(staff, " LSASS was read ", "high", links=[alert(1), alert(2), alert(1)])
    assert (made.number, made.title, made.status, made.links) == (1, "LSASS was read", "open", 2)
    assert made.opened_by_name == "Alpha Owner"
    found = await api.incident(staff, made.id)
    assert found.links == [alert(1), alert(2)]
    assert [(entry.kind, entry.text) for entry in found.timeline] == [
        ("link", "Alert 2"),
        ("link", "Alert 1"),
        ("opened", None),
    ]
    assert await api.link(staff, made.id, [alert(2), alert(3)]) == 1
    assert [i.id for i in await api.incidents_of(staff, "radar.alert", alert(3).ref)] == [made.id]
    assert (await api.open_incident(staff, "Another", "low")).number == 2
    async with uow(org_a.ctx) as tx:
        told = await scalar(
            tx,
            "select count(*) from core.outbox where topic = 'incidents.incident.opened'"
            " and payload ->> 'incident_id' = %s",
            [str(made.id)],
        )
    assert told == 1


async def test_its_state_changes_with_the_timeline_and_collides_when_somebody_was_faster(
    staff, org_a
) -> None:
    made = await api.open_incident(staff, "Phish", "medium")
    (held,) = await api.set_status(staff, [made.id], "contained", {made.id: made.version})
    assert (held.status, held.ended_at) == ("contained", None)
    with pytest.raises(Conflict, match="somebody else"):
        await api.set_status(staff, [made.id], "closed", {made.id: made.version})
    (owned,) = await api.set_owner(staff, [made.id], org_a.owner)
    assert owned.owner_name == "Alpha Owner"
    (worse,) = await api.set_severity(staff, [made.id], "critical")
    renamed = await api.rename(staff, made.id, "Phishing wave", worse.version)
    (over,) = await api.set_status(staff, [made.id], "resolved")
    assert over.ended_at is not None
    (again,) = await api.set_status(staff, [made.id], "open")
    assert again.ended_at is None
    assert renamed.title == again.title == "Phishing wave"
    told = [(e.kind, e.before, e.value) for e in (await api.note(staff, made.id, "done")).timeline]
    assert told == [
        ("note", None, None),
        ("status", "resolved", "open"),
        ("status", "contained", "resolved"),
        ("title", "Phish", "Phishing wave"),
        ("severity", "medium", "critical"),
        ("owner", None, "Alpha Owner"),
        ("status", "open", "contained"),
        ("opened", None, "medium"),
    ]
    before = len((await api.incident(staff, made.id)).timeline)
    await api.set_status(staff, [made.id], "open")
    assert len((await api.incident(staff, made.id)).timeline) == before, "no change, no entry"


async def test_lists_by_status_severity_words_and_number(staff) -> None:
    for number, severity in enumerate(("low", "high", "high"), 1):
        await api.open_incident(staff, f"Case {number}", severity)
    everything = await api.incidents(staff, api.IncidentFilter(), limit=2)
    assert [found.number for found in everything] == [3, 2]
    assert [f.number for f in await api.incidents(staff, api.IncidentFilter(), before=2)] == [1]
    high = await api.incidents(staff, api.IncidentFilter(severities=("high",), text="case #2"))
    assert [found.number for found in high] == [2]
    assert await api.incidents(staff, api.IncidentFilter(statuses=("closed",))) == []
    assert [hit.title for hit in await search(staff, "case 3", 5)] == ["#3 Case 3"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda ctx: api.open_incident(ctx, " ", "low"),
        lambda ctx: api.open_incident(ctx, "x" * 301, "low"),
        lambda ctx: api.open_incident(ctx, "x", "awful"),
        lambda ctx: api.open_incident(ctx, "x", "low", owner=uuid4()),
        lambda ctx: api.open_incident(ctx, "x", "low", links=[api.Link("No Kind", "1", "x")]),
    ],
)
async def test_what_is_no_incident_is_refused(staff, wrong) -> None:
    with pytest.raises(Invalid):
        await wrong(staff)
    assert await api.incidents(staff, api.IncidentFilter()) == []


async def test_reading_and_responding_are_two_permissions(staff, org_a, server) -> None:
    made = await api.open_incident(staff, "Case", "low")
    for name, may in (("viewer", False), ("analyst", True)):
        person, membership = await add_member(org_a.ctx, f"{name}@alpha.test", name, name)
        db = member_database(server, membership)
        async with db:
            ctx = replace(org_a.ctx, db=db, actor=person)
            assert len(await api.incidents(ctx, api.IncidentFilter())) == 1
            if may:
                await api.note(ctx, made.id, "on it")
            else:
                for act in (api.note(ctx, made.id, "x"), api.open_incident(ctx, "x", "low")):
                    with pytest.raises(Denied):
                        await act


async def test_another_organisation_sees_nothing_of_it(staff, org_b, member_db) -> None:
    made = await api.open_incident(staff, "Case", "low", links=[alert()])
    other = replace(org_b.ctx, db=await member_db(org_b))
    assert await api.incidents(other, api.IncidentFilter()) == []
    for act in (api.incident(other, made.id), api.note(other, made.id, "x"), api.link(other, made.id, [])):
        with pytest.raises(NotFound):
            await act
    assert (await api.open_incident(other, "Ours", "low")).number == 1


async def test_people_of_one_client_see_that_clients_incidents_only(staff, org_a, server) -> None:
    ours = await directory.create_client(org_a.ctx, "Harbour", "harbour")
    others = await directory.create_client(org_a.ctx, "Mill", "mill")
    theirs = await api.open_incident(staff, "Harbour's", "high", links=[alert(1, ours)])
    assert theirs.client_name == "Harbour"
    mixed = await api.open_incident(staff, "Both", "high", links=[alert(1, ours), alert(2, others)])
    assert mixed.client is None
    with pytest.raises(Invalid, match="of that client only"):
        await api.link(staff, theirs.id, [alert(2, others)])
    person, membership = await add_member(org_a.ctx, "h@alpha.test", "Hans", "analyst")
    await directory.narrow(org_a.ctx, membership, [ours])
    db = member_database(server, membership)
    async with db:
        ctx = replace(org_a.ctx, db=db, actor=person)
        assert [found.id for found in await api.incidents(ctx, api.IncidentFilter())] == [theirs.id]
        with pytest.raises(NotFound):
            await api.note(ctx, mixed.id, "x")
        with pytest.raises(Denied):
            await api.open_incident(ctx, "Nobody's", "low")
        with pytest.raises(Denied):
            await api.open_incident(ctx, "Not mine", "low", links=[alert(2, others)])
        assert (await api.open_incident(ctx, "Mine", "low", links=[alert(1, ours)])).client == ours


async def test_the_audit_trail_names_who_did_it_and_not_what_he_wrote(staff, org_a) -> None:
    made = await api.open_incident(staff, "Case", "low")
    await api.note(staff, made.id, "called Mrs Miller")
    async with uow(org_a.ctx) as tx:
        text = await scalar(
            tx,
            f"select string_agg(e.after::text, '') {OURS}",
        )
        actors = await scalar(
            tx,
            f"select count(*) {OURS} and e.actor = %s",
            [org_a.owner],
        )
    assert text and "Miller" not in text
    assert actors == 3
