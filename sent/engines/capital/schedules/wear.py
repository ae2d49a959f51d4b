"""How an asset loses its value: pure, and exact to the last digit.

The value lost up to the end of each month is computed as a fraction and rounded; a month's charge is the
difference of two of these, so charges add up to cost less residual without a remainder that somebody has to
place. A year is planned from the book value it begins with: that gives the declining balance its rate, the
switch to the straight line its month, and what was written down its effect on all later months.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise

from sent.engines.capital.schedules.model import MOST_MONTHS, ZERO, Asset, Charge
from sent.platform.errors import Invalid


def month_of(day: date) -> date:
    """Return the first day of the month."""
    return day.replace(day=1)


def months_on(month: date, n: int) -> date:
    """Return the first day of the month that is `n` months away."""
    years, rest = divmod(month.year * 12 + month.month - 1 + n, 12)
    return date(years, rest + 1, 1)


def last_day(month: date) -> date:
    """Return the last day of a month."""
    return date.fromordinal(months_on(month, 1).toordinal() - 1)


def checked(asset: Asset) -> None:
    """Raise Invalid for an asset that cannot be depreciated."""
    if not 1 <= len(asset.name.strip()) <= 200:
        raise Invalid("capital.asset.name", "an asset has a name of 1 to 200 letters")
    if not asset.cost.is_finite() or not asset.residual.is_finite() or not 0 <= asset.residual <= asset.cost:
        raise Invalid("capital.asset.cost", "the residual value lies between nothing and the cost")
    if asset.cost <= 0:
        raise Invalid("capital.asset.cost", "an asset has cost something: give the amount without tax")
    if not 1 <= asset.months <= MOST_MONTHS:
        raise Invalid("capital.asset.months", f"an asset lasts 1 to {MOST_MONTHS} months")
    if not asset.rate.is_finite() or not 0 <= asset.rate <= 100:
        raise Invalid("capital.asset.rate", "the declining rate is 0 to 100 % of the book value a year")
    if asset.method == "declining" and not asset.rate:
        raise Invalid("capital.asset.rate", "a declining balance has a rate above 0 %")


def schedule(
    asset: Asset,
    year_month: int = 1,
    written_down: Mapping[date, Decimal] | None = None,
    exponent: int = 2,
) -> list[Charge]:
    """Return the charge of each month; `year_month` begins business years, `written_down` by month.

    Charges and what is written down add up to cost less residual; months without a charge are left out.
    Raises Invalid for more digits than `exponent`.
    """
    checked(asset)
    unit = Decimal(1).scaleb(-exponent)
    cost, residual = asset.cost.quantize(unit), asset.residual.quantize(unit)
    if (cost, residual) != (asset.cost, asset.residual):
        raise Invalid("capital.asset.digits", f"cost and residual value have {exponent} decimals at most")
    extra = dict(written_down or {})
    start = month_of(asset.bought_on)
    if asset.method == "at_once":
        return [Charge(start, cost - residual)] if cost > residual else []
    found: list[Charge] = []
    book, floor = Fraction(cost), Fraction(residual)
    charged = lost = ZERO
    life = Fraction(asset.months)
    month = start
    while life > 0 and book > floor:
        span, taken = _span(asset, month, start, life, year_month)
        each = _each(asset, book, floor, life) * taken / span
        for _ in range(span):
            book = max(book - each, floor)
            life -= taken / span
            if life <= 0:
                book = floor
            worn = cost - lost - _rounded(book, unit)
            if worn > charged:
                found.append(Charge(month, worn - charged))
                charged = worn
            down = min(extra.get(month, ZERO), cost - lost - charged - residual)
            month = months_on(month, 1)
            if down > 0:
                lost += down
                book = max(book - Fraction(down), floor)
                break
    return found


def _span(asset: Asset, month: date, start: date, life: Fraction, year_month: int) -> tuple[int, Fraction]:
    """Return how many months are planned together, and how much of the life they take."""
    left = 12 - (month.month - year_month) % 12
    if asset.convention == "half_year":
        opening = 12 - (start.month - year_month) % 12
        passed = (month.year - start.year) * 12 + month.month - start.month
        if passed < opening:
            whole = min(Fraction(6), Fraction(asset.months))
            return left, min(whole * left / opening, life)
    span = min(left, -(-life.numerator // life.denominator))
    return span, min(Fraction(span), life)


def _each(asset: Asset, book: Fraction, floor: Fraction, life: Fraction) -> Fraction:
    """Return what a month of life takes: the straight line, or more where the balance declines faster."""
    straight = (book - floor) / life
    if asset.method == "straight_line":
        return straight
    return max(straight, book * Fraction(asset.rate) / 1200)


def _rounded(value: Fraction, unit: Decimal) -> Decimal:
    """Return a fraction in whole units, halves to the even one."""
    return Decimal(round(value / Fraction(unit))) * unit


def worn_before(asset: Asset, year_month: int = 1, exponent: int = 2) -> Decimal:
    """Return what is lost before the asset was taken over into these books."""
    if asset.since is None:
        return ZERO
    return worn_until(schedule(asset, year_month, exponent=exponent), months_on(month_of(asset.since), -1))


def worn_until(charges: list[Charge], month: date) -> Decimal:
    """Return what is lost up to the end of a month."""
    return sum((one.amount for one in charges if one.month <= month), ZERO)


def spread(total: Decimal, count: int, exponent: int) -> list[Decimal]:
    """Split a total into `count` equal parts of whole digits that add up to it exactly."""
    unit = Decimal(1).scaleb(-exponent)
    marks = [(total * n / count).quantize(unit, ROUND_HALF_EVEN) for n in range(count)] + [total]
    return [after - before for before, after in pairwise(marks)]
