"""What the editor is told of a rule: problems with their lines, and whether the rule would run."""

from __future__ import annotations

import pytest

from sent.engines.radar.rulebook.lint import SEVERITIES
from sent.engines.radar.rulebook.problems import CURES, NAME, Checked, checked
from sent.engines.radar.rulebook.ruletext import MAX_TEXT
from sent.engines.radar.sigma.ruleset import parse_rules

GOOD = """title: Good
id: 00000000-0000-4000-8000-000000000001
status: test
description: Something
author: A. Nalyst
date: 2026-11-21
tags:
    - attack.execution
    - attack.t1059.001
logsource:
    product: windows
    category: process_creation
detection:
    selection:
        Image|endswith: '\\cmd.exe'
    condition: selection
level: high
"""


def check(text: str) -> Checked:
    return checked(text, parse_rules([(NAME, text, "")]))


def test_a_good_rule_runs_and_has_no_problems() -> None:
    found = check(GOOD)
    assert (found.runs, found.reason, found.problems, found.kind) == (True, "", (), "rule")
    assert (found.rule_id[-1], found.title) == ("1", "Good")


@pytest.mark.parametrize(
    ("old", "new", "line", "severity", "code"),
    [
        ("endswith", "endwith", 15, "error", "modifier"),
        ("process_creation", "no_such", 12, "error", "logsource"),
        ("condition: selection", "condition: selection and other", 16, "error", "unknown"),
        ("condition: selection", "condition: selection and (", 16, "error", "condition"),
        ("Image|endswith: '\\cmd.exe'", "Image|re: '(a'", 15, "error", "not-runnable"),
        ("Image|endswith: '\\cmd.exe'", "Image|expand: '%x%'", 15, "warning", "placeholder"),
        ("'\\cmd.exe'", "['\\cmd.exe'", 16, "error", "yaml"),
        ("    product", "\tproduct", 11, "error", "yaml"),
        ("level: high", "level: high\n---\ntitle: Two", 19, "error", "several"),
        ("attack.t1059.001", "attack.t1", 9, "warning", "tags"),
        ("level: high", "level: urgent", 17, "warning", "level"),
        ("id: 00000000-0000-4000-8000-000000000001\n", "", 1, "advice", "id"),
        ("0000-4000-8000-000000000001", "x", 2, "warning", "id"),
        ("    condition", "    spare: {A: b}\n    condition", 16, "warning", "unused"),
        ("date: 2026-11-21", "date: 21.11.2026", 6, "advice", "date"),
        ("'\\cmd.exe'", "['\\cmd.exe', '\\CMD.exe']", 15, "advice", "twice"),
    ],
)
def test_a_problem_has_its_line_and_its_cure(old: str, new: str, line: int, severity: str, code: str) -> None:
    assert old in GOOD
    found = check(GOOD.replace(old, new))
    assert (line, severity, code) in {(each.line, each.severity, each.code) for each in found.problems}
    assert all(each.cure for each in found.problems)
    refused = any(each.severity == "error" for each in found.problems)
    assert found.runs != (refused or found.waits)
    assert bool(found.reason) != found.runs


def test_a_selection_in_a_list_is_found_at_its_line() -> None:
    text = GOOD.replace(
        "        Image|endswith: '\\cmd.exe'\n",
        "        - Image|endswith: '\\cmd.exe'\n        - User|contains|all: [x]\n",
    )
    (problem,) = check(text).problems
    assert (problem.line, problem.code) == (16, "all")


@pytest.mark.parametrize("text", ["", "\n\n", "just words", "- a\n- b", "---\n---\n", "a: &a [*a]"])
def test_what_is_no_rule_is_said_on_a_line_that_is_there(text: str) -> None:
    found = check(text)
    assert not found.runs and found.reason
    assert all(1 <= each.line <= max(1, len(text.splitlines())) for each in found.problems)


def test_a_missing_condition_is_told_once() -> None:
    found = check(GOOD.replace("    condition:", "    conditoin:"))
    assert [(each.severity, each.code) for each in found.problems] == [("error", "condition")]


def test_what_waits_for_values_is_told_from_what_is_wrong() -> None:
    waiting = check(GOOD.replace("Image|endswith: '\\cmd.exe'", "Image|expand: '%x%'"))
    assert (waiting.waits, waiting.reason) == (True, "needs values for %x%")
    assert not check(GOOD.replace("endswith", "endwith")).waits


def test_a_text_that_is_too_long_is_not_even_parsed() -> None:
    found = check("#" * (MAX_TEXT + 1))
    assert [each.code for each in found.problems] == ["long"]


def test_problems_stand_in_the_order_of_lines_then_the_worst_first() -> None:
    found = check(GOOD.replace("author: A. Nalyst\n", "").replace("endswith", "endwith"))
    places = [(each.line, SEVERITIES.index(each.severity)) for each in found.problems]
    assert places == sorted(places) and len(places) > 1
    assert {each.code for each in found.problems} <= set(CURES)
