"""H9: `sent radar scan` finds in the shared events exactly what the shared expected files say."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

AMBIGUOUS = {"100ef69e-3327-481c-8e5c-6d80d9507556", "a62b37e0-45d3-48d9-a517-90c1a1b0186b"}
"""Which `Channel` a look-up sees decides them; the expected files take no side."""

CORPORA = ("mitre_cc0", "sigmahq_regression")
_ID = re.compile(r"^id:\s*['\"]?([0-9a-f-]{36})", re.MULTILINE)


def scan(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sent", "radar", "scan", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
        env=os.environ,
    )


def lines(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


@cache
def known_ids(archive: Path) -> frozenset[str]:
    """All ids of the archive, read without SENT's own parser."""
    import tarfile

    with tarfile.open(archive) as tar:
        texts = (tar.extractfile(member) for member in tar if member.isfile())
        return frozenset(_ID.search(text.read().decode())[1] for text in texts if text)


@cache
def scanned(folder: Path, corpus: str) -> dict[int, dict[str, dict]]:
    done = scan("--rules", folder / "rules.tar.gz", "--events", folder / f"{corpus}.events.jsonl.gz")
    assert done.returncode == 0, done.stderr
    hits: dict[int, dict[str, dict]] = defaultdict(dict)
    for line in done.stdout.splitlines():
        hit = json.loads(line)
        hits[hit["n"]][hit["rule_id"]] = hit
    return hits


@pytest.mark.parametrize("corpus", CORPORA)
def test_h9_scan_equals_the_expected_hits(test_data: Path, corpus: str) -> None:
    folder = test_data / "sigma"
    compared = known_ids(folder / "rules.tar.gz") - AMBIGUOUS
    expected = {
        entry["n"]: found
        for entry in lines(folder / f"{corpus}.expected.jsonl.gz")
        if (found := set(entry["rules"]) & compared)
    }
    hits = scanned(folder, corpus)
    found = {n: rules for n, by_rule in hits.items() if (rules := set(by_rule) & compared)}
    assert found == expected
    assert sum(map(len, expected.values())) >= 200


def test_h9_every_regression_case_fires_its_rule(test_data: Path) -> None:
    folder = test_data / "sigma"
    hits = scanned(folder, "sigmahq_regression")
    cases: dict[str, list[int]] = defaultdict(list)
    for position, entry in enumerate(lines(folder / "sigmahq_regression.events.jsonl.gz")):
        cases[entry["src"]].append(position)
    ids = known_ids(folder / "rules.tar.gz")
    silent = [
        source
        for source, positions in cases.items()
        if (rule := Path(source).stem) in ids and not any(rule in hits.get(n, {}) for n in positions)
    ]
    assert len(cases) == 152
    assert silent == []


def test_h9_each_hit_names_rule_level_and_author(test_data: Path) -> None:
    hits = scanned(test_data / "sigma", "sigmahq_regression")
    for n, by_rule in hits.items():
        for hit in by_rule.values():
            assert list(hit) == ["n", "rule_id", "title", "level", "author"]
            assert hit["n"] == n
            assert hit["title"]
            assert hit["author"]
            assert hit["level"] in {"informational", "low", "medium", "high", "critical"}


def test_h9_positions_count_over_all_files_and_statistics_come_last(test_data: Path) -> None:
    folder = test_data / "sigma"
    first, second = (folder / f"{name}.events.jsonl.gz" for name in reversed(CORPORA))
    done = scan("--rules", folder / "rules.tar.gz", "--events", first, second, "--stats")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stderr.splitlines()[-1])
    assert list(last) == ["events", "rules", "rejected", "seconds", "events_per_second"]
    assert last["events"] == 173 + 7250
    positions = [json.loads(line)["n"] for line in done.stdout.splitlines()]
    alone = scanned(folder, CORPORA[0])
    assert {n for n in positions if n >= 173} == {n + 173 for n in alone}
    assert "rule not run: " in done.stderr
    assert last["rejected"] == done.stderr.count("rule not run: ")
