"""L4: reading text books beside the programs they are written for; the two take turns on the same file.

ledger-cli (C++) is reported as a figure only: a Python reader is several times slower.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bench.measure import report

from sent.engines.capital.plaintext import api as books

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

ROUNDS = 5
TRANSACTIONS = 10_000


def by_turns(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Return the medians of both in seconds."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, times in zip((ours, theirs), taken, strict=True):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
    return statistics.median(taken[0]), statistics.median(taken[1])


def test_l4_reads_beancount_as_fast_as_beancount(test_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEANCOUNT_DISABLE_LOAD_CACHE", "1")
    from beancount import loader

    file = test_data / "business" / "ledger" / "example.beancount"
    ours, theirs = by_turns(lambda: books.read(file, "beancount"), lambda: loader.load_file(str(file)))
    assert report("L4 read example.beancount", ours, "s", theirs, target_ratio=1.5)


@pytest.mark.parametrize(("program", "most"), [("hledger", 2.0), ("ledger", 20.0)])
def test_l4_reads_a_journal_beside_its_program(tmp_path: Path, program: books.Format, most: float) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    file = tmp_path / "big.journal"
    entries = (
        f"2020-{n % 12 + 1:02d}-{n % 28 + 1:02d} * shop {n}\n"
        f"    expenses:food:{n % 50}  ${n % 900 + 1}.{n % 100:02d}\n    assets:cash\n\n"
        for n in range(TRANSACTIONS)
    )
    file.write_text("".join(entries))

    def theirs() -> None:
        subprocess.run([program, "-f", str(file), "bal"], capture_output=True, check=True, timeout=60)

    ours, peer = by_turns(lambda: books.read(file, program), theirs)
    assert report(f"L4 read {TRANSACTIONS} transactions of {program}", ours, "s", peer, target_ratio=most)
