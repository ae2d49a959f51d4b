"""Times as logs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

MAX_DIGITS = 400

_NUMBER = re.compile(r"\d+(\.\d*)?([eE][+-]?\d{1,4})?", re.ASCII)

_MILLISECONDS_FROM = 100_000_000_000
"""Epoch numbers from here on are milliseconds (as seconds it would be the year 5138)."""

_MICROSECONDS_FROM = 100_000_000_000_000
_NANOSECONDS_FROM = 100_000_000_000_000_000


def parse_time(value: str) -> datetime | None:
    """Return the aware time of an ISO 8601 text (no zone: UTC) or an epoch number, or None."""
    text = value.strip()
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return _epoch(text)
    if text.isdigit() and len(text) != 8:
        return _epoch(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def moment(seconds: float) -> datetime:
    """Return the time that many seconds after the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


def _epoch(text: str) -> datetime | None:
    if len(text) > MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    try:
        number = float(text)
        if number > _NANOSECONDS_FROM:
            number /= 1e9
        elif number > _MICROSECONDS_FROM:
            number /= 1e6
        elif number > _MILLISECONDS_FROM:
            number /= 1000
        return datetime.fromtimestamp(number, UTC) if number >= 0 else None
    except (ValueError, OverflowError, OSError):
        return None
