"""Reports that are lists: the general ledger by account, what is owed by age, the tax return.

They have the shape of every other report, so that they are shown, compared and exported the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.billing import reads as billing
from sent.engines.capital.billing.figures import OpenItem, TaxReport
from sent.engines.capital.billing.owed import bucket
from sent.engines.capital.billing.returns import tax_report
from sent.engines.capital.model import Account, Balance, Setup
from sent.engines.capital.reports.model import Column, Report, Row
from sent.engines.capital.reports.valuation import Valuation
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Invalid

ZERO = Decimal(0)
Side = Literal["receivable", "payable"]
AGES = ("Current", "1 to 30 days", "31 to 60", "61 to 90", "Older", "Total")


def ledger_rows(
    chart: Sequence[Account], before: Iterable[Balance], after: Iterable[Balance], valuation: Valuation
) -> list[Row]:
    """Return for each account what it held, its debits and credits in between, and what it holds."""
    sums: dict[UUID, list[Decimal]] = {}
    for sign, balances in ((-1, before), (1, after)):
        for one in balances:
            row = sums.setdefault(one.account, [ZERO] * 4)
            debit = valuation.value(one.commodity, one.debit) or ZERO
            credit = valuation.value(one.commodity, -one.credit) or ZERO
            row[0 if sign < 0 else 3] += debit - credit
            row[1] += sign * debit
            row[2] += sign * credit
    rows = [
        Row(one.name, "account", tuple(sums[one.id]), 0, one.code, one.id)
        for one in chart
        if any(sums.get(one.id, ()))
    ]
    totals = tuple(sum((row.amounts[n] or ZERO for row in rows), ZERO) for n in range(4))
    return [*rows, Row("Total", "result", totals)]


async def general_ledger(ctx: Ctx, starts: date, ends: date) -> Report:
    """Return the general ledger between two days, an account a row; its lines are one `postings` away."""
    if starts > ends:
        raise Invalid("capital.report.days", "the report ends before it starts: swap the days")
    async with uow(ctx) as tx:
        kept, valuation = await _valued(tx, ends)
        chart = await ledger.accounts(tx)
        before = await ledger.balances(tx, starts - timedelta(days=1), None)
        after = await ledger.balances(tx, ends, None)
    rows = ledger_rows(chart, before, after, valuation)
    columns = tuple(Column(title, starts, ends) for title in ("Opening", "Debit", "Credit", "Closing"))
    return Report("general_ledger", "General ledger", kept.home, columns, tuple(rows), _notes(valuation))


def aged_rows(items: Iterable[OpenItem], day: date, valuation: Valuation) -> list[Row]:
    """Return what each party owes by days over due, by name; `account` is the party."""
    sums: dict[tuple[str, UUID], list[Decimal]] = {}
    for item in items:
        row = sums.setdefault((item.party_name, item.party), [ZERO] * 6)
        value = valuation.value(item.commodity, item.open) or ZERO
        row[bucket(item.due, day)] += value
        row[5] += value
    rows = [
        Row(name, "account", tuple(row), 0, "", party)
        for (name, party), row in sorted(sums.items())
        if any(row)
    ]
    totals = tuple(sum((row.amounts[n] or ZERO for row in rows), ZERO) for n in range(6))
    return [*rows, Row("Total", "result", totals)]


async def aged(ctx: Ctx, side: Side, day: date) -> Report:
    """Return what customers owe (or is owed to suppliers) by age at the end of a day."""
    async with uow(ctx) as tx:
        kept, valuation = await _valued(tx, day)
        items = await billing.open_items(tx, day, side, None)
    title = "Aged receivables" if side == "receivable" else "Aged payables"
    rows = aged_rows(items, day, valuation)
    columns = tuple(Column(name, None, day) for name in AGES)
    return Report(f"aged_{side}", title, kept.home, columns, tuple(rows), _notes(valuation))


def tax_rows(found: TaxReport) -> list[Row]:
    """Return the boxes of the return, then what was sold and bought under each code."""
    numbers = list(dict.fromkeys(box.number for box in found.boxes))
    rows = [Row("Boxes of the return", "heading", ())] if numbers else []
    for number in numbers:
        net = next((box.amount for box in found.boxes if (box.number, box.what) == (number, "net")), None)
        tax = next((box.amount for box in found.boxes if box.number == number and box.what != "net"), None)
        total = any(box.number == number and box.what == "total" for box in found.boxes)
        rows.append(Row(f"Box {number}", "total" if total else "account", (net, tax), 1, number))
    for kind, title in (("sale", "Sales by tax code"), ("purchase", "Purchases by tax code")):
        codes = [one for one in found.codes if one.kind == kind]
        if codes:
            rows.append(Row(title, "heading", ()))
            rows += [
                Row(f"{one.rate.normalize():f} %", "total", (one.base, one.tax), 1, one.code) for one in codes
            ]
    return rows


async def tax_return(ctx: Ctx, starts: date, ends: date) -> Report:
    """Return the tax return of a period: net amounts and tax by box and by code."""
    found = await tax_report(ctx, starts, ends)
    async with uow(ctx) as tx:
        kept, _ = await _valued(tx, ends)
    columns = (Column("Net", starts, ends), Column("Tax", starts, ends))
    return Report("tax", "Tax return", kept.home, columns, tuple(tax_rows(found)))


async def _valued(tx: Tx, day: date) -> tuple[Setup, Valuation]:
    kept = await ledger.setup(tx)
    if kept is None:
        raise Invalid("capital.setup.missing", "set up the books first: home currency and business year")
    rates = {rate.commodity: rate.rate for rate in await ledger.rates(tx, day)}
    return kept, Valuation(kept.home, rates, await ledger.exponent(tx, kept.home))


def _notes(valuation: Valuation) -> tuple[str, ...]:
    missing = ", ".join(sorted(valuation.missing))
    return (f"Left out for want of a rate: {missing}",) if missing else ()
