"""Assets, budgets and what comes again on a real database: each once, never in a closed month."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tenants import OrgFixture, add_member, member_database

from sent.engines.capital import api as ledger
from sent.engines.capital.billing import api as billing
from sent.engines.capital.schedules import api
from sent.platform.context import Ctx
from sent.platform.errors import Conflict, Denied, Invalid, NotFound

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

YEAR = date(2026, 4, 1)


@pytest.fixture
async def ctx(org_a: OrgFixture) -> Ctx:
    await ledger.set_up(org_a.ctx, "uk", year_starts=(4, 1))
    await ledger.open_year(org_a.ctx, YEAR)
    return org_a.ctx


async def account(ctx: Ctx, code: str) -> UUID:
    return next(one.id for one in await ledger.accounts(ctx) if one.code == code)


async def amount(ctx: Ctx, code: str, until: date | None = None) -> Decimal:
    id = await account(ctx, code)
    return sum((x.amount for x in await ledger.balances(ctx, until) if x.account == id), Decimal(0))


async def book(ctx: Ctx, day: date, debit: str, credit: str, value: str) -> None:
    journal = next(one.id for one in await ledger.journals(ctx) if one.kind == "general")
    lines = [
        ledger.Line(await account(ctx, debit), Decimal(value), "GBP"),
        ledger.Line(await account(ctx, credit), -Decimal(value), "GBP"),
    ]
    await ledger.post(ctx, ledger.Draft(journal, day, lines))


async def van(ctx: Ctx, cost: str = "1200.00", months: int = 12) -> UUID:
    await book(ctx, YEAR, "0050", "1200", cost)
    places = api.by_role(await ledger.accounts(ctx), "Motor vehicles")
    return await api.save_asset(ctx, api.Asset("Van 7", *places, YEAR, Decimal(cost), months))


async def close(ctx: Ctx, month: date, state: str = "soft") -> None:
    one = next(x for x in await ledger.periods(ctx) if x.starts == month)
    await ledger.set_period(ctx, one.starts, one.ends, state, period=one.id)  # type: ignore[arg-type]


async def test_a_run_books_what_was_missed_and_the_same_run_again_nothing(ctx: Ctx) -> None:
    await van(ctx)
    made = await api.depreciate(ctx, date(2026, 6, 10))
    assert (made.entries, made.amount, made.refused) == (3, Decimal(300), ())
    assert (await api.depreciate(ctx, date(2026, 6, 30))).entries == 0
    assert await amount(ctx, "0051", date(2026, 5, 31)) == -200
    (row,) = await api.assets(ctx)
    assert (row.worn, row.book_value) == (300, 900)


async def test_runs_at_the_same_time_book_each_month_once(ctx: Ctx) -> None:
    await van(ctx)
    made = await asyncio.gather(*(api.depreciate(ctx, date(2026, 9, 30)) for _ in range(4)))
    assert sum(one.entries for one in made) == 6
    assert await amount(ctx, "0051") == -600


async def test_closed_months_are_caught_up_in_the_next_open_one_or_told(ctx: Ctx) -> None:
    asset = await van(ctx)
    await close(ctx, date(2026, 4, 1))
    await close(ctx, date(2026, 6, 1))
    made = await api.depreciate(ctx, date(2026, 6, 30))
    assert made.entries == 2
    assert [id for id, _ in made.refused] == [asset]
    assert "2026-06 is closed" in made.refused[0][1]
    assert await amount(ctx, "0051", date(2026, 4, 30)) == 0
    assert await amount(ctx, "0051", date(2026, 5, 31)) == -200
    assert (await api.depreciate(ctx, date(2026, 7, 31))).entries == 2


async def test_a_disposal_takes_the_asset_out_and_books_the_loss(ctx: Ctx) -> None:
    asset = await van(ctx)
    bank, result = await account(ctx, "1200"), await account(ctx, "4900")
    await api.dispose(ctx, asset, date(2026, 7, 12), Decimal("850.00"), bank, result)
    assert [await amount(ctx, code) for code in ("0050", "0051", "4900")] == [0, 0, 50]
    assert (await api.depreciate(ctx, date(2027, 3, 31))).entries == 0
    (row,) = await api.assets(ctx)
    assert (row.asset.disposed_on, row.book_value) == (date(2026, 7, 12), 0)
    with pytest.raises(Conflict, match="went on"):
        await api.dispose(ctx, asset, date(2026, 8, 1), Decimal(1), bank, result)


async def test_what_was_worn_before_the_books_began_stays_in_the_opening_balances(ctx: Ctx) -> None:
    places = api.by_role(await ledger.accounts(ctx), "Motor vehicles")
    old = api.Asset("Van 1", *places, date(2025, 10, 3), Decimal(1200), 12, since=YEAR)
    assert api.worn_before(old, 4) == 600
    asset = await api.save_asset(ctx, old)
    made = await api.depreciate(ctx, date(2026, 5, 31))
    assert (made.entries, made.amount) == (2, Decimal(200))
    (row,) = await api.assets(ctx)
    assert (row.worn, row.book_value) == (800, 400)
    bank, result = await account(ctx, "1200"), await account(ctx, "4900")
    await api.dispose(ctx, asset, date(2026, 6, 2), Decimal(400), bank, result)
    assert [await amount(ctx, code) for code in ("0050", "0051", "4900")] == [-1200, 600, 0]


async def test_a_write_down_lowers_what_follows(ctx: Ctx) -> None:
    asset = await van(ctx)
    await api.write_down(ctx, asset, date(2026, 9, 20), Decimal("300.00"))
    assert await amount(ctx, "0051") == -900
    await api.depreciate(ctx, date(2027, 3, 31))
    assert await amount(ctx, "0051") == -1200
    kinds = [(one.kind, one.amount) for one in await api.charges(ctx, asset)]
    assert kinds.count(("depreciation", Decimal(50))) == 6
    with pytest.raises(Conflict, match="later months"):
        await api.write_down(ctx, asset, date(2026, 9, 25), Decimal(1))


async def test_an_asset_with_charges_is_not_changed_and_needs_fitting_accounts(ctx: Ctx) -> None:
    asset = await van(ctx)
    await api.depreciate(ctx, YEAR)
    (row,) = await api.assets(ctx)
    with pytest.raises(Conflict, match="charges"):
        await api.save_asset(ctx, row.asset)
    bank = await account(ctx, "1200")
    with pytest.raises(Invalid, match="expense account"):
        await api.save_asset(ctx, api.Asset("Desk", bank, bank, bank, YEAR, Decimal(5), 12))
    with pytest.raises(NotFound):
        await api.schedule(ctx, UUID(int=1))
    assert len(await api.schedule(ctx, asset)) == 12


async def test_a_budget_takes_last_year_and_compares_with_what_happened(ctx: Ctx) -> None:
    await book(ctx, date(2026, 4, 30), "1200", "4000", "1000.00")
    await book(ctx, date(2026, 5, 31), "7100", "1200", "400.00")
    budget = await api.from_actuals(ctx, "Growth", date(2027, 6, 1), Decimal(10))
    await book(ctx, date(2027, 4, 20), "1200", "4000", "1500.00")
    await book(ctx, date(2027, 5, 20), "7100", "1200", "400.00")
    report = await api.against(ctx, budget, date(2027, 5, 2))
    rows = {row.label: row.amounts for row in report.rows}
    assert rows["Guarding services"] == (1500, 1100, 400)
    assert rows["Rent"] == (400, 440, -40)
    assert rows["Net result"] == (1100, 660, 440)
    april = await api.against(ctx, budget, date(2027, 4, 2))
    assert {row.label: row.amounts for row in april.rows}["Net result"] == (1500, 1100, 400)
    rent = await account(ctx, "7100")
    await api.plan(ctx, budget, [api.Planned(rent, date(2027, 5, 1), Decimal(500))])
    report = await api.against(ctx, budget, date(2027, 5, 2))
    assert {row.label: row.amounts for row in report.rows}["Rent"] == (400, 500, -100)
    with pytest.raises(Conflict):
        await api.open_budget(ctx, "Growth", date(2027, 6, 1))
    with pytest.raises(Invalid, match="only income and expenses"):
        await api.plan(ctx, budget, [api.Planned(await account(ctx, "1200"), YEAR, Decimal(1))])


async def test_an_entry_comes_again_once_for_each_occurrence(ctx: Ctx) -> None:
    rent, bank = await account(ctx, "7100"), await account(ctx, "1200")
    lines = [api.EntryLine(rent, Decimal(900), "GBP"), api.EntryLine(bank, Decimal(-900), "GBP")]
    template = api.Template("entry", "Rent of the office", entry=lines)
    await api.save_recurring(ctx, api.Recurring("Rent", template, api.Rhythm(YEAR, day=3)))
    assert [one.day for one in await api.due(ctx, date(2026, 6, 1))] == [date(2026, 4, 3), date(2026, 5, 3)]
    made = await asyncio.gather(*(api.run(ctx, date(2026, 6, 30)) for _ in range(3)))
    assert sum(one.entries for one in made) == 3
    assert await amount(ctx, "7100") == 2700
    assert (await api.run(ctx, date(2026, 6, 30))).entries == 0
    assert await api.due(ctx, date(2026, 6, 30)) == []


async def test_a_prepayment_is_released_to_the_last_penny(ctx: Ctx) -> None:
    await book(ctx, YEAR, "1103", "1200", "1000.00")
    prepaid, insurance = await account(ctx, "1103"), await account(ctx, "7304")
    await api.release(ctx, "Fleet insurance", prepaid, insurance, Decimal(1000), YEAR, 12)
    await api.run(ctx, date(2026, 6, 30))
    assert await amount(ctx, "7304") == 250
    await api.run(ctx, date(2027, 12, 31))
    assert [await amount(ctx, code) for code in ("7304", "1103")] == [1000, 0]


async def test_a_contract_is_invoiced_each_month_with_its_number(ctx: Ctx) -> None:
    await billing.set_up_taxes(ctx, "uk")
    sales = await account(ctx, "4000")
    customer = await billing.save_party(ctx, billing.Party("customer", "C1", "Quay", account=sales))
    line = billing.DocumentLine("Night guard", Decimal(200), Decimal("21.50"), "S20", unit="h")
    template = api.Template("invoice", party=customer.id, lines=[line])
    one = api.Recurring("Quay, nights", template, api.Rhythm(YEAR, day=31))
    await api.save_recurring(ctx, one)
    assert (await api.run(ctx, date(2026, 5, 31))).documents == 2
    assert (await api.run(ctx, date(2026, 5, 31))).documents == 0
    found = sorted(await billing.documents(ctx, "invoice"), key=lambda x: x.day)
    assert [x.number for x in found] == ["INV-2026-00001", "INV-2026-00002"]
    assert [x.gross for x in found] == [Decimal(5160)] * 2
    assert await amount(ctx, "1100") == 10320


async def test_what_is_refused_holds_up_no_other_and_is_told(ctx: Ctx) -> None:
    rent, bank = await account(ctx, "7100"), await account(ctx, "1200")
    lines = [api.EntryLine(rent, Decimal(9), "GBP"), api.EntryLine(bank, Decimal(-9), "GBP")]
    template = api.Template("entry", entry=lines)
    early = api.Recurring("Early", template, api.Rhythm(YEAR, count=1))
    late = api.Recurring("Late", template, api.Rhythm(date(2026, 5, 1), count=1))
    for one in (early, late):
        await api.save_recurring(ctx, one)
    for state in ("soft", "hard"):
        await close(ctx, YEAR, state)
    made = await api.run(ctx, date(2026, 5, 31))
    assert made.entries == 1
    assert made.refused == ((early.id, ledger.SENTENCES[ledger.Fault.PERIOD]),)
    assert [x.recurring for x in await api.due(ctx, date(2026, 5, 31))] == [early.id]


async def test_who_may_not_book_reads_only(ctx: Ctx, server: Server) -> None:
    await van(ctx)
    person, membership = await add_member(ctx, "reader@alpha.test", "Ray", "auditor")
    async with member_database(server, membership) as db:
        reader = Ctx(db, ctx.org, person)
        assert len(await api.assets(reader)) == 1
        with pytest.raises(Denied):
            await api.depreciate(reader, date(2026, 6, 30))
        with pytest.raises(Denied):
            await api.open_budget(reader, "Mine", YEAR)
        with pytest.raises(Denied):
            await api.release(reader, "Mine", await account(ctx, "1103"), await account(ctx, "7304"),
                              Decimal(1), YEAR, 2)  # fmt: skip
    assert await amount(ctx, "0051") == 0


async def test_who_may_book_does_all_of_it_as_himself(ctx: Ctx, server: Server) -> None:
    asset = await van(ctx)
    await billing.set_up_taxes(ctx, "uk")
    sales, rent, bank = [await account(ctx, code) for code in ("4000", "7100", "1200")]
    person, membership = await add_member(ctx, "clerk@alpha.test", "Cleo", "admin")
    async with member_database(server, membership) as db:
        clerk = Ctx(db, ctx.org, person)
        assert (await api.depreciate(clerk, date(2026, 5, 31))).entries == 2
        await api.write_down(clerk, asset, date(2026, 6, 3), Decimal(90))
        await api.dispose(clerk, asset, date(2026, 8, 3), Decimal(100), bank, sales)
        budget = await api.open_budget(clerk, "Plan", YEAR)
        await api.plan(clerk, budget, [api.Planned(rent, YEAR, Decimal(10))])
        customer = await billing.save_party(clerk, billing.Party("customer", "C1", "Quay", account=sales))
        line = billing.DocumentLine("Guard", Decimal(2), Decimal(30), "S20")
        invoice = api.Template("invoice", party=customer.id, lines=[line])
        entry = api.Template(
            "entry",
            entry=[api.EntryLine(rent, Decimal(5), "GBP"), api.EntryLine(bank, Decimal(-5), "GBP")],
        )
        for name, template in (("Contract", invoice), ("Rent", entry)):
            await api.save_recurring(clerk, api.Recurring(name, template, api.Rhythm(YEAR, count=2)))
        assert await api.run(clerk, date(2026, 5, 31)) == api.Ran(2, 2, ())
        found = await billing.documents(clerk, "invoice")
        parts = [billing.Money(one.id, Decimal(72)) for one in found]
        payment = billing.Payment(customer.id, "in", date(2026, 5, 31), Decimal(144), "GBP", bank, parts,
                                  key="p")  # fmt: skip
        (first,) = await billing.pay_batch(clerk, [payment])
        assert await billing.pay_batch(clerk, [payment]) == [first]
        assert [one.status for one in await billing.documents(clerk, "invoice")] == ["paid"] * 2
    assert await amount(ctx, "1100") == 0
