"""The alert queue in SQL: filter, page, count, detail, triage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sent.engines.radar.desk import Alert, AlertDetail, AlertFilter, Change, MatchedField, parse_query
from sent.engines.radar.entity import user_sql
from sent.engines.radar.risk import AlertFacts
from sent.platform.db.uow import Tx, fetch, scalar

MAX_PAGE = 2000

_COLUMNS = """
select a.id, a.at, a.level, a.rule_id, a.title, a.author, a.tags, coalesce(s.name, '') as source_name,
  a.host, a.state, a.assignee_id as assignee, p.name as assignee_name, a.count, a.triage as version,
  c.name as client_name, a.last_at, a.client_id, a.received_at, a.reason
from radar.alert a
left join radar.source s on s.organization_id = a.organization_id and s.id = a.source_id
left join core.person p on p.id = a.assignee_id
left join core.client c on c.organization_id = a.organization_id and c.id = a.client_id
"""

_QUERY_COLUMNS = {
    "level": "a.level",
    "state": "a.state",
    "rule": "a.rule_id",
    "host": "a.host",
    "source": "coalesce(s.name, '')",
    "client": "coalesce(c.name, '')",
    "assignee": "coalesce(p.name, '')",
    "author": "a.author",
    "title": "a.title",
    "tag": "array_to_string(a.tags, ' ')",
    "reason": "coalesce(a.reason, '')",
    "user": user_sql("a.event"),
}
_ANY_TEXT = "concat_ws(' ', a.title, a.host, a.rule_id, s.name, array_to_string(a.tags, ' '))"


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    at: datetime
    level: str
    rule_id: str
    title: str
    author: str
    tags: list[str]
    source_name: str
    host: str
    state: Any
    assignee: UUID | None
    assignee_name: str | None
    count: int
    version: int
    client_name: str | None
    last_at: datetime
    client_id: UUID | None
    received_at: datetime
    reason: str | None

    def value(self) -> Alert:
        values = {name: getattr(self, name) for name in self.__slots__}
        return Alert(**values | {"tags": tuple(self.tags)})


async def page(tx: Tx, wanted: AlertFilter, before: tuple[datetime, UUID] | None, limit: int) -> list[Alert]:
    """Return a page of the queue, latest first, older than the row `before` (at, id)."""
    where, values = _where(wanted)
    if before is not None:
        where += " and (a.at, a.id) < (%s, %s)"
        values += before
    query = f"{_COLUMNS} where {where} order by a.at desc, a.id desc limit %s"
    rows = await fetch(tx, _Row, query, [*values, max(1, min(limit, MAX_PAGE))])
    return [row.value() for row in rows]


async def count(tx: Tx, wanted: AlertFilter) -> int:
    """Return how many alerts the filter shows."""
    where, values = _where(wanted)
    joins = _COLUMNS[_COLUMNS.index("from radar.alert") :]
    cursor = await tx.execute(f"select count(*) {joins} where {where}", values)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def by_ids(tx: Tx, ids: Sequence[UUID]) -> list[Alert]:
    """Return these alerts, latest first."""
    query = f"{_COLUMNS} where a.id = any (%s) order by a.at desc, a.id desc"
    return [row.value() for row in await fetch(tx, _Row, query, [list(ids)])]


async def detail(tx: Tx, alert_id: UUID) -> AlertDetail | None:
    """Return an alert with its event, why it fired and its history; the rule's text is parsed later."""
    found = await by_ids(tx, [alert_id])
    if not found:
        return None
    cursor = await tx.execute(
        "select a.matched, a.event, (select r.body from radar.rule r where r.sigma_id = a.rule_id"
        " order by r.reason is not null, r.created_at desc limit 1) from radar.alert a where a.id = %s",
        [alert_id],
    )
    row = await cursor.fetchone()
    matched, event, body = row if row else ([], {}, None)
    return AlertDetail(
        alert=found[0],
        description="",
        references=(),
        falsepositives=(),
        rule_yaml=body or "",
        event=event,
        matched=[MatchedField(**item) for item in matched],
        history=await _history(tx, alert_id),
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    at: datetime
    actor_name: str | None
    kind: str
    value: str | None
    person_name: str | None
    reason: str | None
    comment: UUID | None


async def _history(tx: Tx, alert_id: UUID) -> list[Change]:
    entries = await fetch(
        tx,
        _Entry,
        "select n.at, p.name as actor_name, n.kind, n.value, q.name as person_name, n.reason, n.comment"
        " from (select h.created_at as at, h.id, h.actor_id, h.kind, h.value, h.reason, null::uuid as comment"
        "  from radar.alert_change h where h.alert_id = %s"
        "  union all select c.created_at, c.id, c.author_id, 'comment', c.body, null, c.id"
        "  from radar.comment c where c.alert_id = %s) n left join core.person p on p.id = n.actor_id"
        " left join core.person q on n.kind = 'assignee'"
        " and q.id = case when n.kind = 'assignee' then n.value::uuid end"
        " order by n.at desc, n.id desc limit 500",
        [alert_id, alert_id],
    )
    return [Change(entry.at, entry.actor_name, _told(entry), entry.comment) for entry in entries]


def _told(entry: _Entry) -> str:
    if entry.kind == "comment":
        return entry.value or ""
    if entry.kind == "assignee":
        return f"assigned to {entry.person_name or entry.value}" if entry.value else "unassigned"
    told = {"new": "reopened", "acknowledged": "acknowledged", "closed": "closed"}.get(
        entry.value or "", entry.value or ""
    )
    return f"{told}: {entry.reason}" if entry.reason else told


async def comment(tx: Tx, ids: Sequence[UUID], text: str) -> list[UUID]:
    """Write a comment on each of the alerts."""
    found = await scalar(tx, "select radar.comment_alerts(%s::uuid[], %s)", [list(ids), text])
    return list(found or [])


async def withdraw_comments(tx: Tx, comments: Sequence[UUID]) -> int:
    """Delete one's own comments of the last day; returns how many."""
    return int(await scalar(tx, "select radar.withdraw_comments(%s::uuid[])", [list(comments)]))


async def facts(tx: Tx, wanted: AlertFilter, limit: int) -> list[AlertFacts]:
    """Return what grouping needs of the alerts that pass the filter, the latest first."""
    where, values = _where(wanted)
    joins = _COLUMNS[_COLUMNS.index("from radar.alert") :]
    return await fetch(
        tx,
        AlertFacts,
        f"select a.rule_id, a.title, a.author, a.level, a.host, {user_sql('a.event')} as user,"
        f" a.last_at, a.count, a.state {joins} where {where} order by a.at desc, a.id desc limit %s",
        [*values, limit],
    )


async def set_state(
    tx: Tx, ids: Sequence[UUID], state: str, expected: Mapping[UUID, int] | None, reason: str | None = None
) -> None:
    """Change the state; Conflict when an alert was decided on since, Denied without the permission."""
    await tx.execute(
        "select radar.set_alert_state(%s::uuid[], %s::integer[], %s, %s)",
        [list(ids), _versions(ids, expected), state, reason],
    )


async def assign(tx: Tx, ids: Sequence[UUID], person: UUID | None) -> None:
    """Give the alerts to a member of the organisation, or to nobody."""
    await tx.execute(
        "select radar.assign_alerts(%s::uuid[], %s::integer[], %s)",
        [list(ids), _versions(ids, None), person],
    )


async def record_past(
    tx: Tx, alert_id: UUID, actor: UUID, at: datetime, kind: Literal["state", "assignee"], value: str
) -> None:
    """Enter a decision of the past; trusted services only, staff decide through the functions above."""
    column = {"state": "state", "assignee": "assignee_id"}[kind]
    kept = "text" if kind == "state" else "uuid"
    await tx.execute(
        "insert into radar.alert_change (client_id, alert_id, actor_id, kind, value, before, created_at)"
        f" select a.client_id, a.id, %s, %s, %s, a.{column}::text, %s from radar.alert a where a.id = %s",
        [actor, kind, value, at, alert_id],
    )
    await tx.execute(
        f"update radar.alert set {column} = %s::{kept}, triage = triage + 1 where id = %s", [value, alert_id]
    )


@dataclass(frozen=True, slots=True)
class _LevelCount:
    level: str
    amount: int


async def open_by_level(tx: Tx) -> dict[str, int]:
    """Return how many alerts are new, by level."""
    rows = await fetch(
        tx,
        _LevelCount,
        "select a.level, count(*) as amount from radar.alert a where a.state = 'new' group by a.level",
    )
    return {row.level: row.amount for row in rows}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody an alert can be given to."""

    id: UUID
    name: str


async def members(tx: Tx) -> list[Member]:
    """Return the active people of the organisation, by name."""
    return await fetch(
        tx,
        Member,
        "select p.id, p.name from core.membership m join core.person p on p.id = m.person_id"
        " where m.state = 'active' order by p.name, p.id limit 2000",
    )


def _versions(ids: Sequence[UUID], expected: Mapping[UUID, int] | None) -> list[int | None]:
    return [(expected or {}).get(alert_id) for alert_id in ids]


def _where(wanted: AlertFilter) -> tuple[str, list[Any]]:
    parts = ["a.organization_id = (select sec.org())"]
    values: list[Any] = []

    def add(condition: str, *given: Any) -> None:
        parts.append(condition)
        values.extend(given)

    if wanted.levels:
        add("a.level = any (%s)", list(wanted.levels))
    if wanted.states:
        add("a.state = any (%s)", list(wanted.states))
    if wanted.text:
        add(f"{_ANY_TEXT} ilike %s", like(wanted.text))
    if wanted.rule_id:
        add("a.rule_id = %s", wanted.rule_id)
    if wanted.host:
        add("a.host = %s", wanted.host)
    if wanted.assignee:
        add("a.assignee_id = %s", wanted.assignee)
    if wanted.since:
        add("a.at >= %s", wanted.since)
    if wanted.until:
        add("a.at < %s", wanted.until)
    for name, value, negated in parse_query(wanted.query).terms:
        column = _QUERY_COLUMNS.get(name.lower()) or ("a.event ->> %s" if name else _ANY_TEXT)
        given = [name] if column == "a.event ->> %s" else []
        if name and value.startswith("=") and len(value) > 1:
            equals = "<>" if negated else "="
            add(f"lower(coalesce({column}, '')) {equals} lower(%s)", *given, value[1:])
            continue
        add(f"{'not ' if negated else ''}coalesce({column}, '') ilike %s", *given, like(value))
    return " and ".join(parts), values


def like(text: str) -> str:
    """Return the pattern that finds `text` anywhere; `*` stands for any run of characters."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped.replace('*', '%')}%"
