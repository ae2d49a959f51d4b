"""What is on the disk for certain: written, flushed and named, in this order."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, cast

from sent.platform.config.secrets import sync_folder


def write(path: Path, data: bytes) -> None:
    """Replace `path` by a file with `data` that all may read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    with create(fresh) as file:
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


def create(path: Path, mode: str = "wb") -> BinaryIO:
    """Open a file to be written that nobody else can open meanwhile, whatever the umask; follows no link.

    Who could open it before its mode is set could still write to it after it was checked.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if mode == "ab" else os.O_TRUNC) | _NO_LINK
    return cast(BinaryIO, os.fdopen(os.open(path, flags, 0o600), mode))


_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
