"""Makes a version beside the others: what did not change is linked, the rest patched or downloaded.

Links share their bytes with the version in use, so a byte that went bad there would go bad here: every file
of the new version is read and hashed before anybody switches, and a bad one is replaced by a download.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sent.platform.config.secrets import sync_folder
from sent.platform.errors import SentError, Unavailable
from sent.platform.update import store as blobs
from sent.platform.update.durable import create, write
from sent.platform.update.layout import MANIFEST
from sent.platform.update.manifest import Blob, Delta, File, Manifest, parse, together
from sent.platform.update.store import Cancelled, Store

BASE = "base"


@dataclass(slots=True)
class Plan:
    """What becomes of each file; `blobs` is what has to be downloaded, each once."""

    kept: list[tuple[File, Path]] = field(default_factory=list)
    patched: list[tuple[File, Path, Delta]] = field(default_factory=list)
    fetched: list[File] = field(default_factory=list)

    @property
    def blobs(self) -> list[Blob]:
        wanted = [delta.blob for _, _, delta in self.patched] + [file.whole for file in self.fetched]
        return list({blob.sha256: blob for blob in wanted}.values())

    @property
    def size_download(self) -> int:
        return sum(blob.size for blob in self.blobs)

    @property
    def size_written(self) -> int:
        return sum(file.size for file, _, _ in self.patched) + sum(file.size for file in self.fetched)


def named(pack: str) -> str:
    """Return the name of a pack's manifest in a version's folder."""
    return MANIFEST if pack == BASE else f"manifest.{pack}.json"


def manifests(folder: Path) -> dict[str, Manifest]:
    """Return the packs a version consists of; those whose manifest cannot be read are left out."""
    found: dict[str, Manifest] = {}
    for path in sorted(folder.glob("manifest*.json")):
        try:
            made = parse(path.read_bytes())
        except (OSError, SentError):
            continue
        if path.name == named(made.pack):
            found[made.pack] = made
    return found


def plan(made: Sequence[Manifest], base: Path | None) -> Plan:
    """Say how each file comes to be, by what costs least; changes nothing."""
    there: dict[str, tuple[Path, int]] = {}
    if base is not None:
        for old in manifests(base).values():
            for file in old.files:
                if _size(base / file.path) == file.size:
                    there.setdefault(file.sha256, (base / file.path, file.mode))
    found = Plan()
    for file in (file for one in made for file in one.files):
        if file.sha256 in there:
            found.kept.append((file, there[file.sha256][0]))
            continue
        ways = [delta for delta in file.deltas if delta.base in there and delta.blob.size < file.whole.size]
        if ways:
            best = min(ways, key=lambda delta: delta.blob.size)
            found.patched.append((file, there[best.base][0], best))
        else:
            found.fetched.append(file)
    return found


class Stage:
    """A version's folder while it is made."""

    def __init__(self, folder: Path, store: Store, cancelled: Callable[[], bool]) -> None:
        self.folder = folder
        self._store = store
        self._cancelled = cancelled

    def make(self, made: Sequence[Manifest], raw: dict[str, bytes], way: Plan) -> None:
        """Write all files, then check all of them, then flush; the folder is whole when this returns."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for one in made:
            for path in one.paths:
                for parent in reversed(Path(path).parents[:-1]):
                    (self.folder / parent).mkdir(mode=0o755, exist_ok=True)
        for place, _, _ in os.walk(self.folder):
            Path(place).chmod(0o755)  # whatever the umask of who updates: others start the program
        for file, old in way.kept:
            self._go_on()
            keep(old, self.folder / file.path, file.mode)
        for file, old, delta in way.patched:
            self._go_on()
            self._patch(file, old, delta)
        for file in way.fetched:
            self.fetch(file)
        for one in made:
            for link in one.links:
                (self.folder / link.path).symlink_to(link.target)
        self.check(made)
        for pack, data in raw.items():
            write(self.folder / named(pack), data)
        flush(self.folder)

    def _patch(self, file: File, old: Path, delta: Delta) -> None:
        """Patch a file; download all of it when the delta is nowhere or the old file is bad."""
        try:
            made = blobs.patch(old, self._store.get(delta.blob), file, self.folder / file.path)
        except Unavailable:
            made = False
        if not made:
            self.fetch(file)

    def fetch(self, file: File) -> None:
        """Replace a file by a download of all of it; what it was linked with stays as it is."""
        self._go_on()
        target = self.folder / file.path
        target.unlink(missing_ok=True)
        blobs.unpack(self._store.get(file.whole), file, target)

    def check(self, made: Iterable[Manifest]) -> None:
        """Read every file; one that is not as signed is downloaded, whatever it was made of."""
        for one in made:
            for file in one.files:
                self._go_on()
                if not intact(self.folder, file):
                    self.fetch(file)

    def _go_on(self) -> None:
        if self._cancelled():
            raise Cancelled


def join(target: Path, staged: Path, made: Sequence[Manifest], raw: dict[str, bytes]) -> None:
    """Add a staged pack's new files to the version in `target`; none of its own is touched."""
    together([*manifests(target).values(), *made])
    for path in sorted(staged.rglob("*")):
        place = target / path.relative_to(staged)
        if path.is_dir() and not path.is_symlink():
            place.mkdir(exist_ok=True)
        elif not path.name.startswith("manifest"):
            path.replace(place)
    flush(target)
    for pack, data in raw.items():
        write(target / named(pack), data)


def whole(folder: Path) -> str | None:
    """Return the first file of a version that is not as it was signed, None when it is whole."""
    made = manifests(folder)
    if BASE not in made:
        return MANIFEST
    for one in made.values():
        for file in one.files:
            if not intact(folder, file):
                return file.path
        for link in one.links:
            path = folder / link.path
            if not path.is_symlink() or str(path.readlink()) != link.target:
                return link.path
    return None


def intact(folder: Path, file: File) -> bool:
    """Say whether a file has the bytes and the mode that were signed."""
    path = folder / file.path
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size != file.size:
            return False
        if stat.S_IMODE(found.st_mode) != file.mode:
            return False
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def keep(old: Path, target: Path, mode: int) -> None:
    """Link `target` to `old`; a copy where the file system makes no links or the mode is another."""
    if stat.S_IMODE(old.stat().st_mode) == mode:
        try:
            os.link(old, target)
            return
        except OSError:
            target.unlink(missing_ok=True)
    with old.open("rb") as source, create(target) as made:
        shutil.copyfileobj(source, made, 1024 * 1024)
        os.fchmod(made.fileno(), mode)
        made.flush()
        os.fsync(made.fileno())


def flush(folder: Path) -> None:
    """Make the names of a whole tree survive a power cut; its files are flushed as they are written."""
    for place, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(place))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
