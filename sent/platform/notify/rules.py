"""When something is sent: quiet hours in the person's own time, and the waits between attempts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sent.platform.errors import Invalid

ATTEMPTS = 8
FIRST_WAIT_S = 20.0
LONGEST_WAIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Quiet:
    """Quiet hours of a person; `through` lets what is critical pass."""

    zone: str = "UTC"
    on: bool = False
    start: time = time(22, 0)
    until: time = time(7, 0)
    through: bool = True


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone; raises Invalid for none of the IANA names."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid("notify.zone", f"no time zone {name[:64]!r}; such as Europe/Vienna") from error


def quiet_until(quiet: Quiet, severity: str, now: datetime) -> datetime | None:
    """Return when the quiet hours that hold `now` end (UTC), or None when it may be sent.

    The hours are those of the person's clock, so a night in which it changes is an hour longer or shorter.
    An end that the clock jumps over is the moment after the jump; one that comes twice is the first.
    """
    if not quiet.on or quiet.start == quiet.until or (severity == "critical" and quiet.through):
        return None
    try:
        zone = zone_named(quiet.zone)
    except Invalid:
        zone = ZoneInfo("UTC")
    local = now.astimezone(zone)
    for day in (local.date() - timedelta(days=1), local.date()):
        begin = datetime.combine(day, quiet.start, zone).astimezone(UTC)
        last = day if quiet.start < quiet.until else day + timedelta(days=1)
        end = _moment(datetime.combine(last, quiet.until, zone))
        if begin <= now < end:
            return end
    return None


def _moment(wall: datetime) -> datetime:
    """Return the instant of a wall-clock time; one in a gap is the end of the gap."""
    instant = wall.astimezone(UTC)
    back = instant.astimezone(wall.tzinfo).replace(fold=wall.fold)
    if back.replace(tzinfo=None) == wall.replace(tzinfo=None):
        return instant
    # In a gap, fold=0 reads the offset before the jump and fold=1 the one after: the jump is in between.
    low, high = wall.replace(fold=1).astimezone(UTC), instant
    before = low.astimezone(wall.tzinfo).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(wall.tzinfo).utcoffset() == before else (low, middle)
    return high.replace(microsecond=0)


def wait_after(attempt: int, *, told: float | None = None) -> float:
    """Return seconds until the next attempt after the `attempt`-th failed: growing, half of it jitter.

    `told` is what the peer asked for; it is honoured up to the longest wait.
    """
    grown = min(LONGEST_WAIT_S, FIRST_WAIT_S * 3.0 ** (attempt - 1))
    wait: float = grown * (0.5 + random.random() / 2)  # noqa: S311  # spreads load, guards nothing
    return max(wait, min(told or 0.0, LONGEST_WAIT_S))
