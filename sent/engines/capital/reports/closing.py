"""What stands between a month and its close, computed from the books; and the entry that closes a year.

A check is `ok`, `todo` (somebody has to do something, closing is possible) or `bad` (the books are wrong).
Nothing is kept: the same question a minute later has the answer of that minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.bank.service import bank_accounts, reconciled
from sent.engines.capital.model import Account, Balance, Period, Rate, Setup
from sent.engines.capital.reports import store
from sent.engines.capital.reports.model import EntryLine
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid, NotFound

CheckId = Literal[
    "earlier", "trial_balance", "suspense", "bank", "drafts", "reservations", "depreciation", "schedules",
    "rates", "revaluation", "seal",
]  # fmt: skip
CheckState = Literal["ok", "todo", "bad"]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at before a close.

    `figure` is an amount in `commodity`, or a number of things when that is empty. `record` names the account
    (or the commodities) it is about.
    """

    id: CheckId
    state: CheckState
    figure: Decimal
    text: str
    commodity: str = ""
    record: str = ""


def trial_balance(balances: Iterable[Balance], home: str) -> Check:
    """Debits and credits of every commodity come to nothing."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for one in balances:
        sums[one.commodity] += one.amount
    wrong = {code: amount for code, amount in sums.items() if amount}
    code = next(iter(sorted(wrong)), home)
    text = "debits equal credits" if not wrong else f"debits and credits differ in {', '.join(sorted(wrong))}"
    return Check("trial_balance", "bad" if wrong else "ok", wrong.get(code, ZERO), text, code)


def suspense(chart: Sequence[Account], balances: Iterable[Balance], home: str) -> Check:
    """Nothing is left on accounts for what is not understood yet."""
    names = {one.id: one for one in chart if one.role == "suspense"}
    held = [one for one in balances if one.account in names and one.amount]
    if not held:
        return Check("suspense", "ok", ZERO, "nothing is in suspense", home)
    first = max(held, key=lambda one: (one.commodity == home, abs(one.amount)))
    text = f"{names[first.account].name} holds {first.amount:f} {first.commodity}: book it where it belongs"
    return Check("suspense", "todo", first.amount, text, first.commodity, str(first.account))


def bank(found: Sequence[tuple[str, str, UUID, Decimal]], home: str) -> Check:
    """Statements and books agree: `found` are name, commodity, id and difference of each bank account."""
    wrong = [one for one in found if one[3]]
    if not wrong:
        return Check("bank", "ok", ZERO, "statements and books agree", home)
    name, commodity, id, difference = max(wrong, key=lambda one: (one[1] == home, abs(one[3])))
    text = f"{name}: statement and books differ by {abs(difference):f} {commodity}"
    return Check("bank", "todo", difference, text, commodity, str(id))


def depreciation(
    chart: Sequence[Account], balances: Iterable[Balance], moved: Iterable[Balance], home: str
) -> Check:
    """Fixed assets that still have a value lose some of it each month."""
    roles = {one.id: one.role for one in chart}
    assets = ("fixed_asset", "accumulated_depreciation")
    worth = sum((one.amount for one in balances if roles.get(one.account) in assets), ZERO)
    worn = sum((one.amount for one in moved if roles.get(one.account) == "depreciation"), ZERO)
    if worth > 0 and not worn:
        return Check(
            "depreciation", "todo", worth, "fixed assets have a value and nothing was written off", home
        )
    return Check(
        "depreciation", "ok", worn, "depreciation is booked" if worn else "nothing to write off", home
    )


def revaluation(
    chart: Sequence[Account], balances: Iterable[Balance], rates: Iterable[Rate], home: str, digits: int
) -> list[Check]:
    """What exchange rates have won or lost is booked; every commodity held has a rate."""
    known = {one.commodity: one.rate for one in rates} | {home: Decimal(1)}
    clearing = {one.id for one in chart if one.role == "currency_clearing"}
    held = [one for one in balances if one.amount]
    missing = sorted({one.commodity for one in held} - set(known))
    worth = sum(
        (one.amount * known.get(one.commodity, ZERO) for one in held if one.account in clearing), ZERO
    ).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    found = []
    if missing:
        text = f"no rate up to the last day for {', '.join(missing)}"
        found.append(Check("rates", "todo", Decimal(len(missing)), text, record=", ".join(missing)))
    text = "exchange gains and losses are not booked" if worth else "nothing to revalue"
    return [*found, Check("revaluation", "todo" if worth else "ok", -worth, text, home)]


def counted(id: CheckId, count: int, none: str, some: str) -> Check:
    """Return a check of things of which none should be left."""
    return Check(id, "todo" if count else "ok", Decimal(count), some if count else none)


async def checks(ctx: Ctx, period: UUID) -> list[Check]:
    """Return what to look at before a period is closed, in the order of work.

    The books are read in one transaction, each bank account in one of its own.
    Raises NotFound, Invalid (`capital.setup.missing`), Denied.
    """
    async with uow(ctx) as tx:
        kept = await ledger.setup(tx)
        if kept is None:
            raise Invalid("capital.setup.missing", "set up the books first: home currency and business year")
        periods = await ledger.periods(tx)
        about = _period(periods, period)
        chart = await ledger.accounts(tx)
        balances = await ledger.balances(tx, about.ends, None)
        moved = await ledger.movements(tx, about.starts, about.ends)
        rates, digits = await ledger.rates(tx, about.ends), await ledger.exponent(tx, kept.home)
        left = await store.left_over(tx, about.ends)
    banks = []
    for one in await bank_accounts(ctx):
        told = await reconciled(ctx, one.id, about.ends)
        banks.append((one.name, one.commodity, one.id, told.difference))
    earlier = sum(1 for p in periods if p.ends < about.starts and p.state == "open")
    return [
        counted("earlier", earlier, "all earlier months are closed", "earlier months are open"),
        trial_balance(balances, kept.home),
        suspense(chart, balances, kept.home),
        bank(banks, kept.home),
        counted("drafts", left.drafts, "no drafts are left", "drafts are neither issued nor thrown away"),
        counted("reservations", left.reservations, "nothing is reserved", "reservations are open"),
        depreciation(chart, balances, moved, kept.home),
        *revaluation(chart, balances, rates, kept.home, digits),
        counted("seal", left.unsealed, "every entry is sealed", "entries are not sealed yet"),
    ]


def _period(periods: Iterable[Period], wanted: UUID) -> Period:
    for one in periods:
        if one.id == wanted:
            return one
    raise NotFound("capital.period.missing", "there is no such period")


async def closing_entry(ctx: Ctx, day: date) -> list[EntryLine]:
    """Return the lines that `close_year` would book on the last day of a business year; none when nothing.

    Raises Invalid (another day, no setup), NotFound (no account for retained earnings).
    """
    async with uow(ctx) as tx:
        kept, chart = await ledger.setup(tx), await ledger.accounts(tx)
        balances = await ledger.balances(tx, day, None)
    _last_day(kept, day)
    target = next((one for one in chart if one.role == "retained_earnings" and one.closed_on is None), None)
    if target is None:
        raise NotFound("capital.role", "open an account with the role retained_earnings first")
    return closing_lines(chart, balances, target)


def _last_day(kept: Setup | None, day: date) -> None:
    if kept is None:
        raise Invalid("capital.setup.missing", "set up the books first: home currency and business year")
    if (ends := kept.year(day)[1]) != day:
        raise Invalid("capital.year.end", f"a business year ends on {ends.isoformat()}")


def closing_lines(chart: Sequence[Account], balances: Iterable[Balance], target: Account) -> list[EntryLine]:
    """Return what takes income and expenses into `target`, by account; the target's lines come last."""
    held: dict[UUID, list[Balance]] = defaultdict(list)
    for balance in balances:
        if balance.amount:
            held[balance.account].append(balance)
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    lines = []
    for one in chart:
        for balance in held[one.id] if one.kind in ("income", "expense") else ():
            lines.append(EntryLine(one.id, one.code, one.name, -balance.amount, balance.commodity, ""))
            sums[balance.commodity] += balance.amount
    return [
        *lines,
        *(
            EntryLine(target.id, target.code, target.name, amount, commodity, "")
            for commodity, amount in sorted(sums.items())
            if amount
        ),
    ]
