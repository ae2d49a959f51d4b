"""The named selections of a rule as conditions of their own, to say of each whether it holds. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetections

from sent.engines.radar.rulebook.ruletext import body_of
from sent.engines.radar.sigma.condition import MAX_ATOMS, Placeholders, Unrunnable, node_from, tests_in
from sent.engines.radar.sigma.dialect import prepared
from sent.engines.radar.sigma.expression import Node
from sent.engines.radar.sigma.pattern import PatternRefused
from sent.engines.radar.sigma.ruleset import POLICY

MAX_SELECTIONS = 100


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection and its condition."""

    name: str
    condition: Node


def selections(text: str, placeholders: Placeholders) -> list[Selection]:
    """Return the selections of a rule that runs, in their order; one that does not read is left out."""
    detection = prepared(body_of(text).get("detection") or {})
    found: list[Selection] = []
    for name, body in detection.items():
        if name in ("condition", "timeframe") or len(found) >= MAX_SELECTIONS:
            continue
        try:
            parsed = SigmaDetections.from_dict({name: body, "condition": name}, policy=POLICY)
            if tests_in(parsed) <= MAX_ATOMS:
                (condition,) = parsed.parsed_condition
                found.append(Selection(str(name), node_from(condition.parsed, placeholders)))
        except (SigmaError, Unrunnable, PatternRefused, ValueError, TypeError, KeyError, AttributeError):
            continue
    return found
