"""A book made entries of the ledger: pure, so that what is booked can be looked at first.

The lines of each commodity of an entry add up to nothing. What a transaction leaves is booked on accounts of
the importer's own, each by its cause:

- `Equity:Clearing:Exchange`: one commodity against another, at cost or price;
- `Equity:Clearing:Rounding`: what the file's own tolerance lets pass;
- `Equity:Clearing:Virtual`: the other side of virtual postings that nothing balances.

An entry's key is made of what the transaction says and of how often it was said before in the file. So a
file that was imported adds nothing, and one that has grown adds what is new.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from uuid import UUID

from sent.engines.capital.model import AccountKind, Draft, Line
from sent.engines.capital.plaintext.model import Book, Format, Place, Posting, Transaction, wrong

MOST_DIGITS = 8
LARGEST = Decimal(10) ** 20
MOST_LINES = 30_000
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
LONGEST_MEMO = 1000
LONGEST_NOTE = 300
LONGEST_NAME = 200
CLEARING = "Equity:Clearing"
EXCHANGE, ROUNDING, VIRTUAL = (f"{CLEARING}:{cause}" for cause in ("Exchange", "Rounding", "Virtual"))

_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_ROOTS: dict[str, AccountKind] = {
    "asset": "asset", "assets": "asset",
    "liability": "liability", "liabilities": "liability", "debt": "liability", "debts": "liability",
    "equity": "equity",
    "income": "income", "incomes": "income", "revenue": "income", "revenues": "income",
    "expense": "expense", "expenses": "expense",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A commodity of a book: its symbol and to how many digits it is counted there."""

    symbol: str
    digits: int
    place: Place


@dataclass(frozen=True, slots=True)
class Marked:
    """A draft and where its transaction stands."""

    draft: Draft
    place: Place


def clearing_names(book: Book) -> dict[str, str]:
    """Return the importer's own accounts by cause; a name that the book uses itself gets a number.

    Only causes that the book has.
    """
    used = set(book.accounts)
    digits = {wanted.symbol: wanted.digits for wanted in commodities(book)}
    causes = {cause for one in book.transactions for cause, _, _ in _clearing(one, digits)}
    found: dict[str, str] = {}
    for cause in sorted(causes):
        name, number = cause, 1
        while name in used:
            number += 1
            name = f"{cause}:{number}"
        found[cause] = name
    return found


def kind_of(account: str, declared: Mapping[str, AccountKind]) -> AccountKind | None:
    """Return what an account is by what the file says, else by its first part; None for other names."""
    return declared.get(account) or _ROOTS.get(account.partition(":")[0].strip().lower())


def commodities(book: Book) -> list[Wanted]:
    """Return what a book counts, each to the most digits of its amounts (at most 8)."""
    found: dict[str, Wanted] = {}
    for posting in _postings(book):
        amount = posting.amount
        if len(posting.account) > LONGEST_NAME:
            raise wrong(posting.place, f"an account's name has at most {LONGEST_NAME} characters")
        digits = min(_written(amount.number), MOST_DIGITS)
        old = found.get(amount.commodity)
        if old is None or old.digits < digits:
            found[amount.commodity] = Wanted(amount.commodity, digits, old.place if old else posting.place)
    return list(found.values())


def rounded(book: Book) -> int:
    """Return how many amounts have more digits than are kept."""
    return sum(_digits(posting.amount.number) > MOST_DIGITS for posting in _postings(book))


def drafts(
    book: Book, journal: UUID, accounts: Mapping[str, UUID], codes: Mapping[str, str]
) -> Iterator[Marked]:
    """Yield the entries of a book in its order; raises Invalid for what the ledger cannot keep.

    accounts: ids by name, the importer's own among them; codes: the tables' codes by symbol.
    """
    own = {cause: accounts[name] for cause, name in clearing_names(book).items()}
    said: Counter[bytes] = Counter()
    digits = {wanted.symbol: wanted.digits for wanted in commodities(book)}
    for transaction in book.transactions:
        lines = [
            Line(
                accounts[posting.account],
                number,
                codes[posting.amount.commodity],
                posting.note[:LONGEST_NOTE],
            )
            for posting, number in _numbers(transaction)
        ]
        lines += [
            Line(own[cause], number, codes[symbol])
            for cause, symbol, number in _clearing(transaction, digits)
        ]
        if not lines:
            continue
        if not FIRST_DAY <= transaction.day <= LAST_DAY:
            raise wrong(transaction.place, f"the ledger keeps days from {FIRST_DAY} to {LAST_DAY}")
        if len(lines) > MOST_LINES:
            raise wrong(transaction.place, f"a transaction has at most {MOST_LINES} postings: split it")
        content = _content(book.format, transaction)
        said[content] += 1
        yield Marked(
            Draft(
                journal, transaction.day, lines, memo=memo(transaction), reference=transaction.code[:200],
                key=f"text:{content.hex()}:{said[content]}",
            ),
            transaction.place,
        )  # fmt: skip


def memo(transaction: Transaction) -> str:
    """Return what an entry says it is about."""
    parts = [part for part in (transaction.payee, transaction.narration) if part]
    marks = [*(f"#{tag}" for tag in transaction.tags), *(f"^{link}" for link in transaction.links)]
    text = " ".join([" | ".join(parts), *marks]).strip()
    return "".join(char if char.isprintable() else " " for char in text)[:LONGEST_MEMO]


def _postings(book: Book) -> Iterator[Posting]:
    for transaction in book.transactions:
        yield from transaction.postings


def _written(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _digits(number: Decimal) -> int:
    return _written(_WIDE.normalize(number))


def _kept(number: Decimal, digits: int) -> Decimal:
    return _WIDE.quantize(number, Decimal(1).scaleb(-digits))


def _numbers(transaction: Transaction) -> Iterator[tuple[Posting, Decimal]]:
    """Yield the postings that move something, with numbers as the ledger keeps them."""
    for posting in transaction.postings:
        number = posting.amount.number
        if not number.is_finite() or abs(number) >= LARGEST:
            raise wrong(posting.place, "an amount has at most 20 digits before its decimal mark")
        number = _kept(number, min(_digits(number), MOST_DIGITS))
        if number:
            yield posting, number


def _clearing(transaction: Transaction, digits: Mapping[str, int]) -> Iterator[tuple[str, str, Decimal]]:
    """Yield cause, symbol and number of what a transaction leaves in each commodity."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    apart: dict[str, Decimal] = defaultdict(Decimal)
    weight: dict[str, Decimal] = defaultdict(Decimal)
    for posting, number in _numbers(transaction):
        symbol = posting.amount.commodity
        total[symbol] += number
        if posting.apart:
            apart[symbol] += number
        else:
            weighed = number if posting.weight == posting.amount else posting.weight.number
            weight[posting.weight.commodity] = _WIDE.add(weight[posting.weight.commodity], weighed)
    for symbol, number in total.items():
        small = _kept(weight.get(symbol, Decimal(0)), digits[symbol])
        parts = ((EXCHANGE, number - apart[symbol] - small), (ROUNDING, small), (VIRTUAL, apart[symbol]))
        for cause, part in parts:
            if part:
                yield cause, symbol, -part


def _content(format: Format, transaction: Transaction) -> bytes:
    """Return what a transaction says, without where it stands."""
    digest = hashlib.sha256(format.encode())
    head = (transaction.day.isoformat(), transaction.flag, transaction.code, memo(transaction))
    for part in head:
        digest.update(part.encode() + b"\0")
    for posting in transaction.postings:
        for amount in (posting.amount, posting.weight):
            number = f"{_WIDE.normalize(amount.number):f}"
            digest.update(f"{posting.account}\0{number}\0{amount.commodity}\0{posting.note}\0".encode())
    return digest.digest()
