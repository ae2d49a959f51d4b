r"""logfmt, as `go-logfmt` reads it: `level=info msg="a \"word\"" took=3ms retried`.

A value without quotes has no space, quote or equals sign; in quotes it has JSON's escapes. A word alone is a
field without a value. A line must be mostly pairs to be one: the first word is a pair, and at most half as
many words stand alone as there are pairs, of which there are two at least.
"""

from __future__ import annotations

import json

from sent.engines.radar.formats.cef import unescaped_place
from sent.engines.radar.formats.found import MAX_NAME, Found, add

MIN_PAIRS = 2
_TIMES = ("ts", "time", "timestamp", "t")
SEVERITIES = {
    "emergency": 0,
    "emerg": 0,
    "alert": 1,
    "fatal": 2,
    "panic": 2,
    "critical": 2,
    "crit": 2,
    "error": 3,
    "err": 3,
    "warning": 4,
    "warn": 4,
    "notice": 5,
    "info": 6,
    "information": 6,
    "debug": 7,
    "trace": 7,
}


def logfmt(text: str) -> Found | None:
    """Return the line's fields, or None when it is no logfmt from end to end."""
    fields: dict[str, str | None] = {}
    pairs = alone = position = 0
    length = len(text)
    while position < length:
        if text[position] == " " or text[position] == "\t":
            position += 1
            continue
        end = _word(text, position)
        word = text[position:end]
        name, equals, value = word.partition("=")
        if not name or len(name) > MAX_NAME or '"' in name:
            return None
        read: str | None = value
        if value[:1] == '"':
            quoted = _quoted(text, position + len(name) + 1)
            if quoted is None:
                return None
            read, end = quoted
        elif '"' in value or "=" in value:
            return None
        pairs += bool(equals)
        alone += not equals
        if pairs == 0 or not add(fields, name, read if equals else None):
            return None
        position = end
    return described("logfmt", fields) if pairs >= MIN_PAIRS and alone * 2 <= pairs else None


def described(form: str, fields: dict[str, str | None]) -> Found:
    """Return the fields with what their usual names tell of time and severity."""
    level = fields.get("level") or fields.get("lvl") or fields.get("severity") or ""
    time = next((value for name in _TIMES if (value := fields.get(name))), "")
    return Found(form, fields, severity=SEVERITIES.get(level.lower()), time=time)


def _word(text: str, position: int) -> int:
    space = text.find(" ", position)
    end = len(text) if space < 0 else space
    tab = text.find("\t", position, end)
    return end if tab < 0 else tab


def _quoted(text: str, start: int) -> tuple[str, int] | None:
    """Return the value that begins with the quote at `start`, and the place behind it."""
    quote = unescaped_place(text, '"', start + 1)
    if quote < 0:
        return None
    if quote + 1 < len(text) and text[quote + 1] not in " \t":
        return None
    raw = text[start + 1 : quote]
    if "\\" not in raw:
        return raw, quote + 1
    try:
        value = json.loads(f'"{raw}"', strict=False)
    except ValueError:
        return None
    return value, quote + 1
