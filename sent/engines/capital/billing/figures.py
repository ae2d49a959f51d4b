"""What is owed, reminded of and reported: values that are read out of documents and payments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sent.engines.capital.billing.model import ZERO, ItemKind, Party, Side, TaxKind
from sent.platform.ids import uuid7


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A document or unallocated payment with something open; credits have negative `gross` and `open`."""

    id: UUID
    kind: ItemKind
    side: Side
    number: str
    party: UUID
    party_name: str
    commodity: str
    gross: Decimal
    open: Decimal
    day: date
    due: date
    reference: str
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Aged:
    """What a party owes or is owed in a commodity, by days over due; credits count where they fall due."""

    party: UUID
    party_name: str
    commodity: str
    current: Decimal
    days_30: Decimal
    days_60: Decimal
    days_90: Decimal
    older: Decimal

    @property
    def total(self) -> Decimal:
        """All buckets."""
        return self.current + self.days_30 + self.days_60 + self.days_90 + self.older


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of a statement of account; `amount` positive when the party owes more."""

    day: date
    kind: str
    number: str
    text: str
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class StatementOfAccount:
    """What happened between two days with a party in a commodity."""

    party: Party
    commodity: str
    starts: date
    ends: date
    opening: Decimal
    movements: tuple[Movement, ...]
    closing: Decimal


@dataclass(frozen=True, slots=True)
class DunningLevel:
    """From `days` over due on; `fee` per letter, `interest` in percent a year of the open amount."""

    n: int
    days: int
    title: str
    body: str
    fee: Decimal = ZERO
    interest: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class DunningItem:
    """An overdue document on a letter."""

    document: UUID
    number: str
    day: date
    due: date
    overdue: int
    open: Decimal
    interest: Decimal
    level: int


@dataclass(frozen=True, slots=True)
class DunningLetter:
    """A letter to a party; the title and text are those of its highest level."""

    party: UUID
    party_name: str
    commodity: str
    day: date
    level: int
    title: str
    body: str
    items: tuple[DunningItem, ...]
    fee: Decimal
    id: UUID = field(default_factory=uuid7)

    @property
    def open(self) -> Decimal:
        """What is open on all items."""
        return sum((item.open for item in self.items), ZERO)

    @property
    def interest(self) -> Decimal:
        """Interest of all items."""
        return sum((item.interest for item in self.items), ZERO)

    @property
    def total(self) -> Decimal:
        """What is asked for."""
        return self.open + self.interest + self.fee


@dataclass(frozen=True, slots=True)
class TaxSource:
    """What a document (or the discount on it) put into a box."""

    document: UUID
    number: str
    party_name: str
    day: date
    code: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Box:
    """A figure of the return in home currency, and what it is made of; a computed one has no sources."""

    number: str
    what: Literal["net", "tax", "total"]
    amount: Decimal
    sources: tuple[TaxSource, ...] = ()


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """What was sold or bought under a code between two days, in home currency."""

    code: str
    kind: TaxKind
    rate: Decimal
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class TaxReport:
    """The return of a period: figures by box and by code."""

    starts: date
    ends: date
    boxes: tuple[Box, ...]
    codes: tuple[TaxTotal, ...]
