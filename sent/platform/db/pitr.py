"""The database as it was at a chosen second: a base backup, and the log up to there.

It is made beside the present one, started and looked at, and only then either kept in a folder or put in
the present one's place by renaming; what was there stays beside. The present server goes on meanwhile.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sent.platform.clock import SYSTEM_CLOCK
from sent.platform.config import paths
from sent.platform.config.secrets import role_password
from sent.platform.db import basebackup, care, schema
from sent.platform.db.archive import Archive, flush
from sent.platform.db.backup import TABLES, count_rows
from sent.platform.db.basebackup import BaseBackup, Progress
from sent.platform.db.embedded import endpoint
from sent.platform.db.embedded.cluster import SUPERUSER, Cluster
from sent.platform.db.scratch import scratch
from sent.platform.db.switch import exchange, maintenance
from sent.platform.errors import Conflict, Invalid, Unavailable

_REACHED = re.compile(r"last completed transaction was at log time (\S+ \S+)")
_ENDED = "recovery ended before configured recovery target was reached"
RECOVERY_WAIT_S = 5.0
"""How long a recovering server may be seen neither alive nor answering before it counts as failed."""


def present() -> Cluster:
    """Return the installation's own cluster."""
    return Cluster(
        endpoint.cluster_dir(),
        endpoint.socket_dir(),
        role_password(SUPERUSER),
        archive_root=care.archive_root(),
    )


def parse_moment(text: str) -> datetime:
    """Return the moment a person typed; raises Invalid unless it has a date, a time and a zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid(
            "restore.moment", f"{text!r} is no moment; write it with its zone, such as 2026-11-21T08:15:00Z"
        )
    return moment


def covered() -> list[tuple[datetime, datetime]]:
    """Return the ranges that base backups and archives cover, newest cluster first."""
    found = []
    bases = _bases()
    for identifier in dict.fromkeys(base.system_identifier for base in bases):
        first = min(base.usable_from for base in bases if base.system_identifier == identifier)
        found.append((first, _end(identifier, first)))
    return found


def restore(moment: datetime, into: Path | None, progress: Progress) -> dict[str, Any]:
    """Restore to `moment`; into the folder `into`, or (None) in place of the present cluster.

    Raises Invalid naming the covered range when the moment is outside of it, or the folder exists.
    """
    if into is not None and into.exists():
        raise Conflict("restore.exists", f"{into} exists; choose a folder that does not")
    base = _choose(moment)
    cluster = present()
    unarchived = _bring_up_to_date(cluster, base, progress)
    archive = Archive(care.archive_root() / base.system_identifier)
    settings = {
        "restore_command": archive.restore_command(unarchived),
        "recovery_target_time": moment.isoformat(sep=" "),
        "recovery_target_action": "promote",
        # Promoting begins a timeline; its history and segments wait for the archive of the real place.
        "archive_mode": "on",
        "archive_command": "",
    }
    with scratch("restore", **settings) as fresh:
        basebackup.unpack(base, fresh, progress)
        progress(0.4, "replaying the log")
        _recover(fresh, moment, archive, unarchived)
        progress(0.8, "looking at what came back")
        outcome = _look_at(fresh, base)
        fresh.stop("fast")
        fresh.program("initdb", "--sync-only", "-D", str(fresh.data))
        outcome |= _keep(cluster, fresh, into, progress)
    return outcome | {"moment": moment.isoformat(), "base": base.folder.name}


def _keep(cluster: Cluster, fresh: Cluster, into: Path | None, progress: Progress) -> dict[str, Any]:
    fresh.log.unlink(missing_ok=True)
    if into is not None:
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(fresh.folder, into)
        return {"into": str(into)}
    stamp = SYSTEM_CLOCK.now().strftime(care.MOMENT)
    ready = paths.state_dir() / f"db.restored-{stamp}"
    former = paths.state_dir() / f"db.before-restore-{stamp}"
    progress(0.9, "putting it in place")
    with maintenance(cluster):
        fresh.folder.rename(ready)
        exchange(cluster, ready, former, keep="ever")
    return {"into": str(cluster.folder), "former": str(former) if former.exists() else None}


def _bases() -> list[BaseBackup]:
    return [basebackup.read(one.folder) for one in care.backups() if one.kind == "base"]


def _choose(moment: datetime) -> BaseBackup:
    """Return the newest base backup that is whole at `moment`."""
    if moment > SYSTEM_CLOCK.now():
        raise Invalid("restore.future", f"{moment.isoformat()} is still to come")
    usable = [base for base in _bases() if base.usable_from <= moment]
    if not usable:
        raise _outside(moment)
    return max(usable, key=lambda base: base.usable_from)


def _outside(moment: datetime, end: str | None = None) -> Invalid:
    ranges = "; ".join(f"{first.isoformat()} to {last.isoformat()}" for first, last in covered())
    reached = f" (the log that is there ends at {end})" if end else ""
    there = ranges or "there is no base backup"
    return Invalid(
        "restore.outside", f"{moment.isoformat()} is outside what can be restored: {there}{reached}"
    )


def _end(identifier: str, first: datetime) -> datetime:
    cluster = present()
    if cluster.initialised() and cluster.identifier == identifier:
        return SYSTEM_CLOCK.now()
    folder = care.archive_root() / identifier
    times = [path.stat().st_mtime for path in folder.glob("*.gz")] if folder.is_dir() else []
    return max([first, *(datetime.fromtimestamp(t, first.tzinfo) for t in times)])


def _bring_up_to_date(cluster: Cluster, base: BaseBackup, progress: Progress) -> Path | None:
    """Archive what the present server has; for a stopped one return where its last segments lie."""
    if not cluster.initialised() or cluster.identifier != base.system_identifier:
        return None
    if cluster.answers():
        progress(None, "archiving the newest part of the log")
        with cluster.connect("postgres") as connection:
            flush(connection)
        return None
    return cluster.data / "pg_wal"


def _recover(fresh: Cluster, moment: datetime, archive: Archive, unarchived: Path | None) -> None:
    try:
        _replay(fresh)
    except Unavailable:
        text = _said(fresh)
        reached = _REACHED.findall(text)
        if _ENDED not in text:
            raise
        if unarchived is None:
            raise _outside(moment, reached[-1] if reached else None) from None
        # The stopped server's own log was read to its end: nothing happened between that and the moment.
        to_the_end = {k: v for k, v in fresh.extra.items() if k != "recovery_target_time"}
        _replay(replace(fresh, extra=to_the_end))


def _replay(fresh: Cluster) -> None:
    """Run the recovery to its target; raises Unavailable with the server's words when it fails."""
    (fresh.data / "recovery.signal").touch(0o600)
    fresh.give_away_all()
    fresh.configure()
    fresh.log.unlink(missing_ok=True)
    fresh.launch()
    seen = time.monotonic()
    while True:
        if fresh.answers():
            with fresh.connect("postgres") as connection:
                row = connection.execute("select pg_is_in_recovery()").fetchone()
            if row == (False,):
                return
            seen = time.monotonic()
        elif fresh.running_pid() is not None:
            seen = time.monotonic()
        elif time.monotonic() - seen > RECOVERY_WAIT_S or "FATAL:" in _said(fresh):
            raise Unavailable("restore.failed", f"the log could not be replayed: {fresh.last_words()}")
        time.sleep(0.1)


def _said(fresh: Cluster) -> str:
    return fresh.log.read_text(errors="replace") if fresh.log.exists() else ""


def _look_at(fresh: Cluster, base: BaseBackup) -> dict[str, Any]:
    """Count every row of what came back; raises Unavailable when it is not SENT's database."""
    with fresh.connect(endpoint.DBNAME) as connection:
        revision = schema.current(connection)
        if revision is None and base.revision is not None:
            raise Unavailable("restore.schema", "what came back has no schema of SENT")
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        rows = sum(count_rows(connection, name) for name in names)
    return {"revision": revision, "tables": len(names), "rows": rows}
