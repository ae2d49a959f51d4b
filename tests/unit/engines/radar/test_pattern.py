"""Patterns from rules on text from attackers."""

from __future__ import annotations

import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.sigma.pattern import BACKTRACKING_LIMIT, ROOM, PatternRefused, compile_pattern


def test_a_pattern_that_explodes_elsewhere_is_linear_here() -> None:
    pattern = compile_pattern("(a+)+$")
    began = perf_counter()
    assert pattern.search("a" * 100_000 + "!") is None
    assert perf_counter() - began < 0.5
    assert pattern.linear


def test_look_around_runs_behind_its_literal_on_short_values() -> None:
    pattern = compile_pattern("(?<!no)secret-[0-9]+")
    assert not pattern.linear
    assert pattern.search("a secret-42") == (2, 11)
    assert pattern.search("nosecret-42") is None
    assert pattern.search("x" * BACKTRACKING_LIMIT + " secret-42") is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("(?=a)(b+)+", "repeats a repeat"),
        ("(?=x)..", "no literal"),
        ("(unclosed", "invalid"),
        ("x" * 9000, "longer than"),
    ],
)
def test_what_cannot_run_safely_is_refused_with_the_reason(source: str, reason: str) -> None:
    with pytest.raises(PatternRefused, match=reason):
        compile_pattern(source)


@given(
    st.sampled_from(["^ab?$", "b$", "[$]", "a\\$", "(a|b$)", "^(ab)?\n?$", "[^$]$"]),
    st.text("ab$\n", max_size=6),
)
def test_the_dollar_means_what_rules_expect(source: str, text: str) -> None:
    assert (compile_pattern(source).search(text) is None) == (re.search(source, text) is None)


def test_patterns_have_little_room_for_states_and_large_ones_more() -> None:
    import re2

    large = "|".join(f"word{n}[a-z]{{1,200}}" for n in range(300))
    options = re2.Options()
    options.log_errors, options.max_mem = False, ROOM[0]
    with pytest.raises(re2.error):
        re2.compile(large, options)
    assert compile_pattern(large).search("xx word17abc") == (3, 12)
