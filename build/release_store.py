"""The file-level store: every file once, packed, and deltas from the versions before.

One file is in memory at a time; deltas are made only of files that bsdiff can take within bounds.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
from pathlib import Path
from typing import Any

import bsdiff4

from sent.platform.update.manifest import MAX_DELTAS, safe

DELTA_FILE = 40 * 1024 * 1024
"""Bytes of a file that deltas are made of: patching takes three times as much on the client."""

WORTH = 0.5
CHUNK = 1024 * 1024


def walk(folder: Path) -> list[dict[str, Any]]:
    """Return the entries of a build, sorted; refuses what no client would take."""
    found = []
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*files, *links):
            path = Path(place) / name
            inner = path.relative_to(folder).as_posix()
            if inner == "manifest.json":
                continue
            entry: dict[str, Any] = {"path": safe(inner)}
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                entry["link"] = str(path.readlink())
            elif stat.S_ISREG(mode):
                entry |= {
                    "sha256": digest(path),
                    "size": path.stat().st_size,
                    "mode": 0o755 if mode & 0o100 else 0o644,
                }
            else:
                raise SystemExit(f"release: {path} is neither a file nor a link")
            found.append(entry)
    return sorted(found, key=lambda entry: str(entry["path"]))


def keep(repository: Path, folder: Path, entries: list[dict[str, Any]], preset: int) -> None:
    """Put every file into the store and its packed form into its entry."""
    for entry in entries:
        if "sha256" in entry:
            name = entry["sha256"]
            target = repository / "files" / name[:2] / f"{name}.xz"
            if not target.is_file():
                pack(folder / entry["path"], target, preset)
            entry["xz"] = {"size": target.stat().st_size, "sha256": digest(target)}
            entry["deltas"] = []


def deltas(
    repository: Path, folder: Path, entries: list[dict[str, Any]], before: list[list[dict[str, Any]]]
) -> None:
    """Make deltas from the files of the same path in each version before, where they are worth it."""
    known = {entry["sha256"] for old in before for entry in old if "sha256" in entry}
    for old in before:
        by_path = {entry["path"]: entry for entry in old if "sha256" in entry}
        for entry in entries:
            base = by_path.get(entry["path"])
            if base is None or "sha256" not in entry or entry["sha256"] in known:
                continue
            if max(base["size"], entry["size"]) > DELTA_FILE or len(entry["deltas"]) >= MAX_DELTAS:
                continue
            if any(one["from"] == base["sha256"] for one in entry["deltas"]):
                continue
            made = _delta(repository, folder / entry["path"], base["sha256"], entry)
            if made is not None:
                entry["deltas"].append(made)


def _delta(repository: Path, path: Path, base: str, entry: dict[str, Any]) -> dict[str, Any] | None:
    target = repository / "deltas" / base[:2] / f"{base}-{entry['sha256']}.bsdiff"
    if not target.is_file():
        old = unpack(repository / "files" / base[:2] / f"{base}.xz")
        data = bsdiff4.diff(old, path.read_bytes())
        if len(data) >= WORTH * entry["xz"]["size"]:
            return None
        _write(target, data)
    return {"from": base, "size": target.stat().st_size, "sha256": digest(target)}


def pack(path: Path, target: Path, preset: int) -> None:
    """Write `path` packed; the same bytes whenever it is done."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    with path.open("rb") as source, lzma.open(fresh, "wb", preset=preset) as made:
        while chunk := source.read(CHUNK):
            made.write(chunk)
    fresh.replace(target)


def unpack(path: Path) -> bytes:
    """Return what our own store holds."""
    with lzma.open(path) as file:
        return file.read()


def digest(path: Path) -> str:
    """Return a file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(target)
