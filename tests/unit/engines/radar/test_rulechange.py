"""What an import changes, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sent.engines.radar.rulebook import rulechange
from sent.engines.radar.rulebook.rulechange import (
    RuleState,
    beside,
    changed_parts,
    comes_on,
    compared,
    unified,
)
from sent.engines.radar.sigma.ruleset import parse_rules

ID = "00000000-0000-4000-8000-00000000000{n}"
TEXT = (
    "title: Rule {n}\nid: 00000000-0000-4000-8000-00000000000{n}\nstatus: test\nlevel: high\n"
    "logsource: {{product: linux}}\ndetection: {{a: {{F: x{n}}}, condition: a}}\n"
)


def a_rule(n: int, **changes: object) -> RuleState:
    made = RuleState(
        ID.format(n=n), f"Rule {n}", "high", "test", "rule", f"{n}.yml", TEXT.format(n=n), None, True
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def edited(n: int, old: str, new: str) -> RuleState:
    rule = a_rule(n)
    assert old in rule.text
    return replace(rule, text=rule.text.replace(old, new))


def test_rules_are_told_apart_by_their_ids_whatever_their_files_are_called() -> None:
    held = [a_rule(1), a_rule(2), a_rule(3), a_rule(4, enabled=False)]
    found = [a_rule(1), edited(2, "x2", "y"), a_rule(4, path="moved.yml"), a_rule(5)]
    changes = {change.title: change for change in compared(held, found)}
    assert {title: change.change for title, change in changes.items()} == {
        "Rule 1": "unchanged",
        "Rule 2": "changed",
        "Rule 4": "changed",
        "Rule 5": "added",
        "Rule 3": "removed",
    }
    assert changes["Rule 2"].parts == ("detection",)
    assert changes["Rule 4"].parts == ("path",) and changes["Rule 4"].off
    assert changes["Rule 3"].after is None and changes["Rule 5"].before is None


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("level: high", "level: low", ("level",)),
        ("status: test", "status: stable", ("status",)),
        ("status: test\nlevel: high", "level: critical", ("level", "status")),
        ("title: Rule 1", "title: Rule 1 # a comment", ("text",)),
        ("product: linux", "product: windows", ("logsource",)),
        ("status: test", "status: test\nzzz: 1\nauthor: Ann", ("author", "zzz")),
        ("title: Rule 1", "title: [", ("text",)),
    ],
)
def test_the_parts_that_differ_are_named(old: str, new: str, parts: tuple[str, ...]) -> None:
    assert changed_parts(a_rule(1), edited(1, old, new)) == parts


def test_of_two_documents_of_a_file_only_the_changed_one_is_called_changed_in_substance() -> None:
    both = f"{TEXT.format(n=1)}---\n{TEXT.format(n=2)}"
    other = both.replace("x2", "y2")
    held = [a_rule(n, text=both, path="two.yml") for n in (1, 2)]
    found = [a_rule(n, text=other, path="two.yml") for n in (1, 2)]
    first, second = compared(held, found)
    assert (first.parts, second.parts) == (("text",), ("detection",))


def test_what_newly_does_not_run_is_told_and_what_never_ran_is_not() -> None:
    found = [a_rule(1, reason="is no rule"), a_rule(2, reason="is no rule"), a_rule(3, reason="is no rule")]
    held = [a_rule(1), a_rule(2, reason="was none either")]
    assert [change.idle for change in compared(held, found)] == [True, False, True]


def test_files_without_ids_and_twice_used_ids_stay_apart() -> None:
    held = [a_rule(1, rule_id=""), a_rule(2, rule_id=""), a_rule(3), a_rule(3, path="again.yml")]
    assert [change.change for change in compared(held, held)] == ["unchanged"] * 4
    digest = [a_rule(1, rule_id="sha256-1", text="a"), a_rule(1, rule_id="sha256-2", text="b")]
    (change,) = compared(digest[:1], digest[1:])
    assert change.change == "changed", "a rule without an id is known by its file"


def test_new_rules_are_chosen_by_status_and_level() -> None:
    (new,) = compared([], [a_rule(1)])
    assert comes_on(new, frozenset(), "informational")
    assert comes_on(new, frozenset({"stable", "test"}), "medium")
    assert not comes_on(new, frozenset({"stable"}), "medium")
    assert not comes_on(new, frozenset(), "critical")
    assert comes_on(replace(new, kind="filter"), frozenset({"stable"}), "critical")


def test_filters_and_correlations_name_what_they_need() -> None:
    text = "title: F\nid: f\nfilter:\n  rules: [one, two]\n  condition: a\n"
    assert rulechange.referred(text, "f") == {"one", "two"}
    assert rulechange.referred("title: F\nid: f\nfilter: {rules: any}\n", "f") == set()
    assert rulechange.referred("title: C\nid: c\ncorrelation: {rules: one}\n", "c") == {"one"}
    assert rulechange.referred("[", "c") == set()


def test_differences_are_shown_in_one_column_and_in_two() -> None:
    before, after = "a\nb\nc\n", "a\nB\nc\nd\n"
    assert unified(before, after) == ["@@ -1,3 +1,4 @@", " a", "-b", "+B", " c", "+d"]
    pairs = [(line.left, line.right) for line in beside(before, after)]
    assert pairs == [("a", "a"), ("b", "B"), ("c", "c"), (None, "d")]
    assert unified(None, "x") == ["@@ -0,0 +1 @@", "+x"]
    assert unified("x", "x") == [] and all(line.same for line in beside("x", "x"))


def test_very_long_texts_are_not_compared_line_by_line() -> None:
    long = "a\nb\n" * rulechange.MAX_DIFF_LINES
    assert len(unified(long, long + "c")) == 2 * len(long.splitlines()) + 1
    assert len(beside(long, "")) == len(long.splitlines())


def test_everything_that_was_read_comes() -> None:
    correlation = (
        "title: Many\nid: 00000000-0000-4000-8000-000000000009\ncorrelation:\n  type: event_count\n"
        f"  rules: [{ID.format(n=1)}]\n  group-by: [F]\n  timespan: 1m\n  condition: {{gte: 2}}\n"
    )
    files = [
        ("1.yml", TEXT.format(n=1), ""),
        ("c.yml", correlation, ""),
        ("x.yml", "[", ""),
        ("y.yml", None, "no"),
    ]
    states = rulechange.coming(parse_rules(files))
    assert [(state.kind, state.path, state.reason is None) for state in states] == [
        ("rule", "1.yml", True),
        ("correlation", "c.yml", True),
        ("rule", "x.yml", False),
        ("rule", "y.yml", False),
    ]
