"""H1: the demo runs without a screen from nothing, and says what happened; the same from a fresh clone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sent.platform import registry

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that the database's OS user can reach."""
    with tempfile.TemporaryDirectory(prefix="sent-h1-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.timeout(240)
def test_h1_headless_demo_leaves_pictures_counters_and_no_process(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sent", "demo", "--headless", "--seconds", "12"],
        env={**os.environ, "SENT_STATE_DIR": str(place / "state")},
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        timeout=220,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-2000:]
    counters = json.loads(done.stdout.splitlines()[-1])
    assert counters["healthy"] is True
    assert counters["workers"] == dict.fromkeys(("db", "radar", "jobs", "capital", "supervisor"), True)
    assert counters["events_today"] > 0
    assert counters["alerts"] > 0
    assert counters["events_per_second"] > 0, "no live traffic arrived"
    for _, page in registry.pages():
        picture = place / "out" / "demo" / f"{page.id}.png"
        assert picture.read_bytes().startswith(PNG)
        assert picture.stat().st_size > 20_000, f"{page.id} is nearly empty"
    assert _processes_of(place) == []


@pytest.mark.soak
@pytest.mark.root
@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a fresh machine (debootstrap, chroot)")
def test_h1_soak_fresh_debian_runs_and_tests_a_fresh_clone(place: Path) -> None:
    """Make a Debian 12 from nothing, clone into it, run and test as root and as an ordinary user."""
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed (Debian: apt-get install debootstrap)")
    subprocess.run(
        ["bash", str(ROOT / "tests/acceptance/fresh_debian.sh"), str(ROOT), str(place / "debian")], check=True
    )


def _processes_of(place: Path) -> list[str]:
    """Return command lines of processes whose environment names `place`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if str(place).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
