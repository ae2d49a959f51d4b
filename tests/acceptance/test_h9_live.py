"""H9: an alert reaches a reader within a second of its event; a followed file loses nothing.

The worker is the real process; readers are the bus and the api as a membership that is logged in.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import monotonic
from uuid import UUID

import pytest
from radar_worker import free_port, running

from sent.engines.radar import api
from sent.platform.bus.feed import Feed
from sent.platform.bus.outbox import Dispatcher
from sent.platform.db.engine import Database
from sent.platform.db.uow import scalar, uow
from sent.platform.tasks import cancel, spawn

VISIBLE_S = 1.0


async def eventually(found: Callable[[], Awaitable[bool]], *, seconds: float = 15.0) -> None:
    end = monotonic() + seconds
    while not await found():
        assert monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


@pytest.fixture
async def dispatcher(system_db: Database) -> AsyncIterator[None]:
    task = spawn(Dispatcher(system_db).run(), name="dispatcher")
    yield
    await cancel(task)


@pytest.mark.parametrize("kind", ["syslog_udp", "syslog_tcp"])
async def test_h9_alert_is_visible_within_a_second_of_its_event(
    server, org_a, member_db, dispatcher, tmp_path, kind
) -> None:
    """As a logged-in membership: hint over the bus, then the alert through the api."""
    port = free_port(socket.SOCK_DGRAM if kind == "syslog_udp" else socket.SOCK_STREAM)
    await api.add_source(org_a.ctx, "Front", kind, f"127.0.0.1:{port}")
    ctx = replace(org_a.ctx, db=await member_db(org_a))
    delays = []
    async with running(server, tmp_path):
        feed = Feed(ctx, ["radar.alert.*"])
        heard: asyncio.Queue[UUID] = asyncio.Queue()
        listening = spawn(listen(feed, heard), name="feed")
        await eventually(lambda: asyncio.sleep(0, feed.state == "live"))
        for number in range(5):
            text = f"<38>1 - web{number} sshd 7 - - Accepted password for root from 203.0.113.9 port 22 ssh2"
            sent = monotonic()
            send(kind, port, text.encode())
            shown = await api.alert(ctx, await asyncio.wait_for(heard.get(), 10))
            delays.append(monotonic() - sent)
            assert shown.alert.host == f"web{number}"
            assert shown.alert.state == "new"
            assert shown.matched[0].field == "message"
        await cancel(listening)
    assert median(delays) <= VISIBLE_S, delays


async def listen(feed: Feed, heard: asyncio.Queue[UUID]) -> None:
    async for batch in feed:
        for event in batch:
            heard.put_nowait(UUID(event.payload["alert_id"]))


def send(kind: str, port: int, data: bytes) -> None:
    if kind == "syslog_udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing:
            outgoing.sendto(data, ("127.0.0.1", port))
    else:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as outgoing:
            outgoing.sendall(b"%d %s" % (len(data), data))


class Log:
    """A log file as a daemon writes it; remembers what it wrote."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: list[str] = []
        self._stream = path.open("ab", buffering=0)

    def write(self, amount: int) -> None:
        for _ in range(amount):
            line = f"line {len(self.written):06d} of {self.path.name}"
            self._stream.write(line.encode() + b"\n")
            self.written.append(line)

    def write_raw(self, data: bytes) -> None:
        self._stream.write(data)

    def rotate(self) -> None:
        """Rename and begin anew, as logrotate's default does."""
        self.path.rename(self.path.with_name(self.path.name + ".1"))
        self._stream.close()
        self._stream = self.path.open("ab", buffering=0)

    def copytruncate(self) -> None:
        self.path.with_name(self.path.name + ".1").write_bytes(self.path.read_bytes())
        os.truncate(self.path, 0)

    def close(self) -> None:
        self._stream.close()


@pytest.fixture
def log(tmp_path: Path):
    made = Log(tmp_path / "app.log")
    yield made
    made.close()


async def stored(org_a) -> list[str]:
    async with uow(org_a.ctx) as tx:
        found = await scalar(
            tx, "select coalesce(array_agg(message order by message), '{}') from radar.event"
        )
    return list(found)


def arrived(org_a, log: Log) -> Callable[[], Awaitable[bool]]:
    async def all_there() -> bool:
        return len(await stored(org_a)) >= len(log.written)

    return all_there


async def test_h9_tail_survives_rotation_truncation_and_partial_lines(server, org_a, tmp_path, log) -> None:
    """Every line exactly once; what is written a second before a truncation is never lost."""
    await api.add_source(org_a.ctx, "App", "file", str(log.path))
    log.write(50)
    async with running(server, tmp_path):
        await eventually(arrived(org_a, log))
        log.write(200)
        log.rotate()
        log.write(200)
        await eventually(arrived(org_a, log))
        log.write(100)
        await asyncio.sleep(1.0)
        log.copytruncate()
        log.write(100)
        await eventually(arrived(org_a, log))
        log.write_raw(b"half a ")
        await asyncio.sleep(0.6)
        assert len(await stored(org_a)) == len(log.written)
        log.write_raw(b"line\n")
        log.written.append("half a line")
        await eventually(arrived(org_a, log))
    assert await stored(org_a) == sorted(log.written)


async def test_h9_tail_survives_kill_9(server, org_a, tmp_path, log) -> None:
    """Killed while it reads, three times, with a rotation while it is down: nothing lost, nothing twice."""
    await api.add_source(org_a.ctx, "App", "file", str(log.path))
    for round_ in range(3):
        log.write(3000)
        async with running(server, tmp_path) as worker:
            before = len(await stored(org_a))

            async def some_more(before: int = before) -> bool:
                return len(await stored(org_a)) > before

            await eventually(some_more)
            await worker.end(signal.SIGKILL)
        log.write(500)
        if round_ == 1:
            log.rotate()
            log.write(500)
    async with running(server, tmp_path) as worker:
        await eventually(arrived(org_a, log), seconds=30)
        assert await worker.end(signal.SIGTERM) == 0
    assert await stored(org_a) == sorted(log.written)
