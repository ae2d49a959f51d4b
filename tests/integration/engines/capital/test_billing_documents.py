"""Documents on a real database: they are numbered without gaps, booked with their number, and final."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tenants import OrgFixture, add_member, member_database
from trade import DAY, Trade, open_trade

from sent.engines.capital import api as ledger
from sent.engines.capital.billing import api
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound, SentError

if TYPE_CHECKING:
    from tenants import MemberDb

    from sent.platform.db.engine import Server


@pytest.fixture
async def trade(org_a: OrgFixture) -> Trade:
    return await open_trade(org_a.ctx)


async def test_issuing_numbers_and_books_an_invoice(trade: Trade) -> None:
    made = await trade.issued(trade.line("45.00", quantity="8"), trade.line("10.00", "S0"), reference="PO 7")
    assert (made.number, made.state, made.status) == ("INV-2026-00001", "issued", "open")
    assert (made.net, made.tax, made.gross) == (370, 72, 442)
    assert made.due == date(2026, 4, 13)
    assert await trade.amounts() == {"receivable": 442, "sales": -370, "tax": -72}
    async with uow(trade.ctx) as tx:
        reference = await scalar(tx, "select reference from capital.entry where id = %s", [made.entry])
    assert reference == made.number


async def test_a_bill_books_expense_and_tax_to_get_back(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00", "P20"), kind="bill", reference="4711")
    assert made.number == "BILL-2026-00001"
    assert await trade.amounts() == {"payable": -120, "cost_of_sales": 100, "input": 20}
    with pytest.raises(Conflict):
        await trade.issued(trade.line("100.00", "P20"), kind="bill", reference="4711")


async def test_reverse_charge_owes_and_deducts_the_same(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00", "PRC"), kind="bill")
    assert (made.net, made.tax, made.gross) == (100, 0, 100)
    assert await trade.amounts() == {"payable": -100, "cost_of_sales": 100, "input": 20, "tax": -20}


async def test_sales_tax_on_purchases_is_part_of_the_expense(org_b: OrgFixture) -> None:
    trade = await open_trade(org_b.ctx, "us")
    await trade.issued(trade.line("100.00", "TX"), kind="bill")
    assert await trade.amounts("USD") == {"payable": Decimal("-108.25"), "cost_of_sales": Decimal("108.25")}


async def test_numbers_have_no_gaps_when_issuing_fails_and_many_issue_at_once(trade: Trade) -> None:
    await ledger.set_period(trade.ctx, date(2026, 1, 1), date(2026, 1, 31), "hard")
    good = [await trade.draft(trade.line(f"{n}.00")) for n in range(1, 9)]
    late = [await trade.draft(trade.line("5.00"), day=date(2026, 1, 15)) for _ in range(4)]
    found = await asyncio.gather(
        *(api.issue(trade.ctx, one.id) for one in [*good[:4], *late, *good[4:]]), return_exceptions=True
    )
    numbers = sorted(one.number or "" for one in found if isinstance(one, api.Document))
    assert numbers == [f"INV-2026-{n:05}" for n in range(1, 9)]
    refused = [one for one in found if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [Invalid] * 4, refused
    assert "period is closed" in str(refused[0])


async def test_a_draft_is_issued_once_by_many_at_once(trade: Trade) -> None:
    draft = await trade.draft(trade.line("5.00"))
    found = await asyncio.gather(*(api.issue(trade.ctx, draft.id) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(one, api.Document) for one in found) == 1
    assert all(isinstance(one, Conflict) for one in found if not isinstance(one, api.Document))
    assert (await trade.amounts())["receivable"] == 6


async def test_a_draft_is_changed_until_it_is_issued_and_deleted(trade: Trade) -> None:
    draft = await trade.draft(trade.line("5.00"))
    changed = await api.save_document(
        trade.ctx,
        api.DocumentDraft(
            "invoice", trade.customer.id, DAY, [trade.line("7.00")], id=draft.id, version=draft.version
        ),
    )
    with pytest.raises(Conflict, match="read it again"):
        await api.save_document(
            trade.ctx,
            api.DocumentDraft(
                "invoice", trade.customer.id, DAY, [trade.line("8.00")], id=draft.id, version=draft.version
            ),
        )
    assert (await api.document(trade.ctx, changed.id)).totals.gross == Decimal("8.40")
    await api.delete_document(trade.ctx, draft.id)
    with pytest.raises(NotFound):
        await api.document(trade.ctx, draft.id)


async def test_errors_name_the_place_and_the_cure(trade: Trade) -> None:
    with pytest.raises(Invalid, match="take one of S0, S20"):
        await trade.issued(trade.line("5.00", "X9"))
    with pytest.raises(Invalid, match="for a customer: Lamp & Lock Ltd is none"):
        await api.save_document(
            trade.ctx, api.DocumentDraft("invoice", trade.supplier.id, DAY, [trade.line("1.00")])
        )
    with pytest.raises(Invalid, match="write a credit note"):
        await trade.issued(trade.line("-5.00"))
    nobody = await api.save_party(trade.ctx, replace(trade.customer, account=None))
    with pytest.raises(Invalid, match="line 1 has no account"):
        await trade.issued(trade.line("5.00"))
    assert nobody.version == 2
    with pytest.raises(Invalid, match="enter one on the document"):
        await trade.issued(trade.line("5.00", account=trade.accounts["sales"]), commodity="USD")


async def test_an_issued_document_is_final_even_for_direct_sql(
    trade: Trade, member_db: MemberDb, org_a: OrgFixture
) -> None:
    made = await trade.issued(trade.line("5.00"))
    draft = await trade.draft(trade.line("5.00"))
    owner = replace(trade.ctx, db=await member_db(org_a))
    forged = (
        "update capital.document set gross = 1 where id = %(made)s",
        "update capital.document set day = '2026-01-01' where id = %(made)s",
        "update capital.document set buyer = '{}' where id = %(made)s",
        "update capital.document set state = 'void', voided_on = day where id = %(made)s",
        "update capital.document set state = 'draft', number = null, gross = null where id = %(made)s",
        "delete from capital.document where id = %(made)s",
        "update capital.document_line set unit_price = 1 where document_id = %(made)s",
        "delete from capital.document_line where document_id = %(made)s",
        "insert into capital.document_line (document_id, n, description, quantity, unit_price)"
        " values (%(made)s, 9, 'more', 1, 1)",
        "update capital.document set state = 'issued', number = 'X', gross = 1 where id = %(draft)s",
        "insert into capital.document (kind, party_id, day, due, commodity, state, number, gross)"
        " select kind, party_id, day, due, commodity, 'issued', 'Y', 1 from capital.document where id ="
        " %(made)s",
        "insert into capital.tax_item select * from capital.tax_item",
        "update capital.tax_item set tax = 0",
        "update capital.series set next = 99",
        "delete from capital.allocation",
        "insert into capital.payment select * from capital.payment",
        "select capital.next_number('invoice', 2026)",
        "truncate capital.document cascade",
    )
    for ctx in (owner, trade.ctx):
        for statement in forged:
            with pytest.raises(SentError):
                async with uow(ctx) as tx:
                    await tx.execute(statement, {"made": made.id, "draft": draft.id})
    kept = await api.document(trade.ctx, made.id)
    assert (kept.document, len(kept.lines)) == (made, 1)


async def test_a_credit_note_of_everything_takes_everything_back(trade: Trade) -> None:
    made = await trade.issued(
        trade.line("33.33", quantity="3"), trade.line("9.99", "S5", discount=Decimal(10))
    )
    draft = await api.credit(trade.ctx, made.id, date(2026, 3, 20), note="Wrong customer")
    credit = await api.issue(trade.ctx, draft.id)
    assert (credit.number, credit.gross, credit.status) == ("CN-2026-00001", made.gross, "paid")
    assert (await api.document(trade.ctx, made.id)).document.status == "paid"
    assert await trade.amounts() == {}
    assert await api.open_items(trade.ctx, date(2026, 12, 31)) == []
    again = await api.credit(trade.ctx, made.id, date(2026, 3, 21))
    with pytest.raises(Invalid, match="up to 0"):
        await api.issue(trade.ctx, again.id)


async def test_a_credit_keeps_the_tax_of_what_it_credits(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00"))
    later = next(one for one in await api.tax_codes(trade.ctx) if one.code == "S20")
    fresh = api.TaxCode(
        "S20", "VAT 22 %", "sale", "standard", Decimal(22), date(2026, 4, 1), account=later.account
    )
    await api.save_tax_code(trade.ctx, fresh)
    with pytest.raises(Conflict, match="later first day"):
        await api.save_tax_code(trade.ctx, replace(later, rate=Decimal(21)))
    draft = await api.credit(trade.ctx, made.id, date(2026, 4, 2))
    assert (await api.issue(trade.ctx, draft.id)).gross == 120
    assert (await trade.issued(trade.line("100.00"), day=date(2026, 4, 2))).gross == 122


async def test_voiding_credits_an_invoice_and_reverses_a_bill(trade: Trade) -> None:
    invoice = await trade.issued(trade.line("10.00"))
    credit = await api.void(trade.ctx, invoice.id, DAY, "twice")
    assert (credit.kind, credit.credits, credit.note) == ("sales_credit", invoice.id, "twice")
    bill = await trade.issued(trade.line("10.00", "P20"), kind="bill", reference="1")
    void = await api.void(trade.ctx, bill.id, DAY, "not ours")
    assert (void.status, void.voided_on) == ("void", DAY)
    assert await trade.amounts() == {}
    with pytest.raises(Conflict, match="the document is void"):
        await api.void(trade.ctx, bill.id, DAY, "again")
    assert (await trade.issued(trade.line("10.00", "P20"), kind="bill", reference="1")).gross == 12
    with pytest.raises(Invalid, match="credited, not void"):
        await api.void(trade.ctx, credit.id, DAY, "a credit note went out too")


async def test_series_begin_where_the_former_program_ended(trade: Trade) -> None:
    await api.set_series(trade.ctx, "invoice", 2026, "26/", width=4, first=813)
    assert (await trade.issued(trade.line("1.00"))).number == "26/0813"
    assert (await trade.issued(trade.line("1.00"))).number == "26/0814"
    assert (await trade.issued(trade.line("1.00"), day=date(2027, 1, 1))).number == "INV-2027-00001"
    with pytest.raises(Conflict, match="next year"):
        await api.set_series(trade.ctx, "invoice", 2026, "X")


async def test_who_may_only_read_issues_nothing(trade: Trade, server: Server) -> None:
    draft = await trade.draft(trade.line("1.00"))
    person, membership = await add_member(trade.ctx, "viewer@alpha.test", "Vera", "auditor")
    async with member_database(server, membership) as db:
        staff = replace(trade.ctx, db=db, actor=person)
        assert len(await api.parties(staff)) == 2
        for refused in (
            api.issue(staff, draft.id),
            api.save_party(staff, api.Party("customer", "C2", "New")),
            api.void(staff, draft.id, DAY, ""),
            api.set_series(staff, "invoice", 2026, "X"),
            api.save_settings(staff, api.Settings()),
        ):
            with pytest.raises(SentError) as error:
                await refused
            assert isinstance(error.value, Denied | Conflict), error.value


async def test_another_organisation_sees_and_touches_nothing(trade: Trade, org_b: OrgFixture) -> None:
    made = await trade.issued(trade.line("1.00"))
    other = await open_trade(org_b.ctx)
    assert len(await api.parties(other.ctx)) == 2
    assert await api.documents(other.ctx) == []
    assert await api.open_items(other.ctx, date(2026, 12, 31)) == []
    with pytest.raises(NotFound):
        await api.document(other.ctx, made.id)
    with pytest.raises(NotFound):
        await api.save_document(
            other.ctx, api.DocumentDraft("invoice", trade.customer.id, DAY, [trade.line("1.00")])
        )
    with pytest.raises(NotFound):
        await other.received("1.20", api.Money(made.id, Decimal("1.20")))
    assert (await other.issued(other.line("1.00"))).number == "INV-2026-00001"


async def test_staff_limited_to_a_client_see_its_documents_only(trade: Trade, server: Server) -> None:
    async with uow(trade.ctx) as tx:
        client = await scalar(tx, "insert into core.client (name, code) values ('Dock', 'D') returning id")
    seen = await api.save_party(
        trade.ctx, api.Party("customer", "C2", "Dock Ltd", account=trade.accounts["sales"], client=client)
    )
    draft = await api.save_document(
        trade.ctx, api.DocumentDraft("invoice", seen.id, DAY, [trade.line("3.00")])
    )
    mine = await api.issue(trade.ctx, draft.id)
    async with uow(trade.ctx) as tx:
        other = await scalar(tx, "insert into core.client (name, code) values ('Pier', 'P') returning id")
    hidden_party = await api.save_party(
        trade.ctx, api.Party("customer", "C3", "Pier Ltd", account=trade.accounts["sales"], client=other)
    )
    draft = await api.save_document(
        trade.ctx, api.DocumentDraft("invoice", hidden_party.id, DAY, [trade.line("3.00")])
    )
    hidden = await api.issue(trade.ctx, draft.id)
    person, membership = await add_member(trade.ctx, "book@alpha.test", "Bo", "owner")
    async with uow(trade.ctx) as tx:
        await tx.execute("update core.membership set client_narrowed = true where id = %s", [membership])
        await tx.execute(
            "insert into core.membership_client (membership_id, client_id) values (%s, %s)",
            [membership, client],
        )
    async with member_database(server, membership) as db:
        staff = replace(trade.ctx, db=db, actor=person)
        numbers = {one.number for one in await api.documents(staff)}
        assert mine.number in numbers and hidden.number not in numbers
        with pytest.raises(NotFound):
            await api.document(staff, hidden.id)
