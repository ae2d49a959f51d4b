"""R1 b: three thousand rules are ready within seconds, and matching goes on while they are made ready.

Ready: parsed, numbered, automata and buckets of every log source made. The baseline of the time from the
cache is the time without it, in the same run.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from bench.measure import interleaved, report

from sent.engines.radar.decoding.normalise import seen
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.model import Route, RuleSet
from sent.engines.radar.sigma.compiled import CompiledRules
from sent.engines.radar.sigma.logsource import SYSMON, configured_route, windows_route
from sent.engines.radar.sigma.rulefiles import rule_files
from sent.engines.radar.sigma.ruleset import parse_rules
from sent.platform.collector import for_long

pytestmark = pytest.mark.bench

Events = list[tuple[dict[str, str | None], Route]]

PAUSE_S = 0.1
"""How long matching may stand still; a reload takes tens of times as long."""


def routes_of(found: RuleSet) -> set[Route]:
    """Return every route a rule of the archive can ask for, as far as the tables know it."""
    return {configured_route(rule.logsource) for rule in found.rules} | {
        windows_route(SYSMON, event_id) for event_id in range(1, 30)
    }


def ready(archive: Path, cache: Path | None) -> ValueMatcher:
    with for_long():
        kept = CompiledRules(cache) if cache else None
        found = parse_rules(rule_files(archive), kept=kept)
        if kept is not None:
            kept.close()
        matcher = ValueMatcher(found.rules)
        matcher.prepare(routes_of(found))
    assert len(found.rules) > 2900
    return matcher


def test_r1_b_three_thousand_rules_are_ready(test_data: Path, tmp_path: Path) -> None:
    archive, cache = test_data / "sigma" / "rules.tar.gz", tmp_path / "rules"
    ready(archive, cache)
    kept, parsed = interleaved(lambda: ready(archive, cache), lambda: ready(archive, None), rounds=3)
    assert report("r1_ready_without_cache", parsed, "s", target_value=40.0)
    assert report("r1_ready_from_cache", kept, "s", parsed, target_value=3.0)


def longest_pause(matcher: ValueMatcher, events: Events, going: Callable[[], bool]) -> float:
    """Match over and over while `going`; return the longest time between two events, in seconds."""
    longest, last = 0.0, time.perf_counter()
    while going():
        for fields, route in events:
            matcher.fired(fields, route)
            now = time.perf_counter()
            longest = max(longest, now - last)
            last = now
    return longest


def test_r1_b_matching_never_pauses_during_reload(test_data: Path, tmp_path: Path) -> None:
    """The thread that matches looks at the clock after every event while another makes rules ready.

    New rules are parsed by another process first (`elsewhere`), so a reload reads the cache.
    """
    archive, cache = test_data / "sigma" / "rules.tar.gz", tmp_path / "rules"
    matcher = ready(archive, cache)
    with gzip.open(test_data / "sigma" / "mitre_cc0.events.jsonl.gz") as stream:
        events = [seen(orjson.loads(line)["event"]) for line in stream]
    for fields, route in events:
        matcher.fired(fields, route)
    until = time.perf_counter() + 3
    alone = longest_pause(matcher, events, lambda: time.perf_counter() < until)
    worker = threading.Thread(target=ready, args=(archive, cache))
    worker.start()
    pause = longest_pause(matcher, events, worker.is_alive)
    assert report("r1_pause_during_reload", pause, "s", alone, target_value=PAUSE_S)
