"""An explanation says of every part whether it holds, and how far a rule is from firing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sent.engines.radar.decoding.normalise import event_from
from sent.engines.radar.model import Rule
from sent.engines.radar.sigma.explanation import SHOWN_PARTS, as_json, explained, lines, verdict
from sent.engines.radar.sigma.expression import And, Atom, Node, Not, Or, Text, View, holds
from sent.engines.radar.sigma.ruleset import parse_rules

RULE = """
title: Shell out of a document
id: 00000000-0000-4000-8000-000000000001
author: A. Nalyst
logsource: {product: windows, category: process_creation}
detection:
  parent: {ParentImage|endswith: ['\\winword.exe', '\\excel.exe']}
  shell: {Image|endswith: '\\cmd.exe'}
  known: {CommandLine|contains: 'report-macro'}
  condition: parent and shell and not known
"""


def rule() -> Rule:
    (found,) = parse_rules([("rule.yml", RULE, "")]).rules
    return found


def process(**fields: str) -> dict[str, object]:
    return {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, **fields}


def test_it_says_why_a_rule_fires() -> None:
    found = explained(rule(), event_from(process(ParentImage="C:\\winword.exe", Image="C:\\cmd.exe")))
    assert found.looks and found.fires and found.missing == 0
    text = list(lines(found))
    assert text[0] == "Shell out of a document (00000000-0000-4000-8000-000000000001, by A. Nalyst)"
    assert text[1] == "  fires"
    assert "      + ParentImage: *\\winword.exe    'C:\\\\winword.exe'" in text
    assert "      - CommandLine: *report-macro*    (absent)" in text


def test_it_says_how_far_a_rule_is_from_firing() -> None:
    event = event_from(process(ParentImage="C:\\winword.exe", Image="C:\\a.exe", CommandLine="report-macro"))
    found = explained(rule(), event)
    assert found.looks and not found.fires and found.missing == 2
    assert list(lines(found))[1] == "  does not fire; 2 tests short of it"


def test_it_says_that_a_rule_does_not_look_at_an_event() -> None:
    event = event_from({"Channel": "Security", "EventID": 4688, "NewProcessName": "C:\\cmd.exe"})
    found = explained(rule(), event)
    assert not found.looks and not found.fires
    asked = "it asks for windows/process_creation/*, the event is event 4688 of Security"
    assert list(lines(found))[1] == f"  does not look at this event: {asked}"
    mapped = explained(rule(), event, map_4688=True)
    assert mapped.looks and mapped.missing == 1


def test_of_many_alternatives_those_that_hold_come_first_and_few_are_shown() -> None:
    values = [f"v{number}" for number in range(40)]
    node = Or(tuple(Atom("A", Text("equals", value), value) for value in values))
    found = verdict(node, View({"A": "v33"}))
    assert found.holds and len(found.parts) == SHOWN_PARTS and found.left_out == 40 - SHOWN_PARTS
    assert found.parts[0].text == "v33" and [part.holds for part in found.parts].count(True) == 1
    assert as_json(found)["left_out"] == 40 - SHOWN_PARTS


_ATOMS = st.builds(
    lambda field, value: Atom(field, Text("equals", value), f"{field}={value}"),
    st.sampled_from("ABC"),
    st.sampled_from("xy"),
)
_NODES: st.SearchStrategy[Node] = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(_NODES, st.dictionaries(st.sampled_from("ABC"), st.sampled_from("xyz"), max_size=3))
def test_a_verdict_is_what_its_parts_say(node: Node, fields: dict[str, str | None]) -> None:
    found = verdict(node, View(fields))
    assert found.holds == holds(node, View(fields))
    held = [part.holds for part in found.parts]
    if found.kind == "not":
        assert found.holds != held[0]
    elif found.kind != "test":
        assert found.holds == (all(held) if found.kind == "and" else any(held))
