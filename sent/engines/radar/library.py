"""Where rules come from: files that people import and the rules SENT ships."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from sent.engines.radar.model import RuleSet
from sent.platform.bus.events import publish
from sent.platform.config.paths import state_dir
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import SentError

SHIPPED_SET = "SENT"
"""Name of the rule set that ships with the program."""


def shipped_folder() -> Path:
    """Return the folder of SENT's own rules."""
    return Path(__file__).resolve().parent / "rules"


def read_rules(path: Path, placeholders: Mapping[str, tuple[str, ...]] | None = None) -> RuleSet:
    """Read and parse rules; raises NotFound or Invalid for what is no rule source at all."""
    from sent.engines.radar.rulefiles import rule_files

    return parsed(rule_files(path), placeholders)


def parsed(
    files: Iterable[tuple[str, str | None, str]],
    placeholders: Mapping[str, tuple[str, ...]] | None = None,
    off: Container[str] = (),
) -> RuleSet:
    """Parse as `ruleset.parse_rules` does, making use of what this installation parsed before."""
    from sent.engines.radar.compiled import CompiledRules
    from sent.engines.radar.ruleset import parse_rules

    try:
        kept = CompiledRules(state_dir() / "rules.cache")
    except (SentError, OSError):
        return parse_rules(files, placeholders, off)
    try:
        return parse_rules(files, placeholders, off, kept)
    finally:
        kept.close()


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
