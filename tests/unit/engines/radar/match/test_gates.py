"""A gate never keeps a pattern from a value it matches, and a set of patterns says what each says alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sent.engines.radar.match import patterns
from sent.engines.radar.match.gates import counts, gates
from sent.engines.radar.match.patterns import PatternSet
from sent.engines.radar.sigma.expression import Regex, Text
from sent.engines.radar.sigma.pattern import compile_pattern

SOURCES = (
    r"\\Users\\[^\\]+\\Downloads",
    r"(?:powershell|pwsh)\.exe.{0,20}-enc",
    r"(?i)task|sky",
    r"[Pp]ower[Ss]hell",
    r"a(?:bc|bd)+e?",
    r"x{2,5}yz",
    r"(?i)\$\{`?e`?n`?v`?\}",
    r"\s-k\s",
    r"^(?:foo)?bar$",
    r"[0-9]{4}",
)


def regex(source: str) -> Regex:
    return Regex(compile_pattern(source))


@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_what_matches_holds_a_gate(source: str, data: st.DataObject) -> None:
    test = regex(source)
    value = data.draw(st.from_regex(source))
    if test.span(value) is not None and (known := gates(test)):
        assert any(gate in value.lower() for gate in known)


def test_gates_are_the_literals_a_match_must_hold() -> None:
    assert gates(regex(r"(?:powershell|pwsh)\.exe")) == {".exe"}
    assert gates(regex(r"(?:rundll|bitsadmin)")) == {"rundll", "bitsadmin"}
    assert gates(regex(r"[0-9]+")) == frozenset()
    assert gates(regex(r"(?:abc)?")) == frozenset()
    assert gates(Text("contains", "ABC", cased=True)) == {"abc"}


def test_letters_that_others_fold_to_are_no_gate_where_case_is_ignored() -> None:
    """The Kelvin sign is a k and the long s an s to RE2, but not to `str.lower`."""
    for source, value in ((r"(?i)back", "bac\u212a"), (r"(?i)disk", "di\u017fk")):
        test = regex(source)
        assert test.span(value) is not None
        assert any(gate in value.lower() for gate in gates(test))


def test_a_pattern_that_counts_far_is_kept_apart() -> None:
    assert counts(regex(r".{1000,}"))
    assert counts(regex(r"[a-z]{1,32}"))
    assert not counts(regex(r"\d{4}"))


@settings(max_examples=200, deadline=None)
@given(st.text("abckKsS .x12345\\-\u212a", max_size=30))
def test_a_set_says_what_its_patterns_say(text: str) -> None:
    tests = [regex(source) for source in SOURCES]
    expected = [place for place, test in enumerate(tests) if test.span(text) is not None]
    assert sorted(PatternSet(tests).matching(text)) == expected


def test_a_set_without_memory_asks_the_patterns_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "MEMORY", 20_000)
    tests = [regex(source) for source in SOURCES]
    small = PatternSet(tests)
    for text in ("C:\\Users\\x\\Downloads", "PowerShell 2026", "nothing", "a" * 5000 + "2026"):
        expected = [place for place, test in enumerate(tests) if test.span(text) is not None]
        assert sorted(small.matching(text)) == expected
