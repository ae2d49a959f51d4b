"""Rule sets in SQL: what they hold, what refers to their rules, and what they held before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.engines.radar.model import RuleKind
from sent.engines.radar.rulebook.rulechange import RuleState
from sent.platform.db.uow import Tx, fetch, fetch_one, scalar
from sent.platform.ids import uuid7

PAGE = 1000
MAX_SETS = 500
MAX_REFERRING = 5000


@dataclass(frozen=True, slots=True)
class SetRow:
    """A rule set: rules that can run (filters apart), those that cannot, those switched off."""

    id: UUID
    name: str
    shipped: bool
    digest: str
    rules: int
    idle: int
    off: int
    filters: int
    imported_at: datetime
    imported_by: str | None
    origin: str | None
    undo: bool
    """Whether what it held before can be brought back."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A rule of another set; `kind` tells rules, filters and correlations apart."""

    rule_id: str
    title: str
    kind: RuleKind
    rule_set: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """What a set held before; `existed` False: there was no such set."""

    name: str
    existed: bool
    digest: str
    origin: str | None
    imported_at: datetime | None
    imported_by: UUID | None
    content: bytes


@dataclass(frozen=True, slots=True)
class _Held:
    id: UUID
    sigma_id: str
    title: str
    level: str
    status: str
    kind: RuleKind
    path: str
    body: str
    reason: str | None
    enabled: bool


async def listed(tx: Tx) -> list[SetRow]:
    """Return the sets by name."""
    return await fetch(
        tx,
        SetRow,
        "select t.id, t.name, t.shipped, t.digest, coalesce(n.rules, 0) as rules,"
        " coalesce(n.idle, 0) as idle,"
        " coalesce(n.off, 0) as off, coalesce(n.filters, 0) as filters,"
        " coalesce(t.imported_at, t.updated_at) as imported_at, p.name as imported_by, t.origin,"
        " exists (select from radar.rule_set_before b where b.organization_id = t.organization_id"
        " and b.name = t.name) as undo from radar.rule_set t left join lateral ("
        " select count(*) filter (where r.reason is null and r.kind <> 'filter') as rules,"
        " count(*) filter (where r.reason is not null) as idle,"
        " count(*) filter (where not r.enabled) as off, count(*) filter (where r.kind = 'filter') as filters"
        " from radar.rule r where r.organization_id = t.organization_id and r.rule_set_id = t.id) n on true"
        " left join core.person p on p.id = t.imported_by order by lower(t.name), t.id limit %s",
        [MAX_SETS],
    )


async def held(tx: Tx, name: str) -> list[RuleState]:
    """Return what a set holds, what runs first, in the order of its files."""
    found: list[_Held] = []
    last: UUID | None = None
    while True:
        rows = await fetch(
            tx,
            _Held,
            "select r.id, r.sigma_id, r.title, r.level, r.status, r.kind, r.path, r.body, r.reason, r.enabled"
            " from radar.rule r join radar.rule_set t"
            " on t.organization_id = r.organization_id and t.id = r.rule_set_id"
            " where t.name = %s and (%s::uuid is null or r.id > %s) order by r.id limit %s",
            [name, last, last, PAGE],
        )
        found += rows
        if len(rows) < PAGE:
            break
        last = rows[-1].id
    found.sort(key=lambda row: (row.reason is not None, row.path))
    return [
        RuleState(
            row.sigma_id, row.title, row.level, row.status, row.kind, row.path, row.body, row.reason,
            row.enabled,
        )
        for row in found
    ]  # fmt: skip


async def signature(tx: Tx, name: str) -> str | None:
    """Return what changes whenever the set does, or None when there is none."""
    found = await scalar(
        tx,
        "select md5(coalesce((select string_agg(concat_ws(' ', r.sigma_id, md5(r.path), md5(r.body),"
        " r.enabled), ',' order by r.id) from radar.rule r where r.organization_id = t.organization_id"
        " and r.rule_set_id = t.id), '')) from radar.rule_set t where t.name = %s",
        [name],
    )
    return None if found is None else str(found)


async def locked(tx: Tx, name: str) -> str | None:
    """Return the signature, which stays so until `tx` ends; None when this made the set, empty."""
    made = await scalar(
        tx,
        "insert into radar.rule_set (id, name, shipped, digest) values (%s, %s, false, '')"
        " on conflict (organization_id, name) do nothing returning id",
        [uuid7(), name],
    )
    if made is not None:
        return None
    await tx.execute("select from radar.rule_set t where t.name = %s for update", [name])
    return await signature(tx, name)


async def twins(tx: Tx, name: str, ids: Sequence[str]) -> list[Elsewhere]:
    """Return the rules of other sets that have one of these ids."""
    return await fetch(
        tx,
        Elsewhere,
        "select r.sigma_id as rule_id, r.title, r.kind, t.name as rule_set from radar.rule r"
        " join radar.rule_set t on t.organization_id = r.organization_id and t.id = r.rule_set_id"
        " where r.sigma_id = any (%s) and t.name <> %s order by r.title, r.id limit %s",
        [list(ids), name, PAGE],
    )


async def referring(tx: Tx, name: str) -> list[Elsewhere]:
    """Return the filters and correlations of other sets, with their texts."""
    return await fetch(
        tx,
        Elsewhere,
        "select r.sigma_id as rule_id, r.title, r.kind, t.name as rule_set, r.body as text from radar.rule r"
        " join radar.rule_set t on t.organization_id = r.organization_id and t.id = r.rule_set_id"
        " where r.kind in ('filter', 'correlation') and t.name <> %s order by r.title, r.id limit %s",
        [name, MAX_REFERRING],
    )


async def muted(tx: Tx, ids: Sequence[str]) -> list[Elsewhere]:
    """Return which of these rules are muted now."""
    return await fetch(
        tx,
        Elsewhere,
        "select distinct s.sigma_id as rule_id, s.title, 'rule' as kind, '' as rule_set"
        " from radar.suppression s where s.sigma_id = any (%s) and s.until > now() order by 2 limit %s",
        [list(ids), PAGE],
    )


async def note_import(tx: Tx, name: str, origin: str | None, at: datetime | None, by: UUID | None) -> None:
    """Note where a set came from, when and through whom (`at` None: now)."""
    await tx.execute(
        "update radar.rule_set t set origin = %s, imported_at = coalesce(%s, clock_timestamp()),"
        " imported_by = %s where t.name = %s",
        [None if origin is None else origin[:500], at, by, name],
    )


async def origin_of(tx: Tx, name: str) -> tuple[str, str | None, datetime | None, UUID | None] | None:
    """Return digest, origin, time and person of the set's last import; None when there is no such set."""
    cursor = await tx.execute(
        "select t.digest, t.origin, t.imported_at, t.imported_by from radar.rule_set t where t.name = %s",
        [name],
    )
    row = await cursor.fetchone()
    return None if row is None else (row[0], row[1], row[2], row[3])


async def keep(tx: Tx, before: Before) -> None:
    """Keep what a set held before, in place of what was kept."""
    await tx.execute(
        "insert into radar.rule_set_before as b"
        " (name, existed, digest, origin, imported_at, imported_by, content)"
        " values (%s, %s, %s, %s, %s, %s, %s)"
        " on conflict (organization_id, name) do update set existed = excluded.existed,"
        " digest = excluded.digest, origin = excluded.origin, imported_at = excluded.imported_at,"
        " imported_by = excluded.imported_by, content = excluded.content",
        [
            before.name, before.existed, before.digest, before.origin, before.imported_at, before.imported_by,
            before.content,
        ],
    )  # fmt: skip


async def before(tx: Tx, name: str) -> Before | None:
    """Return what a set held before, or None."""
    return await fetch_one(
        tx,
        Before,
        "select b.name, b.existed, b.digest, b.origin, b.imported_at, b.imported_by, b.content"
        " from radar.rule_set_before b where b.name = %s",
        [name],
    )


async def forget(tx: Tx, name: str) -> None:
    """Forget what a set held before."""
    await tx.execute("delete from radar.rule_set_before b where b.name = %s", [name])


async def remove(tx: Tx, name: str) -> bool:
    """Delete a set with its rules; False when it is not there."""
    cursor = await tx.execute("delete from radar.rule_set t where t.name = %s", [name])
    return cursor.rowcount == 1
