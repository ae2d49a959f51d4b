"""Scan throughput: the matcher against the plain tree on the same events, decoding included."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import orjson
import pytest
from bench.measure import report

from sent.engines.radar.decoding.normalise import event_from
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.model import Event
from sent.engines.radar.sigma.expression import View, holds
from sent.engines.radar.sigma.logsource import wanted
from sent.engines.radar.sigma.reading import read_rules

SAMPLE = 1500


@pytest.mark.bench
def test_h9_scan_throughput(test_data: Path) -> None:
    folder = test_data / "sigma"
    rules = read_rules(folder / "rules.tar.gz").rules
    with gzip.open(folder / "mitre_cc0.events.jsonl.gz", "rb") as stream:
        lines = stream.read().splitlines()
    matcher = ValueMatcher(rules, map_4688=False)

    def plainly(event: Event) -> None:
        view = View(event.fields)
        for rule in rules:
            if wanted(rule.logsource, event.route):
                holds(rule.condition, view)

    plain = _rate(plainly, lines[:SAMPLE])
    value = median(_rate(matcher.match, lines) for _ in range(5))
    assert report(
        "h9_scan_events_per_second", value, "events/s", plain, target_ratio=3.0, higher_is_better=True
    )


def _rate(work: Callable[[Event], object], lines: list[bytes]) -> float:
    began = time.process_time()
    for line in lines:
        work(event_from(orjson.loads(line)["event"]))
    return len(lines) / (time.process_time() - began)
