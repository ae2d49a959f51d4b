"""What the analyst's desk shows: alerts, events, rates, rules and sources as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sent.engines.radar.risk import AlertGroup

State = Literal["new", "acknowledged", "closed"]

STATES: tuple[State, ...] = ("new", "acknowledged", "closed")

SourceKind = Literal["syslog_udp", "syslog_tcp", "syslog_tls", "http", "file", "jsonl", "evtx"]

SOURCE_KINDS: tuple[SourceKind, ...] = (
    "syslog_udp",
    "syslog_tcp",
    "syslog_tls",
    "http",
    "file",
    "jsonl",
    "evtx",
)

SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
"""Names of syslog's severities 0 to 7."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of the alert queue. `at` is the time of its first event, `last_at` of its latest."""

    id: UUID
    at: datetime
    level: str
    rule_id: str
    title: str
    author: str
    tags: tuple[str, ...]
    source_name: str
    host: str
    state: State
    assignee: UUID | None
    assignee_name: str | None
    count: int
    version: int
    client_name: str | None
    last_at: datetime | None = None
    client_id: UUID | None = None
    received_at: datetime | None = None
    reason: str | None = None
    """Why it was closed, in the words of who did."""


@dataclass(frozen=True, slots=True)
class MatchedField:
    """Why the rule fired: `value[start:end]` of `field` fulfilled the rule's `item`."""

    field: str
    value: str
    start: int
    end: int
    item: str


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody did to an alert, or wrote (`comment`: its id); actor None: the radar itself."""

    at: datetime
    actor_name: str | None
    text: str
    comment: UUID | None = None


MuteScope = Literal["rule", "host", "user"]


@dataclass(frozen=True, slots=True)
class Suppression:
    """A rule that is muted until then, everywhere or for one host or user; `hits` it kept quiet."""

    id: UUID
    rule_id: str
    title: str
    scope: MuteScope
    entity: str
    until: datetime
    reason: str
    author_name: str | None
    at: datetime
    hits: int
    last_at: datetime | None
    active: bool


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of alerts, the riskiest first; `complete` False: only the latest alerts were grouped."""

    groups: tuple[AlertGroup, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """An alert with its rule, the event that raised it, and its history (latest first)."""

    alert: Alert
    description: str
    references: tuple[str, ...]
    falsepositives: tuple[str, ...]
    rule_yaml: str
    event: dict[str, Any]
    matched: list[MatchedField]
    history: list[Change]


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What the queue shows; empty means everything. `query` is the filter line (see `parse_query`)."""

    levels: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    text: str = ""
    rule_id: str | None = None
    host: str | None = None
    assignee: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of the live tail. `level` is the name of syslog's severity."""

    id: UUID
    at: datetime
    received_at: datetime
    level: str
    source_name: str
    host: str
    program: str
    message: str


@dataclass(frozen=True, slots=True)
class RatePoint:
    """Events and alerts of the bucket that begins at `at`."""

    at: datetime
    events: int
    alerts: int


@dataclass(frozen=True, slots=True)
class Counters:
    """The radar's own figures; `ingest_lag_ms` None: no radar worker runs."""

    events_per_second: float
    events_today: int
    open_alerts_by_level: dict[str, int]
    rules_active: int
    rules_rejected: int
    sources: int
    ingest_lag_ms: float | None


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule of the organisation; `reason` says why a rejected one does not run."""

    id: UUID
    rule_id: str
    title: str
    level: str
    author: str
    status: str
    logsource: str
    tags: tuple[str, ...]
    rule_set: str
    enabled: bool
    reason: str | None
    version: int
    kind: str = "rule"
    """`rule`, `correlation` or `filter`."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder of rules (`%name%`) and its values, which may hold wildcards; none: rules wait for it."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source of logs."""

    id: UUID
    name: str
    kind: SourceKind
    address: str
    product: str | None
    category: str | None
    service: str | None
    enabled: bool
    client_id: UUID | None
    client_name: str | None
    last_event_at: datetime | None
    version: int
    tls: dict[str, Any] | None = None
    """See `tls.TlsOptions`; None: without TLS."""


LetterState = Literal["dead", "replay", "done", "discarded"]

LETTER_STATES: tuple[LetterState, ...] = ("dead", "replay", "done", "discarded")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A payload that could not be read or stored: its beginning (64 KB), full length and SHA-256.

    replay: the worker will read it again; done: it did, and the event is stored.
    """

    id: UUID
    at: datetime
    received_at: datetime
    source_id: UUID | None
    source_name: str
    kind: str
    reason: str
    state: LetterState
    attempts: int
    length: int
    digest: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A payload that a source received at `at`."""

    source_id: UUID
    at: datetime
    data: bytes


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What was stored."""

    events: int
    alerts: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about an alert at `at`."""

    alert_id: UUID
    actor: UUID
    at: datetime
    state: State | None = None
    assignee: UUID | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A filter line, parsed: `terms` are (field, value, negated); words have field ""."""

    terms: tuple[tuple[str, str, bool], ...] = field(default=())


MAX_TERMS = 20
MAX_QUERY = 1000


def parse_query(text: str) -> Query:
    """Parse a filter line: words, `"quoted words"`, `field:value`, a leading `-` excludes.

    Unclosed quotes reach to the end: a line being typed is always valid.
    """
    terms: list[tuple[str, str, bool]] = []
    for word in _words(text[:MAX_QUERY]):
        negated = word.startswith("-") and len(word) > 1
        body = word[1:] if negated else word
        name, colon, value = body.partition(":")
        if colon and name and value and not name.startswith('"'):
            terms.append((name.strip(), value.replace('"', ""), negated))
        elif plain := body.replace('"', ""):
            terms.append(("", plain, negated))
    return Query(tuple(terms[:MAX_TERMS]))


def _words(text: str) -> list[str]:
    words: list[str] = []
    word, quoted = "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char.isspace() and not quoted:
            words.append(word)
            word = ""
        else:
            word += char
    return [word for word in [*words, word] if word]
