"""What every modifier of Sigma 2.1 means, rule by rule against single values."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from sent.engines.radar.evaluate import Evaluator
from sent.engines.radar.model import Event, Rule
from sent.engines.radar.normalise import event_from
from sent.engines.radar.ruleset import parse_rules

WHEN = "2026-03-05T14:07:09Z"


def rule(detection: dict[str, Any], **logsource: str) -> Rule:
    text = yaml.safe_dump(
        {
            "title": "Test",
            "id": "11111111-2222-4333-8444-555555555555",
            "logsource": logsource or {"product": "test"},
            "detection": detection,
        },
        allow_unicode=True,
    )
    found = parse_rules([("test.yml", text, "")])
    assert not found.rejected, found.rejected
    return found.rules[0]


def fires(detection: dict[str, Any], **fields: Any) -> bool:
    return bool(
        Evaluator([rule(detection)]).match(Event(at=event_from({}).at, fields=event_from(fields).fields))
    )


def item(key: str, value: Any, **fields: Any) -> bool:
    return fires({"sel": {key: value}, "condition": "sel"}, **fields)


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("F", "abc", "ABC", True),
        ("F", "abc", "abcd", False),
        ("F", "a*c", "aXXc", True),
        ("F", "a?c", "abc", True),
        ("F", "a?c", "abbc", False),
        ("F", "a\\*c", "a*c", True),
        ("F", "a\\*c", "abc", False),
        ("F", "C:\\Windows\\\\*", "c:\\windows\\system32", True),
        ("F", "*", "", True),
        ("F", "", "", True),
        ("F", "", "x", False),
        ("F", 5, 5, True),
        ("F", 5, "5", True),
        ("F", 5, "05", False),
        ("F", True, True, True),
        ("F", "true", True, True),
        ("F", None, None, True),
        ("F", None, "", False),
        ("F", ["a", "b"], "B", True),
        ("F|contains", "mid", "amidst", True),
        ("F|contains", "m?d", "amidst", True),
        ("F|contains|all", ["a", "z"], "a-z", True),
        ("F|contains|all", ["a", "z"], "a", False),
        ("F|startswith", "ab", "ABc", True),
        ("F|startswith", "bc", "abc", False),
        ("F|endswith", "bc", "aBC", True),
        ("F|endswith", "ab", "abc", False),
        ("F|cased", "Abc", "Abc", True),
        ("F|cased", "Abc", "abc", False),
        ("F|contains|cased", "BC", "aBCd", True),
        ("F|contains|cased", "BC", "abcd", False),
        ("F|cased", "A?c*", "Abcd", True),
        ("F|cased", "A?c*", "abcd", False),
        ("F|re", "^a[0-9]+z$", "a42z", True),
        ("F|re", "^a[0-9]+z$", "A42z", False),
        ("F|re", "^a[0-9]+z$", "a42z\n", True),
        ("F|re|i", "^a[0-9]+z$", "A42Z", True),
        ("F|re", "b.d", "b\nd", False),
        ("F|re|s", "b.d", "b\nd", True),
        ("F|re|m", "^two$", "one\ntwo\nthree", True),
        ("F|re", "^two$", "one\ntwo\nthree", False),
        ("F|re", "(?<=user=)root", "user=root", True),
        ("F|re", "(?<=user=)root", "USER=root", False),
        ("F|cidr", "10.0.0.0/8", "10.200.3.4", True),
        ("F|cidr", "10.0.0.0/8", "11.0.0.1", False),
        ("F|cidr", "2001:db8::/32", "2001:DB8:1::1", True),
        ("F|cidr", "10.0.0.0/8", "::1", False),
        ("F|cidr", "10.0.0.0/8", "no address", False),
        ("F|lt", 10, "9.5", True),
        ("F|lt", 10, 10, False),
        ("F|lte", 10, 10, True),
        ("F|gt", 10, 11, True),
        ("F|gt", 10, "eleven", False),
        ("F|gte", 10, 10, True),
        ("F|neq", "a", "b", True),
        ("F|neq", "a", "A", False),
        ("F|contains|neq", "x", "axb", False),
        ("F|exists", True, "", True),
        ("F|exists", False, "", False),
        ("F|base64", "foobar", "Zm9vYmFy", True),
        ("F|base64offset|contains", "foobar", "xxZm9vYmFyxx", True),
        ("F|base64offset|contains", "foobar", "xxZvb2Jhcxx", True),
        ("F|base64offset|contains", "foobar", "xxmb29iYXxx", True),
        ("F|base64offset|contains", "foobar", "xxnothingxx", False),
        ("F|wide|base64offset|contains", "ping", "cABpAG4AZw", True),
        ("F|windash|contains", " -x ", "cmd -x 1", True),
        ("F|windash|contains", " -x ", "cmd /x 1", True),
        ("F|windash|contains", " -x ", "cmd \u2013x 1", True),
        ("F|windash|contains", " -x ", "cmd \u2014x 1", True),
        ("F|windash|contains", " -x ", "cmd \u2015x 1", True),
        ("F|windash|contains", " -x ", "cmd +x 1", False),
        ("F|minute", 7, WHEN, True),
        ("F|hour", 14, WHEN, True),
        ("F|hour", 15, WHEN, False),
        ("F|day", 5, WHEN, True),
        ("F|week", 10, WHEN, True),
        ("F|month", 3, WHEN, True),
        ("F|year", 2026, WHEN, True),
        ("F|year", 2026, "no time", False),
        ("F|hour|gte", 14, WHEN, True),
        ("F|hour|gte", 15, WHEN, False),
    ],
)
def test_modifier(key: str, value: Any, field: Any, expected: bool) -> None:
    assert item(key, value, F=field) is expected


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("F", "a", False),
        ("F", "*", False),
        ("F", None, True),
        ("F|exists", True, False),
        ("F|exists", False, True),
        ("F|neq", "a", True),
        ("F|lt", 5, False),
        ("F|re", ".*", False),
        ("F|fieldref", "G", False),
    ],
)
def test_an_absent_field(key: str, value: Any, expected: bool) -> None:
    assert item(key, value, G="g") is expected


def test_not_over_an_absent_field_is_true() -> None:
    detection = {"sel": {"G": "g"}, "filter": {"F": "a"}, "condition": "sel and not filter"}
    assert fires(detection, G="g")
    assert not fires(detection, G="g", F="a")


def test_field_references() -> None:
    assert item("F|fieldref", "G", F="Same", G="same")
    assert not item("F|fieldref", "G", F="one", G="other")
    assert not item("F|fieldref", "G", F="one")
    assert item("F|fieldref|startswith", "G", F="prefix-rest", G="PREFIX")
    assert item("F|fieldref|endswith", "G", F="the-end", G="END")
    assert item("F|fieldref|contains", "G", F="a-mid-b", G="mid")


def test_keywords_lie_in_any_value_and_never_across_two() -> None:
    words = {"words": ["Evil Thing"], "condition": "words"}
    assert fires(words, A="nothing", B="an evil thing here")
    assert not fires(words, A="an evil", B="thing here")
    both = {"words": {"|all": ["one", "two"]}, "condition": "words"}
    assert fires(both, A="one", B="two")
    assert not fires(both, A="one")
    assert fires({"words": ["ab*yz"], "condition": "words"}, A="x ab--yz x")
    assert fires({"words": [4711], "condition": "words"}, A="id 4711.")


def test_a_list_of_mappings_is_an_alternative() -> None:
    detection = {"sel": [{"A": "1", "B": "2"}, {"C": "3"}], "condition": "sel"}
    assert fires(detection, A="1", B="2")
    assert fires(detection, C="3")
    assert not fires(detection, A="1")


@pytest.mark.parametrize(
    ("condition", "fields", "expected"),
    [
        ("1 of s_*", {"A": "1"}, True),
        ("all of s_*", {"A": "1"}, False),
        ("all of s_*", {"A": "1", "B": "2"}, True),
        ("1 of them", {"C": "3"}, True),
        ("s_a and (s_b or other)", {"A": "1", "C": "3"}, True),
        ("s_a and not (s_b or other)", {"A": "1", "C": "3"}, False),
        ("not s_a", {}, True),
    ],
)
def test_conditions(condition: str, fields: dict[str, str], expected: bool) -> None:
    detection = {"s_a": {"A": "1"}, "s_b": {"B": "2"}, "other": {"C": "3"}, "condition": condition}
    assert fires(detection, **fields) is expected


def test_several_conditions_are_alternatives() -> None:
    detection = {"a": {"A": "1"}, "b": {"B": "2"}, "condition": ["a", "b"]}
    assert fires(detection, B="2")
    assert not fires(detection, C="3")


def test_list_values_are_joined_and_nested_names_dotted() -> None:
    assert item("F|contains", "two", F=["one", "two"])
    assert item("user.name", "ann", user={"name": "Ann"})
    assert item("tags.key", "a\nb", tags=[{"key": "a"}, {"key": "b"}])
    assert item("New Value", "x", **{"New Value": "x"})
    assert item("NewValue", "x", **{"New Value": "x"})
