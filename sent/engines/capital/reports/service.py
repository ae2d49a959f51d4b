"""The use cases of reports: one transaction each, so that a report's figures belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.model import Account, Balance
from sent.engines.capital.reports import statements, store
from sent.engines.capital.reports.model import Column, Day, EntryLine, EntryRow, Posting, Report, Row
from sent.engines.capital.reports.valuation import Valuation
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Invalid

Kind = Literal["trial_balance", "profit_and_loss", "balance_sheet", "cash_flow", "direct_cash_flow"]

TITLES: dict[Kind, str] = {
    "trial_balance": "Trial balance",
    "profit_and_loss": "Profit and loss",
    "balance_sheet": "Balance sheet",
    "cash_flow": "Cash flow",
    "direct_cash_flow": "Cash flow, direct",
}
_ROWS: dict[Kind, Callable[[Sequence[Account], Sequence[statements.Amounts]], list[Row]]] = {
    "trial_balance": statements.trial_balance,
    "profit_and_loss": statements.profit_and_loss,
    "balance_sheet": statements.balance_sheet,
    "cash_flow": statements.cash_flow,
    "direct_cash_flow": statements.direct_cash_flow,
}
AT_A_MOMENT: tuple[Kind, ...] = ("trial_balance", "balance_sheet")
MOST_COLUMNS = 24
MOST_POSTINGS = 2000


async def report(ctx: Ctx, kind: Kind, columns: Sequence[Column]) -> Report:
    """Make a report; columns without a first day are balances at the end of their last day.

    Raises Invalid for columns that do not fit: a profit and loss account has first days, at most 24 columns.
    """
    if not 1 <= len(columns) <= MOST_COLUMNS:
        raise Invalid("capital.report.columns", f"a report has 1 to {MOST_COLUMNS} columns")
    for one in columns:
        if kind not in AT_A_MOMENT and one.starts is None:
            raise Invalid("capital.report.starts", f"{TITLES[kind]}: give the first day of {one.title!r}")
        if one.starts is not None and one.starts > one.ends:
            raise Invalid("capital.report.days", f"{one.title!r} ends before it starts")
    async with uow(ctx) as tx:
        chart = await ledger.accounts(tx)
        kept = await ledger.setup(tx)
        if kept is None:
            raise Invalid("capital.setup.missing", "set up the books first: home currency and business year")
        digits = await ledger.exponent(tx, kept.home)
        missing: set[str] = set()
        valued = []
        for one in columns:
            rates = {rate.commodity: rate.rate for rate in await ledger.rates(tx, one.ends)}
            valuation = Valuation(kept.home, rates, digits)
            valued.append(valuation.amounts(await _balances(tx, kind, chart, one)))
            missing |= valuation.missing
    notes = [f"Left out for want of a rate: {', '.join(sorted(missing))}"] if missing else []
    return Report(
        kind, TITLES[kind], kept.home, tuple(columns), tuple(_ROWS[kind](chart, valued)), tuple(notes)
    )


async def _balances(tx: Tx, kind: Kind, chart: Sequence[Account], column: Column) -> list[Balance]:
    if kind in AT_A_MOMENT or column.starts is None:
        return await ledger.balances(tx, column.ends, None)
    if kind == "direct_cash_flow":
        cash = [one.id for one in chart if one.role == "cash"]
        return await store.beside_cash(tx, cash, column.starts, column.ends)
    return await ledger.movements(tx, column.starts, column.ends)


async def days(ctx: Ctx, account: UUID, commodity: str) -> list[Day]:
    """Return on which days an account was booked, the oldest first: the index of its register."""
    async with uow(ctx) as tx:
        return await store.days(tx, account, commodity)


async def postings(
    ctx: Ctx,
    account: UUID,
    commodity: str,
    starts: date,
    ends: date,
    *,
    skip: int = 0,
    limit: int = 200,
    before: Decimal | None = None,
) -> list[Posting]:
    """Return an account's lines between two days with the balance after each.

    `before` is the balance before `starts` where the caller knows it (from `days`), else it is looked up.
    """
    if not 1 <= limit <= MOST_POSTINGS or skip < 0:
        raise Invalid("capital.register.limit", f"at most {MOST_POSTINGS} lines at once")
    async with uow(ctx) as tx:
        if before is None:
            known = await store.days(tx, account, commodity)
            before = sum((one.amount for one in known if one.day < starts), Decimal(0))
        return await store.postings(tx, account, commodity, starts, ends, skip, limit, before)


async def entries(
    ctx: Ctx,
    *,
    journal: str | None = None,
    kind: str | None = None,
    starts: date | None = None,
    ends: date | None = None,
    text: str = "",
    before: tuple[date, int] | None = None,
    limit: int = 200,
) -> list[EntryRow]:
    """Return entries, the latest day first; `before` is day and number of the last one seen.

    `text` is looked for in memo and reference, whatever its case.
    """
    day, seq = before or (None, None)
    wanted = {
        "id": None, "before": seq, "day": day, "journal": journal, "kind": kind, "starts": starts,
        "ends": ends, "text": text.strip().lower() or None, "limit": max(1, min(limit, MOST_POSTINGS)),
    }  # fmt: skip
    async with uow(ctx) as tx:
        return await store.entries(tx, wanted)


async def entry(ctx: Ctx, id: UUID) -> EntryRow | None:
    """Return one entry, or None when there is no such entry."""
    wanted = dict.fromkeys(("before", "day", "journal", "kind", "starts", "ends", "text"))
    async with uow(ctx) as tx:
        found = await store.entries(tx, {**wanted, "id": id, "limit": 1})
    return found[0] if found else None


async def lines(ctx: Ctx, entry: UUID) -> list[EntryLine]:
    """Return the lines of an entry in their order; none when there is no such entry."""
    async with uow(ctx) as tx:
        return await store.lines(tx, entry)
