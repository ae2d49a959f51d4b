"""The bus: every committed event, each once, in order, to every listener, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tenants import MemberDb, OrgFixture, add_member

from sent.platform.bus.events import BusEvent, first_time, publish
from sent.platform.bus.feed import Feed
from sent.platform.bus.outbox import Dispatcher
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import uow
from sent.platform.errors import Denied, Invalid
from sent.platform.ids import uuid7
from sent.platform.tasks import cancel, spawn

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster


@pytest.fixture
async def dispatcher(system_db: Database) -> AsyncIterator[Dispatcher]:
    """Return a running dispatcher."""
    found = Dispatcher(system_db)
    task = spawn(found.run(), name="dispatcher")
    yield found
    await cancel(task)


class Listener:
    """Follows a feed and keeps what it got."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.got: list[BusEvent] = []
        self._task = spawn(self._read(), name="listener")

    async def _read(self) -> None:
        async for batch in self.feed:
            self.got += batch

    async def ready(self) -> None:
        """Wait until it listens."""
        async with asyncio.timeout(10):
            while self.feed.state == "offline":
                await asyncio.sleep(0.01)

    async def until(self, count: int) -> list[str]:
        """Wait for `count` events; return their payloads' numbers."""
        async with asyncio.timeout(20):
            while len(self.got) < count:
                await asyncio.sleep(0.01)
        return [event.payload["n"] for event in self.got]

    async def stop(self) -> None:
        """End it."""
        await cancel(self._task)


async def send(ctx: Ctx, *numbers: int, topic: str = "test.counted") -> None:
    """Publish numbers, one transaction each."""
    for number in numbers:
        async with uow(ctx) as tx:
            await publish(tx, ctx, topic, {"n": str(number)})


async def test_events_arrive_in_order_and_at_once(org_a: OrgFixture, dispatcher: Dispatcher) -> None:
    listener = Listener(Feed(org_a.ctx, ["test.*"], poll=30))
    await listener.ready()
    began = asyncio.get_running_loop().time()
    await send(org_a.ctx, *range(50))
    assert await listener.until(50) == [str(n) for n in range(50)]
    assert asyncio.get_running_loop().time() - began < 5, "only the poll found them"
    assert listener.feed.state == "live"
    sequence = [event.seq for event in listener.got]
    assert sequence == sorted(set(sequence))
    await listener.stop()


async def test_topics_are_chosen_by_pattern(org_a: OrgFixture, dispatcher: Dispatcher) -> None:
    listener = Listener(Feed(org_a.ctx, ["radar.alert.*", "chat.*"], poll=30))
    await listener.ready()
    for number, topic in enumerate(("radar.alert.raised", "radar.rules.changed", "chat.said")):
        await send(org_a.ctx, number, topic=topic)
    assert await listener.until(2) == ["0", "2"]
    await listener.stop()


async def test_what_is_rolled_back_is_never_heard(org_a: OrgFixture, dispatcher: Dispatcher) -> None:
    listener = Listener(Feed(org_a.ctx, ["*"], poll=30))
    await listener.ready()
    with contextlib.suppress(ZeroDivisionError):
        async with uow(org_a.ctx) as tx:
            await publish(tx, org_a.ctx, "test.counted", {"n": "0"})
            raise ZeroDivisionError
    await send(org_a.ctx, 1)
    assert await listener.until(1) == ["1"]
    await listener.stop()


async def test_a_transaction_that_takes_long_is_not_overtaken_for_good(
    org_a: OrgFixture, dispatcher: Dispatcher
) -> None:
    """The earlier event commits last: it must arrive all the same, after the others."""
    listener = Listener(Feed(org_a.ctx, ["*"], poll=30))
    await listener.ready()
    async with uow(org_a.ctx) as tx:
        await publish(tx, org_a.ctx, "test.counted", {"n": "slow"})
        await send(org_a.ctx, 1, 2)
        assert await listener.until(2) == ["1", "2"]
    assert await listener.until(3) == ["1", "2", "slow"]
    await listener.stop()


async def test_a_member_hears_his_organisation_only(
    org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb, dispatcher: Dispatcher
) -> None:
    listener = Listener(Feed(Ctx(await member_db(org_a), org_a.org, org_a.owner), ["*"], poll=30))
    await listener.ready()
    await send(org_b.ctx, 666)
    await send(org_a.ctx, 1)
    await send(org_b.ctx, 667)
    await send(org_a.ctx, 2)
    assert await listener.until(2) == ["1", "2"]
    await listener.stop()


async def test_the_organisation_is_the_transactions_whatever_the_context_says(
    org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb, cluster: Cluster, server: Server
) -> None:
    member = Ctx(await member_db(org_a), org_b.org, org_b.owner)
    async with uow(member) as tx:
        await publish(tx, member, "radar.sources.changed", {"n": "1"})
    with cluster.connect(server.dbname) as admin:
        assert admin.execute("select organization_id from core.outbox").fetchall() == [(org_a.org,)]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("radar.alert.raised", {"alert_id": "x"}),
        ("test.counted", {}),
        ("nothing.changed", {}),
        ("radar.rules.changed", {"text": "x" * 1100}),
    ],
)
async def test_a_member_forges_no_event(
    org_a: OrgFixture, member_db: MemberDb, topic: str, payload: dict[str, str]
) -> None:
    member = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    with pytest.raises(Denied, match="may not publish"):
        async with uow(member) as tx:
            # Random text, which does not compress below the limit.
            noise = {name: secrets.token_hex(len(text)) for name, text in payload.items()}
            await publish(tx, member, topic, noise)


async def test_a_member_who_only_reads_publishes_nothing(org_a: OrgFixture, member_db: MemberDb) -> None:
    _, membership = await add_member(org_a.ctx, "viewer@alpha.test", "V", "viewer")
    member = Ctx(await member_db(replace(org_a, membership=membership)), org_a.org, org_a.owner)
    with pytest.raises(Denied, match="may not publish"):
        async with uow(member) as tx:
            await publish(tx, member, "radar.rules.changed", {})


async def test_a_member_who_floods_is_stopped(org_a: OrgFixture, member_db: MemberDb) -> None:
    member = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    with pytest.raises(Invalid, match="too many events"):
        async with uow(member) as tx:
            for _ in range(1001):
                await publish(tx, member, "radar.rules.changed", {})


async def test_a_feed_goes_on_where_another_stopped(org_a: OrgFixture, dispatcher: Dispatcher) -> None:
    first = Listener(Feed(org_a.ctx, ["*"], poll=30))
    await first.ready()
    await send(org_a.ctx, 1, 2, 3)
    await first.until(3)
    await asyncio.sleep(0.1)
    await first.stop()
    await send(org_a.ctx, 4, 5)
    second = Listener(Feed(org_a.ctx, ["*"], start=first.feed.offset, poll=30))
    await send(org_a.ctx, 6)
    assert await second.until(3) == ["4", "5", "6"]
    await second.stop()


async def test_without_hints_the_feed_polls(org_a: OrgFixture, system_db: Database) -> None:
    listener = Listener(Feed(org_a.ctx, ["*"], poll=0.1))
    await listener.ready()
    await send(org_a.ctx, 1)
    connection = await system_db.connect()
    await connection.execute("update core.outbox set seq = nextval('core.outbox_seq') where seq is null")
    await connection.close()
    assert await listener.until(1) == ["1"]
    assert listener.feed.state == "polling"
    await listener.stop()


async def test_one_dispatcher_works_at_a_time(org_a: OrgFixture, system_db: Database) -> None:
    dispatchers = [Dispatcher(system_db) for _ in range(3)]
    tasks = [spawn(each.run(), name="dispatcher") for each in dispatchers]
    listener = Listener(Feed(org_a.ctx, ["*"], poll=30))
    await listener.ready()
    await send(org_a.ctx, *range(20))
    assert await listener.until(20) == [str(n) for n in range(20)]
    assert [each.leading for each in dispatchers].count(True) == 1
    assert sum(each.dispatched for each in dispatchers) == 20
    await cancel(*tasks)
    await listener.stop()


async def test_every_event_once_in_order_while_connections_are_killed(
    org_a: OrgFixture, system_db: Database, server: Server, cluster: Cluster, member_db: MemberDb
) -> None:
    """Feeds and dispatchers lose their connections at random; publishers go on."""
    total = 200
    tasks = [spawn(Dispatcher(system_db).run(), name="dispatcher") for _ in range(2)]
    staff = replace(org_a.ctx, db=await member_db(org_a))
    listeners = [Listener(Feed(ctx, ["*"], start=0, poll=0.3)) for ctx in (org_a.ctx, staff)]
    chance = random.Random(4)
    done = asyncio.Event()

    async def kill() -> None:
        with cluster.connect("postgres") as admin:
            while not done.is_set():
                admin.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
                    " and (query like 'listen%%' or query like '%%outbox%%' or query like '%%advisory%%')"
                    " and query not like '%%core.publish%%' and state like 'idle%%' and random() < 0.5",
                    [server.dbname],
                )
                await asyncio.sleep(chance.uniform(0.1, 0.3))

    killer = spawn(kill(), name="killer")
    sent = 0
    while sent < total:
        try:
            await send(org_a.ctx, sent)
            sent += 1
        except Exception:
            continue
        await asyncio.sleep(0.01)
    done.set()
    await killer
    for listener in listeners:
        numbers = await listener.until(total)
        assert numbers == [str(n) for n in range(total)]
        await listener.stop()
    await cancel(*tasks)


async def test_an_event_takes_effect_once_per_consumer(org_a: OrgFixture, org_b: OrgFixture) -> None:
    event = uuid7()
    async with uow(org_a.ctx) as tx:
        assert await first_time(tx, "mailer", event)
        assert not await first_time(tx, "mailer", event)
        assert await first_time(tx, "printer", event)
    with contextlib.suppress(ZeroDivisionError):
        async with uow(org_a.ctx) as tx:
            assert await first_time(tx, "pager", event)
            raise ZeroDivisionError
    async with uow(org_a.ctx) as tx:
        assert await first_time(tx, "pager", event)
    async with uow(org_b.ctx) as tx:
        assert await first_time(tx, "mailer", event)


@pytest.mark.parametrize("topic", ["", "one", "Up.per", "a..b", "a.b;", "x" * 121 + ".y"])
async def test_malformed_topics_are_refused(org_a: OrgFixture, topic: str) -> None:
    with pytest.raises(Invalid):
        async with uow(org_a.ctx) as tx:
            await publish(tx, org_a.ctx, topic, {})


async def test_contents_do_not_fit_into_an_event(org_a: OrgFixture) -> None:
    with pytest.raises(Invalid):
        async with uow(org_a.ctx) as tx:
            noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=20_000))
            await publish(tx, org_a.ctx, "test.counted", {"text": noise})
