"""Use cases of budgets: plan a business year, take over the last one, compare with what happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.model import Account
from sent.engines.capital.reports import statements
from sent.engines.capital.reports.model import Column, Report, Row
from sent.engines.capital.reports.valuation import Valuation
from sent.engines.capital.schedules import store, wear
from sent.engines.capital.schedules.books import kept
from sent.engines.capital.schedules.model import ZERO, Budget, Planned
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Invalid, NotFound

MOST = 20_000


async def budgets(ctx: Ctx) -> list[Budget]:
    """Return the budgets, the newest year first."""
    async with uow(ctx) as tx:
        return await store.budgets(tx)


async def open_budget(ctx: Ctx, name: str, day: date) -> UUID:
    """Add an empty budget of the business year that a day is in; raises Conflict when the name is taken."""
    async with uow(ctx) as tx:
        one = Budget(name, (await kept(tx)).year(day)[0])
        await store.add_budget(tx, one)
    return one.id


async def planned(ctx: Ctx, budget: UUID) -> list[Planned]:
    """Return the figures of a budget."""
    async with uow(ctx) as tx:
        return await store.planned(tx, budget)


async def plan(ctx: Ctx, budget: UUID, figures: Sequence[Planned]) -> None:
    """Set figures of a budget; others stay. Raises Invalid (account, month), NotFound."""
    if len(figures) > MOST:
        raise Invalid("capital.budget.size", f"at most {MOST} figures at once")
    async with uow(ctx) as tx:
        one = await _budget(tx, budget)
        chart = {account.id: account for account in await ledger.accounts(tx)}
        last = wear.months_on(wear.month_of(one.starts), 12)
        for figure in figures:
            account = chart.get(figure.account)
            if account is None or account.kind not in ("income", "expense"):
                raise Invalid("capital.budget.account", "only income and expenses are budgeted")
            if figure.month.day != 1 or not wear.month_of(one.starts) <= figure.month < last:
                raise Invalid("capital.budget.month", f"{figure.month} is no month of that year")
            if not figure.amount.is_finite():
                raise Invalid("capital.budget.amount", f"{account.name}: give a number")
        await store.plan(tx, budget, figures)


async def from_actuals(ctx: Ctx, name: str, day: date, percent: Decimal = ZERO) -> UUID:
    """Add a budget of the business year of `day` from what the year before came to, month by month.

    `percent` is added to all figures (negative: taken off).
    """
    if not percent.is_finite() or not -100 <= percent <= 1000:
        raise Invalid("capital.budget.percent", "last year's figures grow by -100 to 1000 %")
    async with uow(ctx) as tx:
        setup = await kept(tx)
        one = Budget(name, setup.year(day)[0])
        before = setup.year(one.starts - timedelta(days=1))[0]
        unit = Decimal(1).scaleb(-await ledger.exponent(tx, setup.home))
        chart = [account for account in await ledger.accounts(tx) if account.kind in ("income", "expense")]
        figures = []
        for n in range(12):
            starts = wear.months_on(before, n).replace(day=before.day)
            ends = wear.months_on(before, n + 1).replace(day=before.day) - timedelta(days=1)
            actual = await _actual(tx, starts, ends)
            month = wear.months_on(wear.month_of(one.starts), n)
            for account in chart:
                amount = (actual.get(account.id, ZERO) * (100 + percent) / 100).quantize(
                    unit, ROUND_HALF_EVEN
                )
                if amount:
                    figures.append(Planned(account.id, month, amount))
        await store.add_budget(tx, one)
        await store.plan(tx, one.id, figures)
    return one.id


async def against(ctx: Ctx, budget: UUID, until: date) -> Report:
    """Return actual, budget and their difference from the year's first day to the end of `until`'s month.

    Rows as in the profit and loss account; a difference above nothing on income or a result is good news, on
    an expense bad.
    """
    async with uow(ctx) as tx:
        one = await _budget(tx, budget)
        setup = await kept(tx)
        ends = min(wear.last_day(wear.month_of(until)), setup.year(one.starts)[1])
        if ends < one.starts:
            raise Invalid("capital.budget.until", f"the budget starts on {one.starts}: choose a later day")
        actual = await _actual(tx, one.starts, ends)
        wanted: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
        for figure in await store.planned(tx, budget):
            if figure.month <= ends:
                wanted[figure.account] += figure.amount
        chart: list[Account] = await ledger.accounts(tx)
    rows = [
        Row(row.label, row.kind, _three(row.amounts), row.depth, row.code, row.account)
        for row in statements.profit_and_loss(chart, [actual, wanted])
    ]
    columns = tuple(Column(title, one.starts, ends) for title in ("Actual", one.name, "Difference"))
    return Report("budget", "Budget and actual", setup.home, columns, tuple(rows))


def _three(amounts: Sequence[Decimal | None]) -> tuple[Decimal | None, ...]:
    if not amounts:
        return ()
    actual, wanted = (amount or ZERO for amount in amounts)
    return (actual, wanted, actual - wanted)


async def _actual(tx: Tx, starts: date, ends: date) -> dict[UUID, Decimal]:
    setup = await kept(tx)
    rates = {one.commodity: one.rate for one in await ledger.rates(tx, ends)}
    valuation = Valuation(setup.home, rates, await ledger.exponent(tx, setup.home))
    return valuation.amounts(await ledger.movements(tx, starts, ends))


async def _budget(tx: Tx, id: UUID) -> Budget:
    for one in await store.budgets(tx):
        if one.id == id:
            return one
    raise NotFound("capital.budget.missing", "there is no such budget")
