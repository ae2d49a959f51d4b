"""What a report is: columns of days, rows of amounts, and what a row is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sent.engines.capital.model import EntryKind

RowKind = Literal["heading", "account", "total", "result"]


@dataclass(frozen=True, slots=True)
class Column:
    """A span of days; `starts` None counts from the beginning (a balance at the end of `ends`)."""

    title: str
    starts: date | None
    ends: date


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a report: one amount for each column, in the report's commodity.

    `account` is what drills down; totals have none.
    """

    label: str
    kind: RowKind
    amounts: tuple[Decimal | None, ...]
    depth: int = 0
    code: str = ""
    account: UUID | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it is shown and exported. `notes` say what its figures leave out or take for granted."""

    id: str
    title: str
    commodity: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Posting:
    """A line of an account, with the balance after it (debits positive)."""

    seq: int
    n: int
    day: date
    entry: UUID
    kind: EntryKind
    memo: str
    reference: str
    note: str
    journal: UUID
    other: UUID | None
    """The account on the other side, None when there are several."""
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """How many lines an account has on a day, and what they come to."""

    day: date
    lines: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as a list shows it; `amount` is the sum of its debits in its first commodity."""

    seq: int
    id: UUID
    day: date
    booked_at: datetime
    kind: EntryKind
    journal: str
    memo: str
    reference: str
    actor: UUID | None
    amount: Decimal
    commodity: str
    lines: int
    reversed: bool


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line of an entry."""

    account: UUID
    code: str
    name: str
    amount: Decimal
    commodity: str
    note: str
