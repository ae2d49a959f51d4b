"""Literals of which a value must hold at least one before a pattern can match it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sent.engines.radar.sigma.expression import Regex, Test, Text

RARE = frozenset("`^{}+<>|~$%&*;!@#[]?")
"""What stands in few values; any other literal of a single character is no gate."""

COUNTED = 15

MOST = 64
"""Literals of one pattern."""

_UNSAFE = re.compile(r"[^ -~]")
_UNSAFE_FOLDED = re.compile(r"[^ -jl-rt-~]")
"""RE2's `(?i)` lets the Kelvin sign be a k and the long s an s."""

_COUNTS = re.compile(r"[{,](\d{1,9})")
_END = re.compile(r"(?<!\\)((?:\\\\)*)\\z")


def gates(test: Test) -> frozenset[str]:
    """Return lower-case literals, at least one of which stands in every value that fulfils `test`.

    Empty: nothing is known, the test has to be tried on every value.
    """
    if isinstance(test, Text) and test.cased and test.value.isascii():
        return frozenset({test.value.lower()} - {""})
    if not isinstance(test, Regex) or not test.pattern.linear:
        return frozenset()
    try:
        tree = re._parser.parse(_END.sub(r"\1\\Z", test.pattern.source))  # type: ignore[attr-defined]
    except (re.error, RecursionError, OverflowError):
        return frozenset()
    return _necessary(tree, _UNSAFE_FOLDED if test.pattern.folds else _UNSAFE)


def _necessary(tree: Iterable[Any], unsafe: re.Pattern[str]) -> frozenset[str]:
    """Return the best set of literals one of which every match of a sequence holds."""
    found: list[frozenset[str]] = []
    run = ""
    for operation, argument in tree:
        name = str(operation)
        char = _character(name, argument)
        if char:
            run += char
            continue
        found.append(_safe(run, unsafe))
        run = ""
        if name == "SUBPATTERN":
            found.append(_necessary(argument[3], unsafe))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and argument[0] >= 1:
            found.append(_necessary(argument[2], unsafe))
        elif name == "BRANCH":
            found.append(_either(argument[1], unsafe))
    found.append(_safe(run, unsafe))
    return max(found, key=_worth)


def _either(branches: Iterable[Any], unsafe: re.Pattern[str]) -> frozenset[str]:
    parts = [_necessary(branch, unsafe) for branch in branches]
    together = frozenset[str]().union(*parts)
    return together if all(parts) and len(together) <= MOST else frozenset()


def _character(name: str, argument: Any) -> str:
    """Return the lower-case letter an operation stands for; `[Pp]` is a p."""
    if name == "LITERAL":
        return chr(argument).lower()
    if name == "IN" and all(str(part[0]) == "LITERAL" for part in argument):
        letters = {chr(part[1]).lower() for part in argument}
        return letters.pop() if len(letters) == 1 else ""
    return ""


def _safe(run: str, unsafe: re.Pattern[str]) -> frozenset[str]:
    longest = max(unsafe.split(run), key=len)
    return frozenset({longest}) if len(longest) > 1 or longest in RARE else frozenset()


def _worth(literals: frozenset[str]) -> tuple[int, int]:
    return min(map(len, literals), default=0), -len(literals)


def counts(test: Regex) -> bool:
    """Say whether a pattern counts far: run together with others it would give an automaton without end."""
    return any(int(number) > COUNTED for number in _COUNTS.findall(test.pattern.source))
