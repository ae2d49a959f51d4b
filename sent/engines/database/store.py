"""SQL of the database engine: the definer functions of revision 0010, which check who asks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.engines.database.model import (
    Backup,
    Budget,
    Kept,
    Operation,
    Server,
    Session,
    SlowQuery,
    Table,
)
from sent.platform.db.uow import Tx, fetch, scalar


async def server(tx: Tx) -> tuple[datetime, Server]:
    """Return the server's clock and figures."""
    found = await tx.execute("select clock_timestamp(), core.database_server()")
    row = await found.fetchone()
    if row is None:
        raise RuntimeError("a select without a table returns one row")
    at, values = row
    return at, Server(**{**values, "started_at": datetime.fromisoformat(values["started_at"])})


async def budget(tx: Tx) -> list[Budget]:
    """Return the connections by kind of login."""
    return await fetch(tx, Budget, "select * from core.database_connections()")


async def growth(tx: Tx) -> list[tuple[date, int]]:
    """Return the size of each sampled day."""
    found = await tx.execute("select day, bytes from core.database_growth()")
    return [(day, int(size)) for day, size in await found.fetchall()]


async def kept(tx: Tx) -> Kept | None:
    """Return what the owner process last reported."""
    found = await tx.execute("select at, state from core.database_state()")
    row = await found.fetchone()
    return None if row is None else _kept(*row)


async def tables(tx: Tx) -> list[Table]:
    """Return all tables, the largest first."""
    return await fetch(tx, Table, "select * from core.database_tables()")


async def sessions(tx: Tx) -> list[Session]:
    """Return all connections, those at work first."""
    return await fetch(tx, Session, "select * from core.database_activity()")


async def slow_queries(tx: Tx, limit: int) -> list[SlowQuery]:
    """Return slow queries, the longest first."""
    return await fetch(tx, SlowQuery, "select * from core.slow_queries(%s)", [limit])


async def operations(tx: Tx, limit: int) -> list[Operation]:
    """Return orders, the newest first."""
    return await fetch(tx, Operation, "select * from core.operations(%s)", [limit])


async def order(tx: Tx, kind: str, arguments: dict[str, Any]) -> UUID:
    """Order something; raises Conflict when the same is under way or nobody could do it."""
    found: UUID = await scalar(tx, "select core.order_operation(%s, %s)", [kind, Jsonb(arguments)])
    return found


async def cancel(tx: Tx, operation: UUID) -> str:
    """Cancel an order and return its state."""
    found: str = await scalar(tx, "select core.cancel_operation(%s)", [operation])
    return found


async def end_query(tx: Tx, pid: int, close: bool) -> bool:
    """Cancel a session's query, or close the session."""
    return bool(await scalar(tx, "select core.cancel_query(%s, %s)", [pid, close]))


def _kept(at: datetime, state: dict[str, Any]) -> Kept:
    return Kept(
        at=at,
        free_bytes=state["disk"]["free"],
        warn_below=state["disk"]["warn_below"],
        archive_armed=state["archive"]["armed"],
        archive_bytes=state["archive"]["bytes"],
        archive_lag_s=state["archive"]["lag_s"],
        archive_failing=state["archive"]["failing"],
        backups=[_backup(line) for line in state["backups"]],
        restorable=[
            (datetime.fromisoformat(first), datetime.fromisoformat(last))
            for first, last in state["restorable"]
        ],
        formers=state["formers"],
        place=state["place"],
        reasons=state["reasons"],
    )


def _backup(line: dict[str, Any]) -> Backup:
    verified_at = line["verified_at"]
    return Backup(
        **{
            **line,
            "made_at": datetime.fromisoformat(line["made_at"]),
            "verified_at": datetime.fromisoformat(verified_at) if verified_at else None,
        }
    )
