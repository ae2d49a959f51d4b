"""The demo organisation's books: whole, plausible, made once, with work left to do."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from tenants import OrgFixture

from sent.engines.capital import api as ledger
from sent.engines.capital.bank import api as bank
from sent.engines.capital.billing import api as billing
from sent.engines.capital.reports import api as reports
from sent.engines.capital.schedules import api as schedules
from sent.engines.demo import banking, books, closing, months, trade
from sent.platform.context import Ctx

TODAY = date(2026, 11, 28)
YOUNG = date(2027, 3, 5)
"""A day on which the month is so young that the books end with the month before."""


async def held(ctx: Ctx, until: date | None = None) -> dict[str, Decimal]:
    """Return what every account holds in pounds, by code."""
    codes = {one.id: one.code for one in await ledger.accounts(ctx)}
    found: dict[str, Decimal] = defaultdict(Decimal)
    for one in await ledger.balances(ctx, until):
        if one.commodity == "GBP":
            found[codes[one.account]] += one.amount
    return found


async def figures(ctx: Ctx, kind: reports.Kind, starts: date | None, ends: date) -> dict[str, Decimal]:
    """Return the amounts of a report by label."""
    found = await reports.report(ctx, kind, [reports.Column("", starts, ends)])
    assert found.notes == ()
    return {row.label: row.amounts[0] or Decimal(0) for row in found.rows if row.amounts}


def month(first: date, n: int) -> date:
    return months.Plan(first, first).month(n)


async def check_ledger(ctx: Ctx, first: date, cutoff: date) -> None:
    """Debits are credits, the balance sheet balances, there is always money, the seals hold."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for one in await ledger.balances(ctx):
        sums[one.commodity] += one.amount
    assert set(sums) == {"GBP", "EUR"}
    assert not any(sums.values())
    for n in range(months.MONTHS):
        assert (await held(ctx, months.last(month(first, n))))["1200"] > 25_000
    for day in (months.last(month(first, 11)), cutoff):
        sheet = await figures(ctx, "balance_sheet", None, day)
        assert sheet["Total assets"] == sheet["Total liabilities and equity"] > 400_000
    for _ in range(3):
        await ledger.upkeep(ctx)
    proved = await ledger.verify(ctx)
    assert (proved.findings, proved.unsealed) == ((), 0)
    assert proved.entries > 2000


async def check_trade(ctx: Ctx, first: date, cutoff: date) -> None:
    """The company earns what such companies earn, and some customers are late."""
    for starts, ends in ((first, months.last(month(first, 11))), (month(first, 12), cutoff)):
        year = await figures(ctx, "profit_and_loss", starts, ends)
        assert Decimal("0.25") < year["Gross profit"] / year["Total revenue"] < Decimal("0.35")
        assert 0 < year["Result before tax"] / year["Total revenue"] < Decimal("0.1")
        costs = {label: amount for label, amount in year.items() if label in COSTS}
        assert max(costs, key=lambda label: costs[label]) == "Guards' wages"
    parties = await billing.parties(ctx)
    kinds = [one.kind for one in parties]
    assert (kinds.count("customer"), kinds.count("supplier")) == (30, 16)
    owed = [one for one in await billing.open_items(ctx, cutoff, "receivable") if one.open > 0]
    assert sum(one.due < cutoff for one in owed) >= 5
    in_pounds = sum(one.open for one in owed if one.commodity == "GBP")
    assert in_pounds == (await held(ctx))["1100"]
    assert any(one.commodity == "EUR" for one in owed)


COSTS = ("Guards' wages", "Subcontracted guards", "Gross salaries, office", "Rent", "Fuel and oil")


async def check_bank(ctx: Ctx, cutoff: date) -> None:
    """All is matched but the last lines, which the difference between bank and books consists of."""
    (account,) = await bank.bank_accounts(ctx)
    left = await bank.unmatched(ctx, account.id)
    assert len(left) == banking.WAITING + len(trade.LOOSE) == 15
    assert left[0].day >= months.newest(cutoff)
    stand = await bank.reconciled(ctx, account.id, cutoff)
    assert stand.explained
    assert (stand.outstanding, stand.unbooked) == (0, sum(one.amount for one in left))
    proposals = await bank.propose(ctx, account.id)
    assert sum(one.kind == "match" and one.confidence >= bank.AUTO for one in proposals) >= 4


async def check_years(ctx: Ctx, first: date) -> None:
    """The first year is closed, all months but the newest too; taxes, assets and plans are there."""
    periods = {one.starts: one.state for one in await ledger.periods(ctx)}
    states = [periods[month(first, n)] for n in range(months.MONTHS)]
    assert states == [*["hard"] * 22, "soft", "open"]
    ended = await held(ctx, months.last(month(first, 11)))
    assert not any(amount for code, amount in ended.items() if "4000" <= code < "9998")
    kinds = {one.kind for one in await reports.entries(ctx, limit=2000)}
    assert {"revaluation", "entry"} <= kinds
    over = months.last(month(first, 22))
    assert (await held(ctx, over))["2202"] == 0
    assert (await figures(ctx, "balance_sheet", None, over)).get("Currency clearing", 0) == 0
    register = await schedules.assets(ctx)
    now = await held(ctx)
    assert len(register) == 9
    assert -sum(row.worn for row in register) == now["0031"] + now["0051"]
    assert sum(row.asset.cost for row in register) == now["0030"] + now["0050"]
    plan, careful = await schedules.budgets(ctx)
    report = await schedules.against(ctx, plan.id, over)
    (revenue,) = [row.amounts for row in report.rows if row.label == "Total revenue"]
    assert None not in revenue
    assert abs(revenue[2] / revenue[1]) < Decimal("0.1")  # type: ignore[operator]
    assert careful.name == "Cautious"
    assert len(await schedules.due(ctx, month(first, 26))) >= 8


async def entries(ctx: Ctx) -> int:
    return sum([1 for journal in ("GJ", "SJ", "PJ", "BJ", "CJ") for _ in await _of(ctx, journal)])


async def _of(ctx: Ctx, journal: str) -> list[reports.EntryRow]:
    return await reports.entries(ctx, journal=journal, limit=2000)


async def test_two_years_of_books_are_whole_and_made_once(org_a: OrgFixture) -> None:
    ctx = org_a.ctx
    await books.fill(ctx, TODAY, {})
    first = months.first_of(TODAY)
    assert first == date(2024, 12, 1)
    await check_ledger(ctx, first, TODAY)
    await check_trade(ctx, first, TODAY)
    await check_bank(ctx, TODAY)
    await check_years(ctx, first)
    before = await entries(ctx)
    await books.fill(ctx, date(2026, 12, 24), {})
    assert await entries(ctx) == before > 2000


async def test_what_a_broken_off_call_left_out_is_added(
    org_a: OrgFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise OSError("the lights went out")

    ctx = org_a.ctx
    with monkeypatch.context() as patch:
        patch.setattr(banking, "book", broken)
        with pytest.raises(OSError, match="lights"):
            await books.fill(ctx, YOUNG, {})
    with monkeypatch.context() as patch:
        patch.setattr(closing, "_coming", broken)
        with pytest.raises(OSError, match="lights"):
            await books.fill(ctx, date(2027, 3, 20), {})
    await books.fill(ctx, date(2027, 3, 21), {})
    first, cutoff = date(2025, 3, 1), date(2027, 2, 28)
    await check_ledger(ctx, first, cutoff)
    await check_trade(ctx, first, cutoff)
    await check_bank(ctx, cutoff)
    await check_years(ctx, first)
