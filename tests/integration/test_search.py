"""K7 2: the engines' own searches, as members, on a real database."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from tenants import MemberDb, OrgFixture, add_member, member_database

from sent.engines.radar import api as radar
from sent.platform import search
from sent.platform.context import Ctx
from sent.platform.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from sent.platform.db.engine import Server


async def found(ctx: Ctx, text: str) -> dict[str, list[str]]:
    """Return the titles found, by engine."""
    return {m.id: [hit.title for hit in await search.search(ctx, m.id, text)] for m in search.engines()}


async def test_k7_02_each_engine_finds_its_own_as_the_member_who_asks(
    server: Server, org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb
) -> None:
    owner = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    source = await radar.add_source(owner, "harbour gate", "syslog_udp", "127.0.0.1:5514")
    hits = await search.search(owner, "radar", "HARBOUR")
    assert [(hit.kind, hit.title, hit.link) for hit in hits] == [
        ("Source", "harbour gate", f"radar/source/{source.id}")
    ]
    everywhere = await found(owner, "alpha owner")
    assert everywhere["overview"] == ["Alpha Owner"]
    stranger = Ctx(await member_db(org_b), org_b.org, org_b.owner)
    assert (await found(stranger, "harbour"))["radar"] == []
    assert (await found(stranger, "alpha"))["overview"] == []
    async with AsyncExitStack() as stack:
        person, membership = await add_member(org_a.ctx, "v@alpha.test", "Vera", "viewer")
        viewer = Ctx(await stack.enter_async_context(member_database(server, membership)), org_a.org, person)
        assert (await found(viewer, "harbour"))["audit"] == [], (
            "who may not read the trail finds nothing in it"
        )
    assert any("radar.source" in title for title in (await found(owner, "harbour gate"))["audit"])


@pytest.mark.parametrize("text", ['a" or 1=1 --', "%", "_", "\\", "-", '"', "a" * 5000, "\x00", "name:\n"])
async def test_k7_02_no_text_breaks_a_search(org_a: OrgFixture, member_db: MemberDb, text: str) -> None:
    owner = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    for titles in (await found(owner, text)).values():
        assert len(titles) <= search.HITS


async def test_k7_02_an_engine_that_is_slow_is_given_up_and_an_unknown_one_refused(
    monkeypatch: pytest.MonkeyPatch, org_a: OrgFixture
) -> None:
    async def slow(*_: Any) -> list[search.Hit]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(search, "LIMIT_S", 0.05)
    monkeypatch.setattr(search, "resolve", lambda _target: slow)
    with pytest.raises(Unavailable, match="did not answer in time"):
        await search.search(org_a.ctx, "radar", "anything")
    with pytest.raises(NotFound):
        await search.search(org_a.ctx, "nowhere", "anything")
