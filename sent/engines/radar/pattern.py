"""Regular expressions over log text, which attackers write.

Patterns run on RE2, whose time is linear in the text. What RE2 cannot do (look-around, back-references) runs
on Python's `re` only when the pattern holds a literal that must occur (the gate), no unbounded repeat lies
inside another, and only on values of at most 4 KB; else the rule is rejected with that reason.
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

_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT"})

Span = tuple[int, int]


class PatternRefused(ValueError):
    """The pattern can be run neither in linear time nor behind a gate."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: `search(text)` gives the span of the first match, or None."""

    source: str
    linear: bool
    search: Callable[[str], Span | None]


def compile_pattern(source: str, *, flags: str = "") -> Pattern:
    """Compile `source` with flags out of `ims`; raises PatternRefused naming the reason."""
    import re2  # 2.4 MB that an idle worker does not need

    if len(source) > MAX_PATTERN:
        raise PatternRefused(f"regular expression is longer than {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    prefix = f"(?{flags})" if flags else ""
    try:
        linear = re2.compile(prefix + _dollars(source, multiline="m" in flags), options)
    except re2.error as error:
        return _gated(source, prefix, _said(error))
    return Pattern(source, True, lambda text: _span(linear.search(text)))


def _gated(source: str, prefix: str, reason: str) -> Pattern:
    try:
        compiled = re.compile(prefix + source)
        tree = re._parser.parse(prefix + source)  # type: ignore[attr-defined]
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternRefused(f"regular expression is invalid: {error}") from error
    if _nested_repeat(tree, inside=False):
        raise PatternRefused(f"RE2 cannot run it ({reason}) and it repeats a repeat without bound")
    gate = max(_literals(tree), key=len, default="").lower()
    if len(gate) < GATE_LENGTH:
        raise PatternRefused(
            f"RE2 cannot run it ({reason}) and it holds no literal of {GATE_LENGTH} characters as a gate"
        )

    def search(text: str) -> Span | None:
        if len(text) > BACKTRACKING_LIMIT or gate not in text.lower():
            return None
        return _span(compiled.search(text))

    return Pattern(source, False, search)


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


def _nested_repeat(tree: Any, *, inside: bool) -> bool:
    for operation, argument in tree:
        unbounded = str(operation) in _REPEATS and int(argument[1]) > 64
        if unbounded and inside:
            return True
        if any(_nested_repeat(part, inside=inside or unbounded) for part in _parts(argument)):
            return True
    return False


def _parts(argument: Any) -> list[Any]:
    """Return the sub-patterns inside an operation's argument."""
    if hasattr(argument, "data"):
        return [argument]
    if isinstance(argument, list | tuple):
        return [part for item in argument for part in _parts(item)]
    return []
