"""From one major version of PostgreSQL to the next, with a working database at every moment.

The new cluster is made in a folder beside from the stopped present one, which is only read (copied, or
cloned where the file system can; never linked, because a linked cluster is lost as soon as the new one
starts). It is started, analysed and asked; then one exchange of folders puts it in place. Until that
exchange everything can be thrown away, and is, by whoever finds it (see `switch`). The former cluster stays
until the new one has started well some times.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from sent.platform.config import paths
from sent.platform.db import care, room, schema
from sent.platform.db.audithead import audit_head
from sent.platform.db.basebackup import Progress
from sent.platform.db.catalogue import close, open_all
from sent.platform.db.embedded import binaries, endpoint
from sent.platform.db.embedded.binaries import MAJOR
from sent.platform.db.embedded.cluster import SUPERUSER, Cluster
from sent.platform.db.pitr import present
from sent.platform.db.switch import exchange, maintenance, prepare
from sent.platform.errors import Invalid, Unavailable

STEPS = ("check", "backup", "stop", "make", "upgrade", "start", "analyze", "smoke", "exchange", "done")

_FICLONE = 0x40049409


def upgrade(progress: Progress, at: Callable[[str], None] = lambda step: None) -> dict[str, Any]:
    """Bring the embedded cluster to the newest version this release carries.

    `at` is called before each of `STEPS`. Raises Invalid when there is nothing to do, Unavailable when
    there is no room or a step fails; the present cluster is then as it was.
    """
    cluster = present()
    _step("check", 0.0, "looking at the present cluster", progress, at)
    old = cluster.major if cluster.initialised() else MAJOR
    if old >= MAJOR:
        raise Invalid("upgrade.newest", f"the database is at PostgreSQL {old}, the newest this release has")
    method = transfer(cluster.data)
    room.require(cluster.folder, 0 if method == "--clone" else room.size(cluster.data), "the upgrade")
    _step("backup", 0.05, "making a backup first", progress, at)
    _back_up(cluster, progress)
    _step("stop", 0.3, "stopping the server", progress, at)
    fresh = Cluster(paths.state_dir() / f"db.upgrade-{MAJOR}", cluster.socket_dir, cluster.password)
    former = paths.state_dir() / f"db.before-upgrade-{old}"
    with maintenance(cluster):
        _make(cluster, fresh, method, progress, at)
        _try_out(fresh, cluster, progress, at)
        _step("exchange", 0.95, "putting the new cluster in place", progress, at)
        shutil.rmtree(former, ignore_errors=True)
        exchange(cluster, fresh.folder, former, keep="good_starts")
        _step("done", 1.0, "done", progress, at)
    return {"from": old, "to": MAJOR, "method": method.strip("-"), "former": str(former)}


def transfer(data: Path) -> Literal["--clone", "--copy"]:
    """Say how files get from the old to the new cluster: cloned where the file system shares blocks."""
    probe, copy = data.with_name("clone.probe"), data.with_name("clone.probe.copy")
    try:
        probe.write_bytes(b"x" * 8192)
        with probe.open("rb") as source, copy.open("wb") as target:
            import fcntl

            fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
            return "--clone"
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Unavailable("database.no_room", f"the disk of {data} is full") from error
    finally:
        probe.unlink(missing_ok=True)
        copy.unlink(missing_ok=True)
    return "--copy"


def _step(name: str, share: float, words: str, progress: Progress, at: Callable[[str], None]) -> None:
    at(name)
    progress(share, words)


def _back_up(cluster: Cluster, progress: Progress) -> None:
    """Make a base backup; a server that did not run runs for it only."""
    running = cluster.answers()
    if not running:
        cluster.start()
    try:
        care.make("base", lambda _share, words: progress(None, words), cluster.archive)
    finally:
        if not running:
            cluster.stop()


def _make(
    cluster: Cluster, fresh: Cluster, method: str, progress: Progress, at: Callable[[str], None]
) -> None:
    _step("make", 0.4, "making the new cluster", progress, at)
    prepare(fresh.folder)
    control = cluster.program("pg_controldata", "-D", str(cluster.data))
    sums = any("checksum version" in line and not line.endswith(" 0") for line in control.splitlines())
    fresh.initialise(checksums=sums)
    _open_catalogue(cluster)
    for one in (cluster, fresh):
        one.configure()
    _step("upgrade", 0.5, f"carrying the data over ({method.strip('-')})", progress, at)
    fresh.program(
        "pg_upgrade",
        f"--old-bindir={binaries.bin_dir(cluster.major)}",
        f"--new-bindir={binaries.bin_dir(MAJOR)}",
        f"--old-datadir={cluster.data}",
        f"--new-datadir={fresh.data}",
        f"--socketdir={cluster.socket_dir}",
        f"--username={SUPERUSER}",
        method,
        major=MAJOR,
        environment={"PGPASSWORD": cluster.password.reveal()},
    )


def _open_catalogue(cluster: Cluster) -> None:
    """Undo, out of everybody's reach, what cannot be carried over; whoever starts it next closes it."""
    aside = _aside(cluster)
    try:
        aside.start()
        with aside.connect(endpoint.DBNAME) as connection:
            open_all(connection)
        aside.stop("fast")
    finally:
        aside.stop("immediate")


def _aside(cluster: Cluster) -> Cluster:
    """Return the cluster on a socket that nobody knows."""
    return replace(
        cluster,
        socket_dir=paths.runtime_dir() / f"s{os.getpid()}",
        archive_root=None,
        extra={"archive_mode": "on", "archive_command": ""},
    )


def _try_out(fresh: Cluster, cluster: Cluster, progress: Progress, at: Callable[[str], None]) -> None:
    """Start the new cluster where nobody looks for it, analyse it, and ask it for what matters."""
    _step("start", 0.75, "starting the new cluster", progress, at)
    aside = _aside(fresh)
    try:
        aside.start()
        _step("analyze", 0.8, "analysing", progress, at)
        aside.program(
            "vacuumdb",
            "--all",
            "--analyze-only",
            "--missing-stats-only",
            f"--host={aside.socket_dir}",
            f"--username={SUPERUSER}",
            "--no-password",
            environment={"PGPASSWORD": cluster.password.reveal()},
        )
        _step("smoke", 0.9, "asking it", progress, at)
        with aside.connect(endpoint.DBNAME) as connection:
            revision = schema.current(connection)
            if revision is None:
                raise Unavailable("upgrade.smoke", "the upgraded database has no schema")
            close(connection)
            audit_head(connection)
            connection.execute("select count(*) from core.organization")
            # What a new database of this version gets (revision 0001); the former version had to compose it.
            connection.execute(
                "create or replace function core.uuid7() returns uuid language sql volatile parallel safe"
                " as 'select uuidv7()'"
            )
        aside.stop("fast")
    finally:
        aside.stop("immediate")
        shutil.rmtree(aside.socket_dir, ignore_errors=True)
