"""Whole clusters for tests of backups and upgrades: made once, copied for each test."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import scratch

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Give a new folder that the server's OS user can reach (pytest's own is closed to it)."""
    with tempfile.TemporaryDirectory(prefix="sent-db-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def clone(cluster: Cluster, name: str) -> Iterator[Server]:
    """Give a database of its own, cloned from the session's migrated template, and drop it."""
    from sent.platform.db.embedded.cluster import PORT
    from sent.platform.db.engine import Server
    from sent.platform.db.migrate import secure_database

    # Copying files begins and ends with a checkpoint, which costs nothing only in memory.
    strategy = "file_copy" if scratch.in_memory() else "wal_log"
    with cluster.connect("postgres") as connection:
        connection.execute(f"create database {name} template sent_template strategy {strategy}")
    with cluster.connect(name) as connection:
        secure_database(connection)
    try:
        yield Server(host=str(cluster.socket_dir), port=PORT, dbname=name)
    finally:
        with cluster.connect("postgres") as connection:
            connection.execute(f"drop database {name} with (force)")


def make_template(folder: Path, patch: pytest.MonkeyPatch, major: int) -> None:
    """Make a migrated, stopped cluster of PostgreSQL `major` with one organisation as a state folder."""
    patch.setenv("SENT_STATE_DIR", str(folder))
    from sent.platform.db import pitr
    from sent.platform.db.admin import admin_login
    from sent.platform.db.migrate import upgrade

    cluster = pitr.present()
    cluster.initialise(major)
    cluster.start()
    try:
        with cluster.connect("postgres") as connection:
            connection.execute("create database sent template template0")
        login = admin_login()
        upgrade(login.server, login.role, login.password)
        asyncio.run(_fill())
        with cluster.connect("sent") as connection:
            connection.execute("create table public.note (text text)")
    finally:
        cluster.stop("fast")


async def _fill() -> None:
    from tenants import make_org

    from sent.platform.auth.directory import create_client
    from sent.platform.config.secrets import role_password
    from sent.platform.db.admin import admin_login
    from sent.platform.db.engine import Database, fixed

    server = admin_login().server
    async with (
        Database(server, "sent_app", fixed(role_password("sent_app")), trusted=True) as app,
        Database(server, "sent_system", fixed(role_password("sent_system")), trusted=True) as system,
    ):
        found = await make_org(system, app, "alpha")
        for number in range(20):
            await create_client(found.ctx, f"Client {number}", f"c{number}")


def copy_template(template: Path, state: Path, patch: pytest.MonkeyPatch) -> Cluster:
    """Make `state` a copy of the template and this process's state folder; return its stopped cluster."""
    state.mkdir(mode=0o755, exist_ok=True)
    for name in ("db", "secrets"):
        # As `cp -a`: owners, modes and all; shared blocks where the file system can.
        subprocess.run(["cp", "-a", "--reflink=auto", str(template / name), str(state / name)], check=True)
    if (template / "server").exists():
        (state / "server").symlink_to(template / "server")
    patch.setenv("SENT_STATE_DIR", str(state))
    from sent.platform.db import pitr

    return pitr.present()


def note(cluster: Cluster, text: str) -> None:
    """Write a row."""
    with cluster.connect("sent") as connection:
        connection.execute("insert into public.note values (%s)", [text])


def notes(cluster: Cluster) -> list[str]:
    """Return the rows that `note` wrote."""
    with cluster.connect("sent") as connection:
        return [text for (text,) in connection.execute("select text from public.note order by text")]


def content(cluster: Cluster) -> dict[str, Any]:
    """Return the rows of every table and the head of the audit trail."""
    from sent.platform.db.audithead import audit_head
    from sent.platform.db.backup import TABLES, count_rows

    with cluster.connect("sent") as connection:
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        return {"rows": {n: count_rows(connection, n) for n in names}, "audit": audit_head(connection)}


def wipe(cluster: Cluster) -> None:
    """Lose the cluster."""
    cluster.stop("immediate")
    shutil.rmtree(cluster.folder)


def quiet(_share: float | None, _step: str) -> None:
    """Hear of no progress."""


def unique() -> str:
    """Return a text nobody else has."""
    return uuid4().hex
