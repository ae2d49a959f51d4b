"""The arithmetic of documents holds for all quantities, prices, rates and currencies."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.capital.billing import postings
from sent.engines.capital.billing.model import DocumentKind, DocumentLine, TaxCode, sign
from sent.engines.capital.billing.totals import discounted, line_amount, rounded, spread, taxed, totals

KINDS: tuple[DocumentKind, ...] = ("invoice", "sales_credit", "bill", "purchase_credit")
EXPONENTS = st.sampled_from([0, 2, 3])
RATES = st.decimals(0, 40, places=3)
CONTROL = uuid4()
ACCOUNTS = [uuid4() for _ in range(3)]


@st.composite
def codes(draw: st.DrawFn, kind: str = "sale") -> TaxCode:
    nature = draw(st.sampled_from(["standard", "standard", "zero", "reverse"]))
    rate = Decimal(0) if nature == "zero" else draw(RATES)
    return TaxCode(
        "T", "Tax", kind, nature, rate,  # type: ignore[arg-type]
        inclusive=draw(st.booleans()), recoverable=draw(st.booleans()),
        rounding=draw(st.sampled_from(["half_even", "half_up", "down"])), account=uuid4(), counter=uuid4(),
    )  # fmt: skip


LINES = st.builds(
    DocumentLine,
    st.just("Patrol"),
    st.decimals(-100, 1000, places=3),
    st.decimals(0, 100_000, places=4),
    discount=st.decimals(0, 100, places=2),
)


@st.composite
def sheets(draw: st.DrawFn, kind: str = "sale") -> tuple[list[DocumentLine], list[TaxCode | None]]:
    lines = draw(st.lists(LINES, min_size=1, max_size=8))
    known = draw(st.lists(codes(kind), min_size=1, max_size=3))
    return lines, [draw(st.sampled_from([*known, None])) for _ in lines]


@given(sheets(), EXPONENTS)
def test_net_and_tax_are_the_gross_and_lines_add_up(
    sheet: tuple[list[DocumentLine], list[TaxCode | None]], exponent: int
) -> None:
    lines, chosen = sheet
    found = totals(lines, chosen, exponent)
    assert found.net + found.tax == found.gross
    assert sum(found.nets) == found.net
    assert sum(one.tax for one in found.codes) == found.tax
    for amount in (found.net, found.tax, found.gross, *found.nets):
        assert amount == rounded(amount, exponent)


@given(sheets(), EXPONENTS)
def test_what_was_agreed_with_tax_stays_to_the_last_digit(
    sheet: tuple[list[DocumentLine], list[TaxCode | None]], exponent: int
) -> None:
    lines, chosen = sheet
    inclusive = [code and replace(code, nature="standard", inclusive=True) for code in chosen]
    found = totals(lines, inclusive, exponent)
    assert found.gross == sum(line_amount(line, exponent) for line in lines)


@given(st.decimals(0, 10**9, places=2), st.decimals("0.001", 40, places=3))
def test_inclusive_and_exclusive_prices_agree(net: Decimal, rate: Decimal) -> None:
    code = TaxCode("T", "Tax", "sale", "standard", rate)
    outer = taxed(net, code, 2)
    inner = taxed(outer.base + outer.tax, replace(code, inclusive=True), 2)
    assert (inner.base, inner.tax) == (outer.base, outer.tax)


@given(sheets(), EXPONENTS)
def test_a_credit_of_everything_is_the_exact_opposite(
    sheet: tuple[list[DocumentLine], list[TaxCode | None]], exponent: int
) -> None:
    lines, chosen = sheet
    found = totals(lines, chosen, exponent)
    turned = totals([replace(line, quantity=-line.quantity) for line in lines], chosen, exponent)
    assert (turned.net, turned.tax, turned.gross) == (-found.net, -found.tax, -found.gross)
    accounts = [ACCOUNTS[n % 3] for n in range(len(lines))]
    invoice = postings.of_document("invoice", "EUR", found, accounts, CONTROL, exponent, chosen)
    credit = postings.of_document("sales_credit", "EUR", found, accounts, CONTROL, exponent, chosen)
    assert {(one.account, -one.amount) for one in invoice} == {(one.account, one.amount) for one in credit}


@given(st.sampled_from(KINDS), EXPONENTS, st.data())
def test_every_entry_balances_and_moves_the_gross(
    kind: DocumentKind, exponent: int, data: st.DataObject
) -> None:
    lines, chosen = data.draw(sheets("sale" if kind in ("invoice", "sales_credit") else "purchase"))
    found = totals(lines, chosen, exponent)
    accounts = [ACCOUNTS[n % 3] for n in range(len(lines))]
    entry = postings.of_document(kind, "EUR", found, accounts, CONTROL, exponent, chosen)
    assert sum(one.amount for one in entry) == 0
    assert sum(one.amount for one in entry if one.account == CONTROL) == sign(kind) * found.gross
    assert all(one.amount == rounded(one.amount, exponent) for one in entry)


@given(
    st.decimals(-(10**6), 10**6, places=2), st.lists(st.decimals(0, 10**6, places=2), min_size=1, max_size=12)
)
def test_a_spread_adds_up_is_fair_and_symmetric(total: Decimal, weights: list[Decimal]) -> None:
    parts = spread(total, weights, 2)
    assert sum(parts) == total
    assert spread(-total, weights, 2) == [-part for part in parts]
    whole = sum(weights)
    if whole:
        assert all(
            abs(part - total * w / whole) < Decimal("0.011") for part, w in zip(parts, weights, strict=True)
        )


@given(sheets(), st.decimals(0, 1, places=4))
def test_a_cash_discount_is_split_whole_and_balances(
    sheet: tuple[list[DocumentLine], list[TaxCode | None]], part: Decimal
) -> None:
    lines = [replace(line, quantity=abs(line.quantity)) for line in sheet[0]]
    found = totals(lines, sheet[1], 2)
    discount = rounded(found.gross * part, 2)
    coded = sum((one.base + one.tax for one in found.codes), Decimal(0))
    shares = discounted(discount, found.codes, found.gross - coded, 2)
    assert sum(one.net + one.tax for one in shares) == discount
    entry = postings.of_discount("invoice", "EUR", shares, CONTROL, ACCOUNTS[0])
    assert sum(one.amount for one in entry) == 0
    assert sum(one.amount for one in entry if one.account == CONTROL) == -discount


@pytest.mark.parametrize(
    ("net", "rate", "rounding", "exponent", "tax"),
    [
        ("0.50", "5", "half_even", 2, "0.02"),
        ("0.50", "5", "half_up", 2, "0.03"),
        ("0.59", "5", "down", 2, "0.02"),
        ("1000", "8.25", "half_even", 2, "82.50"),
        ("99", "10", "half_even", 0, "10"),
        ("1.005", "5", "half_even", 3, "0.050"),
    ],
)
def test_rounding_follows_the_code_and_the_currency(
    net: str, rate: str, rounding: str, exponent: int, tax: str
) -> None:
    code = TaxCode("T", "Tax", "sale", "standard", Decimal(rate), rounding=rounding)  # type: ignore[arg-type]
    assert taxed(Decimal(net), code, exponent).tax == Decimal(tax)


def test_tax_is_rounded_once_for_a_code_and_not_for_each_line() -> None:
    code = TaxCode("T", "Tax", "sale", "standard", Decimal(20))
    lines = [DocumentLine("Key", Decimal(1), Decimal("0.12"), "T")] * 5
    assert totals(lines, [code] * 5, 2).tax == Decimal("0.12"), "not five times 0.02"
