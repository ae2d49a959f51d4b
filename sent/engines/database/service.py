"""Use cases of the database engine; each raises Denied for whoever is not of the operator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sent.engines.database import store
from sent.engines.database.model import Health, Operation, Session, SlowQuery, Table
from sent.platform.context import Ctx
from sent.platform.db.uow import uow

MOST = 500


async def health(ctx: Ctx) -> Health:
    """Return the server's, the disk's and the backups' state; needs `database:read`."""
    async with uow(ctx) as tx:
        at, server = await store.server(tx)
        return Health(
            at=at,
            server=server,
            budget=await store.budget(tx),
            growth=await store.growth(tx),
            kept=await store.kept(tx),
        )


async def tables(ctx: Ctx) -> list[Table]:
    """Return all tables, the largest first; needs `database:read`."""
    async with uow(ctx) as tx:
        return await store.tables(tx)


async def sessions(ctx: Ctx) -> list[Session]:
    """Return all connections, those at work first; needs `database:read`."""
    async with uow(ctx) as tx:
        return await store.sessions(tx)


async def slow_queries(ctx: Ctx, *, limit: int = 100) -> list[SlowQuery]:
    """Return queries that were seen to take longer than a second; needs `database:read`."""
    async with uow(ctx) as tx:
        return await store.slow_queries(tx, min(limit, MOST))


async def operations(ctx: Ctx, *, limit: int = 50) -> list[Operation]:
    """Return orders, the newest first; needs `database:read`."""
    async with uow(ctx) as tx:
        return await store.operations(tx, min(limit, MOST))


async def back_up(ctx: Ctx) -> UUID:
    """Order both kinds of backup now; needs `database:manage`. Raises Conflict while one is under way."""
    return await _order(ctx, "backup", {})


async def verify(ctx: Ctx, kind: str, name: str) -> UUID:
    """Order that a backup is restored beside the database and compared; needs `database:manage`."""
    return await _order(ctx, "verify", {"name": f"{kind}/{name}"})


async def cancel(ctx: Ctx, operation: UUID) -> str:
    """Cancel an order and return its state; needs `database:manage`. NotFound when it is over."""
    async with uow(ctx) as tx:
        return await store.cancel(tx, operation)


async def end_query(ctx: Ctx, pid: int, *, close: bool = False) -> bool:
    """Cancel a session's query, or close the session; needs `database:manage`. NotFound when it is over."""
    async with uow(ctx) as tx:
        return await store.end_query(tx, pid, close)


async def _order(ctx: Ctx, kind: str, arguments: dict[str, Any]) -> UUID:
    async with uow(ctx) as tx:
        return await store.order(tx, kind, arguments)
