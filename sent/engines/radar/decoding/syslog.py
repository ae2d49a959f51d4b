"""Syslog messages: RFC 5424, and RFC 3164 as devices really write it.

    <34>1 2026-11-21T10:00:00.003Z host sshd 42 ID47 [exampleSDID@32473 iut="3"] BOM message
    <34>Nov 21 10:00:00 host sshd[42]: message

Nothing is refused: what cannot be read as a header becomes the message, because a line that is lost cannot be
searched. RFC 3164 has no year: it is the one that puts the time nearest to the reception.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

MAX_MESSAGE = 65_536
"""Bytes of one message; longer ones are cut."""

MAX_ELEMENTS = 64
MAX_PARAMETERS = 256

_BOM = "\ufeff"
_PRIORITY = re.compile(r"<(\d{1,3})>")
_STAMP_3164 = re.compile(
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(\d{1,2})"
    r"(?: (\d{4}))? (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(?: (\d{4}))?:? "
)
_STAMP_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)? ")
_TAG = re.compile(r"([A-Za-z0-9_./@()-]{1,128})(?:\[([^\]\s]{0,64})\])?: ?")
_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,255}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NIL = "-"


class Message(NamedTuple):
    """A parsed message; `at` None: it tells no time. Facility 0-23, severity 0-7 (RFC 5424, 6.2.1)."""

    facility: int = 1
    severity: int = 5
    at: datetime | None = None
    host: str = ""
    program: str = ""
    process_id: str = ""
    message_id: str = ""
    structured: Mapping[str, str] = MappingProxyType({})
    """`"sd-id.param"` -> value."""
    text: str = ""


def parse(data: bytes, *, received: datetime, zone: tzinfo = UTC) -> Message:
    """Parse one message without its frame; `zone` is where RFC 3164 times without zone are written."""
    text = data[:MAX_MESSAGE].decode("utf-8", "replace").removeprefix(_BOM).rstrip("\r\n\x00")
    facility, severity, rest = _priority(text)
    if rest.startswith("1 "):
        parsed = _rfc5424(rest[2:], facility, severity)
        if parsed is not None:
            return parsed
    return _rfc3164(rest, facility, severity, received, zone)


def _priority(text: str) -> tuple[int, int, str]:
    """Without a priority a message is facility user, severity notice (RFC 3164, 4.3.3)."""
    found = _PRIORITY.match(text)
    if found is None or int(found[1]) > 191:
        return 1, 5, text
    value = int(found[1])
    return value >> 3, value & 7, text[found.end() :]


def _rfc5424(text: str, facility: int, severity: int) -> Message | None:
    parts = text.split(" ", 5)
    if len(parts) < 6:
        return None
    stamp, host, program, process_id, message_id, rest = parts
    at = None if stamp == _NIL else _instant(stamp)
    if at is None and stamp != _NIL:
        return None
    structured = _structured(rest)
    if structured is None:
        return None
    values, position = structured
    return Message(
        facility=facility,
        severity=severity,
        at=at,
        host=_nil(host),
        program=_nil(program),
        process_id=_nil(process_id),
        message_id=_nil(message_id),
        structured=values,
        text=rest[position:].removeprefix(" ").removeprefix(_BOM),
    )


def _instant(stamp: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(stamp.replace(",", "."))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the first and last hours of the calendar have no UTC everywhere
        return None


def _nil(value: str) -> str:
    return "" if value == _NIL else value


def _structured(text: str) -> tuple[dict[str, str], int] | None:
    """Return the parameters and where the message begins; None when it is no structured data.

    In a value, `\\"`, `\\\\` and `\\]` are the characters themselves; another backslash stays (6.3.3).
    """
    if text == _NIL or text.startswith("- "):
        return {}, 1
    values: dict[str, str] = {}
    position = elements = 0
    while position < len(text) and text[position] == "[":
        elements += 1
        end = _element(text, position + 1, values)
        if end is None or elements > MAX_ELEMENTS:
            return None
        position = end
    if elements == 0 or (position < len(text) and text[position] != " "):
        return None
    return values, position


def _element(text: str, position: int, values: dict[str, str]) -> int | None:
    """Read `id name="value"...]` from `position`; return the place behind the bracket."""
    start = position
    while position < len(text) and text[position] not in ' ]="':
        position += 1
    name = text[start:position]
    if not name:
        return None
    while position < len(text) and text[position] == " ":
        equals = text.find('="', position)
        key = text[position + 1 : equals]
        if equals < 0 or not key or any(char in key for char in ' ]"='):
            return None
        found = _value(text, equals + 2)
        if found is None or len(values) >= MAX_PARAMETERS:
            return None
        value, position = found
        full = f"{name}.{key}"
        values[full] = f"{values[full]}\n{value}" if full in values else value
    return position + 1 if position < len(text) and text[position] == "]" else None


def _value(text: str, position: int) -> tuple[str, int] | None:
    out: list[str] = []
    while position < len(text):
        char = text[position]
        if char == '"':
            return "".join(out), position + 1
        if char == "\\" and position + 1 < len(text) and text[position + 1] in '"\\]':
            position += 1
            char = text[position]
        out.append(char)
        position += 1
    return None


def _rfc3164(text: str, facility: int, severity: int, received: datetime, zone: tzinfo) -> Message:
    at, rest = stamped(text, received, zone)
    host = ""
    if at is not None:
        word, space, after = rest.partition(" ")
        if space and _HOST.fullmatch(word) and not word.endswith(":"):
            host, rest = word, after
    program = process_id = ""
    tag = _TAG.match(rest)
    if tag is not None:
        program, process_id, rest = tag[1], tag[2] or "", rest[tag.end() :]
    return Message(
        facility=facility,
        severity=severity,
        at=at,
        host=host,
        program=program,
        process_id=process_id,
        text=rest.removeprefix(_BOM),
    )


def stamped(text: str, received: datetime, zone: tzinfo) -> tuple[datetime | None, str]:
    """Return the time (RFC 3164 or ISO 8601, and a space) that `text` begins with, or None, and the rest."""
    iso = _STAMP_ISO.match(text)
    if iso is not None:
        return _instant(iso[0].strip()), text[iso.end() :]
    found = _STAMP_3164.match(text)
    if found is None:
        return None, text
    month, day = _MONTHS.index(found[1]) + 1, int(found[2])
    hour, minute, second = int(found[4]), int(found[5]), min(int(found[6]), 59)
    micros = int((found[7] or "").ljust(6, "0")) if found[7] else 0
    told = found[3] or found[8]
    clock = (month, day, hour, minute, second)
    near = received.replace(minute=0, second=0, microsecond=0)
    at = _nearest(int(told) if told else None, clock, near, zone)
    if at is None:
        return None, text
    return (at.replace(microsecond=micros) if micros else at), text[found.end() :]


@lru_cache(maxsize=2048)
def _nearest(
    year: int | None, clock: tuple[int, int, int, int, int], received: datetime, zone: tzinfo
) -> datetime | None:
    """Return the time (to the second) in `year`, or in the year that puts it nearest to `received`.

    Busy senders write many lines a second, and time zones are slow.
    """
    years = [year] if year else [received.year - 1, received.year, received.year + 1]
    options: list[datetime] = []
    for option in years:
        try:
            options.append(datetime(option, *clock, tzinfo=zone).astimezone(UTC))
        except (ValueError, OverflowError):
            continue
    return min(options, key=lambda option: abs(option - received), default=None)


PLAUSIBLE_PAST = timedelta(days=60)
PLAUSIBLE_FUTURE = timedelta(hours=1)


def plausible(at: datetime | None, received: datetime) -> datetime:
    """Return the time an event is filed under: what it tells, unless a broken clock tells it."""
    if at is None or at > received + PLAUSIBLE_FUTURE or at < received - PLAUSIBLE_PAST:
        return received
    return at
