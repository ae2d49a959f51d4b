"""pySigma's parse trees become SENT's own (`sent.engines.radar.expression`)."""

from __future__ import annotations

from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
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

from sent.engines.radar.expression import (
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
from sent.engines.radar.pattern import compile_pattern

MAX_DEPTH = 64

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


class Unrunnable(ValueError):
    """The condition uses something that cannot be run; the text says what and what to do."""


def node_from(parsed: Any, depth: int = 0) -> Node:
    """Return the tree of a pySigma condition; raises Unrunnable or PatternRefused."""
    if depth > MAX_DEPTH:
        raise Unrunnable(f"condition nests deeper than {MAX_DEPTH}")
    if isinstance(parsed, ConditionAND):
        return And(tuple(node_from(part, depth + 1) for part in parsed.args))
    if isinstance(parsed, ConditionOR):
        return Or(tuple(node_from(part, depth + 1) for part in parsed.args))
    if isinstance(parsed, ConditionNOT):
        return Not(node_from(parsed.args[0], depth + 1))
    if isinstance(parsed, ConditionFieldEqualsValueExpression):
        return _atoms(parsed.field.replace(" ", ""), parsed.value)
    if isinstance(parsed, ConditionValueExpression):
        return _atoms(None, parsed.value)
    raise Unrunnable(f"condition holds nothing that can be tested ({type(parsed).__name__})")


def _atoms(field: str | None, value: Any) -> Node:
    if isinstance(value, SigmaExpansion):
        return Or(tuple(_atoms(field, part) for part in value.values))
    return Atom(field, _test(field, value), _item(field, value))


def _test(field: str | None, value: Any) -> Test:
    if isinstance(value, SigmaString):
        return _text(value, keyword=field is None)
    if isinstance(value, SigmaTimestampPart):
        return _compare(value, "eq")
    if isinstance(value, SigmaNumber):
        return Text("contains" if field is None else "equals", str(value.number))
    if isinstance(value, SigmaBool):
        return Text("equals", "true" if value.boolean else "false")
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
    return Compare(operator, float(number.number), part)


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
    names = [part.name for part in parts if isinstance(part, Placeholder)]
    if names:
        raise Unrunnable(f"needs values for placeholder %{names[0]}%")
    if keyword:
        parts = [SpecialChars.WILDCARD_MULTI, *parts, SpecialChars.WILDCARD_MULTI]
    many = SpecialChars.WILDCARD_MULTI
    head = bool(parts) and parts[0] is many
    tail = len(parts) > 1 and parts[-1] is many
    inner = _stripped(parts, many) if head or tail else parts
    if all(isinstance(part, str) for part in inner):
        plain = "".join(inner)
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
    import re2

    out = ["(?s)\\A"]
    for part in parts:
        if part is SpecialChars.WILDCARD_MULTI:
            out.append(".*")
        elif part is SpecialChars.WILDCARD_SINGLE:
            out.append(".")
        else:
            out.append(str(re2.escape(part if cased else part.lower())))
    return "".join([*out, "\\z"])


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
