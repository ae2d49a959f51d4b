"""A database as one role sees it: a small pool of psycopg connections.

Stores speak SQL through psycopg; SQLAlchemy is loaded by migrations only (docs/adr/0002: 21 MB and 180 ms
less for each process). Connections are made on demand, checked when borrowed, and logged in with a
password that is asked for at each connect, because a membership's password changes every few minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from sent.platform.errors import Unavailable
from sent.platform.telemetry.log import Secret

PasswordSource = Callable[[], Awaitable[Secret]]

CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where a PostgreSQL server listens: `host` is a name, or the folder of its unix socket."""

    host: str
    port: int
    dbname: str = "sent"
    sslmode: str = "prefer"
    sslrootcert: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return libpq connection parameters without user and password."""
        found: dict[str, Any] = {"host": self.host, "port": self.port, "dbname": self.dbname}
        if not self.host.startswith("/"):
            found["sslmode"] = self.sslmode
            if self.sslrootcert:
                found["sslrootcert"] = self.sslrootcert
        return found


class Database:
    """One role on one server; `close` it, or use it as `async with Database(...) as db`."""

    def __init__(
        self,
        server: Server,
        role: str,
        password: PasswordSource,
        *,
        trusted: bool,
        size: int = 3,
        name: str = "sent",
    ) -> None:
        self.server = server
        self.role = role
        self.trusted = trusted
        """Whether policies read the organisation from the transaction (workers) or the login (staff)."""
        self._password = password
        self._opened = False
        self._opening = asyncio.Lock()
        self._name = name
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
            kwargs=self.parameters,
            min_size=0,
            max_size=size,
            max_idle=300,
            timeout=CONNECT_TIMEOUT_S,
            reconnect_timeout=5,
            open=False,
            name=name,
            check=AsyncConnectionPool.check_connection,
        )

    async def __aenter__(self) -> Database:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Start the pool; connects nothing yet. `connection` does it at first use."""
        async with self._opening:
            if not self._opened:
                await self._pool.open()
                self._opened = True

    async def close(self) -> None:
        """Close all connections; borrowed ones when they come back."""
        await self._pool.close(timeout=5)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """Borrow a connection; raises Unavailable when none can be made in time."""
        if not self._opened:
            await self.open()
        try:
            connection = await self._pool.getconn()
        except (PoolTimeout, PoolClosed, psycopg.OperationalError) as error:
            raise unreachable(error, f"the database does not answer: {error}") from error
        try:
            yield connection
        finally:
            await self._pool.putconn(connection)

    async def connect(self, *, autocommit: bool = True) -> AsyncConnection[TupleRow]:
        """Return a connection of its own outside the pool (LISTEN, COPY); the caller closes it."""
        try:
            return await AsyncConnection.connect(autocommit=autocommit, **await self.parameters())
        except psycopg.OperationalError as error:
            raise unreachable(error, f"the database does not answer: {error}") from error

    async def parameters(self) -> dict[str, Any]:
        """Return what psycopg needs to connect, with the password of this moment."""
        return self.server.parameters() | {
            "user": self.role,
            "password": (await self._password()).reveal(),
            "application_name": self._name,
            "connect_timeout": int(CONNECT_TIMEOUT_S),
        }


def unreachable(error: Exception, text: str) -> Unavailable:
    """Return the error for a server that does not answer: a full disk says so, whatever the driver says."""
    from sent.platform.db.embedded import endpoint

    if isinstance(error, psycopg.errors.DiskFull) or endpoint.disk_full():
        return disk_full()
    return Unavailable("database.unreachable", text)


def disk_full() -> Unavailable:
    """Return the error for a database that has no room left."""
    return Unavailable(
        "database.disk_full",
        "the database's disk is full; nothing that was saved is lost. Make room on that disk (old backups,"
        " logs) or enlarge it: the database then goes on by itself",
    )


def fixed(password: Secret) -> PasswordSource:
    """Return a source that always gives `password` (service roles)."""

    async def source() -> Secret:
        return password

    return source
