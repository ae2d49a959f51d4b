"""A member who speaks SQL to the database himself, past everything that SENT's own programs check first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from books import Books, open_books
from psycopg.types.json import Jsonb
from tenants import OrgFixture, add_member, member_database

from sent.engines.capital import api, store
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Conflict, Denied, Invalid, SentError

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

CLOSED, OPEN = date(2026, 1, 15), date(2026, 3, 14)
POST = (
    "select fault from capital.post(%(ids)s::uuid[], %(journals)s::uuid[], %(kinds)s::text[],"
    " %(days)s::date[], %(texts)s::text[], %(texts)s::text[], %(nulls)s::text[], %(nulls)s::bytea[],"
    " %(nulls)s::uuid[], %(nulls)s::timestamptz[], %(owners)s::integer[], %(accounts)s::uuid[],"
    " %(commodities)s::text[], %(amounts)s::numeric[], %(notes)s::text[])"
)


@pytest.fixture
async def books(org_a: OrgFixture) -> Books:
    books = await open_books(org_a.ctx)
    await api.set_up(org_a.ctx, "de")
    await api.set_period(org_a.ctx, date(2026, 1, 1), date(2026, 1, 31), "hard")
    return books


@pytest.fixture
async def clerk(books: Books, server: Server) -> AsyncIterator[Ctx]:
    """Return a bookkeeper's own login."""
    person, membership = await add_member(books.ctx, "clerk@alpha.test", "Cleo", "bookkeeper")
    async with member_database(server, membership) as db:
        yield replace(books.ctx, db=db, actor=person)


def one_entry(books: Books, **changes: Any) -> dict[str, Any]:
    """Return what books one entry over two accounts; `changes` are the lie."""
    return {
        "ids": [uuid4()], "journals": [books.journal], "kinds": ["entry"], "days": [OPEN], "texts": [""],
        "nulls": [None], "owners": [1, 1], "accounts": [books.bank, books.sales],
        "commodities": ["EUR", "EUR"], "amounts": [Decimal(5), Decimal(-5)], "notes": ["", ""], **changes,
    }  # fmt: skip


async def entries(ctx: Ctx) -> int:
    async with uow(ctx) as tx:
        return int(await scalar(tx, "select count(*) from capital.entry"))


@pytest.mark.parametrize(
    "lie",
    [
        {"days": f"[0:1]={{{CLOSED},{OPEN}}}"},
        {"days": f"[2:2]={{{CLOSED}}}"},
        {"days": [OPEN, CLOSED]},
        {"kinds": "[0:1]={pending,entry}"},
        {"journals": f"[0:1]={{{uuid4()},{uuid4()}}}"},
        {"owners": [[1], [1]]},
        {"notes": ["", "", "one too many"]},
        {"amounts": [Decimal(5)]},
        {"owners": None},
    ],
    ids=lambda lie: next(iter(lie)),
)
async def test_arrays_of_another_shape_are_no_batch(books: Books, clerk: Ctx, lie: dict[str, Any]) -> None:
    async with uow(clerk) as tx:
        await tx.execute(POST, one_entry(books))
    with pytest.raises(Invalid, match="same number"):
        async with uow(clerk) as tx:
            await tx.execute(POST, one_entry(books, **lie))
    assert await entries(books.ctx) == 1


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
async def test_what_is_no_number_is_not_booked(books: Books, clerk: Ctx, amount: str) -> None:
    for amounts in ([amount, amount], [amount, "5"]):
        with pytest.raises(SentError):
            async with uow(clerk) as tx:
                found = await tx.execute(POST, one_entry(books, amounts=amounts))
                assert [row[0] for row in await found.fetchall()] != [0]
                raise Invalid("refused", "as it should be")
    assert await entries(books.ctx) == 0


async def test_an_old_snapshot_does_not_slip_past_a_period_that_was_closed_meanwhile(
    books: Books, clerk: Ctx
) -> None:
    with pytest.raises(Conflict, match="read committed"):
        async with uow(clerk) as tx:
            await tx.execute("set transaction isolation level repeatable read")
            await tx.execute("select 1 from capital.account")
            await api.set_period(books.ctx, date(2026, 3, 1), date(2026, 3, 31), "hard")
            await tx.execute(POST, one_entry(books))
    assert await entries(books.ctx) == 0


async def test_days_before_a_closed_period_are_closed(books: Books, clerk: Ctx) -> None:
    early = one_entry(books, days=[date(2025, 12, 31)])
    async with uow(clerk) as tx:
        found = await tx.execute(POST, early)
        assert await found.fetchall() == [(6,)]
    with pytest.raises(SentError):
        await api.post(clerk, books.draft(books.bank, books.sales, "5", day=date(1999, 12, 31)))
    assert await entries(books.ctx) == 0


async def test_totals_hold_more_than_the_largest_amount(books: Books, clerk: Ctx) -> None:
    for _ in range(3):
        await api.post(clerk, books.draft(books.bank, books.sales, "99999999999999999999.99"))
    for _ in range(3):
        async with uow(books.ctx) as tx:
            await store.roll(tx)
    async with uow(books.ctx) as tx:
        total = await scalar(tx, "select debit from capital.day_total where account_id = %s", [books.bank])
    assert total == Decimal("299999999999999999999.97")


async def test_taking_back_a_closing_needs_the_right_to_close(books: Books, server: Server) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.sales, "7.00", day=OPEN))
    closing = await api.close_year(books.ctx, date(2026, 12, 31))
    assert closing is not None
    person, membership = await add_member(books.ctx, "poster@alpha.test", "Pat", "bookkeeper")
    async with uow(books.ctx) as tx:
        await tx.execute(
            "delete from core.role_permission g using core.role r where r.organization_id = g.organization_id"
            " and r.id = g.role_id and r.key = 'bookkeeper' and g.permission = 'capital:close'"
        )
    async with member_database(server, membership) as db:
        with pytest.raises(Denied):
            await api.reverse(replace(books.ctx, db=db, actor=person), closing, date(2027, 1, 2))


@pytest.mark.parametrize(
    "statement",
    [
        "insert into capital.price (commodity, quote, day, rate) values ('USD', 'EUR', '2026-01-01', 'NaN')",
        "insert into capital.price (commodity, quote, day, rate) values ('USD', 'EUR', 'infinity', 1)",
        "insert into capital.price (commodity, quote, day, rate) values ('USD', 'EUR', '9999-12-31 BC', 1)",
        "insert into capital.budget (name, starts) values ('x', 'infinity')",
        "insert into capital.recurring (name, template, starts, every, unit, day, weekdays, active)"
        " values ('x', '{}', '-infinity', 1, 'week', 1, false, true)",
        "insert into capital.bank_rule (name, account_id, minimum)"
        " select 'x', a.id, 'NaN' from capital.account a limit 1",
        "insert into capital.asset (name, account_id, accumulated_id, expense_id, bought_on, cost, residual,"
        " months, method, convention, rate) select 'x', a.id, a.id, a.id, '2026-01-01', 'NaN', 0, 1,"
        " 'at_once', 'month', 0 from capital.account a limit 1",
        "insert into capital.asset (name, account_id, accumulated_id, expense_id, bought_on, cost, residual,"
        " months, method, convention, rate) select 'x', a.id, a.id, a.id, 'infinity', 1, 0, 1,"
        " 'at_once', 'month', 0 from capital.account a limit 1",
    ],
)
async def test_rows_that_no_program_can_read_are_not_kept(clerk: Ctx, statement: str) -> None:
    with pytest.raises(Invalid):
        async with uow(clerk) as tx:
            await tx.execute(statement)


@pytest.mark.parametrize("floor", ["NaN", "Infinity"])
async def test_a_floor_is_a_number(books: Books, clerk: Ctx, floor: str) -> None:
    with pytest.raises(SentError):
        async with uow(clerk) as tx:
            await tx.execute("select capital.set_floor(%s, %s)", [books.bank, floor])


async def test_a_currency_is_not_counted_to_fewer_digits_than_it_has(books: Books, clerk: Ctx) -> None:
    with pytest.raises(Invalid, match="digits"):
        async with uow(clerk) as tx:
            await tx.execute("insert into capital.commodity (code, exponent) values ('EUR', 0)")


async def test_what_a_run_or_charge_says_it_booked_is_there(books: Books, clerk: Ctx) -> None:
    async with uow(clerk) as tx:
        asset: UUID = await scalar(
            tx,
            "insert into capital.asset (name, account_id, accumulated_id, expense_id, bought_on, cost,"
            " residual, months, method, convention, rate) select 'Van', a.id, a.id, a.id, '2026-02-01', 9,"
            " 0, 9, 'straight_line', 'month', 0 from capital.account a limit 1 returning id",
        )
        again: UUID = await scalar(
            tx,
            "insert into capital.recurring (name, template, starts, every, unit, day, weekdays, active)"
            " values ('Rent', '{}', '2026-02-01', 1, 'month', 1, false, true) returning id",
        )
    for statement, id in (
        ("insert into capital.asset_charge (asset_id, kind, month, amount, entry_id)"
         " values (%s, 'depreciation', '2026-02-01', 1, core.uuid7())", asset),
        ("insert into capital.recurring_run (recurring_id, n, day, entry_id)"
         " values (%s, 0, '2026-02-01', core.uuid7())", again),
    ):  # fmt: skip
        with pytest.raises(SentError):
            async with uow(clerk) as tx:
                await tx.execute(statement, [id])


async def test_a_template_that_cannot_be_read_holds_up_no_other(books: Books, clerk: Ctx) -> None:
    from sent.engines.capital.schedules import api as schedules

    await schedules.release(clerk, "Insurance", books.bank, books.sales, Decimal(12), date(2026, 2, 1), 3)
    async with uow(clerk) as tx:
        await tx.execute(
            "insert into capital.recurring (name, template, starts, every, unit, day, weekdays, active)"
            " values ('Broken', '{\"kind\": 7}', '2026-02-01', 1, 'month', 1, false, true)"
        )
        line = {"account": str(books.bank), "commodity": "EUR", "note": "", "amount": "1"}
        whole = {"kind": "entry", "memo": "", "journal": None, "lines": [], "release": False, "party": None,
                 "commodity": None, "issue": True}  # fmt: skip
        for lie in ({"amount": "1e40"}, {"amount": "NaN"}, {"note": "long" * 100}, {"commodity": None}):
            lines = [{**line, **lie}, {**line, **lie, "amount": f"-{lie.get('amount', '1')}"}]
            await tx.execute(
                "insert into capital.recurring (name, template, starts, every, unit, day, weekdays, active)"
                " values ('A first', %s, '2026-02-01', 1, 'month', 1, false, true)",
                [Jsonb({**whole, "entry": lines})],
            )
    ran = await schedules.run(clerk, date(2026, 4, 30))
    assert ran.entries == 3
    assert len(ran.refused) == 5


async def test_what_comes_again_is_not_booked_into_a_softly_closed_month(books: Books, clerk: Ctx) -> None:
    from sent.engines.capital.schedules import api as schedules

    await schedules.release(clerk, "Insurance", books.bank, books.sales, Decimal(12), date(2026, 2, 1), 1)
    await api.set_period(books.ctx, date(2026, 2, 1), date(2026, 2, 28), "soft")
    await schedules.run_daily(books.ctx)
    assert await entries(books.ctx) == 0
