"""Events are kept by source: removed within partitions that sources share, nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from tenants import MemberDb, OrgFixture

from sent.engines.radar import api
from sent.engines.radar.keep import expire
from sent.engines.radar.store.sink import Line, store_lines
from sent.platform.config import settings_store
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Denied, Invalid, NotFound, SentError
from sent.platform.ids import uuid7

NOW = datetime.now(UTC)


async def source(ctx: Ctx, name: str, port: int) -> UUID:
    return (await api.add_source(ctx, name, "syslog_udp", f"127.0.0.1:{port}")).id


async def store(ctx: Ctx, source_id: UUID | None) -> None:
    lines = [
        Line(uuid7(), NOW - timedelta(days=age), NOW, source_id, None, 6, "", "", None, None, str(age), "{}")
        for age in (1, 10, 40)
    ]
    async with uow(ctx) as tx:
        await store_lines(tx, lines, again=False)


async def ages(ctx: Ctx) -> dict[UUID | None, list[int]]:
    page = await api.find_events(ctx, "", NOW - timedelta(days=60), NOW, limit=500)
    found: dict[UUID | None, list[int]] = {}
    for event in page.events:
        found.setdefault(event.source_id, []).append(int(event.message))
    return found


async def test_events_go_when_their_source_no_longer_keeps_them(org_a: OrgFixture, org_b: OrgFixture) -> None:
    short, long, plain = [await source(org_a.ctx, name, port) for port, name in enumerate("slp", 5514)]
    theirs = await source(org_b.ctx, "s", 5514)
    for one in (short, long, plain, None):
        await store(org_a.ctx, one)
    await store(org_b.ctx, theirs)
    await expire(org_a.ctx)
    assert await ages(org_a.ctx) == {one: [1, 10, 40] for one in (short, long, plain, None)}
    await api.keep_source(org_a.ctx, short, 5)
    await api.keep_source(org_a.ctx, long, 50)
    assert await api.source_days(org_a.ctx) == {short: 5, long: 50}
    await settings_store.put(org_a.ctx, "radar.keep_days", 30)
    await expire(org_a.ctx)
    assert await ages(org_a.ctx) == {short: [1], long: [1, 10, 40], plain: [1, 10], None: [1, 10]}
    assert await ages(org_b.ctx) == {theirs: [1, 10, 40]}


async def test_times_are_checked_and_staff_remove_nothing(org_a: OrgFixture, member_db: MemberDb) -> None:
    one = await source(org_a.ctx, "s", 5514)
    with pytest.raises(Invalid):
        await api.keep_source(org_a.ctx, one, 0)
    with pytest.raises(NotFound):
        await api.keep_source(org_a.ctx, uuid7(), 5)
    member = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    await api.keep_source(member, one, 5)
    with pytest.raises(Denied):
        await expire(member)
    async with uow(org_a.ctx) as tx:
        with pytest.raises((SentError, Exception), match="ck_source_keep_days"):
            await tx.execute("update radar.source set keep_days = 0")
