"""`sent doctor`: what this machine has and lacks, each line with its cure."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import typer

from sent import __version__
from sent.platform.config import paths
from sent.platform.db.embedded import binaries, endpoint
from sent.platform.errors import SentError

app = typer.Typer(help="Check this machine; exit 1 when something is wrong.")

FREE_SPACE_FLOOR = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    detail: str
    cure: str = ""


@app.callback(invoke_without_command=True)
def doctor() -> None:
    """Print one JSON object for each check."""
    findings = list(examine())
    for finding in findings:
        print(json.dumps(asdict(finding)))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Yield every check of this machine."""
    yield Finding("program", True, f"sent {__version__}, Python {platform.python_version()}")
    state = paths.state_dir()
    free = shutil.disk_usage(state).free
    yield Finding(
        "disk",
        free > FREE_SPACE_FLOOR,
        f"{free >> 20} MiB free in {state}",
        "free some space or move the state folder",
    )
    secrets = paths.secret_dir()
    yield Finding("secrets", secrets.stat().st_mode & 0o077 == 0, f"{secrets}", f"chmod 700 {secrets}")
    yield _database_programs()
    yield _database()
    yield _screen()


def _database_programs() -> Finding:
    if endpoint.external():
        return Finding("database programs", True, "external server: none needed")
    try:
        return Finding("database programs", True, str(binaries.bin_dir()))
    except SentError as error:
        return Finding("database programs", False, error.message, "make setup")


def _database() -> Finding:
    from sent.platform.db import schema
    from sent.platform.db.admin import admin_connection

    try:
        with admin_connection() as connection:
            current = schema.current(connection)
    except SentError as error:
        return Finding("database", False, error.message, "open the console or start --service=db")
    head = schema.head()
    return Finding("database", current == head, f"schema {current}, program {head}", "sent db migrate")


def _screen() -> Finding:
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return Finding("screen", True, "none: the console needs one, workers and this tool do not")
    return Finding("screen", True, "a display is set")
