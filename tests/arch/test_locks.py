"""Advisory locks: every number has one owner, because two that share one stop each other in silence."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUMBER = re.compile(r"\b7304021\d{3}\b")


def test_every_advisory_lock_has_one_owner() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for folder in ("sent", "migrations"):
        for path in (ROOT / folder).rglob("*.py"):
            for number in NUMBER.findall(path.read_text(encoding="utf-8")):
                owners[number].add(str(path.relative_to(ROOT)))
    assert len(owners) >= 5, "the numbers are looked for in the right places"
    assert {number: places for number, places in owners.items() if len(places) > 1} == {}
