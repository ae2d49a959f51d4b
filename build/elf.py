"""Makes collected libraries fit to travel: fewer symbols, and no places of the machine that built them.

A library that was built in /home/somebody keeps looking there, on every machine it is taken to; whoever may
write to that place there is loaded. Places relative to the library itself (`$ORIGIN`) stay.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import collecting

_SAID = re.compile(r"Library r(?:un)?path: \[(.*)\]")


def tidy(inside: Path) -> None:
    """Strip what may be stripped in the bundle's folder and forget foreign places."""
    for path in binaries(inside):
        if collecting.stripped(str(path.relative_to(inside))):
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)
        _forget(path)


def binaries(folder: Path) -> Iterator[Path]:
    """Yield every ELF file, in order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def foreign(path: Path) -> list[str]:
    """Return the places outside the bundle where a file looks for libraries."""
    return [place for place in _places(path) if not place.startswith("$ORIGIN")]


def _forget(path: Path) -> None:
    if not (strange := foreign(path)):
        return
    if strange != _places(path):
        raise SystemExit(
            f"build: {path.name} looks for libraries in {_places(path)}; nobody has seen that yet"
        )
    # It finds the entry of every file, but the text of one that patchelf(1) changed it takes for another.
    subprocess.run(["chrpath", "-d", str(path)], check=True, stdout=subprocess.DEVNULL)


def _places(path: Path) -> list[str]:
    said = subprocess.run(
        ["readelf", "-W", "-d", str(path)], capture_output=True, text=True, check=True
    ).stdout
    return [place for found in _SAID.findall(said) for place in found.split(":")]
