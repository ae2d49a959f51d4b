"""The yardstick of the fast matcher: closures made from each rule, looked up by log source.

Alternatives of one field become one test (`in` a set, `endswith` a tuple), so a rule of hundreds of values
costs a few operations; which rules look at an event is remembered per route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sent.engines.radar.decoding.normalise import as_process_creation
from sent.engines.radar.model import Event, Match, Route, Rule
from sent.engines.radar.sigma.expression import (
    And,
    Atom,
    Exists,
    Node,
    Not,
    Null,
    Or,
    Reference,
    Regex,
    Text,
    View,
)
from sent.engines.radar.sigma.logsource import wanted

Check = Callable[[View], bool]

MAX_ROUTES = 20_000
"""Routes remembered; a sender of made-up event ids cannot grow it without bound."""


class Evaluator:
    """The matcher over a set of rules. `map_4688`: Security 4688 feeds process_creation as well."""

    def __init__(self, rules: Iterable[Rule], *, map_4688: bool = True) -> None:
        self._rules = tuple((rule, check(rule.condition)) for rule in sorted(rules, key=lambda r: r.id))
        self._by_route: dict[Route, tuple[tuple[Rule, Check], ...]] = {}
        self._map_4688 = map_4688

    def match(self, event: Event) -> list[Match]:
        """Return one match for each rule that fires, ordered by rule id."""
        found = self._matches(event)
        if self._map_4688 and event.route.event_id == 4688:
            mapped = as_process_creation(event)
            if mapped is not None:
                known = {match.rule.id for match in found}
                found += [match for match in self._matches(mapped) if match.rule.id not in known]
                found.sort(key=lambda match: match.rule.id)
        return found

    def _matches(self, event: Event) -> list[Match]:
        view = View(event.fields)
        return [Match(rule, event) for rule, test in self._candidates(event.route) if test(view)]

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of the events seen."""
        return tuple(self._by_route)

    def _candidates(self, route: Route) -> tuple[tuple[Rule, Check], ...]:
        known = self._by_route.get(route)
        if known is None:
            if len(self._by_route) >= MAX_ROUTES:
                self._by_route.clear()
            known = tuple(entry for entry in self._rules if wanted(entry[0].logsource, route))
            self._by_route[route] = known
        return known


def check(node: Node) -> Check:
    """Return a closure that decides `node`; it agrees with `expression.holds`."""
    if isinstance(node, Atom):
        return _atom(node)
    if isinstance(node, Not):
        inner = check(node.node)
        return lambda view: not inner(view)
    if isinstance(node, And):
        return _all([check(part) for part in node.nodes])
    return _any([*_alternatives(node)])


def _all(parts: list[Check]) -> Check:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda view: first(view) and second(view)

    def every(view: View) -> bool:
        for part in parts:  # noqa: SIM110 (a generator expression costs twice as much here)
            if not part(view):
                return False
        return True

    return every


def _any(parts: list[Check]) -> Check:
    if len(parts) == 1:
        return parts[0]

    def some(view: View) -> bool:
        for part in parts:  # noqa: SIM110 (as above)
            if part(view):
                return True
        return False

    return some


def _alternatives(node: Or) -> Iterable[Check]:
    """Yield the checks of an `or`, plain texts of one field and shape taken together."""
    groups: dict[tuple[str, str], list[str]] = {}
    rest: list[Check] = []
    for part in node.nodes:
        test = part.test if isinstance(part, Atom) else None
        if isinstance(part, Atom) and part.field is not None and isinstance(test, Text) and not test.cased:
            groups.setdefault((part.field, test.shape), []).append(test.value)
        else:
            rest.append(check(part))
    for (field, shape), values in groups.items():
        yield _texts(field, shape, values)
    yield from rest


def _texts(field: str, shape: str, values: list[str]) -> Check:
    if shape == "equals":
        wanted_values = frozenset(values)
        return lambda view: view.lower[field] in wanted_values
    if shape == "startswith":
        heads = tuple(values)
        return lambda view: (value := view.lower[field]) is not None and value.startswith(heads)
    if shape == "endswith":
        tails = tuple(values)
        return lambda view: (value := view.lower[field]) is not None and value.endswith(tails)
    if len(values) == 1:
        needle = values[0]
        return lambda view: (value := view.lower[field]) is not None and needle in value

    def contains(view: View) -> bool:
        value = view.lower[field]
        if value is None:
            return False
        for needle in values:  # noqa: SIM110 (as above)
            if needle in value:
                return True
        return False

    return contains


def _atom(atom: Atom) -> Check:
    field, test = atom.field, atom.test
    if field is None:
        return _keyword(atom)
    if isinstance(test, Text) and not test.cased:
        return _texts(field, test.shape, [test.value])
    if isinstance(test, Null):
        return lambda view: view.text.get(field) is None
    if isinstance(test, Exists):
        present = test.present
        return lambda view: (field in view.text) == present
    if isinstance(test, Reference):
        return _reference(field, test)
    if isinstance(test, Regex):
        search, texts = test.pattern.search, test.cased
        if texts:
            return lambda view: (value := view.text.get(field)) is not None and search(value) is not None
        return lambda view: (value := view.lower[field]) is not None and search(value) is not None
    span = test.span
    return lambda view: (value := view.text.get(field)) is not None and span(value) is not None


def _reference(field: str, test: Reference) -> Check:
    other, shape = test.field, test.shape

    def refers(view: View) -> bool:
        value, against = view.text.get(field), view.lower[other]
        return value is not None and against is not None and Text(shape, against).span(value) is not None

    return refers


def _keyword(atom: Atom) -> Check:
    test = atom.test
    if isinstance(test, Text) and test.shape == "contains" and "\n" not in test.value:
        needle = test.value
        if test.cased:
            return lambda view: needle in view.haystack
        return lambda view: needle in view.lower_haystack
    if isinstance(test, Null | Exists | Reference):
        return lambda _view: False
    span = test.span
    return lambda view: any(value is not None and span(value) is not None for value in view.text.values())
