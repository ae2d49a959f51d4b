"""Where an installation keeps its versions; nothing here changes a file.

    <root>/sent                 the starter (a shell script): runs `current`, rolls a failed first start back
    <root>/current              symlink -> versions/<version>, replaced by rename
    <root>/versions/<version>/  one whole program each; unchanged files are hard links of one another
    <root>/versions/.staging-*  one that is being made
    <root>/update/              what the updater knows: see the properties of `Layout`

A program that was not installed so (a checkout, a wheel, a package of the system) is not updated by itself.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from sent.platform.errors import Invalid

STARTER = "sent"
MANIFEST = "manifest.json"
"""In each version's folder: what it consists of, as it was signed."""

VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}((a|b|rc|\.dev)\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of the installation in `root`."""

    root: Path

    @property
    def starter(self) -> Path:
        return self.root / STARTER

    @property
    def current(self) -> Path:
        return self.root / "current"

    @property
    def versions(self) -> Path:
        return self.root / "versions"

    @property
    def update(self) -> Path:
        return self.root / "update"

    @property
    def pending(self) -> Path:
        """The first start of a version that has not proved itself; see `trial`."""
        return self.update / "pending"

    @property
    def busy(self) -> Path:
        """Second at which a version on trial last said that it gets on; see `trial.busy`."""
        return self.update / "busy"

    @property
    def failed(self) -> Path:
        """Versions that did not start here, a line each: they are not offered again."""
        return self.update / "failed"

    @property
    def metadata(self) -> Path:
        """The signed metadata seen last: older is refused."""
        return self.update / "metadata"

    @property
    def downloads(self) -> Path:
        """Files on their way, and what was downloaded for a version that is not complete."""
        return self.update / "downloads"

    @property
    def policy(self) -> Path:
        return self.update / "policy.toml"

    @property
    def known(self) -> Path:
        """What the last look for updates found; see `known`."""
        return self.update / "known.json"

    @property
    def lock(self) -> Path:
        """Held by whoever changes versions."""
        return self.update / "lock"

    def folder(self, version: str) -> Path:
        """Return a version's folder; raises Invalid for what is no version."""
        if VERSION.fullmatch(version) is None:
            raise Invalid("update.version", f"{version!r} is no version")
        return self.versions / version

    def running(self) -> str | None:
        """Return the version that `current` names, None when it names none."""
        try:
            target = self.current.readlink()
        except OSError:
            return None
        name = target.name
        known = VERSION.fullmatch(name) is not None and (self.root / target).is_dir()
        return name if known else None

    def installed(self) -> list[str]:
        """Return the whole versions that are there, in no order."""
        if not self.versions.is_dir():
            return []
        return [
            entry.name
            for entry in os.scandir(self.versions)
            if VERSION.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        ]


def installation() -> Layout | None:
    """Return the installation this process runs from; None: it does not update itself."""
    if not getattr(sys, "frozen", False):
        return None
    folder = Path(sys.executable).resolve().parent
    root = folder.parent.parent
    if folder.parent.name != "versions" or not (root / "update").is_dir():
        return None
    return Layout(root)


def order(version: str) -> tuple[tuple[int, ...], int, int]:
    """Return a key that sorts versions: 1.2.dev1 < 1.2a1 < 1.2rc1 < 1.2."""
    found = re.fullmatch(r"([\d.]*\d)(?:(a|b|rc|\.dev)(\d+))?", version)
    if found is None:
        return ((), 0, 0)
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return (tuple(numbers), {".dev": 0, "a": 1, "b": 2, "rc": 3, None: 4}[found[2]], int(found[3] or 0))
