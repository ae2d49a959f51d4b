"""L2: eight processes move money between ten wallets and are killed: nothing lost, doubled or overdrawn."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tenants import OrgFixture, mint

from sent.engines.capital import api
from sent.platform.db.uow import uow

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

HERE = Path(__file__).resolve().parent
PROCESSES = 8
WALLETS = 10
DAY = date(2026, 5, 1)
START = Decimal("50.00")
FRESH_S = 600
"""A login lives for a quarter of an hour; who is connected stays."""

DRIFT = """
with booked as (
  select l.account_id, -sum(l.amount) as posted from capital.line l where not l.pending group by 1
), reserved as (
  select l.account_id, sum(greatest(-l.amount, 0)) as coming, sum(least(-l.amount, 0)) as leaving
  from capital.pending p join capital.entry e on e.organization_id = p.organization_id and e.id = p.id
  join capital.line l on l.organization_id = e.organization_id and l.seq = e.seq
  where p.state = 'open' group by 1
)
select count(*) from capital.holding h left join booked b using (account_id)
left join reserved r using (account_id)
where (h.posted, h.pending_in, h.pending_out)
  is distinct from (coalesce(b.posted, 0), coalesce(r.coming, 0), coalesce(r.leaving, 0))
"""


class Storm:
    """Ten wallets, eight processes, and somebody who kills them."""

    def __init__(self, org: OrgFixture, server: Server, folder: Path) -> None:
        self.org = org
        self.folder = folder
        self._server = server
        self.wallets: list[UUID] = []
        self.killed = 0
        self._login = mint(server, org.membership)
        self._minted = time.monotonic()

    async def prepare(self) -> None:
        """Fill the wallets."""
        ctx = self.org.ctx
        self.journal = await api.open_journal(ctx, "GJ", "General")
        bank = await api.open_account(ctx, "bank", "Bank", "asset")
        for n in range(WALLETS):
            wallet = await api.open_account(
                ctx, f"w{n}", f"Wallet {n}", "liability", commodity="EUR", floor=Decimal(0)
            )
            lines = [api.Line(bank, START, "EUR"), api.Line(wallet, -START, "EUR")]
            await api.post(ctx, api.Draft(self.journal, DAY, lines))
            self.wallets.append(wallet)

    def _begin(self, seed: int, transfers: int) -> subprocess.Popen[bytes]:
        if time.monotonic() - self._minted > FRESH_S:
            self._login, self._minted = mint(self._server, self.org.membership), time.monotonic()
        role, password = self._login
        order = {
            "server": {"host": self._server.host, "port": self._server.port, "dbname": self._server.dbname},
            "role": role, "password": password.reveal(), "org": str(self.org.org),
            "person": str(self.org.owner), "log": str(self.folder / f"{seed}.log"), "seed": seed,
            "journal": str(self.journal), "wallets": [str(one) for one in self.wallets],
            "transfers": transfers,
        }  # fmt: skip
        return subprocess.Popen([sys.executable, str(HERE / "transferring.py"), json.dumps(order)])

    async def run(self, transfers: int, kills: int) -> Counter[str]:
        """Run to the end; returns what became of the transfers."""
        chance = random.Random(5)
        share = transfers // PROCESSES
        running = {seed: self._begin(seed, share) for seed in range(PROCESSES)}
        try:
            while running:
                await asyncio.sleep(0.2)
                await self._watch()
                for seed, process in list(running.items()):
                    if process.poll() is not None:
                        assert process.returncode in (0, -9), (
                            f"process {seed} ended with {process.returncode}"
                        )
                        del running[seed]
                        if process.returncode:
                            running[seed] = self._begin(seed, share)
                if (
                    running
                    and self.killed < kills
                    and chance.random() < 0.5
                    and self._moved() > self.killed * 20
                ):
                    running[chance.choice(sorted(running))].kill()
                    self.killed += 1
        finally:
            for process in running.values():
                process.kill()
                process.wait()
        told: Counter[str] = Counter()
        for seed in range(PROCESSES):
            lines = (self.folder / f"{seed}.log").read_text().splitlines()
            done = [line.split() for line in lines if line.endswith(".")]
            assert {int(number) for number, _ in done} == set(range(share))
            told.update(what.rstrip(".") for _, what in done)
        return told

    def _moved(self) -> int:
        return sum(file.read_bytes().count(b".\n") for file in self.folder.glob("*.log"))

    async def _watch(self) -> None:
        """Free what is over its time, count and seal, and look at every wallet meanwhile."""
        await api.expire(self.org.ctx)
        await api.upkeep(self.org.ctx)
        for wallet in self.wallets:
            held = await api.holding(self.org.ctx, wallet, "EUR")
            assert held.available >= 0, f"a wallet is below its floor: {held}"

    async def check(self) -> None:
        """Compare what is kept with what is booked."""
        ctx = self.org.ctx
        async with uow(ctx) as tx:
            drift = await (await tx.execute(DRIFT)).fetchone()
            doubled = await (
                await tx.execute(
                    "select count(*) from (select key from capital.entry where key is not null"
                    " group by key having count(*) > 1) d"
                )
            ).fetchone()
        assert drift == (0,) and doubled == (0,)
        for known in (None, datetime.now(UTC)):
            found = await api.balances(ctx, None, known)
            assert sum(one.amount for one in found) == 0
            assert -sum(one.amount for one in found if one.account in self.wallets) == WALLETS * START
        for _ in range(2):
            await api.upkeep(ctx)
        verified = await api.verify(ctx)
        assert verified.unsealed == 0 and verified.findings == ()


@pytest.mark.timeout(300)
async def test_l2_two_thousand_transfers_with_killed_processes(
    org_a: OrgFixture, server: Server, tmp_path: Path
) -> None:
    await _storm(org_a, server, tmp_path, 2_000, 6)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_l2_twenty_thousand_transfers_with_killed_processes(
    org_a: OrgFixture, server: Server, tmp_path: Path
) -> None:
    await _storm(org_a, server, tmp_path, 20_000, 100)


async def _storm(org: OrgFixture, server: Server, folder: Path, transfers: int, kills: int) -> None:
    storm = Storm(org, server, folder)
    await storm.prepare()
    told = await storm.run(transfers, kills)
    print(json.dumps({"told": told, "killed": storm.killed}))
    assert storm.killed >= kills // 2
    for what in ("book", "refused", "whole", "part", "void", "leave"):
        assert told[what] > 0, told
    await storm.check()
