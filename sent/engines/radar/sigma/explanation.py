"""Why a rule fires on an event, and why it does not: its condition with the verdict on every part.

Pure, over the plain tree (`expression.holds`), so that what is explained is what the specification says and
not what a fast matcher remembers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sent.engines.radar.decoding.normalise import as_process_creation
from sent.engines.radar.model import Event, Rule
from sent.engines.radar.sigma.expression import (
    EXPLAINED_LIMIT,
    And,
    Atom,
    Node,
    Not,
    Or,
    View,
    explain,
    holds,
)
from sent.engines.radar.sigma.logsource import wanted

SHOWN_PARTS = 12
"""Parts of an `or` that are shown; of hundreds of values nobody reads all."""

ALL_PARTS = 200
"""The same of an `and`, whose parts all matter."""

Kind = Literal["and", "or", "not", "test"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A part of a condition; of a test the `text` as the rule says it and the `value` it looked at."""

    kind: Kind
    holds: bool
    text: str = ""
    value: str | None = None
    parts: tuple[Verdict, ...] = ()
    left_out: int = 0
    """Parts that are not shown; those of an `or` do not hold."""
    keyword: bool = False
    """A test that names no field: it looks at all of them."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a rule looks at an event at all (`looks`), fires, and why."""

    rule: Rule
    looks: bool
    fires: bool
    route: str
    verdict: Verdict
    missing: int
    """How many tests would have to turn out otherwise; 0 if it fires."""
    event: Event
    """The event as the rule sees it (4688 as process_creation)."""


def explained(rule: Rule, event: Event, *, map_4688: bool = False) -> Explanation:
    """Explain a rule on an event; with `map_4688` on the view of a Security 4688 event the rule asks for."""
    mapped = as_process_creation(event) if map_4688 else None
    if mapped is not None and not wanted(rule.logsource, event.route):
        event = mapped
    looks = wanted(rule.logsource, event.route)
    view = View(event.fields)
    return Explanation(
        rule=rule,
        looks=looks,
        fires=looks and holds(rule.condition, view),
        route=_route(event),
        verdict=verdict(rule.condition, view),
        missing=_distance(rule.condition, view, wanted_to_hold=True),
        event=event,
    )


def verdict(node: Node, view: View) -> Verdict:
    """Return the verdict on a condition and on its parts."""
    held = holds(node, view)
    if isinstance(node, Atom):
        value = view.text.get(node.field) if node.field is not None else _keyword_value(node, view)
        shown = None if value is None else value[:EXPLAINED_LIMIT]
        return Verdict("test", held, node.item, shown, keyword=node.field is None)
    if isinstance(node, Not):
        return Verdict("not", held, parts=(verdict(node.node, view),))
    parts = [verdict(part, view) for part in _flat(node)]
    if isinstance(node, And):
        if len(parts) > ALL_PARTS:
            parts.sort(key=lambda part: part.holds)
        return Verdict("and", held, parts=tuple(parts[:ALL_PARTS]), left_out=max(0, len(parts) - ALL_PARTS))
    parts.sort(key=lambda part: not part.holds)
    return Verdict("or", held, parts=tuple(parts[:SHOWN_PARTS]), left_out=max(0, len(parts) - SHOWN_PARTS))


def _flat(node: And | Or) -> Iterator[Node]:
    """Yield the parts of a list of parts, those of a list of the same kind in it among them."""
    for part in node.nodes:
        if type(part) is type(node):
            yield from _flat(part)
        else:
            yield part


def lines(found: Explanation) -> Iterator[str]:
    """Yield the explanation as an indented tree."""
    rule = found.rule
    by = f", by {rule.author}" if rule.author else ""
    yield f"{rule.title} ({rule.id}{by})"
    if not found.looks:
        yield f"  does not look at this event: it asks for {rule.logsource}, the event is {found.route}"
    elif found.fires:
        yield "  fires"
    else:
        yield f"  does not fire; {found.missing} test{'' if found.missing == 1 else 's'} short of it"
    yield from _tree(found.verdict, 1)


def as_json(found: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON has it."""
    out: dict[str, Any] = {"kind": found.kind, "holds": found.holds}
    if found.kind == "test":
        return out | {"test": found.text, "value": found.value}
    out["parts"] = [as_json(part) for part in found.parts]
    return out | ({"left_out": found.left_out} if found.left_out else {})


def _tree(found: Verdict, depth: int) -> Iterator[str]:
    mark = "+" if found.holds else "-"
    pad = "  " * depth
    if found.kind == "test":
        value = "(absent)" if found.value is None else repr(found.value[:200])
        yield f"{pad}{mark} {found.text}    {value}"
        return
    words = {"and": "all of", "or": "one of", "not": "not"}
    yield f"{pad}{mark} {words[found.kind]}"
    for part in found.parts:
        yield from _tree(part, depth + 1)
    if found.left_out:
        yield f"{pad}    and {found.left_out} more" + (" that do not hold" if found.kind == "or" else "")


def _keyword_value(atom: Atom, view: View) -> str | None:
    """Return the value a keyword was found in."""
    return next((match.value for match in explain(atom, view)), None)


def _distance(node: Node, view: View, *, wanted_to_hold: bool) -> int:
    """Return how many tests at least have to turn out otherwise for the condition to be as wanted."""
    if isinstance(node, Atom):
        return int(holds(node, view) != wanted_to_hold)
    if isinstance(node, Not):
        return _distance(node.node, view, wanted_to_hold=not wanted_to_hold)
    parts = [_distance(part, view, wanted_to_hold=wanted_to_hold) for part in node.nodes]
    every = isinstance(node, And) == wanted_to_hold
    return sum(parts) if every else min(parts, default=1)


def _route(event: Event) -> str:
    route = event.route
    if route.channel:
        return f"event {route.event_id} of {route.channel}"
    names = [route.product, *sorted(route.categories), *sorted(route.services)]
    return "/".join(name for name in names if name) or "of no known source"
