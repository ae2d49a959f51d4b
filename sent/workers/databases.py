"""A worker's connections: one small pool for each service role, made at first use."""

from __future__ import annotations

import asyncio

from sent.platform.config.secrets import role_password
from sent.platform.db import schema
from sent.platform.db.embedded import endpoint
from sent.platform.db.engine import Database, fixed
from sent.platform.errors import Unavailable
from sent.platform.telemetry.log import get_logger

POOL_SIZE = 4
MIGRATION_WAIT_S = 30.0
"""How long a service waits for the migration of a database that was updated at the same time."""

_log = get_logger("databases")


class Databases:
    """The pools of one process."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._open: dict[str, Database] = {}

    def role(self, role: str) -> Database:
        """Return the pool of a service role (trusted: it sets the organisation itself)."""
        if role not in self._open:
            self._open[role] = Database(
                endpoint.find(),
                role,
                fixed(role_password(role)),
                trusted=True,
                size=POOL_SIZE,
                name=f"sent {self._service}",
            )
        return self._open[role]

    async def reachable(self) -> None:
        """Raise Unavailable unless the database answers as `sent_system`."""
        async with self.role("sent_system").connection() as connection:
            await connection.execute("select 1")

    async def fitting(self, patience: float = MIGRATION_WAIT_S) -> None:
        """Return when the database's schema suits this program.

        Raises Invalid when the program is too old for it, Unavailable when it is not migrated in time.
        """
        give_up = asyncio.get_running_loop().time() + patience
        told = False
        while True:
            async with self.role("sent_system").connection() as connection:
                found = schema.noted(await (await connection.execute(schema.NOTED)).fetchone())
                await connection.rollback()
            try:
                schema.check_fit(found)
                return
            except Unavailable as error:
                if asyncio.get_running_loop().time() >= give_up:
                    raise
                if not told:
                    _log.warning("database.behind", reason=error.message)
                    told = True
            await asyncio.sleep(0.5)

    async def close(self) -> None:
        """Close every pool."""
        for database in self._open.values():
            await database.close()
        self._open.clear()
