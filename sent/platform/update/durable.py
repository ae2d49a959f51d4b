"""What is on the disk for certain: written, flushed and named, in this order."""

from __future__ import annotations

import os
from pathlib import Path

from sent.platform.config.secrets import sync_folder


def write(path: Path, data: bytes) -> None:
    """Replace `path` by a file with `data` that all may read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def link(path: Path, target: str) -> None:
    """Replace the symbolic link `path` by one to `target`, without a moment in between."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(path)
    sync_folder(path.parent)
