"""When something comes again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.capital.schedules import rhythm
from sent.engines.capital.schedules.model import Rhythm
from sent.platform.errors import Invalid


def days(one: Rhythm, until: date) -> list[str]:
    return [day.isoformat() for _, day in rhythm.occurrences(one, until)]


def test_the_last_day_of_a_month_is_the_last_in_february_too() -> None:
    one = Rhythm(date(2027, 12, 1), day=31)
    assert days(one, date(2028, 4, 1)) == ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"]


def test_a_day_that_is_over_begins_next_month() -> None:
    assert days(Rhythm(date(2026, 3, 10), every=3, day=5), date(2026, 12, 31)) == [
        "2026-04-05", "2026-07-05", "2026-10-05",
    ]  # fmt: skip


def test_weeks_count_from_the_first_day_and_end_by_count_or_day() -> None:
    assert days(Rhythm(date(2026, 1, 2), 2, "week", count=3), date(2027, 1, 1)) == [
        "2026-01-02", "2026-01-16", "2026-01-30",
    ]  # fmt: skip
    ending = Rhythm(date(2026, 1, 2), 1, "week", ends=date(2026, 1, 15))
    assert days(ending, date(2027, 1, 1)) == ["2026-01-02", "2026-01-09"]


def test_weekends_move_to_monday_and_keep_their_number() -> None:
    """The 1st of August 2026 is a Saturday, of November a Sunday."""
    one = Rhythm(date(2026, 8, 1), every=3, weekdays=True)
    assert list(rhythm.occurrences(one, date(2026, 11, 30))) == [
        (0, date(2026, 8, 3)), (1, date(2026, 11, 2)),
    ]  # fmt: skip


@given(
    st.builds(
        Rhythm, starts=st.dates(date(2000, 1, 1), date(2060, 1, 1)), every=st.integers(1, 120),
        unit=st.sampled_from(("month", "week")), day=st.integers(1, 31), weekdays=st.booleans(),
    ),
    st.integers(0, 4000),
    st.integers(0, 4000),
)  # fmt: skip
def test_more_time_only_adds_occurrences(one: Rhythm, few: int, more: int) -> None:
    short = list(rhythm.occurrences(one, one.starts + timedelta(days=few)))
    long = list(rhythm.occurrences(one, one.starts + timedelta(days=few + more)))
    assert long[: len(short)] == short
    assert [n for n, _ in long] == list(range(len(long)))
    found = [day for _, day in long]
    assert found == sorted(found)
    assert all(day >= one.starts for day in found)


@pytest.mark.parametrize(
    "wrong",
    [
        Rhythm(date(2026, 1, 1), every=0),
        Rhythm(date(2026, 1, 1), day=32),
        Rhythm(date(2026, 1, 1), count=0),
        Rhythm(date(2026, 1, 2), ends=date(2026, 1, 1)),
    ],
)
def test_what_never_comes_is_refused(wrong: Rhythm) -> None:
    with pytest.raises(Invalid):
        rhythm.checked(wrong)
