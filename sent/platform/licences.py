"""The licences of what the program is made of.

The packaged program brings the list with it (`sent/_build/licences.json`, made from what was really
collected); a checkout makes it from the installed distributions that `sent` requires.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from sent.platform.buildinfo import FOLDER

FILE = FOLDER / "licences.json"

_TEXTS = re.compile(r"(?:.*/)?(?:licen[cs]es?/.+|(?:licen[cs]e|copying|notice)[^/]*)", re.IGNORECASE)
_REQUIRED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST = 200_000

SAID_OTHERWISE = {
    "BSD License": "BSD-3-Clause",
    "BSD-3-Clause and Public-Domain": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache-2": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "GPLv2-or-later with a special exception which allows to use PyInstaller to build and distribute non-free"
    " programs (including commercial ones)": "GPL-2.0-or-later WITH Bootloader-exception",
}
"""What older metadata says in words, as SPDX 3 writes it."""

READ = {
    # Metadata says "BSD"; its core comes from cx_bsdiff, whose licence allows closed programs (section 3).
    "bsdiff4": "BSD-2-Clause AND BSD-Protection",
    # Metadata says "see license.txt": it has the three clauses.
    "reportlab": "BSD-3-Clause",
}
"""Licences read from the file itself, where the metadata says too little."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part and its licence."""

    name: str
    version: str
    licence: str
    """SPDX expression, or what the metadata says."""
    address: str = ""
    texts: tuple[str, ...] = ()


@cache
def components() -> tuple[Component, ...]:
    """Return the parts of the running program, by name."""
    if FILE.is_file():
        rows = json.loads(FILE.read_text("utf-8"))
        return tuple(Component(**{**row, "texts": tuple(row["texts"])}) for row in rows)
    return tuple(sorted((describe(one) for one in required()), key=lambda part: part.name.lower()))


def dumped(parts: Iterable[Component]) -> str:
    """Return the text of `licences.json`."""
    return json.dumps([asdict(part) for part in parts], indent=1, ensure_ascii=False, sort_keys=True)


def describe(distribution: metadata.Distribution) -> Component:
    """Return what a distribution's metadata says about its licence."""
    said = distribution.metadata
    return Component(
        name=said["Name"],
        version=said["Version"],
        licence=expression(distribution),
        address=_address(said),
        texts=tuple(_texts(distribution)),
    )


def expression(distribution: metadata.Distribution) -> str:
    """Return the licence: the expression, else the short field, else the classifiers."""
    said = distribution.metadata
    if found := READ.get(said["Name"]) or _said(said, "License-Expression"):
        return found
    # A whole licence text in this field says less than the classifiers.
    if (short := _said(said, "License").strip()) and "\n" not in short:
        return SAID_OTHERWISE.get(short, short)
    names = [
        name.rpartition(" :: ")[2]
        for name in said.get_all("Classifier") or ()
        if name.startswith("License :: OSI")
    ]
    return " AND ".join(SAID_OTHERWISE.get(name, name) for name in names) or "unknown"


def required(name: str = "sent") -> list[metadata.Distribution]:
    """Return the installed distributions that `name` needs, itself left out."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [name]
    while waiting:
        wanted = waiting.pop()
        key = re.sub(r"[-_.]+", "-", wanted).lower()
        if key in found:
            continue
        try:
            found[key] = metadata.distribution(wanted)
        except metadata.PackageNotFoundError:
            # For another system, or an extra that was not asked for.
            continue
        for line in found[key].requires or ():
            match = _REQUIRED.match(line)
            if match is not None:
                waiting.append(match.group())
    return [one for key, one in found.items() if key != name]


def _address(said: metadata.PackageMetadata) -> str:
    pairs = [line.partition(", ") for line in said.get_all("Project-URL") or ()]
    places = {label.lower(): str(url) for label, _, url in pairs}
    for label in ("homepage", "source", "source code", "repository", "github", "documentation"):
        if label in places:
            return places[label]
    return _said(said, "Home-page") or next(iter(places.values()), "")


def _texts(distribution: metadata.Distribution) -> Iterable[str]:
    for file in distribution.files or ():
        inside = str(file)
        if ".dist-info/" not in inside or not _TEXTS.fullmatch(inside.partition(".dist-info/")[2]):
            continue
        yield Path(str(distribution.locate_file(file))).read_text("utf-8")[:_LONGEST].strip()


def _said(metadata_of: metadata.PackageMetadata, field: str) -> str:
    """Return the first value of a field, empty when it is missing."""
    return str(next(iter(metadata_of.get_all(field) or ()), ""))
