"""On which days something comes again: pure. An occurrence is named by its number, so that moving a day keeps
what was carried out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sent.engines.capital.schedules.model import MOST_OCCURRENCES, Rhythm
from sent.engines.capital.schedules.wear import last_day, months_on
from sent.platform.errors import Invalid


def checked(rhythm: Rhythm) -> None:
    """Raise Invalid for a rhythm that never comes or cannot be counted."""
    if not 1 <= rhythm.every <= 120 or not 1 <= rhythm.day <= 31:
        raise Invalid("capital.recurring.rule", "every 1 to 120 months or weeks, on a day from 1 to 31")
    if rhythm.count is not None and not 1 <= rhythm.count <= MOST_OCCURRENCES:
        raise Invalid("capital.recurring.count", f"it comes 1 to {MOST_OCCURRENCES} times")
    if rhythm.ends is not None and rhythm.ends < rhythm.starts:
        raise Invalid("capital.recurring.ends", "it ends before it starts: correct the days")


def occurrences(rhythm: Rhythm, until: date) -> Iterator[tuple[int, date]]:
    """Yield number (from 0) and day of what comes up to the end of a day, at most 1000."""
    first = rhythm.starts.replace(day=1)
    if rhythm.unit == "month" and _in_month(first, rhythm.day) < rhythm.starts:
        first = months_on(first, 1)
    for n in range(rhythm.count or MOST_OCCURRENCES):
        if rhythm.unit == "month":
            day = _in_month(months_on(first, n * rhythm.every), rhythm.day)
        else:
            day = rhythm.starts + timedelta(weeks=n * rhythm.every)
        if rhythm.ends is not None and day > rhythm.ends:
            return
        if rhythm.weekdays and day.weekday() > 4:
            day += timedelta(days=7 - day.weekday())
        if day > until:
            return
        yield n, day


def _in_month(month: date, day: int) -> date:
    return month.replace(day=min(day, last_day(month).day))
