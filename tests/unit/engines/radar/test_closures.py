"""The closures decide as the plain tree does, and rules see the events of their log source only."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from closures import MAX_ROUTES, Evaluator, check
from hypothesis import given, settings
from hypothesis import strategies as st

from sent.engines.radar.model import Event, LogSource, Route, Rule
from sent.engines.radar.sigma.expression import (
    And,
    Atom,
    Exists,
    Node,
    Not,
    Null,
    Or,
    Reference,
    Text,
    View,
    explain,
    holds,
)
from sent.engines.radar.sigma.logsource import windows_route

NOW = datetime(2026, 11, 21, tzinfo=UTC)
_FIELDS = st.sampled_from(["A", "B", "C"])
_VALUES = st.text("abAB", max_size=3)
_TESTS = st.one_of(
    st.builds(
        Text, st.sampled_from(["equals", "contains", "startswith", "endswith"]), _VALUES.map(str.lower)
    ),
    st.builds(Text, st.sampled_from(["equals", "contains"]), _VALUES, st.just(True)),
    st.just(Null()),
    st.builds(Exists, st.booleans()),
    st.builds(Reference, _FIELDS, st.sampled_from(["equals", "contains"])),
)
_ATOMS = st.one_of(
    st.builds(Atom, _FIELDS, _TESTS, st.just("x")),
    st.builds(Atom, st.none(), st.builds(Text, st.just("contains"), _VALUES.map(str.lower)), st.just("x")),
)
_NODES: st.SearchStrategy[Node] = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=1, max_size=4).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=4).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=12,
)
_EVENTS = st.dictionaries(_FIELDS, st.one_of(st.none(), _VALUES), max_size=3)


@settings(max_examples=600)
@given(_NODES, _EVENTS)
def test_closures_agree_with_the_tree(node: Node, fields: dict[str, str | None]) -> None:
    """The one exception is an empty keyword without any value, which Sigma cannot express."""
    if not any(fields.values()):
        fields = {**fields, "Z": "z"}
    assert check(node)(View(fields)) == holds(node, View(fields))


@given(_NODES, _EVENTS)
def test_an_explanation_shows_only_what_is_there(node: Node, fields: dict[str, str | None]) -> None:
    for match in explain(node, View(fields)):
        assert match.value == (fields.get(match.field) or "")
        assert 0 <= match.start <= match.end <= len(match.value)


def rule(source: LogSource) -> Rule:
    return Rule(str(uuid4()), "T", "low", "A", source, Atom("F", Text("equals", "1"), "F: 1"))


def fired(source: LogSource, route: Route) -> bool:
    return bool(Evaluator([rule(source)]).match(Event(NOW, {"F": "1"}, route)))


def test_a_rule_sees_its_log_source_only() -> None:
    created = windows_route("Microsoft-Windows-Sysmon/Operational", 1)
    assert fired(LogSource("windows", "process_creation"), created)
    assert fired(LogSource("windows", None, "sysmon"), created)
    assert fired(LogSource(None, "process_creation"), created)
    assert fired(LogSource("windows"), created)
    assert not fired(LogSource("windows", "network_connection"), created)
    assert not fired(LogSource("linux", "process_creation"), created)
    assert not fired(LogSource("windows", "process_creation"), windows_route("Security", 1))
    assert fired(LogSource("linux", "process_creation"), windows_route("Linux-Sysmon/Operational", 1))
    assert fired(LogSource("windows", "ps_script"), windows_route("PowerShellCore/Operational", 4104))
    assert fired(LogSource("aws", None, "cloudtrail"), Route()), "an unknown event is looked at by all"


def test_4688_feeds_process_creation_when_asked() -> None:
    event = Event(
        NOW,
        {"NewProcessName": "C:\\x\\Evil.exe", "MandatoryLabel": "S-1-16-12288", "ProcessId": "0x4"},
        windows_route("Security", 4688),
    )
    wanted = And(
        (
            Atom("Image", Text("endswith", "\\evil.exe"), ""),
            Atom("IntegrityLevel", Text("equals", "high"), ""),
            Atom("ParentProcessId", Text("equals", "0x4"), ""),
        )
    )
    made = Rule("r", "T", "low", "A", LogSource("windows", "process_creation"), wanted)
    assert [match.rule.id for match in Evaluator([made], map_4688=True).match(event)] == ["r"]
    assert Evaluator([made], map_4688=False).match(event) == []


def test_made_up_routes_do_not_fill_the_memory() -> None:
    evaluator = Evaluator([rule(LogSource("windows"))])
    for number in range(MAX_ROUTES + 10):
        evaluator.match(Event(NOW, {}, windows_route("Security", number)))
    assert len(evaluator._by_route) <= MAX_ROUTES
