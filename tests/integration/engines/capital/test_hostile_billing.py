"""A bookkeeper who calls billing's and the bank's functions himself and commits whatever they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb
from tenants import OrgFixture, add_member, member_database
from trade import DAY, Trade, open_trade

from sent.engines.capital import api as ledger
from sent.engines.capital.billing import api
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Conflict, Invalid, SentError
from sent.platform.tasks import spawn

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

PAST = date(2025, 6, 30)


@pytest.fixture
async def trade(org_a: OrgFixture) -> Trade:
    return await open_trade(org_a.ctx)


@pytest.fixture
async def clerk(trade: Trade, server: Server) -> AsyncIterator[Ctx]:
    """Return a bookkeeper's own login."""
    person, membership = await add_member(trade.ctx, "clerk@alpha.test", "Cleo", "bookkeeper")
    async with member_database(server, membership) as db:
        yield replace(trade.ctx, db=db, actor=person)


@pytest.fixture
async def narrow(trade: Trade, server: Server) -> AsyncIterator[Ctx]:
    """Return the login of an owner who is limited to a client that no document is of."""
    person, membership = await add_member(trade.ctx, "narrow@alpha.test", "Nora", "owner")
    async with uow(trade.ctx) as tx:
        client = await scalar(tx, "insert into core.client (name, code) values ('Quay', 'Q') returning id")
        await tx.execute("update core.membership set client_narrowed = true where id = %s", [membership])
        await tx.execute(
            "insert into core.membership_client (membership_id, client_id) values (%s, %s)",
            [membership, client],
        )
    async with member_database(server, membership) as db:
        yield replace(trade.ctx, db=db, actor=person)


async def close_past(trade: Trade) -> None:
    await ledger.set_period(trade.ctx, date(2025, 6, 1), PAST, "hard")


async def asked(ctx: Ctx, query: str, *values: Any) -> Any:
    """Return the first value of a query whose transaction is kept."""
    async with uow(ctx) as tx:
        return await scalar(tx, query, list(values))


async def test_a_fault_that_is_committed_makes_no_gap_in_the_numbers(trade: Trade, clerk: Ctx) -> None:
    await close_past(trade)
    await trade.issued(trade.line("1.00"))
    await trade.issued(trade.line("1.00"), day=date(2025, 7, 1))
    late = await trade.draft(trade.line("5.00", "S0"))
    line = await asked(trade.ctx, "select id from capital.document_line where document_id = %s", late.id)
    fault = await asked(
        clerk,
        "select fault from capital.issue(%s, %s, %s::uuid[], array[1], %s, %s, %s, 5, 0, 5, null, '{}', '{}',"
        " array[5.0], '[]', %s, %s, '', null, %s::uuid[], array['GBP','GBP'], array[5.0,-5.0],"
        " array['',''])",
        late.id, late.version, [line], PAST, DAY, trade.accounts["receivable"],
        (await ledger.journals(trade.ctx))[0].id, uuid4(),
        [trade.accounts["receivable"], trade.accounts["sales"]],
    )  # fmt: skip
    assert fault == 6
    assert (await trade.issued(trade.line("1.00"), day=date(2025, 7, 1))).number == "INV-2025-00002"


async def test_the_tax_return_is_told_no_other_tax_than_the_document_has(trade: Trade, clerk: Ctx) -> None:
    draft = await trade.draft(trade.line("5.00", "S0"))
    line = await asked(trade.ctx, "select id from capital.document_line where document_id = %s", draft.id)
    tax = await asked(trade.ctx, "select id from capital.tax_code where code = 'S20'")
    items = [{"tax": str(tax), "rate": 20, "base": -90, "amount": -18, "home_base": -90, "home_amount": -18}]
    accounts = [trade.accounts["receivable"], trade.accounts["sales"]]
    with pytest.raises(Invalid, match="tax rows"):
        await asked(
            clerk,
            "select fault from capital.issue(%s, %s, %s::uuid[], array[1], %s, %s, %s, 5, 0, 5, null, '{}',"
            " '{}', array[5.0], %s, %s, %s, '', null, %s::uuid[], array['GBP','GBP'], array[5.0,-5.0],"
            " array['',''])",
            draft.id, draft.version, [line], DAY, DAY, accounts[0], Jsonb(items),
            (await ledger.journals(trade.ctx))[0].id, uuid4(), accounts,
        )  # fmt: skip


async def test_a_document_is_not_void_while_the_ledger_keeps_it(trade: Trade, clerk: Ctx) -> None:
    await close_past(trade)
    bill = await trade.issued(trade.line("100.00", "P20"), kind="bill", day=date(2025, 7, 1))
    await ledger.set_period(trade.ctx, date(2025, 8, 1), date(2025, 8, 31), "hard")
    fault = await asked(
        clerk, "select fault from capital.void_document(%s, %s, '2025-08-15', '')", bill.id, uuid4()
    )
    assert fault == 6
    assert (await api.document(trade.ctx, bill.id)).document.state == "issued"
    assert (await trade.amounts())["payable"] == -120


async def test_a_payment_is_not_undone_while_the_ledger_keeps_it(trade: Trade, clerk: Ctx) -> None:
    paid = await trade.received("10.00", day=date(2025, 7, 1))
    await ledger.set_period(trade.ctx, date(2025, 8, 1), date(2025, 8, 31), "hard")
    fault = await asked(
        clerk, "select fault from capital.undo_payment(%s, %s, '2025-08-15', '')", paid.payment, uuid4()
    )
    assert fault == 6
    assert await asked(trade.ctx, "select undone_on from capital.payment where id = %s", paid.payment) is None


async def test_what_a_void_took_back_is_not_booked_again(trade: Trade, clerk: Ctx) -> None:
    bill = await trade.issued(trade.line("100.00", "P20"), kind="bill")
    await api.void(trade.ctx, bill.id, DAY, "wrong")
    entry: UUID = await asked(trade.ctx, "select void_entry_id from capital.document where id = %s", bill.id)
    with pytest.raises(Conflict):
        await ledger.reverse(clerk, entry, DAY)
    assert await trade.amounts() == {}


async def test_what_an_undone_payment_took_back_is_neither_booked_nor_paid_again(
    trade: Trade, clerk: Ctx
) -> None:
    paid = await trade.received("10.00")
    await api.undo_payment(trade.ctx, paid.payment, DAY, "wrong")
    reversal: UUID = await asked(trade.ctx, "select id from capital.entry where kind = 'reversal'")
    with pytest.raises(Conflict):
        await ledger.reverse(clerk, reversal, DAY)
    for n in (1, 2):
        with pytest.raises(SentError):
            await asked(
                clerk, "select capital.adopt(%s, %s, %s, %s)", uuid4(), trade.customer.id, reversal, n
            )


async def test_a_line_is_not_taken_as_payment_while_it_is_reversed(trade: Trade, clerk: Ctx) -> None:
    journal = (await ledger.journals(trade.ctx))[0].id
    sides = [
        ledger.Line(trade.accounts["cash"], Decimal(5), "GBP"),
        ledger.Line(trade.accounts["receivable"], Decimal(-5), "GBP"),
    ]
    entry = await ledger.post(trade.ctx, ledger.Draft(journal, DAY, sides))
    async with uow(clerk) as tx:
        await tx.execute("select capital.adopt(%s, %s, %s, 2)", [uuid4(), trade.customer.id, entry])
        reversing = spawn(ledger.reverse(trade.ctx, entry, DAY), name="reverse")
        await asyncio.wait({reversing}, timeout=0.5)
        assert not reversing.done(), "it waits for who adopts"
    with pytest.raises(Conflict):
        await reversing


async def test_a_credit_note_is_for_its_own_party(trade: Trade, clerk: Ctx) -> None:
    other = await api.save_party(
        trade.ctx, api.Party("customer", "C2", "Other Ltd", account=trade.accounts["sales"])
    )
    invoice = await trade.issued(trade.line("50.00"))
    draft = await api.save_document(
        trade.ctx, api.DocumentDraft("sales_credit", other.id, DAY, [trade.line("50.00")])
    )
    await asked(
        clerk, "update capital.document set credits = %s where id = %s returning id", invoice.id, draft.id
    )
    with pytest.raises(Invalid, match="own party"):
        await api.issue(clerk, draft.id)


async def test_staff_of_one_client_neither_see_the_ledger_nor_take_back_what_is_of_another(
    trade: Trade, narrow: Ctx
) -> None:
    invoice = await trade.issued(trade.line("50.00"))
    await asked(
        trade.ctx,
        "insert into capital.recurring (name, template, starts, every, unit, day, weekdays, active)"
        " values ('Guard', '{}', '2026-02-01', 1, 'month', 1, false, true) returning id",
    )
    for table in ("entry", "line", "day_total", "month_total", "holding", "pending", "recurring"):
        assert await asked(narrow, f"select count(*) from capital.{table}") == 0, table
    assert await ledger.balances(narrow) == []
    assert invoice.entry is not None
    with pytest.raises(SentError):
        await ledger.reverse(narrow, invoice.entry, DAY)
    assert (await trade.amounts())["receivable"] == 60


async def test_allocations_of_an_old_snapshot_settle_nothing_twice(trade: Trade, clerk: Ctx) -> None:
    invoice = await trade.issued(trade.line("100.00", "S0"))
    first, second = await trade.received("100.00"), await trade.received("100.00")
    allocate = (
        "select capital.allocate(%s, %s, 'payment', %s, %s, null, %s, 100, null, null, '', null, null, null,"
        " '[]')"
    )
    with pytest.raises(Conflict, match="read committed"):
        async with uow(clerk) as tx:
            await tx.execute("set transaction isolation level repeatable read")
            await tx.execute("select 1 from capital.party")
            await asked(trade.ctx, allocate, uuid4(), uuid4(), invoice.id, first.payment, DAY)
            await tx.execute(allocate, [uuid4(), uuid4(), invoice.id, second.payment, DAY])
    assert await asked(trade.ctx, "select sum(amount) from capital.allocation") == 100


async def test_tax_is_not_told_for_days_of_closed_periods(trade: Trade, clerk: Ctx) -> None:
    invoice = await trade.issued(trade.line("100.00"), day=date(2025, 5, 2))
    paid = await trade.received("120.00", day=date(2025, 5, 2))
    tax = await asked(trade.ctx, "select tax_id from capital.tax_item limit 1")
    await close_past(trade)
    items = [{"tax": str(tax), "rate": 20, "base": -90, "amount": -18, "home_base": -90, "home_amount": -18}]
    with pytest.raises(Invalid, match="closed period"):
        await asked(
            clerk,
            "select capital.allocate(%s, %s, 'payment', %s, %s, null, %s, 120, null, null, '', null, null,"
            " null, %s)",
            uuid4(), uuid4(), invoice.id, paid.payment, PAST, Jsonb(items),
        )  # fmt: skip


@pytest.mark.parametrize("what", ["day", "due"])
async def test_drafts_with_days_that_no_program_can_read_are_not_kept(
    trade: Trade, clerk: Ctx, what: str
) -> None:
    draft = await trade.draft(trade.line("5.00"))
    with pytest.raises(Invalid):
        await asked(
            clerk,
            f"update capital.document set day = case when '{what}' = 'day' then 'infinity' else day end,"
            " due = 'infinity' where id = %s returning id",
            draft.id,
        )


async def test_statement_lines_and_matches_keep_the_commodity_of_the_account(
    trade: Trade, clerk: Ctx
) -> None:
    journal = (await ledger.journals(trade.ctx))[0].id
    account, statement, line = uuid4(), uuid4(), uuid4()
    cash = await ledger.open_account(trade.ctx, "1999", "Any money", "asset")
    await asked(
        clerk, "select capital.open_bank_account(%s, %s, %s, 'Bank', 'GBP', '')", account, cash, journal
    )
    await asked(
        clerk,
        "select capital.add_bank_statement(%s, %s, 'csv', '', 'GBP', '2026-03-01', '2026-03-31', 0, 5)",
        statement, account,
    )  # fmt: skip
    row = {
        "id": str(line), "n": 1, "day": "2026-03-14", "value_day": "2026-03-14", "amount": "5",
        "commodity": "GBP", "counterparty": "", "iban": "", "text": "", "reference": "", "end_to_end": "",
        "bank_id": "", "code": "", "reversal": False, "fingerprint": "00" * 32,
    }  # fmt: skip
    add = "select capital.add_bank_lines(%s, %s)"
    for lie in ({"commodity": "JPY"}, {"amount": "NaN"}, {"day": "infinity"}):
        with pytest.raises(Invalid):
            await asked(clerk, add, statement, Jsonb([{**row, **lie}]))
    assert await asked(clerk, add, statement, Jsonb([row])) == 1
    sides = [
        ledger.Line(cash, Decimal(5), "JPY"),
        ledger.Line(trade.accounts["sales"], Decimal(-5), "JPY"),
    ]
    entry = await ledger.post(trade.ctx, ledger.Draft(journal, DAY, sides))
    seq = await asked(trade.ctx, "select seq from capital.entry where id = %s", entry)
    match = {
        "id": str(uuid4()), "how": "person", "confidence": 1, "lines": [str(line)],
        "ledger": [{"seq": seq, "n": 1}],
    }  # fmt: skip
    with pytest.raises(Invalid, match="differ"):
        await asked(clerk, "select capital.add_bank_matches(%s, %s)", account, Jsonb([match]))
