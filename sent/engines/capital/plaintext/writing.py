"""Books written as beancount, hledger or ledger-cli read them; pure.

Every entry balances in each commodity, so no costs are needed and no tolerance is used. Names that a format
does not allow are changed to ones it does, each to another; beancount keeps the old one as metadata.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol
from unicodedata import category
from uuid import UUID

from sent.engines.capital.model import AccountKind
from sent.engines.capital.plaintext.importing import kind_of
from sent.engines.capital.plaintext.model import Format
from sent.engines.capital.plaintext.quantities import NEVER_IN_SYMBOL
from sent.engines.capital.plaintext.symbols import code_of

ROOTS: dict[AccountKind, str] = {
    "asset": "Assets", "liability": "Liabilities", "equity": "Equity", "income": "Income",
    "expense": "Expenses",
}  # fmt: skip
_TYPES: dict[AccountKind, str] = {
    "asset": "A", "liability": "L", "equity": "E", "income": "R", "expense": "X",
}  # fmt: skip
_WORDS = frozenset(("TRUE", "FALSE", "NULL"))

Line = tuple[UUID, Decimal, str, str]
"""Account, amount, commodity's code, note."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An account that something was booked on, since a day."""

    id: UUID
    code: str
    name: str
    kind: AccountKind
    day: date


@dataclass(frozen=True, slots=True)
class Written:
    """An entry to be written."""

    seq: int
    day: date
    memo: str
    reference: str
    lines: tuple[Line, ...]


class Writer(Protocol):
    """Writes books in one format."""

    def head(self) -> str:
        """Return what stands in front: the accounts."""

    def entry(self, entry: Written) -> str:
        """Return an entry."""


def writer(format: Format, accounts: Sequence[Opened], symbol: Callable[[str], str]) -> Writer:
    """Return the writer of a format; `symbol` gives the symbol of a commodity's code."""
    if format == "beancount":
        return BeancountWriter(accounts, symbol)
    return JournalWriter(accounts, symbol, typed=format == "hledger")


class BeancountWriter:
    """Writes beancount."""

    def __init__(self, accounts: Sequence[Opened], symbol: Callable[[str], str]) -> None:
        self._accounts = accounts
        self._symbol = symbol
        self._names = _unique([(one.id, _beancount_account(one)) for one in accounts], "-")
        self._told: set[str] = set()

    def head(self) -> str:
        """Return the accounts."""
        rows = ['option "title" "Books of SENT"\n\n']
        for one in self._accounts:
            name = self._names[one.id]
            rows.append(f"{one.day:%Y-%m-%d} open {name}\n")
            if name != one.code:
                rows.append(f"  code: {_quoted(one.code)}\n")
        return "".join(rows) + "\n"

    def entry(self, entry: Written) -> str:
        """Return a transaction."""
        payee, bar, narration = entry.memo.partition(" | ")
        texts = f"{_quoted(payee)} {_quoted(narration)}" if bar else _quoted(entry.memo)
        rows = [f"{entry.day:%Y-%m-%d} * {texts}\n"]
        if entry.reference:
            rows.append(f"  reference: {_quoted(entry.reference)}\n")
        before: list[str] = []
        for account, amount, code, note in entry.lines:
            commodity = self._commodity(code, entry.day, before)
            rows.append(f"  {self._names[account]}  {plain(amount)} {commodity}\n")
            if note:
                rows.append(f"    note: {_quoted(note)}\n")
        return "".join([*before, *rows, "\n"])

    def _commodity(self, code: str, day: date, before: list[str]) -> str:
        symbol = self._symbol(code)
        if _beancount_commodity(symbol):
            return symbol
        spelled = code_of(symbol).removeprefix("x.").upper()
        spelled = "".join(char if char.isascii() and char.isalnum() else "-" for char in spelled)[:15]
        digest = hashlib.sha256(symbol.encode()).hexdigest()[:8].upper()
        name = f"X-{spelled.strip('-')}-{digest}"
        if name not in self._told:
            self._told.add(name)
            before.append(f"{day:%Y-%m-%d} commodity {name}\n  symbol: {_quoted(symbol)}\n\n")
        return name


class JournalWriter:
    """Writes what hledger and ledger-cli both read."""

    def __init__(self, accounts: Sequence[Opened], symbol: Callable[[str], str], *, typed: bool) -> None:
        self._accounts = accounts
        self._symbol = symbol
        self._typed = typed
        self._names = _unique([(one.id, _journal_account(one)) for one in accounts], " ")

    def head(self) -> str:
        """Return the accounts."""
        rows = []
        for one in self._accounts:
            kind = f"  ; type: {_TYPES[one.kind]}" if self._typed else ""
            rows.append(f"account {self._names[one.id]}{kind}\n")
        return "".join(rows) + "\n"

    def entry(self, entry: Written) -> str:
        """Return a transaction."""
        code = f" ({_one_line(entry.reference, '();')})" if entry.reference else ""
        memo = _one_line(entry.memo, ";").lstrip("*!(= ")
        rows = [f"{entry.day:%Y-%m-%d} *{code} {memo}".rstrip() + "\n"]
        for account, amount, code_, note in entry.lines:
            said = _one_line(note, "[];").replace("date:", "date ").replace("date2:", "date2 ")
            said = f"  ; {said}" if said else ""
            rows.append(f"    {self._names[account]}  {plain(amount)}{self._commodity(code_)}{said}\n")
        return "".join([*rows, "\n"])

    def _commodity(self, code: str) -> str:
        symbol = self._symbol(code)
        if not symbol:
            return ""
        odd = NEVER_IN_SYMBOL["hledger"] | NEVER_IN_SYMBOL["ledger"]
        if any(char in odd or char.isspace() for char in symbol):
            return ' "' + symbol.replace('"', "'") + '"'
        return f" {symbol}"


def _quoted(text: str) -> str:
    return '"' + _one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str, without: str = "") -> str:
    plain = "".join(" " if char in without or not char.isprintable() else char for char in text)
    return " ".join(plain.split())


def _unique(wanted: Sequence[tuple[UUID, str]], gap: str) -> dict[UUID, str]:
    """Return names by id, a number added to those that are taken."""
    taken: set[str] = set()
    found: dict[UUID, str] = {}
    for id, name in wanted:
        fresh, number = name, 1
        while fresh in taken:
            number += 1
            fresh = f"{name}{gap}{number}"
        taken.add(fresh)
        found[id] = fresh
    return found


def _parts(account: Opened) -> list[str]:
    """Return what stands below the root."""
    parts = account.code.split(":")
    if len(parts) == 1 and account.name != account.code:
        return [f"{account.code} {account.name}"]
    return parts[1:] if kind_of(account.code, {}) == account.kind else parts


def _beancount_account(account: Opened) -> str:
    parts = [_component(part) for part in _parts(account)] or ["General"]
    return ":".join([ROOTS[account.kind], *parts])


def _component(part: str) -> str:
    """Return a part of an account as beancount has it: an upper-case letter or digit, then any and dashes."""
    plain = "".join(char if category(char)[0] == "L" or category(char) == "Nd" else "-" for char in part)
    plain = "-".join(piece for piece in plain.split("-") if piece) or "X"
    first = plain[0].upper() if len(plain[0].upper()) == 1 else "X" + plain[0]
    return first + plain[1:] if category(first[0]) in ("Lu", "Nd") else "X" + plain


def _beancount_commodity(symbol: str) -> bool:
    inner = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'._-")
    return (
        bool(symbol)
        and symbol not in _WORDS
        and "A" <= symbol[0] <= "Z"
        and symbol[-1].isalnum()
        and all(char in inner for char in symbol)
    )


def _journal_account(account: Opened) -> str:
    own = account.code.rpartition(":")[2] == account.name
    parts = account.code.split(":") if own else [ROOTS[account.kind], *_parts(account)]
    plain = [_one_line(part, ";()[]").lstrip("*!=~ ") or "X" for part in parts]
    return ":".join(plain)


def plain(amount: Decimal) -> str:
    """Return an amount without exponent and without zeros at its end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
