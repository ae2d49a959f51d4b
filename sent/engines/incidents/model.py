"""Incidents as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Severity = Literal["low", "medium", "high", "critical"]
Status = Literal["open", "contained", "resolved", "closed"]

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
STATUSES: tuple[Status, ...] = ("open", "contained", "resolved", "closed")


@dataclass(frozen=True, slots=True)
class Link:
    """A record of any engine that belongs to an incident.

    `kind` and `ref` name it for its engine (`radar.alert`, its id), `place` for the console
    (`radar/alert/<id>`: page and record); `level` is its severity in its engine's words, `credit` whom it is
    owed to: an alert names its rule's author (Detection Rule License 1.1).
    """

    kind: str
    ref: str
    title: str
    place: str = ""
    level: str | None = None
    credit: str | None = None
    client: UUID | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """A row of the list; `number` counts up in an organisation, `version` in the row."""

    id: UUID
    number: int
    title: str
    severity: Severity
    status: Status
    owner: UUID | None
    owner_name: str | None
    opened_at: datetime
    opened_by_name: str | None
    changed_at: datetime
    ended_at: datetime | None
    client: UUID | None
    client_name: str | None
    links: int
    version: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of an incident's timeline; `actor_name` None: SENT itself.

    `kind` is opened, note, link, status, severity, owner or title; `value` and `before` are what it changed
    to and from (people by their name), `text` is what somebody wrote, or the title of the record linked.
    """

    id: UUID
    at: datetime
    actor_name: str | None
    kind: str
    value: str | None
    before: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """An incident with its timeline (newest first) and its linked records (oldest first)."""

    incident: Incident
    timeline: list[Entry]
    links: list[Link]


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """What the list shows; empty means everything."""

    statuses: tuple[Status, ...] = ()
    severities: tuple[Severity, ...] = ()
    owner: UUID | None = None
    text: str = ""
