"""Steps of a mapping as text: what is read is what was written."""

from __future__ import annotations

from typing import Any

import pytest

from sent.engines.radar.fieldmap.steps import checked
from sent.ui.pages.sources.steptext import (
    conditions_of,
    conditions_text,
    fresh,
    kinds,
    logsource_of,
    logsource_text,
    names_of,
    names_text,
    told,
)

CONDITIONS: list[tuple[str, dict[str, Any]]] = [
    ("EventID", {"field": "EventID"}),
    ("not EventID", {"field": "EventID", "not": True}),
    ("EventID = 4688", {"field": "EventID", "equals": "4688"}),
    ("a =", {"field": "a", "equals": ""}),
    ("Image ~ *\\cmd.exe", {"field": "Image", "like": "*\\cmd.exe"}),
    ("message =~ a = b ~ c", {"field": "message", "matches": "a = b ~ c"}),
    ("a = x =~ y", {"field": "a", "equals": "x =~ y"}),
    (
        "not log source windows/*/sysmon",
        {"logsource": {"product": "windows", "service": "sysmon"}, "not": True},
    ),
]


@pytest.mark.parametrize(("text", "condition"), CONDITIONS)
def test_a_condition_is_read_as_it_is_written(text: str, condition: dict[str, Any]) -> None:
    assert conditions_of(f"\n {text} \n") == [condition]
    assert conditions_text([condition]).strip() == text


def test_names_are_a_field_a_line() -> None:
    names = {"process.command_line": "CommandLine", "a": ["B", "C"]}
    assert names_text(names) == "process.command_line = CommandLine\na = B, C"
    assert names_of(names_text(names)) == names
    assert names_of("a=B\n\n = x\nlone") == {"a": "B", "lone": []}


def test_log_sources_are_written_with_slashes() -> None:
    assert logsource_of("windows/*/sysmon") == {"product": "windows", "service": "sysmon"}
    assert logsource_of("/process_creation") == {"category": "process_creation"}
    assert logsource_text({"category": "x"}) == "*/x/*"


@pytest.mark.parametrize("kind", [kind for kind, _ in kinds()])
def test_every_kind_can_be_begun_and_told(kind: str) -> None:
    assert fresh(kind)["step"] == kind
    assert isinstance(told(fresh(kind)), str)


def test_what_a_step_does_is_told_in_a_line() -> None:
    assert told({"step": "map", "fields": {"a": ["B", "C"], "d": "E"}}) == "a → B, C and 1 more"
    assert told({"step": "prefix", "text": "p.", "strip": True}) == "take away p."
    assert told({"step": "suffix", "text": ".t"}) == "add .t"
    assert told({"step": "add", "field": "F", "from": "g"}) == "F = g"
    assert told({"step": "lower", "fields": ["a", "b"]}) == "a, b"
    step = checked([{"step": "logsource", "product": "linux"}]).steps[0]
    assert told({"step": "logsource", "product": step.logsource.product}) == "linux/*/*"
