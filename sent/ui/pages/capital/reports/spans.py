"""The days a report looks at, and those it is compared with: pure dates."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sent.platform.i18n import formats, tr
from sent.ui.pages.capital.money import day_shown

Year = Callable[[date], tuple[date, date]]
"""First and last day of the business year that a day is in."""

PRESETS = ("month", "last_month", "quarter", "year", "last_year", "custom")
COMPARISONS = ("none", "previous", "last_year", "months", "quarters")
MOST = 24


@dataclass(frozen=True, slots=True)
class Span:
    """A column: its title and days."""

    title: str
    starts: date
    ends: date


def month_ends(day: date) -> date:
    """Return the last day of a month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def months_on(day: date, count: int) -> date:
    """Return the first day of the month that is `count` months later."""
    month = day.year * 12 + day.month - 1 + count
    return date(month // 12, month % 12 + 1, 1)


def years_back(day: date, count: int = 1) -> date:
    """Return the same day some years before; month ends stay month ends."""
    last = monthrange(day.year - count, day.month)[1]
    return day.replace(year=day.year - count, day=last if day == month_ends(day) else min(day.day, last))


def preset(id: str, today: date, year: Year) -> tuple[date, date]:
    """Return the days of a preset; a year is a business year and ends with today when it is not over."""
    first = today.replace(day=1)
    if id == "last_month":
        ends = first - timedelta(days=1)
        return ends.replace(day=1), ends
    if id == "quarter":
        starts = months_on(first, -((today.month - 1) % 3))
        return starts, month_ends(months_on(starts, 2))
    if id == "year":
        return year(today)[0], today
    if id == "last_year":
        return year(year(today)[0] - timedelta(days=1))
    return first, month_ends(first)


def title_of(starts: date, ends: date) -> str:
    """Return what a span is called: months by their names, everything else by its days."""
    if starts.day == 1 and ends == month_ends(ends):
        first, last = formats().months[starts.month - 1], f"{formats().months[ends.month - 1]} {ends.year}"
        if ends == month_ends(starts):
            return last
        return f"{first} – {last}" if starts.year == ends.year else f"{first} {starts.year} – {last}"
    return f"{day_shown(starts)} – {day_shown(ends)}"


def before(starts: date, ends: date) -> tuple[date, date]:
    """Return the span of the same length that ends the day before; whole months give whole months."""
    last = starts - timedelta(days=1)
    if starts.day == 1 and ends == month_ends(ends):
        count = (ends.year - starts.year) * 12 + ends.month - starts.month + 1
        return months_on(starts, -count), last
    return last - (ends - starts), last


def pieces(starts: date, ends: date, months: int) -> Iterator[tuple[date, date]]:
    """Yield the months (or quarters of the calendar) of a span, cut at its ends."""
    at = starts
    while at <= ends:
        first = months_on(at, -((at.month - 1) % months)) if months > 1 else at.replace(day=1)
        last = min(month_ends(months_on(first, months - 1)), ends)
        yield at, last
        at = last + timedelta(days=1)


def columns(starts: date, ends: date, comparison: str, *, moment: bool) -> list[Span]:
    """Return the columns of a report, at most 24.

    `moment`: balances at the end of each span, for which a total of spans would mean nothing.
    """

    def named(one: tuple[date, date]) -> Span:
        return Span(day_shown(one[1]) if moment else title_of(*one), *one)

    whole = (starts, ends)
    if comparison == "previous":
        return [named(whole), named(before(*whole))]
    if comparison == "last_year":
        return [named(whole), named((years_back(starts), years_back(ends)))]
    if comparison in ("months", "quarters"):
        parts = list(pieces(starts, ends, 1 if comparison == "months" else 3))[-(MOST - 1) :]
        found = [named(one) for one in parts]
        return found if moment or len(found) < 2 else [*found, Span(tr("Total"), parts[0][0], ends)]
    return [named(whole)]
