"""What a reader of a format gives: flat text fields, bounded in number."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_FIELDS = 512
MAX_NAME = 128
"""Characters of a field's name; a longer one is no name."""


@dataclass(frozen=True, slots=True)
class Found:
    """A line's fields; the rest is empty or None where the format says nothing of the kind."""

    format: str
    fields: dict[str, str | None] = field(default_factory=dict)
    product: str = ""
    name: str = ""
    severity: int | None = None
    """As syslog counts: 0 emergency to 7 debug."""
    time: str = ""
    """The time as the line writes it."""


def add(fields: dict[str, str | None], name: str, value: str | None) -> bool:
    """Add a value; a name's further values follow on lines of their own. False: there are too many fields."""
    known = fields.get(name)
    if known is not None:
        fields[name] = f"{known}\n{value or ''}"
    elif name in fields or len(fields) < MAX_FIELDS:
        fields[name] = value
    else:
        return False
    return True


def severity_of(text: str | None) -> int | None:
    """Return the syslog severity of CEF's and LEEF's 0 (least) to 10, or of its name."""
    word = (text or "").strip().lower()
    if word.isascii() and word.isdigit() and len(word) <= 2 and int(word) <= 10:
        return _OF_NUMBER[int(word)]
    return _OF_WORD.get(word)


_OF_NUMBER = (6, 6, 6, 6, 4, 4, 4, 3, 3, 2, 2)
"""CEF: 0-3 low, 4-6 medium, 7-8 high, 9-10 very high."""

_OF_WORD = {"unknown": 6, "low": 6, "medium": 4, "high": 3, "very-high": 2}
