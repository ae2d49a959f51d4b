"""The use cases of the ledger; first parameter `ctx`, one transaction each. See `api` for the errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import proof, store
from sent.engines.capital.manifest import BOOKED
from sent.engines.capital.model import (
    Account,
    AccountKind,
    Balance,
    Draft,
    Finding,
    Holding,
    Journal,
    JournalKind,
    Line,
    Outcome,
    PeriodState,
    Role,
    Verified,
    taken,
)
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Conflict
from sent.platform.ids import uuid7

TRIES = 4
BLOCK = 2000
EXPIRED_AT_ONCE = 500


async def post_batch(ctx: Ctx, drafts: Sequence[Draft]) -> list[Outcome]:
    """Book drafts in one transaction; each is taken or refused for itself (see `Outcome`).

    Two callers with the same key at the same time: the later one is told that it is a duplicate.
    """
    if not drafts:
        return []
    for left in reversed(range(TRIES)):
        try:
            async with uow(ctx) as tx:
                return await store.post(tx, drafts)
        except Conflict as error:
            if error.code != "database.conflict" or not left:
                raise
    raise AssertionError("the last try returns or raises")


async def post(ctx: Ctx, draft: Draft) -> UUID:
    """Book one entry and return its id; raises Invalid (or Conflict: key, floor) that says why not."""
    if draft.group is not None:
        (outcome,) = await post_batch(ctx, [draft])
        return taken(outcome)
    async with uow(ctx) as tx:
        return taken(await store.post_one(tx, draft))


async def post_pending(
    ctx: Ctx,
    reserved: UUID,
    day: date,
    *,
    lines: Sequence[Line] | None = None,
    memo: str = "",
    key: str | None = None,
) -> UUID:
    """Book what a pending entry reserved, whole or the smaller `lines`; the rest is free again.

    Raises NotFound, Conflict (resolved already, over its time), Invalid (more than was reserved).
    """
    async with uow(ctx) as tx:
        return taken(await store.post_pending(tx, reserved, uuid7(), day, memo, key, lines))


async def void_pending(ctx: Ctx, reserved: UUID, why: str = "") -> bool:
    """Free what a pending entry reserved; False when it was free already. Raises NotFound, Conflict."""
    async with uow(ctx) as tx:
        return await store.void(tx, reserved, uuid7(), why)


async def expire(ctx: Ctx) -> int:
    """Free what is over its time; returns how many entries."""
    async with uow(ctx) as tx:
        return await store.expire(tx, EXPIRED_AT_ONCE)


async def reverse(ctx: Ctx, entry: UUID, day: date, memo: str = "") -> UUID:
    """Book the opposite of an entry; raises NotFound, Conflict (reversed already), Invalid."""
    async with uow(ctx) as tx:
        return taken(await store.reverse(tx, entry, uuid7(), day, memo))


async def balances(ctx: Ctx, until: date | None = None, known: datetime | None = None) -> list[Balance]:
    """Return what is booked up to the end of a day, as it is known now, or was `known` at a moment."""
    async with uow(ctx) as tx:
        return await store.balances(tx, until, known)


async def movements(ctx: Ctx, starts: date, ends: date) -> list[Balance]:
    """Return debits and credits between two days, without the entries that close a year."""
    async with uow(ctx) as tx:
        return await store.movements(tx, starts, ends)


async def holding(ctx: Ctx, account: UUID, commodity: str) -> Holding:
    """Return what an account with a floor holds."""
    async with uow(ctx) as tx:
        found = await store.holding(tx, account, commodity)
    return found or Holding(Decimal(0), Decimal(0), Decimal(0))


async def accounts(ctx: Ctx) -> list[Account]:
    """Return the chart of accounts by code."""
    async with uow(ctx) as tx:
        return await store.accounts(tx)


async def open_account(
    ctx: Ctx,
    code: str,
    name: str,
    kind: AccountKind,
    *,
    parent: UUID | None = None,
    commodity: str | None = None,
    floor: Decimal | None = None,
    role: Role | None = None,
) -> UUID:
    """Open an account and return its id; raises Conflict when the code is taken."""
    made = Account(uuid7(), code, name, kind, role, parent, commodity, floor, None, 1)
    async with uow(ctx) as tx:
        await store.open_account(tx, made)
        if floor is not None:
            await store.set_floor(tx, made.id, floor)
    return made.id


async def change_account(ctx: Ctx, account: Account) -> None:
    """Keep an account's new name, parent, role and last day (`closed_on`; None opens it again).

    Raises Conflict (changed by somebody else meanwhile, entries after its last day), Invalid (below itself).
    """
    async with uow(ctx) as tx:
        await store.change_account(tx, account)


async def set_floor(ctx: Ctx, account: UUID, floor: Decimal | None) -> None:
    """Set or lift the floor of an account; raises Conflict when it is below already."""
    async with uow(ctx) as tx:
        await store.set_floor(tx, account, floor)


async def journals(ctx: Ctx) -> list[Journal]:
    """Return the journals by code."""
    async with uow(ctx) as tx:
        return await store.journals(tx)


async def open_journal(ctx: Ctx, code: str, name: str, kind: JournalKind = "general") -> UUID:
    """Open a journal and return its id; raises Conflict when the code is taken."""
    made = Journal(uuid7(), code, name, kind)
    async with uow(ctx) as tx:
        await store.open_journal(tx, made)
    return made.id


async def set_period(
    ctx: Ctx, starts: date, ends: date, state: PeriodState, *, period: UUID | None = None
) -> UUID:
    """Add a period or set its state; raises Conflict (overlap, hard closed), Invalid."""
    made = period or uuid7()
    async with uow(ctx) as tx:
        await store.set_period(tx, made, starts, ends, state)
    return made


async def upkeep(ctx: Ctx) -> tuple[int, int]:
    """Count settled lines into totals and seal all journals; returns lines counted and entries sealed.

    What services do every few seconds, in short transactions. Tells listeners that there is something new.
    """
    async with uow(ctx) as tx:
        counted = await store.roll(tx)
    sealed = 0
    while True:
        async with uow(ctx) as tx:
            made = await store.seal(tx, BLOCK)
            if made:
                await publish(tx, ctx, BOOKED, {"until": str(await store.sealed(tx))})
        sealed += made
        if made < BLOCK:
            return counted, sealed


async def verify(ctx: Ctx) -> Verified:
    """Compare all journals with their seals, block by block; names the first of what differs."""
    entries = count = unsealed = 0
    findings: list[Finding] = []
    async with uow(ctx) as tx:
        journals = [(one.id, one.code) for one in await store.journals(tx)]
    for journal, code in journals:
        async with uow(ctx) as tx:
            blocks = [proof.Block(*row) for row in await store.blocks(tx, journal)]
        findings += proof.chained(code, blocks)
        last = 0
        for block in blocks:
            async with uow(ctx) as tx:
                present = await store.digests(tx, journal, last, block.last)
            findings += proof.compared(code, block, present)
            entries += len(present)
            last = max(last, block.last)
        async with uow(ctx) as tx:
            unsealed += len(await store.digests(tx, journal, last, 2**62))
        count += len(blocks)
    return Verified(entries, count, unsealed, tuple(findings))
