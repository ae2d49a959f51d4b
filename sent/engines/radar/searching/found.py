"""What a search finds, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """A found event; its message is cut at 2,000 characters (`service.whole_event` has all of it)."""

    id: UUID
    at: datetime
    received_at: datetime
    severity: int
    level: str
    source_id: UUID | None
    source_name: str
    host: str
    program: str
    message: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first. `looked_to`: the search stopped there before the page was full (None: it is
    full, or there is nothing more)."""

    events: list[FoundEvent]
    looked_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Events of the bucket that begins at `at`, by syslog's severity."""

    at: datetime
    by_severity: dict[int, int]

    @property
    def total(self) -> int:
        """Events of all severities."""
        return sum(self.by_severity.values())


@dataclass(frozen=True, slots=True)
class Histogram:
    """Buckets that hold something. `share` 1: counted; else estimated from one event in `share`."""

    since: datetime
    until: datetime
    step_seconds: int
    buckets: list[Bucket]
    share: int = 1

    @property
    def total(self) -> int:
        """Events of all buckets."""
        return sum(bucket.total for bucket in self.buckets)


@dataclass(frozen=True, slots=True)
class ValueCount:
    """A field's value (None: events without the field) and how many events have it."""

    value: str | None
    amount: int


@dataclass(frozen=True, slots=True)
class FieldValues:
    """The most frequent values of a field among `looked` events, one in `share` of those that fit."""

    field: str
    values: list[ValueCount]
    looked: int
    share: int


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field: in how many of `looked` events it is, with how many values."""

    field: str
    amount: int
    distinct_values: int
    looked: int
    share: int
