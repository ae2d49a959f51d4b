"""K5: events outlive whoever dies: at least once, in order per key, effects exactly once; on both drivers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from message_server import NatsServer
from psycopg.types.json import Jsonb
from tenants import MemberDb, OrgFixture

from sent.platform.bus import letters
from sent.platform.bus.consumer import ATTEMPTS, Consumer
from sent.platform.bus.nats import KEY, read_message
from sent.platform.bus.nats import message as stream_message
from sent.platform.bus.outbox import Dispatcher
from sent.platform.bus.source import OutboxSource, ShardEvent, Source
from sent.platform.config import secrets
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import Tx, scalar, uow
from sent.platform.errors import Denied, Invalid, NotFound, SentError
from sent.platform.ids import uuid7
from sent.platform.tasks import cancel, spawn

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

KEYS = 12

PROCESS = """
import asyncio, sys
from sent.platform.bus.consumer import Consumer
from sent.platform.bus.nats import Relay, StreamSource
from sent.platform.bus.outbox import Dispatcher
from sent.platform.bus.source import OutboxSource
from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.ids import uuid7

role, host, port, name, url = sys.argv[1:]

async def effect(tx, ctx, event):
    await tx.execute(
        "insert into core.effect (organization_id, key, number) values (%s, %s, %s)",
        [event.organization, event.key, int(event.payload["number"])])

async def main():
    server = Server(host=host, port=int(port), dbname=name)
    async with (
        Database(server, "sent_system", fixed(role_password("sent_system")), trusted=True, size=6) as system,
        Database(server, "sent_app", fixed(role_password("sent_app")), trusted=True, size=6) as app,
    ):
        me = uuid7()
        if role == "dispatcher":
            work = [Dispatcher(system).run()] + ([Relay(system, url).run()] if url else [])
        else:
            source = StreamSource(system, url, poll=0.5) if url else OutboxSource(system, poll=0.5)
            work = [Consumer("test.effects", ["test.*"], effect, system=system, holder=me, source=source,
                             ctx=lambda org: Ctx(app, org, me), start="oldest", lease=1.0).run()]
        await asyncio.gather(*work)

asyncio.run(main())
"""


class Site:
    """The processes of the faults: a dispatcher, two subscribers, and the bus itself."""

    def __init__(self, server: Server, cluster: Cluster, nats: NatsServer | None) -> None:
        self._server = server
        self._cluster = cluster
        self._nats = nats
        self._running = {name: self._start(name) for name in ("dispatcher", "first", "second")}

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        place = [self._server.host, str(self._server.port), self._server.dbname]
        return subprocess.Popen(
            [sys.executable, "-c", PROCESS, name, *place, self._nats.url if self._nats else ""],
            env=dict(os.environ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def hit(self, victim: str) -> None:
        """Kill one of them and start it again."""
        if victim == "bus" and self._nats is not None:
            self._nats.kill()
            self._nats.start()
        elif victim == "bus":
            self._cut_connections()
        else:
            self._running[victim].kill()
            self._running[victim].wait()
            self._running[victim] = self._start(victim)

    def _cut_connections(self) -> None:
        """End every session of the database, as a restart of the server would."""
        with self._cluster.connect("postgres") as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
                [self._server.dbname],
            )

    def stop(self) -> None:
        """End them all."""
        for process in self._running.values():
            process.kill()
            process.wait()


class Writer:
    """Publishes numbered events of several keys until told to stop; every commit is certain."""

    def __init__(self, orgs: list[OrgFixture]) -> None:
        self._orgs = orgs
        self._random = random.Random(7)
        self.numbers: dict[tuple[UUID, str], int] = defaultdict(int)
        self.stop = asyncio.Event()

    async def run(self) -> None:
        """Publish about 150 events a second."""
        while not self.stop.is_set():
            org = self._random.choice(self._orgs)
            key = f"k{self._random.randrange(KEYS)}"
            number = self.numbers[org.org, key] + 1
            await self._publish(org, key, number)
            self.numbers[org.org, key] = number
            await asyncio.sleep(0.005)

    async def _publish(self, org: OrgFixture, key: str, number: int) -> None:
        event = uuid7()
        while True:
            try:
                async with uow(org.ctx) as tx:
                    if await scalar(tx, "select exists (select from core.outbox where id = %s)", [event]):
                        return
                    payload = Jsonb({"number": str(number)})
                    await scalar(
                        tx, "select core.publish(%s, 'test.happened', %s, %s)", [event, payload, key]
                    )
                return
            except SentError:
                await asyncio.sleep(0.1)


async def faults(
    server: Server, cluster: Cluster, orgs: list[OrgFixture], nats: NatsServer | None, kills: int
) -> None:
    """Kill at random while events are written; then every effect must be there once, in order."""
    with cluster.connect(server.dbname) as admin:
        admin.execute(
            "create table core.effect (n bigserial, organization_id uuid, key text, number integer);"
            " grant insert on core.effect to sent_app; grant usage on core.effect_n_seq to sent_app"
        )
    luck = random.Random(kills)
    site = Site(server, cluster, nats)
    writer = Writer(orgs)
    writing = spawn(writer.run(), name="writer")
    try:
        await asyncio.sleep(1)
        victims = ["dispatcher", "first", "second", "bus"]
        for turn in range(kills):
            victim = victims[turn] if turn < len(victims) else luck.choice(victims)
            await asyncio.to_thread(site.hit, victim)
            await asyncio.sleep(luck.uniform(0.05, 0.8))
        writer.stop.set()
        await writing
        await _complete(server, cluster, sum(writer.numbers.values()))
    finally:
        await cancel(writing)
        await asyncio.to_thread(site.stop)
    with cluster.connect(server.dbname) as admin:
        found: dict[tuple[UUID, str], list[int]] = defaultdict(list)
        for org, key, number in admin.execute(
            "select organization_id, key, number from core.effect order by n"
        ).fetchall():
            found[org, key].append(number)
        assert admin.execute("select count(*) from core.dead_letter").fetchone() == (0,)
    assert {place: list(range(1, last + 1)) for place, last in writer.numbers.items()} == found


async def _complete(server: Server, cluster: Cluster, count: int) -> None:
    assert count > 100
    async with asyncio.timeout(90):
        while True:
            with contextlib.suppress(psycopg.Error), cluster.connect(server.dbname) as admin:
                if admin.execute("select count(*) >= %s from core.effect", [count]).fetchone() == (True,):
                    return
            await asyncio.sleep(0.2)


async def test_k5_eight_deaths_on_the_database_alone(
    server: Server, cluster: Cluster, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    await faults(server, cluster, [org_a, org_b], None, 8)


async def test_k5_eight_deaths_with_a_message_server(
    server: Server, cluster: Cluster, org_a: OrgFixture, org_b: OrgFixture, nats: NatsServer
) -> None:
    await faults(server, cluster, [org_a, org_b], nats, 8)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_k5_a_hundred_deaths_on_the_database_alone(
    server: Server, cluster: Cluster, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    await faults(server, cluster, [org_a, org_b], None, 100)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_k5_a_hundred_deaths_with_a_message_server(
    server: Server, cluster: Cluster, org_a: OrgFixture, org_b: OrgFixture, nats: NatsServer
) -> None:
    await faults(server, cluster, [org_a, org_b], nats, 100)


@pytest.fixture
async def dispatcher(system_db: Database) -> AsyncIterator[None]:
    """Run a dispatcher."""
    task = spawn(Dispatcher(system_db).run(), name="dispatcher")
    yield
    await cancel(task)


class Handling:
    """A consumer inside the test whose handler can be told to fail."""

    def __init__(self, system: Database, app: Database, source: Source | None = None) -> None:
        self.seen: list[int] = []
        self.refuse: set[int] = set()
        self.lock_kept: set[int] = set()
        me = uuid7()
        self.consumer = Consumer(
            "test.handling", ["test.*"], self._handle, system=system, holder=me, start="oldest", lease=1.0,
            ctx=lambda org: Ctx(app, org, me), source=source or OutboxSource(system, poll=0.2),
            first_wait=0.01,
        )  # fmt: skip
        self.task = spawn(self.consumer.run(), name="consumer")

    async def _handle(self, tx: Tx, ctx: Ctx, event: ShardEvent) -> None:
        number = int(event.payload["number"])
        if number in self.refuse:
            raise Invalid("test.refused", f"number {number} is refused")
        if number in self.lock_kept:
            await tx.execute("set local lock_timeout = '200ms'; select from core.kept for update")
        self.seen.append(number)

    async def until(self, *numbers: int) -> None:
        """Wait until exactly these were handled, in this order."""
        async with asyncio.timeout(60):
            while len(self.seen) < len(numbers):
                await asyncio.sleep(0.02)
        assert self.seen == list(numbers)


@pytest.fixture
async def handling(system_db: Database, app_db: Database, dispatcher: None) -> AsyncIterator[Handling]:
    """Return a running consumer."""
    found = Handling(system_db, app_db)
    yield found
    await cancel(found.task)


async def told(org: OrgFixture, key: str | None, *numbers: int, topic: str = "test.happened") -> None:
    """Publish numbered events about `key`."""
    for number in numbers:
        async with uow(org.ctx) as tx:
            payload = Jsonb({"number": str(number)})
            await scalar(tx, "select core.publish(%s, %s, %s, %s)", [uuid7(), topic, payload, key])


async def dead(ctx: Ctx, count: int) -> list[letters.DeadLetter]:
    """Wait for `count` unresolved letters; return them oldest first."""
    async with asyncio.timeout(60):
        while len(found := await letters.dead_letters(ctx)) < count:
            await asyncio.sleep(0.05)
    return sorted(found, key=lambda letter: letter.seq)


async def test_k5_a_dead_letter_holds_its_key_and_nobody_else(handling: Handling, org_a: OrgFixture) -> None:
    handling.refuse = {2}
    await told(org_a, "a", 1, 2, 3)
    first, second = await dead(org_a.ctx, 2)
    await told(org_a, "b", 10)
    await handling.until(1, 10)
    assert (first.state, first.attempts, first.behind) == ("dead", ATTEMPTS, 1)
    assert first.reason == "test.refused: number 2 is refused"
    assert (second.state, second.payload) == ("behind", {"number": "3"})


async def test_k5_a_replayed_letter_lets_those_behind_it_follow_in_order(
    handling: Handling, org_a: OrgFixture
) -> None:
    handling.refuse = {2}
    await told(org_a, "a", 1, 2, 3, 4)
    first = (await dead(org_a.ctx, 3))[0]
    handling.refuse = set()
    await letters.replay(org_a.ctx, [first.id])
    await told(org_a, "a", 5)
    await handling.until(1, 2, 3, 4, 5)
    assert await letters.dead_letters(org_a.ctx) == []


async def test_k5_a_letter_that_fails_again_holds_on(handling: Handling, org_a: OrgFixture) -> None:
    handling.refuse = {2}
    await told(org_a, "a", 1, 2, 3)
    first = (await dead(org_a.ctx, 2))[0]
    await letters.replay(org_a.ctx, [first.id])
    async with asyncio.timeout(60):
        while (await dead(org_a.ctx, 2))[0].attempts == ATTEMPTS:
            await asyncio.sleep(0.05)
    assert [letter.state for letter in await dead(org_a.ctx, 2)] == ["dead", "behind"]
    assert handling.seen == [1]


async def test_k5_a_discarded_letter_lets_the_others_go(handling: Handling, org_a: OrgFixture) -> None:
    handling.refuse = {2}
    await told(org_a, "a", 1, 2, 3)
    first = (await dead(org_a.ctx, 2))[0]
    await letters.discard(org_a.ctx, [first.id])
    await told(org_a, "a", 4)
    await handling.until(1, 3, 4)


async def test_k5_a_lock_that_a_member_keeps_holds_up_one_key_only(
    handling: Handling, org_a: OrgFixture, server: Server, cluster: Cluster
) -> None:
    with cluster.connect(server.dbname) as keeper:
        keeper.execute("create table core.kept (number integer); insert into core.kept values (1)")
        keeper.execute("grant select, update on core.kept to sent_app")
        keeper.execute("begin; select from core.kept for update")
        handling.lock_kept = {2}
        await told(org_a, "a", 1, 2)
        await told(org_a, "b", 10, 11)
        (letter,) = await dead(org_a.ctx, 1)
        keeper.execute("rollback")
    assert letter.reason.startswith("database.timeout")
    await letters.replay(org_a.ctx, [letter.id])
    async with asyncio.timeout(60):
        while sorted(handling.seen) != [1, 2, 10, 11]:
            await asyncio.sleep(0.05)


async def test_k5_letters_are_read_and_replayed_by_their_organisation_only(
    handling: Handling, org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb
) -> None:
    handling.refuse = {1}
    await told(org_a, None, 1)
    (letter,) = await dead(org_a.ctx, 1)
    stranger = Ctx(await member_db(org_b), org_b.org, org_b.owner)
    owner = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    assert await letters.dead_letters(stranger) == []
    for touch in (letters.replay, letters.discard):
        with pytest.raises(NotFound):
            await touch(stranger, [letter.id])
    assert [found.id for found in await letters.dead_letters(owner)] == [letter.id]
    async with uow(owner) as tx:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await tx.execute("select * from core.dead_letter")


async def test_k5_members_cannot_move_a_consumers_place(org_a: OrgFixture, member_db: MemberDb) -> None:
    owner = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    with pytest.raises(Denied):
        async with uow(owner) as tx:
            await tx.execute("select core.advance('test.handling', 0, 1, 1)")


async def test_k5_two_workers_share_the_shards_and_a_stale_one_commits_nothing(
    system_db: Database, app_db: Database, dispatcher: None, org_a: OrgFixture
) -> None:
    first = Handling(system_db, app_db)
    second = Handling(system_db, app_db)
    async with asyncio.timeout(60):
        while (first.consumer.shards, second.consumer.shards) != (8, 8):
            await asyncio.sleep(0.05)
    await told(org_a, None, *range(40))
    async with asyncio.timeout(60):
        while len(first.seen) + len(second.seen) < 40:
            await asyncio.sleep(0.05)
    assert sorted(first.seen + second.seen) == list(range(40))
    assert first.seen and second.seen
    with pytest.raises(SentError, match="somebody else works here now"):
        async with uow(org_a.ctx) as tx:
            await tx.execute("select core.advance('test.handling', 3, 0, 1000)")
    await cancel(first.task, second.task)


async def test_k5_the_outbox_keeps_what_a_consumer_has_not_seen(
    system_db: Database, server: Server, cluster: Cluster, org_a: OrgFixture
) -> None:
    await told(org_a, None, 1, 2)
    connection = await system_db.connect()
    dispatching = Dispatcher(system_db)
    await dispatching.dispatch(connection)
    with cluster.connect(server.dbname) as admin:
        admin.execute("update core.outbox set at = now() - interval '8 days'")
        admin.execute("insert into core.consumer (name, shard, seq) values ('slow', 0, 1)")
    await dispatching._prune(connection)
    await connection.close()
    with cluster.connect(server.dbname) as admin:
        assert admin.execute("select array_agg(seq) from core.outbox").fetchone() == ([2],)


def test_k5_messages_of_strangers_are_not_believed() -> None:
    key = secrets.key(KEY)
    row: tuple[Any, ...] = (
        5, uuid7(), uuid7(), "test.happened", "k", {"number": "1"}, datetime.now(UTC), 3, 4,
    )  # fmt: skip
    text = stream_message(row, key)
    read = read_message(text, key)
    assert read is not None and (read[0].seq, read[0].key, read[1]) == (5, "k", 4)
    for forged in (text[:-1] + b"]", b"\0" * 32 + text[32:], text[32:], b"", text + b" "):
        assert read_message(forged, key) is None


async def test_k5_a_consumer_goes_on_while_the_message_server_is_away(
    system_db: Database, app_db: Database, dispatcher: None, org_a: OrgFixture, nats: NatsServer
) -> None:
    from sent.platform.bus.nats import Relay, StreamSource

    relay = Relay(system_db, nats.url)
    relaying = spawn(relay.run(), name="relay")
    source = StreamSource(system_db, nats.url, poll=0.2)
    handling = Handling(system_db, app_db, source)
    async with asyncio.timeout(60):
        number = 0
        while source.from_stream == 0:
            number += 1
            await told(org_a, "a", number)
            await asyncio.sleep(0.1)
    nats.kill()
    await told(org_a, "a", number + 1)
    await handling.until(*range(1, number + 2))
    nats.start()
    before = source.from_stream
    async with asyncio.timeout(60):
        while source.from_stream == before:
            number += 1
            await told(org_a, "a", number + 1)
            await asyncio.sleep(0.1)
    await handling.until(*range(1, number + 2))
    await cancel(handling.task, relaying)
