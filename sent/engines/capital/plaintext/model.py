"""What a book is once it is read: one form for beancount, hledger and ledger-cli.

Every amount is known: what the file leaves out has been computed, lots have been chosen, pads and automated
postings stand as postings of their own. Debits are positive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from sent.engines.capital.model import AccountKind
from sent.platform.errors import Invalid

Format = Literal["beancount", "hledger", "ledger"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; reads as `file:line`."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of a commodity, by the symbol the file uses; an empty symbol is hledger's bare number."""

    number: Decimal
    commodity: str


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a transaction.

    weight: what it counts in the balance of its transaction (its cost, else its price, else the amount).
    apart: a virtual posting, which no other has to balance.
    """

    account: str
    amount: Amount
    weight: Amount
    place: Place
    note: str = ""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Transaction:
    """What happened on a day; `flag` is empty, `!` or `*` (or beancount's letters)."""

    day: date
    place: Place
    postings: tuple[Posting, ...]
    flag: str = ""
    payee: str = ""
    narration: str = ""
    code: str = ""
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Book:
    """A whole file with what it includes.

    accounts: the declared and the used ones, in the order they appear. kinds: what the file itself says
    about account kinds, by name; where it says nothing the root's name decides.
    """

    format: Format
    transactions: tuple[Transaction, ...]
    accounts: tuple[str, ...]
    kinds: Mapping[str, AccountKind] = field(default_factory=dict)


def wrong(place: Place, message: str) -> Invalid:
    """Return the error for what stands at a place; the message says what is expected there."""
    return Invalid("capital.plaintext", f"{place}: {message}", place=str(place))
