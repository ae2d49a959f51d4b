r"""Log Event Extended Format, versions 1.0 and 2.0 (IBM's "LEEF" guide).

    LEEF:1.0|Vendor|Product|Version|EventID|src=10.0.0.1<tab>usrName=ann
    LEEF:2.0|Vendor|Product|Version|EventID|^|src=10.0.0.1^usrName=ann

Version 2.0 may name its delimiter as one character or in hexadecimal (`x5E`, `0x5E`); without it, it is the
tab. The format has no escapes: a backslash is a backslash.
"""

from __future__ import annotations

from sent.engines.radar.formats.found import MAX_NAME, Found, add, severity_of

_HEADER = ("leefVersion", "deviceVendor", "deviceProduct", "deviceVersion", "eventId")


def leef(text: str) -> Found | None:
    """Return the line's fields; None when its header is incomplete."""
    parts = text[5:].lstrip(" ").split("|", len(_HEADER))
    if len(parts) < len(_HEADER) or parts[0] not in ("1.0", "2.0", "1", "2"):
        return None
    attributes = parts[5] if len(parts) > len(_HEADER) else ""
    delimiter = "\t"
    if parts[0][0] == "2":
        word, bar, rest = attributes.partition("|")
        named = _delimiter(word) if bar else None
        if named is not None:
            delimiter, attributes = named, rest
    fields: dict[str, str | None] = dict(zip(_HEADER, parts[:5], strict=True))
    for pair in attributes.split(delimiter):
        name, equals, value = pair.partition("=")
        name = name.strip()
        if equals and 0 < len(name) <= MAX_NAME and not add(fields, name, value):
            break
    severity = severity_of(fields.get("sev"))
    return Found("leef", fields, parts[2], parts[4], severity, fields.get("devTime") or "")


def _delimiter(word: str) -> str | None:
    """Return the character that `word` names: empty is the tab; None: it names none."""
    if not word:
        return "\t"
    if len(word) == 1:
        return word
    digits = word.lower().removeprefix("0").removeprefix("x")
    if word[0] in "0xX" and 0 < len(digits) <= 4 and all(char in "0123456789abcdef" for char in digits):
        return chr(int(digits, 16)) if int(digits, 16) else None
    return None
