"""Turns an unpacked program into an installation that updates itself: `versions/`, `current`, the starter.

The running program is copied, never moved: what was unpacked can be deleted afterwards. Everything is made in
a folder beside and gets its name at the end, so an installation is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sent import __version__
from sent.platform.buildinfo import build_info
from sent.platform.config.secrets import sync_folder
from sent.platform.db import schema
from sent.platform.errors import Conflict, Denied, Invalid, Unavailable
from sent.platform.update import policy as policies
from sent.platform.update import staging, switching
from sent.platform.update.api import PLATFORM, SPARE, Progress
from sent.platform.update.durable import create, link, write
from sent.platform.update.layout import MANIFEST, VERSION, Layout, installation
from sent.platform.update.policy import Policy
from sent.platform.update.trust import shipped_root

STARTER = Path(__file__).with_name("starter.sh")
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be installed where."""

    source: Path
    target: Path
    version: str
    size: int
    policy: Policy

    def line(self) -> dict[str, Any]:
        """Return it for people and programs."""
        return {
            "version": self.version,
            "from": str(self.source),
            "root": str(self.target),
            "starter": str(self.target / "sent"),
            "bytes": self.size,
        }


def plan(folder: Path, policy: Policy) -> Plan:
    """Look whether the running program can be installed in `folder`; changes nothing."""
    found = installation()
    if found is not None:
        raise Conflict(
            "update.installed", f"this SENT is installed in {found.root} and updates itself already"
        )
    if not getattr(sys, "frozen", False):
        raise Invalid(
            "update.not_built",
            "this SENT runs from a checkout or a wheel; unpack a released program and run its `sent update"
            " install`",
        )
    shipped_root()
    source = Path(sys.executable).resolve().parent
    target = folder.expanduser().resolve()
    if VERSION.fullmatch(__version__) is None:
        raise Invalid("update.version", f"{__version__!r} is no version of a release; install a released one")
    if target == source or source in target.parents:
        raise Invalid("update.inside", f"{target} is inside the unpacked program; name another folder")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict("update.occupied", f"{target} is not empty; name a new folder, such as {target}/sent")
    _must_be_writable(target)
    size = sum(path.lstat().st_size for path in _files(source))
    home = next(parent for parent in (target, *target.parents) if parent.exists())
    free = shutil.disk_usage(home).free
    if free < size + SPARE:
        raise Unavailable(
            "update.room",
            f"{target} needs {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free; make room there."
            " Nothing was changed",
        )
    return Plan(source, target, __version__, size, policy)


def install(made: Plan, progress: Callable[[Progress], None] = lambda _: None) -> Layout:
    """Carry the plan out; returns the installation. What fails in the middle leaves nothing."""
    fresh = made.target.with_name(f"{made.target.name}{switching.STAGING}install")
    layout = Layout(fresh)
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.parent.mkdir(parents=True, exist_ok=True)
        for place in (fresh, layout.versions, layout.update):
            place.mkdir(mode=0o755)  # one that is there already is somebody else's
        folder = layout.folder(made.version)
        _copy(made, folder, progress)
        switching.says_its_version(folder, made.version)
        shutil.copyfile(STARTER, layout.starter)
        for path in (fresh, layout.versions, layout.update, layout.starter):
            path.chmod(0o755)
        policies.save(layout, made.policy)
        link(layout.current, f"versions/{made.version}")
        staging.flush(fresh)
        if made.target.is_dir():
            made.target.rmdir()
        fresh.rename(made.target)
        sync_folder(made.target.parent)
    except OSError as error:
        raise Denied(
            "update.disk",
            f"{error.filename or made.target} cannot be written ({error.strerror}). Nothing was changed",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Layout(made.target)


def _copy(made: Plan, folder: Path, progress: Callable[[Progress], None]) -> None:
    """Copy every file and write down what the version consists of, as deltas and going back need it."""
    entries: list[dict[str, Any]] = []
    done = 0
    folder.mkdir()
    for path in _files(made.source):
        inner = path.relative_to(made.source)
        target = folder / inner
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            target.symlink_to(path.readlink())
            entries.append({"path": inner.as_posix(), "link": str(path.readlink())})
            continue
        mode = 0o755 if stat.S_IMODE(path.stat().st_mode) & 0o100 else 0o644
        digest, size = _copy_file(path, target, mode)
        # The packed form is never asked for: what is here needs no download.
        packed = {"size": size, "sha256": digest}
        entries.append({"path": inner.as_posix(), "sha256": digest, "size": size, "mode": mode, "xz": packed})
        done += size
        progress(Progress(done, made.size, "copy"))
    for place, _, _ in os.walk(folder):
        Path(place).chmod(0o755)
    if not (folder / MANIFEST).exists():
        write(folder / MANIFEST, json.dumps(_manifest(made.version, entries)).encode())


def _copy_file(path: Path, target: Path, mode: int) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as source, create(target) as fresh:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            fresh.write(chunk)
        os.fchmod(fresh.fileno(), mode)
        fresh.flush()
        os.fsync(fresh.fileno())
    return digest.hexdigest(), size


def _manifest(version: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    head, build = schema.head(), build_info()
    return {
        "format": 1,
        "version": version,
        "platform": PLATFORM,
        "pack": staging.BASE,
        "built": build.built,
        "commit": build.commit,
        "schema": {"head": head, "runs_on": [head]},
        "notes": "",
        "files": [entry for entry in entries if not entry["path"].startswith("manifest")],
    }


def _files(folder: Path) -> Iterator[Path]:
    """Yield files and links, links to folders too, in order."""
    for place, folders, files in sorted(os.walk(folder)):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in sorted([*files, *links]):
            yield Path(place) / name


def _must_be_writable(target: Path) -> None:
    home = next(parent for parent in (target, *target.parents) if parent.exists())
    place = home if home != target else target.parent
    if not os.access(place, os.W_OK | os.X_OK):
        raise Denied(
            "update.not_writable",
            f"{place} cannot be written; run it as the owner of that folder, or name one below your home",
        )
