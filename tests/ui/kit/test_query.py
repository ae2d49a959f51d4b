"""The filter's language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.ui.kit.query import Term, parse, unparse


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("level:high", [Term("level", "high")]),
        ("-state:closed", [Term("state", "closed", True)]),
        ('title:"two words" fs*', [Term("title", "two words"), Term("", "fs*")]),
        ("level:", []),
        ("", []),
        ('"a:b"', [Term("", "a:b")]),
        ('host:"unclosed', [Term("host", "unclosed")]),
        ("C:\\Windows", [Term("C", "\\Windows")]),
    ],
)
def test_conditions_are_read(text: str, terms: list[Term]) -> None:
    assert list(parse(text)) == terms


NAMES = st.sampled_from(["", "level", "host", "radar.x"])
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=20)


@given(st.lists(st.builds(Term, NAMES, st.one_of(VALUES, st.just("two words")), st.booleans()), max_size=5))
def test_what_is_written_is_read_back(terms: list[Term]) -> None:
    kept = [term for term in terms if term.field or not term.value.startswith("-")]
    assert list(parse(unparse(kept))) == kept
