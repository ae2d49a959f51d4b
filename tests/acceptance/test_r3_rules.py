"""R1 and R3: which shared rules run; each fires on what it asks for, and on nothing just beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from matchers import MATCHERS
from radar_generator import Fields, pair
from sigma_by_the_book import fires

from sent.engines.radar.model import EPOCH, Event, Rule, RuleSet
from sent.engines.radar.sigma.logsource import configured_route
from sent.engines.radar.sigma.reading import read_rules

UNSATISFIABLE = {
    "53d4bb30-3f36-4e8a-b078-69d36c4a79ff": "wants a command line to be RunWizard and to hold a GUID",
}
"""Rules for which no event exists, with the reason."""

MOST_REJECTED = 0.02
LEAST_PROVED = 0.995


@dataclass(frozen=True, slots=True)
class Made:
    """A rule with the events made for it; `by_the_book`: the evaluator by the book agrees with both."""

    rule: Rule
    satisfying: Fields | None
    violating: Fields | None
    by_the_book: bool


@pytest.fixture(scope="module")
def shared(test_data: Path) -> RuleSet:
    return read_rules(test_data / "sigma" / "rules.tar.gz")


@pytest.fixture(scope="module")
def made(shared: RuleSet) -> list[Made]:
    found = []
    for rule in shared.rules:
        events = pair(rule.condition)
        document: dict[str, Any] = yaml.load(rule.text, Loader=yaml.CSafeLoader)
        agrees = (
            events.satisfying is not None
            and events.violating is not None
            and fires(document, events.satisfying)
            and not fires(document, events.violating)
        )
        found.append(Made(rule, events.satisfying, events.violating, agrees))
    return found


def event(rule: Rule, fields: Fields) -> Event:
    return Event(at=EPOCH, fields=fields, route=configured_route(rule.logsource))


def test_r1_at_most_two_in_a_hundred_shared_rules_do_not_run_and_each_says_why(shared: RuleSet) -> None:
    total = len(shared.rules) + len(shared.rejected)
    assert total == 3021
    assert len(shared.rejected) / total <= MOST_REJECTED
    for bad in shared.rejected:
        assert bad.title
        assert bad.rule_id
        assert bad.reason.startswith(("needs values for %", "no known Windows channel provides category")), (
            bad
        )


def test_r1_rules_that_need_values_run_with_them(test_data: Path, shared: RuleSet) -> None:
    waiting = {bad.rule_id: re.findall("%([^%]+)%", bad.reason) for bad in shared.rejected if bad.depends}
    assert len(waiting) >= 15
    values = {name: (f"own-{name}", f"{name}-*") for names in waiting.values() for name in names}
    again = read_rules(test_data / "sigma" / "rules.tar.gz", values)
    assert set(waiting) <= {rule.id for rule in again.rules}
    for rule in again.rules:
        if rule.id in waiting:
            events = pair(rule.condition)
            assert events.satisfying is not None
            assert fires(yaml.safe_load(rule.text), events.satisfying, values)


@pytest.mark.parametrize("name", MATCHERS)
def test_r3_every_rule_fires_on_its_event_and_not_beside_it(
    shared: RuleSet, made: list[Made], name: str
) -> None:
    """The evaluator by the book agrees on both events, so the generator proves what it claims."""
    matcher = MATCHERS[name](shared.rules)
    failed: dict[str, str] = {}
    for case in made:
        rule = case.rule
        if case.satisfying is None or case.violating is None:
            failed[rule.id] = "no event"
            continue
        if not case.by_the_book:
            failed[rule.id] = "the book disagrees"
        elif rule.id not in {match.rule.id for match in matcher.match(event(rule, case.satisfying))}:
            failed[rule.id] = "does not fire"
        elif rule.id in {match.rule.id for match in matcher.match(event(rule, case.violating))}:
            failed[rule.id] = "fires beside"
    assert 1 - len(failed) / len(made) >= LEAST_PROVED
    assert failed == dict.fromkeys(UNSATISFIABLE, "no event")


def test_r3_the_violating_event_is_minimal(made: list[Made]) -> None:
    pairs = [case for case in made if case.satisfying is not None and case.violating is not None]
    one = sum(
        sum(
            case.satisfying.get(key) != case.violating.get(key) for key in {*case.satisfying, *case.violating}
        )
        == 1
        for case in pairs
        if case.satisfying is not None and case.violating is not None
    )
    assert one / len(pairs) >= 0.99, "one field differs"
