"""Text lines that are more than text: CEF, LEEF, logfmt and other lines of pairs, told apart by themselves.

Only a line that is of a format from its first to its last character is taken for it: words of an attacker
inside of an ordinary message never become fields. Every reader walks a line once, and a line has at most
`MAX_FIELDS` fields; what has more keeps the rest in its text.
"""

from __future__ import annotations

from sent.engines.radar.formats.cef import cef
from sent.engines.radar.formats.found import MAX_FIELDS, Found
from sent.engines.radar.formats.keyvalue import keyvalue
from sent.engines.radar.formats.leef import leef
from sent.engines.radar.formats.logfmt import logfmt

__all__ = ["MAX_FIELDS", "Found", "detected"]

_MAX_FIRST_NAME = 64
"""Characters within which a line of pairs must have its first equals sign."""


def detected(text: str) -> Found | None:
    """Return what the line holds when it is wholly of one of the formats, else None."""
    start = text[:5]
    if start[:4] == "CEF:":
        return cef(text)
    if start == "LEEF:":
        return leef(text)
    equals = text.find("=", 1, _MAX_FIRST_NAME + 1)
    if equals < 0 or " " in text[:equals]:
        return None
    return logfmt(text) or keyvalue(text)
