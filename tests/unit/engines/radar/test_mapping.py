"""Field mappings: what every step and condition does, what is refused, what is bounded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sent.engines.radar.decoding.normalise import MAX_FIELDS
from sent.engines.radar.fieldmap import applied as mapped
from sent.engines.radar.fieldmap import draft as mapdraft
from sent.engines.radar.fieldmap.applied import Mapped, pairs, rerouted
from sent.engines.radar.fieldmap.draft import TooMuch
from sent.engines.radar.fieldmap.steps import MAX_PATTERNS, MAX_STEPS, FieldMapping, checked, read
from sent.engines.radar.model import Event, Route
from sent.platform.errors import Invalid
from sent.platform.ids import uuid7

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def through(steps: object, fields: dict[str, str | None], route: Route = Route()) -> Event:  # noqa: B008
    """Return the event of these fields behind the steps."""
    mapping = checked(steps)
    assert read(mapping.stored()) == mapping, "what is kept says the same"
    return Mapped(mapping.steps).apply(Event(NOW, fields, route), NOW)


TABLE: list[tuple[str, dict[str, Any], dict[str, str | None], dict[str, str | None]]] = [
    ("a new name beside the old", {"step": "map", "fields": {"a": "B"}}, {"a": "1"}, {"a": "1", "B": "1"}),
    (
        "several new names",
        {"step": "map", "fields": {"a": ["B", "C"]}},
        {"a": "1"},
        {"a": "1", "B": "1", "C": "1"},
    ),
    (
        "moved",
        {"step": "map", "fields": {"a": "B"}, "move": True},
        {"a": "1", "x": "2"},
        {"B": "1", "x": "2"},
    ),
    (
        "moved onto itself",
        {"step": "map", "fields": {"a": ["a", "B"]}, "move": True},
        {"a": "1"},
        {"a": "1", "B": "1"},
    ),
    ("what is not there", {"step": "map", "fields": {"z": "B"}}, {"a": "1"}, {"a": "1"}),
    ("empty stays empty", {"step": "map", "fields": {"a": "B"}}, {"a": None}, {"a": None, "B": None}),
    ("a name taken stays", {"step": "map", "fields": {"a": "B"}}, {"a": "1", "B": "2"}, {"a": "1", "B": "2"}),
    (
        "a move onto a name taken loses nothing",
        {"step": "map", "fields": {"a": "B"}, "move": True},
        {"a": "1", "B": "2"},
        {"a": "1", "B": "2"},
    ),
    (
        "overwritten",
        {"step": "map", "fields": {"a": "B"}, "overwrite": True},
        {"a": "1", "B": "2"},
        {"a": "1", "B": "1"},
    ),
    (
        "more names than fields",
        {"step": "map", "fields": {f"n{i}": f"N{i}" for i in range(50)}},
        {"n7": "1"},
        {"n7": "1", "N7": "1"},
    ),
    ("prefix added", {"step": "prefix", "text": "p."}, {"a": "1"}, {"a": "1", "p.a": "1"}),
    (
        "prefix stripped",
        {"step": "prefix", "text": "p.", "strip": True},
        {"p.a": "1", "q": "2"},
        {"p.a": "1", "q": "2", "a": "1"},
    ),
    (
        "prefix stripped, moved",
        {"step": "prefix", "text": "p.", "strip": True, "move": True},
        {"p.a": "1"},
        {"a": "1"},
    ),
    (
        "a prefix that is the whole name",
        {"step": "prefix", "text": "p.", "strip": True},
        {"p.": "1"},
        {"p.": "1"},
    ),
    (
        "prefix of some",
        {"step": "prefix", "text": "p.", "fields": ["a*"], "move": True},
        {"ab": "1", "b": "2"},
        {"p.ab": "1", "b": "2"},
    ),
    ("suffix added", {"step": "suffix", "text": ".t", "move": True}, {"a": "1"}, {"a.t": "1"}),
    (
        "suffix stripped",
        {"step": "suffix", "text": ".t", "strip": True},
        {"a.t": "1"},
        {"a.t": "1", "a": "1"},
    ),
    ("a constant", {"step": "add", "field": "N", "value": "v"}, {"a": "1"}, {"a": "1", "N": "v"}),
    ("an empty constant", {"step": "add", "field": "N", "value": ""}, {}, {"N": ""}),
    ("a constant where there is one", {"step": "add", "field": "a", "value": "v"}, {"a": "1"}, {"a": "1"}),
    ("from another field", {"step": "add", "field": "N", "from": "a"}, {"a": "1"}, {"a": "1", "N": "1"}),
    ("from a field that is not there", {"step": "add", "field": "N", "from": "z"}, {"a": "1"}, {"a": "1"}),
    ("dropped", {"step": "drop", "fields": ["a", "no"]}, {"a": "1", "b": "2"}, {"b": "2"}),
    (
        "dropped by wildcard",
        {"step": "drop", "fields": ["a.*", "?x"]},
        {"a.b": "1", "a.c": "1", "zx": "1", "xx1": "1"},
        {"xx1": "1"},
    ),
    (
        "split",
        {"step": "split", "field": "m", "between": ";", "equals": ":"},
        {"m": "A: 1; B:2"},
        {"m": "A: 1; B:2", "A": "1", "B": "2"},
    ),
    (
        "split with a prefix",
        {"step": "split", "field": "m", "prefix": "p."},
        {"m": 'x=1 y="a b"'},
        {"m": 'x=1 y="a b"', "p.x": "1", "p.y": "a b"},
    ),
    ("split of nothing", {"step": "split", "field": "m"}, {"m": None}, {"m": None}),
    ("lower", {"step": "lower", "fields": ["H*"]}, {"Host": "PC1", "X": "Y"}, {"Host": "pc1", "X": "Y"}),
    (
        "extracted",
        {"step": "extract", "field": "m", "pattern": r"user=(?P<User>\w+)(?: ip=(?P<Ip>\S+))?"},
        {"m": "x user=anna"},
        {"m": "x user=anna", "User": "anna"},
    ),
    ("nothing to extract", {"step": "extract", "field": "m", "pattern": "(?P<U>z)"}, {"m": "a"}, {"m": "a"}),
    ("switched off", {"step": "drop", "fields": ["a"], "on": False}, {"a": "1"}, {"a": "1"}),
]


@pytest.mark.parametrize(
    ("step", "before", "after"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_every_step_has_its_truth_table(
    step: dict[str, Any], before: dict[str, str | None], after: dict[str, str | None]
) -> None:
    given = dict(before)
    assert through([step], given).fields == after
    assert given == before, "the event that came is not changed"


CONDITIONS: list[tuple[dict[str, Any], dict[str, str | None], bool]] = [
    ({"field": "a"}, {"a": None}, True),
    ({"field": "a"}, {"b": "1"}, False),
    ({"field": "a", "not": True}, {"b": "1"}, True),
    ({"field": "a", "equals": "X"}, {"a": "x"}, True),
    ({"field": "a", "equals": 4688}, {"a": "4688"}, True),
    ({"field": "a", "equals": "x"}, {"a": "y\nX"}, True),
    ({"field": "a", "equals": "x"}, {"a": "xx"}, False),
    ({"field": "a", "equals": ""}, {"a": None}, True),
    ({"field": "a", "equals": ""}, {}, False),
    ({"field": "a", "like": "*.EXE"}, {"a": "cmd.exe"}, True),
    ({"field": "a", "like": "c?d.exe"}, {"a": "cd.exe"}, False),
    ({"field": "a", "like": "a.b"}, {"a": "axb"}, False),
    ({"field": "a", "matches": "^x+$"}, {"a": "xxx"}, True),
    ({"field": "a", "matches": "^x+$"}, {"a": "X"}, False),
    ({"field": "a", "matches": "."}, {}, False),
    ({"field": "a", "equals": "x", "not": True}, {"a": "x"}, False),
    ({"logsource": {"product": "linux"}}, {}, True),
    ({"logsource": {"product": "linux", "service": "sshd"}}, {}, True),
    ({"logsource": {"product": "windows"}}, {}, False),
    ({"logsource": {"category": "process_creation"}, "not": True}, {}, True),
]


@pytest.mark.parametrize(("condition", "fields", "holds"), CONDITIONS)
def test_every_condition_has_its_truth_table(
    condition: dict[str, Any], fields: dict[str, str | None], holds: bool
) -> None:
    route = Route("linux", services=frozenset({"sshd", "auth"}))
    step = {"step": "add", "field": "taken", "value": "yes", "when": [condition]}
    assert ("taken" in through([step], dict(fields), route).fields) is holds


def test_all_conditions_of_a_step_must_hold() -> None:
    step = {"step": "add", "field": "t", "value": "1", "when": [{"field": "a"}, {"field": "b"}]}
    assert "t" not in through([step], {"a": "1"}).fields
    assert "t" in through([step], {"a": "1", "b": "1"}).fields


def test_an_event_of_unknown_origin_belongs_to_no_log_source() -> None:
    step = {"step": "add", "field": "t", "value": "1", "when": [{"logsource": {"product": "windows"}}]}
    assert "t" not in through([step], {}).fields


def test_a_log_source_replaces_or_joins_what_is_known() -> None:
    route = Route("linux", frozenset({"a"}), frozenset({"auditd"}))
    step = {"step": "logsource", "product": "windows", "category": "process_creation"}
    assert through([step], {}, route).route == Route("windows", frozenset({"process_creation"}))
    joined = through([{**step, "product": "", "add": True}], {}, route).route
    assert joined == Route("linux", frozenset({"a", "process_creation"}), frozenset({"auditd"}))


def test_steps_are_taken_in_their_order() -> None:
    steps = [{"step": "map", "fields": {"a": "b"}, "move": True}, {"step": "map", "fields": {"b": "c"}}]
    assert through(steps, {"a": "1"}).fields == {"b": "1", "c": "1"}
    assert through(steps[::-1], {"a": "1"}).fields == {"b": "1"}


def test_an_event_that_gets_channel_and_id_is_routed_as_windows_and_tells_its_host() -> None:
    steps = [
        {
            "step": "map",
            "fields": {"w.channel": "Channel", "w.id": "EventID", "w.pc": "Computer", "w.at": "UtcTime"},
        }
    ]
    fields: dict[str, str | None] = {
        "w.channel": "Microsoft-Windows-Sysmon/Operational",
        "w.id": "1",
        "w.pc": "pc1",
        "w.at": "2026-11-27 11:00:00",
    }
    event = through(steps, fields)
    assert event.route.product == "windows"
    assert "process_creation" in event.route.categories
    assert (event.host, event.at) == ("pc1", datetime(2026, 11, 27, 11, tzinfo=UTC))


def test_stored_events_get_their_log_source_again() -> None:
    stored = checked(
        [
            {"step": "map", "fields": {"a": "B"}, "move": True},
            {"step": "logsource", "product": "zeek", "when": [{"field": "B"}]},
        ]
    ).stored()
    assert rerouted(stored, {"B": "1"}, Route("linux")).product == "zeek"
    assert rerouted(stored, {"C": "1"}, Route("linux")).product == "linux"
    assert rerouted("[broken", {}, Route("linux")) == Route("linux")


def test_a_step_that_makes_too_much_fails_and_the_event_goes_on_as_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {f"s{i}": [f"t{i}.{j}" for j in range(20)] for i in range(200)}
    fields: dict[str, str | None] = {f"s{i}": "v" for i in range(200)}
    with pytest.raises(TooMuch, match=f"{MAX_FIELDS} fields"):
        through([{"step": "map", "fields": names}], fields)
    monkeypatch.setattr(mapdraft, "MAX_MADE", 10)
    monkeypatch.setattr(mapped, "FAILED", type(mapped.FAILED)())
    source, event = uuid7(), Event(NOW, fields)
    stored = checked([{"step": "map", "fields": names}]).stored()
    assert mapped.mapped(stored, event, NOW, source) is event
    assert mapped.mapped("{}", event, NOW, source) is event, "a mapping that cannot be read"
    assert mapped.FAILED[source] == 2


def test_steps_look_at_a_bounded_number_of_names() -> None:
    steps = [{"step": "lower", "fields": ["n*"]}] * MAX_STEPS
    with pytest.raises(TooMuch, match="names"):
        through(steps, {f"n{i}": "V" for i in range(1500)})


def test_names_count_once_for_each_pattern_that_is_asked() -> None:
    steps = [{"step": "drop", "fields": [f"*x?{n}" for n in range(MAX_PATTERNS)]}]
    assert len(through(steps, {f"n{i}": "V" for i in range(500)}).fields) == 500
    with pytest.raises(TooMuch, match="names"):
        through(steps, {f"n{i}": "V" for i in range(1500)})


@pytest.mark.parametrize(
    "steps",
    [
        [{"step": "drop", "fields": [f"*x?{n}" for n in range(MAX_PATTERNS + 1)]}],
        [{"step": "extract", "field": "m", "pattern": "(?P<a>x)"}] * (MAX_PATTERNS + 1),
        [{"step": "drop", "fields": ["a"], "when": [{"field": "m", "matches": "x"}] * 9}] * 6,
        [{"step": "extract", "field": "m", "pattern": r"(?P<a>\pL{100})"}],
    ],
)
def test_the_memory_of_a_mapping_is_bounded(steps: list[dict[str, Any]]) -> None:
    """A pattern of a dozen characters keeps megabytes: an organisation could keep gigabytes."""
    with pytest.raises(Invalid, match=r"patterns and wildcards|RE2 cannot run it"):
        checked(steps)


@pytest.mark.parametrize(
    "steps",
    [
        [{"step": "extract", "field": "m", "pattern": r"(?P<a>(a|b).{40}c)"}] * MAX_PATTERNS,
        [{"step": "drop", "fields": ["x"], "when": [{"field": "m", "equals": "x"}] * 10}] * MAX_STEPS,
        [{"step": "drop", "fields": ["x"], "when": [{"field": "m", "like": "*x?y*", "not": True}] * 9}] * 5,
        [{"step": "split", "field": "m"}] * MAX_STEPS,
    ],
)
def test_what_is_searched_of_one_event_is_bounded(steps: list[dict[str, Any]]) -> None:
    """All sources of all organisations wait for the thread that decodes."""
    assert through(steps, {"m": "a" * 200}).fields["m"] == "a" * 200
    with pytest.raises(TooMuch, match="search"):
        through(steps, {"m": "\n".join("ab" for _ in range(11_000))})


def test_a_mapping_that_cannot_run_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may write the table may write what nobody checked; its events must not pay for that one by one."""
    tried: list[str] = []

    def counted(stored: str) -> FieldMapping:
        tried.append(stored)
        return read(stored)

    monkeypatch.setattr(mapped, "read", counted)
    event = Event(NOW, {"a": "1"}, Route())
    for _ in range(3):
        assert mapped.mapped('{"steps": [{"step": "tried once"}]}', event, NOW, uuid7()) is event
    assert len(tried) == 1


def test_characters_made_are_bounded() -> None:
    steps = [{"step": "map", "fields": {"a": [f"b{i}" for i in range(20)]}}]
    with pytest.raises(TooMuch, match="characters"):
        through(steps, {"a": "x" * 100_000})


def test_hostile_values_take_linear_time() -> None:
    steps = [
        {"step": "extract", "field": "m", "pattern": "(?P<x>(a+)+)$"},
        {"step": "split", "field": "m", "between": "a", "equals": "aa"},
        {"step": "drop", "fields": ["*a*a*a*a*b"]},
        {"step": "add", "field": "t", "value": "1", "when": [{"field": "m", "like": "*a*a*a*a*b"}]},
    ]
    event = through(steps, {"m": "a" * 200_000, "a" * 300: "1"})
    assert "t" not in event.fields


def test_a_split_makes_at_most_500_pairs() -> None:
    assert len(pairs(" ".join(f"k{i}=v" for i in range(2000)), " ", "=")) == mapped.MAX_PAIRS
    assert pairs('a="unclosed b=1', " ", "=") == [("a", "unclosed b=1")]
    assert pairs("no pairs here", " ", "=") == []


REFUSED: list[tuple[object, str]] = [
    ("text", "list of steps"),
    ({"steps": [], "extra": 1}, "'extra' is not known"),
    ([{"step": "nonsense"}], "step 1: a step is one of"),
    ([{"step": "map"}], "map names 1 to"),
    ([{"step": "map", "fields": {"a": []}}], "'a' gets 1 to 20 names"),
    ([{"step": "map", "fields": {"a": [1]}}], "a field's name is a text"),
    ([{"step": "map", "fields": {"a": "B"}, "pattern": "x"}], "'pattern' is not known"),
    ([{"step": "prefix"}], "prefix says no prefix"),
    ([{"step": "add", "field": "x"}], "either a value or the field"),
    ([{"step": "add", "field": "x", "value": "1", "from": "y"}], "either a value or the field"),
    ([{"step": "add", "value": "1"}], "add names no field"),
    ([{"step": "drop"}], "drop names no field"),
    ([{"step": "split", "field": "a", "equals": ""}], "what stands between"),
    ([{"step": "extract", "field": "a", "pattern": "(x)"}], "no named group"),
    ([{"step": "extract", "field": "a", "pattern": "(?P<x>a)(?=b)"}], "RE2 cannot run it"),
    ([{"step": "extract", "field": "a", "pattern": "(?P<x>" + "a" * 1000 + ")"}], "at most 1000"),
    ([{"step": "logsource"}], "neither product nor category"),
    (
        [{"step": "drop", "fields": ["a"], "when": [{"field": "x", "equals": "1", "like": "2"}]}],
        "step 1, condition 1",
    ),
    ([{"step": "drop", "fields": ["a"], "when": [{"matches": "1"}]}], "it names a field"),
    ([{"step": "drop", "fields": ["a"], "when": [{"field": "a", "matches": "("}]}], "RE2 cannot run it"),
    ([{"step": "drop", "fields": ["a"], "when": [{"logsource": {}}]}], "names product"),
    ([{"step": "drop", "fields": ["a"], "on": "yes"}], "`on` is true or false"),
    ([{"step": "drop", "fields": ["a\0"]}], "a field's name"),
    ([{"step": "drop", "fields": ["a"]}] * (MAX_STEPS + 1), "at most 100 steps"),
    ([{"step": "add", "field": "x", "value": "y" * 4000}] * 20, "at most 65536 characters"),
]


@pytest.mark.parametrize(("value", "said"), REFUSED)
def test_what_cannot_run_is_refused_with_its_place(value: object, said: str) -> None:
    with pytest.raises(Invalid, match=r"(?s).*" + said.replace("(", r"\(").replace("*", r"\*")):
        checked(value)


def test_what_was_kept_and_is_no_json_any_more_is_refused() -> None:
    with pytest.raises(Invalid, match="no JSON"):
        read("{")
    assert FieldMapping().stored() == '{"steps":[]}'
