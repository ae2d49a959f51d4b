"""The notifications engine's own background task."""

from __future__ import annotations

from sent.platform.config import settings_store
from sent.platform.context import Ctx
from sent.platform.notify import store


async def prune(ctx: Ctx) -> None:
    """Forget what is older than the organisation keeps it, in bites so that nobody waits for a lock."""
    days = int(await settings_store.get(ctx, "notifications.keep_days"))
    while await store.prune(ctx, days):
        continue
