"""The way back before a migration: the newest two are kept and written down.

A migration that comes with an update needs none when the *program* goes back: schemas only grow, and the
version before runs on the new one. It is for what nobody foresaw: a migration that wrote something wrong.
Where a base backup and the archived log already lead to this second, that second is noted once the log up to
it is in the archive: services wait for seconds instead of for a copy of gigabytes, and nothing is lost that a
dump would keep, for as long as the base backup is kept (`backup_keep_days`). Else, and on an external server,
a dump is made.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sent.platform.config.settings import load
from sent.platform.db import basebackup, care, schema
from sent.platform.db.admin import admin_connection
from sent.platform.db.archive import Archive, flush
from sent.platform.db.basebackup import BaseBackup, Progress
from sent.platform.db.embedded import endpoint
from sent.platform.errors import SentError
from sent.platform.telemetry.log import get_logger

KEPT = 2
NOTE = "waypoints.json"
FLUSH_S = 20.0
"""Seconds for the newest log to reach the archive; else a dump is made."""

_SEGMENTS_OF_LOG = 256
"""Segments of 16 MB for each number in the middle of a segment's name."""

_log = get_logger("db.waypoint")


@dataclass(frozen=True, slots=True)
class Waypoint:
    """What a database can be brought back to."""

    revision: str
    at: str
    """ISO 8601, UTC."""
    dump: str | None
    """Folder of a dump; None: the second itself, out of a base backup and the log."""
    until: str
    """When it may be gone."""

    @property
    def command(self) -> str:
        """Return how to restore it; the program goes back before (`sent update rollback`)."""
        if self.dump is not None:
            return f"sent db restore {self.dump} --replace {endpoint.DBNAME}"
        return f"sent db restore --at {self.at} --into swap"


def make(progress: Progress) -> Waypoint | None:
    """Make sure that the database can come back to now; None for an empty one.

    Raises Unavailable when there is no room for a dump, with figures and the cure.
    """
    with admin_connection() as connection:
        revision = schema.current(connection)
    if revision is None:
        return None
    found = _moment(revision, progress) or _dump(revision, progress)
    kept = [found, *waypoints()][:KEPT]
    for one in waypoints():
        if one not in kept and one.dump is not None:
            shutil.rmtree(one.dump, ignore_errors=True)
    fresh = care.root() / f"{NOTE}.new"
    fresh.write_text(json.dumps([asdict(one) for one in kept], indent=1))
    fresh.replace(care.root() / NOTE)
    return found


def waypoints() -> list[Waypoint]:
    """Return those that are written down and still there, newest first."""
    try:
        read = [Waypoint(**one) for one in json.loads((care.root() / NOTE).read_text())]
    except (OSError, ValueError, TypeError):
        return []
    return [one for one in read if one.dump is None or Path(one.dump).is_dir()]


def room_wanted() -> int:
    """Return the bytes that a dump of the database might take now; 0 when none would be made.

    Raises Unavailable when the database does not answer.
    """
    if _base() is not None:
        return 0
    with admin_connection() as connection:
        row = connection.execute("select pg_database_size(current_database()) / 3").fetchone()
    return int(row[0]) if row else 0


def unbroken(segments: Sequence[str], first: str) -> bool:
    """Say whether a timeline's segments follow each other without a gap from `first` on."""
    numbers = sorted({_number(name) for name in segments if name[8:] >= first[8:]})
    return bool(numbers) and numbers[0] == _number(first) and numbers[-1] - numbers[0] == len(numbers) - 1


def _moment(revision: str, progress: Progress) -> Waypoint | None:
    """Note this second, when a base backup and the whole log up to it are there."""
    base = _base()
    if base is None:
        return None
    archive = Archive(care.archive_root() / base.system_identifier)
    progress(None, "archiving the newest part of the log")
    try:
        with admin_connection() as connection:
            flush(connection, FLUSH_S)
            row = connection.execute("select clock_timestamp()").fetchone()
    except SentError as error:
        _log.warning("waypoint.no_log", reason=error.message)
        return None
    if row is None or not unbroken(archive.segments(), base.start_segment):
        return None
    at: datetime = row[0]
    return Waypoint(revision, at.isoformat(), None, _until(base.usable_from, load().backup_keep_days))


def _base() -> BaseBackup | None:
    """Return the newest base backup of the present cluster that was not found bad."""
    if endpoint.external():
        return None
    from sent.platform.db.pitr import present

    cluster = present()
    archive = cluster.archive
    if archive is None or not archive.armed():
        return None
    for one in care.backups():
        if one.kind == "base" and one.identifier == cluster.identifier and one.verified is not False:
            found = basebackup.read(one.folder)
            return found if found.major == cluster.major else None
    return None


def _dump(revision: str, progress: Progress) -> Waypoint:
    made = care.make("snapshots", progress)
    until = _until(made.made_at, load().snapshot_keep_days)
    return Waypoint(revision, made.made_at.isoformat(), str(made.folder), until)


def _until(begin: datetime, days: float) -> str:
    return (begin + timedelta(days=days)).isoformat()


def _number(segment: str) -> int:
    return int(segment[8:16], 16) * _SEGMENTS_OF_LOG + int(segment[16:24], 16)
