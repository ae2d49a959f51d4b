"""H2 and house rule 3: what the console has loaded when it has painted for the first time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NEVER = {"av", "cv2", "aiortc", "scapy", "alembic"}
LATER = {
    "numpy",
    "pyqtgraph",
    "sqlalchemy",
    "psycopg",
    "psycopg_pool",
    "pydantic",
    "sigma",
    "re2",
    "evtx",
    "typer",
    "structlog",
}
RSS_LIMIT_MB = 150


def first_paint(folder: Path) -> dict[str, Any]:
    """Start a console of its own, return its report and let it end."""
    done = subprocess.run(
        [sys.executable, "-m", "sent", "--report-first-paint", "--quit-after-paint"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"SENT_STATE_DIR": str(folder), "QT_QPA_PLATFORM": "offscreen"},
    )
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return one report."""
    return first_paint(tmp_path_factory.mktemp("state"))


def test_h2_first_paint_loads_no_driver_and_no_engine(report: dict[str, Any]) -> None:
    loaded = set(report["modules"])
    assert "PySide6" in loaded
    assert loaded & (NEVER | LATER) == set()


def test_h2_console_is_small(report: dict[str, Any]) -> None:
    assert 20 < report["rss_mb"] <= RSS_LIMIT_MB
