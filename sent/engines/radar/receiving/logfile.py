"""Opens files that an organisation named as its logs.

Whoever may add sources names any path, but the worker reads with the rights of the server's account: so it
reads only what everybody on the machine may read anyhow, and what lies below the administrator's
`log_roots` (default /var/log; `SENT_LOG_ROOTS='["/srv/logs"]'`). Pipes and devices are refused: opening one
could stop the worker for good.
"""

from __future__ import annotations

import os
import stat
from functools import cache
from pathlib import Path
from typing import BinaryIO


def open_log(path: Path) -> BinaryIO:
    """Open `path` unbuffered for reading; raises OSError, PermissionError with the cure."""
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    try:
        _check(descriptor, path)
        return os.fdopen(descriptor, "rb", buffering=0)
    except OSError:
        os.close(descriptor)
        raise


def _check(descriptor: int, path: Path) -> None:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        raise PermissionError(f"{path} is no ordinary file")
    if mode & stat.S_IROTH or os.name != "posix":
        return
    # Where the open file really is: the name may have been changed to a link in between.
    known = Path(f"/proc/self/fd/{descriptor}")
    place = Path(os.path.realpath(known if known.exists() else path))
    if not any(place.is_relative_to(root) for root in _roots()):
        raise PermissionError(
            f"{path} is readable for its owner only and not below log_roots; the server's administrator"
            " can add its folder there"
        )


@cache
def _roots() -> tuple[Path, ...]:
    from sent.platform.config.settings import load

    return tuple(Path(os.path.realpath(root)) for root in load().log_roots)
