"""L6: reports over a million lines, beside the same figures counted from the lines."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from bench.measure import interleaved_async, report
from tenants import OrgFixture

from sent.engines.capital import api as ledger
from sent.engines.capital.reports import api
from sent.platform.db.uow import uow

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

ENTRIES = 500_000
FIRST = date(2024, 4, 1)
DAYS = 730

FILL = """
with numbered as (
  select n, nextval('capital.entry_seq') as seq, core.uuid7() as id,
    %(first)s::date + (n %% %(days)s)::integer as day from generate_series(0, %(entries)s - 1) n
), entries as (
  insert into capital.entry (organization_id, id, seq, journal_id, kind, day, memo)
  select %(org)s, id, seq, %(journal)s, 'entry', day, 'a movement' from numbered
)
insert into capital.line (organization_id, seq, n, account_id, commodity, amount, day, pending)
select %(org)s, x.seq, s.n, (%(accounts)s::uuid[])[1 + (x.n * (2 + 5 * s.n) + s.n) %% %(count)s],
  'GBP', case s.n when 1 then 1 else -1 end * (1 + x.n %% 9973) / 100.0, x.day, false
from numbered x, (values (1), (2)) s (n)
"""

FROM_LINES = """
select l.account_id, l.commodity, sum(l.amount) from capital.line l
where l.organization_id = (select sec.org()) and not l.pending group by 1, 2
"""


async def test_l6_reports_over_a_million_lines(cluster: Cluster, server: Server, org_a: OrgFixture) -> None:
    ctx = org_a.ctx
    await ledger.set_up(ctx, "uk")
    accounts = [one.id for one in await ledger.accounts(ctx)]
    with cluster.connect(server.dbname) as connection:
        connection.execute(
            FILL,
            {
                "first": FIRST, "days": DAYS, "entries": ENTRIES, "org": org_a.org,
                "journal": (await ledger.journals(ctx))[0].id, "accounts": accounts, "count": len(accounts),
            },
        )  # fmt: skip
        connection.commit()
        connection.autocommit = True
        connection.execute("analyze capital.entry, capital.line")
    async with uow(ctx) as tx:
        await tx.execute("select capital.roll()")
    async with uow(ctx) as tx:
        await tx.execute("select capital.roll()")

    async def from_lines() -> dict[Any, Any]:
        async with uow(ctx) as tx:
            rows = await (await tx.execute(FROM_LINES)).fetchall()
        return {(account, commodity): amount for account, commodity, amount in rows if amount}

    async def kept() -> dict[Any, Any]:
        return {(one.account, one.commodity): one.amount for one in await ledger.balances(ctx) if one.amount}

    assert await kept() == await from_lines()
    counted, whole = await interleaved_async(kept, from_lines)
    met = [report("l6_trial_balance", counted * 1000, "ms", whole * 1000, target_ratio=1 / 20)]
    past = FIRST + timedelta(days=DAYS // 2)
    month = api.Column("month", past, past + timedelta(days=29))
    half = api.Column("half", None, past)
    busiest = accounts[0]
    as_of, sheet, profit, drill = await interleaved_async(
        lambda: ledger.balances(ctx, past),
        lambda: api.report(ctx, "balance_sheet", [half]),
        lambda: api.report(ctx, "profit_and_loss", [month]),
        lambda: api.postings(ctx, busiest, "GBP", past, month.ends),
    )
    met += [
        report("l6_as_of", as_of * 1000, "ms", target_value=500),
        report("l6_balance_sheet_as_of", sheet * 1000, "ms", target_value=500),
        report("l6_profit_and_loss", profit * 1000, "ms", target_value=500),
        report("l6_drill_down", drill * 1000, "ms", target_value=200),
    ]
    assert all(met)
