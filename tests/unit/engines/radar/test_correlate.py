"""Correlations over time: what comes together fires, once, and nothing else does."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest
import yaml

from sent.engines.radar.correlations import correlate
from sent.engines.radar.correlations.correlate import Correlator
from sent.engines.radar.correlations.correlation import MAX_COUNT, MAX_VALUES
from sent.engines.radar.correlations.window import CorrelationHit, Occurrence
from sent.engines.radar.model import RuleSet
from sent.engines.radar.sigma.ruleset import parse_rules

HOUR = 3600
T = 1_764_000_000 - 1_764_000_000 % HOUR
"""The beginning of an hour."""


def rule(name: str) -> dict[str, Any]:
    return {
        "title": name.title(),
        "name": name,
        "id": f"00000000-0000-4000-8000-{sum(map(ord, name)):012d}",
        "logsource": {"product": "test"},
        "detection": {"sel": {"kind": name}, "condition": "sel"},
    }


def correlation(title: str = "C", name: str | None = None, **body: Any) -> dict[str, Any]:
    body = {key.replace("_", "-", 1) if key == "group_by" else key: value for key, value in body.items()}
    made: dict[str, Any] = {"title": title, "correlation": {"rules": ["a"], "timespan": "1h", **body}}
    return made if name is None else {**made, "name": name}


def parsed(*documents: dict[str, Any]) -> RuleSet:
    known = [rule(name) for name in ("a", "b", "c")]
    return parse_rules([("all.yml", yaml.safe_dump_all([*documents, *known]), "")])


class Run:
    """Feeds events to correlations and remembers what fired."""

    def __init__(self, *documents: dict[str, Any], **options: Any) -> None:
        found = parsed(*documents)
        assert not found.rejected, found.rejected
        self.rules = {rule.name: rule.id for rule in found.rules}
        self.correlations = found.correlations
        self.options = options
        self.correlator = Correlator(found.correlations, **options)
        self.hits: list[CorrelationHit] = []
        self.stored: dict[tuple[str, str], str] = {}

    def feed(self, at: float, name: str = "a", **fields: str) -> int:
        hits = self.correlator.feed(self.rules[name], Occurrence(T + at, fields, f"{name}@{at}"))
        self.hits += hits
        return len(hits)

    def restart(self) -> None:
        """Go on as another process that has what the first one stored, as text."""
        for key, state in self.correlator.snapshot().items():
            self.stored[key] = json.dumps(state)
        self.correlator = Correlator(self.correlations, **self.options)
        self.correlator.restore({key: json.loads(state) for key, state in self.stored.items()})


def fed(run: Run, times: Sequence[float], **fields: str) -> list[int]:
    return [run.feed(at, **fields) for at in times]


def test_r6_events_on_both_sides_of_an_hour_are_seconds_apart() -> None:
    run = Run(correlation(type="event_count", timespan="1m", condition={"gte": 2}))
    assert fed(run, [HOUR - 1, HOUR + 1]) == [0, 1]
    (hit,) = run.hits
    assert (hit.first_at, hit.last_at, hit.figure) == (T + HOUR - 1, T + HOUR + 1, 2)


def test_r6_a_window_is_as_long_as_its_timespan() -> None:
    counted = correlation(type="event_count", timespan="10m", condition={"gte": 2})
    assert fed(Run(counted), [0, 600]) == [0, 1]
    assert fed(Run(counted), [0, 600.001]) == [0, 0]


@pytest.mark.parametrize(
    ("timespan", "seconds"),
    [("30s", 30), ("2m", 120), ("1h", 3600), ("1d", 86_400), ("1w", 604_800), ("1M", 2_629_746)],
)
def test_r6_timespans(timespan: str, seconds: int) -> None:
    counted = correlation(type="event_count", timespan=timespan, condition={"gte": 2})
    assert fed(Run(counted), [0, seconds]) == [0, 1]
    assert fed(Run(counted), [0, seconds + 1]) == [0, 0]


def test_r6_the_order_of_arrival_does_not_matter_within_the_lateness() -> None:
    times = [0.0, 70, 110, 150, 400, 420, 430]
    expected = [(T + 70, T + 150), (T + 400, T + 430)]
    for seed in range(40):
        order = times[:]
        random.Random(seed).shuffle(order)
        run = Run(correlation(type="event_count", timespan="90s", condition={"gte": 3}), lateness_s=600)
        fed(run, order)
        assert sorted((hit.first_at, hit.last_at) for hit in run.hits) == expected
        assert run.correlator.late == 0
    assert (
        fed(Run(correlation(type="event_count", timespan="90s", condition={"gte": 3})), times).count(1) == 2
    )


def test_r6_what_comes_too_late_is_counted_and_left_out() -> None:
    run = Run(correlation(type="event_count", timespan="1m", condition={"gte": 2}), lateness_s=30)
    assert fed(run, [1000, 909]) == [0, 0]
    assert run.correlator.late == 1
    assert fed(run, [945]) == [1]


def test_r6_groups_do_not_mix_and_ignore_case() -> None:
    run = Run(correlation(type="event_count", group_by=["user", "host"], condition={"gte": 2}))
    assert run.feed(0, user="ann", host="h1") == 0
    assert run.feed(1, user="bob", host="h1") == 0
    assert run.feed(2, user="ann", host="h2") == 0
    assert run.feed(3, user="annh", host="1") == 0
    assert run.feed(4, user="ann") == 0, "without a value of group-by an event takes no part"
    assert run.feed(5, user="ANN", host="H1") == 1
    assert dict(run.hits[0].group) == {"user": "ann", "host": "h1"}


def test_r6_new_events_must_cross_the_threshold_again() -> None:
    run = Run(correlation(type="event_count", condition={"gte": 3}))
    assert fed(run, range(9)) == [0, 0, 1, 0, 0, 1, 0, 0, 1]
    above = Run(correlation(type="event_count", condition={"gt": 3}))
    assert fed(above, range(5)) == [0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("condition", "amounts"),
    [
        ({"lt": 3}, {1, 2}),
        ({"lte": 3}, {1, 2, 3}),
        ({"eq": 3}, {3}),
        ({"neq": 3}, {1, 2, 4, 5, 6}),
        ({"gt": 2, "lte": 5}, {3, 4, 5}),
        ({"gte": 2, "lt": 4}, {2, 3}),
    ],
)
def test_r6_upper_bounds_are_decided_when_the_window_has_passed(condition: dict, amounts: set[int]) -> None:
    for amount in range(1, 7):
        run = Run(correlation(type="event_count", timespan="1m", condition=condition))
        assert sum(fed(run, range(amount))) == 0
        assert run.correlator.advance(T + 60 + correlate.LATENESS_S) == []
        hits = run.correlator.advance(T + 61 + correlate.LATENESS_S)
        assert len(hits) == (amount in amounts), amount
        assert [hit.occurrence.origin for hit in hits] == [f"a@{amount - 1}"] * len(hits)
        assert run.correlator.finish() == []


def test_r6_windows_with_an_upper_bound_follow_each_other() -> None:
    run = Run(correlation(type="event_count", timespan="1m", condition={"eq": 2}), lateness_s=5)
    fed(run, [0, 60, 61, 70, 100, 200])
    assert [(hit.first_at - T, hit.last_at - T) for hit in run.hits] == [(0, 60)]
    assert run.feed(58) == 0
    assert run.correlator.late == 1, "its window was decided"
    fed(run, [205])
    assert [hit.last_at - T for hit in run.correlator.finish()] == [205]


def test_r6_value_count_counts_different_values() -> None:
    run = Run(correlation(type="value_count", group_by="host", condition={"field": "user", "gte": 3}))
    values = ["ann", "ANN", "bob", "Ann", "eve", "ann", "bob"]
    found = [run.feed(at, host="h", user=user) for at, user in enumerate(values)]
    assert found == [0, 0, 0, 0, 1, 0, 0]
    assert run.feed(9, host="h") == 0, "without the field there is nothing to count"
    both = Run(correlation(type="value_count", condition={"field": ["user", "domain"], "gte": 2}))
    assert both.feed(0, user="ann", domain="x") == 0
    assert both.feed(1, user="ann") == 0
    assert both.feed(2, user="ann", domain="y") == 1


def test_r6_temporal_wants_every_rule_once_in_any_order() -> None:
    near = correlation(type="temporal", rules=["a", "b", "c"], group_by="user", timespan="5m")
    run = Run(near)
    found = [run.feed(at, name, user="u") for at, name in enumerate("caaccb")]
    assert found == [0, 0, 0, 0, 0, 1]
    assert [run.feed(at, name, user="u") for at, name in ((10, "a"), (11, "b"), (12, "c"))] == [0, 0, 1]
    assert [run.feed(at, name, user="u") for at, name in ((400, "a"), (500, "b"), (701, "c"))] == [0, 0, 0]
    two = Run({**near, "correlation": {**near["correlation"], "condition": {"gte": 2}}})
    assert [two.feed(at, name, user="u") for at, name in enumerate("aac")] == [0, 0, 1]


def test_r6_temporal_ordered_wants_them_in_their_order() -> None:
    ordered = correlation(type="temporal_ordered", rules=["a", "b", "c"], timespan="5m")
    assert [Run(ordered).feed(0, "c")] == [0]
    run = Run(ordered)
    assert [run.feed(at, name) for at, name in enumerate("cbabac")] == [0, 0, 0, 0, 0, 1]
    wrong = Run(ordered)
    assert sum(wrong.feed(at, name) for at, name in enumerate("cbacba")) == 0
    far = Run(ordered)
    assert [far.feed(at, name) for at, name in ((0, "a"), (10, "b"), (301, "c"))] == [0, 0, 0]
    late = Run(ordered)
    assert [late.feed(at, name) for at, name in ((20, "b"), (30, "c"), (10, "a"))] == [0, 0, 1]


def test_r6_sums_averages_and_percentiles() -> None:
    run = Run(correlation(type="value_sum", group_by="ip", condition={"field": "bytes", "gt": 100}))
    assert [run.feed(at, ip="i", bytes=n) for at, n in enumerate(["60", "40", "x", "1", "99", "2"])] == [
        *(0, 0, 0),
        *(1, 0, 1),
    ]
    run = Run(correlation(type="value_avg", timespan="10s", condition={"field": "n", "gt": 5}))
    assert [run.feed(at, n=n) for at, n in enumerate("4769914")] == [0, 1, 0, 0, 0, 0, 0]
    assert [run.feed(20 + at, n=n) for at, n in enumerate("2999")] == [0, 1, 0, 0]
    assert run.feed(33, n="9") == 1, "it still holds a timespan later"
    run = Run(correlation(type="value_percentile", condition={"field": "n", "percentile": 50, "gte": 10}))
    assert [run.feed(at, n=n) for at, n in enumerate(["1", "20", "2", "30"])] == [0, 1, 0, 1]


def test_r6_a_percentile_without_a_rank_finds_rare_values() -> None:
    run = Run(correlation(type="value_percentile", timespan="24h", condition={"field": "Image", "lte": 1}))
    assert sum(run.feed(at, Image="common.exe") for at in range(150)) == 0
    assert run.feed(160, Image="rare.exe") == 1
    assert run.feed(161, Image="RARE.exe") == 0, "once for each value and window"
    assert run.feed(162, Image="other.exe") == 1


def test_r6_aliases_name_one_value_differently_in_each_rule() -> None:
    run = Run(
        correlation(
            type="temporal",
            rules=["a", "b"],
            group_by=["internal", "remote"],
            timespan="10s",
            aliases={"internal": {"a": "dst", "b": "src"}, "remote": {"a": "src", "b": "dst"}},
        )
    )
    assert run.feed(0, "a", src="9.9.9.9", dst="10.0.0.1") == 0
    assert run.feed(1, "b", src="9.9.9.9", dst="10.0.0.1") == 0
    assert run.feed(2, "b", src="10.0.0.1", dst="9.9.9.9") == 1
    assert run.hits[0].occurrence.fields["internal"] == "10.0.0.1"


def chained() -> list[dict[str, Any]]:
    """The specification's example: many failed logins, then one that succeeds, of one user."""
    many = correlation("Many", "many", type="event_count", group_by=["user"], condition={"gte": 3})
    return [
        correlation("Top", type="temporal_ordered", rules=["many", "b"], group_by=["user"], timespan="10m"),
        many,
    ]


def test_r6_correlations_of_correlations() -> None:
    run = Run(*chained())
    assert [run.feed(at, user="u") for at in (1, 2, 3)] == [0, 0, 1]
    assert run.feed(4, "b", user="other") == 0
    assert run.feed(5, "b", user="U") == 1
    assert [hit.correlation.rule.title for hit in run.hits] == ["Many", "Top"]
    assert run.hits[1].first_at == T + 3, "a correlation happened when its last event did"


def test_r6_a_restart_in_the_middle_changes_nothing() -> None:
    steps = [(at, name, f"u{at % 3}") for at, name in enumerate("aabacbabcaabbcaaacbaacbbaacb" * 8)]
    documents = [
        *chained(),
        correlation("Sum", type="value_sum", condition={"field": "n", "gt": 20}),
        correlation("Average", type="value_avg", timespan="20s", condition={"field": "n", "gte": 5}),
        correlation("Rare", type="value_percentile", condition={"field": "n", "lt": 9}),
        correlation("Range", type="event_count", timespan="9s", condition={"gt": 2, "lt": 5}),
    ]

    def fired(every: int) -> list[tuple[str, float]]:
        run = Run(*documents, lateness_s=4)
        for number, (at, name, user) in enumerate(steps):
            if every and number % every == every - 1:
                run.restart()
            run.feed(at, name, user=user, n=str(at * 7 % 10))
        return [(hit.correlation.rule.title, hit.last_at) for hit in run.hits]

    whole = fired(0)
    assert {title for title, _ in whole} == {"Many", "Top", "Sum", "Average", "Rare", "Range"}
    assert fired(1) == fired(5) == whole


def naive(kind: str, window: list[tuple[float, str, int]]) -> float:
    """What a window comes to, counted anew."""
    if kind == "event_count":
        return len(window)
    if kind == "value_count":
        return len({value for _, _, value in window})
    if kind == "value_sum":
        return sum(value for _, _, value in window)
    if kind == "temporal":
        return len({name for _, name, _ in window})
    best = 0
    for length in (1, 2, 3):
        for chosen in combinations(window, length):
            names = [name for _, name, _ in chosen]
            best = max(best, length if names == sorted(set(names)) else 0)
    return best


@pytest.mark.parametrize("kind", ["event_count", "value_count", "value_sum", "temporal", "temporal_ordered"])
def test_r6_random_events_in_order_fire_as_when_counted_anew(kind: str) -> None:
    for seed in range(30):
        chance = random.Random(seed)
        number = chance.choice([2, 3, 7]) if kind in ("event_count", "value_sum") else chance.choice([2, 3])
        condition = {"gte": number, **({"field": "n"} if kind.startswith("value") else {})}
        run = Run(correlation(type=kind, rules=["a", "b", "c"], timespan="10s", condition=condition))
        unspent: list[tuple[float, str, int]] = []
        at = 0.0
        for _ in range(60):
            at += chance.choice([0, 0.5, 1, 3, 9])
            event = (at, chance.choice("abc"), chance.randint(0, 3))
            unspent.append(event)
            window = [other for other in unspent if other[0] >= at - 10]
            fires = naive(kind, window) >= number
            if fires:
                unspent = [other for other in unspent if other not in window]
            assert run.feed(at, event[1], n=str(event[2])) == fires, (seed, event)


def test_r6_what_is_kept_is_bounded() -> None:
    run = Run(correlation(type="event_count", group_by="user", condition={"gte": 5}), max_groups=100)
    for number in range(150):
        run.feed(number, user=f"u{number}")
    assert run.correlator.evicted == 50
    assert len(run.correlator._groups) == 100
    assert sum(state == {} for state in run.correlator.snapshot().values()) == 50
    sums = Run(correlation(type="value_sum", timespan="1d", condition={"field": "n", "gt": 2 * MAX_VALUES}))
    assert sum(sums.feed(at, n="1") for at in range(2 * MAX_VALUES)) == 0
    (group,) = sums.correlator._groups.values()
    assert len(group.entries) <= MAX_VALUES
    assert sums.feed(2 * MAX_VALUES, n="1") == 1, "entries were put together, not lost"
    assert sums.correlator.evicted == 0
    near = Run(correlation(type="temporal", rules=["a", "b"], timespan="1d"))
    assert sum(near.feed(at) for at in range(MAX_VALUES + 10)) == 0
    assert near.correlator.evicted == 10


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (correlation(type="median"), "correlation type must be one of"),
        (correlation(type="event_count", rules=[], condition={"gte": 1}), "names no rules"),
        (correlation(type="event_count", condition={"gte": 1}, timespan="90"), "a number with a unit"),
        (correlation(type="event_count", condition={"gte": 1}, timespan="9y"), "at most a year"),
        (correlation(type="event_count"), "condition must be a mapping"),
        (correlation(type="event_count", condition={"min": 1}), "which is no operator"),
        (correlation(type="event_count", condition={"gte": "many"}), "gte must be a number"),
        (correlation(type="event_count", condition={"gte": MAX_COUNT + 1}), "is not kept"),
        (correlation(type="value_sum", condition={"gte": 1}), "needs a field"),
        (correlation(type="value_sum", condition={"gte": 1, "field": ["a", "b"]}), "takes one field"),
        (correlation(type="temporal", rules=["a", "nobody"]), "rule nobody, which is not there"),
        (correlation(type="temporal", rules=["a", "self"], name="self"), "in the end to itself"),
        (correlation(type="temporal", rules=["a"], generate="yes"), "generate must be"),
        (correlation(type="temporal", aliases={"x": "y"}), "must be a mapping of rule to field"),
    ],
)
def test_r6_a_correlation_that_cannot_run_says_why(document: dict[str, Any], reason: str) -> None:
    found = parsed(document)
    assert found.correlations == ()
    assert [reason in bad.reason for bad in found.rejected] == [True], found.rejected


def test_r6_what_refers_to_something_that_cannot_run_cannot_run_either() -> None:
    found = parsed(
        correlation("Top", type="temporal", rules=["middle"], name="top"),
        correlation("Middle", type="temporal", rules=["bottom"], name="middle"),
        correlation("Bottom", type="temporal", rules=["nobody"], name="bottom"),
        correlation("Good", type="temporal", rules=["00000000-0000-4000-8000-000000000097"]),
    )
    assert [made.rule.title for made in found.correlations] == ["Good"]
    reasons = {bad.title: bad.reason for bad in found.rejected}
    assert reasons["Bottom"] == "refers to rule nobody, which is not there"
    assert reasons["Top"] == reasons["Middle"] == "refers to a correlation that cannot run"
    assert all(bad.depends for bad in found.rejected)


def test_r6_chains_and_their_number_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = [
        correlation(f"C{n}", f"c{n}", type="temporal", rules=[f"c{n - 1}" if n else "a"]) for n in range(12)
    ]
    found = parsed(*reversed(chain))
    assert [made.rule.title for made in found.correlations] == [f"C{n}" for n in range(10)]
    assert {bad.title: bad.reason for bad in found.rejected} == {
        "C10": "stands on a chain of more than 10 correlations",
        "C11": "refers to a correlation that cannot run",
    }
    run = Correlator(found.correlations)
    assert len(run.feed(found.rules[0].id, Occurrence(T, {}))) == 10
    monkeypatch.setattr("sent.engines.radar.correlations.correlation.MAX_CORRELATIONS", 3)
    few = parsed(*chain[:5])
    assert [made.rule.title for made in few.correlations] == ["C0", "C1", "C2"]
    assert len(few.rejected) == 2


def test_r6_rules_that_are_referred_to_are_silent_unless_generate_says_otherwise() -> None:
    from sent.engines.radar.correlations.correlation import silent

    made = parsed(
        correlation(type="temporal", rules=["a", "b"]),
        correlation(type="temporal", rules=["b", "c"], generate=True),
    )
    ids = {rule.name: rule.id for rule in made.rules}
    assert silent(made.correlations) == {ids["a"]}
