"""R4: the whole worker: syslog over TCP in, rules matched, alerts and events stored, nothing lost."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from time import monotonic

import pytest
import tenants
from bench.measure import report
from radar_worker import Worker, free_port, running

from sent.engines.radar import api
from sent.platform.db.engine import Server
from sent.platform.db.uow import scalar, uow
from sent.platform.tasks import cancel, spawn

FEED = Path(__file__).with_name("syslog_feed.py")
FLOOR = 10_000
"""Events a second."""

MOST_BEHIND_S = 30.0
SENDERS = 2


async def fed(kind: str, port: int, rate: int, seconds: float, senders: int = SENDERS) -> int:
    """Let processes send for `seconds`; return how many messages that were."""
    running_ = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            str(FEED),
            kind,
            str(port),
            str(rate // senders),
            str(seconds),
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(senders)
    ]
    said = await asyncio.gather(*(process.communicate() for process in running_))
    return sum(int(out) for out, _ in said)


async def stored(org: tenants.OrgFixture) -> int:
    async with uow(org.ctx) as tx:
        return int(await scalar(tx, "select count(*) from radar.event"))


async def watched(worker: Worker, lags: list[float]) -> None:
    """Note every other second how far the worker is behind, in seconds."""
    while True:
        lags.append((await worker.metrics())["ingest_lag_ms"] / 1000)
        await asyncio.sleep(2)


async def settled(worker: Worker, sent: int) -> dict[str, float]:
    """Wait until everything sent is stored or counted; return the worker's figures."""
    end = monotonic() + 120
    while True:
        figures = await worker.metrics()
        if figures["events_total"] + figures["dropped_total"] >= sent:
            return figures
        assert monotonic() < end, figures
        await asyncio.sleep(0.2)


async def loaded(server: Server, org: tenants.OrgFixture, folder: Path, rate: int, seconds: float) -> float:
    """Load a worker for `seconds`; return events a second over all until the last is stored."""
    port = free_port(socket.SOCK_STREAM)
    await api.add_source(org.ctx, "Load", "syslog_tcp", f"127.0.0.1:{port}")
    async with running(server, folder) as worker:
        warm = await fed("tcp", port, 2000, 1, senders=1)
        before = await settled(worker, warm)
        began = monotonic()
        lags: list[float] = []
        watching = spawn(watched(worker, lags), name="lags")
        sent = warm + await fed("tcp", port, rate, seconds)
        ended = monotonic()
        await cancel(watching)
        figures = await settled(worker, sent)
        behind = monotonic() - ended
        passed = monotonic() - began
        assert figures["dropped_total"] == 0
        assert figures["alerts_total"] > 0
    assert await stored(org) == sent == figures["events_total"]
    assert max(lags) <= MOST_BEHIND_S
    assert behind <= MOST_BEHIND_S
    return float(sent - before["events_total"]) / passed


@pytest.mark.bench
@pytest.mark.parametrize("rules", ["shipped", "shared"])
async def test_r4_the_whole_worker_as_fast_as_it_goes(server, org_a, tmp_path, request, rules: str) -> None:
    """Twenty seconds from senders that are only held up by the worker itself; `shared`: 3,000 rules."""
    if rules == "shared":
        archive = request.getfixturevalue("test_data") / "sigma" / "rules.tar.gz"
        await api.import_rules(org_a.ctx, archive, "shared")
    rate = await loaded(server, org_a, tmp_path, 0, 20)
    name = f"r4_whole_worker_{rules}_rules"
    assert report(name, rate, "events/s", target_value=FLOOR, higher_is_better=True)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_r4_the_whole_worker_for_five_minutes(server, org_a, tmp_path) -> None:
    """10,000 events a second for five minutes: sent = stored, at most 30 s behind at the end."""
    rate = await loaded(server, org_a, tmp_path, FLOOR + FLOOR // 20, 300)
    assert report("r4_whole_worker_soak", rate, "events/s", target_value=FLOOR, higher_is_better=True)
