"""Where rules come from: files that people import and the rules SENT ships."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from sent.engines.radar.model import RuleSet
from sent.engines.radar.sigma.reading import read_rules
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import uow

SHIPPED_SET = "SENT"
"""Name of the rule set that ships with the program."""


def shipped_folder() -> Path:
    """Return the folder of SENT's own rules."""
    return Path(__file__).resolve().parents[1] / "rules"


def shipped_rules() -> RuleSet:
    """Return SENT's own rules."""
    return read_rules(shipped_folder())


async def ship_rules(ctx: Ctx) -> RuleSet:
    """Bring SENT's own rules into the organisation where it lacks them or has others; return them."""
    from sent.engines.radar.store import catalogue

    shipped = await asyncio.to_thread(shipped_rules)
    wanted = digest(shipped)
    async with uow(ctx) as tx:
        if await catalogue.rule_set_digest(tx, SHIPPED_SET) != wanted:
            await catalogue.replace_rule_set(tx, SHIPPED_SET, wanted, shipped, shipped=True)
            await publish(tx, ctx, "radar.rules.changed", {})
    return shipped


def digest(found: RuleSet) -> str:
    """Return a digest of the rules' texts, to see whether a set changed."""
    content = hashlib.sha256()
    texts = {rule.text for rule in found.rules} | {bad.text for bad in found.rejected}
    texts |= {made.rule.text for made in found.correlations} | {made.text for made in found.filters}
    for text in sorted(texts):
        content.update(hashlib.sha256(text.encode()).digest())
    return content.hexdigest()
