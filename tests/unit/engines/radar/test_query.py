"""The search line's language: what becomes of a text, and where it says a mistake is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.searching.query import EVERYTHING, MAX_QUERY, QueryError, parse, quoted, term, words


def text(value: str, *, prefix: bool = False, phrase: bool = False) -> dict[str, Any]:
    return {"op": "text", "value": value, "prefix": prefix, "phrase": phrase}


def test_words_stand_for_themselves_and_all_are_wanted() -> None:
    assert parse("  ") == EVERYTHING
    assert parse("failed") == text("failed")
    assert parse("Failed fail*") == {"op": "and", "parts": [text("Failed"), text("fail", prefix=True)]}
    assert parse('"failed password"') == text("failed password", phrase=True)
    assert parse("C:\\Windows\\cmd.exe") == text("C:\\Windows\\cmd.exe", phrase=True)
    assert parse("https://example.org") == text("https://example.org", phrase=True)
    assert parse("10.0.0.5") == text("10.0.0.5")


def test_fields_are_equal_like_or_there() -> None:
    assert parse("user:mallory") == {"op": "is", "field": "user", "value": "mallory"}
    assert parse("user:mal*") == {"op": "like", "field": "user", "value": "mal*"}
    assert parse('user:"a *"') == {"op": "is", "field": "user", "value": "a *"}
    assert parse('user:""') == {"op": "is", "field": "user", "value": ""}
    assert parse('path:"C:\\\\x \\"y\\""') == {"op": "is", "field": "path", "value": 'C:\\x "y"'}
    assert parse("message:fail*") == {"op": "message", "value": "fail", "prefix": True}
    assert parse("source:office") == {"op": "source", "value": "office"}
    assert parse("bytes>=10.5") == {"op": "compare", "field": "bytes", "sign": ">=", "value": "10.5"}


def test_severities_go_by_number_and_levels_by_gravity() -> None:
    assert parse("severity>=4") == {"op": "severity", "values": [4, 5, 6, 7]}
    assert parse("level>=error") == {"op": "severity", "values": [0, 1, 2, 3]}
    assert parse("level:err*") == {"op": "severity", "values": [3]}
    assert parse("severity:3") == {"op": "severity", "values": [3]}


def test_and_binds_closer_than_or_and_brackets_closer_than_both() -> None:
    a, b, c = text("a"), text("b"), text("c")
    assert parse("a OR b c") == {"op": "or", "parts": [a, {"op": "and", "parts": [b, c]}]}
    assert parse("(a OR b) AND c") == {"op": "and", "parts": [{"op": "or", "parts": [a, b]}, c]}
    assert parse("-a NOT (b or)")["parts"][0] == {"op": "not", "part": a}
    assert parse("-user:root") == {"op": "not", "part": {"op": "is", "field": "user", "value": "root"}}


@pytest.mark.parametrize(
    ("line", "at", "length", "said"),
    [
        ('user:anna ("x', 11, 2, "not closed"),
        ("(a OR b", 0, 1, "not closed"),
        ("a ) b", 2, 1, "never opened"),
        ("a OR", 3, 1, "missing"),
        ("OR a", 0, 2, "missing"),
        ("a user: b", 2, 5, "missing"),
        ("f*il", 0, 4, "only end"),
        ("a ::", 2, 2, "no word"),
        ("level:bad", 0, 9, "one of"),
        ("x severity>=9", 2, 11, "0 to 7"),
        ("bytes>many", 0, 10, "number"),
        ("a" * (MAX_QUERY + 5), MAX_QUERY, 5, "at most"),
        ("(" * 30 + "a" + ")" * 30, 21, 1, "at most"),
        (" ".join("a" * 70), 120, 1, "at most"),
    ],
)
def test_a_mistake_is_told_with_its_place(line: str, at: int, length: int, said: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(line)
    assert (caught.value.data["at"], caught.value.data["length"]) == (at, length)
    assert said in caught.value.message


@given(st.text(max_size=200))
def test_any_text_is_a_query_or_a_mistake_inside_it(line: str) -> None:
    try:
        assert json.dumps(parse(line))
    except QueryError as error:
        at, length = error.data["at"], error.data["length"]
        assert isinstance(at, int)
        assert isinstance(length, int)
        assert 0 <= at <= len(line)
        assert length >= 1


@given(st.text(max_size=60))
def test_values_that_are_clicked_come_back_whole(value: str) -> None:
    assert parse(term("user", value)) == {"op": "is", "field": "user", "value": value}
    assert parse(f"user:{quoted(value)}") == {"op": "is", "field": "user", "value": value}
    assert parse(term("user", value, out=True))["op"] == "not"


def test_words_are_cut_as_the_index_cuts_them() -> None:
    assert words("Failed password. for user@Example.org; C:\\a.exe (10.0.0.5)") == [
        "failed", "password", "for", "user", "example.org", "c", "a.exe", "10.0.0.5",
    ]  # fmt: skip
