"""What a build consists of: the distributions whose files are in it, and libraries that are nobody's package.

Read from the list that `sent.spec` leaves, so that it is what was collected and not what was asked for.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SAID_NOWHERE = {"evtx": "MIT OR Apache-2.0"}


@dataclass(frozen=True)
class Native:
    """A library or program that came from no Python package's own sources."""

    name: str
    version: str
    licence: str
    files: tuple[str, ...]
    purl: str = ""


@dataclass(frozen=True)
class Parts:
    """Everything in a build."""

    distributions: tuple[metadata.Distribution, ...]
    natives: tuple[Native, ...]


KNOWN: tuple[tuple[str, str, str, str], ...] = (
    # File name, part, licence, what the version is found by (in the file's own text).
    (r"libQt6.*|libpyside6.*|libshiboken6.*", "Qt", "LGPL-3.0-only", ""),
    (r"libicu.*", "ICU", "Unicode-3.0", r"lib\w+\.so\.(\d+)"),
    (r"libpython3.*", "CPython", "PSF-2.0", ""),
    (r"postgres", "PostgreSQL server", "PostgreSQL", r"postgres \(PostgreSQL\) (\d+\.\d+)"),
    (r"libpq-.*", "PostgreSQL client library", "PostgreSQL", r"libpq-.*\.so\.5\.(\d+)"),
    (r"lib(ssl|crypto)-.*", "OpenSSL (psycopg-binary)", "Apache-2.0", r"OpenSSL (3\.\d+\.\d+)"),
    (r"lib(krb5|k5crypto|gssapi_krb5|krb5support)-.*", "MIT Kerberos", "MIT", r"krb5-(\d[\d.]+)-final"),
    (r"libcom_err-.*", "libcom_err", "MIT", r"\.so\.(\d[\d.]*)"),
    (r"libkeyutils-.*", "keyutils", "LGPL-2.1-or-later", r"\.so\.(\d[\d.]*)"),
    (r"lib(ldap|lber)-.*", "OpenLDAP", "OLDAP-2.8", r"\.so\.(\d[\d.]*)"),
    (r"libsasl2-.*", "Cyrus SASL", "BSD-4-Clause-UC", r"\.so\.(\d[\d.]*)"),
    (r"libcrypt-.*", "libxcrypt", "LGPL-2.1-or-later", r"\.so\.(\d[\d.]*)"),
)
_HOST = {
    "libssl3": "Apache-2.0",
    "libffi8": "MIT",
    "libbz2-1.0": "bzip2-1.0.6",
    "liblzma5": "0BSD",
    "libexpat1": "MIT",
    "zlib1g": "Zlib",
    "libuuid1": "BSD-3-Clause",
    "libsqlite3-0": "blessing",
}


def collected(listing: Path) -> Parts:
    """Return the parts of the build that `listing` describes; raises SystemExit for an unknown file."""
    said = json.loads(listing.read_text())
    sources = {(source, source) for _, source in said["modules"] if source and source != "-"}
    sources |= {(place, source) for place, source, kind in said["files"] if kind != "SYMLINK"}
    owner = _owners()
    names: set[str] = set()
    natives: dict[str, tuple[str, str, list[str], str]] = {}
    for place, source in sorted(sources):
        if "site-packages" in source:
            if source not in owner:
                raise SystemExit(f"build: {source} belongs to no distribution")
            names.add(owner[source])
        if (found := _native(place, source)) is not None:
            name, version, licence, purl = found
            entry = natives.setdefault(name, (version, licence, [], purl))
            entry[2].append(place)
            if version and not entry[0]:
                natives[name] = (version, licence, entry[2], purl)
    return Parts(
        tuple(metadata.distribution(name) for name in sorted(names, key=str.lower)),
        tuple(
            Native(name, version, licence, tuple(files), purl)
            for name, (version, licence, files, purl) in sorted(natives.items())
        ),
    )


def licences(parts: Parts) -> str:
    """Return the text of `licences.json`."""
    from sent.platform.licences import Component, describe, dumped

    rows = [describe(one) for one in parts.distributions]
    rows = [
        Component(r.name, r.version, SAID_NOWHERE.get(r.name, r.licence), r.address, r.texts) for r in rows
    ]
    rows += [Component(one.name, one.version, one.licence) for one in parts.natives]
    return dumped(sorted(rows, key=lambda part: part.name.lower()))


def _owners() -> dict[str, str]:
    return {
        str(one.locate_file(file)): one.metadata["Name"]
        for one in metadata.distributions()
        for file in one.files or ()
    }


def _native(place: str, source: str) -> tuple[str, str, str, str] | None:
    """Return (name, version, licence, purl) of a library that is no extension module."""
    path = Path(source)
    for pattern, name, licence, version in KNOWN:
        if re.fullmatch(pattern, path.name):
            return name, _version(name, path, version), licence, ""
    if path.parts[1:2] in (("lib",), ("usr",)) and ".so" in path.name:
        return _of_debian(path)
    return None


def _version(name: str, path: Path, pattern: str) -> str:
    if name == "Qt":
        return metadata.version("PySide6-Essentials")
    if name == "CPython":
        return sys.version.split()[0]
    if found := re.search(pattern, path.name):
        return found.group(1)
    if name == "PostgreSQL server":
        said = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=True).stdout
        return said.split()[-1]
    found_inside = re.search(pattern.encode(), path.read_bytes())
    return found_inside.group(1).decode() if found_inside else ""


def _of_debian(path: Path) -> tuple[str, str, str, str]:
    """Return the package of the build host a library is from; raises SystemExit for an unreviewed one."""
    for place in (path, Path("/usr") / path.relative_to("/"), path.resolve()):
        done = subprocess.run(["dpkg", "-S", str(place)], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            package = done.stdout.partition(":")[0]
            break
    else:
        raise SystemExit(f"build: {path} belongs to no package of this machine")
    if package not in _HOST:
        raise SystemExit(f"build: the licence of {package} ({path}) is not reviewed in build/parts.py")
    query = ["dpkg-query", "-W", "-f=${Version}", package]
    version = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return package, version, _HOST[package], f"pkg:deb/debian/{package}@{version}"
