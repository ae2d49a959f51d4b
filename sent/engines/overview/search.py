"""Finds people for the console's search."""

from __future__ import annotations

from sent.engines.overview import store
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.search import Hit


async def search(ctx: Ctx, text: str, limit: int) -> list[Hit]:
    """Return colleagues by name or address."""
    async with uow(ctx) as tx:
        found = await store.colleagues(tx, text, limit)
    return [Hit("Person", p.name, f"people/{p.id}", p.email, "user") for p in found]
