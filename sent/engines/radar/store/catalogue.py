"""Rules and sources in SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.engines.radar.desk import RuleRow, SourceRow
from sent.engines.radar.model import LogSource, Rule, RuleKind, RuleSet
from sent.engines.radar.store.sink import storable
from sent.platform.db.uow import Tx, fetch, fetch_one, scalar
from sent.platform.ids import uuid7

MAX_LISTED = 50_000

MAX_SOURCES = 200
"""Sources of one organisation that are worked: each costs a socket or an open file of all."""

MAX_RULE_TEXT = 64_000_000
"""Characters of one organisation's rules that are loaded; SigmaHQ's 3,000 have 8 million."""


@dataclass(frozen=True, slots=True)
class Source:
    """A configured source as the worker needs it; its organisation stands beside it."""

    id: UUID
    organization_id: UUID
    client_id: UUID | None
    name: str
    kind: str
    address: str
    product: str | None
    category: str | None
    service: str | None
    zone: str
    version: int
    tls: dict[str, Any] | None = None
    token_digest: str | None = None
    mapping: str | None = None
    """Steps its events go through, as JSON (see `mapping`); None: they stay as they are."""

    @property
    def logsource(self) -> LogSource:
        """What the operator said about its events."""
        return LogSource(self.product, self.category, self.service)


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule of an organisation that is switched on."""

    path: str
    body: str


@dataclass(frozen=True, slots=True)
class _RuleRow:
    id: UUID
    rule_id: str
    title: str
    level: str
    author: str
    status: str
    logsource: str
    tags: list[str]
    rule_set: str
    enabled: bool
    reason: str | None
    version: int
    kind: str


async def enabled_sources(tx: Tx) -> list[Source]:
    """Return the enabled sources of every organisation, the first `MAX_SOURCES` of each.

    Only sent_system sees all. The bound is per organisation, so that none can crowd out the others.
    """
    return await fetch(
        tx,
        Source,
        "select s.id, s.organization_id, s.client_id, s.name, s.kind, s.address, s.product, s.category,"
        " s.service, s.zone, s.version, s.tls, s.token_digest, s.mapping::text as mapping"
        " from (select n.*, row_number() over"
        " (partition by n.organization_id order by n.created_at, n.id) as place"
        " from radar.source n where n.enabled) s where s.place <= %s order by s.created_at, s.id",
        [MAX_SOURCES],
    )


async def source(tx: Tx, id: UUID) -> Source | None:
    """Return a source of any organisation, also one that is switched off (only sent_system sees all)."""
    return await fetch_one(
        tx,
        Source,
        "select s.id, s.organization_id, s.client_id, s.name, s.kind, s.address, s.product, s.category,"
        " s.service, s.zone, s.version, s.tls, s.token_digest, s.mapping::text as mapping"
        " from radar.source s where s.id = %s",
        [id],
    )


async def organisation_exists(tx: Tx) -> bool:
    """Return whether the organisation of the transaction is still there."""
    return bool(await scalar(tx, "select exists (select from core.organization o where o.id = sec.org())"))


async def rule_texts(tx: Tx) -> list[RuleText]:
    """Return the rules that are to run, in the order of their files."""
    return await fetch(
        tx,
        RuleText,
        "select b.path, b.body from (select r.path, r.body, min(r.created_at) as since,"
        " sum(length(r.body)) over (order by min(r.created_at), r.path, md5(r.body)) as total"
        " from radar.rule r where r.enabled and (r.reason is null or r.depends) group by r.path, r.body) b"
        " where b.total <= %s order by b.path limit %s",
        [MAX_RULE_TEXT, MAX_LISTED],
    )


async def alone_with(tx: Tx, name: str) -> None:
    """Wait until nobody else rewrites the set `name` from what it held, until the transaction ends.

    Its row is the lock, made when it is not there yet: staff have no right to advisory locks.
    """
    await tx.execute(
        "insert into radar.rule_set as t (id, name, shipped, digest) values (%s, %s, false, '')"
        " on conflict (organization_id, name) do update set name = excluded.name",
        [uuid7(), name],
    )


async def texts_of(tx: Tx, name: str) -> list[RuleText]:
    """Return the texts of a rule set, each file once, in the order of their files."""
    return await fetch(
        tx,
        RuleText,
        "select distinct r.path, r.body from radar.rule r join radar.rule_set t"
        " on t.organization_id = r.organization_id and t.id = r.rule_set_id where t.name = %s"
        " order by r.path limit %s",
        [name, MAX_LISTED],
    )


async def disabled_ids(tx: Tx) -> set[str]:
    """Return the Sigma ids somebody switched off."""
    cursor = await tx.execute("select r.sigma_id from radar.rule r where not r.enabled")
    return {row[0] for row in await cursor.fetchall()}


async def rules(tx: Tx) -> list[RuleRow]:
    """Return all rules of the organisation by title; rejected ones with their reason."""
    rows = await fetch(
        tx,
        _RuleRow,
        "select r.id, r.sigma_id as rule_id, r.title, r.level, r.author, r.status, r.logsource, r.tags,"
        " t.name as rule_set, r.enabled, r.reason, r.version, r.kind from radar.rule r"
        " join radar.rule_set t on t.organization_id = r.organization_id and t.id = r.rule_set_id"
        " order by r.title, r.id limit %s",
        [MAX_LISTED],
    )
    return [
        RuleRow(
            row.id,
            row.rule_id,
            row.title,
            row.level,
            row.author,
            row.status,
            row.logsource,
            tuple(row.tags),
            row.rule_set,
            row.enabled,
            row.reason,
            row.version,
            row.kind,
        )
        for row in rows
    ]


async def rules_signature(tx: Tx) -> tuple[object, ...]:
    """Return what changes whenever a rule does, or a placeholder's values."""
    cursor = await tx.execute(
        "select count(*), max(r.updated_at), count(*) filter (where r.enabled),"
        " (select count(*) from radar.placeholder), (select max(p.updated_at) from radar.placeholder p)"
        " from radar.rule r"
    )
    return tuple(await cursor.fetchone() or ())


async def rule_counts(tx: Tx) -> tuple[int, int]:
    """Return how many rules run and how many were rejected."""
    cursor = await tx.execute(
        "select count(*) filter (where r.enabled and r.reason is null and r.kind <> 'filter'),"
        " count(*) filter (where r.reason is not null) from radar.rule r"
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else (0, 0)


async def rule_set_digest(tx: Tx, name: str) -> str | None:
    """Return the digest of the rule set called `name`."""
    found = await scalar(tx, "select t.digest from radar.rule_set t where t.name = %s", [name])
    return None if found is None else str(found)


async def replace_rule_set(
    tx: Tx, name: str, digest: str, found: RuleSet, *, shipped: bool, off: Collection[str] = ()
) -> None:
    """Put the rules of a set in place of what it held; what is `off` or was switched off is off."""
    cursor = await tx.execute(
        "insert into radar.rule_set as t (id, name, shipped, digest) values (%s, %s, %s, %s)"
        " on conflict (organization_id, name) do update set digest = excluded.digest returning t.id",
        [uuid7(), name, shipped, digest],
    )
    row = await cursor.fetchone()
    set_id = row[0] if row else None
    disabled = set(off)
    gone = await tx.execute(
        "delete from radar.rule r where r.rule_set_id = %s returning r.sigma_id, r.enabled", [set_id]
    )
    disabled |= {sigma_id for sigma_id, enabled in await gone.fetchall() if not enabled}
    columns = list(zip(*_rule_values(found, disabled), strict=True))
    if columns:
        await tx.execute(
            "insert into radar.rule (id, rule_set_id, sigma_id, title, level, author, status, logsource,"
            " tags, path, body, enabled, reason, depends, kind) select n.id, %s, n.sigma_id, n.title,"
            " n.level, n.author, n.status, n.logsource,"
            " coalesce(string_to_array(nullif(n.tags, ''), E'\\n'), '{}'),"
            " n.path, n.body, n.enabled, n.reason, n.depends, n.kind"
            " from unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
            " %s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[], %s::text[], %s::boolean[],"
            " %s::text[])"
            " n (id, sigma_id, title, level, author, status, logsource, tags, path, body, enabled, reason,"
            " depends, kind)",
            [set_id, *(list(column) for column in columns)],
        )


def _rule_values(found: RuleSet, disabled: set[str]) -> list[tuple[Any, ...]]:
    values = [_rule_value(rule, disabled, "rule", bool(rule.placeholders)) for rule in found.rules]
    values += [_rule_value(made.rule, disabled, "correlation", True) for made in found.correlations]
    values += [
        (
            uuid7(),
            made.id,
            storable(made.title),
            "informational",
            storable(made.author),
            "",
            str(made.logsource),
            "",
            storable(made.source),
            storable(made.text),
            made.id not in disabled,
            None,
            True,
            "filter",
        )
        for made in found.filters
    ]
    values += [
        (
            uuid7(),
            storable(bad.rule_id),
            storable(bad.title),
            "medium",
            "",
            "",
            "",
            "",
            storable(bad.source),
            storable(bad.text),
            bad.rule_id not in disabled,
            storable(bad.reason),
            bad.depends,
            bad.kind,
        )
        for bad in found.rejected
    ]
    return values


def _rule_value(rule: Rule, disabled: set[str], kind: RuleKind, depends: bool) -> tuple[Any, ...]:
    return (
        uuid7(),
        rule.id,
        storable(rule.title),
        rule.level,
        storable(rule.author),
        rule.status,
        str(rule.logsource),
        "\n".join(rule.tags) or "",
        storable(rule.source),
        storable(rule.text),
        rule.id not in disabled,
        None,
        depends,
        kind,
    )


async def enable_rule(tx: Tx, rule_id: UUID, enabled: bool) -> bool:
    """Switch a rule on or off; False when it is not there."""
    cursor = await tx.execute("update radar.rule set enabled = %s where id = %s", [enabled, rule_id])
    return cursor.rowcount == 1


async def sources(tx: Tx) -> list[SourceRow]:
    """Return the organisation's sources by name."""
    return await fetch(
        tx,
        SourceRow,
        "select s.id, s.name, s.kind, s.address, s.product, s.category, s.service, s.enabled, s.client_id,"
        " c.name as client_name, (select max(m.bucket) from radar.event_minute m where m.source_id = s.id"
        " and m.bucket > now() - interval '1 day') as last_event_at, s.version, s.tls from radar.source s"
        " left join core.client c on c.organization_id = s.organization_id and c.id = s.client_id"
        " order by s.name, s.id limit 10000",
    )


async def add_source(tx: Tx, source: SourceRow, zone: str, token_digest: str | None) -> None:
    """Insert a source; Conflict when the name is taken."""
    await tx.execute(
        "insert into radar.source (id, name, kind, address, product, category, service, enabled, client_id,"
        " zone, tls, token_digest) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            source.id,
            source.name,
            source.kind,
            source.address,
            source.product,
            source.category,
            source.service,
            source.enabled,
            source.client_id,
            zone,
            None if source.tls is None else Jsonb(source.tls),
            token_digest,
        ],
    )


async def enable_source(tx: Tx, source_id: UUID, enabled: bool) -> bool:
    """Switch a source on or off; False when it is not there."""
    cursor = await tx.execute("update radar.source set enabled = %s where id = %s", [enabled, source_id])
    return cursor.rowcount == 1


async def remove_source(tx: Tx, source_id: UUID) -> bool:
    """Delete a source; its events and alerts stay. False when it is not there."""
    cursor = await tx.execute("delete from radar.source where id = %s", [source_id])
    return cursor.rowcount == 1
