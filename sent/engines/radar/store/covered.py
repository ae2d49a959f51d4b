"""What the matrix of ATT&CK is made of, in SQL: rules with their tags, alerts by rule, names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from sent.platform.db.uow import Tx, fetch

MAX_RULES = 50_000
MAX_GROUPS = 20_000


@dataclass(frozen=True, slots=True)
class TaggedRule:
    """A rule with its tags and the product of its log source (`*`: any)."""

    rule_id: str
    title: str
    level: str
    author: str
    rule_set: str
    product: str
    enabled: bool
    runs: bool
    tags: list[str]


@dataclass(frozen=True, slots=True)
class Raised:
    """Alerts of one rule."""

    rule_id: str
    tags: list[str]
    alerts: int


async def tagged(tx: Tx) -> list[TaggedRule]:
    """Return the rules and correlations by title."""
    return await fetch(
        tx,
        TaggedRule,
        "select r.sigma_id as rule_id, r.title, r.level, r.author, t.name as rule_set,"
        " split_part(r.logsource, '/', 1) as product, r.enabled, r.reason is null as runs, r.tags"
        " from radar.rule r join radar.rule_set t"
        " on t.organization_id = r.organization_id and t.id = r.rule_set_id"
        " where r.kind <> 'filter' order by r.title, r.id limit %s",
        [MAX_RULES],
    )


async def raised(tx: Tx, since: datetime) -> list[Raised]:
    """Return how many alerts each rule raised since then, the most first."""
    return await fetch(
        tx,
        Raised,
        "select a.rule_id, a.tags, count(*) as alerts from radar.alert a where a.at >= %s"
        " group by a.rule_id, a.tags order by 3 desc limit %s",
        [since, MAX_GROUPS],
    )


async def names(tx: Tx) -> tuple[str, dict[str, Any]] | None:
    """Return edition and names of ATT&CK as they were read, or None."""
    cursor = await tx.execute("select n.edition, n.techniques from radar.attack n")
    row = await cursor.fetchone()
    return None if row is None else (str(row[0]), row[1])


async def keep_names(tx: Tx, edition: str, body: dict[str, Any]) -> None:
    """Keep names of ATT&CK in place of those that were there."""
    await tx.execute(
        "insert into radar.attack as n (edition, techniques) values (%s, %s)"
        " on conflict (organization_id) do update"
        " set edition = excluded.edition, techniques = excluded.techniques",
        [edition, Jsonb(body)],
    )


async def forget_names(tx: Tx) -> bool:
    """Forget the names of ATT&CK; False when there were none."""
    cursor = await tx.execute("delete from radar.attack")
    return cursor.rowcount > 0
