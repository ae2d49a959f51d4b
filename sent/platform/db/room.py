"""Free space: asked for before big work, so that the disk is never filled by a backup."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sent.platform.errors import Unavailable

RESERVE = 64 << 20
"""Left free by big work, besides what the administrator wants to keep free."""


def free(folder: Path) -> int:
    """Return the bytes this user may still write where `folder` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require(folder: Path, wanted: int, what: str) -> None:
    """Raise Unavailable naming the place and the lack unless `wanted` bytes are free there."""
    there = free(folder)
    if there < wanted + RESERVE:
        raise Unavailable(
            "database.no_room",
            f"{what} needs {megabytes(wanted + RESERVE)} in {folder}, but only {megabytes(there)} are free;"
            " make room there, or set SENT_BACKUP_DIR to a folder on another disk",
            wanted=wanted,
            free=there,
        )


def size(folder: Path) -> int:
    """Return the bytes that the files below `folder` take."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def megabytes(amount: int) -> str:
    """Return an amount of bytes as people read it."""
    return f"{amount / (1 << 20):,.0f} MB"
