"""What bank accounts, statements and matching speak of. Money that comes to the account is positive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sent.engines.capital.bank.readers.detect import Format
from sent.platform.ids import uuid7

OpenKind = Literal["line", "invoice", "bill", "credit_note", "other"]
How = Literal["auto", "rule", "person"]
ProposalKind = Literal["match", "book"]
Direction = Literal["in", "out"]

AUTO = 0.95
"""From this confidence on a match is taken without asking."""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account at a bank: `account` is the ledger's, `journal` where its entries go.

    `since` is the first day that statements tell of: what the ledger has before is brought forward.
    """

    id: UUID
    account: UUID
    journal: UUID
    name: str
    commodity: str
    iban: str
    since: date | None


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of a statement that stands in the database."""

    id: UUID
    day: date
    amount: Decimal
    commodity: str
    counterparty: str = ""
    iban: str = ""
    text: str = ""
    reference: str = ""
    end_to_end: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """What a movement may settle: a line of the ledger on the bank's account, an open invoice or bill.

    `amount` is what the bank will show when all of it is paid: positive for an invoice, negative for a bill.
    `account` is where a document stands in the ledger (receivable, payable); a "line" is booked already.
    """

    id: str
    amount: Decimal
    commodity: str
    day: date
    reference: str = ""
    party: str = ""
    kind: OpenKind = "line"
    account: UUID | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """How much of an open item a match settles."""

    open: Open
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Match:
    """Movements and open items that belong together.

    `charge` is what the movements have less (or more) than the items: a bank's or card company's fee,
    negative when it was kept. `confidence` in [0, 1] is how sure it is; `why` names the evidence.
    """

    movements: tuple[UUID, ...]
    taken: tuple[Taken, ...]
    charge: Decimal
    confidence: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do with movements that look like this; every condition that is given must hold.

    Patterns are RE2, case does not matter. `minimum` and `maximum` bound the amount without its sign.
    `auto` books at once, else it is proposed. The first by `position` counts.
    """

    name: str
    account: UUID
    text_pattern: str = ""
    party_pattern: str = ""
    iban: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    direction: Direction | None = None
    tax_code: str = ""
    memo: str = ""
    auto: bool = False
    bank_account: UUID | None = None
    position: int = 100
    active: bool = True
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What may be done with movements: match them with open items, or book one against an account."""

    kind: ProposalKind
    movements: tuple[UUID, ...]
    confidence: float
    why: tuple[str, ...]
    taken: tuple[Taken, ...] = ()
    charge: Decimal = Decimal(0)
    account: UUID | None = None
    rule: UUID | None = None
    tax_code: str = ""
    memo: str = ""
    auto: bool = False


@dataclass(frozen=True, slots=True)
class Learned:
    """What people decided before: the party behind an IBAN, and the accounts of a counterparty.

    Keys of `parties` are IBANs, of `accounts` IBANs or folded names (`words.fold`).
    """

    parties: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, Mapping[UUID, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: lines added, lines that were known, statements that stand for them."""

    added: int
    known: int
    statements: tuple[UUID, ...]
    format: Format

    @property
    def statement(self) -> UUID | None:
        """The last of the statements."""
        return self.statements[-1] if self.statements else None


@dataclass(frozen=True, slots=True)
class AutoMatched:
    """What went by itself: movements matched, of these booked by rules, left over, refused with a reason."""

    matched: int
    by_rule: int
    left: int
    refused: tuple[tuple[UUID, str], ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A match that stands."""

    id: UUID
    how: How
    confidence: float
    why: str
    movements: tuple[UUID, ...]
    opens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Statement against ledger at the end of a day; `difference` is ledger less statement.

    It always is brought_forward + outstanding - unbooked + timing: what the books had before the first
    statement less what the bank had; what the ledger has and no statement tells; what the bank tells and the
    ledger has not; what is matched (or reversed) while one side lies after the day. `gap` is what the bank's
    own balances say is missing between statements.
    """

    until: date
    statement: Decimal
    ledger: Decimal
    brought_forward: Decimal
    outstanding: Decimal
    unbooked: Decimal
    timing: Decimal
    gap: Decimal
    ledger_items: tuple[Open, ...]
    statement_items: tuple[Movement, ...]

    @property
    def difference(self) -> Decimal:
        """Ledger less statement."""
        return self.ledger - self.statement

    @property
    def explained(self) -> bool:
        """Whether only open items and timing make the difference, and no statement is missing."""
        return self.brought_forward == 0 and self.gap == 0
