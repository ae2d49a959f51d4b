"""Rules one by one in SQL: the list with hits, texts, and the organisation's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.engines.radar.model import Level, LogSource, RuleKind
from sent.engines.radar.store.sink import storable
from sent.platform.db.uow import Tx, fetch, fetch_one, scalar
from sent.platform.errors import Denied
from sent.platform.ids import uuid7

PAGE = 2000
"""Rules of one round trip."""

MAX_HITS = 50_000
MAX_CONTEXT = 200
"""Rules that are read along with one that refers to them."""

MAX_FILTERS = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the list of rules."""

    id: UUID
    rule_id: str
    title: str
    level: str
    author: str
    status: str
    logsource: str
    tags: list[str]
    rule_set: str
    shipped: bool
    enabled: bool
    reason: str | None
    kind: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A rule with the file it stands in."""

    id: UUID
    rule_id: str
    title: str
    rule_set: str
    shipped: bool
    enabled: bool
    reason: str | None
    kind: str
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a row says of a rule that is saved."""

    rule_id: str
    title: str
    level: Level
    author: str
    status: str
    logsource: str
    tags: tuple[str, ...]
    reason: str | None
    depends: bool
    kind: RuleKind
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class Hits:
    """How often a rule fired lately."""

    rule_id: str
    week: int
    month: int


_STORED = (
    "select r.id, r.sigma_id as rule_id, r.title, t.name as rule_set, t.shipped, r.enabled, r.reason, r.kind,"
    " r.path, r.body from radar.rule r"
    " join radar.rule_set t on t.organization_id = r.organization_id and t.id = r.rule_set_id"
)


async def listed(tx: Tx, after: tuple[str, UUID] | None) -> list[Listed]:
    """Return the next rules by title, at most `PAGE`."""
    return await fetch(
        tx,
        Listed,
        "select r.id, r.sigma_id as rule_id, r.title, r.level, r.author, r.status, r.logsource, r.tags,"
        " t.name as rule_set, t.shipped, r.enabled, r.reason, r.kind, r.updated_at from radar.rule r"
        " join radar.rule_set t on t.organization_id = r.organization_id and t.id = r.rule_set_id"
        + (" where (r.title, r.id) > (%s, %s)" if after else "")
        + f" order by r.title, r.id limit {PAGE}",
        list(after) if after else [],
    )


async def hits(tx: Tx) -> dict[str, Hits]:
    """Return how often rules fired in the last 7 and 30 days, by the rule's own id.

    Alerts count the events they group; one takes in events for a day at most, so older ones need no look.
    """
    found = await fetch(
        tx,
        Hits,
        "select a.rule_id, coalesce(sum(a.count) filter (where a.last_at > now() - interval '7 days'), 0)"
        "::bigint as week, sum(a.count)::bigint as month from radar.alert a"
        " where a.at > now() - interval '31 days' and a.last_at > now() - interval '30 days'"
        " group by a.rule_id order by 3 desc limit %s",
        [MAX_HITS],
    )
    return {each.rule_id: each for each in found}


async def stored(tx: Tx, rule: UUID, *, lock: bool = False) -> Stored | None:
    """Return a rule; with `lock` nobody else changes it before this transaction ends (raises Denied)."""
    found = await fetch_one(tx, Stored, f"{_STORED} where r.id = %s", [rule])
    if found is None or not lock:
        return found
    kept = await fetch_one(tx, Stored, f"{_STORED} where r.id = %s for update of r", [rule])
    if kept is None and await scalar(tx, "select 1 from radar.rule r where r.id = %s", [rule]):
        raise _denied()
    return kept


async def named(tx: Tx, rule_id: str) -> Stored | None:
    """Return the rule with this id of its own: of several the one that runs."""
    return await fetch_one(
        tx,
        Stored,
        f"{_STORED} where lower(r.sigma_id) = lower(%s)"
        " order by r.reason is not null, not r.enabled, r.created_at desc limit 1",
        [rule_id],
    )


async def taken(tx: Tx, rule_id: str, but: UUID | None) -> Stored | None:
    """Return another rule that has this id of its own already."""
    return await fetch_one(
        tx,
        Stored,
        f"{_STORED} where r.sigma_id = %s and r.id is distinct from %s limit 1",
        [rule_id, but],
    )


async def referred(tx: Tx, names: Sequence[str], but: str) -> list[tuple[str, str]]:
    """Return (path, text) of the files whose rules have one of these ids or names, but for the rule `but`."""
    cursor = await tx.execute(
        "select distinct r.path, r.body from radar.rule r where r.enabled and r.kind <> 'filter'"
        " and r.sigma_id <> %s and (lower(r.sigma_id) = any (%s) or exists (select from unnest(%s::text[]) n"
        " where strpos(r.body, 'name: ' || n) > 0)) order by r.path limit %s",
        [but, [name.lower() for name in names], list(names), MAX_CONTEXT],
    )
    return [(str(row[0]), str(row[1])) for row in await cursor.fetchall()]


async def of_logsource(tx: Tx, source: LogSource) -> list[tuple[str, str]]:
    """Return (path, text) of some rules of a log source, for filters that name none."""
    cursor = await tx.execute(
        "select distinct r.path, r.body from radar.rule r where r.enabled and r.kind = 'rule'"
        " and r.reason is null and (%(p)s::text is null or split_part(r.logsource, '/', 1) = %(p)s)"
        " and (%(c)s::text is null or split_part(r.logsource, '/', 2) = %(c)s)"
        " and (%(s)s::text is null or split_part(r.logsource, '/', 3) = %(s)s) order by r.path limit 20",
        {"p": source.product, "c": source.category, "s": source.service},
    )
    return [(str(row[0]), str(row[1])) for row in await cursor.fetchall()]


async def filters_about(tx: Tx, references: Sequence[str]) -> list[tuple[str, str]]:
    """Return (path, text) of the filters that may narrow a rule: they name it, or any."""
    cursor = await tx.execute(
        "select distinct r.path, r.body from radar.rule r where r.enabled and r.kind = 'filter'"
        " and (r.body ~ 'rules:[[:space:]]*[\"'']?any' or exists (select from unnest(%s::text[]) n"
        " where strpos(lower(r.body), lower(n)) > 0)) order by r.path limit %s",
        [list(references), MAX_FILTERS],
    )
    return [(str(row[0]), str(row[1])) for row in await cursor.fetchall()]


async def set_named(tx: Tx, name: str) -> tuple[UUID, int]:
    """Return an own set (made if need be, locked for this transaction) and how many rules it holds."""
    found = await scalar(
        tx,
        "insert into radar.rule_set as t (id, name, shipped, digest) values (%s, %s, false, '')"
        " on conflict (organization_id, name) do update set digest = '' returning t.id",
        [uuid7(), name],
    )
    amount = await scalar(tx, "select count(*) from radar.rule r where r.rule_set_id = %s", [found])
    return UUID(str(found)), int(amount)


async def put(tx: Tx, rule: UUID | None, rule_set: UUID | None, told: Told, *, enabled: bool) -> UUID:
    """Write a rule: over `rule`, else as a new one of `rule_set`; return its id."""
    values = [
        told.rule_id, storable(told.title), told.level, storable(told.author), told.status, told.logsource,
        list(told.tags), storable(told.path), storable(told.body), enabled, told.reason, told.depends,
        told.kind,
    ]  # fmt: skip
    if rule is not None:
        cursor = await tx.execute(
            "update radar.rule set sigma_id = %s, title = %s, level = %s, author = %s, status = %s,"
            " logsource = %s, tags = %s, path = %s, body = %s, enabled = %s, reason = %s, depends = %s,"
            " kind = %s where id = %s",
            [*values, rule],
        )
        if cursor.rowcount != 1:
            raise _denied()
        return rule
    made = uuid7()
    await tx.execute(
        "insert into radar.rule (id, rule_set_id, sigma_id, title, level, author, status, logsource, tags,"
        " path, body, enabled, reason, depends, kind)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [made, rule_set, *values],
    )
    return made


async def remove(tx: Tx, rules: Sequence[UUID], sets: Sequence[str]) -> list[Stored]:
    """Delete rules of these sets; return them as they were."""
    found = await fetch(
        tx, Stored, f"{_STORED} where r.id = any (%s) and t.name = any (%s)", [list(rules), list(sets)]
    )
    cursor = await tx.execute("delete from radar.rule r where r.id = any (%s)", [[each.id for each in found]])
    if cursor.rowcount != len(found):
        raise _denied()
    return found


async def enable(tx: Tx, rules: Sequence[UUID], enabled: bool) -> tuple[int, list[UUID]]:
    """Switch rules on or off; return how many there are, and those that changed."""
    counted = await tx.execute(
        "select count(*), count(*) filter (where r.enabled <> %s) from radar.rule r where r.id = any (%s)",
        [enabled, list(rules)],
    )
    there, other = await counted.fetchone() or (0, 0)
    cursor = await tx.execute(
        "update radar.rule r set enabled = %s where r.id = any (%s) and r.enabled <> %s returning r.id",
        [enabled, list(rules), enabled],
    )
    changed = [row[0] for row in await cursor.fetchall()]
    if len(changed) < other:
        raise _denied()
    return int(there), changed


def _denied() -> Denied:
    """Return the error for rows that may be seen and not changed: policies pass over them in silence."""
    return Denied("radar.manage", "your role may not change rules of the radar")


async def others_wait_for(tx: Tx, rules: Sequence[UUID]) -> bool:
    """Say whether a correlation or filter depends on one of these rules, by id or name, or on any."""
    found = await scalar(
        tx,
        "select exists (select from radar.rule r join radar.rule d on d.depends and d.kind <> 'rule'"
        " and d.id <> r.id and (strpos(lower(d.body), lower(r.sigma_id)) > 0 or strpos(d.body,"
        " substring(r.body from '(?:^|\n)name:[ ]*[\"'']?([^\\s\"'']+)')) > 0 or d.kind = 'filter'"
        " and strpos(d.body, 'any') > 0) where r.id = any (%s))",
        [list(rules)],
    )
    return bool(found)


async def person_name(tx: Tx, person: UUID) -> str:
    """Return a person's name, or an empty text."""
    found = await scalar(tx, "select p.name from core.person p where p.id = %s", [person])
    return "" if found is None else str(found)
