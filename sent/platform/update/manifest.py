"""What a version consists of, read from a signed file that is nevertheless not believed.

A signature says who wrote it, not that he made no mistake: every path must lie inside the version's folder,
whatever case the file system minds, and sizes are bounded before anything is downloaded.

    {"format": 1, "version", "platform", "pack", "built", "commit", "notes",
     "schema": {"head": "0023", "runs_on": ["0022", "0023"]},
     "files": [{"path", "sha256", "size", "mode", "xz": {"size", "sha256"},
                "deltas": [{"from": sha256, "size", "sha256"}]} | {"path", "link": relative target}]}
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sent.platform.errors import Invalid
from sent.platform.update.layout import VERSION

MAX_BYTES = 8 * 1024 * 1024
MAX_FILES = 20_000
MAX_TOTAL = 600 * 1024 * 1024
MAX_NOTES = 100_000
MAX_PATH = 400
MAX_DELTAS = 8
MODES = (0o644, 0o755)
PACK = re.compile(r"[a-z][a-z0-9]{0,29}")

_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[A-Za-z0-9_.:+-]{0,64}")
_OWN = re.compile(r"manifest(\.[^/]*)?\.json(\.new)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Blob:
    """Something in the store: bytes and what they hash to."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A way from a file that is there to a new one."""

    base: str
    blob: Blob


@dataclass(frozen=True, slots=True)
class File:
    """A file of a version; `whole` is all of it, packed."""

    path: str
    sha256: str
    size: int
    mode: int
    whole: Blob
    deltas: tuple[Delta, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link that stays inside the version's folder."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One pack of one version."""

    version: str
    platform: str
    pack: str
    built: str
    commit: str
    notes: str
    schema_head: str
    runs_on: tuple[str, ...]
    files: tuple[File, ...]
    links: tuple[Link, ...]

    @property
    def paths(self) -> list[str]:
        return [file.path for file in self.files] + [link.path for link in self.links]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def parse(data: bytes) -> Manifest:
    """Return the manifest in `data`; raises Invalid that names the first thing that is wrong."""
    if len(data) > MAX_BYTES:
        raise _refused(f"it has {len(data):,} bytes, more than {MAX_BYTES:,}")
    try:
        read = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _refused("it is no JSON") from error
    if not isinstance(read, dict) or read.get("format") != 1:
        raise _refused("its format is not 1; update by an offline bundle of a version in between")
    schema = read.get("schema")
    schema = schema if isinstance(schema, dict) else {}
    entries = read.get("files")
    if not isinstance(entries, list) or len(entries) > MAX_FILES:
        raise _refused(f"it lists no files, or more than {MAX_FILES:,}")
    found = [_entry(entry) for entry in entries]
    made = Manifest(
        version=_matching(read.get("version"), VERSION, "version"),
        platform=_matching(read.get("platform"), _WORD, "platform"),
        pack=_matching(read.get("pack"), PACK, "pack"),
        built=_matching(read.get("built", ""), _WORD, "built"),
        commit=_matching(read.get("commit", ""), _WORD, "commit"),
        notes=_notes(read.get("notes", "")),
        schema_head=_matching(schema.get("head"), _WORD, "schema"),
        runs_on=tuple(_matching(one, _WORD, "schema") for one in _list(schema.get("runs_on"), 1_000)),
        files=tuple(one for one in found if isinstance(one, File)),
        links=tuple(one for one in found if isinstance(one, Link)),
    )
    together([made])
    return made


def together(manifests: Iterable[Manifest]) -> None:
    """Refuse packs that cannot stand in one folder: a path twice, a file below a file, too much of all."""
    made = list(manifests)
    names: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in (path for one in made for path in one.paths):
        key = path.casefold()
        if key in names:
            raise _refused(f"{path!r} and {names[key]!r} are one name on some file systems")
        names[key] = path
        for parent in _parents(path):
            other = folders.setdefault(parent.casefold(), parent)
            if other != parent:
                raise _refused(f"{parent!r} and {other!r} are one name on some file systems")
    for key in folders:
        if key in names:
            raise _refused(f"{names[key]!r} is a file and a folder")
    total = sum(one.size for one in made)
    if total > MAX_TOTAL or len(names) > MAX_FILES:
        raise _refused(f"it has {len(names):,} files and {total:,} bytes, more than {MAX_TOTAL:,}")


def safe(path: object) -> str:
    """Return `path` when it names something strictly inside a folder; raises Invalid."""
    if not isinstance(path, str) or not path or len(path) > MAX_PATH:
        raise _refused(f"the path {str(path)[:80]!r} is empty or too long")
    parts = path.split("/")
    if any(part in ("", ".", "..") or part != part.strip(" ") or part.endswith(".") for part in parts):
        raise _refused(f"the path {path!r} leads out of the version's folder or is none")
    if not path.isprintable() or "\\" in path or ":" in path:
        raise _refused(f"the path {path!r} holds characters that no file of a version has")
    if _OWN.fullmatch(path):
        raise _refused(f"the path {path!r} is the manifest's own")
    return path


def _entry(entry: Any) -> File | Link:
    if not isinstance(entry, dict):
        raise _refused("an entry is no object")
    path = safe(entry.get("path"))
    if "link" in entry:
        return Link(path, _target(path, entry["link"]))
    digest = _matching(entry.get("sha256"), _DIGEST, "sha256")
    xz = entry.get("xz")
    if not isinstance(xz, dict) or entry.get("mode") not in MODES:
        raise _refused(f"{path!r} has no packed form, or a mode other than 644 and 755")
    name = f"files/{digest[:2]}/{digest}.xz"
    size = _size(entry.get("size"), path)
    deltas = tuple(_delta(digest, one, path) for one in _list(entry.get("deltas", []), MAX_DELTAS))
    return File(path, digest, size, int(entry["mode"]), _blob(name, xz, path), deltas)


def _delta(digest: str, entry: Any, path: str) -> Delta:
    if not isinstance(entry, dict):
        raise _refused(f"{path!r} has a delta that is no object")
    base = _matching(entry.get("from"), _DIGEST, "from")
    return Delta(base, _blob(f"deltas/{base[:2]}/{base}-{digest}.bsdiff", entry, path))


def _blob(name: str, entry: dict[str, Any], path: str) -> Blob:
    return Blob(name, _size(entry.get("size"), path), _matching(entry.get("sha256"), _DIGEST, "sha256"))


def _target(path: str, target: object) -> str:
    """Return the link's target when it stays inside, also by way of its own folder."""
    if not isinstance(target, str) or not target or len(target) > MAX_PATH or target.startswith("/"):
        raise _refused(f"the link {path!r} leads to an absolute or empty place")
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if (
        resolved == "."
        or resolved.startswith("..")
        or not target.isprintable()
        or "\\" in target
        or ":" in target
    ):
        raise _refused(f"the link {path!r} leads out of the version's folder to {target!r}")
    # `a/../..` through another link could mean something else than the text says: only leading dots.
    parts = target.split("/")
    if any(part in ("", ".") for part in parts) or ".." in parts[_leading(parts) :]:
        raise _refused(f"the link {path!r} leads on winding ways to {target!r}")
    return target


def _leading(parts: list[str]) -> int:
    return next((n for n, part in enumerate(parts) if part != ".."), len(parts))


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _size(value: object, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_TOTAL:
        raise _refused(f"{path!r} has a size that cannot be: {str(value)[:40]}")
    return value


def _matching(value: object, pattern: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise _refused(f"its {what} is {str(value)[:80]!r}")
    return value


def _notes(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_NOTES:
        raise _refused(f"its notes are no text, or longer than {MAX_NOTES:,} characters")
    return value


def _list(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _refused(f"a list is missing or has more than {most} entries")
    return value


def _refused(why: str) -> Invalid:
    return Invalid(
        "update.manifest",
        f"the manifest of the new version is refused: {why}. Nothing was changed; tell who releases",
    )
