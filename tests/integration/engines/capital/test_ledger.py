"""The ledger on a real database: what is taken, what is refused, and that nothing is ever lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from books import DAY, Books, open_books
from tenants import OrgFixture, add_member, member_database

from sent.engines.capital import api
from sent.engines.capital.model import Fault
from sent.platform.errors import Conflict, Denied, Invalid, NotFound

if TYPE_CHECKING:
    from sent.platform.db.engine import Server


@pytest.fixture
async def books(org_a: OrgFixture) -> Books:
    return await open_books(org_a.ctx)


async def faults(books: Books, *drafts: api.Draft) -> list[Fault]:
    return [outcome.fault for outcome in await api.post_batch(books.ctx, drafts)]


async def test_an_entry_changes_the_balances_of_its_accounts(books: Books) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.sales, "119.00", memo="Invoice 1"))
    await api.post(books.ctx, books.draft(books.bank, books.sales, "0.01"))
    assert await books.amounts() == {books.bank: Decimal("119.01"), books.sales: Decimal("-119.01")}


async def test_each_of_a_batch_is_taken_or_refused_for_itself(books: Books) -> None:
    good = books.draft(books.bank, books.sales, "5.00")
    lines = list(good.lines)
    found = await faults(
        books,
        good,
        replace(good, id=uuid4(), lines=[lines[0], replace(lines[1], amount=Decimal("-4.99"))]),
        replace(good, id=uuid4(), lines=[lines[0], replace(lines[1], account=uuid4())]),
        books.draft(books.bank, books.sales, "5.001"),
        replace(good, id=uuid4(), lines=[replace(line, commodity="XXX") for line in lines]),
        replace(good, id=uuid4(), lines=[]),
        replace(good, id=uuid4(), journal=uuid4()),
        books.draft(books.wallet, books.sales, "1.00"),
        books.draft(books.bank, books.wallet, "1.00", memo="fills the wallet"),
        books.draft(books.wallet, books.sales, "1.00", memo="now there is something in it"),
    )
    assert [fault.name for fault in found] == [
        "NONE", "UNBALANCED", "ACCOUNT", "AMOUNT", "AMOUNT", "EMPTY", "JOURNAL", "FLOOR", "NONE", "NONE",
    ]  # fmt: skip
    assert (await books.amounts())[books.wallet] == 0


async def test_digits_follow_the_commodity(books: Books) -> None:
    lines = [api.Line(books.bank, Decimal("1.234"), "KWD"), api.Line(books.sales, Decimal("-1.234"), "KWD")]
    whole = [replace(line, commodity="JPY", amount=line.amount.quantize(Decimal("0.1"))) for line in lines]
    assert await faults(books, api.Draft(books.journal, DAY, lines)) == [Fault.NONE]
    assert await faults(books, api.Draft(books.journal, DAY, whole)) == [Fault.AMOUNT]


async def test_the_same_request_under_the_same_key_is_booked_once(books: Books) -> None:
    draft = books.draft(books.bank, books.sales, "7.00", key="order 1")
    again = replace(draft, id=uuid4())
    other = books.draft(books.bank, books.sales, "8.00", key="order 1")
    first, twice, differs = await api.post_batch(books.ctx, [draft, again, other])
    assert (first.fault, twice.fault, differs.fault) == (Fault.NONE, Fault.DUPLICATE, Fault.KEY_REUSED)
    assert twice.entry == draft.id
    assert await api.post(books.ctx, replace(draft, id=uuid4())) == draft.id
    with pytest.raises(Conflict, match="another request"):
        await api.post(books.ctx, replace(other, id=uuid4()))
    assert (await books.amounts())[books.bank] == 7


async def test_what_repeats_an_entry_that_is_refused_is_refused_too(books: Books) -> None:
    draft = books.draft(books.wallet, books.sales, "7.00", key="order 3")
    again = replace(draft, id=uuid4())
    assert await faults(books, draft, again) == [Fault.FLOOR, Fault.FLOOR]
    assert await api.balances(books.ctx) == []


async def test_many_sides_at_once_never_take_an_account_below_its_floor(books: Books) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.wallet, "50.00"))

    async def drain(n: int) -> int:
        if n % 2:
            drafts = [books.draft(books.wallet, books.sales, "0.70") for _ in range(20)]
            return sum(outcome.booked for outcome in await api.post_batch(books.ctx, drafts))
        try:
            await api.post(books.ctx, books.draft(books.wallet, books.sales, "0.70"))
        except Conflict:
            return 0
        return 1

    booked = sum(await asyncio.gather(*(drain(n) for n in range(12))))
    assert booked == 71, "of 126 that were asked for"
    found = await api.holding(books.ctx, books.wallet, "EUR")
    assert found.posted == -(await books.amounts())[books.wallet] == Decimal("0.30")


async def test_the_same_key_from_many_sides_at_once_is_one_entry(books: Books) -> None:
    draft = books.draft(books.bank, books.sales, "7.00", key="order 2")
    found = await asyncio.gather(*(api.post(books.ctx, replace(draft, id=uuid4())) for _ in range(12)))
    assert len(set(found)) == 1
    assert (await books.amounts())[books.bank] == 7


async def test_a_group_is_booked_whole_or_not_at_all(books: Books) -> None:
    group, other = uuid4(), uuid4()
    found = await faults(
        books,
        books.draft(books.bank, books.wallet, "10.00", group=group),
        books.draft(books.wallet, books.sales, "11.00", group=group),
        books.draft(books.bank, books.wallet, "3.00", group=other),
        books.draft(books.wallet, books.sales, "2.00", group=other),
    )
    assert found == [Fault.FLOOR, Fault.FLOOR, Fault.NONE, Fault.NONE]
    bad = books.draft(books.bank, books.sales, "1.005", group=group)
    assert await faults(books, bad, books.draft(books.bank, books.sales, "1.00", group=group)) == [
        Fault.AMOUNT,
        Fault.GROUP,
    ]
    assert (await books.amounts())[books.wallet] == -1


async def test_what_is_reserved_is_booked_whole_or_less_or_freed(books: Books) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.wallet, "50.00"))
    held = books.draft(books.wallet, books.sales, "30.00", kind="pending")
    await api.post(books.ctx, held)
    found = await api.holding(books.ctx, books.wallet, "EUR")
    assert (found.posted, found.leaving, found.available) == (50, -30, 20)
    with pytest.raises(Conflict, match="floor"):
        await api.post(books.ctx, books.draft(books.wallet, books.sales, "20.01"))
    less = [api.Line(books.wallet, Decimal(12), "EUR"), api.Line(books.sales, Decimal(-12), "EUR")]
    more = [replace(line, amount=line.amount * 3) for line in less]
    with pytest.raises(Invalid, match="more would be booked"):
        await api.post_pending(books.ctx, held.id, DAY, lines=more)
    takes = (api.post_pending(books.ctx, held.id, DAY, lines=less, key="take it") for _ in range(3))
    assert len(set(await asyncio.gather(*takes))) == 1
    with pytest.raises(Conflict, match="posted"):
        await api.void_pending(books.ctx, held.id)
    found = await api.holding(books.ctx, books.wallet, "EUR")
    assert (found.posted, found.leaving) == (38, 0)
    second = books.draft(books.wallet, books.sales, "38.00", kind="pending")
    await api.post(books.ctx, second)
    assert await api.void_pending(books.ctx, second.id, "the customer left")
    assert not await api.void_pending(books.ctx, second.id)
    assert (await api.holding(books.ctx, books.wallet, "EUR")).available == 38
    with pytest.raises(NotFound):
        await api.void_pending(books.ctx, uuid4())


async def test_what_is_over_its_time_is_freed_and_cannot_be_booked(books: Books) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.wallet, "5.00"))
    soon = datetime.now(UTC) + timedelta(milliseconds=50)
    held = books.draft(books.wallet, books.sales, "5.00", kind="pending", expires_at=soon)
    await api.post(books.ctx, held)
    await asyncio.sleep(0.06)
    with pytest.raises(Conflict, match="over its time"):
        await api.post_pending(books.ctx, held.id, DAY)
    assert await api.expire(books.ctx) == 1
    assert await api.expire(books.ctx) == 0
    assert (await api.holding(books.ctx, books.wallet, "EUR")).available == 5


async def test_a_reversal_takes_an_entry_back_once(books: Books) -> None:
    made = await api.post(books.ctx, books.draft(books.bank, books.sales, "9.00"))
    await api.reverse(books.ctx, made, date(2026, 3, 20), "wrong customer")
    assert set((await books.amounts()).values()) == {Decimal(0)}
    with pytest.raises(Conflict, match="reversed already"):
        await api.reverse(books.ctx, made, DAY)


async def test_closed_periods_take_no_entries(books: Books) -> None:
    march = await api.set_period(books.ctx, date(2026, 3, 1), date(2026, 3, 31), "hard")
    assert await faults(books, books.draft(books.bank, books.sales, "1.00")) == [Fault.PERIOD]
    later = books.draft(books.bank, books.sales, "1.00", day=date(2026, 4, 1))
    assert await faults(books, later) == [Fault.NONE]
    with pytest.raises(Conflict, match="stays closed"):
        await api.set_period(books.ctx, date(2026, 3, 1), date(2026, 3, 31), "open", period=march)
    with pytest.raises(Conflict, match="some of these days"):
        await api.set_period(books.ctx, date(2026, 3, 31), date(2026, 4, 1), "open")


async def test_balances_of_a_day_and_as_they_were_known(books: Books) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.sales, "10.00", day=date(2026, 1, 31)))
    known = datetime.now(UTC)
    await api.post(books.ctx, books.draft(books.bank, books.sales, "5.00", day=date(2026, 1, 15)))
    await api.post(books.ctx, books.draft(books.bank, books.sales, "1.00", day=date(2026, 2, 1)))

    async def bank(until: date | None, at: datetime | None = None) -> Decimal:
        found = await api.balances(books.ctx, until, at)
        return sum((one.amount for one in found if one.account == books.bank), Decimal(0))

    for _ in range(3):
        assert await bank(date(2026, 1, 31)) == 15
        assert await bank(date(2026, 1, 31), known) == 10
        assert await bank(date(2026, 1, 20)) == 5
        assert await bank(None) == 16
        await api.upkeep(books.ctx)


async def test_a_floor_is_set_over_what_is_there(books: Books) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.sales, "10.00"))
    held = books.draft(books.sales, books.bank, "4.00", kind="pending")
    await api.post(books.ctx, held)
    with pytest.raises(Conflict, match="below that floor"):
        await api.set_floor(books.ctx, books.bank, Decimal(7))
    await api.set_floor(books.ctx, books.bank, Decimal(6))
    assert await faults(books, books.draft(books.sales, books.bank, "0.01")) == [Fault.FLOOR]
    await api.void_pending(books.ctx, held.id)
    assert await faults(books, books.draft(books.sales, books.bank, "4.00")) == [Fault.NONE]


async def test_who_may_only_read_books_nothing(books: Books, org_a: OrgFixture, server: Server) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.sales, "1.00"))
    person, membership = await add_member(books.ctx, "viewer@alpha.test", "Vera", "auditor")
    async with member_database(server, membership) as db:
        staff = replace(books.ctx, db=db, actor=person)
        assert len(await api.balances(staff)) == 2
        with pytest.raises(Denied):
            await api.post(staff, books.draft(books.bank, books.sales, "1.00"))
        with pytest.raises(Denied):
            await api.open_account(staff, "1", "Mine", "asset")


async def test_another_organisation_sees_and_books_nothing_here(books: Books, org_b: OrgFixture) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.sales, "1.00"))
    assert await api.balances(org_b.ctx) == []
    assert await api.accounts(org_b.ctx) == []
    (found,) = await api.post_batch(org_b.ctx, [books.draft(books.bank, books.sales, "1.00")])
    assert found.fault == Fault.JOURNAL


async def test_an_account_is_renamed_closed_and_opened_again(books: Books) -> None:
    await api.post(books.ctx, books.draft(books.bank, books.fees, "1.00"))
    (fees,) = [one for one in await api.accounts(books.ctx) if one.id == books.fees]
    await api.change_account(books.ctx, replace(fees, name="Charges", role="bank_fees", closed_on=DAY))
    (changed,) = [one for one in await api.accounts(books.ctx) if one.id == books.fees]
    assert (changed.name, changed.role, changed.closed_on) == ("Charges", "bank_fees", DAY)
    with pytest.raises(Conflict, match="somebody else changed"):
        await api.change_account(books.ctx, replace(fees, name="Other"))
    late = books.draft(books.bank, books.fees, "1.00", day=DAY + timedelta(days=1))
    with pytest.raises(Invalid, match="closed on that day"):
        await api.post(books.ctx, late)
    with pytest.raises(Conflict, match="entries after that day"):
        await api.change_account(books.ctx, replace(changed, closed_on=DAY - timedelta(days=1)))
    with pytest.raises(Invalid, match="below itself"):
        await api.change_account(books.ctx, replace(changed, parent=books.fees))
    await api.change_account(books.ctx, replace(changed, closed_on=None))
    assert await api.post(books.ctx, late)
