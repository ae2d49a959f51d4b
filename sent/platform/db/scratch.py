"""A cluster for a short while, beside the real one: to restore a backup into and look at it.

    with scratch("verify") as cluster:
        ...

It lives below the state folder under a lock, so what a killed process left is told from one at work and is
removed by the next. It syncs nothing and archives nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sent.platform.config import paths
from sent.platform.config.secrets import role_password
from sent.platform.db.admin import Login
from sent.platform.db.embedded.cluster import PORT, SUPERUSER, Cluster
from sent.platform.db.engine import Server
from sent.platform.lock import FileLock

PREFIX = "db.scratch-"
LIGHT = {
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_wal_size": "1GB",
    "autovacuum": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
}


def beside(folder: Path, **settings: str) -> Cluster:
    """Return a cluster in `folder` with the installation's superuser and a socket of its own."""
    return Cluster(
        folder,
        paths.runtime_dir() / f"s{os.getpid()}",
        role_password(SUPERUSER),
        extra=settings,
    )


def login_of(cluster: Cluster, dbname: str = "postgres") -> Login:
    """Return the superuser's login of a cluster."""
    return Login(Server(host=str(cluster.socket_dir), port=PORT, dbname=dbname), SUPERUSER, cluster.password)


@contextmanager
def scratch(purpose: str, **settings: str) -> Iterator[Cluster]:
    """Give a cluster that is not made yet; whatever it is afterwards, it is stopped and removed."""
    sweep()
    folder = paths.state_dir() / f"{PREFIX}{purpose}-{os.getpid()}"
    lock = FileLock(folder.with_suffix(".lock"))
    if not lock.acquire():
        raise RuntimeError(f"{folder} is in use by this very process")
    cluster = beside(folder, **LIGHT, **settings)
    try:
        yield cluster
    finally:
        discard(cluster)
        folder.with_suffix(".lock").unlink(missing_ok=True)
        lock.release()


def discard(cluster: Cluster) -> None:
    """Stop a cluster that nobody needs and remove it."""
    cluster.stop("immediate")
    shutil.rmtree(cluster.folder, ignore_errors=True)
    shutil.rmtree(cluster.socket_dir, ignore_errors=True)


def sweep() -> int:
    """Stop and remove what killed processes left behind; return how many."""
    found = 0
    for folder in paths.state_dir().glob(f"{PREFIX}*"):
        if not folder.is_dir():
            continue
        lock = FileLock(folder.with_suffix(".lock"))
        if not lock.acquire():
            continue
        pid = folder.name.rpartition("-")[2]
        left = replace(beside(folder), socket_dir=paths.runtime_dir() / f"s{pid}")
        discard(left)
        folder.with_suffix(".lock").unlink(missing_ok=True)
        lock.release()
        found += 1
    return found
