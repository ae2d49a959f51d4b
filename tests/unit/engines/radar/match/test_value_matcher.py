"""The fast matcher decides as the plain tree does, whatever it remembers and whichever way a record goes."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from ipaddress import ip_network
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sent.engines.radar.decoding.normalise import event_from
from sent.engines.radar.match.classes import ENTRY, LONGEST
from sent.engines.radar.match.engine import MAX_ROUTES, ValueMatcher
from sent.engines.radar.match.records import Shapes
from sent.engines.radar.model import Event, LogSource, Route, Rule
from sent.engines.radar.sigma.expression import (
    And,
    Atom,
    Cidr,
    Compare,
    Exists,
    Node,
    Not,
    Null,
    Or,
    Reference,
    Regex,
    Text,
    View,
    holds,
)
from sent.engines.radar.sigma.logsource import windows_route
from sent.engines.radar.sigma.pattern import compile_pattern

NOW = datetime(2026, 11, 21, tzinfo=UTC)

_NAMES = st.sampled_from(["A", "B", "Provider_Name", "EventID"])
_VALUES = st.one_of(
    st.text("abAB1", max_size=4), st.sampled_from(["1", "2", "10.0.0.7", "10.0.1.7 ", "::1", "ΑΣ", "İ", "K"])
)
_LOWER = _VALUES.map(str.lower)
_SHAPES = st.sampled_from(["equals", "contains", "startswith", "endswith"])
_PATTERNS = st.sampled_from(
    ["ab", "(?i)AB", "^a.b$", "a{2,}", "[Aa]b|b1", "(?i)k", ".{3,}", "(a|b)1", "b(?!1)aba", "(?s)\\Aa.*b\\z"]
)
_TESTS = st.one_of(
    st.builds(Text, _SHAPES, _LOWER),
    st.builds(Text, _SHAPES, _VALUES, st.just(True)),
    st.builds(lambda pattern, cased: Regex(compile_pattern(pattern), cased), _PATTERNS, st.booleans()),
    st.sampled_from([Cidr(ip_network(net)) for net in ("10.0.0.0/24", "::/64", "0.0.0.0/0")]),
    st.builds(Compare, st.sampled_from(["lt", "gte"]), st.just(2.0)),
    st.just(Null()),
    st.builds(Exists, st.booleans()),
    st.builds(Reference, _NAMES, _SHAPES),
)
_ATOMS = st.one_of(
    st.builds(Atom, _NAMES, _TESTS, st.just("x")),
    st.builds(Atom, st.just("EventID"), st.builds(Text, st.just("equals"), _LOWER), st.just("x")),
    st.builds(
        Atom, st.none(), st.builds(Text, st.just("contains"), st.text("ab1", min_size=1, max_size=2)),
        st.just("x"),
    ),
)  # fmt: skip
_NODES: st.SearchStrategy[Node] = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=1, max_size=4).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=4).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=12,
)
_FIELDS = st.dictionaries(_NAMES, st.one_of(st.none(), _VALUES), max_size=4)


def rules_of(nodes: list[Node]) -> list[Rule]:
    return [
        Rule(f"r{place}", f"rule {place}", "low", "", LogSource(), node) for place, node in enumerate(nodes)
    ]


def plainly(rules: list[Rule], fields: dict[str, str | None]) -> list[str]:
    return [rule.id for rule in rules if holds(rule.condition, View(fields))]


def ids(rules: tuple[Rule, ...]) -> list[str]:
    return [rule.id for rule in rules]


@settings(max_examples=150, deadline=None)
@given(st.lists(_NODES, min_size=1, max_size=6), st.lists(_FIELDS, min_size=1, max_size=6))
def test_it_agrees_with_the_tree_new_remembered_and_forgetting(
    nodes: list[Node], events: list[dict[str, str | None]]
) -> None:
    rules = rules_of(nodes)
    matcher, forgetful = ValueMatcher(rules), ValueMatcher(rules, memory=0)
    for fields in [*events, *events]:
        expected = plainly(rules, fields)
        assert ids(matcher.fired(fields, Route("windows"))) == expected
        assert ids(forgetful.fired(fields, Route("windows"))) == expected
    assert forgetful.memory.forgotten > 0


_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.just(1.0), _VALUES)
_DATA = st.dictionaries(
    st.sampled_from(["A", "B", "A ", "EventID", "#attributes", "Data"]),
    st.one_of(
        _SCALARS,
        st.lists(_SCALARS, max_size=2),
        st.dictionaries(st.sampled_from(["#text", "A", "B"]), _SCALARS, max_size=2),
    ),
    max_size=4,
)
_SYSTEM = st.fixed_dictionaries(
    {
        "EventID": st.one_of(
            st.integers(0, 2), st.sampled_from(["1", "2", "x", True, None]),
            st.builds(lambda text: {"#attributes": {"Qualifiers": 1}, "#text": text}, st.integers(0, 2)),
        ),
        "Channel": st.sampled_from(["Security", "Other", None]),
    },
    optional={
        "Provider": st.builds(lambda name: {"#attributes": {"Name": name}}, _VALUES),
        "Odd": _VALUES,
        "Level": st.integers(0, 4),
    },
)  # fmt: skip
_RECORDS = st.fixed_dictionaries(
    {"System": _SYSTEM},
    optional={
        "EventData": st.one_of(st.none(), _VALUES, _DATA),
        "UserData": st.one_of(st.none(), _DATA),
        "#attributes": st.just({"xmlns": "x"}),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_NODES, min_size=1, max_size=5), st.lists(_RECORDS, min_size=1, max_size=5))
def test_a_record_fires_what_its_event_fires(nodes: list[Node], records: list[dict[str, Any]]) -> None:
    rules = rules_of(nodes)
    matcher = ValueMatcher(rules)
    for record in [*records, *records]:
        expected = plainly(rules, dict(event_from(record).fields))
        assert ids(matcher.fired_on(record)) == expected
        assert [match.rule.id for match in matcher.match(event_from(record))] == expected


def process(title: str, condition: Node, category: str | None, service: str | None) -> Rule:
    return Rule(title, title, "low", "", LogSource("windows", category, service), condition)


def test_a_4688_event_fires_rules_of_both_its_views_once() -> None:
    image = Atom("Image", Text("endswith", "cmd.exe"), "x")
    rules = [
        process("a", image, "process_creation", None),
        process("b", Atom("NewProcessName", Text("contains", "cmd"), "x"), None, "security"),
        process("c", Atom("EventID", Text("equals", "4688"), "x"), None, None),
    ]
    record = {
        "System": {"EventID": 4688, "Channel": "Security"},
        "EventData": {"NewProcessName": "C:\\Windows\\cmd.exe"},
    }
    mapped, unmapped = ValueMatcher(rules), ValueMatcher(rules, map_4688=False)
    assert ids(mapped.fired_on(record)) == ["a", "b", "c"]
    assert [match.rule.id for match in mapped.match(event_from(record))] == ["a", "b", "c"]
    assert mapped.match(event_from(record))[0].event.fields["Image"] == "C:\\Windows\\cmd.exe"
    assert ids(unmapped.fired_on(record)) == ["b", "c"]


def test_an_event_id_no_rule_asks_for_needs_no_bucket_of_its_own() -> None:
    rules = [process("a", Atom("EventID", Text("equals", "7"), "x"), None, "system")]
    matcher = ValueMatcher(rules)
    for number in range(200):
        matcher.fired({"EventID": str(number)}, windows_route("System", number))
    assert len(matcher.family(windows_route("System", 1))._buckets) == 2


def test_made_up_channels_and_values_cost_bounded_memory() -> None:
    rules = [process("a", Atom("A", Text("contains", "needle"), "x"), None, None)]
    matcher = ValueMatcher(rules, memory=100 * ENTRY)
    for number in range(MAX_ROUTES + 10):
        fields = {"A": f"value {number}" + "x" * (2 * LONGEST if number % 100 == 0 else 0)}
        matcher.fired(fields, Route("windows", channel=f"c{number}"))
        assert matcher.memory.used <= 104 * ENTRY + LONGEST
    assert matcher.memory.forgotten > 10
    assert len(matcher._routes) <= MAX_ROUTES


def test_the_event_of_a_match_is_the_one_it_was_found_on() -> None:
    event = Event(NOW, {"A": "x needle"}, Route("windows"))
    rules = [process("a", Atom("A", Text("contains", "needle"), "x"), None, None)]
    (match,) = ValueMatcher(rules).match(event)
    assert match.event is event and match.rule is rules[0]


def test_keywords_in_events_of_many_fields_cost_bounded_memory() -> None:
    words = [f"word{number}" for number in range(8)]
    rules = rules_of([Atom(None, Text("contains", word), word) for word in words])
    matcher = ValueMatcher(rules, memory=1_000_000)
    values = [" ".join(words[bit] for bit in range(8) if each >> bit & 1) for each in range(256)]
    names, route, choice = list(map(str, range(200))), Route("linux", frozenset(), frozenset()), Random(1)
    tracemalloc.start()
    try:
        for _ in range(300):
            matcher.fired(dict(zip(names, choice.sample(values, len(names)), strict=True)), route)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert matcher.memory.forgotten
    assert held < 3_000_000


def test_records_of_made_up_names_are_not_remembered() -> None:
    shapes = Shapes()
    for number in range(10):
        assert shapes[("Channel", "EventID"), (f"{number}" * 5_000,)]
    assert not shapes
    assert shapes[("Channel", "EventID"), ("Image",)]
    assert len(shapes) == 1
