"""Imports and exports as use cases; each import is one transaction, booked whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg

from sent.engines.capital import store as ledger
from sent.engines.capital.model import SENTENCES, Account, AccountKind, Fault, Journal, Outcome
from sent.engines.capital.plaintext import importing, store
from sent.engines.capital.plaintext.beanbook import read_beancount
from sent.engines.capital.plaintext.importing import Marked, Wanted
from sent.engines.capital.plaintext.journalbook import read_journal
from sent.engines.capital.plaintext.model import Book, Format, Place, wrong
from sent.engines.capital.plaintext.symbols import PREFIX, code_of, symbol_of
from sent.engines.capital.plaintext.writing import Opened, Written, writer
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import Tx, scalar, transaction, uow
from sent.platform.errors import Conflict, Invalid
from sent.platform.ids import OrgId, uuid7

BATCH = 1000
MOST_LINES = 40_000
"""Of a batch; one transaction has at most 30,000."""
JOURNAL = "TEXT"
MOST_ACCOUNTS = 19_000
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Choices:
    """How to import.

    fallback: the kind of accounts whose first part says nothing. finer: count a currency to more digits than
    its country does where the file does so, from now on in all books. codes: of symbols, by symbol.
    """

    fallback: AccountKind = "equity"
    finer: bool = False
    codes: Mapping[str, str] | None = None
    tell: Tell = lambda text: None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to; `known` entries were there from an earlier one."""

    booked: int
    known: int
    accounts: int
    commodities: int


@dataclass(frozen=True, slots=True)
class Total:
    """A row of a trial balance, with account names and symbols as the source has them."""

    account: str
    commodity: str
    amount: Decimal


def read(file: Path, format: Format) -> Book:
    """Read a file; raises Invalid that names file and line."""
    return read_beancount(file) if format == "beancount" else read_journal(file, format)


async def import_book(ctx: Ctx, book: Book, choices: Choices | None = None) -> Imported:
    """Book a file's transactions, all or none; raises Invalid or Conflict with file and line."""
    async with uow(ctx) as tx:
        return (await _Import(tx, book, choices or Choices()).book())[0]


async def try_book(system: Database, book: Book, choices: Choices | None = None) -> list[Total]:
    """Book a file in an organisation that is gone again afterwards; returns its trial balance.

    As `sent_system`, which alone makes organisations. The importer's own accounts come last.
    """
    found: list[Total] = []
    async with transaction(system) as tx:
        organization = OrgId(uuid7())
        await scalar(
            tx,
            "select core.create_organization(%s, %s, %s)",
            [organization, "Trial import", f"trial-{organization.hex[-12:]}"],
        )
        await tx.execute("select set_config('sent.actor_id', %s, true)", [str(UUID(int=0))])
        work = _Import(tx, book, replace(choices or Choices(), finer=True))
        await work.book()
        found = await work.totals()
        raise psycopg.Rollback
    return found


class _Import:
    def __init__(self, tx: Tx, book: Book, choices: Choices) -> None:
        self.tx = tx
        self.book_ = book
        self.choices = choices
        self.tell = choices.tell
        self.accounts: dict[str, UUID] = {}
        self.own: set[str] = set()
        self.codes: dict[str, str] = {}
        self.opened = 0
        self.added = 0

    async def book(self) -> tuple[Imported, UUID]:
        """Open what is missing and book all transactions."""
        journal = await self._journal()
        await self._open_accounts()
        await self._add_commodities()
        if lost := importing.rounded(self.book_):
            self.tell(f"{lost} amounts have more than {importing.MOST_DIGITS} digits and were rounded")
        marked = importing.drafts(self.book_, journal, self.accounts, self.codes)
        booked = known = 0
        total = len(self.book_.transactions)
        for batch in _batches(marked):
            fresh, old = await self._post(batch)
            booked, known = booked + fresh, known + old
            self.tell(f"{booked + known} of {total} transactions")
        return Imported(booked, known, self.opened, self.added), journal

    async def totals(self) -> list[Total]:
        """Return the trial balance of what is booked, the importer's own accounts last."""
        names = {id: name for name, id in self.accounts.items()}
        symbols = {code: symbol for symbol, code in self.codes.items()}
        found = [
            Total(names[one.account], symbols[one.commodity], one.amount)
            for one in await ledger.balances(self.tx, None, None)
            if one.amount
        ]
        return sorted(found, key=lambda row: (row.account in self.own, row.account, row.commodity))

    async def _journal(self) -> UUID:
        for journal in await ledger.journals(self.tx):
            if journal.code == JOURNAL:
                return journal.id
        made = Journal(uuid7(), JOURNAL, "Imported text books", "general")
        await ledger.open_journal(self.tx, made)
        return made.id

    # Accounts

    async def _open_accounts(self) -> None:
        there = {one.code: one for one in await ledger.accounts(self.tx)}
        self.accounts = {code: one.id for code, one in there.items()}
        self.own = set(importing.clearing_names(self.book_).values())
        if len(there) + len(self.book_.accounts) > MOST_ACCOUNTS:
            raise Invalid("capital.plaintext", f"books have at most {MOST_ACCOUNTS} accounts")
        unknown: set[str] = set()
        used = [posting.account for one in self.book_.transactions for posting in one.postings]
        for name in dict.fromkeys([*self.book_.accounts, *used, *sorted(self.own)]):
            kind = importing.kind_of(name, self.book_.kinds)
            if kind is None:
                unknown.add(name.partition(":")[0])
            await self._open(name, kind or self.choices.fallback)
        if unknown:
            self.tell(f"taken for {self.choices.fallback} accounts: {', '.join(sorted(unknown))}")

    async def _open(self, name: str, kind: AccountKind) -> UUID:
        if name in self.accounts:
            return self.accounts[name]
        above, _, last = name.rpartition(":")
        parent = await self._open(above, kind) if above else None
        made = Account(uuid7(), name, last, kind, None, parent, None, None, None, 1)
        await ledger.open_account(self.tx, made)
        self.accounts[name] = made.id
        self.opened += 1
        return made.id

    # Commodities

    async def _add_commodities(self) -> None:
        there = await store.commodities(self.tx)
        known = {
            symbol_of(one.code, one.name): one.code for one in there.values() if one.code.startswith(PREFIX)
        }
        for wanted in importing.commodities(self.book_):
            symbol = wanted.symbol
            code = (self.choices.codes or {}).get(symbol) or known.get(symbol)
            code = code or code_of(symbol, {*there, *self.codes.values()})
            if code in self.codes.values():
                other = next(name for name, taken in self.codes.items() if taken == code)
                raise Invalid("capital.plaintext", f"{symbol!r} and {other!r} cannot both be {code}")
            self.codes[symbol] = code
            await self._count(code, wanted, there)

    async def _count(self, code: str, wanted: Wanted, there: Mapping[str, store.Commodity]) -> None:
        """Make sure that a commodity is counted to the digits the book has."""
        exponent = await store.exponent(self.tx, code)
        if exponent is not None and exponent >= wanted.digits:
            return
        if code in there:
            await store.refine_commodity(self.tx, code, wanted.digits)
            return
        if exponent is not None and not self.choices.finer:
            raise wrong(
                wanted.place,
                f"{code} is counted to {exponent} digits, and here to {wanted.digits}: round the amounts,"
                " or import with --finer",
            )
        name = wanted.symbol if code.startswith(PREFIX) else ""
        await store.add_commodity(self.tx, store.Commodity(code, name, wanted.digits))
        self.added += 1

    # Entries

    async def _post(self, batch: Sequence[Marked]) -> tuple[int, int]:
        outcomes = await ledger.post(self.tx, [one.draft for one in batch])
        for one, outcome in zip(batch, outcomes, strict=True):
            if not outcome.booked:
                raise _refused(one.place, outcome)
        fresh = sum(outcome.fault is Fault.NONE for outcome in outcomes)
        return fresh, len(outcomes) - fresh


def _batches(marked: Iterable[Marked]) -> Iterator[list[Marked]]:
    batch: list[Marked] = []
    lines = 0
    for one in marked:
        if batch and (len(batch) >= BATCH or lines + len(one.draft.lines) > MOST_LINES):
            yield batch
            batch, lines = [], 0
        batch.append(one)
        lines += len(one.draft.lines)
    if batch:
        yield batch


def _refused(place: Place, outcome: Outcome) -> Invalid | Conflict:
    kind = Conflict if outcome.fault in (Fault.KEY_REUSED, Fault.FLOOR) else Invalid
    sentence = SENTENCES[outcome.fault]
    if outcome.fault is Fault.KEY_REUSED:
        sentence = "it was imported before into other accounts: import with the codes and names of then"
    return kind(f"capital.{outcome.fault.name.lower()}", f"{place}: {sentence}", place=str(place))


async def trial_balance(ctx: Ctx, until: date | None = None, known: datetime | None = None) -> list[Total]:
    """Return what accounts hold at the end of a day, as known now or at a moment, where it is not zero."""
    async with uow(ctx) as tx:
        names = {one.id: one.code for one in await ledger.accounts(tx)}
        there = await store.commodities(tx)
        found = [
            Total(names[one.account], _symbol(one.commodity, there), one.amount)
            for one in await ledger.balances(tx, until, known)
            if one.amount
        ]
    return sorted(found, key=lambda row: (row.account, row.commodity))


def _symbol(code: str, there: Mapping[str, store.Commodity]) -> str:
    return symbol_of(code, there[code].name) if code in there else code


async def export(ctx: Ctx, format: Format, until: date | None = None) -> AsyncIterator[str]:
    """Yield the text of the books, piece by piece; reserved amounts are left out."""
    async with uow(ctx) as tx:
        days = await store.first_days(tx)
        there = await store.commodities(tx)
        accounts = [
            Opened(one.id, one.code, one.name, one.kind, days[one.id])
            for one in await ledger.accounts(tx)
            if one.id in days
        ]
        text = writer(format, accounts, lambda code: _symbol(code, there))
        yield text.head()
        entry: Written | None = None
        async for rows in store.booked(tx, until):
            pieces: list[str] = []
            for row in rows:
                if entry is None or entry.seq != row.seq:
                    if entry is not None:
                        pieces.append(text.entry(entry))
                    entry = Written(row.seq, row.day, row.memo, row.reference, ())
                line = (row.account, row.amount, row.commodity, row.note or "")
                entry = replace(entry, lines=(*entry.lines, line))
            yield "".join(pieces)
        if entry is not None:
            yield text.entry(entry)
