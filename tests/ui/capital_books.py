"""The ledger's and the reports' apis over books in memory, for tests of Capital's pages."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from ui.capital_years import FakeFigures, FakeYears

from sent.engines.capital import api
from sent.engines.capital.charts import TEMPLATES
from sent.engines.capital.model import Setup
from sent.engines.capital.reports import api as reports
from sent.platform.errors import Conflict, Invalid
from sent.platform.ids import uuid7

NAMES = UUID(int=7)
TODAY = date(2026, 5, 20)


class FakeBooks(FakeYears):
    """Books of a British company; posts and reverses as the ledger does."""

    Line, Draft = api.Line, api.Draft

    def __init__(self, *, empty: bool = False, lines: int = 0) -> None:
        super().__init__()
        self.chart: list[api.Account] = []
        self.kept: list[api.Journal] = []
        if not empty:
            self.fill_chart("uk")
        self.drafts: list[api.Draft] = []
        self.reversals: dict[UUID, UUID] = {}
        self.refuse = ""
        self.asked: list[tuple[Any, ...]] = []
        if lines:
            self.fill(lines)

    def fill_chart(self, template: str) -> None:
        """Open the accounts and journals of a template."""
        plan = TEMPLATES[template]
        self.chart = [
            api.Account(
                uuid5(NAMES, one.code), one.code, one.name, one.kind, one.role, None, None, None, None, 1
            )
            for one in plan.accounts
        ]
        self.kept = [api.Journal(uuid5(NAMES, code), code, name, kind) for code, name, kind in plan.journals]

    def account(self, code: str) -> api.Account:
        return next(one for one in self.chart if one.code == code)

    def fill(self, lines: int) -> None:
        """Book some entries on the bank account, one a day and the rest on the last."""
        bank, sales = self.account("1200").id, self.account("4000").id
        for n in range(lines):
            day = date.fromordinal(TODAY.toordinal() - min(n, 60))
            amount = Decimal(100 + n)
            both = [api.Line(bank, amount, "GBP"), api.Line(sales, -amount, "GBP")]
            self.drafts.append(api.Draft(self.kept[0].id, day, both, memo=f"Invoice {n}", reference=f"R{n}"))

    async def accounts(self, _ctx: Any) -> list[api.Account]:
        return self.chart

    async def open_account(self, _ctx: Any, code: str, name: str, kind: Any, *, role: Any = None) -> UUID:
        if any(one.code == code for one in self.chart):
            raise Conflict("database.conflict", "duplicate key")
        self.chart.append(api.Account(uuid5(NAMES, code), code, name, kind, role, None, None, None, None, 1))
        return self.chart[-1].id

    async def change_account(self, _ctx: Any, account: api.Account) -> None:
        self.chart = [account if one.id == account.id else one for one in self.chart]

    async def journals(self, _ctx: Any) -> list[api.Journal]:
        return self.kept

    async def setup(self, _ctx: Any) -> Setup | None:
        return Setup(self.home, "GB", *self.year_starts) if self.chart else None

    async def balances(self, _ctx: Any, until: date | None = None) -> list[api.Balance]:
        sums: dict[tuple[UUID, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for draft in self.drafts:
            for line in draft.lines:
                if until is None or draft.day <= until:
                    sums[line.account, line.commodity][line.amount < 0] += line.amount
        return [api.Balance(*key, *sides) for key, sides in sums.items()]

    async def post(self, _ctx: Any, draft: api.Draft) -> UUID:
        await asyncio.sleep(0)
        if self.refuse:
            raise Invalid("capital.period", self.refuse)
        self.drafts.append(draft)
        return draft.id

    async def reverse(self, _ctx: Any, entry: UUID, day: date, memo: str = "") -> UUID:
        if entry in self.reversals:
            raise Conflict("capital.reversed", "the entry is reversed already")
        about = next(one for one in self.drafts if one.id == entry)
        opposite = [api.Line(line.account, -line.amount, line.commodity) for line in about.lines]
        made = api.Draft(about.journal, day, opposite, memo=memo, id=uuid7())
        self.drafts.append(made)
        self.reversals[entry] = made.id
        return made.id

    def ordered(self) -> list[tuple[int, api.Draft]]:
        return sorted(enumerate(self.drafts, 1), key=lambda each: (each[1].day, each[0]))


class FakeReports(FakeFigures):
    """The reading side of `FakeBooks`."""

    Column = reports.Column

    def __init__(self, books: FakeBooks) -> None:
        self.books = books
        self.reports_asked = []

    async def days(self, _ctx: Any, account: UUID, commodity: str) -> list[reports.Day]:
        found: dict[date, list[Decimal]] = defaultdict(list)
        for _, draft in self.books.ordered():
            for line in draft.lines:
                if (line.account, line.commodity) == (account, commodity):
                    found[draft.day].append(line.amount)
        return [reports.Day(day, len(each), sum(each, Decimal(0))) for day, each in sorted(found.items())]

    async def postings(
        self, _ctx: Any, account: UUID, commodity: str, starts: date, ends: date, *, skip: int = 0,
        limit: int = 200, before: Decimal | None = None,
    ) -> list[reports.Posting]:  # fmt: skip
        self.books.asked.append((account, starts, ends, skip, limit))
        found, balance = [], before or Decimal(0)
        for seq, draft in self.books.ordered():
            for n, line in enumerate(draft.lines, 1):
                if (line.account, line.commodity) == (account, commodity) and starts <= draft.day <= ends:
                    balance += line.amount
                    others = {one.account for one in draft.lines} - {account}
                    other = others.pop() if len(others) == 1 else None
                    found.append(
                        reports.Posting(
                            seq, n, draft.day, draft.id, "entry", draft.memo, draft.reference, line.note,
                            draft.journal, other, line.amount, balance,
                        )
                    )  # fmt: skip
        return found[skip : skip + limit]

    async def entries(
        self,
        _ctx: Any,
        *,
        text: str = "",
        before: Any = None,
        limit: int = 200,
        kind: str = "entry",
        **_: Any,
    ) -> Any:
        rows = [
            reports.EntryRow(
                seq, draft.id, draft.day, datetime(2026, 5, 20, tzinfo=UTC), "entry", "GJ", draft.memo,
                draft.reference, None, max(line.amount for line in draft.lines), "GBP", len(draft.lines),
                draft.id in self.books.reversals,
            )
            for seq, draft in reversed(self.books.ordered())
            if kind == "entry"
            and text.lower() in draft.memo.lower()
            and (before is None or (draft.day, seq) < before)
        ]  # fmt: skip
        return rows[:limit]

    async def entry(self, _ctx: Any, id: UUID) -> reports.EntryRow | None:
        return next((row for row in await self.entries(None, limit=10**6) if row.id == id), None)

    async def lines(self, _ctx: Any, entry: UUID) -> list[reports.EntryLine]:
        draft = next(one for one in self.books.drafts if one.id == entry)
        accounts = {one.id: one for one in self.books.chart}
        return [
            reports.EntryLine(
                line.account, accounts[line.account].code, accounts[line.account].name, line.amount,
                line.commodity, line.note,
            )
            for line in draft.lines
        ]  # fmt: skip
