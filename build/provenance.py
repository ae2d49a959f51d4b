"""Where a build comes from: commit, time, and a digest of everything that decides its bytes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

INPUTS = ("sent", "migrations", "build", "requirements", "pyproject.toml")


@cache
def epoch() -> int:
    """Return SOURCE_DATE_EPOCH: the environment's, else the last commit's time."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    said = _git("log", "-1", "--format=%ct")
    return int(said) if said else 315532800


@cache
def commit() -> str:
    """Return the commit, with "+" for a work tree that differs from it."""
    found = _git("rev-parse", "HEAD") or "unknown"
    return f"{found}+" if _git("status", "--porcelain", "--untracked-files=no") else found


def info(updates: str, pack_names: list[str]) -> dict[str, object]:
    """Return the fields of `sent.platform.buildinfo.BuildInfo`."""
    from sent import __version__
    from sent.platform.buildinfo import machine, qt_version

    return {
        "version": __version__,
        "commit": commit(),
        "built": datetime.fromtimestamp(epoch(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "platform": machine(),
        "python": sys.version.split()[0],
        "qt": qt_version(),
        "packs": pack_names,
        "updates": updates,
    }


def digest(root: Path | None) -> str:
    """Return the sha256 over sources, recipes, locks, interpreter, commit and signing root."""
    total = hashlib.sha256(f"{sys.version}\0{commit()}\0{epoch()}\0".encode())
    for name in INPUTS:
        place = ROOT / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(f"{path.relative_to(ROOT)}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    total.update(root.read_bytes() if root else b"no root")
    return total.hexdigest()


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
