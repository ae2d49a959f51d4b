"""Putting another cluster in the place of the present one, so that there is always one that works.

Whoever exchanges or upgrades the cluster holds the *maintenance* lock. The owner process sees it, stops the
server and waits; the lock ends with its process, however that ends, and whoever takes it next first
*settles* what the journal says was begun: before the exchange the new folder is thrown away, from then on
the exchange is finished. Both folders lie below the state folder, so each step is one rename.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from sent.platform.config import paths
from sent.platform.db.embedded import endpoint
from sent.platform.db.embedded.cluster import Cluster
from sent.platform.errors import Conflict, Unavailable
from sent.platform.lock import FileLock
from sent.platform.telemetry.log import get_logger

LOCK_WAIT_S = 5.0
STOP_WAIT_S = 120.0
GOOD_STARTS = 3
"""Starts of an upgraded database after which the former one is removed."""

_log = get_logger("db.switch")


def in_maintenance() -> bool:
    """Say whether somebody else works on the cluster now: the owner then keeps its hands off."""
    lock = FileLock(_lock_file())
    if not lock.acquire():
        return True
    lock.release()
    return False


def wait_for_maintenance() -> None:
    """Return when nobody works on the cluster."""
    while in_maintenance():
        time.sleep(0.2)


@contextmanager
def maintenance(cluster: Cluster) -> Iterator[None]:
    """Have the cluster to oneself, stopped; at the end the owner, where one runs, starts it again.

    Raises Conflict when somebody else works on it, Unavailable when the server does not stop.
    """
    with _locked():
        settle(cluster)
        _stopped(cluster)
        try:
            yield
        except BaseException:
            settle(cluster)
            raise


@contextmanager
def settled(cluster: Cluster) -> Iterator[None]:
    """Hold the lock for a moment in which nothing is half done: around the owner's start of the server."""
    with _locked(patience=0.0):
        settle(cluster)
        yield


@contextmanager
def _locked(patience: float = LOCK_WAIT_S) -> Iterator[None]:
    lock = FileLock(_lock_file())
    give_up = time.monotonic() + patience
    while not lock.acquire():
        if time.monotonic() > give_up:
            raise Conflict("database.maintenance", "the database is being worked on; try again afterwards")
        # The owner looks at the lock twice a second and holds it for a moment.
        time.sleep(0.02)
    try:
        yield
    finally:
        lock.release()


def prepare(fresh: Path) -> None:
    """Note that `fresh` is being made; until `exchange` it is thrown away by whoever settles."""
    _write({"step": "prepare", "fresh": fresh.name})


def exchange(cluster: Cluster, fresh: Path, former: Path, *, keep: Literal["good_starts", "ever"]) -> None:
    """Put the stopped cluster in `fresh` in place; the present one becomes `former`. Never half done."""
    _write({"step": "exchange", "fresh": fresh.name, "former": former.name, "keep": keep})
    settle(cluster)


def settle(cluster: Cluster) -> str | None:
    """Finish or take back what was begun; returns the step that was found (the caller holds the lock)."""
    journal = _read()
    if journal is None:
        return None
    fresh = paths.state_dir() / journal["fresh"]
    _end_orphans(fresh)
    if journal["step"] == "exchange":
        former = paths.state_dir() / journal["former"]
        _exchange(cluster.folder, fresh, former)
        if journal["keep"] == "good_starts":
            _write({"folder": former.name, "starts": 0}, _former_file())
    else:
        # An upgrade that was killed may have left servers on either folder.
        cluster.stop("fast")
        Cluster(fresh, cluster.socket_dir, cluster.password).stop("immediate")
        shutil.rmtree(fresh, ignore_errors=True)
    _journal_file().unlink()
    _sync(paths.state_dir())
    _log.info("db.settled", step=journal["step"])
    return str(journal["step"])


def count_good_start() -> None:
    """Count a good start of an upgraded database; after some the former one goes."""
    found = _read(_former_file())
    if found is None:
        return
    found["starts"] += 1
    if found["starts"] >= GOOD_STARTS:
        shutil.rmtree(paths.state_dir() / found["folder"], ignore_errors=True)
        _former_file().unlink()
        _log.info("db.former_removed", folder=found["folder"])
    else:
        _write(found, _former_file())


def formers() -> list[Path]:
    """Return the folders of former clusters that are still kept."""
    return sorted(path for path in paths.state_dir().glob("db.before-*") if path.is_dir())


def _exchange(present: Path, fresh: Path, former: Path) -> None:
    if fresh.exists():
        if present.exists():
            present.rename(former)
            _sync(present.parent)
        fresh.rename(present)
    elif not present.exists() and former.exists():
        former.rename(present)
    _sync(present.parent)


def _stopped(cluster: Cluster) -> None:
    """Wait until the owner has stopped the server; without an owner stop it."""
    owner = FileLock(endpoint.cluster_dir().with_name("owner.lock"))
    give_up = time.monotonic() + STOP_WAIT_S
    while cluster.running_pid() is not None:
        if owner.acquire():
            cluster.stop()
            owner.release()
        elif time.monotonic() > give_up:
            raise Unavailable("database.busy", "the database's owner does not stop the server; see its log")
        time.sleep(0.05)


def _end_orphans(fresh: Path) -> None:
    """End the programs that a killed upgrade left at work in `fresh`."""
    if not sys.platform.startswith("linux"):
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            name = (entry / "comm").read_text().strip()
            if name.startswith("pg_") and str(fresh) in (entry / "cmdline").read_bytes().decode(
                errors="replace"
            ):
                os.kill(int(entry.name), signal.SIGKILL)


def _write(content: dict[str, Any], path: Path | None = None) -> None:
    path = path or _journal_file()
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync(path.parent)


def _read(path: Path | None = None) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((path or _journal_file()).read_text())
    except (OSError, ValueError):
        return None
    return found


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock_file() -> Path:
    return paths.state_dir() / "maintenance.lock"


def _journal_file() -> Path:
    return paths.state_dir() / "db.switch.json"


def _former_file() -> Path:
    return paths.state_dir() / "db.former.json"
