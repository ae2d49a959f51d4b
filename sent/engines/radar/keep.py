"""How long events are kept: by source, else as the organisation says, at most as the installation does.

The installation keeps all events for the time of the series (90 days unless its operator says otherwise) and
then drops whole partitions. Shorter times remove events one by one within partitions that sources share,
every hour, in bites. Figures per minute stay: they are kept for years.
"""

from __future__ import annotations

from uuid import UUID

from sent.engines.radar.store import keep
from sent.platform.bus.events import publish
from sent.platform.config import settings_store
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid, NotFound

MOST_DAYS = 3650


async def source_days(ctx: Ctx) -> dict[UUID, int]:
    """Return for how many days the sources that have a time of their own keep their events."""
    async with uow(ctx) as tx:
        return await keep.days(tx)


async def keep_source(ctx: Ctx, source_id: UUID, days: int | None) -> None:
    """Keep a source's events for `days` days (None: as the organisation does); Invalid, NotFound."""
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise Invalid("radar.source.keep", f"events are kept for 1 to {MOST_DAYS} days; not {days}")
    async with uow(ctx) as tx:
        if not await keep.set_days(tx, source_id, days):
            raise NotFound("radar.source.missing", "the source is not there, or not yours to change")
        await publish(tx, ctx, "radar.sources.changed", {})


async def expire(ctx: Ctx) -> None:
    """Remove what is no longer kept, each bite in a transaction of its own."""
    default = int(await settings_store.get(ctx, "radar.keep_days"))
    removed = keep.PIECE
    while removed:
        async with uow(ctx) as tx:
            removed = await keep.expire(tx, default)
