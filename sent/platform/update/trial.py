"""A new version's first start: it proves itself within a minute or is taken back.

Whoever switches versions begins a trial before; the first window that is painted, or the first service that
is ready, ends it. The judge is the starter (`build/linux/starter.sh`), which no update changes: a version
that cannot start cannot judge itself. What both read is `update/pending`: version, the one before, second of
the first start (0: none yet), starts so far; a line each. The minute begins anew while `update/busy` moves
on: a migration takes as long as it takes.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sent.platform.config.secrets import sync_folder
from sent.platform.update.durable import write
from sent.platform.update.layout import VERSION, Layout, installation

MAX_PENDING = 1_000
"""Bytes; more is no trial."""

BUSY_S = 5.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A version that must prove itself; `since` is 0 before its first start."""

    version: str
    before: str
    since: int = 0
    starts: int = 0


def begin(layout: Layout, version: str, before: str) -> None:
    """Note, on the disk for certain, that `version` must prove itself; before `current` names it."""
    layout.busy.unlink(missing_ok=True)
    write(layout.pending, f"{version}\n{before}\n0\n0\n".encode("ascii"))


def trial(layout: Layout) -> Trial | None:
    """Return the trial that is going on; None without one, also where its note makes no sense."""
    try:
        with layout.pending.open(encoding="ascii", errors="replace") as file:
            lines = file.read(MAX_PENDING).splitlines()
    except OSError:
        return None
    if len(lines) < 4 or not all(VERSION.fullmatch(line) for line in lines[:2]):
        return None
    since, starts = (int(line) if line.isdecimal() else 0 for line in lines[2:4])
    return Trial(lines[0], lines[1], since, starts)


def confirm(layout: Layout, version: str) -> bool:
    """End the trial of `version`: it works; says whether there was one."""
    found = trial(layout)
    if found is None or found.version != version:
        return False
    layout.pending.unlink(missing_ok=True)
    layout.busy.unlink(missing_ok=True)
    sync_folder(layout.update)
    return True


def recover(layout: Layout) -> None:
    """Forget a trial that an interrupted switch left: `current` never named its version."""
    found = trial(layout)
    if layout.pending.exists() and (found is None or found.version != layout.running()):
        layout.pending.unlink(missing_ok=True)


def failed(layout: Layout) -> dict[str, str]:
    """Return the versions that were taken back here, with the reason."""
    try:
        lines = layout.failed.read_text(encoding="utf-8", errors="replace")[-20_000:].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(" ") for line in lines)
    return {version: reason for version, _, reason in pairs if VERSION.fullmatch(version)}


@contextmanager
def busy() -> Iterator[None]:
    """Say, as long as this lasts, that the version on trial gets on; the caller bounds how long that is."""
    layout = installation() if on_trial() else None
    if layout is None:
        yield
        return
    over = threading.Event()

    def tell() -> None:
        while True:
            write(layout.busy, f"{int(time.time())}\n".encode("ascii"))
            if over.wait(BUSY_S):
                return

    teller = threading.Thread(target=tell, name="trial busy", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def on_trial() -> bool:
    """Say whether this process's version must still prove itself."""
    layout = installation()
    found = trial(layout) if layout is not None else None
    return found is not None and found.version == own_version()


def proved() -> None:
    """Tell that this process's version works: its window is painted, or its service ready."""
    layout = installation()
    if layout is not None:
        # Where this user may not write, the starter was no judge either (it looks at the same).
        with suppress(PermissionError):
            confirm(layout, own_version())


def own_version() -> str:
    """Return the version of the folder that this process runs from, whatever `current` names by now."""
    return Path(sys.executable).resolve().parent.name
