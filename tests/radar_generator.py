"""Events made for a rule: one that fulfils its condition, and one that just does not.

Both come from the rule's own tree. A way to make it true is a list of tests that must hold and tests that
must not; a value is put together for each field of it. The violating event differs from the satisfying one in
one field, if there is one that matters alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from sent.engines.radar.sigma.expression import (
    And,
    Atom,
    Cidr,
    Compare,
    Exists,
    Node,
    Not,
    Null,
    Or,
    Reference,
    Regex,
    Text,
    View,
    holds,
)

Fields = dict[str, str | None]
Literal = tuple[Atom, bool]

WAYS = 400
"""Ways to make a condition true that are tried."""

KEYWORDS = "Message"
"""The field that holds what keywords look for."""


@dataclass(frozen=True)
class Pair:
    """The two events; None: none was found."""

    satisfying: Fields | None
    violating: Fields | None


def pair(node: Node) -> Pair:
    """Return the two events of a condition."""
    made = next(_events(node, True), None)
    if made is None:
        return Pair(None, None)
    return Pair(made, _violated(node, made))


def _violated(node: Node, made: Fields) -> Fields | None:
    """Return the event with one field changed so that the condition fails: changed little, then left out."""
    for name, value in made.items():
        for other in [*_near(value), None]:
            changed = {**made, name: other}
            if other is None:
                del changed[name]
            if not holds(node, View(changed)):
                return changed
    others = sorted(
        islice(_events(node, False), 50),
        key=lambda other: sum(made.get(name) != other.get(name) for name in {*made, *other}),
    )
    return others[0] if others else None


def _near(value: str | None) -> Iterator[str]:
    """Yield values one character away, from the middle outwards."""
    text = value or ""
    middle = len(text) // 2
    for place in sorted(range(len(text)), key=lambda at: abs(at - middle)):
        if text[place].isalnum():
            yield text[:place] + ("q" if text[place].lower() != "q" else "w") + text[place + 1 :]
    yield text + "~"


def _events(node: Node, want: bool) -> Iterator[Fields]:
    for literals in islice(_ways(node, want), WAYS):
        for fields in _built(literals):
            if holds(node, View(fields)) == want:
                yield fields
                break


def _ways(node: Node, want: bool) -> Iterator[list[Literal]]:
    """Yield lists of tests whose outcome decides the node."""
    if isinstance(node, Not):
        yield from _ways(node.node, not want)
    elif isinstance(node, And | Or):
        if isinstance(node, And) == want:
            yield from _together(node.nodes, want)
        else:
            for part in node.nodes:
                yield from islice(_ways(part, want), 30)
    else:
        yield [(node, want)]


def _together(parts: Sequence[Node], want: bool) -> Iterator[list[Literal]]:
    """Yield the parts' ways combined: all first ones, then one part varied at a time, then the product."""
    ways = [list(islice(_ways(part, want), 12)) for part in parts]
    if not all(ways):
        return
    first = [way[0] for way in ways]
    yield [literal for way in first for literal in way]
    for place, options in enumerate(ways):
        for option in options[1:]:
            yield [literal for at, way in enumerate(first) for literal in (option if at == place else way)]
    if len(ways) <= 4:
        for chosen in product(*ways):
            yield [literal for way in chosen for literal in way]


def _built(literals: list[Literal]) -> Iterator[Fields]:
    """Yield events in which the tests come out so; several, as joining parts may have accidents."""
    by_field: dict[str | None, list[Literal]] = {}
    for literal in literals:
        by_field.setdefault(literal[0].field, []).append(literal)
    keywords = by_field.pop(None, [])
    choices: list[list[tuple[str, str | None] | None]] = []
    for name, tests in by_field.items():
        assert name is not None
        options = [value for value in _values(tests) if value is not _IMPOSSIBLE]
        if not options:
            return
        choices.append([None if value is _ABSENT else (name, value) for value in options])
    wanted = [test for test, want in keywords if want]
    words = [_sample(atom) for atom in wanted]
    for chosen in islice(product(*choices), 40):
        fields: Fields = dict(item for item in chosen if item is not None)
        for number, word in enumerate(words):
            fields[f"{KEYWORDS}{number or ''}"] = f"x {word} x" if _plain(wanted[number]) else word
        for atom, want in literals:
            if want and isinstance(atom.test, Reference) and atom.field is not None:
                same = fields.get(atom.test.field) or "same"
                fields[atom.field] = fields[atom.test.field] = same
        yield fields or {"Unrelated": "x"}


_ABSENT: Any = object()
_IMPOSSIBLE: Any = object()


def _plain(atom: Atom) -> bool:
    return isinstance(atom.test, Text) and atom.test.shape == "contains"


def _values(tests: list[Literal]) -> Iterator[Any]:
    """Yield values of a field for which the tests come out as wanted."""
    positive = [atom.test for atom, want in tests if want]
    negative = [atom.test for atom, want in tests if not want]
    if any(isinstance(test, Null) for test in positive):
        yield _ABSENT
        return
    must_be = any(isinstance(test, Null) or test == Exists(True) for test in negative) or any(
        test == Exists(True) for test in positive
    )
    positive = [test for test in positive if not isinstance(test, Exists | Reference)]
    if not positive:
        if not must_be:
            yield _ABSENT
        yield from ("zz9", "4711", "")
        return
    seen: set[str] = set()
    for value in _candidates(positive):
        if value not in seen and all(_agrees(test, value, want) for test, want in _each(tests)):
            seen.add(value)
            yield _varied(value, positive)


def _each(tests: list[Literal]) -> Iterator[tuple[Any, bool]]:
    for atom, want in tests:
        if not isinstance(atom.test, Null | Exists | Reference):
            yield atom.test, want


def _agrees(test: Any, value: str, want: bool) -> bool:
    return (test.span(value) is not None) == want


def _varied(value: str, positive: list[Any]) -> str:
    """Return the value in another case where case does not matter."""
    if all(isinstance(test, Text) and not test.cased for test in positive):
        return "".join(char.upper() if char.isascii() and at % 2 else char for at, char in enumerate(value))
    return value


def _candidates(positive: list[Any]) -> Iterator[str]:
    texts = [test for test in positive if isinstance(test, Text)]
    whole = [test.value for test in texts if test.shape == "equals"]
    if whole:
        yield from whole
        return
    numbers = [test for test in positive if isinstance(test, Compare)]
    for test in numbers:
        yield from (str(test.number), str(test.number + 1), str(test.number - 1))
    networks = [test.network for test in positive if isinstance(test, Cidr)]
    for network in sorted(networks, key=lambda net: -net.prefixlen):
        yield str(network[min(1, network.num_addresses - 1)])
    patterns = [test for test in positive if isinstance(test, Regex)]
    heads = sorted((t.value for t in texts if t.shape == "startswith"), key=len, reverse=True)
    tails = sorted((t.value for t in texts if t.shape == "endswith"), key=len, reverse=True)
    inner = sorted((t.value for t in texts if t.shape == "contains"), key=len, reverse=True)
    for attempt in range(6):
        samples = [_matching(test.pattern.source, attempt) for test in patterns]
        if len(samples) == 1 and not texts:
            yield from (samples[0], f" {samples[0]} ", samples[0] * 2)
        for gap in (" ", "", "_", "\\", "x", "0"):
            for order in (inner, inner[::-1]):
                value = _joined(heads[:1], order, tails[:1], samples, gap)
                yield from (value, f"{value}x", f"x{value}", f"x{value}x", f"{value}{gap}")


def _joined(heads: list[str], inner: list[str], tails: list[str], samples: list[str], gap: str) -> str:
    """Put the parts one behind the other, leaving out what is there already."""
    value = "".join(heads)
    for part in [*samples, *inner]:
        if part not in value:
            value = f"{value}{gap}{part}" if value else part
    for tail in tails:
        if not value.endswith(tail):
            value = f"{value}{gap}{tail}" if value else tail
    return value


def _sample(atom: Atom) -> str:
    test = atom.test
    if isinstance(test, Text):
        return test.value
    return _matching(test.pattern.source, 0) if isinstance(test, Regex) else "x"


def _matching(source: str, attempt: int) -> str:
    """Return a text that the pattern should find; `attempt` varies the choices."""
    tree = re._parser.parse(source.replace("\\z", "\\Z"))  # type: ignore[attr-defined]
    return _text(tree, attempt, {})


def _text(tree: Any, attempt: int, groups: dict[int, str]) -> str:
    return "".join(_part(str(operation), argument, attempt, groups) for operation, argument in tree)


def _part(name: str, argument: Any, attempt: int, groups: dict[int, str]) -> str:
    if name == "LITERAL":
        return chr(argument)
    if name == "NOT_LITERAL":
        return "x" if argument != ord("x") else "y"
    if name == "ANY":
        return "xaZ19-"[attempt % 6]
    if name == "IN":
        return _one_of(argument, attempt)
    if name == "BRANCH":
        return _text(argument[1][attempt % len(argument[1])], attempt, groups)
    if name == "SUBPATTERN":
        text = _text(argument[3], attempt, groups)
        if argument[0] is not None:
            groups[argument[0]] = text
        return text
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, body = argument
        return "".join(_text(body, attempt, groups) for _ in range(min(max(least, attempt % 2), most)))
    if name == "GROUPREF":
        return groups.get(argument, "")
    return ""


_POOL = [
    chr(code) for code in [*range(97, 123), *range(48, 58), *range(65, 91), *range(32, 48), 95, 92, 9, 10]
]


def _one_of(items: Any, attempt: int) -> str:
    """Return a character of a class, out of those people use."""
    source = [(str(name), value) for name, value in items]
    negated = bool(source) and source[0][0] == "NEGATE"
    fitting = [char for char in _POOL if _in_class(char, source[negated:]) != negated]
    if fitting:
        return fitting[attempt % min(len(fitting), 3)]
    return next((chr(value if name == "LITERAL" else value[0]) for name, value in source[negated:]), "")


def _in_class(char: str, source: list[tuple[str, Any]]) -> bool:
    for name, value in source:
        if name == "LITERAL" and ord(char) == value:
            return True
        if name == "RANGE" and value[0] <= ord(char) <= value[1]:
            return True
        if name == "CATEGORY":
            kind = str(value).rpartition("CATEGORY_")[2]
            tests = {"DIGIT": char.isdigit(), "SPACE": char.isspace(), "WORD": char.isalnum() or char == "_"}
            if tests.get(kind, not tests.get(kind.removeprefix("NOT_"), True)):
                return True
    return False
