"""R2: the fast matcher finds in the shared events what the plain closures find, on either way of a record."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest
from closures import Evaluator

from sent.engines.radar.decoding.normalise import event_from
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.model import Rule
from sent.engines.radar.sigma.reading import read_rules


@pytest.fixture(scope="module")
def rules(test_data: Path) -> tuple[Rule, ...]:
    return read_rules(test_data / "sigma" / "rules.tar.gz").rules


@pytest.fixture(scope="module")
def records(test_data: Path) -> list[dict[str, Any]]:
    found = []
    for name in ("sigmahq_regression", "mitre_cc0"):
        with gzip.open(test_data / "sigma" / f"{name}.events.jsonl.gz") as stream:
            found += [orjson.loads(line)["event"] for line in stream]
    return found


@pytest.mark.parametrize("map_4688", [True, False], ids=["with 4688", "without"])
def test_r2_no_detection_differs(
    rules: tuple[Rule, ...], records: list[dict[str, Any]], map_4688: bool
) -> None:
    """All rules, those of every channel too; each event as it is first seen and once more."""
    plain, fast = Evaluator(rules, map_4688=map_4688), ValueMatcher(rules, map_4688=map_4688)
    hits = 0
    for number, record in enumerate(records):
        event = event_from(record)
        expected = [match.rule.id for match in plain.match(event)]
        assert [match.rule.id for match in fast.match(event)] == expected, number
        assert [rule.id for rule in fast.fired_on(record)] == expected, number
        hits += len(expected)
    assert hits > 700
