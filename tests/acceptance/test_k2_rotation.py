"""K2 s: the key of a column changes under four writers while everybody is killed; nothing is lost."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
import sealing
from tenants import OrgFixture

from sent.platform.context import Ctx
from sent.platform.crypto import rotate, store
from sent.platform.crypto.root import Roots
from sent.platform.crypto.vault import Vault
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import uow

WRITERS = 4
ROWS = 6
PATIENCE_S = 60.0


class Crew:
    """Writers and a rotator, each a process of its own."""

    def __init__(self, jobs: list[sealing.Job], rotator: sealing.Job) -> None:
        self.jobs = jobs
        self.rotator = rotator
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a writer (`"0"`..) or the rotator."""
        verb, job = ("rotate", self.rotator) if name == "rotator" else ("write", self.jobs[int(name)])
        with Path(job.log).with_suffix(".err").open("ab") as errors:
            self.running[name] = subprocess.Popen(
                [sys.executable, sealing.__file__, verb, json.dumps(asdict(job))],
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def kill(self, name: str) -> None:
        """End one with kill -9; it must have been alive."""
        process = self.running.pop(name)
        assert process.poll() is None, Path(self.rotator.log).parent.joinpath(f"{name}.err").read_text()
        process.kill()
        process.wait()


@contextmanager
def crew(server: Server, org: OrgFixture, rows: list[str], folder: Path) -> Iterator[Crew]:
    """Give each writer rows of its own."""

    def job(name: str, mine: list[str]) -> sealing.Job:
        log = folder / f"{name}.log"
        log.touch()
        return sealing.Job(server.host, server.port, server.dbname, str(org.org), mine, str(log))

    found = Crew([job(str(n), rows[n::WRITERS]) for n in range(WRITERS)], job("rotator", []))
    try:
        yield found
    finally:
        for name in list(found.running):
            found.running[name].kill()
            found.running[name].wait()


async def run_rounds(
    server: Server, org: OrgFixture, system_db: Database, folder: Path, rounds: int, seed: int
) -> None:
    sealing.make_table(server)
    rows = [str(await sealing.insert(org.ctx, b"")) for _ in range(WRITERS * ROWS)]
    chance = random.Random(seed)
    system = Ctx(system_db, org.org, org.owner)
    with crew(server, org, rows, folder) as team:
        for number in range(WRITERS):
            team.start(str(number))
        await _until(lambda: _all_write(team))
        for turn in range(rounds):
            seen = await _newest(system)
            team.start("rotator")
            await _until(lambda seen=seen: _moved(system, seen))
            time.sleep(chance.uniform(0, 0.15))
            team.kill("rotator")
            if turn % 2:
                victim = str(chance.randrange(WRITERS))
                team.kill(victim)
                team.start(victim)
        written = sum(_lines(job) for job in team.jobs)
        await _until(lambda: _grown(team, written))
        result = await rotate.rotate_data(system, sealing.PURPOSE, Roots(), Vault(), lambda _: None)
        assert result["still_used"] == [] and result["broken"] == 0
        for name in list(team.running):
            team.kill(name)
    await _check(org, system, team, rounds)


async def _check(org: OrgFixture, system: Ctx, team: Crew, rounds: int) -> None:
    found = await sealing.contents(org.ctx)
    for job in team.jobs:
        acknowledged: dict[str, int] = {}
        for line in Path(job.log).read_text().splitlines():
            row, number = json.loads(line)
            acknowledged[row] = number
        assert set(acknowledged) == set(job.rows)
        for row, number in acknowledged.items():
            # A writer killed between commit and note leaves one later than it noted.
            assert found[row] >= number
    async with uow(system) as tx:
        keys = [key for key in await store.rows(tx) if key.purpose == sealing.PURPOSE]
        used = await store.amounts(tx, sealing.PURPOSE)
    active = [key.number for key in keys if key.state == "active"]
    assert len(active) == 1 and set(used) == set(active)
    assert len(keys) > rounds / 2
    assert all(key.emptied_at or key.state == "destroyed" for key in keys if key.state != "active")
    assert [key.number for key in keys if key.state == "destroyed"] or rounds < 5


async def _newest(ctx: Ctx) -> tuple[int, int]:
    async with uow(ctx) as tx:
        keys = await store.rows(tx)
        return max((key.number for key in keys), default=0), sum(key.emptied_at is not None for key in keys)


async def _moved(ctx: Ctx, seen: tuple[int, int]) -> bool:
    return await _newest(ctx) != seen


async def _all_write(team: Crew) -> bool:
    return all(_lines(job) > len(job.rows) for job in team.jobs)


async def _grown(team: Crew, written: int) -> bool:
    return sum(_lines(job) for job in team.jobs) > written + 20


def _lines(job: sealing.Job) -> int:
    return Path(job.log).read_text().count("\n")


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not await condition():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)


async def test_k2_rotation_under_writers_and_kills(
    server: Server, org_a: OrgFixture, system_db: Database, tmp_path: Path
) -> None:
    await run_rounds(server, org_a, system_db, tmp_path, 5, seed=1)


@pytest.mark.soak
async def test_k2_s_twenty_rounds_of_rotation_under_writers_and_kills(
    server: Server, org_a: OrgFixture, system_db: Database, tmp_path: Path
) -> None:
    await run_rounds(server, org_a, system_db, tmp_path, 20, seed=2)
