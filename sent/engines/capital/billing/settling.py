"""Payments and what they settle, in SQL; every change goes through a function of the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sent.engines.capital.billing.model import AllocationKind, Direction, Payment
from sent.engines.capital.billing.store import TaxRow, tax_rows
from sent.engines.capital.model import Draft, Fault, Outcome
from sent.engines.capital.store import request_digest
from sent.platform.db.uow import Tx, fetch, fetch_one
from sent.platform.ids import uuid7


@dataclass(frozen=True, slots=True)
class Kept:
    """A payment as it stands; `left` is not allocated."""

    id: UUID
    party: UUID
    direction: Direction
    day: date
    commodity: str
    amount: Decimal
    left: Decimal
    entry: UUID


@dataclass(frozen=True, slots=True)
class Allocated:
    """An allocation that stands; those of one `group` are taken off together."""

    id: UUID
    group: UUID
    kind: AllocationKind
    document: UUID
    payment: UUID | None
    credit: UUID | None
    day: date
    amount: Decimal
    entry: UUID | None


@dataclass(frozen=True, slots=True)
class Booking:
    """A payment with what it credits its party with, on which account, and its entry."""

    payment: Payment
    commodity: str
    amount: Decimal
    control: UUID
    draft: Draft


_PAY = (
    "select fault, booked, made from capital.pay(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
    " %s::uuid[], %s::text[], %s::numeric[], %s::text[])"
)


def _paid(one: Booking) -> list[Any]:
    payment, draft = one.payment, one.draft
    parts = [
        (part.document, *(f"{x.normalize():f}" for x in (part.amount, part.discount, part.write_off)))
        for part in payment.parts
    ]
    asked = request_digest(
        "payment", payment.party, payment.direction, payment.day, f"{payment.amount.normalize():f}",
        payment.commodity, payment.account, parts,
    )  # fmt: skip
    return [
        payment.id, payment.party, payment.direction, payment.day, one.commodity, one.amount,
        payment.commodity, payment.amount, one.control, draft.journal, draft.id, draft.reference, draft.memo,
        payment.key, asked if payment.key is not None else None, [line.account for line in draft.lines],
        [line.commodity for line in draft.lines], [line.amount for line in draft.lines],
        [line.note for line in draft.lines],
    ]  # fmt: skip


def _outcome(one: Booking, rows: Sequence[tuple[Any, ...]]) -> tuple[Outcome, UUID]:
    if not rows:
        return Outcome(Fault.KEY_REUSED, one.draft.id), one.payment.id
    ((fault, entry, made),) = rows
    return Outcome(Fault(fault), entry), made


async def pay(tx: Tx, one: Booking) -> tuple[Outcome, UUID]:
    """Book money and keep it as a payment; returns its id, for a duplicate that of the first time."""
    return _outcome(one, await (await tx.execute(_PAY, _paid(one))).fetchall())


async def pay_many(tx: Tx, found: Sequence[Booking]) -> list[tuple[Outcome, UUID]]:
    """Book many payments in their order, with few round trips."""
    made = []
    async with tx.cursor() as cursor:
        await cursor.executemany(_PAY, [_paid(one) for one in found], returning=True)
        for one in found:
            made.append(_outcome(one, await cursor.fetchall()))
            cursor.nextset()
    return made


_ALLOCATE = (
    "select capital.allocate(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s::text[],"
    " %s::numeric[], %s)"
)


async def allocate_many(tx: Tx, found: Sequence[tuple[UUID, UUID, UUID, date, Decimal]]) -> list[Fault]:
    """Settle documents by payments: (group, document, payment, day, amount), with few round trips."""
    faults = []
    async with tx.cursor() as cursor:
        rows = [
            [uuid7(), group, "payment", document, payment, None, day, amount, None, None, "", None, None,
             None, tax_rows([])]
            for group, document, payment, day, amount in found
        ]  # fmt: skip
        await cursor.executemany(_ALLOCATE, rows, returning=True)
        for _ in found:
            ((fault,),) = await cursor.fetchall()
            faults.append(Fault(fault))
            cursor.nextset()
    return faults


async def adopt(tx: Tx, payment: UUID, party: UUID, entry: UUID, n: int) -> None:
    """Take a line of the ledger as a payment."""
    await tx.execute("select capital.adopt(%s, %s, %s, %s)", [payment, party, entry, n])


async def allocate(
    tx: Tx,
    allocation: UUID,
    group: UUID,
    kind: AllocationKind,
    document: UUID,
    day: date,
    amount: Decimal,
    *,
    payment: UUID | None = None,
    credit: UUID | None = None,
    draft: Draft | None = None,
    taxes: Sequence[TaxRow] = (),
) -> Fault:
    """Settle a part of a document."""
    lines = () if draft is None else draft.lines
    cursor = await tx.execute(
        _ALLOCATE,
        [
            allocation, group, kind, document, payment, credit, day, amount,
            None if draft is None else draft.journal, None if draft is None else draft.id,
            "" if draft is None else draft.memo,
            None if draft is None else [line.account for line in lines],
            None if draft is None else [line.commodity for line in lines],
            None if draft is None else [line.amount for line in lines], tax_rows(taxes),
        ],
    )  # fmt: skip
    ((fault,),) = await cursor.fetchall()
    return Fault(fault)


async def release(tx: Tx, group: UUID, day: date, why: str) -> int:
    """Take allocations off; returns how many there were."""
    cursor = await tx.execute("select capital.release(%s, %s, %s)", [group, day, why])
    ((amount,),) = await cursor.fetchall()
    return int(amount)


async def undo(tx: Tx, payment: UUID, entry: UUID, day: date, why: str) -> Outcome:
    """Take a payment back that settles nothing any more."""
    cursor = await tx.execute(
        "select fault, booked from capital.undo_payment(%s, %s, %s, %s)", [payment, entry, day, why]
    )
    ((fault, booked),) = await cursor.fetchall()
    return Outcome(Fault(fault), booked or entry)


async def payment(tx: Tx, id: UUID) -> Kept | None:
    """Return a payment."""
    return await fetch_one(
        tx,
        Kept,
        "select p.id, p.party_id as party, p.direction, p.day, p.commodity, p.amount, p.amount - coalesce(("
        " select sum(a.amount) from capital.allocation a where a.payment_id = p.id and a.released_at is"
        " null), 0)"
        " as left, p.entry_id as entry from capital.payment p where p.id = %s",
        [id],
    )


async def allocations(tx: Tx, document: UUID | None = None, payment: UUID | None = None) -> list[Allocated]:
    """Return what settles a document (as the settled or the settling one), or what a payment settles."""
    return await fetch(
        tx,
        Allocated,
        'select a.id, a.group_id as "group", a.kind, a.document_id as document, a.payment_id as payment,'
        " a.credit_id as credit, a.day, a.amount, a.entry_id as entry from capital.allocation a"
        " where a.released_at is null and (a.document_id = %(document)s or a.credit_id = %(document)s"
        " or a.payment_id = %(payment)s) order by a.day, a.id limit 2000",
        {"document": document, "payment": payment},
    )
