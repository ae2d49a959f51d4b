"""How assets wear out: sums to the cent, conventions, the switch to the straight line, write-downs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.capital.schedules import wear
from sent.engines.capital.schedules.model import Asset
from sent.platform.errors import Invalid

NOBODY = UUID(int=1)
CENTS = st.decimals(Decimal("0.01"), Decimal(10_000_000), places=2)


def asset(cost: str, months: int, **more: object) -> Asset:
    given_ = {"bought_on": date(2026, 1, 20), **more}
    return Asset("Van", NOBODY, NOBODY, NOBODY, cost=Decimal(cost), months=months, **given_)  # type: ignore[arg-type]


def amounts(one: Asset, **more: object) -> list[str]:
    return [f"{charge.amount}" for charge in wear.schedule(one, **more)]  # type: ignore[arg-type]


@st.composite
def some_asset(draw: st.DrawFn) -> Asset:
    cost = draw(CENTS)
    residual = (cost * draw(st.integers(0, 100)) / 100).quantize(Decimal("0.01"), "ROUND_DOWN")
    return Asset(
        "Van", NOBODY, NOBODY, NOBODY, draw(st.dates(date(2000, 1, 1), date(2050, 1, 1))), cost,
        draw(st.integers(1, 240)), residual, draw(st.sampled_from(("straight_line", "declining", "at_once"))),
        draw(st.sampled_from(("month", "half_year"))), Decimal(draw(st.integers(1, 100))),
    )  # fmt: skip


@given(some_asset(), st.integers(1, 12), st.data())
def test_charges_and_write_downs_add_up_to_cost_less_residual(
    one: Asset, year: int, data: st.DataObject
) -> None:
    plain = wear.schedule(one, year)
    assert sum(charge.amount for charge in plain) == one.cost - one.residual
    months = [charge.month for charge in plain]
    assert months == sorted(set(months))
    assert all(charge.amount > 0 for charge in plain)
    assert not months or months[0] >= wear.month_of(one.bought_on)
    if one.method == "at_once" or len(months) < 2:
        return
    month = data.draw(st.sampled_from(months[:-1]))
    left = one.cost - one.residual - wear.worn_until(plain, month)
    down = (left * data.draw(st.integers(1, 100)) / 100).quantize(Decimal("0.01"), "ROUND_DOWN")
    if down:
        later = wear.schedule(one, year, {month: down})
        assert sum(charge.amount for charge in later) + down == one.cost - one.residual
        assert [x for x in later if x.month <= month] == [x for x in plain if x.month <= month]


@given(some_asset(), st.integers(1, 12))
def test_it_lasts_no_longer_than_its_life_and_the_rest_of_a_half_year(one: Asset, year: int) -> None:
    found = wear.schedule(one, year)
    if found:
        life = one.months if one.convention == "month" else max(12, one.months + 6)
        assert found[-1].month < wear.months_on(wear.month_of(one.bought_on), life)


@given(CENTS, st.integers(1, 400))
def test_parts_of_a_total_are_equal_but_for_a_cent_and_add_up(total: Decimal, count: int) -> None:
    parts = wear.spread(total, count, 2)
    assert sum(parts) == total
    assert len(parts) == count
    assert max(parts) - min(parts) <= Decimal("0.01")


def test_a_straight_line_is_the_same_each_month_from_that_of_the_purchase() -> None:
    one = asset("24000.00", 48, residual=Decimal("4800.00"))
    assert amounts(one) == ["400.00"] * 48
    assert wear.schedule(one)[0].month == date(2026, 1, 1)
    assert amounts(asset("100.00", 3)) == ["33.33", "33.34", "33.33"]


def test_a_half_year_is_taken_in_the_first_business_year_whatever_the_month() -> None:
    one = asset("12000.00", 60, bought_on=date(2026, 10, 5), convention="half_year")
    found = wear.schedule(one)
    years = {year: sum(x.amount for x in found if x.month.year == year) for year in range(2026, 2032)}
    assert years == {2026: 1200, 2027: 2400, 2028: 2400, 2029: 2400, 2030: 2400, 2031: 1200}
    assert found[0].amount == 400


def test_a_declining_balance_changes_to_the_straight_line_when_that_takes_more() -> None:
    """10,000 over five years at 40 %: 4000, 2400, 1440, then 1080 twice (the book value over two years)."""
    one = asset("10000.00", 60, method="declining", rate=Decimal(40), bought_on=date(2026, 1, 1))
    found = wear.schedule(one)
    assert [sum(x.amount for x in found if x.month.year == year) for year in range(2026, 2031)] == [
        4000, 2400, 1440, 1080, 1080,
    ]  # fmt: skip


def test_the_tables_of_the_irs_are_met_to_a_hundredth_of_a_percent() -> None:
    """Rev. Proc. 87-57, table 1, five years: 20, 32, 19.2, 11.52, 11.52, 5.76 %."""
    one = asset(
        "10000.00", 60, method="declining", rate=Decimal(40), convention="half_year",
        bought_on=date(2026, 5, 9),
    )  # fmt: skip
    found = wear.schedule(one)
    assert [sum(x.amount for x in found if x.month.year == year) for year in range(2026, 2032)] == [
        2000, 3200, 1920, 1152, 1152, 576,
    ]  # fmt: skip


def test_what_is_of_low_value_is_gone_in_its_first_month() -> None:
    assert amounts(asset("649.99", 36, method="at_once")) == ["649.99"]


def test_a_write_down_makes_later_months_cheaper() -> None:
    one = asset("1200.00", 12)
    assert amounts(one, written_down={date(2026, 6, 1): Decimal(300)}) == ["100.00"] * 6 + ["50.00"] * 6


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ({"cost": "0"}, "cost something"),
        ({"residual": Decimal(11)}, "between nothing and the cost"),
        ({"months": 0}, "1 to 1200 months"),
        ({"cost": "10.001"}, "2 decimals at most"),
        ({"method": "declining"}, "a rate above"),
    ],
)
def test_what_cannot_be_depreciated_is_told_with_the_cure(wrong: dict[str, object], cure: str) -> None:
    made = {"cost": "10", "months": 12, **wrong}
    with pytest.raises(Invalid, match=cure):
        wear.schedule(asset(**made))  # type: ignore[arg-type]
