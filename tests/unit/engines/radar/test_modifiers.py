"""What every modifier of Sigma 2.1 means, rule by rule against single values."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
import yaml
from sigma_by_the_book import fires as fires_by_the_book

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
    found = parse_rules([("test.yml", text, "")], VALUES)
    assert not found.rejected, found.rejected
    return found.rules[0]


def fires(detection: dict[str, Any], **fields: Any) -> bool:
    return bool(
        Evaluator([rule(detection)]).match(Event(at=event_from({}).at, fields=event_from(fields).fields))
    )


def item(key: str, value: Any, **fields: Any) -> bool:
    return fires({"sel": {key: value}, "condition": "sel"}, **fields)


VALUES = {"admins": ("root", "adm_*"), "sites": ("a", "b")}

TABLE: list[tuple[str, Any, Any, bool]] = [
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
    # exact: case, wildcards and escapes (rules specification, "Escape Character")
    ("F", "a\\b", "a\\b", True),
    ("F", "a\\\\b", "a\\b", True),
    ("F", "a\\\\b", "a\\\\b", False),
    ("F", "a\\?c", "a?c", True),
    ("F", "a\\?c", "abc", False),
    ("F", "a\\\\*", "a\\anything", True),
    ("F", "a\\\\*", "a*", False),
    ("F", "a\\\\\\*", "a\\*", True),
    ("F", "a\\\\\\*", "a\\x", False),
    ("F", "a\\\\\\b", "a\\\\b", True),
    ("F", "a\\\\\\\\b", "a\\\\b", True),
    ("F", "a?", "a", False),
    ("F", "a*b*c", "a\nb\nc", True),
    ("F", "Ärger", "äRGER", True),
    ("F", [], None, True),
    ("F", [], "x", False),
    ("F", ["a", None], None, True),
    ("F", ["a", ""], "", True),
    ("F", 9007199254740993, 9007199254740993, True),
    ("F", 9007199254740993, 9007199254740992, False),
    ("F", False, "FALSE", True),
    ("F|contains", "", "", True),
    ("F|contains", "a*c", "xxabcxx", True),
    ("F|contains", "*", "", True),
    ("F|contains", ["x", "y"], "axb", True),
    ("F|startswith", ["x", "a"], "Abc", True),
    ("F|startswith", "a?c", "abcd", True),
    ("F|startswith", "a\\*", "a*b", True),
    ("F|startswith", "a\\*", "ab", False),
    ("F|endswith", "\\x.exe", "C:\\X.EXE", True),
    ("F|endswith|all", ["bc", "c"], "abc", True),
    ("F|endswith|all", ["bc", "b"], "abc", False),
    ("F|all", ["a*", "*c"], "abc", True),
    ("F|all", ["a*", "*d"], "abc", False),
    ("F|exists", True, None, True),
    ("F|exists", False, None, False),
    ("F|cased", ["A", "b"], "b", True),
    ("F|cased", ["A", "b"], "B", False),
    ("F|cased|startswith", "Ab", "Abc", True),
    ("F|cased|startswith", "Ab", "abc", False),
    ("F|cased|windash|contains", " -X", "c /X", True),
    ("F|cased|windash|contains", " -X", "c /x", False),
    ("F|windash|cased", "-X", "/x", False),
    ("F|base64|cased", "foobar", "Zm9vYmFy", True),
    ("F|base64|cased", "foobar", "zm9vymfy", False),
    ("F|neq", ["a", "b"], "b", False),
    ("F|neq", ["a", "b"], "c", True),
    ("F|contains|all|neq", ["a", "b"], "xay", True),
    ("F|contains|all|neq", ["a", "b"], "ab", False),
    ("F|neq", 5, "5", False),
    ("F|neq", 5, 6, True),
    ("F|re|neq", "^a", "abc", False),
    ("F|re|neq", "^a", "bc", True),
    ("F|cidr|neq", "10.0.0.0/8", "10.1.1.1", False),
    ("F|cidr|neq", "10.0.0.0/8", "11.1.1.1", True),
    ("F|startswith|neq", "a", None, True),
    # regular expressions
    ("F|re", "a|b", "xxbxx", True),
    ("F|re", "a{2,3}", "xaax", True),
    ("F|re", "a{2,3}", "xax", False),
    ("F|re", "^(?:a|b)[^c]$", "bd", True),
    ("F|re", "^(?:a|b)[^c]$", "bc", False),
    ("F|re", ["^x", "^y"], "yes", True),
    ("F|re|all", ["^y", "s$"], "yes", True),
    ("F|re|all", ["^y", "x$"], "yes", False),
    ("F|re|m", "^two$", "one two", False),
    ("F|re|i|m", "^TWO$", "one\ntwo", True),
    ("F|re|i|m|s", "^ONE.two$", "one\nTWO", True),
    ("F|re|i|s", "^two$", "one\ntwo", False),
    # addresses
    ("F|cidr", ["10.0.0.0/8", "192.168.0.0/16"], "192.168.9.9", True),
    ("F|cidr", "192.168.1.0/30", "192.168.1.3", True),
    ("F|cidr", "192.168.1.0/30", "192.168.1.4", False),
    ("F|cidr", "10.0.0.1", "10.0.0.1", True),
    ("F|cidr", "10.0.0.1", "10.0.0.2", False),
    ("F|cidr", "0.0.0.0/0", "255.1.2.3", True),
    ("F|cidr", "::/0", "10.0.0.1", False),
    ("F|cidr", "2001:db8::/127", "2001:db8:0:0:0:0:0:1", True),
    ("F|cidr", "2001:db8::/127", "2001:db8::2", False),
    ("F|cidr", "fe80::/10", "FEBF::1", True),
    # numbers
    ("F|lt", 10, "-3", True),
    ("F|lt", 10, "1e1", False),
    ("F|lt", 0.5, "0.25", True),
    ("F|lte", 10, "10.0", True),
    ("F|lte", 10, "10.5", False),
    ("F|gt", 10, 10, False),
    ("F|gt", 10, "1_1", False),
    ("F|gt", 10, "inf", False),
    ("F|gt", 10, "0x10", False),
    ("F|gt", 10, " 11 ", True),
    ("F|gte", 10, "9.99", False),
    ("F|gte", [100, 5], 7, True),
    ("F|gt", 9007199254740992, "9007199254740993", True),
    ("F|gte", 9007199254740993, "9007199254740992", False),
    # encodings: one character stands for one byte
    ("F|base64", "foobar", "Zm9vYmFyZm9v", False),
    ("F|base64", "é", "w6k=", True),
    ("F|base64|contains", "foobar", "xxZm9vYmFyxx", True),
    ("F|wide", "cmd", "c\0m\0d\0", True),
    ("F|wide", "cmd", "cmd", False),
    ("F|utf16le", "cmd", "c\0m\0d\0", True),
    ("F|utf16le", "cmd", "\0c\0m\0d", False),
    ("F|utf16le|contains", "c*d", "xxc\0-d\0xx", True),
    ("F|utf16be", "cmd", "\0c\0m\0d", True),
    ("F|utf16be", "cmd", "c\0m\0d\0", False),
    ("F|utf16", "cmd", "\xff\xfec\0m\0d\0", True),
    ("F|utf16", "cmd", "c\0m\0d\0", False),
    ("F|utf16le|base64", "cmd", "YwBtAGQA", True),
    ("F|utf16be|base64", "cmd", "AGMAbQBk", True),
    ("F|utf16|base64", "cmd", "//5jAG0AZAA=", True),
    ("F|utf16|base64", "cmd", "YwBtAGQA", False),
    ("F|utf16le|base64", "€é", "rCDpAA==", True),
    ("F|utf16be|base64", "€", "IKw=", True),
    ("F|wide|base64offset|contains", "ping", "xxcAAGkAbgBnAxx", False),
    ("F|wide|base64offset|contains", "ping", "AAcABpAG4AZw", True),
    ("F|base64offset|contains", "ab", "YWI", True),
    ("F|base64offset|contains", "ab", "FhY", True),
    ("F|base64offset|contains", "ab", "WXZ", False),
    # dashes
    ("F|windash", "-a", "/a", True),
    ("F|windash", "-a", "\\a", False),
    ("F|windash", "/a", "-a", True),
    ("F|windash", "–a", "-a", True),
    ("F|windash", "—a", "―a", True),
    ("F|windash", "x -a-b", "x /a-b", True),
    ("F|windash", "x -a-b", "x /a/b", False),
    ("F|windash|contains", "-a -b", "x ―a /b", True),
    ("F|windash|contains|all", ["-a", "-b"], "/b /a", True),
    ("F|windash|contains|all", ["-a", "-b"], "/b", False),
    # parts of times, as they are written
    ("F|minute", 7, "2026-03-05T14:08:00Z", False),
    ("F|minute", 0, "2026-03-05 14:00:59", True),
    ("F|hour", 14, "2026-03-05T14:07:09+05:00", True),
    ("F|hour", [1, 14], WHEN, True),
    ("F|hour|neq", 14, WHEN, False),
    ("F|hour|lt", 6, "2026-03-05T05:59:59Z", True),
    ("F|day", 31, WHEN, False),
    ("F|day|lte", 5, WHEN, True),
    ("F|week", 53, "2026-12-31T00:00:00Z", True),
    ("F|week", 1, WHEN, False),
    ("F|month", 12, WHEN, False),
    ("F|month|gt", 3, WHEN, False),
    ("F|year|gte", 2026, WHEN, True),
    ("F|year", 2026, "1772719629", True),
    ("F|year", 2025, WHEN, False),
    # placeholders (values: see VALUES)
    ("F|expand", "%admins%", "ROOT", True),
    ("F|expand", "%admins%", "adm_bob", True),
    ("F|expand", "%admins%", "bob", False),
    ("F|expand|contains", "%admins%", "the root of", True),
    ("F|contains|expand", "%admins%", "the root of", True),
    ("F|expand", "%admins%@%sites%", "root@b", True),
    ("F|expand", "%admins%@%sites%", "root@c", False),
    ("F|expand", "x%sites%y*", "xAyz", True),
    ("F|expand", "\\%sites%", "%sites%", True),
    ("F|expand", "\\%plain%sites%", "%plaina", True),
    ("F|expand", "\\\\%sites%", "\\a", True),
    ("F|expand", "\\\\%sites%", "a", False),
    ("F|expand|cased", "%sites%", "A", False),
    ("F|expand|windash", "-%sites%", "-a", True),
    ("F|re|expand", "^%sites%[0-9]$", "a7", True),
    ("F|re|expand", "^%sites%[0-9]$", "c7", False),
    ("F|re|expand", "^%admins%$", "adm_x", True),
    ("F|expand|neq", "%sites%", "a", False),
    ("F|expand", ["%sites%", "z"], "z", True),
    ("F", "%sites%", "%sites%", True),
    ("F", "%sites%", "a", False),
]
"""Key, the rule's value, the event's value of F, whether it fires."""

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
