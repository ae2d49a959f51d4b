"""K5 b: what 200 listeners cost those who commit.

Ten organisations of twenty listeners each; everybody follows two of an organisation's ten topics, as a
console follows those of its pages. The listeners run on the same two cores as server and writers. With and
without them take turns: the machine's own ups and downs meet both.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bench.measure import report
from tenants import OrgFixture, add_member, make_org, mint

from sent.platform.bus.events import publish
from sent.platform.bus.outbox import COUNT_EVERY_S, Dispatcher
from sent.platform.config.secrets import role_password
from sent.platform.db.embedded import configuration
from sent.platform.db.embedded.cluster import PORT, SUPERUSER, Cluster
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.db.migrate import upgrade
from sent.platform.db.uow import uow
from sent.platform.tasks import cancel, spawn

pytestmark = pytest.mark.bench

LISTENERS = 200
WRITERS = 4
ORGANIZATIONS = 10
WINDOW_S = 2.0
ROUNDS = 3

LISTENER = """
import asyncio, sys
from uuid import UUID
from sent.platform.bus.feed import Feed
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.telemetry.log import Secret

host, port, name = sys.argv[1:]
members = [line.split() for line in sys.stdin.readline().split(";")]
got = 0

async def follow(feed):
    global got
    async for batch in feed:
        got += len(batch)

async def main():
    server = Server(host=host, port=int(port), dbname=name)
    feeds = [
        Feed(Ctx(Database(server, role, fixed(Secret(password)), trusted=False), UUID(org), UUID(int=1)),
             [f"test.t{number % 10}.*", f"test.t{(number + 3) % 10}.*"])
        for number, (role, password, org) in enumerate(members)
    ]
    tasks = []
    for feed in feeds:
        tasks.append(asyncio.create_task(follow(feed)))
        await asyncio.sleep(0.005)
    while any(feed.state == "offline" for feed in feeds):
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.sleep(2)
    print(got, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return the database of a server with room for 200 listeners, as a site's own would have."""
    monkeypatch.setattr(configuration, "MAX_CONNECTIONS", LISTENERS + 80)
    with tempfile.TemporaryDirectory(prefix="sent-k5-") as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder) / "db", Path(folder) / "pg", role_password(SUPERUSER))
        cluster.start()
        try:
            with cluster.connect("postgres") as connection:
                connection.execute("create database roomy template template0")
            server = Server(host=str(cluster.socket_dir), port=PORT, dbname="roomy")
            upgrade(server, SUPERUSER, cluster.password)
            with cluster.connect("roomy") as connection:
                connection.execute("alter role sent_app connection limit -1")
            yield server
        finally:
            cluster.stop("immediate")


class Load:
    """Writers that publish as fast as they can."""

    def __init__(self, orgs: list[OrgFixture]) -> None:
        self._orgs = orgs
        self._random = random.Random(5)
        self.commits = 0

    async def write(self, number: int) -> None:
        """Commit one event after the other."""
        turn = number
        while True:
            org = self._orgs[turn % len(self._orgs)]
            async with uow(org.ctx) as tx:
                topic = f"test.t{self._random.randrange(10)}.happened"
                await publish(tx, org.ctx, topic, {"number": str(turn)}, key=str(turn % 50))
            self.commits += 1
            turn += WRITERS

    async def windows(self, count: int) -> list[float]:
        """Return the commits a second of `count` windows."""
        rates = []
        for _ in range(count):
            before, began = self.commits, time.perf_counter()
            await asyncio.sleep(WINDOW_S)
            rates.append((self.commits - before) / (time.perf_counter() - began))
        return rates


async def members(server: Server, orgs: list[OrgFixture]) -> list[str]:
    """Make a member for each listener; return role, password and organisation of each."""
    found = []
    for number in range(LISTENERS):
        org = orgs[number % len(orgs)]
        _, membership = await add_member(org.ctx, f"m{number}@{org.slug}.test", f"M {number}", "analyst")
        role, password = mint(server, membership)
        found.append(f"{role} {password.reveal()} {org.org}")
    return found


@contextlib.asynccontextmanager
async def listening(server: Server, logins: list[str], heard: list[int]) -> AsyncIterator[None]:
    """Let all listen, the dispatcher knowing how many they are; note at the end how much they heard."""
    process = await asyncio.to_thread(listeners, server, logins)
    try:
        await asyncio.sleep(COUNT_EVERY_S + 1)
        yield
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        heard.append(int(await asyncio.to_thread(process.stdout.readline)))
    finally:
        process.kill()
        process.communicate()


def listeners(server: Server, logins: list[str]) -> subprocess.Popen[str]:
    """Start the process that holds the feeds and wait until all listen."""
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENER, server.host, str(server.port), server.dbname],
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(";".join(logins) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    return process


async def test_k5_200_listeners_leave_70_percent_of_the_commits(roomy: Server) -> None:
    password = role_password
    async with (
        Database(roomy, "sent_system", fixed(password("sent_system")), trusted=True) as system,
        Database(roomy, "sent_app", fixed(password("sent_app")), trusted=True, size=WRITERS) as app,
    ):
        orgs = [await make_org(system, app, f"org{number}") for number in range(ORGANIZATIONS)]
        logins = await members(roomy, orgs)
        load = Load(orgs)
        tasks = [spawn(Dispatcher(system).run(), name="dispatcher")]
        tasks += [spawn(load.write(number), name="writer") for number in range(WRITERS)]
        await asyncio.sleep(1)
        alone, together, heard = [], [], []
        for _ in range(ROUNDS):
            alone += await load.windows(3)
            async with listening(roomy, logins, heard):
                together += await load.windows(3)
            await asyncio.sleep(COUNT_EVERY_S + 1)
        alone += await load.windows(3)
        await cancel(*tasks)
    assert min(heard) > 1000, "the listeners heard what was committed"
    assert report(
        "k5_commits_with_200_listeners", statistics.median(together), "commits/s", statistics.median(alone),
        target_ratio=0.7, higher_is_better=True,
    )  # fmt: skip
