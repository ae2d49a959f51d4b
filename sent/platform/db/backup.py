"""Logical backups: `pg_dump` into a folder, with a manifest that restore verifies first.

`pg_verifybackup` of the wheel crashes, and a dump that was never restored proves nothing; the manifest
carries SHA-256 of every file, and the row count of every table and the head of the audit trail at the time
of the dump's own snapshot. The manifest finds damage, not malice: a dump is a program that the superuser
runs, so restore only your own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from sent.platform.clock import SYSTEM_CLOCK
from sent.platform.db import room, schema
from sent.platform.db.admin import Login, admin_connection, admin_login, server_major
from sent.platform.db.audithead import audit_head
from sent.platform.db.catalogue import close
from sent.platform.db.embedded import binaries
from sent.platform.errors import Conflict, Invalid, Unavailable

MANIFEST = "sent-backup.json"
VERIFIED = "verified.json"
ROLES = "roles.sql"
KEEP_SUFFIX = "_before_restore"

_TABLE = re.compile(r'([a-z_][a-z0-9_$]*|"[^"\x00]+")\.([a-z_][a-z0-9_$]*|"[^"\x00]+")')
"""What `format('%I.%I')` makes of the names of schema and table."""

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]*")

TABLES = """
select format('%I.%I', schemaname, tablename) from pg_tables
where schemaname not in ('pg_catalog', 'information_schema') order by 1
"""


def dump(target: Path) -> dict[str, Any]:
    """Write a backup to the new folder `target` and return its manifest.

    Raises Conflict when the folder exists, Unavailable when there is no room or the dump fails (nothing is
    left then).
    """
    if target.exists():
        raise Conflict("backup.exists", f"{target} exists; choose a folder that does not")
    staging = target.with_name(target.name + ".part")
    shutil.rmtree(staging, ignore_errors=True)
    login = admin_login()
    with admin_connection() as connection:
        row = connection.execute("select pg_database_size(current_database())").fetchone()
        # Compressed, a dump takes a fifth of the database or less.
        room.require(target, (row[0] if row else 0) // 3, "the backup")
        try:
            manifest = _dump(connection, login, staging)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
    sync_folder(staging)
    staging.rename(target)
    rows: dict[str, int] = manifest["rows"]
    return {"backup": str(target), "tables": len(rows), "rows": sum(rows.values())}


def _dump(connection: Any, login: Login, staging: Path) -> dict[str, Any]:
    major = server_major(connection)
    began = SYSTEM_CLOCK.now()
    connection.execute("begin isolation level repeatable read read only")
    row = connection.execute("select pg_export_snapshot()").fetchone()
    snapshot = str(row[0]) if row else ""
    run_program(
        login, major, "pg_dump", "-Fd", "-j2", f"--snapshot={snapshot}", f"--file={staging}",
        login.server.dbname,
    )  # fmt: skip
    tables = [name for (name,) in connection.execute(TABLES).fetchall()]
    counts = {name: count_rows(connection, name) for name in tables}
    revision = schema.current(connection)
    head = audit_head(connection)
    connection.execute("commit")
    roles = run_program(login, major, "pg_dumpall", "--roles-only", "--no-role-passwords")
    (staging / ROLES).write_text(roles)
    return {
        "format": 2,
        "kind": "logical",
        "began_at": began.isoformat(),
        "made_at": SYSTEM_CLOCK.now().isoformat(),
        "database": login.server.dbname,
        "major": major,
        "revision": revision,
        "audit": head,
        "rows": counts,
        "files": {path.name: digest_of(path) for path in _files(staging)},
    }


def verify(source: Path) -> dict[str, Any]:
    """Return the manifest of `source`; raises Invalid naming the first missing or changed file."""
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise Invalid("backup.no_manifest", f"{source} is no backup: {MANIFEST} is missing") from error
    if not _sound(manifest):
        raise Invalid("backup.manifest", f"{source / MANIFEST} is not one that SENT wrote")
    known = {MANIFEST, VERIFIED, *manifest["files"]}
    strange = [path.name for path in source.iterdir() if path.name not in known]
    if strange:
        raise Invalid("backup.strange", f"{source / strange[0]} is not of this backup")
    for name, digest in manifest["files"].items():
        path = source / name
        if path.is_symlink():
            raise Invalid("backup.strange", f"{path} is a link")
        if not path.is_file():
            raise Invalid("backup.incomplete", f"the backup lacks {path}")
        if digest_of(path) != digest:
            raise Invalid("backup.damaged", f"{path} was changed after the backup was made")
    return manifest


def restore(source: Path) -> dict[str, Any]:
    """Restore `source` into a fresh database, compare row counts, then swap it in.

    Roles are the cluster's and stay. The former database is kept as `<name>_before_restore`. Raises
    Invalid for a damaged backup, Unavailable when the restore fails; the present database is untouched then.
    """
    # That module loads alembic, which the owner process, who only looks at backups, must not.
    from sent.platform.db.migrate import secure_database

    manifest = verify(source)
    login = admin_login()
    name = login.server.dbname
    fresh = f"{name}_restoring"
    with admin_connection("postgres") as connection:
        connection.execute(f'drop database if exists "{fresh}" with (force)')
        connection.execute(f'create database "{fresh}" template template0')
    load(login, fresh, source, manifest)
    with admin_connection(fresh) as connection:
        secure_database(connection)
        close(connection)
        compare(connection, manifest)
    with admin_connection("postgres") as connection:
        connection.execute(f'drop database if exists "{name}{KEEP_SUFFIX}" with (force)')
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
        connection.execute(f'alter database "{name}" rename to "{name}{KEEP_SUFFIX}"')
        connection.execute(f'alter database "{fresh}" rename to "{name}"')
    rows: dict[str, int] = manifest["rows"]
    return {"restored": str(source), "tables": len(rows), "rows": sum(rows.values())}


def load(login: Login, dbname: str, source: Path, manifest: dict[str, Any]) -> None:
    """Fill the empty database `dbname` of the login's server from `source`."""
    server = replace(login.server, dbname=dbname)
    with psycopg.connect(**replace(login, server=server).parameters()) as connection:
        major = server_major(connection)
    arguments = ["-j2", "--exit-on-error", f"--dbname={dbname}"]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        if manifest.get("major") != major:
            # Grants on the catalogue's own functions name signatures of that version (see `catalogue`).
            listed = run_program(login, major, "pg_restore", "--list", str(source)).splitlines()
            chosen.write("\n".join(line for line in listed if " ACL pg_catalog FUNCTION " not in line))
            chosen.flush()
            arguments.append(f"--use-list={chosen.name}")
        run_program(login, major, "pg_restore", *arguments, str(source))


def compare(connection: psycopg.Connection[Any], manifest: dict[str, Any]) -> None:
    """Raise Unavailable unless every table's rows and the audit trail's head are those of the manifest."""
    counts = {table: count_rows(connection, table) for table in manifest["rows"]}
    if counts != manifest["rows"]:
        wrong = sorted(table for table in counts if counts[table] != manifest["rows"][table])
        raise Unavailable("backup.mismatch", f"restored row counts differ in {', '.join(wrong[:5])}")
    wanted = manifest.get("audit")
    if wanted is not None and audit_head(connection) != wanted:
        raise Unavailable("backup.audit", "the restored audit trail does not end where the backup's did")


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


def run_program(login: Login, major: int, name: str, *arguments: str) -> str:
    """Run a client program of PostgreSQL with a login and return its output."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PGHOST": login.server.host,
        "PGPORT": str(login.server.port),
        "PGUSER": login.role,
        "PGPASSWORD": login.password.reveal(),
        "PGSSLMODE": login.server.sslmode,
        "PGAPPNAME": "sent backup",
    }
    finished = subprocess.run(
        [binaries.bin_dir(major) / name, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if finished.returncode != 0:
        words = finished.stderr.strip().splitlines()[-3:]
        raise Unavailable("backup.failed", f"{name} failed: {' / '.join(words)}")
    return finished.stdout


def count_rows(connection: Any, table: str) -> int:
    """Return the rows of a table whose name `format('%I.%I')` made."""
    return int(connection.execute(f"select count(*) from {table}").fetchone()[0])


def sync_folder(folder: Path) -> None:
    """Bring the files of `folder` to the disk before their name says that they are whole."""
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.is_file() and path.name != MANIFEST)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
