"""H2 b: how soon the console is painted whole, and what it weighs, with a database running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from bench.measure import ROUNDS, interleaved, report

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

pytestmark = pytest.mark.bench

QT = "import PySide6.QtCore, PySide6.QtGui, PySide6.QtWidgets"


def test_h2_first_paint_and_memory(cluster: Cluster, tmp_path: Any) -> None:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "SENT_STATE_DIR": str(tmp_path)}
    reports: list[dict[str, Any]] = []

    def console() -> None:
        command = [sys.executable, "-m", "sent", "--report-first-paint", "--quit-after-paint"]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        reports.append(json.loads(done.stdout))

    def bare() -> None:
        subprocess.run([sys.executable, "-c", QT], env=environment, check=True, timeout=60)

    console()
    reports.clear()
    _, baseline = interleaved(console, bare, rounds=ROUNDS)
    seconds = median(found["seconds"] for found in reports)
    memory = median(found["rss_mb"] for found in reports)
    held = [
        report("h2_first_paint", seconds, "s", baseline, target_value=0.8, target_ratio=12),
        report("h2_console_rss", memory, "MB", target_value=150),
    ]
    assert all(held)
