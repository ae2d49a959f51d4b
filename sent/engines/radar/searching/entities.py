"""Use cases of the timeline: what happened to a host, user or address, and whom it has to do with.

Every question to the events is bounded by the search itself (`explore`); at most `AT_ONCE` run together, and
the whole looks for at most `CANDIDATES` values that the entity never had before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sent.engines.incidents import api as incidents
from sent.engines.radar.entity import USER_FIELDS
from sent.engines.radar.searching import explore
from sent.engines.radar.searching.found import FieldValues, FoundEvent, Histogram
from sent.engines.radar.searching.query import MAX_QUERY, term
from sent.engines.radar.searching.timeline import (
    ADDRESS_FIELDS,
    ENTITY_KINDS,
    MAX_VALUE,
    SINCE_RISK,
    Entity,
    Entry,
    Related,
    Weighed,
    closings,
    combined,
    merged,
    risk_line,
    search_line,
    within,
)
from sent.engines.radar.store import timeline as store
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Denied, Invalid

EVENTS = 200
"""Events that the stream lists, the latest of the span."""

BUCKETS = 120
RELATED = 12
FIELDS_ASKED = 3
"""Fields of one kind that are asked for values, the most frequent ones."""

CANDIDATES = 12
RARE = 50
"""A value in more events than this is not rare."""

BEFORE = timedelta(days=14)
SEEN = timedelta(days=90)
LONGEST = timedelta(days=92)
DAY = timedelta(days=1)
AT_ONCE = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeline:
    """The stream of a span, newest first; `complete` False: older entries were left out."""

    entity: Entity
    since: datetime
    until: datetime
    entries: tuple[Entry, ...]
    complete: bool
    histogram: Histogram
    risk: tuple[tuple[datetime, float], ...]
    alerts: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whom the entity has to do with in the span, what is new about it, and since when it is known.

    `first_seen` is the beginning of the first day with events within 90 days, None: there are none.
    """

    related: tuple[Related, ...] = ()
    new: tuple[Entry, ...] = ()
    first_seen: datetime | None = None
    last_seen: datetime | None = None


@dataclass(slots=True)
class _Candidate:
    kind: str
    field: str
    value: str
    amount: int = 0


@dataclass(slots=True)
class _Values:
    found: list[tuple[str, int]] = field(default_factory=list)
    candidates: list[_Candidate] = field(default_factory=list)


def checked(kind: str, value: str) -> Entity:
    """Return the entity; raises Invalid for an unknown kind and for no value."""
    value = value.strip()
    if kind not in ENTITY_KINDS or not 1 <= len(value) <= MAX_VALUE:
        kinds = ", ".join(ENTITY_KINDS)
        raise Invalid("radar.entity", f"an entity is a {kinds} of 1 to {MAX_VALUE} characters")
    entity = Entity(next(known for known in ENTITY_KINDS if known == kind), value)
    if len(search_line(entity)) > MAX_QUERY:
        raise Invalid("radar.entity", f"this name of a {kind} is too long to search for")
    return entity


async def timeline(ctx: Ctx, kind: str, value: str, since: datetime, until: datetime) -> Timeline:
    """Return what happened to an entity in [since, until), at most 92 days; raises Invalid."""
    entity = checked(kind, value)
    if not timedelta(0) < until - since <= LONGEST:
        raise Invalid("radar.entity.span", f"a timeline spans at most {LONGEST.days} days")
    line = search_line(entity)
    histogram = await explore.event_histogram(ctx, line, since, until, buckets=BUCKETS)
    page = await explore.find_events(ctx, line, since, until, limit=EVENTS)
    async with uow(ctx) as tx:
        alerts = await store.alerts(tx, entity, since - SINCE_RISK, until)
        changes = await store.changes(tx, [alert.id for alert in alerts])
        muted = await store.muted(tx, entity)
    cases = await _incidents(ctx, [str(alert.id) for alert in alerts])
    shown = [alert for alert in alerts if alert.at >= since]
    titles = {alert.id: alert.title for alert in alerts}
    closed = closings((c.alert_id, c.at, c.value) for c in changes if c.kind == "state")
    weighed = [Weighed(a.rule_id, a.level, a.at, closed.get(a.id)) for a in alerts]
    streams = (
        [_alert(alert) for alert in shown],
        [_change(change, titles[change.alert_id]) for change in changes],
        [_muted(row) for row in muted],
        cases,
        [_event(event) for event in page.events],
    )
    entries, complete = merged(*(within(stream, since, until) for stream in streams))
    line_of_risk = await asyncio.to_thread(risk_line, weighed, since, until)
    return Timeline(
        entity, since, until, tuple(entries), complete, histogram, tuple(line_of_risk), len(shown)
    )


async def surroundings(ctx: Ctx, kind: str, value: str, since: datetime, until: datetime) -> Surroundings:
    """Return whom an entity has to do with in [since, until), and what it never had in 14 days before."""
    entity = checked(kind, value)
    line = search_line(entity)
    uses = await explore.field_uses(ctx, line, since, until)
    present = [use.field for use in uses]
    wanted = {
        "host": ["host"],
        "user": [name for name in present if name in USER_FIELDS][:FIELDS_ASKED],
        "address": [name for name in present if name in ADDRESS_FIELDS][:FIELDS_ASKED],
        "program": ["program"],
    }
    asked = [(group, name) for group, names in wanted.items() for name in names]
    answers = await _together(
        *(explore.field_values(ctx, line, since, until, name, limit=100) for _, name in asked)
    )
    groups = _grouped(asked, answers, entity)
    related = [
        Related(group, combined(found.found, entity.value if group == entity.kind else "", RELATED))  # type: ignore[arg-type]
        for group, found in groups.items()
    ]
    first, last = await _seen(ctx, line)
    known = first is not None and first + DAY <= since
    new = await _new(ctx, entity, groups, since, until) if known else []
    return Surroundings(tuple(each for each in related if each.values), tuple(new), first, last)


def _grouped(
    asked: Sequence[tuple[str, str]], answers: Sequence[FieldValues], entity: Entity
) -> dict[str, _Values]:
    groups: dict[str, _Values] = {}
    for (group, name), found in zip(asked, answers, strict=True):
        values = groups.setdefault(group, _Values())
        for counted in found.values:
            text = (counted.value or "").strip()
            if not text or text.lower() == entity.value.lower():
                continue
            values.found.append((text, counted.amount))
            if counted.amount <= RARE and len(text) <= MAX_VALUE:
                values.candidates.append(_Candidate(group, name, text, counted.amount))
    return groups


async def _new(
    ctx: Ctx, entity: Entity, groups: dict[str, _Values], since: datetime, until: datetime
) -> list[Entry]:
    """Return the moments at which rare values appeared that were in no event of the time before."""
    every = sorted(
        (candidate for values in groups.values() for candidate in values.candidates),
        key=lambda candidate: (candidate.amount, candidate.kind, candidate.value),
    )[:CANDIDATES]
    found = await _together(*(_first(ctx, entity, each, since, until) for each in every))
    return [entry for entry in found if entry is not None]


async def _first(
    ctx: Ctx, entity: Entity, candidate: _Candidate, since: datetime, until: datetime
) -> Entry | None:
    line = search_line(entity, term(candidate.field, candidate.value))
    if len(line) > MAX_QUERY:
        return None
    before = await explore.find_events(ctx, line, since - BEFORE, since, limit=1)
    if before.events or before.looked_to is not None:
        return None
    page = await explore.find_events(ctx, line, since, until, limit=EVENTS)
    if not page.events or page.looked_to is not None:
        return None
    event = page.events[-1]
    return Entry(event.at, "first", candidate.value, event.message[:300], actor=candidate.kind)


async def _seen(ctx: Ctx, line: str) -> tuple[datetime | None, datetime | None]:
    """Return when the entity was first (to the day) and last seen within 90 days."""
    now = datetime.now(UTC)
    latest = await explore.find_events(ctx, line, now - SEEN, now, limit=1)
    if not latest.events:
        return None, None
    days = await explore.event_histogram(ctx, line, now - SEEN, now, buckets=92)
    first = min((bucket.at for bucket in days.buckets), default=latest.events[0].at)
    return first, latest.events[0].at


async def _incidents(ctx: Ctx, refs: Sequence[str]) -> list[Entry]:
    """Return the incidents of these alerts; none for who may not see incidents."""
    try:
        found = await incidents.incidents_of_records(ctx, "radar.alert", refs)
    except Denied:
        return []
    return [
        Entry(
            each.opened_at, "incident", f"#{each.number} {each.title}", each.status, each.severity,
            each.opened_by_name or "", f"incidents/{each.id}",
        )
        for each in found
    ]  # fmt: skip


def _alert(alert: store.AlertRow) -> Entry:
    return Entry(
        alert.at, "alert", alert.title, alert.host, alert.level, "", f"radar/alert/{alert.id}", alert.author
    )


def _change(change: store.ChangeRow, title: str) -> Entry:
    record = f"radar/alert/{change.alert_id}"
    if change.kind == "comment":
        return Entry(change.at, "comment", title, change.value[:500], "", change.actor, record)
    said = f"{change.value}: {change.reason}" if change.reason else change.value
    return Entry(change.at, "decision", title, said, "", change.actor, record)


def _muted(row: store.MutedRow) -> Entry:
    until = row.until.isoformat(timespec="minutes")
    return Entry(row.at, "muted", row.title, f"{row.reason} ({until}, {row.hits})", "", row.actor)


def _event(event: FoundEvent) -> Entry:
    return Entry(event.at, "event", event.message[:300], event.program, event.level, event.host)


async def _together(*work: Awaitable[T]) -> list[T]:
    """Await all, a few at a time: each takes a connection."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(one: Awaitable[T]) -> T:
        async with gate:
            return await one

    return list(await asyncio.gather(*(gated(one) for one in work)))
