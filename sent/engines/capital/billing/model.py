"""What billing speaks of. Amounts are Decimal in the document's commodity and positive on every kind.

A document is on one side: sales (what customers owe) or purchases (what is owed to suppliers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from sent.platform.ids import uuid7

PartyKind = Literal["customer", "supplier"]
TaxKind = Literal["sale", "purchase"]
TaxCategory = Literal["", "S", "Z", "E", "AE", "K", "G", "O"]
TaxNature = Literal["standard", "zero", "exempt", "reverse"]
Rounding = Literal["half_even", "half_up", "down"]
DocumentKind = Literal["invoice", "sales_credit", "bill", "purchase_credit"]
DocumentState = Literal["draft", "issued", "void"]
Status = Literal["draft", "open", "part paid", "paid", "void"]
Side = Literal["receivable", "payable"]
Direction = Literal["in", "out"]
AllocationKind = Literal["payment", "credit", "discount", "write_off"]
ItemKind = Literal["invoice", "sales_credit", "bill", "purchase_credit", "payment"]

ZERO = Decimal(0)
MAX_LINES = 1000
CREDITS: dict[DocumentKind, DocumentKind] = {"invoice": "sales_credit", "bill": "purchase_credit"}


def side(kind: DocumentKind) -> Side:
    """Return on which side a document stands."""
    return "receivable" if kind in ("invoice", "sales_credit") else "payable"


def sign(kind: DocumentKind) -> int:
    """Return 1 when the document debits its party's account, -1 when it credits it."""
    return 1 if kind in ("invoice", "purchase_credit") else -1


@dataclass(frozen=True, slots=True)
class Party:
    """A customer or supplier; `client` names the company of the organisation's own list.

    `control` is the receivable or payable account (None: the first with that role), `account` the income or
    expense account of lines that name none. `discount_percent` is granted within `discount_days`.
    """

    kind: PartyKind
    code: str
    name: str
    address: str = ""
    country: str = ""
    tax_number: str = ""
    email: str = ""
    language: str = "en"
    iban: str = ""
    terms_days: int = 30
    discount_percent: Decimal = ZERO
    discount_days: int = 0
    commodity: str | None = None
    control: UUID | None = None
    account: UUID | None = None
    client: UUID | None = None
    stopped: bool = False
    archived: bool = False
    id: UUID = field(default_factory=uuid7)
    version: int = 0


@dataclass(frozen=True, slots=True)
class TaxCode:
    """A tax of sales or purchases from a first day on; `rate` in percent.

    `reverse`: nothing is added; on purchases the tax is owed (`counter`) and deducted (`account`) at once.
    `category` of UNTDID 5305 in e-invoices (empty: what the nature says; K goods within the EU, G exports).
    `inclusive`: unit prices contain it. Not `recoverable`: it is part of the expense. Boxes are numbers of
    the return: of the net amount, of the tax, and of the tax owed under reverse charge.
    """

    code: str
    name: str
    kind: TaxKind
    nature: TaxNature
    rate: Decimal
    starts: date = date(1900, 1, 1)
    ends: date | None = None
    inclusive: bool = False
    recoverable: bool = True
    rounding: Rounding = "half_even"
    reason: str = ""
    category: TaxCategory = ""
    account: UUID | None = None
    counter: UUID | None = None
    base_boxes: Sequence[str] = ()
    tax_boxes: Sequence[str] = ()
    counter_boxes: Sequence[str] = ()
    id: UUID = field(default_factory=uuid7)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """Who sends the documents, where he is paid, how his paper looks (`paper` A4 or Letter)."""

    name: str = ""
    address: str = ""
    country: str = ""
    tax_number: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    bank: str = ""
    iban: str = ""
    bic: str = ""
    footer: str = ""
    paper: str = "A4"
    accent: str = "#1f4e79"


@dataclass(frozen=True, slots=True)
class Settings:
    """The organisation's billing; accounts for discounts given and taken and for small differences."""

    profile: Profile = field(default_factory=Profile)
    logo: bytes | None = None
    given: UUID | None = None
    taken: UUID | None = None
    write_off: UUID | None = None
    write_off_limit: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line; `discount` in percent; `tax` the code, `account` None takes the party's."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    tax: str = ""
    unit: str = ""
    discount: Decimal = ZERO
    account: UUID | None = None
    net: Decimal | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0


@dataclass(frozen=True, slots=True)
class DocumentDraft:
    """What a person writes. `due` None follows the party's terms, `commodity` None the party's or the home.

    `rate` is the price of one unit of a foreign commodity in the home currency; None takes the newest known.
    `reference` is the customer's order, or the supplier's own number.
    """

    kind: DocumentKind
    party: UUID
    day: date
    lines: Sequence[DocumentLine]
    due: date | None = None
    commodity: str | None = None
    rate: Decimal | None = None
    reference: str = ""
    delivered: str = ""
    intro: str = ""
    note: str = ""
    discount_percent: Decimal | None = None
    discount_days: int | None = None
    credits: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it stands; totals are None in a draft, `seller` and `buyer` as they were when issued."""

    id: UUID
    kind: DocumentKind
    state: DocumentState
    party: UUID
    number: str | None
    day: date
    due: date
    delivered: str
    commodity: str
    rate: Decimal | None
    reference: str
    intro: str
    note: str
    discount_percent: Decimal
    discount_days: int
    control: UUID | None
    credits: UUID | None
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None
    settled: Decimal
    entry: UUID | None
    voided_on: date | None
    issued_at: datetime | None
    seller: dict[str, Any] | None
    buyer: dict[str, Any] | None
    stopped: bool
    version: int

    @property
    def open(self) -> Decimal:
        """What is not settled; nothing for drafts and void ones."""
        return (self.gross or ZERO) - self.settled if self.state == "issued" else ZERO

    @property
    def status(self) -> Status:
        """What a list shows."""
        if self.state != "issued":
            return "draft" if self.state == "draft" else "void"
        if self.open == 0:
            return "paid"
        return "part paid" if self.settled else "open"


@dataclass(frozen=True, slots=True)
class Money:
    """A part of a payment for one document, with what is let go of it.

    `discount` is the cash discount (its tax is corrected), `write_off` a small difference.
    """

    document: UUID
    amount: Decimal
    discount: Decimal = ZERO
    write_off: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in or went out over `account` (bank, cash), in `commodity`; `key` makes it idempotent.

    `parts` allocate it; the rest stays as a credit of the party. Parts of documents in another commodity are
    in theirs, and the difference to the documents' rate is booked as exchange.
    """

    party: UUID
    direction: Direction
    day: date
    amount: Decimal
    commodity: str
    account: UUID
    parts: Sequence[Money] = ()
    reference: str = ""
    memo: str = ""
    key: str | None = None
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class Paid:
    """What a payment became; `groups` take its allocations off again."""

    payment: UUID
    entry: UUID
    groups: tuple[UUID, ...] = ()
