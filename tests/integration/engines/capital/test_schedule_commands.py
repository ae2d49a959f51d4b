"""`sent capital schedules` as the installation's administrator uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tenants import OrgFixture

from sent.engines.capital import api as ledger
from sent.engines.capital.schedules import api

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

Run = Callable[..., tuple[int, list[Any]]]
YEAR = date(2026, 4, 1)


@pytest.fixture
def schedules(server: Server, cluster: Cluster) -> Run:
    """Return a function that runs `sent capital schedules ...` and returns exit code and JSON lines."""
    url = f"postgresql://sent@/{server.dbname}?host={server.host}&port={server.port}"

    def run(*arguments: str) -> tuple[int, list[Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "sent", "capital", "schedules", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "SENT_DATABASE_URL": url},
        )
        assert "Traceback" not in done.stderr
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    return run


async def test_due_run_depreciate_and_the_register(org_a: OrgFixture, schedules: Run) -> None:
    ctx = org_a.ctx
    await ledger.set_up(ctx, "uk", year_starts=(4, 1))
    chart = await ledger.accounts(ctx)
    codes = {one.code: one.id for one in chart}
    van = api.Asset("Van 7", *api.by_role(chart, "Motor vehicles"), YEAR, Decimal(1200), 12)
    await api.save_asset(ctx, van)
    await api.release(ctx, "Insurance", codes["1103"], codes["8200"], Decimal(600), YEAR, 12)
    assert schedules("due", "--until", "2026-05-01") == (
        0, [{"day": "2026-04-30", "name": "Insurance", "n": 0}],
    )  # fmt: skip
    told = {"entries": 2, "documents": 0, "refused": []}
    assert schedules("run", "--until", "2026-05-31") == (0, [told])
    assert schedules("run", "--until", "2026-05-31") == (0, [{**told, "entries": 0}])
    await ledger.set_period(ctx, date(2026, 4, 1), date(2026, 5, 31), "open")
    for state in ("soft", "hard"):
        periods = {one.starts: one.id for one in await ledger.periods(ctx)}
        await ledger.set_period(
            ctx, date(2026, 6, 1), date(2026, 6, 30), state, period=periods.get(date(2026, 6, 1))
        )  # type: ignore[arg-type]
    code, (line,) = schedules("depreciate", "--until", "2026-06-30")
    assert (code, line["entries"], line["amount"]) == (1, 2, "200.00")
    assert "2026-06 is closed" in line["refused"][0]
    (row,) = schedules("assets")[1]
    assert (row["name"], Decimal(row["worn"]), Decimal(row["book_value"])) == ("Van 7", 200, 1000)
