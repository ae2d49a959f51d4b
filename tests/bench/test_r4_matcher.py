"""R4: JSON bytes to hits on one core, against generated code and a query for each rule, in the same run.

Cold: the matcher is made, no value has been seen. CPU time of this process; the rounds of all take turns.
"""

from __future__ import annotations

import gc
import gzip
import multiprocessing
import random
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import pytest
from bench.generated_code import GeneratedCode
from bench.measure import ROUNDS, report
from bench.sqlite_rules import SqliteRules

from sent.engines.radar.decoding.normalise import seen
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.model import Route, Rule
from sent.engines.radar.sigma.logsource import product_wide
from sent.engines.radar.sigma.reading import read_rules

pytestmark = pytest.mark.bench

FLOOR = 20_000
"""Events a second from JSON bytes, on one core."""

PASSES = 10

Fired = Callable[[dict[str, Any]], Sequence[object]]


@pytest.fixture(scope="module")
def rules(test_data: Path) -> list[Rule]:
    """Return the shared Windows rules (and those of every product), without the channel-wide ones."""
    found = read_rules(test_data / "sigma" / "rules.tar.gz").rules
    return [
        rule
        for rule in found
        if rule.logsource.product in ("windows", None) and not product_wide(rule.logsource)
    ]


@pytest.fixture(scope="module")
def lines(test_data: Path) -> list[bytes]:
    """Return the mixed corpus: attack samples of many channels, and twice the same of other machines."""
    found: list[bytes] = []
    for name in ("mitre_cc0", "sigmahq_regression"):
        with gzip.open(test_data / "sigma" / f"{name}.events.jsonl.gz", "rb") as stream:
            found += stream.read().splitlines()
    return [*found, *elsewhere(found, 1), *elsewhere(found, 2)]


PERSONAL = re.compile(
    r"(User|Host|Computer|Workstation)(Name)?$|Guid$|LogonId$|ProcessId$|Ip(Address|Port)$|Sid$"
)
"""Fields that differ from machine to machine."""


def elsewhere(lines: list[bytes], seed: int) -> list[bytes]:
    """Return the same events of other people on other machines, in another order."""
    chance = random.Random(seed)
    out = []
    for line in lines:
        record = orjson.loads(line)
        event = record["event"]
        event["System"]["Computer"] = f"ws{chance.randrange(400)}.example.test"
        event["System"]["EventRecordID"] = chance.randrange(10**9)
        for part in ("EventData", "UserData"):
            data = event.get(part)
            for name, value in (data or {}).items():
                if isinstance(value, str) and len(value) > 1 and PERSONAL.search(name):
                    data[name] = f"{value[:-1]}{chance.randrange(2000)}"
        out.append(orjson.dumps(record))
    chance.shuffle(out)
    return out


def run(fired: Fired, lines: list[bytes]) -> tuple[float, int]:
    """Return the CPU seconds and the hits."""
    hits = 0
    began = time.process_time()
    for line in lines:
        hits += len(fired(orjson.loads(line)["event"]))
    return time.process_time() - began, hits


def routes_of(lines: list[bytes]) -> set[Route]:
    return {seen(orjson.loads(line)["event"])[1] for line in lines}


def cold(rules: list[Rule], routes: set[Route]) -> ValueMatcher:
    made = ValueMatcher(rules, map_4688=False)
    made.prepare(routes)
    gc.collect()
    gc.freeze()
    return made


def unique(lines: list[bytes]) -> list[bytes]:
    """Return the corpus with every string of every event's data made one of its own."""
    out = []
    for number, line in enumerate(lines):
        record = orjson.loads(line)
        for part in ("EventData", "UserData"):
            data = record["event"].get(part)
            for name, value in (data or {}).items():
                if isinstance(value, str):
                    data[name] = f"{value} {number}{name}"
        out.append(orjson.dumps(record))
    return out


def test_r4_b_five_times_generated_code(rules: list[Rule], lines: list[bytes]) -> None:
    routes, other = routes_of(lines), unique(lines)
    baseline = GeneratedCode(rules)
    baseline.prepare(routes)
    times: dict[str, list[float]] = {"cold": [], "warm": [], "generated": [], "unique": []}
    for _ in range(ROUNDS):
        matcher = cold(rules, routes)
        seconds, hits = run(matcher.fired_on, lines)
        times["cold"].append(seconds)
        times["warm"].append(run(matcher.fired_on, lines)[0])
        times["unique"].append(run(cold(rules, routes).fired_on, other)[0])
        seconds, same = run(lambda record: baseline.fired(*seen(record)), lines)
        times["generated"].append(seconds)
        assert hits == same > 500
    rate = {name: len(lines) / median(found) for name, found in times.items()}
    report("r4_warm_events_per_second", rate["warm"], "events/s", rate["cold"], higher_is_better=True)
    assert report(
        "r4_cold_events_per_second", rate["cold"], "events/s", rate["generated"],
        target_ratio=5.0, higher_is_better=True,
    )  # fmt: skip
    assert rate["cold"] >= FLOOR
    assert report(
        "r4_unique_events_per_second", rate["unique"], "events/s", rate["cold"],
        target_ratio=0.35, higher_is_better=True,
    )  # fmt: skip


def test_r4_b_twenty_times_a_query_for_each_rule(rules: list[Rule], lines: list[bytes]) -> None:
    routes = routes_of(lines)
    events = [seen(orjson.loads(line)["event"]) for line in lines]
    columns = {name.lower(): name for fields, _ in events for name in fields}
    matcher_rates, sqlite_rates = [], []
    for _ in range(ROUNDS):
        seconds, _ = run(cold(rules, routes).fired_on, lines)
        matcher_rates.append(len(lines) / seconds)
        baseline = SqliteRules(rules, columns.values(), routes)
        began = time.process_time()
        baseline.load(seen(orjson.loads(line)["event"]) for line in lines)
        found = baseline.hits()
        sqlite_rates.append(len(lines) / (time.process_time() - began))
        baseline.close()
        assert len(found) > 500
    assert report(
        "r4_against_sqlite", median(matcher_rates), "events/s", median(sqlite_rates),
        target_ratio=20.0, higher_is_better=True,
    )  # fmt: skip


def _work(matcher: ValueMatcher, lines: list[bytes], passes: int) -> None:
    for _ in range(passes):
        run(matcher.fired_on, lines)


def test_r4_b_two_processes(rules: list[Rule], lines: list[bytes]) -> None:
    """Two processes with the rules loaded, each with its half of the sources, against one with all."""
    routes = routes_of(lines)
    matcher = cold(rules, routes)
    context = multiprocessing.get_context("fork")
    halves = [lines[: len(lines) // 2], lines[len(lines) // 2 :]]
    wall: dict[str, list[float]] = {"one": [], "two": []}
    for _ in range(ROUNDS):
        for name, parts in (("one", [lines]), ("two", halves)):
            workers = [context.Process(target=_work, args=(matcher, part, PASSES)) for part in parts]
            began = time.perf_counter()
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            wall[name].append(time.perf_counter() - began)
            assert all(worker.exitcode == 0 for worker in workers)
    total = len(lines) * PASSES
    assert report(
        "r4_two_processes", total / median(wall["two"]), "events/s", total / median(wall["one"]),
        target_ratio=1.6, higher_is_better=True,
    )  # fmt: skip
