"""Finds alerts, sources and rules for the console's search."""

from __future__ import annotations

from uuid import UUID

from sent.engines.radar.desk import AlertFilter
from sent.engines.radar.store import alerts, lookup
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.search import Hit, quoted


async def search(ctx: Ctx, text: str, limit: int) -> list[Hit]:
    """Return alerts (newest first; an id finds its alert), sources and rules that fit."""
    identity = _uuid(text)
    async with uow(ctx) as tx:
        if identity is not None:
            found = await alerts.by_ids(tx, [identity])
        else:
            found = await alerts.page(tx, AlertFilter(query=quoted(text)), None, limit)
        sources = await lookup.sources(tx, text, limit)
        rules = await lookup.rules(tx, text, limit)
    hits = [
        Hit("Alert", a.title, f"radar/alert/{a.id}", f"{a.level} · {a.host} · {a.state}", "radar", a.at)
        for a in found
    ]
    hits += [Hit("Source", s.title, f"radar/source/{s.id}", s.detail, "radio") for s in sources]
    hits += [Hit("Rule", r.title, f"rules/rule/{r.name}", r.detail, "scroll-text") for r in rules if r.name]
    # Of each kind some: many alerts leave room for a source of that name.
    share = max(1, limit // 3)
    kinds = {kind: [h for h in hits if h.kind == kind] for kind in ("Alert", "Source", "Rule")}
    kept = [hit for kind in kinds.values() for hit in kind[:share]]
    rest = [hit for kind in kinds.values() for hit in kind[share:]]
    return (kept + rest)[:limit]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
