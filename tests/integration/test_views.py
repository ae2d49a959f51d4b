"""K7 13: saved views in the database; whose they are decides the database itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tenants import MemberDb, OrgFixture, add_member, member_database

from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound, SentError
from sent.platform.views import store
from sent.platform.views.model import Definition, definition

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

WHAT = Definition(query="level:high -state:closed", columns="at:0:0 level:0:1", density="compact")


@pytest.fixture
async def owner(org_a: OrgFixture, member_db: MemberDb) -> Ctx:
    """Return the owner of alpha, logged in as himself."""
    return Ctx(await member_db(org_a), org_a.org, org_a.owner)


@pytest.fixture
async def others(server: Server, org_a: OrgFixture) -> AsyncIterator[dict[str, Ctx]]:
    """Return an analyst (may share) and a viewer (may not) of alpha."""
    async with AsyncExitStack() as stack:
        found = {}
        for role in ("analyst", "viewer"):
            person, membership = await add_member(org_a.ctx, f"{role}@alpha.test", role.title(), role)
            db = await stack.enter_async_context(member_database(server, membership))
            found[role] = Ctx(db, org_a.org, person)
        yield found


async def test_k7_13_a_view_is_kept_changed_removed_and_brought_back(owner: Ctx) -> None:
    saved = await store.add(owner, "radar.alerts", " Urgent ", WHAT)
    assert (saved.name, saved.definition, saved.mine, saved.shared) == ("Urgent", WHAT, True, False)
    renamed = await store.change(owner, saved, replace(saved, name="Hot", shared=True))
    assert (renamed.name, renamed.shared, renamed.version) == ("Hot", True, saved.version + 1)
    with pytest.raises(Conflict) as lost:
        await store.change(owner, saved, replace(saved, name="Late"))
    assert lost.value.data["now"] == renamed, "both values are there to choose from"
    await store.remove(owner, saved.id)
    with pytest.raises(NotFound):
        await store.view(owner, saved.id)
    again = await store.put_back(owner, renamed)
    assert (again.id, again.name, again.shared) == (renamed.id, "Hot", True)
    assert await store.views(owner, "radar.alerts") == [again]
    assert await store.views(owner, "audit") == []


async def test_k7_13_a_private_view_is_its_owners_only(owner: Ctx, others: dict[str, Ctx]) -> None:
    mine = await store.add(owner, "radar.alerts", "Mine", WHAT)
    analyst = others["analyst"]
    assert await store.views(analyst, "radar.alerts") == []
    for attempt in (
        store.view(analyst, mine.id),
        store.remove(analyst, mine.id),
        store.change(analyst, mine, replace(mine, shared=True)),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await store.view(owner, mine.id) == mine


async def test_k7_13_sharing_needs_the_right_and_reading_does_not(owner: Ctx, others: dict[str, Ctx]) -> None:
    shared = await store.add(owner, "radar.alerts", "Team", WHAT, shared=True)
    analyst, viewer = others["analyst"], others["viewer"]
    assert [v.name for v in await store.views(viewer, "radar.alerts")] == ["Team"]
    assert not (await store.view(viewer, shared.id)).mine
    with pytest.raises(Denied):
        await store.add(viewer, "radar.alerts", "Pushed", WHAT, shared=True)
    own = await store.add(viewer, "radar.alerts", "Own", WHAT)
    with pytest.raises(Denied):
        await store.change(viewer, own, replace(own, shared=True))
    with pytest.raises((Conflict, NotFound)):
        await store.change(viewer, shared, replace(shared, name="Mine now"))
    with pytest.raises(NotFound):
        await store.remove(viewer, shared.id)
    better = await store.change(analyst, await store.view(analyst, shared.id), replace(shared, name="Team 2"))
    assert better.name == "Team 2"
    with pytest.raises(Denied):
        await store.change(analyst, better, replace(better, shared=False))


async def test_k7_13_nobody_takes_a_view_over_and_no_other_organisation_sees_one(
    owner: Ctx, others: dict[str, Ctx], org_b: OrgFixture, member_db: MemberDb
) -> None:
    shared = await store.add(owner, "radar.alerts", "Team", WHAT, shared=True)
    analyst = others["analyst"]
    for attack in (
        "update core.view set person_id = sec.actor()",
        "insert into core.view (person_id, page, name, definition)"
        " select person_id, page, 'forged', '{}' from core.view",
    ):
        with pytest.raises(Denied):
            async with uow(analyst) as tx:
                await tx.execute(attack)
    stranger = Ctx(await member_db(org_b), org_b.org, org_b.owner)
    assert await store.views(stranger, "radar.alerts") == []
    with pytest.raises(NotFound):
        await store.view(stranger, shared.id)
    await store.add(stranger, "radar.alerts", "Team", WHAT, shared=True)
    assert len(await store.views(owner, "radar.alerts")) == 1


async def test_k7_13_views_are_bounded_and_stand_in_the_persons_order(owner: Ctx) -> None:
    made = [await store.add(owner, "p", name, WHAT) for name in ("b", "a", "c")]
    assert [v.name for v in await store.views(owner, "p")] == ["a", "b", "c"]
    await store.reorder(owner, [made[2].id, made[0].id, made[1].id])
    assert [v.name for v in await store.views(owner, "p")] == ["c", "b", "a"]
    with pytest.raises(Conflict):
        await store.add(owner, "p", "a", WHAT)
    for name, what in (("", WHAT), ("x" * 81, WHAT), ("big", Definition(query="q" * 20_000))):
        with pytest.raises(Invalid):
            await store.add(owner, "p", name, what)
    async with uow(owner) as tx:
        await tx.execute(
            "insert into core.view (id, page, name, definition)"
            " select core.uuid7(), 'many', n::text, '{}' from generate_series(1, 497) n"
        )
    with pytest.raises(SentError, match="500 views"):
        await store.add(owner, "p", "one too many", WHAT)


async def test_k7_20_the_console_learns_its_organisations_short_name(owner: Ctx, org_a: OrgFixture) -> None:
    assert await store.slug(owner) == org_a.slug


def test_k7_13_a_definition_somebody_else_wrote_is_read_with_care() -> None:
    assert definition({"query": 5, "density": "huge", "columns": "a" * 9000, "x": 1}) == Definition(
        columns="a" * 4000
    )
    assert definition(WHAT.document()) == WHAT
