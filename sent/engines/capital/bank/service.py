"""The use cases of bank accounts; first parameter `ctx`, one transaction each. See `api` for the errors."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from sent.engines.capital.bank import booking, documents, identity, rules, store
from sent.engines.capital.bank.booking import Settle, Unsettle
from sent.engines.capital.bank.model import (
    AUTO,
    AutoMatched,
    BankAccount,
    Held,
    Imported,
    Movement,
    Open,
    Proposal,
    Reconciled,
    Rule,
)
from sent.engines.capital.bank.proposals import proposals, taken_alone
from sent.engines.capital.bank.readers.detect import Format, read
from sent.engines.capital.bank.readers.statement import Statement
from sent.engines.capital.bank.readers.table import CsvMapping
from sent.engines.capital.model import taken
from sent.engines.capital.store import reverse
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Invalid
from sent.platform.ids import uuid7

AT_ONCE = 500


async def open_bank_account(
    ctx: Ctx, account: UUID, journal: UUID, name: str, *, commodity: str, iban: str = ""
) -> UUID:
    """Tell that an account of the ledger is one at a bank; returns its id. Needs `capital:manage`."""
    made = BankAccount(uuid7(), account, journal, name, commodity, iban, None)
    async with uow(ctx) as tx:
        await store.open_account(tx, made)
    return made.id


async def bank_accounts(ctx: Ctx) -> list[BankAccount]:
    """Return the bank accounts by name."""
    async with uow(ctx) as tx:
        return await store.accounts(tx)


async def import_statement(
    ctx: Ctx, bank_account: UUID, data: bytes, *, format: Format | None = None
) -> Imported:
    """Add what is new in a statement file; the same again, in whatever format, adds nothing.

    Raises Invalid with place and cure: the file cannot be read, does not add up, or is of another account.
    """
    async with uow(ctx) as tx:
        bank = await store.account(tx, bank_account)
        mapping = await store.mapping(tx, bank_account)
    kind, found = await asyncio.to_thread(
        read, data, format=format, mapping=mapping, commodity=bank.commodity
    )
    if not bank.iban and len({one.account for one in found}) > 1:
        raise Invalid("capital.bank.other", "the file has several accounts: give this one its IBAN first")
    ours = [one for one in found if _is_of(bank, one)]
    if not ours:
        raise Invalid(
            "capital.bank.other",
            f"the file is of account {found[0].account}, not {bank.iban}: choose its bank account",
        )
    added = known = 0
    statements: list[UUID] = []
    async with uow(ctx) as tx:
        await store.account(tx, bank_account, lock=True)
        for told in ours:
            statement, new = await _add(tx, bank, kind, told)
            added += new
            known += len(told.lines) - new
            if statement is not None and statement not in statements:
                statements.append(statement)
    return Imported(added, known, tuple(statements), kind)


def _is_of(bank: BankAccount, told: Statement) -> bool:
    """Whether a statement is of a bank account: by IBAN, or a number that the IBAN ends with."""
    ours = bank.iban.upper()
    theirs = "".join(c for c in told.account.upper() if c.isalnum())
    if not ours or not theirs or ours == theirs:
        return True
    return len(theirs) >= 4 and not theirs[:2].isalpha() and ours.endswith(theirs.lstrip("0"))


async def _add(tx: Tx, bank: BankAccount, kind: Format, told: Statement) -> tuple[UUID | None, int]:
    """Add what is new in one statement; returns the statement that stands for it and how many lines."""
    if told.commodity != bank.commodity:
        raise Invalid(
            "capital.bank.commodity",
            f"the statement is in {told.commodity}, the account in {bank.commodity}: choose another account",
        )
    stored = await store.known_lines(tx, bank.id, told.starts, told.ends)
    known = [one for _, one in stored]
    twin = await store.same_balances(tx, bank.id, told)
    equal = twin is not None and Counter((x.day, x.amount) for x in told.lines) == Counter(
        (x.line.day, x.line.amount) for x in known
    )
    new = await asyncio.to_thread(identity.fresh, told.lines, known, format=kind, same_period=equal)
    if not new and (told.lines or twin is not None):
        return twin or (stored[-1][0] if stored else None), 0
    return await store.add_statement(tx, bank.id, kind, told, new), len(new)


async def save_mapping(ctx: Ctx, bank_account: UUID, mapping: CsvMapping) -> None:
    """Keep how the bank of an account writes its CSV."""
    async with uow(ctx) as tx:
        await store.account(tx, bank_account)
        await store.save_mapping(tx, bank_account, mapping)


async def saved_mapping(ctx: Ctx, bank_account: UUID) -> CsvMapping | None:
    """Return how the bank of an account writes its CSV, if that was kept."""
    async with uow(ctx) as tx:
        await store.account(tx, bank_account)
        return await store.mapping(tx, bank_account)


async def save_rule(ctx: Ctx, rule: Rule) -> UUID:
    """Add a rule or change it; raises Invalid for a pattern that cannot run."""
    rules.checked(rule)
    async with uow(ctx) as tx:
        await store.save_rule(tx, rule)
    return rule.id


async def bank_rules(ctx: Ctx, bank_account: UUID | None = None) -> list[Rule]:
    """Return the rules by position; of a bank account those for all too."""
    async with uow(ctx) as tx:
        return await store.rules(tx, bank_account)


async def unmatched(ctx: Ctx, bank_account: UUID, until: date | None = None) -> list[Movement]:
    """Return the movements that nothing is matched with, by day (at most 20,000)."""
    async with uow(ctx) as tx:
        await store.account(tx, bank_account)
        return await store.unmatched(tx, bank_account, until)


async def held(ctx: Ctx, bank_account: UUID, most: int = 1000) -> list[Held]:
    """Return the matches that stand, the newest first."""
    async with uow(ctx) as tx:
        await store.account(tx, bank_account)
        return await store.held(tx, bank_account, most)


async def propose(ctx: Ctx, bank_account: UUID, *, opens: Sequence[Open] | None = None) -> list[Proposal]:
    """Return what may be done with the movements that are left, the surest first.

    `opens` are documents that may be paid (None: billing's); the ledger's lines of the account are looked
    at anyway.
    """
    async with uow(ctx) as tx:
        bank = await store.account(tx, bank_account)
        waiting = await store.unmatched(tx, bank_account, None)
        lines = await store.open_lines(tx, bank_account)
        known = await store.rules(tx, bank_account)
        learned = await store.learned(tx, bank_account)
        if opens is None:
            opens = await documents.waiting(tx, waiting[-1].day, bank.commodity) if waiting else []
    active = [one for one in known if one.active]
    return await asyncio.to_thread(proposals, waiting, [*lines, *opens], active, learned)


async def candidates(ctx: Ctx, bank_account: UUID, day: date) -> list[Open]:
    """Return what movements may be matched with by hand: ledger lines, documents open on a day."""
    async with uow(ctx) as tx:
        bank = await store.account(tx, bank_account)
        return [
            *await store.open_lines(tx, bank_account),
            *await documents.waiting(tx, day, bank.commodity),
        ]


async def accept(
    ctx: Ctx, bank_account: UUID, proposal: Proposal, *, settle: Settle = documents.settle
) -> UUID:
    """Carry out a proposal: match, and book what is not in the ledger yet; returns the match.

    Documents need `open.account`; `settle` is called in the same transaction with the entries booked.
    Raises Conflict when a movement or ledger line is matched already, Invalid when the ledger refuses.
    """
    async with uow(ctx) as tx:
        bank = await store.account(tx, bank_account, lock=True)
        outcome = await booking.carry_out(tx, bank, [proposal], how="person", settle=settle)
    if outcome.refused:
        raise Invalid("capital.bank.refused", outcome.refused[0][1])
    return outcome.matches[0]


async def undo(
    ctx: Ctx, match: UUID, day: date | None = None, *, unsettle: Unsettle = documents.unsettle
) -> None:
    """Take a match back; what it booked is reversed (on `day`, else on its own day).

    `unsettle` is called in the same transaction with the entries, so that documents are open again. Raises
    Conflict when it is undone already, Invalid where the period is closed: choose a later day.
    """
    async with uow(ctx) as tx:
        entries = await store.undo(tx, match)
        if entries:
            await unsettle(tx, entries)
        days = await store.days_of(tx, entries)
        for entry in entries:
            taken(await reverse(tx, entry, uuid7(), day or days[entry], "Bank match undone"))


async def auto_match(
    ctx: Ctx,
    bank_account: UUID,
    threshold: float = AUTO,
    *,
    opens: Sequence[Open] | None = None,
    settle: Settle = documents.settle,
) -> AutoMatched:
    """Carry out all proposals from `threshold` on, and rules that book by themselves.

    In transactions of 500; whatever the ledger refuses (a closed period) is told and left.
    """
    if not 0.5 <= threshold <= 1:
        raise Invalid("capital.bank.threshold", "the threshold lies between 0.5 and 1")
    found = await propose(ctx, bank_account, opens=opens)
    sure = [one for one in found if taken_alone(one, threshold)]
    matched = by_rule = 0
    refused: list[tuple[UUID, str]] = []
    for start in range(0, len(sure), AT_ONCE):
        part = sure[start : start + AT_ONCE]
        async with uow(ctx) as tx:
            bank = await store.account(tx, bank_account, lock=True)
            outcome = await booking.carry_out(tx, bank, part, how="auto", settle=settle)
        bad = {movement for movement, _ in outcome.refused}
        refused += outcome.refused
        for one in part:
            if not bad & set(one.movements):
                matched += len(one.movements)
                by_rule += one.kind == "book"
    left = len(await unmatched(ctx, bank_account))
    return AutoMatched(matched, by_rule, left, tuple(refused))


async def create_from_line(
    ctx: Ctx, bank_account: UUID, movement: UUID, account: UUID, memo: str = ""
) -> UUID:
    """Book a movement against an account; returns the match."""
    return await accept(
        ctx, bank_account, Proposal("book", (movement,), 1.0, ("person",), account=account, memo=memo)
    )


async def reconciled(ctx: Ctx, bank_account: UUID, until: date) -> Reconciled:
    """Return statement against ledger at the end of a day, the difference explained by open items."""
    async with uow(ctx) as tx:
        bank = await store.account(tx, bank_account)
        sums = await store.totals(tx, bank, until)
        ledger_items = await store.open_lines(tx, bank_account, until)
        statement_items = await store.unmatched(tx, bank_account, until)
    by_opening = (sums.opening or Decimal(0)) + sums.lines
    statement = by_opening if sums.closing is None else sums.closing + sums.after_closing
    gap = Decimal(0) if sums.opening is None or sums.closing is None else statement - by_opening
    forward = sums.before - (statement - gap - sums.lines)
    outstanding = sum((one.amount for one in ledger_items), Decimal(0))
    unbooked = sum((one.amount for one in statement_items), Decimal(0))
    timing = sums.ledger - (statement - gap) - forward - outstanding + unbooked
    return Reconciled(
        until=until,
        statement=statement,
        ledger=sums.ledger,
        brought_forward=forward,
        outstanding=outstanding,
        unbooked=unbooked,
        timing=timing,
        gap=gap,
        ledger_items=tuple(ledger_items),
        statement_items=tuple(statement_items),
    )
