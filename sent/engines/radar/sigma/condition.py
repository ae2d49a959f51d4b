"""pySigma's parse trees become SENT's own (`expression`), placeholders their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.rule import SigmaDetection, SigmaDetections
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from sent.engines.radar.sigma.expression import (
    And,
    Atom,
    Cidr,
    Compare,
    Exists,
    Node,
    Not,
    Null,
    Operator,
    Or,
    Reference,
    Regex,
    Shape,
    Test,
    Text,
)
from sent.engines.radar.sigma.pattern import compile_pattern

MAX_DEPTH = 64

MAX_VALUES = 10_000
"""Values one value of a rule may become by its placeholders."""

MAX_RULE_VALUES = 20_000
"""The same for all values of a rule together."""

MAX_ALL_VALUES = 500_000
"""The same for all rules that are read together."""

MAX_ATOMS = 20_000
"""Tests in a rule's condition, before placeholders: `1 of x*` over and over makes millions of few bytes."""

_BRACKETS = str.maketrans("()|", "   ")

Placeholders = Mapping[str, tuple[str, ...]]
"""Values by placeholder name; a value may hold wildcards as a value of a rule may."""

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_OPERATORS: dict[CompareOperators, Operator] = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}

_SIGNS: dict[Any, str] = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
"""What pySigma took for wildcards in a regular expression."""


class Unrunnable(ValueError):
    """The condition uses something that cannot be run; the text says what and what to do."""


def node_from(parsed: Any, placeholders: Placeholders, depth: int = 0) -> Node:
    """Return the tree of a pySigma condition; raises Unrunnable or PatternRefused."""
    if depth > MAX_DEPTH:
        raise Unrunnable(f"condition nests deeper than {MAX_DEPTH}")
    if isinstance(parsed, ConditionAND):
        return And(tuple(node_from(part, placeholders, depth + 1) for part in parsed.args))
    if isinstance(parsed, ConditionOR):
        return Or(tuple(node_from(part, placeholders, depth + 1) for part in parsed.args))
    if isinstance(parsed, ConditionNOT):
        return Not(node_from(parsed.args[0], placeholders, depth + 1))
    if isinstance(parsed, ConditionFieldEqualsValueExpression):
        return _atoms(parsed.field.replace(" ", ""), parsed.value, placeholders)
    if isinstance(parsed, ConditionValueExpression):
        return _atoms(None, parsed.value, placeholders)
    raise Unrunnable(f"condition holds nothing that can be tested ({type(parsed).__name__})")


def placeholders_in(parsed: Any) -> Iterator[str]:
    """Yield the names of the placeholders of a pySigma condition."""
    for part in getattr(parsed, "args", ()):
        yield from placeholders_in(part)
    values = [parsed.value] if hasattr(parsed, "value") else []
    for value in values:
        for single in value.values if isinstance(value, SigmaExpansion) else [value]:
            yield from _names(single)


def values_of(parsed: Any, placeholders: Placeholders) -> int:
    """Return how many values the placeholders of a pySigma condition make of it."""
    amount = sum(values_of(part, placeholders) for part in getattr(parsed, "args", ()))
    for value in [parsed.value] if hasattr(parsed, "value") else []:
        for single in value.values if isinstance(value, SigmaExpansion) else [value]:
            names = _names(single)
            amount += prod(len(placeholders.get(name, ())) for name in names) if names else 0
    return amount


def tests_in(detection: SigmaDetections) -> int:
    """Return how many tests the conditions of a detection come to, before pySigma writes them out."""
    sizes = {name: _size(found) for name, found in detection.detections.items()}
    every = sum(sizes.values())
    words = (word for condition in detection.condition for word in condition.translate(_BRACKETS).split())
    return sum(every if word.lower() == "of" else sizes.get(word, 0) for word in words)


def _size(found: SigmaDetection) -> int:
    return sum(
        _size(item) if isinstance(item, SigmaDetection) else max(len(item.value), 1)
        for item in found.detection_items
    )


def _names(value: Any) -> list[str]:
    text = value.regexp if isinstance(value, SigmaRegularExpression) else value
    return [part.name for part in text.s if isinstance(part, Placeholder)] if hasattr(text, "s") else []


def _atoms(field: str | None, value: Any, placeholders: Placeholders) -> Node:
    if isinstance(value, SigmaExpansion):
        return Or(tuple(_atoms(field, part, placeholders) for part in value.values))
    if _names(value):
        return Or(tuple(_atoms(field, part, {}) for part in _expanded(value, placeholders)))
    return Atom(field, _test(field, value), _item(field, value))


def _expanded(value: Any, placeholders: Placeholders) -> Iterable[Any]:
    """Yield the value with every combination of its placeholders' values."""
    is_pattern = isinstance(value, SigmaRegularExpression)
    parts = (value.regexp if is_pattern else value).s
    choices: list[list[list[Any]]] = []
    for part in parts:
        if not isinstance(part, Placeholder):
            choices.append([[part]])
        elif part.name in placeholders:
            choices.append([_piece(text, is_pattern) for text in placeholders[part.name]])
        else:
            raise Unrunnable(f"needs values for %{part.name}%")
    if prod(map(len, choices)) > MAX_VALUES:
        raise Unrunnable(f"its placeholders make more than {MAX_VALUES} values of one")
    for chosen in product(*choices):
        pieces = [piece for parts in chosen for piece in parts]
        if is_pattern:
            pattern = "".join(_SIGNS.get(piece, piece) for piece in pieces)
            yield SigmaRegularExpression(pattern, value.flags, value.policy)
        else:
            text = value.__class__()
            text.s = pieces
            yield text._merge_strs()


def _piece(text: str, is_pattern: bool) -> list[Any]:
    """Return a placeholder's value as parts of a string, in a regular expression as a pattern of it."""
    parts: list[Any] = list(SigmaString(text).s)
    return ["".join(_glob(parts))] if is_pattern else parts


def _test(field: str | None, value: Any) -> Test:
    if isinstance(value, SigmaString):
        return _text(value, keyword=field is None)
    if isinstance(value, SigmaTimestampPart):
        return _compare(value, "eq")
    if isinstance(value, SigmaNumber):
        return Text("contains" if field is None else "equals", str(value.number))
    if isinstance(value, SigmaBool):
        return Text("contains" if field is None else "equals", "true" if value.boolean else "false")
    if isinstance(value, SigmaRegularExpression):
        flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
        return Regex(compile_pattern(str(value.regexp), flags=flags))
    if isinstance(value, SigmaCIDRExpression):
        return Cidr(value.network)
    if isinstance(value, SigmaNull):
        return Null()
    if isinstance(value, SigmaExists):
        return Exists(value.exists)
    if isinstance(value, SigmaFieldReference):
        return Reference(value.field.replace(" ", ""), _reference_shape(value))
    if isinstance(value, SigmaCompareExpression) and value.op in _OPERATORS:
        return _compare(value.number, _OPERATORS[value.op])
    raise Unrunnable(f"values of kind {type(value).__name__} cannot be tested")


def _compare(number: SigmaNumber, operator: Operator) -> Compare:
    part: Any = number.timestamp_part.name.lower() if isinstance(number, SigmaTimestampPart) else None
    return Compare(operator, number.number, part)


def _reference_shape(value: SigmaFieldReference) -> Shape:
    if value.starts_with and value.ends_with:
        return "contains"
    if value.starts_with:
        return "startswith"
    return "endswith" if value.ends_with else "equals"


def _text(value: SigmaString, *, keyword: bool) -> Test:
    """A plain string, with wildcards at its ends, or a pattern; a keyword lies anywhere in a value."""
    cased = isinstance(value, SigmaCasedString)
    parts: list[Any] = list(value.s)
    if keyword:
        parts = [SpecialChars.WILDCARD_MULTI, *parts, SpecialChars.WILDCARD_MULTI]
    many = SpecialChars.WILDCARD_MULTI
    head = bool(parts) and parts[0] is many
    tail = len(parts) > 1 and parts[-1] is many
    inner = _stripped(parts, many) if head or tail else parts
    plain = "".join(part for part in inner if isinstance(part, str))
    # A keyword of wildcards alone asks for any value at all, which an event without values has not.
    if all(isinstance(part, str) for part in inner) and (plain or not keyword):
        shape: Shape = "equals"
        if head:
            shape = "contains" if tail or not plain else "endswith"
        elif tail:
            shape = "startswith"
        return Text(shape, plain if cased else plain.lower(), cased)
    return Regex(compile_pattern(_wildcards(parts, cased=cased)), cased)


def _stripped(parts: list[Any], many: SpecialChars) -> list[Any]:
    inner = list(parts)
    while inner and inner[0] is many:
        inner.pop(0)
    while inner and inner[-1] is many:
        inner.pop()
    return inner


def _wildcards(parts: list[Any], *, cased: bool) -> str:
    lowered = [part.lower() if isinstance(part, str) and not cased else part for part in parts]
    return "".join(["(?s)\\A", *_glob(lowered), "\\z"])


def _glob(parts: list[Any]) -> Iterator[str]:
    """Yield the parts of a string with wildcards as parts of a pattern."""
    import re2

    for part in parts:
        if part is SpecialChars.WILDCARD_MULTI:
            yield ".*"
        elif part is SpecialChars.WILDCARD_SINGLE:
            yield "."
        else:
            yield str(re2.escape(part))


def _item(field: str | None, value: Any) -> str:
    """Return how a reader recognises the line of the rule, at most 200 characters."""
    if isinstance(value, SigmaNull):
        shown = "null"
    elif isinstance(value, SigmaExists):
        shown = f"exists {str(value.exists).lower()}"
    elif isinstance(value, SigmaFieldReference):
        shown = f"field {value.field}"
    elif isinstance(value, SigmaCompareExpression):
        shown = f"{value.op.name.lower()} {value.number}"
    elif isinstance(value, SigmaRegularExpression):
        shown = f"re {value.regexp}"
    else:
        shown = str(value)
    return (f"{field}: {shown}" if field else shown)[:200]
