"""Lines of pairs as firewalls, auditd and appliances write them: `date=2026-11-27 msg="a b", url=/x?y=1`.

Pairs are divided by spaces or commas. A value in double or single quotes ends with the quote that a divider
or the end follows, and a backslash in it is a backslash: what has logfmt's escapes was read as logfmt before.
A value without quotes may hold equals signs. auditd's records name their time
(`msg=audit(1364481363.243:24287):`) and nest pairs in single quotes.
"""

from __future__ import annotations

from sent.engines.radar.formats.found import MAX_NAME, Found, add
from sent.engines.radar.formats.logfmt import MIN_PAIRS, described

_DIVIDERS = " \t,;"
_QUOTES = "\"'"


def keyvalue(text: str) -> Found | None:
    """Return the line's fields, or None when it is not made of pairs from end to end."""
    fields: dict[str, str | None] = {}
    if not _pairs(text, fields) or len(fields) < MIN_PAIRS:
        return None
    return described("keyvalue", fields)


def audited(fields: dict[str, str | None]) -> tuple[str, dict[str, str | None]]:
    """Return the time an auditd record tells (epoch seconds, "" if it is none) and its nested pairs."""
    stamp = fields.get("msg") or ""
    if "type" not in fields or not stamp.startswith("audit("):
        return "", {}
    nested: dict[str, str | None] = {}
    head, _, body = stamp.partition("\n")
    if body and not _pairs(body, nested):
        nested = {}
    return head[6:].partition(":")[0], nested


def _pairs(text: str, fields: dict[str, str | None]) -> bool:
    position, length = 0, len(text)
    ends = _Ends(text)
    while position < length:
        if text[position] in _DIVIDERS:
            position += 1
            continue
        equals = text.find("=", position, position + MAX_NAME + 1)
        name = text[position:equals] if equals > 0 else ""
        if not name or not name.isprintable() or any(char in name for char in _DIVIDERS + _QUOTES):
            return False
        start = equals + 1
        end = ends.closing(start) if text[start : start + 1] in ('"', "'") else -1
        if end >= 0:
            value, position = text[start + 1 : end], end + 1
        else:
            position = _bare(text, start, ends)
            value = text[start:position].rstrip(",;")
        if not add(fields, name, value):
            return False
    return True


class _Ends:
    """What may end a value, asked for from left to right: nothing is looked for twice.

    Otherwise a line of quotes that never close would be walked to its end once for each of them.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._closing: dict[str, int] = {}
        self._places: dict[str, int] = {}

    def closing(self, start: int) -> int:
        """Return the place of the quote that ends the value whose quote stands at `start`; -1: none does."""
        text, quote = self._text, self._text[start]
        known = self._closing.get(quote, 0)
        if 0 <= known <= start:
            known = text.find(quote, start + 1)
            while known >= 0 and known + 1 < len(text) and text[known + 1] not in _DIVIDERS:
                known = text.find(quote, known + 1)
            self._closing[quote] = known
        return known

    def place(self, char: str, start: int) -> int:
        """Return the first place of `char` from `start` on, or the length of the text."""
        known = self._places.get(char, -1)
        if known < start:
            found = self._text.find(char, start)
            known = self._places[char] = found if found >= 0 else len(self._text)
        return known


def _bare(text: str, start: int, ends: _Ends) -> int:
    """Return where a value without quotes ends: at a space, or at a comma that the next pair follows."""
    end = min(ends.place(" ", start), ends.place("\t", start))
    comma = text.find(",", start, end)
    while comma >= 0:
        equals = text.find("=", comma + 1, min(end, comma + 1 + MAX_NAME))
        if equals > comma + 1 and text[comma + 1 : equals].replace("_", "").isalnum():
            return comma
        comma = text.find(",", comma + 1, end)
    return end
