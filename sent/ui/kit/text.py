"""Times and figures as people read them."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sent.platform.i18n import formats, tr, trn


def relative(at: datetime, now: datetime | None = None) -> str:
    """Return how long ago: `now`, `40 s ago`, `12 min ago`, `3 h ago`, `5 days ago`, then the date."""
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    if seconds < 5:
        return tr("just now")
    if seconds < 60:
        return tr("{n} s ago", n=int(seconds))
    if seconds < 3600:
        return tr("{n} min ago", n=int(seconds // 60))
    if seconds < 86400:
        return tr("{n} h ago", n=int(seconds // 3600))
    if seconds < 7 * 86400:
        return trn("{n} day ago", "{n} days ago", n=int(seconds // 86400))
    return formats().date(at.astimezone())


def absolute(at: datetime) -> str:
    """Return the instant in the local zone, with the zone."""
    local = at.astimezone()
    return f"{formats().date(local)} {local.strftime('%H:%M:%S %Z')}"


def clock(at: datetime) -> str:
    """Return the local time of day, with the date when it is not today."""
    local = at.astimezone()
    if local.date() == datetime.now(UTC).astimezone().date():
        return local.strftime("%H:%M:%S")
    return f"{formats().short_date(local)} {local.strftime('%H:%M')}"


def samples() -> list[str]:
    """Return wide texts of `relative` and `clock`: a column of times has room for them."""
    now = datetime.now(UTC)
    ages = (0, 58, 58 * 60, 22 * 3600, 6 * 86400)
    return [*(relative(now - timedelta(seconds=s), now) for s in ages), clock(now - timedelta(days=40))]


def count(value: float) -> str:
    """Return a figure with thousands separated; fractions only below ten."""
    return formats().figure(value, 1 if 0 < abs(value) < 10 and value != int(value) else 0)


def plain(value: Any) -> str:
    """Return a value of a JSON document as one readable text."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def tip(text: str) -> str:
    """Return a text as a tooltip shows it: Qt takes what looks like HTML for rich text, and loads its images.

    An image on a server of an attacker's tells him who reads his event, on Windows with a hash of the
    reader's password.
    """
    if "<" not in text and "&" not in text:
        return text
    return f"<p style='white-space:pre-wrap'>{html.escape(text)}</p>"
