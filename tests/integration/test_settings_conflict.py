"""K7 11: a setting that somebody else changed meanwhile is not overwritten unseen."""

from __future__ import annotations

import asyncio

import pytest
from tenants import MemberDb, OrgFixture

from sent.platform.config import settings_store
from sent.platform.context import Ctx
from sent.platform.errors import Conflict

KEY = "radar.group_minutes"


async def test_k7_11_a_setting_is_stored_only_over_the_value_that_was_seen(
    org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb
) -> None:
    owner = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    await settings_store.put(owner, KEY, 20, expected=15)
    with pytest.raises(Conflict) as lost:
        await settings_store.put(owner, KEY, 30, expected=15)
    assert lost.value.data["now"] == 20
    assert await settings_store.get(owner, KEY) == 20
    await settings_store.put(owner, KEY, 30, expected=20)
    other = Ctx(await member_db(org_b), org_b.org, org_b.owner)
    await settings_store.put(other, KEY, 40, expected=15)
    assert await settings_store.get(owner, KEY) == 30


async def test_k7_11_of_two_at_once_one_wins_and_the_other_hears_of_it(
    org_a: OrgFixture, member_db: MemberDb
) -> None:
    first = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    second = org_a.ctx
    answers = await asyncio.gather(
        settings_store.put(first, KEY, 21, expected=15),
        settings_store.put(second, KEY, 22, expected=15),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "NoneType"]
    assert await settings_store.get(first, KEY) in (21, 22)
