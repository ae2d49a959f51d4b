"""One transaction for one use case, in one organisation.

    async with uow(ctx) as tx:
        await tx.execute("update radar.alert set ...", [...])

For trusted roles the organisation, actor and trace are set for this transaction only (`SET LOCAL`, by
`set_config(.., true)`): a plain `SET` would stay on the pooled connection and leak into the next use case.
Errors of the database leave as SentError; SQLSTATE class `SN` is ours: `sec.fail` raises it with
`code|text`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row, scalar_row

from sent.platform.context import Ctx
from sent.platform.db.engine import Database, disk_full, unreachable
from sent.platform.errors import Conflict, Denied, Invalid, NotFound, SentError, Unavailable

Tx = AsyncConnection[TupleRow]

T = TypeVar("T")

_OURS: dict[str, type[SentError]] = {
    "SN403": Denied,
    "SN404": NotFound,
    "SN409": Conflict,
    "SN422": Invalid,
}


@asynccontextmanager
async def uow(ctx: Ctx) -> AsyncIterator[Tx]:
    """Open a transaction for `ctx`; commits at the end, rolls back on any exception.

    Raises Unavailable (connection lost), Denied (policy or grant), Conflict (duplicate key, serialisation,
    `sec.fail('SN409', ..)`), Invalid (check, `SN422`), NotFound (`SN404`).
    """
    async with transaction(ctx.db) as tx:
        if ctx.db.trusted:
            await tx.execute(
                "select set_config('sent.organization_id', %s, true),"
                " set_config('sent.actor_id', %s, true), set_config('sent.trace', %s, true)",
                [str(ctx.org), str(ctx.actor), str(ctx.trace)],
            )
        yield tx


@asynccontextmanager
async def transaction(db: Database) -> AsyncIterator[Tx]:
    """Open a transaction that belongs to no organisation (claims and upkeep as `sent_system`).

    Raises what `uow` raises.
    """
    try:
        async with db.connection() as connection, connection.transaction():
            yield connection
    except psycopg.Error as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # A query that was cut off comes back as the server's QueryCanceled: a loop that goes on after
            # a failure must not go on after this.
            raise asyncio.CancelledError from error
        raise translated(error) from error


async def fetch(
    tx: Tx, kind: type[T], query: str, parameters: Sequence[Any] | dict[str, Any] = ()
) -> list[T]:
    """Return all rows of `query` as `kind(**columns)`."""
    async with tx.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def fetch_one(
    tx: Tx, kind: type[T], query: str, parameters: Sequence[Any] | dict[str, Any] = ()
) -> T | None:
    """Return the first row of `query` as `kind(**columns)`, or None."""
    async with tx.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchone()


async def scalar(tx: Tx, query: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Any:
    """Return the first column of the first row of `query`, or None."""
    async with tx.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchone()


def translated(error: psycopg.Error) -> SentError:
    """Return the SentError for a database error; the text of a policy violation names no foreign data."""
    state = error.sqlstate or ""
    text = error.diag.message_primary or str(error)
    if state in _OURS:
        code, _, message = text.partition("|")
        return _OURS[state](code, message or code)
    if isinstance(error, psycopg.errors.DiskFull):
        return disk_full()
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return Denied("database.denied", text)
    if isinstance(error, psycopg.errors.UniqueViolation | psycopg.errors.SerializationFailure):
        return Conflict("database.conflict", text)
    if isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable):
        return Unavailable("database.timeout", text)
    if isinstance(error, psycopg.IntegrityError | psycopg.DataError):
        return Invalid("database.invalid", text)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return unreachable(error, text)
    return SentError("database.error", text)
