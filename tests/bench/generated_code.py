"""The baseline of R4: every rule as generated Python source, looked up by log source.

What a good engineer writes without a multi-pattern automaton: values are lowered once an event, alternatives
of one field are one `in` a frozenset, one `endswith` of a tuple or a chain of `in`, regular expressions are
compiled once, and the rules of a log source are remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sent.engines.radar.model import Route, Rule
from sent.engines.radar.sigma.expression import (
    And,
    Atom,
    Exists,
    Node,
    Not,
    Null,
    Or,
    Regex,
    Text,
    View,
    holds,
)
from sent.engines.radar.sigma.logsource import wanted

Lower = Mapping[str, str | None]


class GeneratedCode:
    """`fired(fields, route)` gives the ids of the rules that fire."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [(rule, _function(rule)) for rule in sorted(rules, key=lambda rule: rule.id)]
        self._by_route: dict[Route, list[tuple[str, Callable[..., bool]]]] = {}

    def prepare(self, routes: Iterable[Route]) -> None:
        for route in routes:
            self._by_route[route] = [
                (rule.id, function) for rule, function in self._rules if wanted(rule.logsource, route)
            ]

    def fired(self, fields: dict[str, str | None], route: Route) -> list[str]:
        lower = {name: None if value is None else value.lower() for name, value in fields.items()}
        every = "\n".join(filter(None, lower.values()))
        get = lower.get
        return [rule_id for rule_id, function in self._by_route[route] if function(get, fields, lower, every)]


def _function(rule: Rule) -> Callable[..., bool]:
    names: dict[str, Any] = {}
    source = f"def rule(get, fields, lower, every):\n    return bool({_source(rule.condition, names)})"
    exec(source, names)
    function: Callable[..., bool] = names["rule"]
    return function


def _constant(names: dict[str, Any], value: Any) -> str:
    name = f"c{len(names)}"
    names[name] = value
    return name


def _source(node: Node, names: dict[str, Any]) -> str:
    if isinstance(node, Not):
        return f"not ({_source(node.node, names)})"
    if isinstance(node, And):
        return " and ".join(f"({_source(part, names)})" for part in node.nodes)
    if isinstance(node, Or):
        return " or ".join(f"({part})" for part in _alternatives(node, names))
    return _atom(node, names)


def _alternatives(node: Or, names: dict[str, Any]) -> list[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    out: list[str] = []
    for part in node.nodes:
        test = part.test if isinstance(part, Atom) else None
        if isinstance(part, Atom) and part.field is not None and isinstance(test, Text) and not test.cased:
            groups.setdefault((part.field, test.shape), []).append(test.value)
        else:
            out.append(_source(part, names))
    for (field, shape), values in groups.items():
        value = f"get({field!r})"
        if shape == "equals":
            out.insert(0, f"{value} in {_constant(names, frozenset(values))}")
        elif shape == "contains":
            inner = " or ".join(f"{needle!r} in v" for needle in values)
            out.insert(0, f"(v := {value}) is not None and ({inner})")
        else:
            out.insert(0, f"(v := {value}) is not None and v.{shape}({_constant(names, tuple(values))})")
    return out


def _atom(atom: Atom, names: dict[str, Any]) -> str:
    test, field = atom.test, atom.field
    if field is None and isinstance(test, Text) and not test.cased:
        return f"{test.value!r} in every"
    if field is None or not isinstance(test, Text | Regex | Null | Exists):
        # Rare: two fields compared, networks, numbers.
        names["View"], names["holds"] = View, holds
        return f"holds({_constant(names, atom)}, View(fields))"
    if isinstance(test, Null):
        return f"get({field!r}) is None"
    if isinstance(test, Exists):
        return f"({field!r} in fields) == {test.present}"
    if isinstance(test, Regex):
        value = f"fields.get({field!r})" if test.cased else f"get({field!r})"
        return f"(v := {value}) is not None and {_constant(names, test.pattern.search)}(v) is not None"
    if test.cased:
        return f"(v := fields.get({field!r})) is not None and {_constant(names, test.span)}(v) is not None"
    if test.shape == "equals":
        return f"get({field!r}) == {test.value!r}"
    if test.shape == "contains":
        return f"(v := get({field!r})) is not None and {test.value!r} in v"
    return f"(v := get({field!r})) is not None and v.{test.shape}({test.value!r})"
