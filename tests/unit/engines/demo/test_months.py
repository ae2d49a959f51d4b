"""Two years of made-up trade: whatever the day, nothing lies outside the books."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from sent.engines.capital.bank.api import read_statements
from sent.engines.demo import months, trade
from sent.engines.demo.statement import Moved, camt053


class Ids(defaultdict[str, UUID]):
    """An id for every code."""

    def __missing__(self, code: str) -> UUID:
        self[code] = UUID(int=len(self) + 1)
        return self[code]


@settings(max_examples=25, deadline=None)
@given(st.dates(date(2024, 1, 1), date(2060, 1, 1)))
def test_two_years_lie_between_the_first_day_and_the_day_they_are_made_for(today: date) -> None:
    found = months.plan(Random(1), today, Ids(), Ids())
    assert found.cutoff <= today
    assert found.cutoff.day >= 10
    assert found.month(months.MONTHS - 1) == found.cutoff.replace(day=1)
    before = found.month(-1)
    days = {one.id: one.day for one in found.documents}
    assert len(days) == len(found.documents)
    assert all(before <= day <= found.cutoff for day in days.values())
    assert all(found.first <= one.day <= found.cutoff for one in (*found.payments, *found.entries))
    assert all(days[one.document] < one.day for one in found.payments)
    assert all(sum(amount for _, amount in one.sides) == 0 for one in found.entries)
    assert len({one.key for one in found.entries}) == len(found.entries)
    numbers = [(one.party, one.reference) for one in found.documents if one.kind == "bill"]
    assert len(set(numbers)) == len(numbers)


@given(st.dates(date(2024, 1, 1), date(2060, 1, 1)))
def test_a_weekend_becomes_the_monday_after(day: date) -> None:
    found = months.working(day)
    assert found.weekday() < 5
    assert found - day <= timedelta(days=2)


def test_the_same_seed_makes_the_same_trade() -> None:
    plans = [months.plan(Random(7), date(2026, 11, 28), Ids(), Ids()) for _ in range(2)]
    assert [one.id for one in plans[0].documents] == [one.id for one in plans[1].documents]
    assert plans[0].payments == plans[1].payments
    assert plans[0].entries == plans[1].entries


def test_the_statement_is_read_as_it_was_told() -> None:
    lines = [
        Moved("A1", date(2026, 11, 3), Decimal("12.50"), "Alder & Finch <Law>", "INV-2026-00001"),
        Moved("A2", date(2026, 11, 9), Decimal("-9.00"), "Bank", "Charges"),
    ]
    span = (date(2026, 11, 1), date(2026, 11, 30))
    (told,) = read_statements(camt053("2026-11", trade.IBAN, span, Decimal(100), lines))[1]
    assert (told.opening, told.closing, told.account) == (100, Decimal("103.50"), trade.IBAN)
    assert [(x.day, x.amount, x.counterparty, x.text, x.bank_id) for x in told.lines] == [
        (x.day, x.amount, x.party, x.text, x.id) for x in lines
    ]
