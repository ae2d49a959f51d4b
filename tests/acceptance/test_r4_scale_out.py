"""R4, scale-out: workers share the matching through JetStream; what was sent is stored once, whoever dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench.syslog_feed import lines
from radar_intake import amount, eventually, running
from radar_worker import Worker

from sent.engines.radar import api
from sent.engines.radar.receiving.access import new_token
from sent.engines.radar.receiving.conveyor import RECEIPTS
from sent.engines.radar.receiving.delivery import PARTITIONS
from sent.engines.radar.receiving.partition import PREFIX, STREAM
from sent.platform.db.uow import scalar, uow

if TYPE_CHECKING:
    from message_server import NatsServer
    from tenants import OrgFixture

    from sent.engines.radar.intake import Intake
    from sent.platform.context import Ctx
    from sent.platform.db.engine import Database, Server

MESSAGES = lines(2000)
TOKEN = new_token()
COUNT = """
title: Five logins of root
id: 7d0f6c1e-3f0d-4a55-9d6c-0c2f7f3d5a10
correlation:
  type: event_count
  rules: [logins]
  group-by: [user]
  timespan: 1h
  condition: {gte: 5}
level: high
---
title: A login
id: 0c0f1e4e-8f42-44a7-9a0a-3f6c9f1f7b11
name: logins
logsource: {product: linux}
detection:
  selection: {user: many}
  condition: selection
level: low
"""


def counted(messages: list[bytes]) -> bytes:
    return b"".join(b"%d %s" % (len(message), message) for message in messages)


async def send(port: int, data: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def both_share(*intakes: Intake) -> None:
    async def shared() -> bool:
        for intake in intakes:
            await intake.reload()
        return all(intake.metrics()["partitions"] == PARTITIONS / len(intakes) for intake in intakes)

    await eventually(shared)


async def test_r4_two_workers_share_what_one_receives(
    system_db: Database, org_a: OrgFixture, nats: NatsServer
) -> None:
    made = [await api.add_source(org_a.ctx, f"S{n}", "syslog_tcp", "127.0.0.1:0") for n in range(12)]
    async with (
        running(system_db, org_a.ctx, nats.url) as first,
        running(system_db, org_a.ctx, nats.url) as second,
    ):
        await both_share(first, second)
        assert not second.ports, "the first one receives everything"
        await asyncio.gather(*(send(first.ports[source.id], counted(MESSAGES)) for source in made))

        async def all_there() -> bool:
            return await amount(org_a.ctx) >= 12 * len(MESSAGES)

        await eventually(all_there, seconds=60)
        one, two = first.metrics(), second.metrics()
    assert one["events_total"] + two["events_total"] == 12 * len(MESSAGES)
    assert one["events_total"] > 0, "the receiver matches a share"
    assert two["events_total"] > 0, "and so does the other"
    assert one["passed_on_total"] == 12 * len(MESSAGES)
    async with uow(org_a.ctx) as tx:
        sources = await scalar(
            tx,
            "select count(*) from (select e.source_id from radar.event e group by 1 having count(*) = %s) s",
            [len(MESSAGES)],
        )
    assert sources == 12, "of each source everything, once"


async def test_r4_http_is_answered_when_the_other_worker_has_stored_it(
    system_db: Database, org_a: OrgFixture, nats: NatsServer
) -> None:
    made = await api.add_source(org_a.ctx, "H", "http", "127.0.0.1:0", token=TOKEN)
    async with (
        running(system_db, org_a.ctx, nats.url) as first,
        running(system_db, org_a.ctx, nats.url) as second,
    ):
        await both_share(first, second)
        for body in (b'{"n":1}\n{"n":2}', b'{"n":3}', b'{"long":"' + b"x" * 300_000 + b'"}'):
            before = await amount(org_a.ctx)
            async with asyncio.timeout(20):
                assert await posted(first.ports[made.id], body) == 200
            assert await amount(org_a.ctx) == before + body.count(b"\n") + 1
        assert first.metrics()["passed_on_total"] == 3
        assert first.metrics()["kept_here_total"] == 1, "the one that is too large for a message"


async def posted(port: int, body: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {len(body)}"
    writer.write(f"{head}\r\n\r\n".encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return int(answer.split()[1])


async def test_r4_correlations_hold_over_workers(
    system_db: Database, org_a: OrgFixture, nats: NatsServer, tmp_path: Path
) -> None:
    (tmp_path / "count.yml").write_text(COUNT)
    await api.import_rules(org_a.ctx, tmp_path / "count.yml", "count")
    made = [await api.add_source(org_a.ctx, f"S{n}", "syslog_tcp", "127.0.0.1:0") for n in range(5)]
    async with (
        running(system_db, org_a.ctx, nats.url) as first,
        running(system_db, org_a.ctx, nats.url) as second,
    ):
        await both_share(first, second)
        for source in made:
            line = b"<38>Nov 27 10:00:00 web1 sshd[1]: Accepted password for many from 10.0.0.1 port 22 ssh2"
            await send(first.ports[source.id], counted([line]))

        async def raised() -> bool:
            found = await api.alerts(org_a.ctx, api.AlertFilter())
            return [alert.title for alert in found] == ["Five logins of root"]

        await eventually(raised, seconds=30)


async def test_r4_a_message_server_that_goes_away_costs_nothing_that_was_sent(
    system_db: Database, org_a: OrgFixture, nats: NatsServer
) -> None:
    made = await api.add_source(org_a.ctx, "S", "syslog_tcp", "127.0.0.1:0")
    async with (
        running(system_db, org_a.ctx, nats.url) as first,
        running(system_db, org_a.ctx, nats.url) as second,
    ):
        await both_share(first, second)
        port = first.ports[made.id]
        blocks = [MESSAGES[start : start + 200] for start in range(0, len(MESSAGES), 200)]
        for number, block in enumerate(blocks):
            await send(port, counted(block))
            if number == 2:
                nats.kill()
            if number == 6:
                assert any("message server" in problem for problem in await problems_of(first))
                nats.start()
            await asyncio.sleep(0.1)

        async def all_there() -> bool:
            return await amount(org_a.ctx) >= len(MESSAGES)

        await eventually(all_there, seconds=60)
        await asyncio.sleep(1)
        assert await amount(org_a.ctx) == len(MESSAGES)
        assert first.metrics()["kept_here_total"] >= 400


async def problems_of(intake: Intake) -> list[str]:
    await intake.reload()
    return intake.problems()


async def test_r4_what_others_put_into_the_stream_is_no_event(
    system_db: Database, org_a: OrgFixture, nats: NatsServer
) -> None:
    from nats import connect

    made = await api.add_source(org_a.ctx, "S", "syslog_tcp", "127.0.0.1:0")
    async with (
        running(system_db, org_a.ctx, nats.url) as first,
        running(system_db, org_a.ctx, nats.url) as second,
    ):
        await both_share(first, second)
        stranger = await connect(nats.url)
        stream = stranger.jetstream()
        for subject in (f"{PREFIX}.0.x", f"{PREFIX}.{made.id.int % PARTITIONS}.{made.id.hex}"):
            await stream.publish(subject, b"x" * 100)
        await stranger.publish(f"{RECEIPTS}.x", b"y" * 48)
        await send(first.ports[made.id], counted(MESSAGES[:10]))

        async def gone() -> bool:
            left = (await stream.stream_info(STREAM)).state.messages
            return left == 0 and await amount(org_a.ctx) >= 10

        await eventually(gone)
        await stranger.close()
    assert await amount(org_a.ctx) == 10


@pytest.mark.parametrize(
    "kills",
    [pytest.param(6, id="sample"), pytest.param(40, marks=[pytest.mark.soak, pytest.mark.timeout(900)])],
)
async def test_r4_workers_are_killed_and_every_line_is_stored_once(
    server: Server, org_a: OrgFixture, nats: NatsServer, tmp_path: Path, kills: int
) -> None:
    path = tmp_path / "growing.log"
    path.write_bytes(b"")
    path.chmod(0o644)
    await api.add_source(org_a.ctx, "F", "file", str(path))
    others = [tmp_path / f"other{n}.log" for n in range(3)]
    for other in others:
        other.write_bytes(b"")
        other.chmod(0o644)
        await api.add_source(org_a.ctx, other.stem, "file", str(other))
    workers = [
        Worker(server, tmp_path / f"w{n}", SENT_NATS_URL=nats.url, SENT_LOG_ROOTS=f'["{tmp_path}"]')
        for n in range(2)
    ]
    written = 0
    try:
        for n, worker in enumerate(workers):
            (tmp_path / f"w{n}").mkdir()
            await worker.start()
        for number in range(kills):
            for part in range(10):
                for target in (path, *others):
                    with target.open("ab") as out:
                        for message in MESSAGES[part * 40 : part * 40 + 40]:
                            out.write(message + b" %d\n" % written)
                            written += 1
                await asyncio.sleep(0.05 + number % 3 / 5)
            victim = workers[number % 2]
            if number % 3 == 2:
                nats.kill()
                nats.start()
            await victim.end(signal.SIGKILL)
            await victim.start()

        async def all_there() -> bool:
            return await amount(org_a.ctx) >= written

        await eventually(all_there, seconds=120)
        await asyncio.sleep(2)
        assert await amount(org_a.ctx) == written
        assert await repeated(org_a.ctx) == 0
        assert await through_the_stream(nats.url) > 5 * kills
    finally:
        for worker in workers:
            with contextlib.suppress(AssertionError):
                await worker.end(signal.SIGKILL)


async def through_the_stream(url: str) -> int:
    from nats import connect

    client = await connect(url)
    try:
        return int((await client.jetstream().stream_info(STREAM)).state.last_seq)
    finally:
        await client.close()


async def repeated(ctx: Ctx) -> int:
    """Return how many events are stored twice: each line has a number of its own."""
    async with uow(ctx) as tx:
        return int(
            await scalar(tx, "select count(*) - count(distinct (e.source_id, e.message)) from radar.event e")
        )
