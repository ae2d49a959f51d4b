"""Quiet hours in the person's own time, and waits that grow."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from sent.platform.errors import Invalid
from sent.platform.notify.rules import Quiet, quiet_until, wait_after, zone_named

VIENNA = Quiet("Europe/Vienna", True, time(22, 0), time(7, 0))


def utc(text: str) -> datetime:
    """Return a moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-01-10 20:59", None),
        ("2026-01-10 21:00", "2026-01-11 06:00"),
        ("2026-01-11 05:59", "2026-01-11 06:00"),
        ("2026-01-11 06:00", None),
        # The night to 29 March has an hour less, that to 25 October one more.
        ("2026-03-28 21:30", "2026-03-29 05:00"),
        ("2026-03-29 05:00", None),
        ("2026-10-24 19:59", None),
        ("2026-10-24 20:00", "2026-10-25 06:00"),
        ("2026-10-25 05:59", "2026-10-25 06:00"),
    ],
)
def test_quiet_hours_are_those_of_the_persons_clock(now: str, until: str | None) -> None:
    assert quiet_until(VIENNA, "warning", utc(now)) == (utc(until) if until else None)


def test_an_end_that_the_clock_jumps_over_is_the_moment_of_the_jump() -> None:
    gap = Quiet("Europe/Vienna", True, time(22, 0), time(2, 30))
    assert quiet_until(gap, "info", utc("2026-03-29 00:59")) == utc("2026-03-29 01:00")
    assert quiet_until(gap, "info", utc("2026-03-29 01:00")) is None


def test_an_end_that_comes_twice_is_the_first() -> None:
    twice = Quiet("Europe/Vienna", True, time(22, 0), time(2, 30))
    assert quiet_until(twice, "info", utc("2026-10-25 00:00")) == utc("2026-10-25 00:30")
    assert quiet_until(twice, "info", utc("2026-10-25 01:15")) is None


def test_hours_within_a_day_and_none_at_all() -> None:
    noon = Quiet("Asia/Kolkata", True, time(12, 0), time(13, 0))
    assert quiet_until(noon, "info", utc("2026-05-05 06:45")) == utc("2026-05-05 07:30")
    assert quiet_until(noon, "info", utc("2026-05-05 08:00")) is None
    assert quiet_until(Quiet("UTC", True, time(1), time(1)), "info", utc("2026-05-05 01:00")) is None
    assert quiet_until(Quiet(), "info", utc("2026-05-05 23:00")) is None


def test_what_is_critical_passes_only_if_the_person_allows_it() -> None:
    night = utc("2026-01-10 23:00")
    assert quiet_until(VIENNA, "critical", night) is None
    strict = Quiet("Europe/Vienna", True, time(22, 0), time(7, 0), through=False)
    assert quiet_until(strict, "critical", night) == utc("2026-01-11 06:00")


def test_a_zone_that_is_none_is_refused_and_never_a_path() -> None:
    for name in ("Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "", "a\0b"):
        with pytest.raises(Invalid):
            zone_named(name)


def test_waits_grow_with_jitter_and_honour_the_peer_within_bounds() -> None:
    for attempt, most in ((1, 20), (2, 60), (3, 180), (20, 3600)):
        waits = {wait_after(attempt) for _ in range(20)}
        assert len(waits) > 1
        assert all(most / 2 <= wait <= most for wait in waits)
    assert wait_after(1, told=500.0) == 500.0
    assert wait_after(1, told=10.0**9) == 3600.0
