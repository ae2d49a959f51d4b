"""Values of the database engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

OperationState = Literal["ordered", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One order and how far it is."""

    id: UUID
    kind: str
    arguments: dict[str, Any]
    state: OperationState
    ordered_by_name: str
    """Empty: the schedule."""
    ordered_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    fraction: float | None
    step: str
    progress_at: datetime | None
    cancel_asked: bool
    result: dict[str, Any] | None
    error: str | None

    @property
    def open(self) -> bool:
        """Say whether it waits or runs."""
        return self.state in ("ordered", "running")


@dataclass(frozen=True, slots=True)
class Session:
    """One connection and what it does now; the query's values are not in its text."""

    pid: int
    who: str
    application: str
    state: str
    seconds: float | None
    transaction_seconds: float | None
    waits_for: str
    blocked_by: list[int]
    blocking: int
    query: str
    digest: str
    mine: bool


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """A query that was seen to take longer than a second."""

    digest: str
    query: str
    who: str
    seen: int
    longest_s: float
    cancelled: int
    first_at: datetime
    last_at: datetime

    def line(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            "digest": self.digest,
            "query": self.query,
            "who": self.who,
            "seen": self.seen,
            "longest_s": round(self.longest_s, 2),
            "cancelled": self.cancelled,
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Table:
    """The room a table takes with its indexes and partitions."""

    name: str
    bytes: int
    row_estimate: int | None
    """None before the server has analysed it."""
    bytes_week_ago: int | None
    """The oldest sample of the last seven days; None while there is none."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Connections in use and allowed for one kind of login."""

    who: str
    used: int
    allowed: int | None


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup as the owner process last listed it."""

    kind: str
    name: str
    folder: str
    made_at: datetime
    bytes: int
    revision: str | None
    verified: bool | None
    verified_at: datetime | None
    remark: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the owner process knows; of an external server there is nothing of it."""

    at: datetime
    free_bytes: int
    warn_below: int
    archive_armed: bool
    archive_bytes: int
    archive_lag_s: float
    archive_failing: bool
    backups: list[Backup]
    restorable: list[tuple[datetime, datetime]]
    formers: list[str]
    place: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Server:
    """The server itself."""

    version: str
    started_at: datetime
    bytes: int
    connections: int
    max_connections: int
    checksum_failures: int
    oldest_transaction_age: int


@dataclass(frozen=True, slots=True)
class Health:
    """All that the page's head shows, at one moment of the server's clock."""

    at: datetime
    server: Server
    budget: list[Budget]
    growth: list[tuple[date, int]]
    kept: Kept | None
