"""Finds incidents for the console's search: by words of the title, owner, client, or `#number`."""

from __future__ import annotations

from sent.engines.incidents.api import IncidentFilter, incidents
from sent.platform.context import Ctx
from sent.platform.search import Hit


async def search(ctx: Ctx, text: str, limit: int) -> list[Hit]:
    """Return the newest incidents that fit."""
    return [
        Hit(
            "Incident",
            f"#{found.number} {found.title}",
            f"incidents/{found.id}",
            f"{found.severity} · {found.status}",
            "siren",
            found.opened_at,
        )
        for found in await incidents(ctx, IncidentFilter(text=text), limit=limit)
    ]
