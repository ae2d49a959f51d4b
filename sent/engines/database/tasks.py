"""Background work of the database engine."""

from __future__ import annotations

from sent.platform.context import Ctx
from sent.platform.db import upkeep
from sent.platform.telemetry.log import get_logger

_log = get_logger("db.series")


async def thin(ctx: Ctx) -> None:
    """Remove buckets of rollups that are older than they are kept."""
    removed = await upkeep.thin(ctx.db)
    if removed:
        _log.info("series.thinned", buckets=removed)
