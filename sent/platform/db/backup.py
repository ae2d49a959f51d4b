"""Logical backups: `pg_dump` into a folder, with a manifest that restore verifies first.

`pg_verifybackup` of the wheel crashes, and a dump that was never restored proves nothing; the manifest
carries SHA-256 of every file and the row count of every table at the time of the dump's own snapshot. The
manifest finds damage, not malice: a dump is a program that the superuser runs, so restore only your own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sent.platform.clock import SYSTEM_CLOCK
from sent.platform.db.admin import admin_connection, admin_login
from sent.platform.db.embedded import binaries
from sent.platform.db.migrate import secure_database
from sent.platform.errors import Conflict, Invalid, Unavailable

MANIFEST = "sent-backup.json"
KEEP_SUFFIX = "_before_restore"

_TABLE = re.compile(r'([a-z_][a-z0-9_$]*|"[^"\x00]+")\.([a-z_][a-z0-9_$]*|"[^"\x00]+")')
"""What `format('%I.%I')` makes of the names of schema and table."""

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]*")

_COUNTS = """
select format('%I.%I', schemaname, tablename) from pg_tables
where schemaname not in ('pg_catalog', 'information_schema') order by 1
"""


def dump(target: Path) -> dict[str, Any]:
    """Write a backup to the new folder `target` and return its manifest.

    Raises Conflict when the folder exists, Unavailable when the dump fails (nothing is left then).
    """
    if target.exists():
        raise Conflict("backup.exists", f"{target} exists; choose a folder that does not")
    staging = target.with_name(target.name + ".part")
    login = admin_login()
    with admin_connection() as connection:
        connection.execute("begin isolation level repeatable read read only")
        row = connection.execute("select pg_export_snapshot()").fetchone()
        snapshot = str(row[0]) if row else ""
        _program("pg_dump", "-Fd", "-j2", f"--snapshot={snapshot}", f"--file={staging}", login.server.dbname)
        tables = [name for (name,) in connection.execute(_COUNTS).fetchall()]
        counts = {name: _count(connection, name) for name in tables}
        connection.execute("commit")
    manifest = {
        "format": 1,
        "made_at": SYSTEM_CLOCK.now().isoformat(),
        "database": login.server.dbname,
        "rows": counts,
        "files": {path.name: _digest(path) for path in _files(staging)},
    }
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
    staging.rename(target)
    return {"backup": str(target), "tables": len(counts), "rows": sum(counts.values())}


def verify(source: Path) -> dict[str, Any]:
    """Return the manifest of `source`; raises Invalid naming the first missing or changed file."""
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise Invalid("backup.no_manifest", f"{source} is no backup: {MANIFEST} is missing") from error
    if not _sound(manifest):
        raise Invalid("backup.manifest", f"{source / MANIFEST} is not one that SENT wrote")
    strange = [path.name for path in source.iterdir() if path.name not in {MANIFEST, *manifest["files"]}]
    if strange:
        raise Invalid("backup.strange", f"{source / strange[0]} is not of this backup")
    for name, digest in manifest["files"].items():
        path = source / name
        if path.is_symlink():
            raise Invalid("backup.strange", f"{path} is a link")
        if not path.is_file():
            raise Invalid("backup.incomplete", f"the backup lacks {path}")
        if _digest(path) != digest:
            raise Invalid("backup.damaged", f"{path} was changed after the backup was made")
    return manifest


def restore(source: Path) -> dict[str, Any]:
    """Restore `source` into a fresh database, compare row counts, then swap it in.

    Roles are the cluster's and stay. The former database is kept as `<name>_before_restore`. Raises
    Invalid for a damaged backup, Unavailable when the restore fails; the present database is untouched then.
    """
    manifest = verify(source)
    name = admin_login().server.dbname
    fresh = f"{name}_restoring"
    with admin_connection("postgres") as connection:
        connection.execute(f'drop database if exists "{fresh}" with (force)')
        connection.execute(f'create database "{fresh}" template template0')
    _program("pg_restore", "-j2", "--exit-on-error", f"--dbname={fresh}", str(source))
    with admin_connection(fresh) as connection:
        secure_database(connection)
        counts = {table: _count(connection, table) for table in manifest["rows"]}
    if counts != manifest["rows"]:
        wrong = sorted(table for table in counts if counts[table] != manifest["rows"][table])
        raise Unavailable("backup.mismatch", f"restored row counts differ in {', '.join(wrong[:5])}")
    with admin_connection("postgres") as connection:
        connection.execute(f'drop database if exists "{name}{KEEP_SUFFIX}" with (force)')
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
        connection.execute(f'alter database "{name}" rename to "{name}{KEEP_SUFFIX}"')
        connection.execute(f'alter database "{fresh}" rename to "{name}"')
    return {"restored": str(source), "tables": len(counts), "rows": sum(counts.values())}


def _sound(manifest: object) -> bool:
    """Say whether a manifest has the parts, and only plain names: they lead to files and into SQL."""
    if not isinstance(manifest, dict):
        return False
    rows, files = manifest.get("rows"), manifest.get("files")
    return (
        isinstance(rows, dict)
        and isinstance(files, dict)
        and all(_TABLE.fullmatch(name) and isinstance(count, int) for name, count in rows.items())
        and all(_FILE.fullmatch(name) and isinstance(digest, str) for name, digest in files.items())
    )


def _program(name: str, *arguments: str) -> None:
    login = admin_login()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PGHOST": login.server.host,
        "PGPORT": str(login.server.port),
        "PGUSER": login.role,
        "PGPASSWORD": login.password.reveal(),
        "PGSSLMODE": login.server.sslmode,
    }
    finished = subprocess.run(
        [binaries.bin_dir() / name, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if finished.returncode != 0:
        words = finished.stderr.strip().splitlines()[-3:]
        raise Unavailable("backup.failed", f"{name} failed: {' / '.join(words)}")


def _count(connection: Any, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchone()[0])


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.is_file() and path.name != MANIFEST)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
