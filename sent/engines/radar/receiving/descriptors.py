"""How many connections a process may have open before it runs out of file descriptors."""

from __future__ import annotations

import sys

SPARE = 512
"""Kept for the database, files that are read, and everything else."""

MOST = 65_536
ELSEWHERE = 8_000
"""Where the system tells no limit (Windows)."""


def room_for_connections() -> int:
    """Raise the soft limit of open files as far as it goes; return what connections may take of it."""
    if sys.platform == "win32":
        return ELSEWHERE
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return max(64, min(MOST if soft == resource.RLIM_INFINITY else soft, MOST) - SPARE)
