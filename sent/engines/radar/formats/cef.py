r"""Common Event Format (ArcSight's "Implementing CEF", revision 26).

    CEF:0|Vendor|Product|Version|Event class|Name|Severity|src=10.0.0.1 msg=All good cs1=a\=b

In the header `\|` and `\\` stand for the characters themselves; in the extension `\=`, `\\`, and `\n` and
`\r` for line ends. Values hold spaces without quotes: a name is the word before an equals sign that nothing
escapes, and the one space before it belongs to neither value.
"""

from __future__ import annotations

from sent.engines.radar.formats.found import MAX_NAME, Found, add, severity_of

_HEADER = ("cefVersion", "deviceVendor", "deviceProduct", "deviceVersion", "deviceEventClassId", "name")
_TIMES = ("rt", "end", "start")
_ESCAPED = {"n": "\n", "r": "\r", "\\": "\\", "=": "=", "|": "|"}


def cef(text: str) -> Found | None:
    """Return the line's fields; None when its header is incomplete."""
    parts, rest = header(text[4:].lstrip(" "), len(_HEADER) + 1)
    if parts is None or not parts[0].isascii() or not parts[0].replace(".", "").isdigit():
        return None
    fields: dict[str, str | None] = dict(zip((*_HEADER, "severity"), parts, strict=True))
    _extension(rest, fields)
    time = next((value for name in _TIMES if (value := fields.get(name))), "")
    return Found("cef", fields, parts[2], parts[5], severity_of(parts[6]), time)


def header(text: str, amount: int) -> tuple[list[str] | None, str]:
    r"""Return `amount` parts that end at `|`, and the rest; the last may end with the text. None: too few."""
    parts: list[str] = []
    start = 0
    while len(parts) < amount:
        bar = unescaped_place(text, "|", start)
        if bar < 0 and len(parts) < amount - 1:
            return None, ""
        end = len(text) if bar < 0 else bar
        parts.append(unescaped(text[start:end]))
        start = end + 1
    return parts, text[start:]


def unescaped_place(text: str, char: str, position: int) -> int:
    """Return the first place of `char` from `position` on that no backslash escapes, or -1; linear."""
    while (place := text.find(char, position)) >= 0:
        while (escape := text.find("\\", position, place)) >= 0:
            position = escape + 2
        if position <= place:
            return place
    return -1


def unescaped(text: str) -> str:
    """Return the text with its escapes resolved; a backslash before anything else stays."""
    if "\\" not in text:
        return text
    out: list[str] = []
    position = 0
    while (escape := text.find("\\", position)) >= 0:
        following = text[escape + 1 : escape + 2]
        meant = _ESCAPED.get(following)
        out.append(text[position:escape])
        out.append(meant if meant is not None else "\\" + following)
        position = escape + 2
    out.append(text[position:])
    return "".join(out)


def _extension(text: str, fields: dict[str, str | None]) -> None:
    name = ""
    begin = 0
    for start, equals in _names(text):
        if name and not add(fields, name, unescaped(text[begin : max(start - 1, begin)])):
            return
        name, begin = text[start:equals], equals + 1
    if name:
        add(fields, name, unescaped(text[begin:]))


def _names(text: str) -> list[tuple[int, int]]:
    """Return where each name begins and where its equals sign stands."""
    found: list[tuple[int, int]] = []
    floor = 0
    equals = unescaped_place(text, "=", 0)
    while equals >= 0:
        start = text.rfind(" ", max(floor, equals - MAX_NAME), equals) + 1
        if start == 0:
            start = 0 if floor == 0 and equals <= MAX_NAME else equals
        if start < equals and _is_name(text[start:equals]):
            found.append((start, equals))
        floor = equals + 1
        equals = unescaped_place(text, "=", floor)
    return found


def _is_name(word: str) -> bool:
    return word.isascii() and all(char.isalnum() or char in "_.-[]:" for char in word)
