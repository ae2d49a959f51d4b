"""Base backups: a copy of the whole cluster, from which the archived log leads to any later second.

Written by `pg_basebackup` as compressed tar files, so that they need no owner or mode of their own. The
manifest carries digests, where in the log the copy begins, and from when on it is whole. What the trail of
changes certainly held when it began is in it too, for whoever verifies.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sent.platform.clock import SYSTEM_CLOCK
from sent.platform.db import room, schema
from sent.platform.db.admin import Login, admin_connection, admin_login, server_major
from sent.platform.db.archive import Archive
from sent.platform.db.audithead import audit_head, oldest_running
from sent.platform.db.backup import MANIFEST, digest_of, sync_folder
from sent.platform.db.embedded import binaries
from sent.platform.db.embedded.cluster import Cluster
from sent.platform.errors import Conflict, Invalid, Unavailable

Progress = Callable[[float | None, str], None]
"""How far (0 to 1, None: nobody knows) and with what."""

_START = re.compile(rb"START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)")
_SHARE = re.compile(rb"\((\d+)%\)")
FILES = ("base.tar.gz", "pg_wal.tar.gz", "backup_manifest")


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """One base backup and what its manifest says."""

    folder: Path
    start_segment: str
    began_at: datetime
    usable_from: datetime
    """The first moment it can be restored to."""
    major: int
    revision: str | None
    system_identifier: str
    audit: dict[str, Any] | None
    files: dict[str, str]


def make(target: Path, archive: Archive | None, progress: Progress) -> BaseBackup:
    """Write a base backup of the running embedded cluster to the new folder `target`.

    Raises Conflict when it exists, Unavailable when there is no room or the copy fails (nothing is left).
    """
    if target.exists():
        raise Conflict("backup.exists", f"{target} exists; choose a folder that does not")
    staging = target.with_name(target.name + ".part")
    shutil.rmtree(staging, ignore_errors=True)
    login = admin_login()
    if archive is not None:
        archive.arm()
    with admin_connection() as connection:
        row = connection.execute("select sum(pg_database_size(oid))::bigint from pg_database").fetchone()
        room.require(target, (row[0] if row else 0) // 2, "the backup")
        before = oldest_running(connection)
        head = audit_head(connection, before)
        began = SYSTEM_CLOCK.now()
        major = server_major(connection)
        try:
            _copy(login, major, staging, progress)
            start = _start_segment(staging)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        row = connection.execute(
            "select clock_timestamp(), (select system_identifier::text from pg_control_system())"
        ).fetchone()
        revision = schema.current(connection)
    if row is None:
        raise RuntimeError("a select without a table returns one row")
    manifest = {
        "format": 2,
        "kind": "base",
        "began_at": began.isoformat(),
        "made_at": row[0].isoformat(),
        "database": login.server.dbname,
        "major": major,
        "revision": revision,
        "system_identifier": row[1],
        "start_segment": start,
        "audit": head,
        "files": {name: digest_of(staging / name) for name in FILES},
    }
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
    sync_folder(staging)
    staging.rename(target)
    return read(target)


def read(folder: Path) -> BaseBackup:
    """Return the base backup in `folder`; raises Invalid when it is none."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        if found["kind"] != "base" or set(found["files"]) != set(FILES):
            raise ValueError("another kind")
        return BaseBackup(
            folder=folder,
            start_segment=str(found["start_segment"]),
            began_at=datetime.fromisoformat(found["began_at"]),
            usable_from=datetime.fromisoformat(found["made_at"]),
            major=int(found["major"]),
            revision=found["revision"],
            system_identifier=str(found["system_identifier"]),
            audit=found["audit"],
            files=dict(found["files"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid("backup.no_manifest", f"{folder} is no base backup of SENT") from error


def unpack(backup: BaseBackup, cluster: Cluster, progress: Progress) -> None:
    """Lay the backup out as the data folder of `cluster`; raises Invalid naming a file that changed."""
    for name, digest in backup.files.items():
        path = backup.folder / name
        if not path.is_file() or path.is_symlink():
            raise Invalid("backup.incomplete", f"the backup lacks {path}")
        if digest_of(path) != digest:
            raise Invalid("backup.damaged", f"{path} was changed after the backup was made")
    packed = sum((backup.folder / name).stat().st_size for name in FILES)
    room.require(cluster.folder, packed * 4, "unpacking the backup")
    cluster.own_folder(cluster.folder)
    cluster.own_folder(cluster.data)
    progress(None, f"unpacking {backup.folder.name}")
    _extract(backup.folder / "base.tar.gz", cluster.data)
    _extract(backup.folder / "pg_wal.tar.gz", cluster.data / "pg_wal")
    cluster.give_away_all()


def _extract(packed: Path, target: Path) -> None:
    with tarfile.open(packed, "r:gz") as file:
        # Tablespaces would be links to elsewhere; SENT makes none, and the filter refuses any.
        file.extractall(target, filter="data")


def _copy(login: Login, major: int, staging: Path, progress: Progress) -> None:
    process = subprocess.Popen(
        [
            binaries.bin_dir(major) / "pg_basebackup",
            "--format=tar",
            "--compress=client-gzip:1",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--progress",
            "--no-password",
            f"--pgdata={staging}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={
            "PATH": os.environ.get("PATH", ""),
            "PGHOST": login.server.host,
            "PGPORT": str(login.server.port),
            "PGUSER": login.role,
            "PGPASSWORD": login.password.reveal(),
            "PGAPPNAME": "sent backup",
            "LC_ALL": "C",
        },
    )
    if process.stderr is None:
        raise RuntimeError("stderr is a pipe")
    words = _follow(process.stderr, progress)
    if process.wait() != 0:
        raise Unavailable("backup.failed", f"pg_basebackup failed: {' / '.join(words)}")


def _follow(stream: IO[bytes], progress: Progress) -> list[str]:
    """Report the shares that `pg_basebackup` writes over each other; return its last lines."""
    last: list[str] = []
    held = b""
    while part := os.read(stream.fileno(), 4096):
        *lines, held = re.split(rb"[\r\n]+", held + part)
        for line in filter(None, lines):
            if (share := _SHARE.search(line)) is not None:
                progress(min(int(share.group(1)), 100) / 100, "copying the cluster")
            else:
                last = [*last, line.decode(errors="replace")][-3:]
    stream.close()
    return last


def _start_segment(staging: Path) -> str:
    """Return the name of the first log segment that the backup needs, from its own label."""
    with tarfile.open(staging / "base.tar.gz", "r:gz") as file:
        for member in file:
            if member.name.removeprefix("./") == "backup_label":
                label = file.extractfile(member)
                match = _START.search(label.read()) if label is not None else None
                if match is not None:
                    return match.group(1).decode()
    raise Unavailable("backup.label", "the copy has no backup label")
