"""What the radar speaks of: events, where they come from, rules and matches. Pure values.

An event's fields are flat text, because Sigma compares text: numbers stand in decimal, booleans as
`true` and `false`, a list as its values joined by newlines, a present but empty element as None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

if TYPE_CHECKING:
    from sent.engines.radar.correlations.correlation import Correlation
    from sent.engines.radar.sigma.expression import Node

RuleKind = Literal["rule", "correlation", "filter"]

Level = Literal["informational", "low", "medium", "high", "critical"]

LEVELS: tuple[Level, ...] = ("informational", "low", "medium", "high", "critical")
"""Sigma's levels, weakest first."""

EPOCH = datetime.fromtimestamp(0, UTC)
"""The time of an event that tells none."""


@dataclass(frozen=True, slots=True)
class LogSource:
    """Sigma's log source, of a rule (what it asks for; None = any) or of a configured source."""

    product: str | None = None
    category: str | None = None
    service: str | None = None

    def __str__(self) -> str:
        return "/".join(part or "*" for part in (self.product, self.category, self.service))


@dataclass(frozen=True, slots=True)
class Route:
    """Where an event came from, as rules see it. `channel` and `event_id` are Windows' (System)."""

    product: str | None = None
    categories: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    channel: str | None = None
    event_id: int | None = None

    @property
    def known(self) -> bool:
        """Say whether anything is known; rules of every log source look at an unknown event."""
        return bool(self.product or self.categories or self.services or self.channel)


@dataclass(frozen=True, slots=True)
class Event:
    """One log event. `at` is the time the event tells (aware), else the time it was received."""

    at: datetime
    fields: Mapping[str, str | None]
    route: Route = Route()
    source_id: UUID | None = None
    raw: str = ""
    host: str = ""
    program: str = ""
    severity: int = 6
    """Syslog's severity, 0 emergency to 7 debug (RFC 5424, table 2)."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """Why a rule fired: `value[start:end]` of `field` fulfilled `item` of the rule."""

    field: str
    value: str
    start: int
    end: int
    item: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A Sigma rule, parsed. `author` travels with every match (Detection Rule License 1.1)."""

    id: str
    title: str
    level: Level
    author: str
    logsource: LogSource
    condition: Node
    status: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    source: str = ""
    """The file it was read from."""
    text: str = ""
    """The YAML it was read from."""
    name: str = ""
    """What correlations and filters may call it instead of its id."""
    placeholders: tuple[str, ...] = ()
    """Names whose values the condition was made with."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rule that cannot run, and why."""

    source: str
    rule_id: str
    title: str
    reason: str
    text: str = ""
    depends: bool = False
    """Whether it may run once other rules or placeholder values are there."""
    kind: RuleKind = "rule"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a document cannot run, and what it says of itself: `given` is the id as written."""

    id: str
    given: str
    title: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Filter:
    """A Sigma filter that was applied: `rules` are the ids of the rules it narrows."""

    id: str
    title: str
    author: str
    logsource: LogSource
    condition: Node
    rules: tuple[str, ...]
    source: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What a file, folder or archive gave. Filters are in the rules' conditions already."""

    rules: tuple[Rule, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that fired. `event` is the view it fired on (4688 is seen as process_creation too)."""

    rule: Rule
    event: Event = field(repr=False)
    matched: tuple[FieldMatch, ...] | None = None
    """Why, where the rule's condition does not tell it (correlations)."""
