"""What this program was built from, and by whom it is updated.

`build/build.py` writes `sent/_build/info.json` into the packaged program; a checkout and an installed wheel
have none and say "source". Read with the standard library only: `--version` and every start may ask.
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sent import __version__

FOLDER = Path(__file__).resolve().parents[1] / "_build"
SOURCE = "source"

SELF, PACKAGES, NOBODY = "self", "packages", "nobody"
"""Who updates the program: it itself, the system's package manager, or whoever installed it."""


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """The origin of the running program."""

    version: str
    commit: str = SOURCE
    """Of the source, or "source": not built."""
    built: str = SOURCE
    """UTC time of that commit, ISO 8601: the same source gives the same build."""
    platform: str = ""
    """System and machine, such as linux-x86_64."""
    python: str = ""
    qt: str = ""
    packs: tuple[str, ...] = ()
    updates: str = NOBODY

    def lines(self) -> list[tuple[str, str]]:
        """Return (name, value) for `--version`."""
        return [
            ("commit", self.commit),
            ("built", self.built),
            ("platform", self.platform),
            ("Python", self.python),
            ("Qt", self.qt or "not installed"),
            ("updates", UPDATES[self.updates]),
        ]


UPDATES = {
    SELF: "by itself (sent update)",
    PACKAGES: "by the system's package manager",
    NOBODY: "by hand",
}


@cache
def build_info() -> BuildInfo:
    """Return the origin of the running program."""
    file = FOLDER / "info.json"
    if not file.is_file():
        return BuildInfo(__version__, platform=machine(), python=platform.python_version(), qt=qt_version())
    found = json.loads(file.read_text("utf-8"))
    return BuildInfo(**{**found, "packs": tuple(found["packs"])})


def machine() -> str:
    """Return system and machine as updates name them, such as linux-x86_64."""
    return f"{platform.system().lower()}-{platform.machine().lower()}"


def qt_version() -> str:
    """Return Qt's version without loading it; empty when it is not installed."""
    from importlib import metadata

    try:
        return metadata.version("PySide6-Essentials")
    except metadata.PackageNotFoundError:
        return ""
