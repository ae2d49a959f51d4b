"""H2 and house rule 3: who loads what, asserted on `sys.modules` of fresh processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sent.platform import registry

QT = {"PySide6", "shiboken6", "qasync"}
NEVER_IN_A_WORKER = QT | {"alembic", "sqlalchemy", "pytest"}
LATER = {"sigma", "evtx", "numpy", "procrastinate"}
"""Loaded with the work, not with the service."""


@pytest.mark.parametrize("service", sorted(registry.services()))
def test_h2_workers_load_only_their_own(service: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sent", "--mode=worker", f"--service={service}", "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["service"] == service
    loaded = set(said["loaded"])
    assert "sent" in loaded
    assert loaded & (NEVER_IN_A_WORKER | LATER) == set()


def test_h2_admin_tool_loads_no_qt() -> None:
    code = (
        "import sys\nfrom sent.cli.main import main\n"
        "try: main(['--help'])\nfinally: print(sorted(m.partition('.')[0] for m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=os.environ
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1].replace("'", '"')))
    assert loaded & NEVER_IN_A_WORKER == set()
