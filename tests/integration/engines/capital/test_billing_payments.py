"""Payments on a real database: what they settle, what is let go, and that the ledger agrees every time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from tenants import OrgFixture
from trade import DAY, Trade, open_trade

from sent.engines.capital import api as ledger
from sent.engines.capital.billing import api
from sent.platform.errors import Conflict, Invalid, NotFound

YEAR_END = date(2026, 12, 31)


@pytest.fixture
async def trade(org_a: OrgFixture) -> Trade:
    return await open_trade(org_a.ctx)


async def status(trade: Trade, *documents: api.Document) -> list[str]:
    """Return the states of documents; and check that the ledger owes what the open items say."""
    for side, way in (("receivable", 1), ("payable", -1)):
        items = await api.open_items(trade.ctx, date(2200, 12, 31), side)  # type: ignore[arg-type]
        for commodity in {item.commodity for item in items} | {"GBP"}:
            wanted = sum((item.open for item in items if item.commodity == commodity), Decimal(0))
            assert (await trade.amounts(commodity)).get(side, Decimal(0)) == way * wanted
    return [(await api.document(trade.ctx, one.id)).document.status for one in documents]


async def test_one_payment_settles_many_and_many_settle_one(trade: Trade) -> None:
    first, second = await trade.issued(trade.line("100.00")), await trade.issued(trade.line("50.00"))
    await trade.received("150.00", api.Money(first.id, Decimal("120")), api.Money(second.id, Decimal("30")))
    assert await status(trade, first, second) == ["paid", "part paid"]
    await trade.received("30.00", api.Money(second.id, Decimal("30")))
    assert await status(trade, first, second) == ["paid", "paid"]
    assert await api.open_items(trade.ctx, YEAR_END) == []


async def test_an_overpayment_stays_as_a_credit_until_it_is_used(trade: Trade) -> None:
    first = await trade.issued(trade.line("100.00"))
    paid = await trade.received("200.00", api.Money(first.id, Decimal("120")), reference="TRN 1")
    (item,) = await api.open_items(trade.ctx, YEAR_END, "receivable")
    assert (item.kind, item.open, item.gross, item.reference) == ("payment", -80, -200, "TRN 1")
    second = await trade.issued(trade.line("60.00"))
    assert await status(trade, first, second) == ["paid", "open"]
    with pytest.raises(Conflict, match="open on INV-2026-00002: 72 GBP"):
        await api.allocate(trade.ctx, paid.payment, [api.Money(second.id, Decimal("72.01"))])
    await api.allocate(trade.ctx, paid.payment, [api.Money(second.id, Decimal("72"))])
    assert await status(trade, first, second) == ["paid", "paid"]
    third = await trade.issued(trade.line("60.00"))
    with pytest.raises(Conflict, match="left of the payment"):
        await api.allocate(trade.ctx, paid.payment, [api.Money(third.id, Decimal("8.01"))])
    assert (await api.payment(trade.ctx, paid.payment)).left == 8


async def test_the_same_payment_from_many_sides_at_once_is_booked_once(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00"))
    part = api.Money(made.id, Decimal(120))
    payment = api.Payment(
        trade.customer.id, "in", DAY, Decimal(120), "GBP", trade.accounts["cash"], [part], key="bank:1"
    )
    again = [api.Payment(**{**_fields(payment)}) for _ in range(4)]
    found = await asyncio.gather(*(api.pay(trade.ctx, one) for one in again))
    assert len({one.payment for one in found}) == len({one.entry for one in found}) == 1
    assert len({one.groups for one in found}) == 1
    assert await status(trade, made) == ["paid"]
    with pytest.raises(Conflict, match="another request"):
        await api.pay(trade.ctx, replace(payment, amount=Decimal(121)))


def _fields(payment: api.Payment) -> dict[str, object]:
    return {name: getattr(payment, name) for name in payment.__dataclass_fields__ if name != "id"}


async def test_two_payments_at_once_never_settle_more_than_is_open(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00"))
    found = await asyncio.gather(
        *(trade.received("70.00", api.Money(made.id, Decimal(70))) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(one, api.Paid) for one in found) == 1
    assert all(isinstance(one, Conflict) for one in found if not isinstance(one, api.Paid))
    assert await status(trade, made) == ["part paid"]
    assert (await trade.amounts())["cash"] == 70


async def test_a_cash_discount_corrects_the_tax_of_each_code(trade: Trade) -> None:
    made = await trade.issued(
        trade.line("100.00"), trade.line("100.00", "S5"), discount_percent=Decimal(2), discount_days=10
    )
    assert made.gross == 225
    assert api.cash_discount(made, DAY + timedelta(days=10), 2) == Decimal("4.50")
    assert api.cash_discount(made, DAY + timedelta(days=11), 2) == 0
    paid = await trade.received("220.50", api.Money(made.id, Decimal("220.50"), discount=Decimal("4.50")))
    assert await status(trade, made) == ["paid"]
    assert await trade.amounts() == {"cash": Decimal("220.50"), "sales": -196, "tax": Decimal("-24.50")}
    report = await api.tax_report(trade.ctx, DAY, DAY)
    assert {(box.number, box.amount) for box in report.boxes} >= {
        ("1", Decimal("24.50")),
        ("6", Decimal(196)),
    }
    (group,) = paid.groups
    await api.unallocate(trade.ctx, group, DAY, "the discount was not agreed")
    assert await status(trade, made) == ["open"]
    assert await trade.amounts() == {
        "cash": Decimal("220.50"), "receivable": Decimal("4.50"), "sales": -200, "tax": -25,
    }  # fmt: skip
    report = await api.tax_report(trade.ctx, DAY, DAY)
    assert {(box.number, box.amount) for box in report.boxes} >= {("1", Decimal(25)), ("6", Decimal(200))}
    with pytest.raises(NotFound):
        await api.unallocate(trade.ctx, group, DAY)


async def test_a_discount_on_a_bill_takes_expense_and_tax_back(trade: Trade) -> None:
    bill = await trade.issued(trade.line("100.00", "P20"), kind="bill")
    part = api.Money(bill.id, Decimal("116.40"), discount=Decimal("3.60"))
    payment = api.Payment(
        trade.supplier.id, "out", DAY, Decimal("116.40"), "GBP", trade.accounts["cash"], [part]
    )
    await api.pay(trade.ctx, payment)
    assert await status(trade, bill) == ["paid"]
    assert await trade.amounts() == {
        "cash": Decimal("-116.40"),
        "cost_of_sales": 97,
        "input": Decimal("19.40"),
    }


async def test_a_small_difference_is_let_go_and_a_large_one_is_not(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00"))
    with pytest.raises(Invalid, match=r"limit 5.*credit note"):
        await trade.received("110.00", api.Money(made.id, Decimal(110), write_off=Decimal(10)))
    await trade.received("119.80", api.Money(made.id, Decimal("119.80")))
    await api.write_off(trade.ctx, made.id, Decimal("0.20"), DAY)
    assert await status(trade, made) == ["paid"]
    assert (await trade.amounts())["rounding"] == Decimal("0.20")


async def test_a_foreign_invoice_paid_at_home_books_the_exchange_difference(trade: Trade) -> None:
    await ledger.set_rate(trade.ctx, "USD", DAY, Decimal("0.80"))
    made = await trade.issued(trade.line("1000.00", "S0"), commodity="USD")
    assert (made.commodity, made.rate, made.gross) == ("USD", Decimal("0.80"), 1000)
    assert await trade.amounts("USD") == {"receivable": 1000, "sales": -1000}
    await trade.received("790.00", api.Money(made.id, Decimal(1000)))
    assert await status(trade, made) == ["paid"]
    assert await trade.amounts("GBP") == {"cash": 790, "currency_clearing": -800, "exchange": 10}
    assert await trade.amounts("USD") == {"sales": -1000, "currency_clearing": 1000}


async def test_a_foreign_invoice_paid_in_its_currency_books_no_difference(trade: Trade) -> None:
    made = await trade.issued(trade.line("1000.00", "S20"), commodity="JPY", rate=Decimal("0.005"))
    await trade.received("1200", api.Money(made.id, Decimal(1200)), commodity="JPY")
    assert await status(trade, made) == ["paid"]
    assert await trade.amounts("JPY") == {"cash": 1200, "sales": -1000, "tax": -200}
    report = await api.tax_report(trade.ctx, DAY, DAY)
    assert {box.number: box.amount for box in report.boxes}["1"] == 1


async def test_a_credit_note_and_a_refund_settle_each_other(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00"))
    await trade.received("120.00", api.Money(made.id, Decimal(120)))
    credit = await api.issue(trade.ctx, (await api.credit(trade.ctx, made.id, DAY, [trade.line("25.00")])).id)
    assert await status(trade, made, credit) == ["paid", "open"]
    (item,) = await api.open_items(trade.ctx, YEAR_END, "receivable")
    assert (item.kind, item.open) == ("sales_credit", -30)
    second = await trade.issued(trade.line("10.00"))
    group = await api.apply_credit(trade.ctx, credit.id, second.id, Decimal(12), DAY)
    assert await status(trade, credit, second) == ["part paid", "paid"]
    await api.unallocate(trade.ctx, group, DAY)
    refund = api.Payment(
        trade.customer.id, "out", DAY, Decimal(30), "GBP", trade.accounts["cash"],
        [api.Money(credit.id, Decimal(30))],
    )  # fmt: skip
    await api.pay(trade.ctx, refund)
    assert await status(trade, credit, second) == ["paid", "open"]
    with pytest.raises(Conflict, match="take them off first"):
        await api.void(trade.ctx, made.id, DAY, "paid")


async def test_a_line_of_the_ledger_becomes_a_payment_once(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00"))
    (journal, *_) = await ledger.journals(trade.ctx)
    lines = [
        ledger.Line(trade.accounts["cash"], Decimal(120), "GBP"),
        ledger.Line(trade.accounts["receivable"], Decimal(-120), "GBP"),
    ]
    entry = await ledger.post(trade.ctx, ledger.Draft(journal.id, DAY, lines, reference="by hand"))
    with pytest.raises(Invalid, match="only lines on a receivable"):
        await api.adopt(trade.ctx, entry, 1, trade.customer.id)
    payment = await api.adopt(trade.ctx, entry, 2, trade.customer.id)
    with pytest.raises(Conflict):
        await api.adopt(trade.ctx, entry, 2, trade.customer.id)
    assert made.entry is not None
    with pytest.raises(Conflict, match="belongs to a document"):
        await api.adopt(trade.ctx, made.entry, 1, trade.customer.id)
    await api.allocate(trade.ctx, payment, [api.Money(made.id, Decimal(120))])
    assert await status(trade, made) == ["paid"]


async def test_open_items_aging_and_statement_of_any_day(trade: Trade) -> None:
    old = await trade.issued(trade.line("100.00"), day=date(2026, 1, 1), due=date(2026, 1, 31))
    new = await trade.issued(
        trade.line("10.00"), day=date(2026, 3, 1), due=date(2026, 3, 31), reference="PO 9"
    )
    await trade.received("20.00", api.Money(old.id, Decimal(20)), day=date(2026, 3, 10))
    (item,) = await api.open_items(trade.ctx, date(2026, 2, 28), "receivable")
    assert (item.id, item.open, item.number) == (old.id, 120, old.number)
    first, second = await api.open_items(trade.ctx, date(2026, 3, 31))
    assert (first.open, second.open, second.reference) == (100, 12, "PO 9")
    assert (second.id, second.party_name, second.side) == (new.id, "Harbour Logistics Ltd", "receivable")
    (aged,) = await api.aging(trade.ctx, date(2026, 4, 1), "receivable")
    assert (aged.current, aged.days_30, aged.days_60, aged.days_90, aged.older) == (0, 12, 100, 0, 0)
    assert aged.total == 112
    found = await api.statement(trade.ctx, trade.customer.id, "GBP", date(2026, 2, 1), date(2026, 3, 31))
    assert (found.opening, found.closing) == (120, 112)
    assert [(one.kind, one.amount, one.balance) for one in found.movements] == [
        ("invoice", 12, 132), ("payment", -20, 112),
    ]  # fmt: skip


async def test_the_return_names_the_documents_behind_each_figure(trade: Trade) -> None:
    sale = await trade.issued(trade.line("100.00"), trade.line("40.00", "S0"))
    bill = await trade.issued(
        trade.line("50.00", "P20"), trade.line("10.00", "PRS"), kind="bill", reference="9"
    )
    void = await trade.issued(trade.line("70.00", "P20"), kind="bill", reference="10")
    await api.void(trade.ctx, void.id, DAY, "not ours")
    await trade.issued(trade.line("100.00"), day=date(2026, 4, 1))
    report = await api.tax_report(trade.ctx, date(2026, 3, 1), date(2026, 3, 31))
    assert {box.number: box.amount for box in report.boxes} == {
        "1": 22, "3": 22, "4": 12, "5": 10, "6": 150, "7": 60,
    }  # fmt: skip
    output = next(box for box in report.boxes if box.number == "1")
    assert {(one.document, one.number, one.amount) for one in output.sources} == {
        (sale.id, sale.number, 20), (bill.id, bill.number, 2),
    }  # fmt: skip
    assert {(one.code, one.base, one.tax) for one in report.codes} >= {("S20", 100, 20), ("P20", 50, 10)}


async def test_the_german_return_has_its_numbers(org_b: OrgFixture) -> None:
    trade = await open_trade(org_b.ctx, "de")
    await trade.issued(trade.line("100.00", "U19"), trade.line("200.00", "UIG"))
    await trade.issued(
        trade.line("10.00", "V19"), trade.line("1000.00", "VIG19"), trade.line("500.00", "V13EU"), kind="bill"
    )
    report = await api.tax_report(trade.ctx, DAY, DAY)
    assert {(box.number, box.what): box.amount for box in report.boxes} == {
        ("41", "net"): 200, ("46", "net"): 500, ("47", "tax"): 95, ("61", "tax"): 190,
        ("66", "tax"): Decimal("1.90"),
        ("67", "tax"): 95, ("81", "net"): 100, ("81", "tax"): 19, ("83", "total"): Decimal("17.10"),
        ("89", "net"): 1000, ("89", "tax"): 190,
    }  # fmt: skip
    names = {one.id: one.name for one in await ledger.accounts(trade.ctx)}
    booked = {names[one.account]: one.amount for one in await ledger.balances(trade.ctx)}
    assert booked["Umsatzsteuer 19 %"] == -19 and booked["Umsatzsteuer nach § 13b UStG 19 %"] == -285


async def test_a_reminder_rises_one_level_at_a_time_and_never_twice(trade: Trade) -> None:
    await api.save_levels(
        trade.ctx,
        [
            api.DunningLevel(1, 7, "Reminder", "Please pay."),
            api.DunningLevel(2, 21, "Second reminder", "Pay now.", Decimal("5"), Decimal("8")),
        ],
    )
    late = await trade.issued(trade.line("100.00"), day=date(2026, 1, 1), due=date(2026, 1, 31))
    stopped = await trade.issued(trade.line("10.00"), day=date(2026, 1, 1), due=date(2026, 1, 31))
    await api.stop(trade.ctx, stopped.id, True)
    await trade.issued(trade.line("7.00"), day=date(2026, 2, 1), due=date(2026, 3, 31))
    assert await api.dunning_proposal(trade.ctx, date(2026, 2, 6)) == []
    (letter,) = await api.dunning_run(trade.ctx, date(2026, 3, 10))
    assert [(item.document, item.level, item.overdue) for item in letter.items] == [(late.id, 1, 38)]
    assert (letter.title, letter.fee, letter.total) == ("Reminder", 0, 120)
    assert await api.dunning_run(trade.ctx, date(2026, 3, 10)) == []
    assert await api.dunning_proposal(trade.ctx, date(2026, 3, 23)) == []
    found = await asyncio.gather(
        *(api.dunning_run(trade.ctx, date(2026, 3, 24)) for _ in range(4)), return_exceptions=True
    )
    sent = [one for one in found if isinstance(one, list) and one]
    assert len(sent) == 1
    (second,) = sent[0]
    assert (second.level, second.fee, second.interest) == (2, 5, Decimal("1.37"))
    assert second.total == Decimal("126.37")
    assert await api.dunning_proposal(trade.ctx, date(2027, 1, 1)) != [], "the third invoice is late by now"
    kept = await api.letter(trade.ctx, second.id)
    assert (kept.items, kept.total) == (second.items, second.total)
    await api.save_party(trade.ctx, replace(trade.customer, stopped=True))
    assert await api.dunning_proposal(trade.ctx, date(2027, 1, 1)) == []


async def test_an_undone_payment_is_taken_off_and_reversed(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00"), discount_percent=Decimal(2), discount_days=10)
    part = api.Money(made.id, Decimal("117.60"), discount=Decimal("2.40"))
    paid = await trade.received("117.60", part, key="bank:7")
    with pytest.raises(Conflict, match="undo the payment"):
        await ledger.reverse(trade.ctx, paid.entry, DAY)
    assert made.entry is not None
    with pytest.raises(Conflict, match=f"that of {made.number}"):
        await ledger.reverse(trade.ctx, made.entry, DAY)
    await api.undo_payment(trade.ctx, paid.payment, DAY + timedelta(days=2), "it came back")
    assert await status(trade, made) == ["open"]
    assert await trade.amounts() == {"receivable": 120, "sales": -100, "tax": -20}
    assert len(await api.open_items(trade.ctx, DAY + timedelta(days=1))) == 2, "the money was there that day"
    with pytest.raises(Conflict, match="was undone"):
        await api.undo_payment(trade.ctx, paid.payment, YEAR_END)
    with pytest.raises(Conflict, match="was undone"):
        await api.allocate(trade.ctx, paid.payment, [api.Money(made.id, Decimal(1))], YEAR_END)
    found = await api.statement(trade.ctx, trade.customer.id, "GBP", DAY, YEAR_END)
    assert (found.opening, found.closing) == (0, 120)


async def test_nothing_is_settled_before_it_is_there(trade: Trade) -> None:
    early = await trade.received("10.00", day=date(2026, 3, 1))
    made = await trade.issued(trade.line("100.00"))
    await api.allocate(trade.ctx, early.payment, [api.Money(made.id, Decimal(10))])
    (one,) = await api.allocations(trade.ctx, made.id)
    assert one.day == DAY
    credit = await api.issue(
        trade.ctx,
        (
            await api.save_document(
                trade.ctx,
                api.DocumentDraft("sales_credit", trade.customer.id, YEAR_END, [trade.line("5.00")]),
            )
        ).id,
    )
    with pytest.raises(Invalid, match="choose 2026-12-31 or later"):
        await api.apply_credit(trade.ctx, credit.id, made.id, Decimal(6), DAY)


async def test_credits_at_once_never_exceed_the_invoice(trade: Trade) -> None:
    made = await trade.issued(trade.line("100.00"))
    drafts = [await api.credit(trade.ctx, made.id, DAY, [trade.line("60.00")]) for _ in range(4)]
    found = await asyncio.gather(*(api.issue(trade.ctx, one.id) for one in drafts), return_exceptions=True)
    assert sum(isinstance(one, api.Document) for one in found) == 1
    assert all(isinstance(one, Invalid) for one in found if not isinstance(one, api.Document))
    assert await status(trade, made) == ["part paid"]


async def test_payments_of_the_same_documents_in_other_orders_do_not_lock_each_other(trade: Trade) -> None:
    made = [await trade.issued(trade.line("100.00")) for _ in range(6)]
    parts = [api.Money(one.id, Decimal(10)) for one in made]
    await asyncio.gather(*(trade.received("60.00", *(parts if n % 2 else reversed(parts))) for n in range(8)))
    assert await status(trade, *made) == ["part paid"] * 6
    assert (await trade.amounts())["cash"] == 480
