"""Where a run of tests keeps what it throws away: on disk, or in memory where it is asked for and fits.

A database is a thousand small files, and most tests want one of their own: on a disk's file system making
them takes half a second of processor time, in memory a twentieth of that. `make test` asks for memory with
SENT_TEST_SCRATCH=memory; benches and soaks measure, so they stay on the disk. Nothing that a test can see
differs: servers are killed in tests, machines are not.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

MEMORY = Path("/dev/shm")
LEAST_FREE = 3 << 30
"""Bytes free in it and in the machine: a run on two cores uses 0.6 GB at most."""


@cache
def in_memory() -> bool:
    """Say whether this run's folder is in memory."""
    return os.environ.get("SENT_TEST_SCRATCH") == "memory" and MEMORY.is_dir() and _roomy()


def _roomy() -> bool:
    """Say whether programs may run in that file system, and whether it and the machine have room."""
    found = os.statvfs(MEMORY)
    if found.f_flag & os.ST_NOEXEC or not os.access(MEMORY, os.W_OK):
        return False
    memory = Path("/proc/meminfo").read_text().partition("MemAvailable:")[2]
    return min(found.f_bavail * found.f_frsize, int(memory.split()[0]) << 10) >= LEAST_FREE


def begin() -> Path:
    """Make this run's folder, the one that `tempfile` uses from now on when it is in memory; return it."""
    folder = Path(tempfile.mkdtemp(prefix="sent-", dir=MEMORY if in_memory() else None))
    folder.chmod(0o755)
    if in_memory():
        # What pytest keeps of failed tests outlives the run.
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def end(folder: Path) -> None:
    """Remove the folder."""
    shutil.rmtree(folder, ignore_errors=True)
