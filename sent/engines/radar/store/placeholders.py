"""Values of placeholders in SQL, and the rules whose running depends on them or on other rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sent.engines.radar.desk import Placeholder
from sent.engines.radar.model import RuleSet
from sent.engines.radar.store.sink import storable
from sent.platform.db.uow import Tx, fetch

MAX_LISTED = 10_000


async def listed(tx: Tx) -> list[Placeholder]:
    """Return the placeholders that have values, by name."""
    rows = await fetch(
        tx,
        Placeholder,
        "select p.name, p.texts as values from radar.placeholder p order by p.name limit %s",
        [MAX_LISTED],
    )
    return [Placeholder(row.name, tuple(row.values)) for row in rows]


async def values(tx: Tx) -> dict[str, tuple[str, ...]]:
    """Return the values by name."""
    return {row.name: row.values for row in await listed(tx)}


async def put(tx: Tx, name: str, texts: Sequence[str]) -> None:
    """Give a placeholder its values, whatever it had."""
    await tx.execute(
        "insert into radar.placeholder as p (name, texts) values (%s, %s)"
        " on conflict (organization_id, name) do update set texts = excluded.texts",
        [name, list(texts)],
    )


async def remove(tx: Tx, name: str) -> bool:
    """Take a placeholder's values away; False when it has none."""
    cursor = await tx.execute("delete from radar.placeholder p where p.name = %s", [name])
    return cursor.rowcount == 1


async def lacking(tx: Tx) -> list[str]:
    """Return the reasons of rules that need values."""
    cursor = await tx.execute(
        "select distinct r.reason from radar.rule r where r.depends and r.enabled"
        " and r.reason like 'needs values for %%' limit %s",
        [MAX_LISTED],
    )
    return [row[0] for row in await cursor.fetchall()]


async def any_depends(tx: Tx) -> bool:
    """Say whether a rule's running depends on anything else."""
    cursor = await tx.execute("select exists (select from radar.rule r where r.depends)")
    row = await cursor.fetchone()
    return bool(row and row[0])


async def note_reasons(tx: Tx, found: RuleSet) -> int:
    """Bring the reasons of rules that depend on others to what reading all of them gave; return how many."""
    verdicts: list[tuple[Any, ...]] = [
        (storable(bad.source), storable(bad.rule_id), storable(bad.reason), None, None, None)
        for bad in found.rejected
    ]
    runnable = [rule for rule in found.rules if rule.placeholders]
    runnable += [made.rule for made in found.correlations]
    verdicts += [
        (storable(rule.source), rule.id, None, storable(rule.title), rule.level, storable(rule.author))
        for rule in runnable
    ]
    verdicts += [
        (storable(made.source), made.id, None, storable(made.title), None, storable(made.author))
        for made in found.filters
    ]
    if not verdicts:
        return 0
    cursor = await tx.execute(
        "update radar.rule r set reason = n.reason, title = coalesce(n.title, r.title),"
        " level = coalesce(n.level, r.level), author = coalesce(n.author, r.author)"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
        " n (path, sigma_id, reason, title, level, author)"
        " where r.depends and r.enabled and r.path = n.path and r.sigma_id = n.sigma_id"
        " and r.reason is distinct from n.reason",
        [list(column) for column in zip(*verdicts, strict=True)],
    )
    return cursor.rowcount
