"""What every modifier of Sigma 2.1 means, rule by rule against single values."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
import yaml
from closures import Evaluator
from modifier_table import TABLE, VALUES
from sigma_by_the_book import fires as fires_by_the_book

from sent.engines.radar.decoding.normalise import event_from
from sent.engines.radar.model import Event, Rule
from sent.engines.radar.sigma.ruleset import parse_rules


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
    found = parse_rules([("test.yml", text, "")], VALUES)
    assert not found.rejected, found.rejected
    return found.rules[0]


def fires(detection: dict[str, Any], **fields: Any) -> bool:
    return bool(
        Evaluator([rule(detection)]).match(Event(at=event_from({}).at, fields=event_from(fields).fields))
    )


def item(key: str, value: Any, **fields: Any) -> bool:
    return fires({"sel": {key: value}, "condition": "sel"}, **fields)


SPECIFIED = (
    *("all", "startswith", "endswith", "contains", "exists", "cased", "neq", "windash"),
    *("re", "i", "m", "s", "base64", "base64offset", "utf16le", "utf16be", "utf16", "wide"),
    *("lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year", "cidr", "expand"),
)
"""The modifiers of the specification's appendix; `fieldref` has a test of its own."""


@pytest.mark.parametrize(("key", "value", "field", "expected"), TABLE)
def test_r6_truth_table(key: str, value: Any, field: Any, expected: bool) -> None:
    assert item(key, value, F=field) is expected


@pytest.mark.parametrize(("key", "value", "field", "expected"), TABLE)
def test_r6_the_table_is_what_the_book_says(key: str, value: Any, field: Any, expected: bool) -> None:
    """Look-around is beyond the specification's regular expressions; Python decides it as we do."""
    document = {"detection": {"sel": {key: value}, "condition": "sel"}}
    assert fires_by_the_book(document, event_from({"F": field}).fields, VALUES) is expected


@pytest.mark.parametrize("modifier", SPECIFIED)
def test_r6_every_specified_modifier_is_seen_to_hold_and_not_to_hold(modifier: str) -> None:
    outcomes = {expected for key, _, _, expected in TABLE if modifier in key.split("|")[1:]}
    assert outcomes == {True, False}


@pytest.mark.parametrize("dash", ["-", "/", "\u2013", "\u2014", "\u2015"])
@pytest.mark.parametrize("written", ["-", "/", "\u2013", "\u2014", "\u2015"])
def test_r6_each_of_five_dashes_stands_for_the_others(written: str, dash: str) -> None:
    assert item("F|windash|contains", f" {written}enc ", F=f"x {dash}ENC y")
    assert not item("F|contains", f" {written}enc ", F=f"x {dash}ENC y") or written == dash


@pytest.mark.parametrize("text", ["foobar", "a", "ab", "\u00e9\u20ac!", "http://"])
@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"xyz"])
@pytest.mark.parametrize("behind", [b"", b"1", b"22", b"333"])
def test_r6_base64offset_finds_a_value_at_every_place(text: str, before: bytes, behind: bytes) -> None:
    data = b64encode(before + text.encode() + behind).decode()
    assert item("F|base64offset|contains|cased", text, F=data)
    wide = b64encode(before + text.encode("utf-16-le") + behind).decode()
    assert item("F|wide|base64offset|contains|cased", text, F=wide)
    marked = b64encode(before + text.encode("utf-16-le") + behind).decode()
    assert not item("F|utf16|base64offset|contains|cased", text, F=marked)


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
def test_r6_an_absent_field(key: str, value: Any, expected: bool) -> None:
    assert item(key, value, G="g") is expected


def test_r6_not_over_an_absent_field_is_true() -> None:
    detection = {"sel": {"G": "g"}, "filter": {"F": "a"}, "condition": "sel and not filter"}
    assert fires(detection, G="g")
    assert not fires(detection, G="g", F="a")


def test_r6_field_references() -> None:
    assert item("F|fieldref", "G", F="Same", G="same")
    assert not item("F|fieldref", "G", F="one", G="other")
    assert not item("F|fieldref", "G", F="one")
    assert item("F|fieldref|startswith", "G", F="prefix-rest", G="PREFIX")
    assert item("F|fieldref|endswith", "G", F="the-end", G="END")
    assert item("F|fieldref|contains", "G", F="a-mid-b", G="mid")
    assert not item("F|fieldref|startswith", "G", F="rest-prefix", G="prefix")
    assert not item("F|fieldref|endswith", "G", F="end-the", G="end")
    assert not item("F|fieldref|contains", "G", F="a-b", G="mid")
    assert item("F|fieldref", "G", F="*", G="*")
    assert not item("F|fieldref", "G", F="abc", G="a*c"), "the other field's text is no pattern"
    assert not item("F|fieldref|neq", "G", F="Same", G="same")
    assert item("F|fieldref|neq", "G", F="one", G="two")
    assert item("F|fieldref", ["H", "G"], F="x", G="x")
    assert item("F|fieldref", "New Value", F="x", NewValue="x")
    assert not item("F|fieldref", "G", F=None, G=None)


def test_r6_keywords_lie_in_any_value_and_never_across_two() -> None:
    words = {"words": ["Evil Thing"], "condition": "words"}
    assert fires(words, A="nothing", B="an evil thing here")
    assert not fires(words, A="an evil", B="thing here")
    both = {"words": {"|all": ["one", "two"]}, "condition": "words"}
    assert fires(both, A="one", B="two")
    assert not fires(both, A="one")
    assert fires({"words": ["ab*yz"], "condition": "words"}, A="x ab--yz x")
    assert fires({"words": [4711], "condition": "words"}, A="id 4711.")
    assert fires({"words": {"|re": "ev.l"}, "condition": "words"}, A="an evil")
    assert not fires({"words": {"|re": "EV.L"}, "condition": "words"}, A="an evil")
    assert fires({"words": {"|contains|cased": "Evil"}, "condition": "words"}, A="an Evil")
    assert not fires({"words": {"|contains|cased": "Evil"}, "condition": "words"}, A="an evil")
    assert fires({"words": {"|windash": ["-enc"]}, "condition": "words"}, A="x /enc y")
    assert fires({"words": {"|neq": "evil"}, "condition": "words"}, A="good")
    assert fires({"words": ["*"], "condition": "words"}, A="")
    assert not fires({"words": ["*"], "condition": "words"}, A=None)
    assert not fires({"words": ["*"], "condition": "words"})
    assert fires({"words": "evil*thing", "condition": "words"}, A="evil\nthing")


def test_r6_a_list_of_mappings_is_an_alternative() -> None:
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
        ("s_a or s_b and other", {"A": "1"}, True),
        ("s_a or s_b and other", {"B": "2"}, False),
        ("not s_a and other", {"C": "3"}, True),
        ("not s_a or s_a", {"A": "1"}, True),
        ("not (s_a or other)", {"C": "3"}, False),
        ("1 of them", {"D": "4"}, False),
        ("_hidden", {"D": "4"}, True),
        ("all of them", {"A": "1", "B": "2", "C": "3"}, True),
        ("1 of *_b", {"B": "2"}, True),
        ("any of s_*", {"B": "2"}, True),
        ("not 1 of s_*", {"C": "3"}, True),
    ],
)
def test_r6_conditions(condition: str, fields: dict[str, str], expected: bool) -> None:
    detection = {"s_a": {"A": "1"}, "s_b": {"B": "2"}, "other": {"C": "3"}, "_hidden": {"D": "4"}}
    detection["condition"] = condition
    assert fires(detection, **fields) is expected


def test_r6_several_conditions_are_alternatives() -> None:
    detection = {"a": {"A": "1"}, "b": {"B": "2"}, "condition": ["a", "b"]}
    assert fires(detection, B="2")
    assert not fires(detection, C="3")


def test_r6_list_values_are_joined_and_nested_names_dotted() -> None:
    assert item("F|contains", "two", F=["one", "two"])
    assert item("user.name", "ann", user={"name": "Ann"})
    assert item("tags.key", "a\nb", tags=[{"key": "a"}, {"key": "b"}])
    assert item("New Value", "x", **{"New Value": "x"})
    assert item("NewValue", "x", **{"New Value": "x"})


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("F|utf17", "a", "Unknown modifier"),
        ("F|base64", "a*", "not possible"),
        ("F|expand|wide", "%sites%", "cannot be encoded"),
        ("F|windash", "-a -b -c -d", "at most 3 dashes"),
        ("F|expand", "%other% %third%", "needs values for %other%, %third%"),
        ("F|gt", "10", "cannot be compared as a number"),
        ("F|cidr", "10.0.0.1/8", "CIDR"),
        ("F|exists", "yes", "exists"),
        ("F|fieldref", "a*", "must not contain wildcards"),
    ],
)
def test_r6_what_means_nothing_is_refused(key: str, value: str, reason: str) -> None:
    text = yaml.safe_dump(
        {
            "title": "Test",
            "logsource": {"product": "test"},
            "detection": {"sel": {key: value}, "condition": "sel"},
        }
    )
    found = parse_rules([("test.yml", text, "")], VALUES)
    assert found.rules == ()
    assert reason.lower() in found.rejected[0].reason.lower()
