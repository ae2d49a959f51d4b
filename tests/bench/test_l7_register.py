"""L7 b: the register of an account with 200,000 lines, on a real database: opened, scrolled, jumped in."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from bench.desk import desk
from bench.measure import percentile, report
from PySide6.QtWidgets import QApplication
from tenants import OrgFixture

from sent.engines.capital import api

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

__all__ = ["desk"]

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

LINES = 200_000

FILL = """
with numbered as (
  select n, nextval('capital.entry_seq') as seq, core.uuid7() as id,
    date '2024-04-01' + (n / 280)::integer as day from generate_series(0, %(lines)s - 1) n
), entries as (
  insert into capital.entry (organization_id, id, seq, journal_id, kind, day, memo, reference)
  select %(org)s, id, seq, %(journal)s, 'entry', day, 'Patrol of the harbour, night ' || n, 'R' || n
  from numbered
)
insert into capital.line (organization_id, seq, n, account_id, commodity, amount, day, pending)
select %(org)s, x.seq, s.n, case s.n when 1 then %(bank)s else %(sales)s end, 'GBP',
  case s.n when 1 then 1 else -1 end * (1 + x.n %% 9973) / 100.0, x.day, false
from numbered x, (values (1), (2)) s (n)
"""


@pytest.fixture
async def filled(cluster: Cluster, server: Server, org_a: OrgFixture) -> Any:
    """Fill the bank account; return it."""
    await api.set_up(org_a.ctx, "uk")
    accounts = {one.code: one for one in await api.accounts(org_a.ctx)}
    with cluster.connect(server.dbname) as connection:
        connection.execute(
            FILL,
            {
                "lines": LINES, "org": org_a.org, "journal": (await api.journals(org_a.ctx))[0].id,
                "bank": accounts["1200"].id, "sales": accounts["4000"].id,
            },
        )  # fmt: skip
        connection.commit()
        connection.autocommit = True
        connection.execute("analyze capital.entry, capital.line")
    for _ in range(2):
        await api.upkeep(org_a.ctx)
    return accounts["1200"]


def test_l7_a_register_of_two_hundred_thousand_lines(filled: Any, desk: Any) -> None:
    window, bot = desk.window, desk.bot
    window.show_page("accounts")
    page = window.pages["accounts"]
    bot.waitUntil(lambda: page.chart.model_.known() > 0, timeout=15000)
    began = time.perf_counter()
    page.show_account(filled)
    table = page.table
    bot.waitUntil(
        lambda: table.model_.known() == LINES and table.model_.row(LINES - 1) is not None, timeout=20000
    )
    opened = (time.perf_counter() - began) * 1000
    bar, frames = table.verticalScrollBar(), []
    for step in range(400):
        start = time.perf_counter()
        bar.setValue(bar.maximum() // 2 + step * 37)
        QApplication.processEvents()
        frames.append((time.perf_counter() - start) * 1000)
    jumps = []
    for place in (5, 190_000, 60_000, 120_000, 30_000, 199_999, 90_000, 150_000):
        start = time.perf_counter()
        table.go(place)
        bot.waitUntil(lambda at=place: table.model_.row(at) is not None, timeout=10000)
        jumps.append((time.perf_counter() - start) * 1000)
    last = table.model_.row(LINES - 1)
    assert last.balance == page.places.balance and last.day <= date(2026, 3, 31)
    met = [
        report("l7_register_scroll_p95", percentile(frames, 0.95), "ms", target_value=16),
        report("l7_register_open", opened, "ms", target_value=1000),
        report("l7_register_jump_max", max(jumps), "ms", target_value=300),
    ]
    assert all(met)
