"""Regular expressions over log text, which attackers write.

Patterns run on RE2, whose time is linear in the text. What RE2 cannot do (look-around, back-references) runs
on Python's `re` only when the pattern holds a literal that must occur (the gate) and has at most one open
repeat, of a single character, and only on values of at most 4 KB; else the rule is rejected with that reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

GATE_LENGTH = 3
"""Characters the literal gate of a backtracking pattern must have at least."""

BACKTRACKING_LIMIT = 4096
"""Characters of a value a backtracking pattern looks at."""

MAX_PATTERN = 8192

ROOM = (1 << 20, 8 << 20)
"""Bytes RE2 may use for a pattern and the states it meets: hostile values fill it, for each pattern anew."""

MAX_REPEATS = 1
MAX_OPTIONS = 8
"""What a backtracking pattern may leave open; no rule of SigmaHQ backtracks at all."""

_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_CHARACTERS = frozenset({"LITERAL", "NOT_LITERAL", "IN", "ANY"})

_FOLD = re.compile(r"\(\?[a-zA-Z-]*i")

Span = tuple[int, int]


class PatternRefused(ValueError):
    """The pattern can be run neither in linear time nor behind a gate."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: `search(text)` gives the span of the first match, or None."""

    source: str
    linear: bool
    search: Callable[[str], Span | None]
    linear_source: str = ""
    """What RE2 runs, flags included; empty if it cannot."""
    flags: str = ""
    """Out of `ims`, as it was compiled with."""

    @property
    def folds(self) -> bool:
        """Say whether some of it may ignore case."""
        return _FOLD.search(self.linear_source) is not None


def compile_pattern(source: str, *, flags: str = "") -> Pattern:
    """Compile `source` with flags out of `ims`; raises PatternRefused naming the reason."""
    import re2

    if len(source) > MAX_PATTERN:
        raise PatternRefused(f"regular expression is longer than {MAX_PATTERN} characters")
    prefix = f"(?{flags})" if flags else ""
    whole = prefix + _dollars(source, multiline="m" in flags)
    try:
        linear = _linear(whole)
    except re2.error as error:
        return _gated(source, flags, _said(error))
    return Pattern(source, True, lambda text: _span(linear.search(text)), whole, flags)


def _linear(whole: str) -> Any:
    """Compile for RE2 with as little room for its states as the pattern can do with; raises re2.error."""
    import re2  # 2.4 MB that an idle worker does not need

    options = re2.Options()
    options.log_errors = False
    options.max_mem, most = ROOM
    try:
        return re2.compile(whole, options)
    except re2.error as error:
        if "too large" not in _said(error):
            raise
    options.max_mem = most
    return re2.compile(whole, options)


def _gated(source: str, flags: str, reason: str) -> Pattern:
    prefix = f"(?{flags})" if flags else ""
    try:
        compiled = re.compile(prefix + source)
        tree = re._parser.parse(prefix + source)  # type: ignore[attr-defined]
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternRefused(f"regular expression is invalid: {error}") from error
    repeats, options = _freedom(tree)
    if repeats > MAX_REPEATS or options > MAX_OPTIONS:
        raise PatternRefused(
            f"RE2 cannot run it ({reason}) and it repeats a repeat or a choice, or has more than"
            f" {MAX_REPEATS} open repeat or {MAX_OPTIONS} options"
        )
    gate = max(_literals(tree), key=len, default="").lower()
    if len(gate) < GATE_LENGTH:
        raise PatternRefused(
            f"RE2 cannot run it ({reason}) and it holds no literal of {GATE_LENGTH} characters as a gate"
        )

    def search(text: str) -> Span | None:
        if len(text) > BACKTRACKING_LIMIT or gate not in text.lower():
            return None
        return _span(compiled.search(text))

    return Pattern(source, False, search, flags=flags)


def _span(found: Any) -> Span | None:
    return None if found is None else (found.start(), found.end())


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


def _dollars(source: str, *, multiline: bool) -> str:
    """Give `$` the meaning rules are written for: the end, or before a newline that ends the text."""
    if multiline or "$" not in source or "(?m" in source:
        return source
    out: list[str] = []
    in_class = False
    position = 0
    while position < len(source):
        char = source[position]
        if char == "\\":
            out.append(source[position : position + 2])
            position += 2
            continue
        if char == "[" and not in_class:
            in_class = True
            following = re.match(r"\[\^?\]?", source[position:])
            taken = following.group() if following else char
            out.append(taken)
            position += len(taken)
            continue
        in_class = in_class and char != "]"
        out.append(r"(?:\n?\z)" if char == "$" and not in_class else char)
        position += 1
    return "".join(out)


def _literals(tree: Iterable[Any]) -> list[str]:
    """Return the runs of literal characters that every match must contain (top level only)."""
    runs: list[str] = []
    run = ""
    for operation, argument in tree:
        name = str(operation)
        if name == "LITERAL":
            run += chr(argument)
            continue
        runs.append(run)
        run = ""
        if name == "SUBPATTERN":
            runs += _literals(argument[3])
        elif name in _REPEATS and argument[0] >= 1:
            runs += _literals(argument[2])
    return [*runs, run]


def _freedom(tree: Any) -> tuple[int, int]:
    """Return how many repeats of one character and how many options backtracking may have to try.

    With one repeat and n characters it tries n squared ways, with two n cubed; a repeat whose body itself
    has a choice is exponential and counts as too many.
    """
    repeats = options = 0
    for operation, argument in tree:
        name = str(operation)
        if name in _REPEATS:
            least, most, body = int(argument[0]), int(argument[1]), argument[2]
            inner = _freedom(body)
            if most <= 1:
                options += most - least
            elif sum(inner):
                repeats += MAX_REPEATS + 1
            elif least != most:
                single = len(body) == 1 and str(body[0][0]) in _CHARACTERS
                repeats += 1 if single else MAX_REPEATS + 1
        else:
            if name == "BRANCH":
                options += len(argument[1]) - 1
            found = [_freedom(part) for part in _parts(argument)]
            inner = (sum(part[0] for part in found), sum(part[1] for part in found))
        repeats += inner[0]
        options += inner[1]
    return repeats, options


def _parts(argument: Any) -> list[Any]:
    """Return the sub-patterns inside an operation's argument."""
    if hasattr(argument, "data"):
        return [argument]
    if isinstance(argument, list | tuple):
        return [part for item in argument for part in _parts(item)]
    return []
