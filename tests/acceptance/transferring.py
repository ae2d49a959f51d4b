"""One of several processes that move money between wallets until it is killed or done.

    python transferring.py '{"server": {...}, "role": ..., "password": ..., "org": ..., "log": FILE, ...}'

Works off its transfers, numbered from 0: what each is follows from the seed, so that a successor asks for the
same under the same key. It logs a number once the database said that it is done, or refused.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sent.engines.capital import api
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.errors import Conflict
from sent.platform.ids import OrgId
from sent.platform.telemetry.log import Secret

DAY = date(2026, 5, 1)
RESERVED_S = 2.0


class Mover:
    """Does one transfer after the other."""

    def __init__(self, ctx: Ctx, order: dict[str, Any]) -> None:
        self._ctx = ctx
        self._journal = UUID(order["journal"])
        self._wallets = [UUID(text) for text in order["wallets"]]
        self._seed = int(order["seed"])

    async def move(self, number: int) -> str:
        """Do a transfer; returns what became of it."""
        chance = random.Random(f"{self._seed}/{number}")
        giver, taker = chance.sample(self._wallets, 2)
        amount = Decimal(chance.randint(1, 4000)) / 100
        key = f"{self._seed}/{number}"
        what = chance.choice(["book", "book", "book", "book", "whole", "part", "void", "leave"])
        waits = what != "book"
        # The time of a reservation belongs to the request: whoever asks again asks for the same.
        until = datetime.fromtimestamp(1_900_000_000 + number, UTC) if waits else None
        if what == "leave":
            until = datetime.now(UTC) + timedelta(seconds=RESERVED_S)
            key += f"/{until.isoformat()}"
        draft = api.Draft(
            self._journal,
            DAY,
            self._lines(giver, taker, amount),
            kind="pending" if waits else "entry",
            key=key,
            expires_at=until,
            id=uuid5(self._journal, key),
        )
        try:
            entry = await api.post(self._ctx, draft)
        except Conflict as error:
            return "refused" if error.code == "capital.floor" else error.code
        part = max(Decimal("0.01"), (amount * chance.randint(1, 99) / 100).quantize(Decimal("0.01")))
        if what in ("book", "leave"):
            return what
        return await self._settle(entry, what, self._lines(giver, taker, part), key)

    async def _settle(self, entry: UUID, what: str, part: list[api.Line], key: str) -> str:
        try:
            if what == "void":
                await api.void_pending(self._ctx, entry)
            else:
                lines = None if what == "whole" else part
                await api.post_pending(self._ctx, entry, DAY, lines=lines, key=f"{key}/post")
        except Conflict as error:
            return error.code
        return what

    def _lines(self, giver: UUID, taker: UUID, amount: Decimal) -> list[api.Line]:
        return [api.Line(giver, amount, "EUR"), api.Line(taker, -amount, "EUR")]


async def work(order: dict[str, Any]) -> None:
    """Do what the log does not name yet."""
    log = Path(order["log"])
    lines = log.read_text().splitlines() if log.exists() else []
    known = {line.split()[0] for line in lines if len(line.split()) == 2 and line.endswith(".")}
    server, org = Server(**order["server"]), OrgId(UUID(order["org"]))
    async with Database(server, order["role"], fixed(Secret(order["password"])), trusted=False) as db:
        mover = Mover(Ctx(db, org, UUID(order["person"])), order)
        with log.open("a") as out:
            out.write("\n")
            for number in range(order["transfers"]):
                if str(number) not in known:
                    out.write(f"{number} {await mover.move(number)}.\n")
                    out.flush()


if __name__ == "__main__":
    asyncio.run(work(json.loads(sys.argv[1])))
