"""Backups of this installation: where they lie, when they are due, which may go, whether they come back.

    <backups>/logical/<moment>     a dump: any table, any PostgreSQL from its version on
    <backups>/base/<moment>        the whole cluster: with the archived log, any second after it
    <backups>/snapshots/<moment>   a dump before a migration (see `waypoint`)
    <backups>/wal/<cluster>        the archived log of each cluster that ever ran here

The folders are the truth; what the console shows is read from them. A backup counts as good once it was
restored beside the database and compared.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sent.platform.clock import SYSTEM_CLOCK
from sent.platform.config import paths
from sent.platform.config.settings import Settings
from sent.platform.config.settings import load as load_settings
from sent.platform.db import backup as logical
from sent.platform.db import basebackup, room, schema
from sent.platform.db.admin import admin_login
from sent.platform.db.archive import Archive
from sent.platform.db.audithead import audit_head
from sent.platform.db.basebackup import Progress
from sent.platform.db.embedded import endpoint
from sent.platform.db.scratch import login_of, scratch
from sent.platform.errors import Invalid, NotFound, SentError, Unavailable
from sent.platform.telemetry.log import get_logger

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

Kind = Literal["logical", "base", "snapshots"]
KINDS: tuple[Kind, ...] = ("logical", "base", "snapshots")

MOMENT = "%Y-%m-%dT%H%M%S"

_log = get_logger("db.care")


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup in its place; `verified` is None until it was restored and compared."""

    kind: Kind
    name: str
    folder: Path
    made_at: datetime
    bytes: int
    revision: str | None
    identifier: str | None
    """Of a base backup: the cluster it is of."""
    verified: bool | None
    verified_at: datetime | None
    remark: str

    def line(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            "kind": self.kind,
            "name": self.name,
            "folder": str(self.folder),
            "made_at": self.made_at.isoformat(),
            "bytes": self.bytes,
            "revision": self.revision,
            "verified": self.verified,
            "verified_at": self.verified_at.isoformat() if self.verified_at else None,
            "remark": self.remark,
        }


def root() -> Path:
    """Return the folder of this installation's backups."""
    chosen = load_settings().backup_dir
    return Path(chosen) if chosen else paths.state_dir() / "backups"


def archive_root() -> Path:
    """Return the folder that has the archived log of each cluster."""
    return root() / "wal"


def place(kind: Kind) -> Path:
    """Return the folder of one kind of backup, made when it is missing."""
    folder = root() / kind
    if not folder.is_dir():
        root().mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def backups() -> list[Backup]:
    """Return all whole backups, newest first; damaged folders are left out."""
    found = []
    for kind in KINDS:
        folder = root() / kind
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            one = _read(kind, path)
            if one is not None:
                found.append(one)
    return sorted(found, key=lambda b: b.made_at, reverse=True)


def find(name: str) -> Backup:
    """Return the backup `kind/name`, or the newest called `name`; raises NotFound."""
    kind, _, rest = name.rpartition("/")
    for one in backups():
        if one.name == rest and kind in ("", one.kind):
            return one
    raise NotFound("backup.missing", f"there is no backup {name}; `sent db backups` lists them")


def make(kind: Kind, progress: Progress, archive: Archive | None = None) -> Backup:
    """Make a backup of `kind` in its place."""
    target = place(kind) / SYSTEM_CLOCK.now().strftime(MOMENT)
    settings = load_settings()
    if (free := room.free(target)) < settings.disk_warn_mb << 20:
        raise Unavailable(
            "database.no_room",
            f"only {room.megabytes(free)} are free in {root()}, less than disk_warn_mb wants;"
            " make room there, or set SENT_BACKUP_DIR to a folder on another disk",
        )
    progress(0.0, f"{kind} backup")
    if kind == "base":
        basebackup.make(target, archive, progress)
    else:
        logical.dump(target)
    found = _read(kind, target)
    if found is None:
        raise Unavailable("backup.failed", f"{target} is not whole")
    return found


def verify(one: Backup, progress: Progress) -> dict[str, Any]:
    """Restore a backup into a cluster beside, compare, and note the outcome in its folder.

    Raises what was wrong with it: Invalid (damaged), Unavailable (does not come back as it was).
    """
    try:
        rows = _verify_base(one, progress) if one.kind == "base" else _verify_dump(one, progress)
    except SentError as error:
        _note(one, ok=False, remark=error.message)
        raise
    _note(one, ok=True, remark="")
    return {"verified": f"{one.kind}/{one.name}", "rows": rows}


def prune(now: datetime | None = None) -> list[str]:
    """Remove what is older than it has to be kept, but never the newest good one of its kind."""
    now = now or SYSTEM_CLOCK.now()
    settings = load_settings()
    removed = []
    there = backups()
    for kind in KINDS:
        days = settings.snapshot_keep_days if kind == "snapshots" else settings.backup_keep_days
        mine = [one for one in there if one.kind == kind]
        for one in expendable(mine, now - timedelta(days=days)):
            shutil.rmtree(one.folder)
            removed.append(f"{kind}/{one.name}")
        for left in (root() / kind).glob("*.part"):
            if now.timestamp() - left.stat().st_mtime > 24 * 3600:
                shutil.rmtree(left, ignore_errors=True)
    prune_archives()
    return removed


def expendable(mine: Sequence[Backup], before: datetime) -> list[Backup]:
    """Return those made before `before` but for the newest good one, or the newest when none is good."""
    ordered = sorted(mine, key=lambda b: b.made_at, reverse=True)
    kept = next((b for b in ordered if b.verified), None) or next(
        (b for b in ordered if b.verified is None), None
    )
    return [b for b in ordered if b.made_at < before and b is not kept]


def prune_archives() -> None:
    """Remove segments that no base backup needs; the archive of a cluster without any goes whole."""
    needed: dict[str, str] = {}
    for one in backups():
        if one.kind == "base":
            found = basebackup.read(one.folder)
            first = needed.get(found.system_identifier, found.start_segment)
            needed[found.system_identifier] = min(first, found.start_segment, key=lambda name: name[8:])
    for folder in archive_root().iterdir() if archive_root().is_dir() else ():
        if not folder.is_dir():
            continue
        if folder.name in needed:
            Archive(folder).prune(needed[folder.name])
        elif not _is_present(folder.name):
            shutil.rmtree(folder)


def due(
    now: datetime, settings: Settings, there: Sequence[Backup], identifier: str
) -> list[tuple[str, dict[str, Any]]]:
    """Return the orders that are due for the cluster `identifier`: (kind, arguments)."""
    orders: list[tuple[str, dict[str, Any]]] = []
    for kind in ("logical", "base"):
        # A base backup of a former cluster (before an upgrade) leads nowhere from here.
        mine = [one for one in there if one.kind == kind and one.identifier in (None, identifier)]
        if not mine or now - mine[0].made_at >= timedelta(hours=settings.backup_every_h):
            orders.append(("backup", {"kind": kind}))
        elif mine[0].verified is None and _verify_due(now, settings, mine):
            orders.append(("verify", {"name": f"{kind}/{mine[0].name}"}))
    return orders


def _verify_due(now: datetime, settings: Settings, mine: Sequence[Backup]) -> bool:
    moments = [one.verified_at for one in mine if one.verified_at is not None]
    return not moments or now - max(moments) >= timedelta(hours=settings.verify_every_h)


def _verify_dump(one: Backup, progress: Progress) -> int:
    progress(0.05, "checking the files")
    manifest = logical.verify(one.folder)
    room.require(paths.state_dir(), one.bytes * 6, "restoring the backup beside the database")
    with scratch("verify") as cluster:
        progress(0.15, "making a cluster beside")
        cluster.initialise(int(manifest.get("major", cluster.major)))
        cluster.start()
        login = login_of(cluster)
        if (roles := one.folder / logical.ROLES).exists():
            _make_roles(cluster, roles.read_text("utf-8"))
        with cluster.connect("postgres") as connection:
            connection.execute("create database restored template template0")
        progress(0.3, "restoring")
        logical.load(login, "restored", one.folder, manifest)
        progress(0.8, "comparing rows and the audit trail")
        with cluster.connect("restored") as connection:
            logical.compare(connection, manifest)
    return sum(manifest["rows"].values())


def _make_roles(cluster: Cluster, script: str) -> None:
    """Run the statements of `pg_dumpall --roles-only` one by one, as psql would.

    psql itself does not travel: it links GNU readline. A role that is there already, such as the superuser,
    is no failure; one that is missing shows when the dump is loaded.
    """
    import psycopg

    statement = ""
    with cluster.connect("postgres") as connection:
        for line in script.splitlines():
            # Lines that begin so are psql's own (`\\restrict`) or comments.
            if not statement and line.startswith(("\\", "--")):
                continue
            statement += f"{line}\n"
            if line.endswith(";"):
                with contextlib.suppress(psycopg.Error):
                    connection.execute(statement)
                statement = ""


def _verify_base(one: Backup, progress: Progress) -> int:
    found = basebackup.read(one.folder)
    with scratch("verify") as cluster:
        basebackup.unpack(found, cluster, progress)
        progress(0.4, "starting it")
        cluster.start()
        progress(0.6, "reading every row and comparing the audit trail")
        with cluster.connect(endpoint.DBNAME) as connection:
            if schema.current(connection) != found.revision:
                raise Unavailable("backup.mismatch", "the restored schema is at another revision")
            if found.audit is not None and audit_head(connection, found.audit["before"]) != found.audit:
                raise Unavailable("backup.audit", "the restored audit trail is not what it was")
            names = [name for (name,) in connection.execute(logical.TABLES).fetchall()]
            return sum(logical.count_rows(connection, name) for name in names)


def _note(one: Backup, *, ok: bool, remark: str) -> None:
    content = {"ok": ok, "at": SYSTEM_CLOCK.now().isoformat(), "remark": remark[:500]}
    fresh = one.folder / f"{logical.VERIFIED}.new"
    fresh.write_text(json.dumps(content))
    fresh.replace(one.folder / logical.VERIFIED)


def _read(kind: Kind, folder: Path) -> Backup | None:
    try:
        manifest = json.loads((folder / logical.MANIFEST).read_text())
        made_at = datetime.fromisoformat(manifest["made_at"])
    except (OSError, ValueError, KeyError):
        return None
    try:
        noted = json.loads((folder / logical.VERIFIED).read_text())
        verified, at = bool(noted["ok"]), datetime.fromisoformat(noted["at"])
        remark = str(noted["remark"])
    except (OSError, ValueError, KeyError):
        verified, at, remark = None, None, ""
    return Backup(
        kind=kind,
        name=folder.name,
        folder=folder,
        made_at=made_at.astimezone(UTC),
        bytes=room.size(folder),
        revision=manifest.get("revision"),
        identifier=manifest.get("system_identifier"),
        verified=verified,
        verified_at=at,
        remark=remark,
    )


def _is_present(identifier: str) -> bool:
    from sent.platform.db.embedded.cluster import Cluster

    present = Cluster(endpoint.cluster_dir(), endpoint.socket_dir(), admin_login().password)
    try:
        return present.identifier == identifier
    except Invalid:
        return False
