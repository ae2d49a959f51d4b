"""The jobs engine's own background task."""

from __future__ import annotations

from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, transaction


async def prune(ctx: Ctx) -> None:
    """Forget jobs that ended long ago, in bites so that nobody waits for a lock."""
    while True:
        async with transaction(ctx.db) as tx:
            if not await scalar(tx, "select jobs.prune()"):
                return
