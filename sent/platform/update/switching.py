"""Which version is current: one rename decides, after everything that it needs is on the disk.

Two versions are kept. One that a process still runs from is never removed: programs load parts of themselves
late.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sent.platform.config.secrets import sync_folder
from sent.platform.errors import Conflict, Denied, Invalid
from sent.platform.lock import FileLock
from sent.platform.update import trial
from sent.platform.update.durable import link
from sent.platform.update.layout import Layout, independent

STAGING = ".staging-"
TRIAL_S = 30.0


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Be the only one that changes versions; tidies what an interrupted one left."""
    with held(layout.lock):
        trial.recover(layout)
        clear(layout)
        yield


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock; raises Conflict when another process does, Denied where nothing may be written."""
    lock = FileLock(path)
    try:
        taken = lock.acquire()
    except OSError as error:
        raise Denied(
            "update.not_writable",
            f"{path.parent} cannot be written ({error.strerror}); run the update as the owner of the"
            " installation, on a disk that is not read-only. Nothing was changed",
        ) from error
    if not taken:
        raise Conflict("update.busy", "another update is going on here; wait for it or cancel it there")
    try:
        yield
    finally:
        lock.release()


def clear(layout: Layout) -> None:
    """Remove folders of versions that were never finished."""
    for path in layout.versions.glob(f"{STAGING}*"):
        shutil.rmtree(path, ignore_errors=True)


def publish(layout: Layout, staged: Path, version: str) -> None:
    """Give a whole, flushed folder its version's name."""
    target = layout.folder(version)
    if target.exists():
        discard(layout, version)
    staged.rename(target)
    sync_folder(layout.versions)


def switch(layout: Layout, version: str, *, trial_for: str | None) -> None:
    """Make `version` current; with `trial_for` it must prove itself or that one comes back."""
    if trial_for is not None:
        trial.begin(layout, version, trial_for)
    link(layout.current, f"versions/{version}")


def prune(layout: Layout, previous: str | None) -> list[str]:
    """Remove all versions but the current one, the previous one and those in use; return them."""
    kept = {layout.running(), previous} | in_use(layout)
    gone = [version for version in layout.installed() if version not in kept]
    for version in gone:
        discard(layout, version)
    return gone


def discard(layout: Layout, version: str) -> None:
    """Remove a version; it is no version any more from the first moment on."""
    if version == layout.running():
        raise Conflict("update.current", f"{version} is the current version and stays")
    doomed = layout.versions / f"{STAGING}gone-{version}"
    layout.folder(version).rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def in_use(layout: Layout) -> set[str]:
    """Return the versions that processes run from, as far as this user may see."""
    found: set[str] = set()
    versions = layout.versions.resolve()
    for process in Path("/proc").glob("[0-9]*/exe"):
        with suppress(OSError, ValueError):
            found.add(process.readlink().relative_to(versions).parts[0])
    return found


def says_its_version(folder: Path, version: str) -> None:
    """Run the staged program once; raises Invalid when it does not start or is another version."""
    try:
        run = subprocess.run(
            [folder / "sent", "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRIAL_S,
            check=False,
            env=independent(os.environ),
        )
        said = run.stdout[:10_000].decode(errors="replace")
        why = f"code {run.returncode}: {(run.stderr or run.stdout)[-300:].decode(errors='replace').strip()}"
    except (OSError, subprocess.TimeoutExpired) as error:
        said, why = "", str(error)
    if version not in said.split():
        raise Invalid(
            "update.does_not_start",
            f"version {version} does not start on this machine ({why}); nothing was changed."
            " Tell who makes the releases",
        )
