"""Modifiers of Sigma 2.1 (modifiers appendix) where pySigma lacks one or reads it otherwise.

- `utf16le`, `utf16be`, `utf16` and `wide` take any text, not only ASCII: one character stands for one byte,
  and `base64` and `base64offset` behind them encode those very bytes.
- `windash` takes each of the five dashes for the others, whichever the rule is written with.
- `expand` leaves `\\%` a percent sign ("a plain percent character can be used by escaping it").
- A value that is `cased` stays so, whatever follows.
- Whole numbers beyond 2^53 stay exact; pySigma makes floating point numbers of them.

pySigma looks modifiers up in one table of its own, so importing this module changes that table.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, cast

from sigma.exceptions import SigmaModifiedError, SigmaTypeError, SigmaValueError
from sigma.modifiers import SigmaValueModifier, modifier_mapping
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaCompareExpression,
    SigmaExpansion,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
)

EXACT = 2**53
"""Up to here every whole number is a floating point number too."""

DASHES = ("-", "/", "\u2013", "\u2014", "\u2015")
"""Hyphen, slash, en dash, em dash, horizontal bar."""

MAX_DASHES = 3
"""Dashes of one value that are varied: five to the third are 125 values."""

PERCENT = "\ufdd0"
"""Stands for an escaped percent sign between `prepared` and `expand`; no character of any text."""

_DASH = re.compile(r"\B[-/\u2013\u2014\u2015]\b")
_LARGE = re.compile(r"-?[0-9]{1,400}")
_NAME = re.compile(r"%([^%\\]{1,100})%")


def prepared(detection: Any) -> Any:
    """Return a detection for pySigma: `\\%` of values to expand is `PERCENT`, a large number is text.

    A percent sign must be seen before pySigma reads the value: behind that, `\\\\%x%` (a backslash, then a
    placeholder) and `\\%x%` look the same.
    """
    if isinstance(detection, dict):
        return {
            key: _percents(value) if "expand" in str(key).split("|")[1:] else prepared(value)
            for key, value in detection.items()
        }
    if isinstance(detection, list):
        return [prepared(item) for item in detection]
    is_large = isinstance(detection, int) and abs(detection) > EXACT
    return str(detection) if is_large else detection


def _percents(value: Any) -> Any:
    if isinstance(value, list):
        return [_percents(item) for item in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\\(.)", lambda found: PERCENT if found[1] == "%" else found[0], value, flags=re.DOTALL)


def _like(value: SigmaString, parts: list[Any]) -> SigmaString:
    """Return a string of `parts` that is cased as `value` is."""
    made = value.__class__()
    made.s = parts
    return made


class Utf16(SigmaValueModifier[SigmaString, SigmaString]):
    """Little endian, one character for a byte."""

    encoding = "utf-16-le"
    mark = ""

    def modify(self, val: SigmaString) -> SigmaString:
        """Encode the text between wildcards."""
        if val.contains_placeholder():
            raise SigmaValueError("Placeholders cannot be encoded", source=self.source)
        parts = [
            part.encode(self.encoding).decode("latin-1") if isinstance(part, str) else part for part in val.s
        ]
        made = _like(val, parts)
        return self.mark + made if self.mark else made


class Utf16BigEndian(Utf16):
    """Big endian."""

    encoding = "utf-16-be"


class Utf16Marked(Utf16):
    """Little endian behind a byte order mark."""

    mark = "\xff\xfe"


class _Encoded:
    """What both base64 modifiers begin with."""

    applied_modifiers: list[Any]
    source: Any

    def octets(self, val: SigmaString) -> bytes:
        """Return the bytes to encode."""
        if val.contains_special() or val.contains_placeholder():
            raise SigmaValueError(
                "Base64 encoding of strings with wildcards or placeholders is not possible",
                source=self.source,
            )
        text = "".join(cast("list[str]", val.s))
        wide = any(issubclass(modifier, Utf16) for modifier in self.applied_modifiers)
        return text.encode("latin-1" if wide else "utf-8")


class Base64(_Encoded, SigmaValueModifier[SigmaString, SigmaString]):
    """The whole value, encoded."""

    def modify(self, val: SigmaString) -> SigmaString:
        """Encode."""
        return _like(val, [b64encode(self.octets(val)).decode()])


class Base64Offset(_Encoded, SigmaValueModifier[SigmaString, SigmaExpansion]):
    """What is the same in every encoding of a text that holds the value, for each of three shifts."""

    def modify(self, val: SigmaString) -> SigmaExpansion:
        """Encode behind 0, 1 and 2 bytes; drop the characters that neighbours share."""
        octets = self.octets(val)
        shifts: list[SigmaType] = []
        for shift in range(3):
            text = b64encode(b"\0" * shift + octets).decode()
            end = {0: len(text), 1: len(text) - 3, 2: len(text) - 2}[(len(octets) + shift) % 3]
            shifts.append(_like(val, [text[(0, 2, 3)[shift] : end]]))
        return SigmaExpansion(shifts)


class Windash(SigmaValueModifier[SigmaString, SigmaExpansion]):
    """Every dash that begins a word, as each of the five."""

    def modify(self, val: SigmaString) -> SigmaExpansion:
        """Return all permutations; raises SigmaModifiedError above `MAX_DASHES`."""
        marked = val.replace_with_placeholder(_DASH, "_windash")
        if sum(_is_dash(part) for part in marked.s) > MAX_DASHES:
            raise SigmaModifiedError(
                f"windash varies at most {MAX_DASHES} dashes of one value; split it into several",
                source=self.source,
            )
        return SigmaExpansion([_like(val, parts)._merge_strs() for parts in _permuted(marked.s)])


def _is_dash(part: object) -> bool:
    return isinstance(part, Placeholder) and part.name == "_windash"


def _permuted(parts: list[Any]) -> Iterator[list[Any]]:
    for place, part in enumerate(parts):
        if _is_dash(part):
            for dash in DASHES:
                for rest in _permuted(parts[place + 1 :]):
                    yield [*parts[:place], dash, *rest]
            return
    yield list(parts)


class Expand(SigmaValueModifier[SigmaString | SigmaRegularExpression, SigmaString | SigmaRegularExpression]):
    """`%name%` is a placeholder."""

    def modify(self, val: SigmaString | SigmaRegularExpression) -> SigmaString | SigmaRegularExpression:
        """Mark the placeholders; `condition` puts the organisation's values in."""
        text = val.regexp if isinstance(val, SigmaRegularExpression) else val
        text.s = [piece for part in text.s for piece in _marked(part)]
        return val


class _Exact:
    """A comparison that takes large numbers as `prepared` wrote them."""

    source: Any

    def number(self, val: SigmaNumber | SigmaString) -> SigmaNumber:
        """Return the number; raises SigmaTypeError for other text."""
        if isinstance(val, SigmaNumber):
            return val
        text = "".join(part for part in val.s if isinstance(part, str))
        if len(val.s) != 1 or not _LARGE.fullmatch(text) or abs(int(text)) <= EXACT:
            raise SigmaTypeError(f"{str(val)[:40]!r} cannot be compared as a number", source=self.source)
        made = SigmaNumber(0)
        made.number = int(text)
        return made


class Less(_Exact, SigmaValueModifier[SigmaNumber | SigmaString, SigmaCompareExpression]):
    """`lt`, and the other comparisons with another `operator`."""

    operator = CompareOperators.LT

    def modify(self, val: SigmaNumber | SigmaString) -> SigmaCompareExpression:
        """Compare the field with the number."""
        return SigmaCompareExpression(self.number(val), self.operator, self.source)


class LessOrEqual(Less):
    """`lte`."""

    operator = CompareOperators.LTE


class Greater(Less):
    """`gt`."""

    operator = CompareOperators.GT


class GreaterOrEqual(Less):
    """`gte`."""

    operator = CompareOperators.GTE


def _marked(part: Any) -> list[Any]:
    if not isinstance(part, str):
        return [part]
    pieces: list[Any] = []
    end = 0
    for found in _NAME.finditer(part):
        pieces += [part[end : found.start()], Placeholder(found[1])]
        end = found.end()
    pieces.append(part[end:])
    return [piece.replace(PERCENT, "%") if isinstance(piece, str) else piece for piece in pieces if piece]


modifier_mapping.update(
    {
        "utf16le": Utf16,
        "wide": Utf16,
        "utf16be": Utf16BigEndian,
        "utf16": Utf16Marked,
        "base64": Base64,
        "base64offset": Base64Offset,
        "windash": Windash,
        "expand": Expand,
        "lt": Less,
        "lte": LessOrEqual,
        "gt": Greater,
        "gte": GreaterOrEqual,
    }
)


def every_modifier() -> tuple[str, ...]:
    """Return the names of all modifiers, in order."""
    return tuple(sorted(modifier_mapping))
