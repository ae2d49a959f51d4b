"""B1: the unit's filter of system calls lets the services do all they do."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import ModuleType

import pytest

SECONDS = 15
"""Of work after the start, and a stop in good order."""

pytestmark = [pytest.mark.soak, pytest.mark.timeout(500)]


def allowed(group: str) -> set[str]:
    """Return the calls of one of systemd's groups, those it refers to included."""
    text = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", group],
        env=os.environ | {"SYSTEMD_COLORS": "0"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: set[str] = set()
    for line in text.splitlines()[1:]:
        name = line.strip()
        if name and not name.startswith("#"):
            found |= allowed(name) if name.startswith("@") else {name}
    return found


def test_b1_the_services_call_only_what_their_unit_allows(
    app: Path, scratch_root: Path, smoke: ModuleType
) -> None:
    unit = (scratch_root / "usr/lib/systemd/system/sent@.service").read_text()
    groups = re.findall(r"^SystemCallFilter=(\S+)$", unit, re.MULTILINE)
    assert groups == ["@system-service"]
    with smoke.place() as state:
        mine = shutil.copytree(app, state / "sent", symlinks=True)
        nobody = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        for name in ("home", "tmp", "state", "config") if nobody else ():
            os.chown(state / name, 65534, 65534)
        counting = ["strace", "-f", "-qq", "-c", "-U", "name,calls", "-o", state / "state/calls"]
        tracer = subprocess.Popen(
            [
                *counting,
                mine / "sent",
                "--mode=worker",
                "--service=supervisor",
                "--services=db,core,jobs,radar",
            ],
            env=smoke.environment(state),
            cwd=state / "state",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **nobody,
        )
        give_up = time.monotonic() + 120
        while not (state / "state/endpoint.json").exists():
            assert tracer.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.2)
        time.sleep(SECONDS)
        children = Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        assert tracer.wait(60) == 0
        table = (state / "state/calls").read_text()
    called = set(re.findall(r"^(\w+) +\d+$", table, re.MULTILINE)) - {"total"}
    assert {"openat", "fsync", "bind"} <= called
    assert called <= allowed("@system-service")
