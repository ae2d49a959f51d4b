"""Filters: which rules they narrow, how, and what is said of those that narrow none."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from closures import Evaluator

from sent.engines.radar.model import EPOCH, Event, LogSource, RuleSet
from sent.engines.radar.sigma.logsource import configured_route
from sent.engines.radar.sigma.ruleset import parse_rules

IDS = {name: f"00000000-0000-4000-8000-00000000000{number}" for number, name in enumerate(("x", "y", "z"))}


def rule(name: str, **source: str) -> dict[str, Any]:
    return {
        "title": name,
        "name": f"rule_{name}",
        "id": IDS[name],
        "logsource": source or {"product": "windows", "category": "process_creation"},
        "detection": {"sel": {"F": "1"}, "other": {"G": "1"}, "condition": "sel or other"},
    }


def narrowing(rules: Any, condition: str = "not selection", **source: str) -> dict[str, Any]:
    return {
        "title": "Filter",
        "id": "00000000-0000-4000-8000-0000000000ff",
        "logsource": source or {"product": "windows"},
        "filter": {"rules": rules, "selection": {"User|startswith": "adm_"}, "condition": condition},
    }


def parsed(*documents: dict[str, Any], **options: Any) -> RuleSet:
    return parse_rules([("all.yml", yaml.safe_dump_all(documents), "")], **options)


def fired(found: RuleSet, source: LogSource | None = None, **fields: str) -> list[str]:
    route = configured_route(source or LogSource("windows", "process_creation"))
    return [match.rule.title for match in Evaluator(found.rules).match(Event(EPOCH, fields, route))]


def test_a_filter_is_joined_with_and_to_the_whole_condition() -> None:
    found = parsed(narrowing([IDS["x"]]), rule("x"), rule("y"))
    assert found.rejected == ()
    assert [made.rules for made in found.filters] == [(IDS["x"],)]
    assert fired(found, F="1", User="bob") == ["x", "y"]
    assert fired(found, F="1", User="ADM_eve") == ["y"]
    assert fired(found, G="1", User="adm_eve") == ["y"], "the rule's own `or` stands in parentheses"
    only = parsed(rule("x"), narrowing(["rule_x"], "selection"))
    assert fired(only, F="1", User="adm_eve") == ["x"]
    assert fired(only, F="1", User="bob") == []


def test_filters_take_names_ids_and_any_within_their_log_source() -> None:
    elsewhere = rule("z", product="linux")
    for rules in ("any", "ANY", [], ["rule_x", IDS["y"], IDS["z"]]):
        found = parsed(rule("x"), rule("y"), elsewhere, narrowing(rules))
        assert [made.rules for made in found.filters] == [(IDS["x"], IDS["y"])], rules
        assert fired(found, LogSource("linux"), F="1", User="adm_eve") == ["z"]
    one = parsed(rule("x"), narrowing(IDS["x"].upper()))
    assert [made.rules for made in one.filters] == [(IDS["x"],)]


def test_several_filters_all_hold() -> None:
    second = narrowing("any")
    second |= {"id": "00000000-0000-4000-8000-0000000000fe", "title": "Second"}
    second["filter"] = {
        "rules": "any",
        "a_1": {"Host": "h1"},
        "a_2": {"Host": "h2"},
        "condition": "not 1 of a_*",
    }
    found = parsed(narrowing("any"), second, rule("x"))
    assert fired(found, F="1", User="bob", Host="h3") == ["x"]
    assert fired(found, F="1", User="bob", Host="H2") == []
    assert fired(found, F="1", User="adm_a", Host="h3") == []


@pytest.mark.parametrize(
    ("filter", "reason"),
    [
        (narrowing(["nobody"]), "filters nothing: there is no rule nobody"),
        (narrowing(["rule_x"], product="linux"), "the rules it names are not of log source linux/*/*"),
        (narrowing("any", category="dns"), "there is no rule of log source */dns/*"),
        (narrowing(["rule_x"], "nobody"), "is no valid Sigma filter"),
        ({**narrowing("any"), "logsource": {}}, "log source can't be empty"),
        (
            {**narrowing("any"), "filter": {"selection": {"F": "1"}, "condition": "selection"}},
            "'rules' field",
        ),
        ({**narrowing("any"), "filter": "none"}, "is no valid Sigma filter"),
    ],
)
def test_a_filter_that_narrows_nothing_says_why(filter: dict[str, Any], reason: str) -> None:
    found = parsed(rule("x"), filter)
    assert found.filters == ()
    (bad,) = found.rejected
    assert bad.kind == "filter"
    assert reason in bad.reason
    assert fired(found, F="1", User="adm_eve") == ["x"]


def test_a_filter_may_have_placeholders_and_may_be_switched_off() -> None:
    filter = narrowing(["rule_x"])
    filter["filter"]["selection"] = {"User|expand": "%admins%"}
    (bad,) = parsed(rule("x"), filter).rejected
    assert (bad.reason, bad.depends) == ("needs values for %admins%", True)
    found = parsed(rule("x"), filter, placeholders={"admins": ("eve", "adm_*")})
    assert fired(found, F="1", User="Eve") == []
    off = parsed(rule("x"), filter, placeholders={"admins": ("eve",)}, off={filter["id"]})
    assert fired(off, F="1", User="Eve") == ["x"]
    assert (off.filters, off.rejected) == ((), ())


def test_rules_and_filters_without_ids_in_one_file_stay_apart() -> None:
    documents = [rule("x"), narrowing("any"), rule("y")]
    for document in documents:
        del document["id"]
    found = parsed(*documents)
    assert found.rejected == ()
    assert len({rule.id for rule in found.rules} | {made.id for made in found.filters}) == 3


def test_a_thousand_filters_of_one_rule_run_and_more_are_listed() -> None:
    files = [("x.yml", yaml.safe_dump(rule("x")), "")]
    for number in range(1_001):
        filter = narrowing("any") | {"id": f"00000000-0000-4000-8001-{number:012}"}
        filter["filter"] = {"rules": "any", "selection": {"User": f"u{number}"}, "condition": "not selection"}
        files.append((f"{number}.yml", yaml.safe_dump(filter), ""))
    found = parse_rules(files)
    assert [bad.reason for bad in found.rejected] == ["there are more than 1000 filters"]
    # Joined one around the other they were deeper than Python goes, and no rule of the organisation ran.
    assert fired(found, F="1", User="u999") == []
    assert fired(found, F="1", User="u1000") == ["x"]
