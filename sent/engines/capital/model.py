"""What the ledger speaks of. Amounts are Decimal; debits are positive, credits negative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Literal
from uuid import UUID

from sent.platform.errors import Conflict, Invalid
from sent.platform.ids import uuid7

AccountKind = Literal["asset", "liability", "equity", "income", "expense"]
DraftKind = Literal["entry", "opening", "pending"]
EntryKind = Literal["entry", "opening", "pending", "post", "void", "reversal", "closing", "revaluation"]
Role = Literal[
    "cash", "receivable", "payable", "inventory", "prepayment", "fixed_asset", "accumulated_depreciation",
    "tax", "payroll", "loan", "capital", "retained_earnings", "opening", "clearing", "currency_clearing",
    "suspense", "sales", "cost_of_sales", "depreciation", "interest", "bank_fees", "exchange", "rounding",
    "income_tax",
]  # fmt: skip
JournalKind = Literal["general", "sales", "purchase", "bank", "closing"]
PeriodState = Literal["open", "soft", "hard"]

MAX_BATCH = 10_000
MAX_LINES = 100_000


class Fault(IntEnum):
    """Why an entry was not booked (`capital.write`)."""

    NONE = 0
    DUPLICATE = 1
    KEY_REUSED = 2
    UNBALANCED = 3
    ACCOUNT = 4
    AMOUNT = 5
    PERIOD = 6
    FLOOR = 7
    GROUP = 8
    EMPTY = 9
    JOURNAL = 10


SENTENCES = {
    Fault.DUPLICATE: "this request is booked already",
    Fault.KEY_REUSED: "the key belongs to another request: use a new one",
    Fault.UNBALANCED: "debits and credits differ: the lines of each commodity add up to nothing",
    Fault.ACCOUNT: "an account is missing, closed on that day, or keeps another commodity",
    Fault.AMOUNT: "an amount is zero, has more digits than its commodity, or the commodity is unknown",
    Fault.PERIOD: "the period is closed: choose a later day, or reopen the period",
    Fault.FLOOR: "an account would go below its floor",
    Fault.GROUP: "another entry of its group cannot be booked",
    Fault.EMPTY: "an entry has lines",
    Fault.JOURNAL: "there is no such journal",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry: a debit when `amount` is positive."""

    account: UUID
    amount: Decimal
    commodity: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be booked.

    `key` makes it idempotent: the same request under the same key is booked once. Drafts with one `group`
    are booked together or not at all. A `pending` one reserves until `expires_at`.
    """

    journal: UUID
    day: date
    lines: Sequence[Line]
    memo: str = ""
    reference: str = ""
    kind: DraftKind = "entry"
    key: str | None = None
    group: UUID | None = None
    expires_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a draft; `entry` is the booked one, for a duplicate that of the first time."""

    fault: Fault
    entry: UUID

    @property
    def booked(self) -> bool:
        """Whether the entry stands in the ledger, now or from before."""
        return self.fault in (Fault.NONE, Fault.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Account:
    """An account; `commodity` None keeps any, `floor` in the account's own direction.

    `role` says what it is for, where a program has to find it: several accounts may have the same.
    """

    id: UUID
    code: str
    name: str
    kind: AccountKind
    role: Role | None
    parent: UUID | None
    commodity: str | None
    floor: Decimal | None
    closed_on: date | None
    version: int


@dataclass(frozen=True, slots=True)
class Setup:
    """How the books are kept: home currency, country (ISO 3166), first day of the business year."""

    home: str
    country: str
    year_month: int
    year_day: int

    def year(self, day: date) -> tuple[date, date]:
        """Return the first and last day of the business year that a day is in."""
        starts = date(day.year, self.year_month, self.year_day)
        if day < starts:
            starts = starts.replace(year=day.year - 1)
        return starts, starts.replace(year=starts.year + 1) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Days that are closed together."""

    id: UUID
    starts: date
    ends: date
    state: PeriodState


@dataclass(frozen=True, slots=True)
class Reopening:
    """Somebody asks that a hard closed period is opened; another person grants it."""

    id: UUID
    period: UUID
    asked_by: UUID
    granted_by: UUID | None
    why: str


@dataclass(frozen=True, slots=True)
class Rate:
    """What one of a commodity is worth in the home currency."""

    commodity: str
    rate: Decimal
    day: date


@dataclass(frozen=True, slots=True)
class Journal:
    """A book of entries, sealed for itself."""

    id: UUID
    code: str
    name: str
    kind: JournalKind


@dataclass(frozen=True, slots=True)
class Balance:
    """What was booked on an account in a commodity; `credit` is negative or zero."""

    account: UUID
    commodity: str
    debit: Decimal
    credit: Decimal

    @property
    def amount(self) -> Decimal:
        """Debits less credits."""
        return self.debit + self.credit


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account with a floor holds, in its own direction.

    posted: booked; coming, leaving: reserved (`leaving` is negative); available: what may still leave.
    """

    posted: Decimal
    coming: Decimal
    leaving: Decimal

    @property
    def available(self) -> Decimal:
        """Posted less what is reserved to leave."""
        return self.posted + self.leaving


@dataclass(frozen=True, slots=True)
class Finding:
    """What the verification of a journal found wrong; `entry` None when a whole block is."""

    journal: str
    seq: int
    entry: UUID | None
    what: Literal["changed", "missing", "added", "chain"]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification looked at."""

    entries: int
    blocks: int
    unsealed: int
    findings: tuple[Finding, ...]


def taken(outcome: Outcome) -> UUID:
    """Return the booked entry's id; raises Invalid (Conflict for key and floor) that says why it is not."""
    if outcome.booked:
        return outcome.entry
    kind = Conflict if outcome.fault in (Fault.KEY_REUSED, Fault.FLOOR) else Invalid
    raise kind(f"capital.{outcome.fault.name.lower()}", SENTENCES[outcome.fault])
