"""Values of placeholders (`%name%` behind `expand`): what an organisation puts into other people's rules.

Whatever changes here is followed by looking again at the rules whose running depends on it, so that the list
of rules says at once which wait for values; workers take the new values up within seconds.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from sent.engines.radar.desk import Placeholder
from sent.engines.radar.sigma.expansion import checked
from sent.engines.radar.store import catalogue
from sent.engines.radar.store import placeholders as store
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import NotFound

LOOKS = 5

_NEEDED = re.compile(r"%([^%\\]{1,100})%")


async def placeholders(ctx: Ctx) -> list[Placeholder]:
    """Return the placeholders with values, and without those that rules wait for, by name."""
    async with uow(ctx) as tx:
        known = {row.name: row for row in await store.listed(tx)}
        for reason in await store.lacking(tx):
            for name in _NEEDED.findall(reason):
                known.setdefault(name, Placeholder(name, ()))
    return [known[name] for name in sorted(known, key=str.lower)]


async def set_placeholder(ctx: Ctx, name: str, values: Sequence[str]) -> None:
    """Give a placeholder its values (any of them fits; wildcards as in rules); raises Invalid."""
    name, texts = checked(name, values)
    async with uow(ctx) as tx:
        await store.put(tx, name, texts)
        await publish(tx, ctx, "radar.rules.changed", {})
    await look_again(ctx)


async def unset_placeholder(ctx: Ctx, name: str) -> None:
    """Take a placeholder's values away; rules that need them wait. Raises NotFound."""
    async with uow(ctx) as tx:
        if not await store.remove(tx, name.strip().strip("%")):
            raise NotFound("radar.placeholder.missing", f"placeholder {name!r} has no values")
        await publish(tx, ctx, "radar.rules.changed", {})
    await look_again(ctx)


async def look_again(ctx: Ctx) -> None:
    """Bring the reasons of rules that depend on values or on other rules up to date.

    Rules that change meanwhile are looked at once more; after `LOOKS` times it is left to who changes them.
    """
    for _ in range(LOOKS):
        if await _looked(ctx):
            return


async def _looked(ctx: Ctx) -> bool:
    from sent.engines.radar.sigma.reading import parsed

    async with uow(ctx) as tx:
        if not await store.any_depends(tx):
            return True
        signature = await catalogue.rules_signature(tx)
        texts = await catalogue.rule_texts(tx)
        off = await catalogue.disabled_ids(tx)
        values = await store.values(tx)
    files = [(text.path, text.body, "") for text in texts]
    found = await asyncio.to_thread(parsed, files, values, off)
    async with uow(ctx) as tx:
        if await catalogue.rules_signature(tx) != signature:
            return False
        await store.note_reasons(tx, found)
    return True
