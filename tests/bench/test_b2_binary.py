"""B2 b on the packaged program: one line changes, and the program of the version that runs applies it."""

from __future__ import annotations

import re
import shutil
import statistics
import time
from pathlib import Path

import binaries
import pytest
from bench.measure import ROUNDS, report
from bench.test_b2_patch import hashed
from releases import Releases

from sent import __version__
from sent.platform.update import api
from sent.platform.update.sources import Folder

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """Return a repository with the present program and the one with a changed line."""
    return binaries.released(tmp_path_factory.mktemp("binaries"))


def test_b2_one_changed_line_of_the_packaged_program(made: Releases, tmp_path: Path) -> None:
    seconds, peaks, reading = [], [], []
    patch = 0
    for number in range(ROUNDS):
        layout = binaries.installed(made, tmp_path / f"sent{number}")
        offer = api.check(layout, api.Policy(), [Folder(made.repository)], asked=True, root=made.root)
        assert offer is not None
        patch = offer.size_download
        reading.append(hashed(layout.folder(__version__)))
        began = time.monotonic()
        process = binaries.updating(layout, made)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _peak(process.pid))
            time.sleep(0.01)
        seconds.append(time.monotonic() - began)
        assert binaries.said_version(layout) == binaries.CHANGED, process.communicate()
        process.communicate()
        peaks.append(peak / 1024)
        shutil.rmtree(layout.root)
    assert patch > 500, "the program did not change"
    spent, baseline = statistics.median(seconds), statistics.median(reading)
    good = [
        report("b2_binary_patch", patch / 1e6, "MB", target_value=2),
        report("b2_binary_applied", spent, "s", baseline, target_value=5),
        report("b2_binary_memory", max(peaks), "MB", target_value=250),
    ]
    assert all(good)


def _peak(pid: int) -> int:
    """Return the most memory (KB) that the process has had."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0
