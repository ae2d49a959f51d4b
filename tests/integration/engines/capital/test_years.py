"""Business years: charts, periods, closing, revaluation, reopening by two people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tenants import OrgFixture, add_member, member_database

from sent.engines.capital import api
from sent.engines.capital.charts import TEMPLATES
from sent.platform.context import Ctx
from sent.platform.errors import Conflict, Denied, Invalid

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

END = date(2027, 3, 31)


@pytest.fixture
async def ctx(org_a: OrgFixture) -> Ctx:
    await api.set_up(org_a.ctx, "uk", year_starts=(4, 1))
    return org_a.ctx


async def account(ctx: Ctx, role: str) -> UUID:
    return next(one.id for one in await api.accounts(ctx) if one.role == role)


async def book(ctx: Ctx, day: date, *lines: tuple[str, str, str]) -> UUID:
    journal = next(one.id for one in await api.journals(ctx) if one.kind == "general")
    made = [
        api.Line(await account(ctx, role), Decimal(amount), commodity) for role, amount, commodity in lines
    ]
    return await api.post(ctx, api.Draft(journal, day, made))


async def amounts(ctx: Ctx, until: date | None = None) -> dict[tuple[str, str], Decimal]:
    roles = {one.id: one.role for one in await api.accounts(ctx)}
    return {
        (roles[one.account] or "", one.commodity): one.amount
        for one in await api.balances(ctx, until)
        if one.amount
    }


@pytest.mark.parametrize("name", sorted(TEMPLATES))
async def test_a_chart_has_what_programs_look_for_and_is_opened_once(org_a: OrgFixture, name: str) -> None:
    kept = await api.set_up(org_a.ctx, name)
    first = await api.accounts(org_a.ctx)
    assert await api.set_up(org_a.ctx, name) == kept == await api.setup(org_a.ctx)
    assert [one.id for one in await api.accounts(org_a.ctx)] == [one.id for one in first]
    roles = [one.role for one in first]
    for role in ("retained_earnings", "exchange", "currency_clearing", "receivable", "payable", "rounding"):
        assert roles.count(role) == 1, role
    kinds = {one.kind for one in await api.journals(org_a.ctx)}
    assert kinds == {"general", "sales", "purchase", "bank", "closing"}


async def test_an_unknown_chart_names_those_there_are(org_a: OrgFixture) -> None:
    with pytest.raises(Invalid, match="uk, us, de"):
        await api.set_up(org_a.ctx, "fr")


async def test_the_home_currency_stays_once_something_is_booked(ctx: Ctx) -> None:
    await book(ctx, END, ("cash", "5.00", "GBP"), ("sales", "-5.00", "GBP"))
    with pytest.raises(Conflict, match="home currency stays"):
        await api.set_up(ctx, "uk", home="EUR")


async def test_a_year_has_twelve_months_and_is_made_once(ctx: Ctx) -> None:
    made = await api.open_year(ctx, date(2026, 12, 24))
    assert (len(made), made[0].starts, made[-1].ends) == (12, date(2026, 4, 1), END)
    assert await api.open_year(ctx, date(2026, 4, 1)) == []


async def test_closing_takes_income_and_expenses_and_later_only_what_came_since(ctx: Ctx) -> None:
    await book(ctx, date(2026, 5, 1), ("cash", "100.00", "GBP"), ("sales", "-100.00", "GBP"))
    await book(ctx, date(2026, 6, 1), ("bank_fees", "30.00", "GBP"), ("cash", "-30.00", "GBP"))
    await book(ctx, date(2027, 4, 1), ("cash", "7.00", "GBP"), ("sales", "-7.00", "GBP"))
    assert await api.close_year(ctx, END) is not None
    assert await amounts(ctx, END) == {
        ("cash", "GBP"): Decimal(70),
        ("retained_earnings", "GBP"): Decimal(-70),
    }
    assert await api.close_year(ctx, END) is None
    await book(ctx, date(2027, 3, 1), ("cash", "1.00", "GBP"), ("sales", "-1.00", "GBP"))
    assert await api.close_year(ctx, END) is not None
    assert (await amounts(ctx, END))[("retained_earnings", "GBP")] == Decimal(-71)
    with pytest.raises(Invalid, match="2027-03-31"):
        await api.close_year(ctx, date(2026, 12, 31))


async def test_a_profit_and_loss_account_shows_the_year_also_after_closing(ctx: Ctx) -> None:
    await book(ctx, date(2026, 5, 1), ("cash", "100.00", "GBP"), ("sales", "-100.00", "GBP"))
    await api.close_year(ctx, END)
    for _ in range(2):
        found = await api.movements(ctx, date(2026, 4, 1), END)
        sales = await account(ctx, "sales")
        assert [one.amount for one in found if one.account == sales] == [Decimal(-100)]
        await api.upkeep(ctx)
        await api.upkeep(ctx)


async def test_revaluation_books_the_difference_and_then_nothing(ctx: Ctx) -> None:
    """A dollar invoice over the clearing account: 100 USD at 0.80, later 0.75 and 0.85."""
    await book(
        ctx,
        date(2026, 5, 1),
        ("receivable", "100.00", "USD"),
        ("currency_clearing", "-100.00", "USD"),
        ("currency_clearing", "80.00", "GBP"),
        ("sales", "-80.00", "GBP"),
    )
    with pytest.raises(Invalid, match="no rate up to that day for USD"):
        await api.revalue(ctx, date(2026, 5, 31))
    await api.set_rate(ctx, "USD", date(2026, 5, 31), Decimal("0.75"))
    assert await api.revalue(ctx, date(2026, 5, 31)) is not None
    assert (await amounts(ctx))[("exchange", "GBP")] == Decimal("5.00")
    assert await api.revalue(ctx, date(2026, 5, 31)) is None
    await api.set_rate(ctx, "USD", date(2026, 6, 30), Decimal("0.85"))
    await api.revalue(ctx, date(2026, 6, 30))
    assert (await amounts(ctx))[("exchange", "GBP")] == Decimal("-5.00")
    assert (await amounts(ctx, date(2026, 5, 31)))[("exchange", "GBP")] == Decimal("5.00")


async def test_a_hard_closed_period_opens_when_two_people_want_it(ctx: Ctx, server: Server) -> None:
    month = (await api.open_year(ctx, END))[-1]
    for state in ("soft", "hard"):
        await api.set_period(ctx, month.starts, month.ends, state, period=month.id)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="stays closed"):
        await api.set_period(ctx, month.starts, month.ends, "soft", period=month.id)
    people = [await add_member(ctx, f"{name}@alpha.test", name, "admin") for name in ("Ada", "Bea")]
    (first, ada), (second, bea) = people
    async with member_database(server, ada) as db:
        asker = replace(ctx, db=db, actor=first)
        asked = await api.ask_reopening(asker, month.id, "the auditor found a missing bill")
        with pytest.raises(Denied, match="another person"):
            await api.grant_reopening(asker, asked)
    async with member_database(server, bea) as db:
        other = replace(ctx, db=db, actor=second)
        await api.grant_reopening(other, asked)
        with pytest.raises(Conflict, match="granted already"):
            await api.grant_reopening(other, asked)
    assert [one.state for one in await api.periods(ctx) if one.id == month.id] == ["soft"]
    (kept,) = await api.reopenings(ctx)
    assert (kept.asked_by, kept.granted_by) == (first, second)


async def test_who_may_only_read_closes_nothing(ctx: Ctx, server: Server) -> None:
    person, membership = await add_member(ctx, "viewer@alpha.test", "Vera", "auditor")
    async with member_database(server, membership) as db:
        staff = replace(ctx, db=db, actor=person)
        for asked in (
            api.close_year(staff, END), api.revalue(staff, END), api.ask_reopening(staff, person, "why not"),
        ):  # fmt: skip
            with pytest.raises(Denied):
                await asked
