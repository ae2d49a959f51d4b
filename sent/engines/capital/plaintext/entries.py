"""A posting of a journal as it is written: account, amount, lot, cost, balance, note."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sent.engines.capital.plaintext.model import Amount, Place, wrong
from sent.engines.capital.plaintext.quantities import Dialect, Reader, Styles

if TYPE_CHECKING:
    from sent.engines.capital.plaintext.automated import Rule


@dataclass(frozen=True, slots=True)
class Price:
    """What an amount has cost: each unit, or all of it."""

    amount: Amount
    whole: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds after the posting.

    alone: and no other commodity (`==`). below: with the accounts below it (`*`).
    """

    amount: Amount
    alone: bool = False
    below: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """A posting; brackets are `()` for one that nobody balances and `[]` for one of the virtual ones."""

    account: str
    place: Place
    amount: Amount | None = None
    lot: Price | None = None
    price: Price | None = None
    balance: Balance | None = None
    brackets: str = ""
    note: str = ""
    text: str = ""
    """The amount as it is written."""
    computed: bool = False
    """One of several that a missing amount came to; rules look at the first only."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A transaction as it is written, with the rules, default account and tags that stand above it."""

    day: date
    place: Place
    legs: tuple[Leg, ...]
    flag: str
    code: str
    payee: str
    narration: str
    note: str
    rules: tuple[Rule, ...]
    bucket: str | None
    tags: tuple[str, ...]


def split_note(text: str, dialect: Dialect, *, header: bool = False) -> tuple[str, str]:
    """Return what stands before and after a comment's semicolon."""
    if ";" not in text:
        return text, ""
    at = -1
    quoted = False
    for n, char in enumerate(text):
        if char == '"' and not header:
            quoted = not quoted
        elif char == ";" and not quoted:
            lone = (
                header
                and dialect == "ledger"
                and text[max(0, n - 2) : n] not in ("  ", "")
                and "\t" not in text[:n]
            )
            if lone:
                continue
            at = n
            break
    return (text, "") if at < 0 else (text[:at].rstrip(), text[at + 1 :].strip())


def read_leg(line: str, place: Place, styles: Styles) -> Leg:
    """Return the posting of a line without its indentation."""
    text, note = split_note(line, styles.dialect)
    if text[:1] in ("*", "!"):
        text = text[1:].lstrip()
    end = min(
        (at for at in (text.find("  "), text.find("\t"), text.find(" \t")) if at >= 0), default=len(text)
    )
    account, rest = text[:end].strip(), text[end:].strip()
    brackets = ""
    for pair in ("()", "[]"):
        if account.startswith(pair[0]) and account.endswith(pair[1]):
            brackets, account = pair, account[1:-1].strip()
    if not account:
        raise wrong(place, "expected an account, then two spaces and an amount")
    amount, lot, price, balance = _amounts(Reader(rest, styles, place)) if rest else (None, None, None, None)
    return Leg(account, place, amount, lot, price, balance, brackets, note, rest)


def _amounts(reader: Reader) -> tuple[Amount | None, Price | None, Price | None, Balance | None]:
    amount: Amount | None = None
    lot: Price | None = None
    price: Price | None = None
    balance: Balance | None = None
    if not reader.rest.startswith("="):
        amount = reader.amount()
        lot = _lot(reader)
        price = _price(reader)
        lot = lot or _lot(reader)
    if reader.next("="):
        alone = reader.next("=")
        below = reader.next("*")
        balance = Balance(reader.amount(), alone, below)
        _lot(reader)
        _price(reader)
    reader.end()
    return amount, lot, price, balance


def _lot(reader: Reader) -> Price | None:
    """Take a lot's price, day and note; ledger's valuation expressions are refused."""
    lot: Price | None = None
    while True:
        whole = reader.next("{{")
        if whole or reader.next("{"):
            reader.next("=")
            if reader.next("}}" if whole else "}"):
                continue
            lot = Price(reader.amount(), whole)
            if not reader.next("}}" if whole else "}"):
                raise wrong(reader.place, "a closing } is missing")
        elif reader.next("["):
            reader.until("]")
        elif reader.styles.dialect == "ledger" and reader.rest.startswith("((") and reader.next("(("):
            raise wrong(reader.place, "(( )) values are not supported: remove them")
        elif (
            reader.styles.dialect == "ledger" and reader.rest.startswith("(") and "(@" not in reader.rest[:2]
        ):
            reader.next("(")
            reader.until(")")
        else:
            return lot


def _price(reader: Reader) -> Price | None:
    for sign, whole in (("(@@)", True), ("(@)", False), ("@@", True), ("@", False)):
        if reader.next(sign):
            reader.next("=")
            return Price(reader.amount(), whole)
    return None
