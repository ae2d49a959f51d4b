"""The span of time that charts and lists look at: the last so many seconds, or from one moment to another.

As text (links, preferences): `6h`, `90m`, `7d`; `2026-01-05T10:00:00Z/2026-01-05T12:00:00Z`. What is typed
may also be `10:00 - 12:30` (today), `yesterday`, `2026-01-05`, in the local zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sent.platform.errors import Invalid
from sent.platform.i18n import tr, trn

UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
SHORTEST, LONGEST = 60, 5 * 366 * 86400
STEPS = (60, 300, 900, 3600, 7200, 21600, 86400, 7 * 86400)
BUCKETS = 130

_RELATIVE = re.compile(r"(?:last\s+)?(\d{1,7})\s*([mhdw])[a-z]*")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """`seconds` until now, or (`seconds` 0) from `start` to `stop`, epoch seconds."""

    seconds: int = 3600
    start: float = 0.0
    stop: float = 0.0

    @property
    def relative(self) -> bool:
        """Say whether the range moves with the clock."""
        return self.seconds > 0

    def bounds(self, now: float | None = None) -> tuple[float, float]:
        """Return start and stop as epoch seconds."""
        if not self.relative:
            return self.start, self.stop
        end = datetime.now(UTC).timestamp() if now is None else now
        return end - self.seconds, end

    def moments(self) -> tuple[datetime, datetime]:
        """Return start and stop as moments."""
        start, stop = self.bounds()
        return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(stop, UTC)

    def bucket(self) -> int:
        """Return the seconds of a bucket that cut the range into at most about `BUCKETS`."""
        start, stop = self.bounds()
        return next((step for step in STEPS if (stop - start) / step <= BUCKETS), STEPS[-1])

    def __str__(self) -> str:
        if self.relative:
            unit = next(u for u in ("d", "h", "m") if self.seconds % UNITS[u] == 0 or u == "m")
            return f"{max(1, self.seconds // UNITS[unit])}{unit}"
        return "/".join(moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in self.moments())

    def title(self) -> str:
        """Return the range as people read it."""
        if self.relative:
            text = str(self)
            number, unit = int(text[:-1]), text[-1]
            if unit == "d":
                return trn("Last day", "Last {n} days", n=number)
            if unit == "h":
                return trn("Last hour", "Last {n} hours", n=number)
            return trn("Last minute", "Last {n} minutes", n=number)
        start, stop = (moment.astimezone() for moment in self.moments())
        same = start.date() == stop.date()
        return (
            f"{start:%Y-%m-%d %H:%M} – {stop:%H:%M}"
            if same
            else f"{start:%Y-%m-%d %H:%M} – {stop:%Y-%m-%d %H:%M}"
        )


PRESETS = (
    TimeRange(900),
    TimeRange(3600),
    TimeRange(6 * 3600),
    TimeRange(86400),
    TimeRange(7 * 86400),
    TimeRange(30 * 86400),
)


def between(start: float, stop: float) -> TimeRange:
    """Return the range from `start` to `stop`, at least `SHORTEST` seconds wide."""
    return TimeRange(0, start, max(stop, start + SHORTEST))


def parse(text: str, now: datetime | None = None) -> TimeRange:
    """Return the range that was typed; raises Invalid, which says what can be typed."""
    said, moment = text.strip().lower(), (now or datetime.now(UTC)).astimezone()
    if found := _RELATIVE.fullmatch(said):
        seconds = int(found[1]) * UNITS[found[2]]
        if SHORTEST <= seconds <= LONGEST:
            return TimeRange(seconds)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if said in ("today", tr("today").lower()):
        return between(midnight.timestamp(), moment.timestamp())
    if said in ("yesterday", tr("yesterday").lower()):
        return between((midnight - timedelta(days=1)).timestamp(), midnight.timestamp())
    for separator in ("/", " to ", " – ", " - "):
        first, found_separator, last = text.strip().partition(separator)
        if found_separator:
            start, stop = _moment(first, midnight), _moment(last, midnight)
            if start is not None and stop is not None and 0 < (stop - start).total_seconds() <= LONGEST:
                return between(start.timestamp(), stop.timestamp())
    day = _moment(text, midnight)
    if day is not None and len(said) == 10:
        return between(day.timestamp(), (day + timedelta(days=1)).timestamp())
    raise Invalid(
        "range.text", tr("Type 90m, 6h, 7d, 10:00 - 12:00, 2026-01-05, or two moments with - between")
    )


def _moment(text: str, midnight: datetime) -> datetime | None:
    said = text.strip()
    if found := _CLOCK.fullmatch(said):
        hour, minute = int(found[1]), int(found[2])
        return midnight + timedelta(hours=hour, minutes=minute) if hour < 24 and minute < 60 else None
    try:
        moment = datetime.fromisoformat(said.upper())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=midnight.tzinfo)
