"""K1: what the sealer costs four writers, how far behind it is, and how fast a trail is verified."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from bench.measure import report
from tenants import OrgFixture

from sent.platform.audit import store
from sent.platform.audit.sealer import Sealer
from sent.platform.audit.verify import blocks, verify
from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import scalar, transaction, uow

pytestmark = pytest.mark.bench

WRITERS = 4
SECONDS = 4.0
ROUNDS = 5
SEALING = """
import asyncio, json, sys
from sent.platform.audit.sealer import Sealer
from sent.platform.config.secrets import role_password
from sent.platform.db.engine import Database, Server, fixed
async def main():
    server = Server(**json.loads(sys.argv[1]))
    async with Database(server, "sent_system", fixed(role_password("sent_system")), trusted=True) as db:
        await Sealer(db).run()
asyncio.run(main())
"""


async def written(server: Server, org: OrgFixture, *, behind: list[float], db: Database) -> float:
    """Return committed updates a second of four writers; notes how old the oldest unsealed entry is."""
    login = server.parameters() | {"user": "sent_app", "password": role_password("sent_app").reveal()}
    writers = []
    for number in range(WRITERS):
        told = {"login": login, "org": str(org.org), "writer": number, "seconds": SECONDS}
        writers.append(
            subprocess.Popen(
                [sys.executable, Path(__file__).with_name("sealed_writer.py"), json.dumps(told)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        await asyncio.sleep(0.5)
        behind.append(await age(db, org))
    total = 0
    for writer in writers:
        out, _ = await asyncio.to_thread(writer.communicate, timeout=60)
        total += int(out)
    return total / SECONDS


async def age(db: Database, org: OrgFixture) -> float:
    """Return the age in seconds of the oldest entry without a seal."""
    async with transaction(db) as tx:
        found: Any = await scalar(
            tx,
            "select extract(epoch from clock_timestamp() - min(at))::double precision from ("
            " select at from ts.audit_entry where organization_id = %s and seq > coalesce("
            "  (select max(to_seq) from audit.seal where organization_id = %s), 0) order by seq limit 1) x",
            [org.org, org.org],
        )
    return float(found or 0)


async def test_k1_sealer_beside_four_writers(server: Server, org_a: OrgFixture, system_db: Database) -> None:
    async with uow(org_a.ctx) as tx:
        await tx.execute(
            "insert into core.client (name, code) select 'c', 'w' || w || '-' || n"
            f" from generate_series(0, {WRITERS - 1}) w, generate_series(0, 49) n"
        )
    bare, beside, behind, ignored = [], [], [], []
    for _ in range(ROUNDS):
        bare.append(await written(server, org_a, behind=ignored, db=system_db))
        await _drain(system_db)
        place = {"host": server.host, "port": server.port, "dbname": server.dbname}
        process = subprocess.Popen([sys.executable, "-c", SEALING, json.dumps(place)])
        try:
            beside.append(await written(server, org_a, behind=behind, db=system_db))
        finally:
            process.terminate()
            process.wait()
        await _drain(system_db)
    assert report("k1_sealer_lag", max(behind), "s", target_value=5.0)
    assert report(
        "k1_writers_beside_sealer",
        statistics.median(beside),
        "1/s",
        statistics.median(bare),
        target_ratio=0.9,
        higher_is_better=True,
    )


async def _drain(db: Database) -> None:
    sealer = Sealer(db)
    while await sealer.turn():
        pass


async def test_k1_sealing_and_verifying_speed(org_a: OrgFixture, system_db: Database) -> None:
    async with uow(org_a.ctx) as tx:
        await tx.execute(
            "insert into core.client (name, code, note) select 'client', n, 'a note of usual length'"
            " from generate_series(1, 20000) n"
        )
    sealer = Sealer(system_db)
    began = time.perf_counter()
    sealed = 0
    while found := await sealer.turn():
        sealed += found
    seconds = time.perf_counter() - began
    assert sealed >= 20000
    assert report("k1_sealing", sealed / seconds, "1/s", target_value=5000, higher_is_better=True)
    ctx = Ctx(system_db, org_a.org, org_a.owner)
    async with uow(ctx) as tx:
        keys = await store.signing_keys(tx)
    rates = []
    for _ in range(ROUNDS):
        checked = await verify(org_a.org, blocks(ctx), keys)
        assert checked.ok and checked.entries >= 20000
        rates.append(checked.entries / checked.seconds)
    assert report("k1_verify", statistics.median(rates), "1/s", target_value=5000, higher_is_better=True)
