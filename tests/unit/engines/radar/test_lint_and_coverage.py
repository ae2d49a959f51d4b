"""What lint says of rules, and which techniques rules cover."""

from __future__ import annotations

import pytest

from sent.engines.radar.coverage.techniques import coverage, layer
from sent.engines.radar.rulebook.lint import Finding, linted
from sent.engines.radar.sigma.ruleset import parse_rules

GOOD = """
title: Good
id: 00000000-0000-4000-8000-000000000001
status: test
description: Something
author: A. Nalyst
date: 2026-11-21
tags: [attack.execution, attack.t1059.001]
logsource: {product: windows, category: process_creation}
detection:
  selection: {Image|endswith: '\\cmd.exe'}
  condition: selection
level: high
"""


def findings(text: str) -> list[Finding]:
    files: list[tuple[str, str | None, str]] = [("rule.yml", text, "")]
    return list(linted(files, parse_rules(files)))


def test_nothing_is_said_of_a_good_rule() -> None:
    assert findings(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "severity", "code"),
    [
        ("condition: selection", "condition: selection and", "error", "not-runnable"),
        ("category: process_creation", "category: no_such", "error", "not-runnable"),
        ("id: 00000000-0000-4000-8000-000000000001\n", "", "warning", "id"),
        ("level: high", "level: urgent", "warning", "level"),
        ("attack.t1059.001", "attack.t1", "warning", "tags"),
        ("attack.execution", "other.thing", "advice", "tags"),
        ("date: 2026-11-21", "date: 21.11.2026", "advice", "date"),
        ("author: A. Nalyst\n", "", "advice", "author"),
        ("  condition:", "  forgotten: {A: b}\n  condition:", "warning", "unused"),
        ("'\\cmd.exe'", "['\\cmd.exe', '\\CMD.exe']", "advice", "twice"),
        ("Image|endswith: '\\cmd.exe'", "Image|contains: '*cmd*'", "advice", "wildcard"),
        ("Image|endswith: '\\cmd.exe'", "Image|re: '.*cmd'", "advice", "pattern"),
        ("Image|endswith: '\\cmd.exe'", "Image: '*'", "advice", "any"),
        ("Image|endswith: '\\cmd.exe'", "Image|contains|all: [cmd]", "advice", "all"),
    ],
)
def test_every_finding(old: str, new: str, severity: str, code: str) -> None:
    assert old in GOOD
    assert (severity, code) in {(each.severity, each.code) for each in findings(GOOD.replace(old, new))}


def test_a_condition_of_many_stars_is_read_in_linear_time() -> None:
    text = GOOD.replace("condition: selection", f"condition: 1 of {'s*' * 400}x").replace(
        "selection:", f"{'s' * 900}:"
    )
    assert {each.code for each in findings(text)} >= {"unused"}


def test_what_is_no_yaml_is_an_error_of_its_file() -> None:
    (found,) = findings("title: [")
    assert (found.severity, found.source) == ("error", "rule.yml")


def test_coverage_counts_rules_by_technique_and_level() -> None:
    second = GOOD.replace("0001\n", "0002\n").replace("level: high", "level: low")
    third = second.replace("0002\n", "0003\n").replace("attack.t1059.001", "attack.t1003")
    found = parse_rules([("a.yml", GOOD, ""), ("b.yml", second, ""), ("c.yml", third, "")])
    credential, shell = coverage(found.rules)
    assert (credential.id, credential.total, credential.highest) == ("T1003", 1, "low")
    assert (shell.id, shell.total, shell.highest) == ("T1059.001", 2, "high")
    assert shell.tactics == {"execution"}
    drawn = layer([credential, shell], "mine")
    assert drawn["techniques"][1] == {"techniqueID": "T1059.001", "score": 2, "comment": "1 low, 1 high"}
    assert drawn["gradient"]["maxValue"] == 2 and drawn["domain"] == "enterprise-attack"
