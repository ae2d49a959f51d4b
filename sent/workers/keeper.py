"""The keeper of the embedded database: orders and schedule of backups, free space, what the page shows.

It belongs to the owner process and works in children, so the owner stays small; one order at a time. No
backup begins before the database was up for `backup_after_s`, so a start stays a start.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.platform.clock import SYSTEM_CLOCK
from sent.platform.config.settings import Settings
from sent.platform.db import room
from sent.platform.db.embedded import endpoint
from sent.platform.db.embedded.cluster import Cluster
from sent.platform.db.engine import Database, disk_full
from sent.platform.db.uow import transaction
from sent.platform.errors import Conflict, SentError
from sent.platform.telemetry.log import get_logger

POLL_S = 2.0
REPORT_S = 30.0
SCHEDULE_S = 60.0
REPORT_PROGRESS_S = 1.0
STOP_GRACE_S = 15.0
LINE_LIMIT = 1 << 20
BUSY_SHARE = 0.9
ARCHIVE_LATE_S = 900.0

_log = get_logger("db.keeper")


class Keeper:
    """See the module; `run` until cancelled."""

    def __init__(self, db: Database, cluster: Cluster, settings: Settings, instance: UUID) -> None:
        self._db = db
        self._cluster = cluster
        self._settings = settings
        self._instance = instance
        self._began = time.monotonic()
        self._reasons: list[str] = []
        self._metrics: dict[str, float] = {}
        self.working = False
        """Whether an order is being worked on: the owner then does not stop for lack of users."""

    async def run(self) -> None:
        """Take orders, order what is due, report."""
        reported = scheduled = -1e9
        first = True
        while True:
            try:
                if first:
                    await self._call("select core.fail_orphans(%s)", [self._instance])
                    first = False
                now = time.monotonic()
                if now - reported >= REPORT_S:
                    reported = now
                    await self._report()
                if now - scheduled >= SCHEDULE_S and now - self._began >= self._settings.backup_after_s:
                    scheduled = now
                    await self._order_what_is_due()
                if order := await self._call("select * from core.claim_operation(%s)", [self._instance]):
                    self.working = True
                    await self._work(*order)
                    reported = -1e9
            except (SentError, OSError) as error:
                _log.warning("keeper.failed", reason=str(error))
            self.working = False
            await asyncio.sleep(POLL_S)

    def reasons(self) -> list[str]:
        """Return what an administrator has to look at."""
        return self._reasons

    def metrics(self) -> dict[str, float]:
        """Return ages and counters; sizes are for the operator only and stand on the page."""
        return self._metrics

    async def _work(self, id: UUID, kind: str, arguments: dict[str, Any]) -> None:
        _log.info("operation.started", operation=str(id), kind=kind)
        process = await asyncio.create_subprocess_exec(
            *endpoint.program(),
            "db",
            "work",
            kind,
            json.dumps(arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=LINE_LIMIT,
        )
        end: dict[str, Any] = {}
        state, error = "failed", "it was stopped because the database's owner stopped"
        try:
            stopped = await self._follow(id, process, end)
            await process.wait()
            if stopped:
                state, error = "cancelled", ""
            elif "result" in end:
                state, error = "done", ""
            else:
                error = str(end.get("error") or f"it ended with code {process.returncode}; see the log")
        finally:
            await asyncio.shield(_end(process))
            _log.info("operation.ended", operation=str(id), kind=kind, state=state, reason=error)
            with contextlib.suppress(SentError, asyncio.CancelledError):
                values = [id, state, Jsonb(end.get("result")), error or None]
                await asyncio.shield(self._call("select core.finish_operation(%s, %s, %s, %s)", values))

    async def _follow(self, id: UUID, process: asyncio.subprocess.Process, end: dict[str, Any]) -> bool:
        """Read what the child says and pass it on once a second; True when it was told to stop."""
        if process.stdout is None:
            raise RuntimeError("stdout is a pipe")
        said: dict[str, Any] = {"fraction": None, "step": ""}
        reported = 0.0
        while True:
            line: bytes | None
            try:
                line = await asyncio.wait_for(process.stdout.readline(), REPORT_PROGRESS_S)
            except TimeoutError:
                line = None
            if line == b"":
                return False
            if line is not None:
                with contextlib.suppress(ValueError):
                    found = json.loads(line)
                    (said if "step" in found else end).update(found)
            if time.monotonic() - reported >= REPORT_PROGRESS_S:
                reported = time.monotonic()
                values = [id, said["fraction"], str(said["step"])]
                row = await self._call("select core.report_operation(%s, %s, %s)", values)
                if row == (True,):
                    await _end(process)
                    return True

    async def _order_what_is_due(self) -> None:
        from sent.platform.db import care

        there = await asyncio.to_thread(care.backups)
        identifier = self._cluster.identifier
        for kind, arguments in care.due(SYSTEM_CLOCK.now(), self._settings, there, identifier):
            # It may be ordered already.
            with contextlib.suppress(Conflict):
                await self._call("select core.order_operation(%s, %s)", [kind, Jsonb(arguments)])

    async def _report(self) -> None:
        found = await asyncio.to_thread(self._look)
        row = await self._call(
            "select (s.v ->> 'connections')::int, (s.v ->> 'max_connections')::int,"
            " array(select format('%%s: %%s of %%s', c.who, c.used, c.allowed)"
            "       from core.database_connections() c where c.used >= c.allowed * %s), a.failed_count,"
            " coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false),"
            " coalesce(a.last_failed_wal, '')"
            " from pg_catalog.pg_stat_archiver a, (select core.database_server()) s(v)",
            [BUSY_SHARE],
        )
        used, most, busy, failures, failing, segment = row or (0, 1, [], 0, False, "")
        found["archive"] |= {"failures": failures, "failing": failing, "failing_at": segment}
        reasons = list(self._complaints(found))
        if used >= most * BUSY_SHARE:
            busy = [f"all: {used} of {most}", *busy]
        if busy:
            reasons.append(f"connections nearly used up ({', '.join(busy)})")
        if failing:
            reasons.append(f"the log cannot be archived ({segment}); see the server's log")
        self._reasons = reasons
        self._metrics = {
            "db_archive_failures_total": float(failures),
            "db_archive_lag_s": found["archive"]["lag_s"],
            "db_connections": float(used),
            **{f"db_{name}_age_s": age for name, age in found["ages"].items()},
        }
        await self._call("select core.report_database(%s)", [Jsonb({**found, "reasons": reasons})])

    def _complaints(self, found: dict[str, Any]) -> Iterator[str]:
        if found["disk"]["free"] < endpoint.FULL_BELOW:
            # The server may still be up: what it writes next may fit into a segment it has already, or not.
            yield disk_full().message
        elif found["disk"]["free"] < found["disk"]["warn_below"]:
            yield f"the database's disk is nearly full: {room.megabytes(found['disk']['free'])} free"
        if found["archive"]["lag_s"] > ARCHIVE_LATE_S:
            yield f"the log waits for its archive since {found['archive']['lag_s']:.0f} s"
        age = found["ages"].get("backup")
        if age is not None and age > 3 * self._settings.backup_every_h * 3600:
            yield f"the newest backup is {age / 3600:.0f} h old"
        if any(one["verified"] is False for one in found["backups"][:4]):
            yield "a backup did not come back when it was verified"

    def _look(self) -> dict[str, Any]:
        from sent.platform.db import care, pitr, switch

        there = care.backups()
        now = SYSTEM_CLOCK.now()
        archive = self._cluster.archive
        ages = {}
        if there:
            ages["backup"] = (now - there[0].made_at).total_seconds()
        if moments := [one.verified_at for one in there if one.verified_at and one.verified]:
            ages["verified"] = (now - max(moments)).total_seconds()
        return {
            "disk": {
                "free": room.free(self._cluster.folder),
                "warn_below": self._settings.disk_warn_mb << 20,
            },
            "archive": {
                "armed": archive is not None and archive.armed(),
                "bytes": archive.bytes() if archive is not None else 0,
                "lag_s": _waiting_s(self._cluster.data),
            },
            "ages": ages,
            "backups": [one.line() for one in there[:100]],
            "restorable": [[first.isoformat(), last.isoformat()] for first, last in pitr.covered()],
            "formers": [str(path) for path in switch.formers()],
            "major": self._cluster.major,
            "place": str(care.root()),
        }

    async def _call(self, query: str, values: list[Any] | None = None) -> tuple[Any, ...] | None:
        async with transaction(self._db) as tx:
            return await (await tx.execute(query, values)).fetchone()


def _waiting_s(data: Path) -> float:
    """Return for how long the oldest finished segment has waited to be archived."""
    try:
        ready = [path.stat().st_mtime for path in (data / "pg_wal" / "archive_status").glob("*.ready")]
    except OSError:
        return 0.0
    return max(0.0, time.time() - min(ready)) if ready else 0.0


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a child and all it started: politely, so that it cleans up, then at once."""
    for number, patience in ((signal.SIGTERM, STOP_GRACE_S), (signal.SIGKILL, STOP_GRACE_S)):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
