"""Aging, reminders, statements, returns and templates, without a database."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from sent.engines.capital.billing import dunning, owed, reads, returns
from sent.engines.capital.billing.catalogue import valid
from sent.engines.capital.billing.figures import DunningLevel, OpenItem
from sent.engines.capital.billing.model import Party, TaxCode
from sent.engines.capital.billing.templates import DE, TOTALS, UK, template, us
from sent.platform.errors import Invalid

DAY = date(2026, 6, 30)
PARTY = uuid4()
LEVELS = [DunningLevel(1, 7, "One", ""), DunningLevel(2, 14, "Two", "", Decimal(5), Decimal(10))]


def item(late: int, amount: str = "100.00", *, kind: str = "invoice", stopped: bool = False) -> OpenItem:
    due = DAY - timedelta(days=late)
    value = Decimal(amount)
    return OpenItem(
        uuid4(), kind, "receivable", "1", PARTY, "Harbour", "GBP", value, value, due, due, "", stopped  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("late", "place"),
    [(-5, 0), (0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4), (900, 4)],
)
def test_each_day_over_due_has_one_bucket(late: int, place: int) -> None:
    assert owed.bucket(DAY - timedelta(days=late), DAY) == place
    (aged,) = owed.aged([item(late), item(late, "-1.00", kind="payment")], DAY)
    row = (aged.current, aged.days_30, aged.days_60, aged.days_90, aged.older)
    assert row[place] == aged.total == 99


def proposed(*items: OpenItem, last: dict[UUID, reads.Dunned] | None = None) -> list[tuple[int, list[int]]]:
    letters = dunning.proposed(items, last or {}, LEVELS, DAY, {"GBP": 2})
    return [(one.level, [line.level for line in one.items]) for one in letters]


def test_reminders_rise_level_by_level() -> None:
    late = item(20)
    assert proposed(late) == [(1, [1])], "the first letter is the first level, however late"
    assert proposed(late, last={late.id: reads.Dunned(late.id, 1, DAY - timedelta(days=6))}) == []
    once = {late.id: reads.Dunned(late.id, 1, DAY - timedelta(days=7))}
    assert proposed(late, last=once) == [(2, [2])]
    assert proposed(late, item(8), last=once) == [(2, [2, 1])]
    assert proposed(late, last={late.id: reads.Dunned(late.id, 2, DAY - timedelta(days=99))}) == []


def test_nobody_is_reminded_of_what_is_stopped_credited_or_not_due() -> None:
    assert proposed(item(6), item(20, stopped=True), item(20, "-5.00", kind="sales_credit")) == []
    assert proposed(item(20), item(0, "-100.00", kind="payment")) == []
    assert proposed(item(20), item(0, "-99.99", kind="payment")) == [(1, [1])]


def test_interest_is_simple_and_by_days() -> None:
    assert dunning.interest(Decimal(1000), Decimal("9.12"), 30, 2) == Decimal("7.50")
    assert dunning.interest(Decimal(1000), Decimal("9.12"), 0, 2) == 0


def test_a_statement_opens_with_what_was_before() -> None:
    party = Party("customer", "C", "Harbour")
    moved = [
        reads.Moved(date(2026, 1, 5), "invoice", "1", "", Decimal(120)),
        reads.Moved(date(2026, 2, 5), "payment", "", "", Decimal(-20)),
    ]
    found = owed.balanced(party, "GBP", date(2026, 2, 1), DAY, moved)
    assert (found.opening, found.closing, len(found.movements)) == (120, 100, 1)
    assert owed.balanced(party, "GBP", DAY, DAY, moved).opening == 100


def test_the_row_of_a_tax_code_is_that_of_the_day() -> None:
    old = TaxCode("U", "16 %", "sale", "standard", Decimal(16), date(2020, 7, 1), date(2020, 12, 31))
    new = TaxCode("U", "19 %", "sale", "standard", Decimal(19), date(2021, 1, 1))
    assert valid([old, new], "sale", "U", date(2020, 12, 31)) is old
    assert valid([new, old], "sale", "U", date(2021, 1, 1)) is new
    with pytest.raises(Invalid, match="no sale tax code U is valid on 2020-06-30"):
        valid([old, new], "sale", "U", date(2020, 6, 30))
    with pytest.raises(Invalid, match="none yet"):
        valid([old, new], "purchase", "U", DAY)


@pytest.mark.parametrize("codes", [UK, DE, us("tx", Decimal("8.25"))])
def test_templates_say_why_nothing_is_charged_and_are_unique(codes: tuple[TaxCode, ...]) -> None:
    assert all(code.reason for code in codes if code.nature != "standard")
    assert all(code.nature in ("standard", "reverse") or code.rate == 0 for code in codes)
    assert len({(code.kind, code.code) for code in codes}) == len(codes)
    assert all(len(code.code) <= 20 for code in codes)
    for code in codes:
        assert bool(code.counter_boxes) == (code.kind == "purchase" and code.nature == "reverse")


def test_templates_are_booked_on_the_given_accounts() -> None:
    output, back = uuid4(), uuid4()
    codes = {code.code: code for code in template("uk", output, back)}
    assert (codes["S20"].account, codes["P20"].account, codes["P20"].counter) == (output, back, None)
    assert (codes["PRC"].account, codes["PRC"].counter) == (back, output)
    with pytest.raises(Invalid, match="give a state"):
        template("us", output, back)
    with pytest.raises(Invalid, match="choose uk, us or de"):
        template("fr", output, back)


def taxed(code: TaxCode, base: str, tax: str) -> reads.TaxedItem:
    return reads.TaxedItem(
        uuid4(), "1", "Harbour", DAY, code.code, code.kind, code.nature, code.rate, code.recoverable,
        Decimal(base), Decimal(tax), list(code.base_boxes), list(code.tax_boxes), list(code.counter_boxes),
    )  # fmt: skip


def test_boxes_add_up_and_computed_ones_follow() -> None:
    codes = {code.code: code for code in UK}
    items = [
        taxed(codes["S20"], "100", "20"),
        taxed(codes["S20"], "-10", "-2"),
        taxed(codes["P20"], "50", "10"),
    ]
    found = {(box.number, box.what): box.amount for box in returns.boxes(items, "gb")}
    assert found == {
        ("1", "tax"): 18, ("3", "total"): 18, ("4", "tax"): 10, ("5", "total"): 8, ("6", "net"): 90,
        ("7", "net"): 50,
    }  # fmt: skip
    for country, used in (("uk", UK), ("de", DE)):
        boxes = {number for code in used for number in (*code.tax_boxes, *code.counter_boxes)}
        asked = {one for _, plus, minus in TOTALS[country] for one in (*plus, *minus)}
        assert boxes <= asked, f"{country}: a tax that no total counts"


def test_sales_tax_that_was_paid_is_in_no_return() -> None:
    codes = {(code.kind, code.code): code for code in us("tx", Decimal("8.25"))}
    items = [taxed(codes["sale", "TX"], "100", "8.25"), taxed(codes["purchase", "TX"], "50", "4.13")]
    found = {(box.number, box.what): box.amount for box in returns.boxes(items, "us")}
    assert found == {("TX", "tax"): Decimal("8.25"), ("TX-taxable", "net"): 100}
