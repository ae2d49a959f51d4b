"""What the Debian package says of itself: version, dependencies, copyright, changelog.

Dependencies are read from the files. What only the console's files need is recommended, so that a server
can do without a screen's libraries; everything else is a dependency.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import provenance

LIBRARIES = Path(__file__).resolve().parent / "linux" / "libraries.txt"
REVISION = 1
ARCHITECTURES = {"linux-x86_64": "amd64", "linux-aarch64": "arm64"}
MAINTAINER = "SENT maintainers <maintainers@sent.example>"

C_RUNTIME = {
    r"lib(c|m|dl|rt|pthread|util|resolv)\.so[.\d]*|ld-linux.*": "libc6",
    r"libgcc_s\.so.*": "libgcc-s1",
    r"libstdc\+\+\.so.*": "libstdc++6",
    r"libatomic\.so.*": "libatomic1",
}
STANDING = ("systemd | systemd-standalone-sysusers", "systemd | systemd-standalone-tmpfiles")
"""What the maintainer scripts call."""

_NEEDED = re.compile(r"\(NEEDED\)\s+Shared library: \[(.+)\]")
_GLIBC = re.compile(r"\bGLIBC_(\d+\.\d+)")

_END = r".*?END OF TERMS AND CONDITIONS"
COMMON = {
    name: re.compile(text, re.DOTALL)
    for name, text in {
        "Apache-2.0": r"Apache License\s+Version 2\.0.*?additional\s+liability\.(\s+END OF TERMS[A-Z ]*)?",
        "GPL-2": rf"GNU GENERAL PUBLIC LICENSE\s+Version 2{_END}",
        "LGPL-2.1": rf"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1{_END}",
        "LGPL-3": r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3.*?authorization for you to choose",
    }.items()
}
"""Texts that every Debian has in /usr/share/common-licenses."""


def version(of_program: str) -> str:
    """Return Debian's form of a Python version: what comes before a release sorts before it."""
    found = re.fullmatch(r"(\d+(?:\.\d+)*)(?:(\.dev|a|b|rc)(\d+))?", of_program)
    if found is None:
        raise SystemExit(f"build: {of_program} is no version of a release")
    early = f"~{found[2].strip('.')}{found[3]}" if found[2] else ""
    return f"{found[1]}{early}-{REVISION}"


def maintainer() -> str:
    """Return who answers for the package: DEBFULLNAME and DEBEMAIL as Debian's tools read them."""
    name, address = os.environ.get("DEBFULLNAME"), os.environ.get("DEBEMAIL")
    return f"{name} <{address}>" if name and address else MAINTAINER


def dependencies(app: Path, binaries: Iterable[Path]) -> tuple[list[str], list[str]]:
    """Return (needed, recommended) packages of the program in `app`.

    Raises SystemExit for a library nobody has looked at.
    """
    files = list(binaries)
    inside = {path.name for path in app.rglob("*.so*")}
    known = dict(line.split() for line in _lines(LIBRARIES))
    needed: set[str] = set()
    recommended: set[str] = set()
    glibc = (0, 0)
    for path in files:
        said = subprocess.run(
            ["readelf", "-W", "-d", "-V", str(path)], capture_output=True, text=True, check=True
        ).stdout
        glibc = max(glibc, *(_pair(one) for one in _GLIBC.findall(said)), (0, 0))
        only_console = path.relative_to(app).parts[1:2] in {("PySide6",), ("shiboken6",)}
        for library in _NEEDED.findall(said):
            if library in inside:
                continue
            package = known.get(library) or _of_the_runtime(library)
            if package is None:
                raise SystemExit(f"build: {path.name} needs {library}, which build/linux/libraries.txt lacks")
            (recommended if only_console else needed).add(package)
    needed |= {package for package in recommended if package in C_RUNTIME.values()}
    needed = (needed - {"libc6"}) | {f"libc6 (>= {glibc[0]}.{glibc[1]})"}
    return sorted({*needed, *STANDING}), sorted(recommended - needed - set(C_RUNTIME.values()))


def control(record: dict[str, Any], size_kib: int, depends: list[str], recommends: list[str]) -> str:
    """Return the control file."""
    return f"""\
Package: sent
Version: {version(record["version"])}
Architecture: {ARCHITECTURES[record["platform"]]}
Maintainer: {maintainer()}
Installed-Size: {size_kib}
Depends: {", ".join(depends)}
Recommends: {", ".join(recommends)}
Section: non-free/admin
Priority: optional
Description: operations console of a security and managed-services company
 SENT is one program with three faces: a native console for the staff, workers
 without a screen for the servers, and a tool for the administrator.
 .
 It takes logs in and matches them with Sigma rules as they come, keeps alerts
 and incidents, and seals every change into a trail that can be proved. It
 brings a PostgreSQL server of its own, or works with an external one.
"""


def changelog(record: dict[str, Any]) -> str:
    """Return changelog.Debian; what has changed in the program stands in its own changelog."""
    when = format_datetime(datetime.fromtimestamp(provenance.epoch(), UTC))
    return f"""\
sent ({version(record["version"])}) unstable; urgency=medium

  * Release {record["version"]}, built from {record["commit"]}.

 -- {maintainer()}  {when}
"""


def copyright_of(parts: list[dict[str, Any]]) -> str:
    """Return the copyright file: every part with its licence, and each text once."""
    rows = [f"  {part['name']} {part['version']}: {part['licence']}" for part in parts]
    texts: dict[str, list[str]] = {}
    for part in parts:
        for text in part["texts"]:
            texts.setdefault(_referred(text), []).append(f"{part['name']} {part['version']}")
    blocks = [
        f"{'-' * 78}\n{', '.join(dict.fromkeys(names))}:\n\n{text.strip()}\n" for text, names in texts.items()
    ]
    return "\n".join(
        [
            "SENT is proprietary: Copyright the makers of SENT. All rights reserved.",
            "",
            "It contains the parts below, each under its own licence. Libraries under the LGPL (see",
            "/usr/share/common-licenses/LGPL-2.1 and LGPL-3) are files of their own in",
            "/usr/lib/sent/_internal, and may be replaced by others of the same interface.",
            "",
            *rows,
            "",
            *blocks,
        ]
    )


def _referred(text: str) -> str:
    """Return a licence's text with those left out that Debian has."""
    for name, whole in COMMON.items():
        text = whole.sub(f"(see /usr/share/common-licenses/{name})", text)
    return text


def _of_the_runtime(library: str) -> str | None:
    return next((package for name, package in C_RUNTIME.items() if re.fullmatch(name, library)), None)


def _pair(said: str) -> tuple[int, int]:
    major, _, minor = said.partition(".")
    return int(major), int(minor)


def _lines(path: Path) -> Iterable[str]:
    return (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
