"""What schedules speak of. Amounts are Decimal in the home currency unless a commodity is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sent.engines.capital.billing.model import DocumentLine
from sent.platform.ids import uuid7

Method = Literal["straight_line", "declining", "at_once"]
Convention = Literal["month", "half_year"]
ChargeKind = Literal["depreciation", "write_down", "disposal"]
Unit = Literal["month", "week"]
TemplateKind = Literal["entry", "invoice", "bill"]

ZERO = Decimal(0)
MOST_MONTHS = 1200
MOST_OCCURRENCES = 1000
LAST_DAY = 31


@dataclass(frozen=True, slots=True)
class Asset:
    """Something that wears out over `months`, from `cost` down to `residual`.

    declining: `rate` percent of the book value a year, straight line as soon as that takes more. at_once: low
    value, gone in its first month. Convention `month`: the month it was bought in counts whole (usual in the
    United Kingdom, section 7 (1) EStG in Germany); half_year: the first business year takes half a year
    whatever the month (United States, Rev. Proc. 87-57). `account` holds the cost, `accumulated` what is
    worn, `expense` takes the charge. `since`: charges of months before it are in the opening balances.
    """

    name: str
    account: UUID
    accumulated: UUID
    expense: UUID
    bought_on: date
    cost: Decimal
    months: int
    residual: Decimal = ZERO
    method: Method = "straight_line"
    convention: Convention = "month"
    rate: Decimal = ZERO
    since: date | None = None
    disposed_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """What an asset loses in a month (its first day)."""

    month: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Booked:
    """A charge that stands in the ledger."""

    asset: UUID
    kind: ChargeKind
    month: date
    amount: Decimal
    entry: UUID


@dataclass(frozen=True, slots=True)
class AssetRow:
    """A line of the register: what is worn and left up to now."""

    asset: Asset
    worn: Decimal

    @property
    def book_value(self) -> Decimal:
        """Cost less what is worn; nothing once it is gone."""
        return ZERO if self.asset.disposed_on else self.asset.cost - self.worn


@dataclass(frozen=True, slots=True)
class Depreciated:
    """What a run booked, and what it left with the reason."""

    entries: int
    amount: Decimal
    refused: tuple[tuple[UUID, str], ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """A plan of a business year."""

    name: str
    starts: date
    id: UUID = field(default_factory=uuid7)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """What is planned on an account in a month (its first day), debits positive as in the ledger."""

    account: UUID
    month: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When something comes again: every n months on a day (31: the last of the month), or every n weeks.

    Weeks count from `starts`. It ends after `count` times, on `ends`, or never. `weekdays`: what falls on a
    Saturday or Sunday comes on the Monday after.
    """

    starts: date
    every: int = 1
    unit: Unit = "month"
    day: int = 1
    ends: date | None = None
    count: int | None = None
    weekdays: bool = False


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line of a template: a debit when `amount` is positive."""

    account: UUID
    amount: Decimal
    commodity: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """What comes again: an entry in a journal, or a document of a party.

    `release`: the entry's amounts are totals that are spread over the `count` occurrences to the last digit,
    as prepayments and accruals are. `issue`: documents are issued at once, else they wait as drafts.
    """

    kind: TemplateKind
    memo: str = ""
    journal: UUID | None = None
    entry: Sequence[EntryLine] = ()
    release: bool = False
    party: UUID | None = None
    lines: Sequence[DocumentLine] = ()
    commodity: str | None = None
    issue: bool = True


@dataclass(frozen=True, slots=True)
class Recurring:
    """A template and when it is carried out."""

    name: str
    template: Template
    rhythm: Rhythm
    active: bool = True
    id: UUID = field(default_factory=uuid7)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """An occurrence that is not carried out yet; `n` counts from 0."""

    recurring: UUID
    name: str
    n: int
    day: date


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run carried out, and what was refused with the reason."""

    entries: int
    documents: int
    refused: tuple[tuple[UUID, str], ...]
