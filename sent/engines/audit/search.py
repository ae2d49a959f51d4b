"""Finds entries of the trail for the console's search."""

from __future__ import annotations

from sent.engines.audit.api import entries
from sent.platform.context import Ctx
from sent.platform.search import Hit


async def search(ctx: Ctx, text: str, limit: int) -> list[Hit]:
    """Return the newest entries in whose names or values `text` stands."""
    return [
        Hit(
            "Audit entry",
            f"{entry.actor_name or 'SENT'}: {entry.action} {entry.table}",
            f"audit/{entry.id}",
            str(entry.row_id or ""),
            "file-clock",
            entry.at,
        )
        for entry in await entries(ctx, text=text, limit=limit)
    ]
