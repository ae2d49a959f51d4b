"""How long sources' events are kept, in SQL."""

from __future__ import annotations

from uuid import UUID

from sent.platform.db.uow import Tx, scalar

PIECE = 10_000
"""Events removed in one transaction."""


async def days(tx: Tx) -> dict[UUID, int]:
    """Return the days of the sources that have days of their own."""
    cursor = await tx.execute("select id, keep_days from radar.source where keep_days is not null")
    return {source: int(amount) for source, amount in await cursor.fetchall()}


async def set_days(tx: Tx, source_id: UUID, amount: int | None) -> bool:
    """Keep a source's events for so many days; False when it is not there."""
    cursor = await tx.execute("update radar.source set keep_days = %s where id = %s", [amount, source_id])
    return cursor.rowcount == 1


async def expire(tx: Tx, default_days: int, limit: int = PIECE) -> int:
    """Remove at most `limit` events of the organisation that are no longer kept; return how many."""
    return int(await scalar(tx, "select radar.expire_events(%s, %s)", [default_days, limit]))
