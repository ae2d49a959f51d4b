"""Everything about one host, user or address in the order of time. Pure: what is read is merged here.

Risk at a moment is what `risk` would have said then: alerts raised by then, less those closed by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sent.engines.radar.entity import USER_FIELDS
from sent.engines.radar.risk import risk, weight
from sent.engines.radar.searching.query import quoted

EntityKind = Literal["host", "user", "address"]
ENTITY_KINDS: tuple[EntityKind, ...] = ("host", "user", "address")

EntryKind = Literal["alert", "decision", "comment", "incident", "muted", "first", "event"]
ENTRY_KINDS: tuple[EntryKind, ...] = ("alert", "decision", "comment", "incident", "muted", "first", "event")

HOST_FIELDS = ("host", "hostname", "Computer", "ComputerName", "WorkstationName")
ADDRESS_FIELDS = (
    "src_ip", "dst_ip", "SourceIp", "DestinationIp", "IpAddress", "SourceAddress", "DestAddress",
    "client_ip", "remote_ip", "sourceIPAddress", "src", "dst",
)  # fmt: skip
"""Fields that hold an address of the network."""

MAX_ENTRIES = 3000
MAX_VALUE = 255
RISK_POINTS = 120
SINCE_RISK = timedelta(days=7)
"""How long before the span alerts still weigh: after seven days a hundredth and less."""


@dataclass(frozen=True, slots=True)
class Entity:
    """Whom a timeline is about."""

    kind: EntityKind
    value: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A moment of the timeline. `record` is its place in the console (`radar/alert/<id>`), empty: none."""

    at: datetime
    kind: EntryKind
    title: str
    detail: str = ""
    level: str = ""
    actor: str = ""
    record: str = ""
    credit: str = ""
    """Whom it is owed to: the author of an alert's rule."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """An alert as the line of risk needs it; `closed_at` None: it is not closed."""

    rule_id: str
    level: str
    at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """Other entities in the events: `values` (value, how many events), the most frequent first."""

    kind: EntityKind | Literal["program"]
    values: tuple[tuple[str, int], ...]


def kind_of(field: str) -> EntityKind | None:
    """Return what a field's values name, or None."""
    if field in HOST_FIELDS:
        return "host"
    if field in USER_FIELDS:
        return "user"
    return "address" if field in ADDRESS_FIELDS else None


def fields_of(kind: EntityKind) -> tuple[str, ...]:
    """Return the fields that name such an entity in events; hosts stand in a column of their own."""
    return {"host": ("host",), "user": USER_FIELDS, "address": ADDRESS_FIELDS}[kind]


def search_line(entity: Entity, extra: str = "") -> str:
    """Return the search line that finds the entity's events, narrowed by `extra`."""
    value = quoted(entity.value[:MAX_VALUE])
    parts = [f"{field}:{value}" for field in fields_of(entity.kind)]
    line = parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
    return f"{line} {extra}".strip()


def merged(*streams: Iterable[Entry]) -> tuple[list[Entry], bool]:
    """Return all entries, newest first, and whether none had to be left out; at one moment alerts lead."""
    entries = [entry for stream in streams for entry in stream]
    entries.sort(key=lambda entry: ENTRY_KINDS.index(entry.kind))
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return entries[:MAX_ENTRIES], len(entries) <= MAX_ENTRIES


def within(entries: Iterable[Entry], since: datetime, until: datetime) -> list[Entry]:
    """Return the entries of [since, until)."""
    return [entry for entry in entries if since <= entry.at < until]


def risk_line(
    alerts: Sequence[Weighed], since: datetime, until: datetime, points: int = RISK_POINTS
) -> list[tuple[datetime, float]]:
    """Return (moment, risk) at `points` moments from `since` to `until`, both included."""
    step = (until - since) / max(1, points - 1)
    return [(since + step * n, risk_at(alerts, since + step * n)) for n in range(max(2, points))]


def risk_at(alerts: Iterable[Weighed], at: datetime) -> float:
    """Return the entity's risk at a moment: the strongest alert of each rule that was open then."""
    strongest: dict[str, float] = {}
    for alert in alerts:
        if alert.at <= at and (alert.closed_at is None or alert.closed_at > at):
            heavy = weight(alert.level, alert.at, at)
            strongest[alert.rule_id] = max(strongest.get(alert.rule_id, 0.0), heavy)
    return risk([value for value in strongest.values() if value > 0])


def closings(changes: Iterable[tuple[UUID, datetime, str]]) -> Mapping[UUID, datetime]:
    """Return when alerts were closed for good, out of (alert, time, new state) in any order."""
    closed: dict[UUID, datetime] = {}
    for alert, at, state in sorted(changes, key=lambda change: change[1]):
        if state == "closed":
            closed[alert] = at
        else:
            closed.pop(alert, None)
    return closed


def combined(found: Iterable[tuple[str, int]], own: str, most: int) -> tuple[tuple[str, int], ...]:
    """Add up values that several fields have, whatever their case, without the entity itself."""
    names: dict[str, str] = {}
    amounts: dict[str, int] = {}
    for value, amount in found:
        key = value.strip().lower()
        if key not in ("", "-", own.lower()):
            names.setdefault(key, value.strip())
            amounts[key] = amounts.get(key, 0) + amount
    ranked = sorted(amounts, key=lambda key: (-amounts[key], key))[:most]
    return tuple((names[key], amounts[key]) for key in ranked)
