"""Use cases of the overview."""

from __future__ import annotations

from sent.engines.overview import store
from sent.engines.overview.model import Overview
from sent.platform.context import Ctx
from sent.platform.db.uow import uow


async def overview(ctx: Ctx) -> Overview:
    """Return the fleet, newest first, and the database's state; needs `overview:read`."""
    async with uow(ctx) as tx:
        at = await store.now(tx)
        return Overview(at=at, instances=await store.fleet(tx), database=await store.database(tx))
