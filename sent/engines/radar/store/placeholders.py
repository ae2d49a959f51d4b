"""Values of placeholders in SQL, and the rules whose running depends on them or on other rules."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

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
    """Bring the reasons of rules that depend on others to what reading all of them gave; return how many.

    A row has one verdict, so that looking twice changes nothing the second time: of two documents of one file
    with one id, that of the one that runs.
    """
    verdicts: dict[tuple[str, str, str], tuple[str | None, ...]] = {
        _place(bad.source, bad.rule_id, bad.text): (storable(bad.reason), None, None, None)
        for bad in found.rejected
    }
    runnable = [rule for rule in found.rules if rule.placeholders]
    for rule in [*runnable, *(made.rule for made in found.correlations)]:
        told = (None, storable(rule.title), rule.level, storable(rule.author))
        verdicts[_place(rule.source, rule.id, rule.text)] = told
    for made in found.filters:
        verdicts[_place(made.source, made.id, made.text)] = (None, storable(made.title), None, made.author)
    if not verdicts:
        return 0
    rows = [place + told for place, told in verdicts.items()]
    cursor = await tx.execute(
        "update radar.rule r set reason = n.reason, title = coalesce(n.title, r.title),"
        " level = coalesce(n.level, r.level), author = coalesce(n.author, r.author)"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
        " n (path, sigma_id, body, reason, title, level, author)"
        " where r.depends and r.enabled and r.path = n.path and r.sigma_id = n.sigma_id"
        " and md5(r.body) = n.body and r.reason is distinct from n.reason",
        [list(column) for column in zip(*rows, strict=True)],
    )
    return cursor.rowcount


def _place(source: str, rule_id: str, text: str) -> tuple[str, str, str]:
    """Return what a row is known by, whichever set it is in."""
    digest = hashlib.md5(storable(text).encode(), usedforsecurity=False).hexdigest()
    return storable(source), storable(rule_id), digest


async def expanding(tx: Tx) -> list[tuple[str, str, str | None]]:
    """Return title, text and reason of the enabled rules whose text speaks of placeholders."""
    cursor = await tx.execute(
        "select r.title, r.body, r.reason from radar.rule r where r.enabled and r.body like '%%|expand%%'"
        " order by r.title, r.id limit %s",
        [MAX_LISTED],
    )
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]
