"""The demo organisation's books: whole, plausible, made once, with work left to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from time import monotonic

import pytest

from sent.engines.capital import api as ledger
from sent.engines.capital.bank import api as bank
from sent.engines.capital.billing import api as billing
from sent.engines.capital.reports import api as reports
from sent.engines.capital.schedules import api as schedules
from sent.engines.demo import books, months
from sent.platform.context import Ctx

TODAY = date(2026, 11, 28)


async def amounts(ctx: Ctx, until: date | None = None) -> dict[str, Decimal]:
    """Return what every account holds in pounds, by code."""
    codes = {one.id: one.code for one in await ledger.accounts(ctx)}
    return {
        codes[one.account]: one.amount
        for one in await ledger.balances(ctx, until)
        if one.commodity == "GBP"
    }


async def rows(ctx: Ctx, kind: str, starts: date | None, ends: date) -> dict[str, Decimal]:
    found = await reports.report(ctx, kind, [reports.Column("", starts, ends)])  # type: ignore[arg-type]
    return {row.label: row.amounts[0] or Decimal(0) for row in found.rows if row.amounts}


async def test_the_books_are_whole_plausible_and_made_once(org_a) -> None:
    ctx = org_a.ctx
    began = monotonic()
    await books.fill(ctx, TODAY, {})
    print("seconds", monotonic() - began)
    first = months.first_of(TODAY)
    for n in range(24):
        ends = months.last(date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1))
        held = await amounts(ctx, ends)
        print(n, ends, held.get("1200"), held.get("1100"), held.get("2100"), held.get("2202"))
    for kind in ("profit_and_loss",):
        for starts, ends in ((first, date(2025, 11, 30)), (date(2025, 12, 1), TODAY)):
            report = await reports.report(ctx, kind, [reports.Column("", starts, ends)])
            for row in report.rows:
                print(row.code, row.label, *row.amounts)
    (account,) = await bank.bank_accounts(ctx)
    print(len(await bank.unmatched(ctx, account.id)))
    print(await ledger.verify(ctx))
    for p in await bank.propose(ctx, account.id):
        print(p.kind, p.confidence, p.why)
    began = monotonic()
    await books.fill(ctx, TODAY, {})
    print("again", monotonic() - began)
