"""The fleet: one row of `core.instance` for each running process, kept fresh by its heartbeat.

A row whose heartbeat is older than `LOST_AFTER_S` is a process that died without saying so; readers see it
as `lost`, and `sweep` removes it a day later.
"""

from __future__ import annotations

import os
import socket
import sys
from uuid import UUID

from psycopg.types.json import Jsonb

from sent import __version__
from sent.platform.db.engine import Database
from sent.platform.db.uow import transaction

HEARTBEAT_S = 2.0
LOST_AFTER_S = 15.0


class InstanceRecord:
    """This process's row, written as `sent_system`."""

    def __init__(self, db: Database, instance: UUID, service: str) -> None:
        self._db = db
        self._id = instance
        self._service = service

    async def beat(self, state: str, metrics: dict[str, float], reasons: list[str]) -> None:
        """Write state, numbers and reasons with the server's own time."""
        async with transaction(self._db) as connection:
            await connection.execute(
                "insert into core.instance (id, organization_id, service, host, pid, version, state,"
                " started_at, heartbeat_at, metrics, reasons)"
                " values (%s, '00000000-0000-0000-0000-000000000000', %s, %s, %s, %s, %s,"
                " clock_timestamp(), clock_timestamp(), %s, %s)"
                " on conflict (id) do update set state = excluded.state, metrics = excluded.metrics,"
                " reasons = excluded.reasons, heartbeat_at = excluded.heartbeat_at",
                [
                    self._id,
                    self._service,
                    socket.gethostname(),
                    os.getpid(),
                    __version__,
                    state,
                    Jsonb(metrics),
                    reasons,
                ],
            )

    async def finish(self) -> None:
        """Take the row away: the process ends in good order."""
        async with transaction(self._db) as connection:
            await connection.execute("delete from core.instance where id = %s", [self._id])


async def sweep(db: Database) -> None:
    """Remove rows of processes that died more than a day ago."""
    async with transaction(db) as connection:
        await connection.execute(
            "delete from core.instance where heartbeat_at < clock_timestamp() - interval '1 day'"
        )


async def bury(db: Database) -> int:
    """Remove what killed processes of this machine left: their rows, their leases; return how many.

    So a service that is started again after kill -9 need not wait until its predecessor's leases run out.
    A process with a reused pid is left to its lease's time.
    """
    async with transaction(db) as tx:
        found = await tx.execute(
            "select id, pid from core.instance where host = %s order by id for update", [socket.gethostname()]
        )
        dead = [id for id, pid in await found.fetchall() if not _alive(pid)]
        if dead:
            await tx.execute("update core.lease set expires_at = '-infinity' where holder = any(%s)", [dead])
            await tx.execute("delete from core.instance where id = any(%s)", [dead])
    return len(dead)


def _alive(pid: int) -> bool:
    if sys.platform == "win32":
        # There a signal 0 is no question; the lease's time decides.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # It belongs to another user: it lives.
        return True
    return True
