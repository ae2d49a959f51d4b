"""A worker's connections: one small pool for each service role, made at first use."""

from __future__ import annotations

from sent.platform.config.secrets import role_password
from sent.platform.db.embedded import endpoint
from sent.platform.db.engine import Database, fixed

POOL_SIZE = 4


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

    async def close(self) -> None:
        """Close every pool."""
        for database in self._open.values():
            await database.close()
        self._open.clear()
