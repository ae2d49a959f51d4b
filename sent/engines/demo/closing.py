"""The demo's year: VAT returns, corporation tax, revaluation, the closing, budgets, what comes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from sent.engines.capital import api as ledger
from sent.engines.capital.billing import api as billing
from sent.engines.capital.schedules import api as schedules
from sent.engines.demo import months, trade
from sent.engines.demo.desk import Desk, post
from sent.engines.demo.months import CENT, Written

LAST = "Rent of the office, standing order"
"""What comes again and is made last of all: when it is there, the books are whole."""

PROFIT_TAX = Decimal("0.19")
BOOKED_LATER = ("income_tax", "exchange")
"""Left out of the profit that is taxed, so that a second call finds the same tax."""

SOFT = months.MONTHS - 2
CONTRACTS = ("SUMMI", "TIDEW", "HOLLO", "ALDER")


async def returns(desk: Desk) -> None:
    """Plan the VAT returns of all quarters that are over, from the documents, and their payments."""
    for n in range(2, months.MONTHS, 3):
        starts, ends = desk.plan.month(n - 2), months.last(desk.plan.month(n))
        if ends > desk.plan.cutoff:
            return
        report = await billing.tax_report(desk.ctx, starts, ends)
        boxes = {box.number: box.amount for box in report.boxes if box.what in ("tax", "total")}
        charged, paid = boxes.get("1", Decimal(0)), boxes.get("4", Decimal(0))
        owed = charged - paid
        desk.plan.entries.append(
            Written(f"vat:{n}", ends, f"VAT return to {ends}",
                    (("2200", charged), ("2201", -paid), ("2202", -owed)))
        )  # fmt: skip
        day = months.working(desk.plan.month(n + 2).replace(day=7))
        if day <= desk.plan.cutoff:
            desk.plan.entries.append(
                Written(
                    f"vat-paid:{n}", day, f"VAT for the quarter to {ends}", (("2202", owed), ("1200", -owed)),
                    "HMRC VAT", f"482775106 VAT {ends:%m%y}",
                )
            )  # fmt: skip


async def profit_tax(desk: Desk) -> None:
    """Book corporation tax on the first year's profit, and plan its payment nine months later."""
    first, ends = desk.plan.first, months.last(desk.plan.month(11))
    kinds = {one.id: one for one in await ledger.accounts(desk.ctx)}
    profit = Decimal(0)
    for one in await ledger.movements(desk.ctx, first, ends):
        account = kinds[one.account]
        if account.kind in ("income", "expense") and account.role not in BOOKED_LATER:
            profit -= one.amount * (desk.rate(ends) if one.commodity == "EUR" else 1)
    tax = max(profit * PROFIT_TAX, Decimal(0)).quantize(CENT)
    if not tax:
        return
    sides = (("9001", tax), ("2320", -tax))
    await post(desk, [Written("profit-tax", ends, f"Corporation tax, year to {ends}", sides)])
    day = months.working(desk.plan.month(21))
    desk.plan.entries.append(
        Written(
            "profit-tax-paid", day, f"Corporation tax, year to {ends}", (("2320", tax), ("1200", -tax)),
            "HMRC CUMBERNAULD", "8844201563A00103A",
        )
    )  # fmt: skip


async def close(desk: Desk) -> None:
    """Revalue, close the first year and the months that are over, plan the second, note what comes next."""
    ctx, plan = desk.ctx, desk.plan
    states = {one.starts: one for one in await ledger.periods(ctx)}
    for n in range(months.MONTHS - 1):
        if states[plan.month(n)].state == "open":
            await ledger.revalue(ctx, months.last(plan.month(n)))
    await ledger.close_year(ctx, months.last(plan.month(11)))
    names = {one.name for one in await schedules.budgets(ctx)}
    for name, percent in (("Budget", 8), ("Cautious", -4)):
        if name not in names:
            await schedules.from_actuals(ctx, name, plan.month(12), Decimal(percent))
    for n in range(months.MONTHS - 1):
        one = states[plan.month(n)]
        for state in ("soft", "hard") if n < SOFT else ("soft",):
            if one.state == "open" or (one.state, state) == ("soft", "hard"):
                await ledger.set_period(ctx, one.starts, one.ends, state, period=one.id)
                one = replace(one, state=state)
    await _coming(desk, plan.month(months.MONTHS))


async def _coming(desk: Desk, month: date) -> None:
    """Note contracts that are invoiced from next month on, as drafts, and the rent."""
    known = {one.name for one in await schedules.recurring(desk.ctx)}
    parties = {one.code: one.id for one in desk.parties.values()}
    for one in trade.customers():
        name = f"{one.name}, {one.what.lower()}"
        if one.code not in CONTRACTS or name in known:
            continue
        line = billing.DocumentLine(
            one.what, one.quantity, one.price, "S20", account=desk.accounts[one.account]
        )
        template = schedules.Template("invoice", party=parties[one.code], lines=[line], issue=False)
        rhythm = schedules.Rhythm(month, day=one.day, weekdays=True)
        await schedules.save_recurring(desk.ctx, schedules.Recurring(name, template, rhythm))
    landlord = next(one for one in trade.suppliers() if one.code == "LANDL")
    line = billing.DocumentLine(
        landlord.what, Decimal(1), landlord.amount, landlord.tax, account=desk.accounts[landlord.account]
    )
    template = schedules.Template("bill", party=parties[landlord.code], lines=[line], issue=False)
    rent = schedules.Recurring(LAST, template, schedules.Rhythm(month, weekdays=True))
    await schedules.save_recurring(desk.ctx, rent)
