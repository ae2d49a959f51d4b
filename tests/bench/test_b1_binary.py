"""B1 b: the packaged console paints as soon as the source tree's; a worker is small before its service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import binaries
import pytest
from bench.measure import ROUNDS, interleaved, report

pytestmark = pytest.mark.bench

PAINT = ("--report-first-paint", "--quit-after-paint")

PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run by a small Python: the peak of a child begins with what its parent had."""


@pytest.fixture(scope="module")
def program() -> Path:
    """Return the packaged program of the present source."""
    return binaries.built() / "sent"


def test_b1_first_paint_of_the_binary(program: Path, tmp_path: Path) -> None:
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "SENT_STATE_DIR": str(tmp_path),
        "SENT_CONFIG_DIR": str(tmp_path / "config"),
    }
    seconds: dict[str, list[float]] = {}

    def paint(*command: str) -> None:
        done = subprocess.run(
            [*command, *PAINT], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        seconds.setdefault(command[0], []).append(json.loads(done.stdout)["seconds"])

    def binary() -> None:
        paint(str(program))

    def source() -> None:
        paint(sys.executable, "-m", "sent")

    for first in (binary, source):
        first()
    seconds.clear()
    interleaved(binary, source, rounds=ROUNDS)
    packaged, checkout = median(seconds[str(program)]), median(seconds[sys.executable])
    assert report("b1_first_paint", packaged, "s", checkout, target_value=0.6, target_ratio=1.0)


def test_b1_a_worker_is_small_before_its_service_loads(program: Path) -> None:
    """The launcher knows the mode and has loaded nothing else: here it is given one that there is not."""
    peaks = []
    for _ in range(ROUNDS):
        done = subprocess.run(
            [sys.executable, "-S", "-c", PEAK, str(program), "--mode=none"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        code, peak = done.stdout.split()
        assert code == "2"
        peaks.append(int(peak) / 1024)
    assert report("b1_worker_before_service", median(peaks), "MB", target_value=25)
