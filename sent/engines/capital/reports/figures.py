"""The figures of a company at a glance: cash, what is owed, how long money lasts, twelve months of results.

All of them come out of one transaction, so they belong together. Amounts are in the home currency at the
rates of the day each of them speaks of; commodities without a rate are left out and named in `missing`.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.billing import reads as billing
from sent.engines.capital.billing.figures import OpenItem
from sent.engines.capital.billing.owed import bucket
from sent.engines.capital.model import Account, Balance
from sent.engines.capital.reports import store
from sent.engines.capital.reports.statements import Amounts
from sent.engines.capital.reports.valuation import Valuation
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Invalid

ZERO = Decimal(0)
MONTHS = 12
OUTFLOW_MONTHS = 6
SHOWN = 6
Belongs = Callable[[Account], bool]


@dataclass(frozen=True, slots=True)
class Month:
    """A month's income, expenses, and the cash at its end; the last one ends with the day asked for."""

    starts: date
    ends: date
    income: Decimal
    expenses: Decimal
    cash: Decimal

    @property
    def result(self) -> Decimal:
        """Income less expenses."""
        return self.income - self.expenses


@dataclass(frozen=True, slots=True)
class Part:
    """A customer or an account with its share; `id` None stands for all the others."""

    label: str
    amount: Decimal
    id: UUID | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What a company has, is owed and owes at the end of `day`.

    `outflow`: what cash lost a month, on the mean of the last six whole months; nothing when it grew.
    `ages`: open items by days over due (current, to 30, 60, 90, older); what the ledger has beyond documents
    is `receivable` or `payable` less their sum. `customers`: invoiced net over twelve months; `costs`: the
    accounts with most expenses in that time.
    """

    day: date
    commodity: str
    year_starts: date
    cash: Decimal
    receivable: Decimal
    payable: Decimal
    outflow: Decimal
    result: Decimal
    last_result: Decimal
    months: tuple[Month, ...]
    receivable_ages: tuple[Decimal, ...]
    payable_ages: tuple[Decimal, ...]
    customers: tuple[Part, ...]
    costs: tuple[Part, ...]
    missing: tuple[str, ...] = ()

    @property
    def overdue(self) -> Decimal:
        """What customers should have paid."""
        return sum(self.receivable_ages[1:], ZERO)

    @property
    def payable_overdue(self) -> Decimal:
        """What should have been paid to suppliers."""
        return sum(self.payable_ages[1:], ZERO)

    @property
    def runway(self) -> Decimal | None:
        """How many months the cash lasts; None when it does not shrink."""
        if self.outflow <= 0:
            return None
        return (max(self.cash, ZERO) / self.outflow).quantize(Decimal("0.1"), ROUND_HALF_EVEN)


def months_back(day: date, count: int = MONTHS) -> list[tuple[date, date]]:
    """Return first and last day of the months up to that of `day`, the last one cut at it."""
    found = []
    starts, ends = day.replace(day=1), day
    for _ in range(count):
        found.append((starts, ends))
        ends = starts - timedelta(days=1)
        starts = ends.replace(day=1)
    return found[::-1]


def same_day_last_year(day: date) -> date:
    """Return the day a year before; of 29 February the 28th."""
    return day.replace(year=day.year - 1, day=min(day.day, monthrange(day.year - 1, day.month)[1]))


def mean_outflow(cash: Sequence[Decimal]) -> Decimal:
    """Return what cash lost a month over the last whole months; `cash` ends with the unfinished month."""
    whole = cash[:-1][-(OUTFLOW_MONTHS + 1) :]
    if len(whole) < 2:
        return ZERO
    return max(ZERO, (whole[0] - whole[-1]) / (len(whole) - 1)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def largest(parts: Iterable[Part], rest: str) -> tuple[Part, ...]:
    """Return the largest parts, and one for all the others."""
    ordered = sorted((one for one in parts if one.amount > 0), key=lambda one: (-one.amount, one.label))
    others = sum((one.amount for one in ordered[SHOWN:]), ZERO)
    return (*ordered[:SHOWN], Part(rest, others, None)) if others else tuple(ordered)


class _Reader:
    """Reads amounts of one organisation in its home currency."""

    def __init__(self, tx: Tx, home: str, digits: int, chart: Sequence[Account]) -> None:
        self.tx, self.home, self.digits, self.chart = tx, home, digits, chart
        self.missing: set[str] = set()

    async def valuation(self, day: date) -> Valuation:
        """Return how amounts are valued at the rates of a day."""
        rates = {rate.commodity: rate.rate for rate in await ledger.rates(self.tx, day)}
        return Valuation(self.home, rates, self.digits)

    async def moved(self, starts: date, ends: date) -> Amounts:
        """Return what moved between two days."""
        valuation = await self.valuation(ends)
        found = valuation.amounts(await ledger.movements(self.tx, starts, ends))
        self.missing |= valuation.missing
        return found

    def total(self, amounts: Amounts, belongs: Belongs) -> Decimal:
        """Return the sum over accounts, debits positive."""
        return sum((amounts.get(one.id, ZERO) for one in self.chart if belongs(one)), ZERO)

    def ages(
        self, items: Iterable[OpenItem], side: str, day: date, valuation: Valuation
    ) -> tuple[Decimal, ...]:
        """Return open items by days over due."""
        sums = [ZERO] * 5
        for item in items:
            if item.side == side:
                sums[bucket(item.due, day)] += valuation.value(item.commodity, item.open) or ZERO
        return tuple(sums)


def _cash(one: Account) -> bool:
    return one.role == "cash"


def _income(one: Account) -> bool:
    return one.kind == "income"


def _expense(one: Account) -> bool:
    return one.kind == "expense"


async def figures(ctx: Ctx, day: date) -> Figures:
    """Return the figures at the end of a day; raises Invalid (`capital.setup.missing`), Denied."""
    async with uow(ctx) as tx:
        kept = await ledger.setup(tx)
        if kept is None:
            raise Invalid("capital.setup.missing", "set up the books first: home currency and business year")
        chart = await ledger.accounts(tx)
        reader = _Reader(tx, kept.home, await ledger.exponent(tx, kept.home), chart)
        year_starts = kept.year(day)[0]
        balances = await ledger.balances(tx, day, None)
        months, spent = await _months(reader, day, balances)
        before = same_day_last_year(day)
        result = _result(reader, await reader.moved(year_starts, day))
        last_result = _result(reader, await reader.moved(kept.year(before)[0], before))
        valuation = await reader.valuation(day)
        held = valuation.amounts(balances)
        items = await billing.open_items(tx, day, None, None)
        buyers = await store.customers(tx, months[0].starts, day)
    return Figures(
        day=day,
        commodity=kept.home,
        year_starts=year_starts,
        cash=reader.total(held, _cash),
        receivable=reader.total(held, lambda one: one.role == "receivable"),
        payable=-reader.total(held, lambda one: one.role == "payable"),
        outflow=mean_outflow([one.cash for one in months]),
        result=result,
        last_result=last_result,
        months=tuple(months),
        receivable_ages=reader.ages(items, "receivable", day, valuation),
        payable_ages=reader.ages(items, "payable", day, valuation),
        customers=largest((Part(one.name, one.amount, one.party) for one in buyers), "Others"),
        costs=largest(
            (Part(one.name, spent.get(one.id, ZERO), one.id) for one in chart if _expense(one)), "Others"
        ),
        missing=tuple(sorted(reader.missing | valuation.missing)),
    )


async def _months(
    reader: _Reader, day: date, held: Sequence[Balance]
) -> tuple[list[Month], dict[UUID, Decimal]]:
    """Return the last twelve months, and what each account spent in them.

    The cash at the end of a month is that of the next one less what moved in it: `held` is that of `day`.
    """
    found, spent = [], dict[UUID, Decimal]()
    cash: dict[str, Decimal] = defaultdict(lambda: ZERO)
    accounts = {one.id for one in reader.chart if _cash(one)}
    for one in held:
        if one.account in accounts:
            cash[one.commodity] += one.amount
    for starts, ends in reversed(months_back(day)):
        valuation, balances = await reader.valuation(ends), await ledger.movements(reader.tx, starts, ends)
        moved = valuation.amounts(balances)
        worth = sum((valuation.value(code, amount) or ZERO for code, amount in cash.items()), ZERO)
        reader.missing |= valuation.missing
        income, expenses = -reader.total(moved, _income), reader.total(moved, _expense)
        found.append(Month(starts, ends, income, expenses, worth))
        for balance in balances:
            if balance.account in accounts:
                cash[balance.commodity] -= balance.amount
        for account in reader.chart:
            if _expense(account) and account.id in moved:
                spent[account.id] = spent.get(account.id, ZERO) + moved[account.id]
    return found[::-1], spent


def _result(reader: _Reader, moved: Amounts) -> Decimal:
    return -reader.total(moved, lambda one: one.kind in ("income", "expense"))
