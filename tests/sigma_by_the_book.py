"""A slow evaluator of Sigma rules, written from the specification 2.1 and from nothing of SENT's.

It reads the rule's YAML itself: conditions by descent, values by their escapes, modifiers one by one.
What the specification leaves open is decided as SENT's documentation says: an absent field makes a test
false; lists are joined by newlines before they come here; UTF-16 bytes stand for one character each.
"""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import Any

Fields = Mapping[str, str | None]
Piece = str | None
"""A literal text; None stands for `*`, and `ONE` for `?`."""

ONE = "\x00one"
DASHES = "-/\u2013\u2014\u2015"


@dataclass(frozen=True)
class Words:
    """A string value: literals and wildcards."""

    pieces: tuple[Piece, ...]
    cased: bool = False


@dataclass(frozen=True)
class Check:
    """A value that is not compared as a string."""

    holds: Callable[[str], bool]


def fires(
    document: Mapping[str, Any], fields: Fields, values: Mapping[str, Sequence[str]] | None = None
) -> bool:
    """Say whether a rule's detection holds for an event."""
    detection = dict(document["detection"])
    condition = detection.pop("condition")
    conditions = condition if isinstance(condition, list) else [condition]
    return any(_Condition(text, detection, fields, values or {}).holds() for text in conditions)


class _Condition:
    """Decides a condition while it is read: or < and < not < of < parentheses."""

    def __init__(self, text: str, detection: Mapping[str, Any], fields: Fields, values: Any) -> None:
        self.words = re.findall(r"[()]|[^\s()]+", text)
        self.place = 0
        self.detection, self.fields, self.values = detection, fields, values

    def holds(self) -> bool:
        result = self._or()
        assert self.place == len(self.words), self.words
        return result

    def _next(self) -> str:
        self.place += 1
        return self.words[self.place - 1]

    def _peek(self, word: str) -> bool:
        return self.place < len(self.words) and self.words[self.place] == word

    def _or(self) -> bool:
        result = self._and()
        while self._peek("or"):
            self._next()
            result = self._and() or result
        return result

    def _and(self) -> bool:
        result = self._not()
        while self._peek("and"):
            self._next()
            result = self._not() and result
        return result

    def _not(self) -> bool:
        if self._peek("not"):
            self._next()
            return not self._not()
        word = self._next()
        if word == "(":
            result = self._or()
            assert self._next() == ")"
            return result
        if word in ("1", "any", "all") and self._peek("of"):
            self._next()
            return self._of(word, self._next())
        return self._named(word)

    def _of(self, amount: str, pattern: str) -> bool:
        if pattern == "them":
            pattern = "*"
        wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))))
        names = [
            name
            for name in self.detection
            if wanted.fullmatch(name) and (pattern.startswith("_") or not name.startswith("_"))
        ]
        assert names, pattern
        results = [self._named(name) for name in names]
        return all(results) if amount == "all" else any(results)

    def _named(self, name: str) -> bool:
        return _detection(self.detection[name], self.fields, self.values)


def _detection(definition: Any, fields: Fields, values: Any) -> bool:
    if isinstance(definition, Mapping):
        return all(_item(str(key), value, fields, values) for key, value in definition.items())
    if isinstance(definition, list):
        return any(_detection(part, fields, values) for part in definition)
    return _item("", definition, fields, values)


def _item(key: str, value: Any, fields: Fields, values: Any) -> bool:
    name, *modifiers = key.split("|")
    name = name.replace(" ", "")
    given = value if isinstance(value, list) else [value]
    if not given:
        given = [None]
    results = [_value(name, modifiers, one, fields, values) for one in given]
    result = all(results) if "all" in modifiers else any(results)
    return not result if "neq" in modifiers else result


def _value(name: str, modifiers: list[str], value: Any, fields: Fields, values: Any) -> bool:
    if "exists" in modifiers:
        return (name in fields) == value
    if value is None:
        return fields.get(name) is None
    if "fieldref" in modifiers:
        return _reference(name, modifiers, str(value), fields)
    tests = _modified(value, modifiers, values)
    if name:
        text = fields.get(name)
        return text is not None and any(_fits(test, text) for test in tests)
    texts = [text for text in fields.values() if text is not None]
    return any(_fits(_anywhere(test), text) for test in tests for text in texts)


def _anywhere(test: Words | Check) -> Words | Check:
    return Words((None, *test.pieces, None), test.cased) if isinstance(test, Words) else test


def _reference(name: str, modifiers: list[str], other: str, fields: Fields) -> bool:
    left, right = fields.get(name), fields.get(other.replace(" ", ""))
    if left is None or right is None:
        return False
    left, right = left.lower(), right.lower()
    if "contains" in modifiers:
        return right in left
    if "startswith" in modifiers:
        return left.startswith(right)
    return left.endswith(right) if "endswith" in modifiers else left == right


def _modified(value: Any, modifiers: list[str], values: Any) -> list[Words | Check]:
    """Return the alternatives a value stands for."""
    if "re" in modifiers:
        flags = {"i": re.I, "m": re.M, "s": re.S}
        used = 0
        for modifier in modifiers:
            used |= flags.get(modifier, 0)
        sources = _pattern_expansions(str(value), values) if "expand" in modifiers else [str(value)]
        return [_searched(re.compile(source, used)) for source in sources]
    if "cidr" in modifiers:
        return [Check(lambda text: _within(text, str(value)))]
    part = next((m for m in modifiers if m in _PARTS), None)
    operator = next((m for m in modifiers if m in ("lt", "lte", "gt", "gte")), None)
    if part or operator:
        return [Check(lambda text: _compared(text, part, operator, Decimal(str(value))))]
    if isinstance(value, bool):
        return [Words((str(value).lower(),))]
    if not isinstance(value, str):
        return [Words((str(value),))]
    alternatives = [Words(tuple(parsed(value, expand="expand" in modifiers, values=values)))]
    if "expand" in modifiers:
        alternatives = [Words(tuple(pieces)) for pieces in _expansions(value, values)]
    encoding = "utf-8"
    for modifier in modifiers:
        alternatives, encoding = _step(alternatives, modifier, encoding)
    return list(alternatives)


def parsed(value: str, *, expand: bool = False, values: Any = None) -> list[Piece]:
    """Read a value's escapes: a backslash makes `*`, `?` and itself plain, and is plain before the rest."""
    pieces: list[Piece] = [""]
    place = 0
    while place < len(value):
        char = value[place]
        if char == "\\" and value[place + 1 : place + 2] in ("\\", "*", "?"):
            pieces[-1] = f"{pieces[-1]}{value[place + 1]}"
            place += 2
            continue
        if char in "*?":
            pieces += [None if char == "*" else ONE, ""]
        else:
            pieces[-1] = f"{pieces[-1]}{char}"
        place += 1
    return [piece for piece in pieces if piece != ""]


def _expansions(value: str, values: Mapping[str, Sequence[str]]) -> Iterator[list[Piece]]:
    """Yield the pieces of a value with each combination of its placeholders' values."""
    parts: list[list[list[Piece]]] = []
    plain = ""
    place = 0
    while place < len(value):
        if value.startswith("\\\\", place):
            plain, place = plain + "\\\\", place + 2
        elif value.startswith("\\%", place):
            plain, place = plain + "%", place + 2
        elif value[place] == "%" and (end := value.find("%", place + 1)) > place + 1:
            parts += [[parsed(plain)], [parsed(one) for one in values[value[place + 1 : end]]]]
            plain, place = "", end + 1
        else:
            plain, place = plain + value[place], place + 1
    parts.append([parsed(plain)])
    for chosen in product(*parts):
        yield [piece for pieces in chosen for piece in pieces]


def _pattern_expansions(value: str, values: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a regular expression with each combination of its placeholders' values, wildcards as patterns."""
    parts = re.split("%([^%]+)%", value)
    choices = [
        ["".join(map(_as_pattern, parsed(one))) for one in values[part]] if place % 2 else [part]
        for place, part in enumerate(parts)
    ]
    for chosen in product(*choices):
        yield "".join(chosen)


def _as_pattern(piece: Piece) -> str:
    return ".*" if piece is None else "." if piece == ONE else re.escape(piece)


def _searched(pattern: re.Pattern[str]) -> Check:
    return Check(lambda text: pattern.search(text) is not None)


def _step(alternatives: list[Words], modifier: str, encoding: str) -> tuple[list[Words], str]:
    if modifier in _UTF16:
        mark, codec = _UTF16[modifier]
        coded = [
            Words(
                (*mark, *(_literal(p, lambda t: t.encode(codec).decode("latin-1")) for p in w.pieces)),
                w.cased,
            )
            for w in alternatives
        ]
        return coded, "latin-1"
    if modifier == "windash":
        return [Words(pieces, w.cased) for w in alternatives for pieces in _dashed(w.pieces)], encoding
    changed: list[Words] = []
    for words in alternatives:
        pieces = words.pieces
        if modifier == "cased":
            changed.append(Words(pieces, cased=True))
        elif modifier == "base64":
            text = "".join(str(piece) for piece in pieces)
            changed.append(Words((base64.b64encode(text.encode(encoding)).decode(),), words.cased))
        elif modifier == "base64offset":
            data = "".join(str(piece) for piece in pieces).encode(encoding)
            changed += [Words((_shifted(data, shift),), words.cased) for shift in range(3)]
        elif modifier in ("contains", "startswith", "endswith"):
            head = () if modifier == "startswith" else (None,)
            tail = () if modifier == "endswith" else (None,)
            changed.append(Words((*head, *pieces, *tail), words.cased))
        else:
            changed.append(words)
    return changed, encoding


_UTF16: dict[str, tuple[tuple[str, ...], str]] = {
    "utf16": (("\xff\xfe",), "utf-16-le"),
    "utf16le": ((), "utf-16-le"),
    "wide": ((), "utf-16-le"),
    "utf16be": ((), "utf-16-be"),
}


def _literal(piece: Piece, change: Callable[[str], str]) -> Piece:
    return piece if piece is None or piece == ONE else change(piece)


def _shifted(data: bytes, shift: int) -> str:
    """Return what is encoded alike whatever stands before (`shift` bytes) and behind the data."""
    shown = [
        base64.b64encode(bytes([before]) * shift + data + bytes([behind]) * 3).decode()
        for before in (0, 255)
        for behind in (0, 255)
    ]
    alike = [len(set(column)) == 1 for column in zip(*shown, strict=True)]
    first = shift and 4 * shift // 3 + 1
    length = (8 * (shift + len(data))) // 6
    assert all(alike[first:length])
    return shown[0][first:length]


def _dashed(pieces: tuple[Piece, ...]) -> Iterator[tuple[Piece, ...]]:
    """Yield the pieces with every dash that begins a word as each of the five dashes."""
    choices: list[list[str]] = []
    for piece in pieces:
        if piece is None or piece == ONE:
            choices.append([piece])  # type: ignore[list-item]
            continue
        for place, char in enumerate(piece):
            begins = place + 1 < len(piece) and _in_word(piece[place + 1])
            inside = place > 0 and _in_word(piece[place - 1])
            choices.append(list(DASHES) if char in DASHES and begins and not inside else [char])
    for chosen in product(*choices):
        yield tuple(chosen)


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _fits(test: Words | Check, text: str) -> bool:
    if isinstance(test, Check):
        return test.holds(text)
    subject = text if test.cased else text.lower()
    reached = {0}
    for piece in test.pieces:
        if piece is None:
            reached = set(range(min(reached), len(subject) + 1)) if reached else set()
        elif piece == ONE:
            reached = {place + 1 for place in reached if place < len(subject)}
        else:
            wanted = piece if test.cased else piece.lower()
            reached = {place + len(wanted) for place in reached if subject.startswith(wanted, place)}
        if not reached:
            return False
    return len(subject) in reached


def _within(text: str, network: str) -> bool:
    address, _, length = network.partition("/")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        own = socket.inet_pton(family, text.strip())
    except OSError:
        return False
    net = socket.inet_pton(family, address)
    rest = len(net) * 8 - (int(length) if length else len(net) * 8)
    return int.from_bytes(own, "big") >> rest == int.from_bytes(net, "big") >> rest


_PARTS = ("minute", "hour", "day", "week", "month", "year")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)")


def _moment(text: str) -> tuple[int, ...] | None:
    """Read an ISO date and time as written, or a number: seconds since 1970, milliseconds from 1e11 on."""
    found = _DATE.match(text)
    if found is not None:
        return tuple(map(int, found.groups()))
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?([eE][0-9]+)?", text):
        return None
    number = Decimal(text)
    seconds = int(number / 1000 if number > 10**11 else number)
    try:
        return tuple(datetime.fromtimestamp(seconds, UTC).timetuple()[:5])
    except (ValueError, OverflowError):
        return None


def _compared(text: str, part: str | None, operator: str | None, number: Decimal) -> bool:
    if part:
        moment = _moment(text)
        if moment is None:
            return False
        year, month, day, hour, minute = moment
        own = Decimal(
            {
                "minute": minute,
                "hour": hour,
                "day": day,
                "week": date(year, month, day).isocalendar()[1],
                "month": month,
                "year": year,
            }[part]
        )
    else:
        if not re.fullmatch(r"\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*", text):
            return False
        try:
            own = Decimal(text.strip())
        except InvalidOperation:
            return False
    return {
        None: own == number,
        "lt": own < number,
        "lte": own <= number,
        "gt": own > number,
        "gte": own >= number,
    }[operator]
