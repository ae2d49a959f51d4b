"""Use cases of payments: money in and out, what it settles, and taking that off again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.billing import postings, settling, store
from sent.engines.capital.billing.catalogue import by_role
from sent.engines.capital.billing.documents import (
    Computed,
    booked,
    computed,
    document_of,
    home_rate,
    journal_of,
    party_of,
)
from sent.engines.capital.billing.model import ZERO, Document, Money, Paid, Payment
from sent.engines.capital.billing.settling import Allocated, Kept
from sent.engines.capital.billing.totals import HUNDRED, discounted, rounded
from sent.engines.capital.model import Draft, Fault, Line, Outcome, taken
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid, NotFound
from sent.platform.ids import uuid7

MAX_PARTS = 500


async def pay(ctx: Ctx, payment: Payment) -> Paid:
    """Book a payment and allocate its parts, in one transaction; what is not allocated stays a credit.

    The same payment under the same key is booked once. Raises Invalid, NotFound, Conflict (more than open).
    """
    if not payment.amount.is_finite() or payment.amount <= 0:
        raise Invalid(
            "capital.payment.amount", "a payment is more than nothing: give what came in or went out"
        )
    if len(payment.parts) > MAX_PARTS:
        raise Invalid("capital.payment.parts", f"a payment settles at most {MAX_PARTS} documents: split it")
    async with uow(ctx) as tx:
        about = [await document_of(tx, part.document) for part in payment.parts]
        commodity, amount, control, lines = await _entry(tx, payment, about)
        journal = await journal_of(tx, "bank")
        draft = Draft(
            journal, payment.day, lines, memo=payment.memo, reference=payment.reference, key=payment.key
        )
        outcome, made = await settling.pay(tx, settling.Booking(payment, commodity, amount, control, draft))
        entry = taken(outcome)
        if outcome.fault == Fault.DUPLICATE:
            known = await settling.allocations(tx, payment=made)
            return Paid(made, entry, tuple(one.group for one in known))
        return Paid(made, entry, tuple(await settle_all(tx, made, payment.parts, payment.day)))


async def _entry(
    tx: Tx, payment: Payment, about: Sequence[Document]
) -> tuple[str, Decimal, UUID, list[Line]]:
    """Return commodity and amount that the party is credited with, its account, and the entry's lines."""
    chart = await ledger.accounts(tx)
    party = await party_of(tx, payment.party)
    controls = {one.control for one in about if one.control is not None}
    if len(controls) > 1:
        raise Invalid(
            "capital.payment.accounts", "the documents stand on different accounts: make a payment for each"
        )
    role = "receivable" if party.kind == "customer" else "payable"
    control = controls.pop() if controls else party.control or by_role(chart, role, "what parties owe").id  # type: ignore[arg-type]
    foreign = {one.commodity for one in about} - {payment.commodity}
    if not foreign:
        lines = postings.of_payment(
            payment.direction, payment.amount, payment.commodity, payment.account, control
        )
        return payment.commodity, payment.amount, control, lines
    setup = await ledger.setup(tx)
    if (
        setup is None
        or payment.commodity != setup.home
        or len(foreign) > 1
        or any(one.commodity == payment.commodity for one in about)
    ):
        raise Invalid(
            "capital.payment.commodity",
            "a payment in another currency than its documents is in the home currency, and they share one",
        )
    (commodity,) = foreign
    settled = sum((part.amount for part in payment.parts), ZERO)
    worth = ZERO
    for part, one in zip(payment.parts, about, strict=True):
        rate, digits = await home_rate(tx, one)
        worth += postings.in_home(part.amount, rate, digits)
    clearing = by_role(chart, "currency_clearing", "where currencies are exchanged")
    exchange = by_role(chart, "exchange", "exchange differences")
    lines = postings.of_exchange(
        payment.direction, (payment.amount, payment.commodity, payment.account), settled, commodity, worth,
        control, clearing.id, exchange.id,
    )  # fmt: skip
    return commodity, settled, control, lines


async def settle_all(tx: Tx, payment: UUID, parts: Sequence[Money], day: date) -> list[UUID]:
    """Allocate parts and return their groups; in one order for all, so that no two payments lock up."""
    order = sorted(range(len(parts)), key=lambda n: parts[n].document)
    groups = {n: await _settle(tx, payment, parts[n], day) for n in order}
    return [groups[n] for n in range(len(parts))]


async def _settle(tx: Tx, payment: UUID | None, part: Money, day: date) -> UUID:
    """Allocate a part of a payment with what is let go of the document; returns the group."""
    group = uuid7()
    about = await document_of(tx, part.document)
    day = max(day, about.day)
    if any(not one.is_finite() or one < 0 for one in (part.amount, part.discount, part.write_off)):
        raise Invalid("capital.payment.part", f"the parts for {about.number} are not below nothing")
    if part.amount:
        fault = await settling.allocate(
            tx, uuid7(), group, "payment", about.id, day, part.amount, payment=payment
        )
        booked(Outcome(fault, group))
    if part.discount:
        await _discount(tx, group, await computed(tx, about), part.discount, day)
    if part.write_off:
        await _write_off(tx, group, about, part.write_off, day)
    return group


async def _discount(tx: Tx, group: UUID, made: Computed, amount: Decimal, day: date) -> None:
    about = made.document
    control, gross = _issued(about)
    kept = await store.settings(tx)
    account = kept.given if about.kind in ("invoice", "sales_credit") else kept.taken
    if account is None:
        party = await party_of(tx, about.party)
        line = max(range(len(made.lines)), key=lambda n: made.totals.nets[n])
        account = made.lines[line].account or party.account
    if account is None:
        raise Invalid(
            "capital.discount.account", "no account for cash discounts: set one in the billing settings"
        )
    coded = sum((one.base + one.tax for one in made.totals.codes), ZERO)
    shares = discounted(amount, made.totals.codes, gross - coded, made.exponent)
    lines = postings.of_discount(about.kind, about.commodity, shares, control, account)
    rate, digits = await home_rate(tx, about)
    way = 1 if about.kind in ("sales_credit", "purchase_credit") else -1
    taxes = [
        store.TaxRow(
            share.code.id, share.code.rate, way * share.net, way * (share.tax + share.owed),
            postings.in_home(way * share.net, rate, digits),
            postings.in_home(way * (share.tax + share.owed), rate, digits),
        )
        for share in shares
        if share.code is not None
    ]  # fmt: skip
    draft = Draft(await journal_of(tx, "general"), day, lines, memo=f"Cash discount on {about.number}")
    fault = await settling.allocate(
        tx, uuid7(), group, "discount", about.id, day, amount, draft=draft, taxes=taxes
    )
    booked(Outcome(fault, draft.id))


async def _write_off(tx: Tx, group: UUID, about: Document, amount: Decimal, day: date) -> None:
    control, _ = _issued(about)
    kept = await store.settings(tx)
    if amount > kept.write_off_limit:
        raise Invalid(
            "capital.write_off.limit",
            f"{amount} is no small difference (limit {kept.write_off_limit.normalize():f}): write a credit"
            f" note",
        )
    account = kept.write_off or by_role(await ledger.accounts(tx), "rounding", "small differences").id
    lines = postings.of_write_off(about.kind, about.commodity, amount, control, account)
    draft = Draft(await journal_of(tx, "general"), day, lines, memo=f"Small difference on {about.number}")
    fault = await settling.allocate(tx, uuid7(), group, "write_off", about.id, day, amount, draft=draft)
    booked(Outcome(fault, draft.id))


def _issued(document: Document) -> tuple[UUID, Decimal]:
    """Return account and gross of an issued document; raises Conflict for a draft."""
    if document.control is None or document.gross is None:
        raise Conflict("capital.document.state", "only issued documents are settled: issue it first")
    return document.control, document.gross


async def allocate(ctx: Ctx, payment: UUID, parts: Sequence[Money], day: date | None = None) -> list[UUID]:
    """Allocate what is left of a payment; returns a group for each part, to take it off again."""
    async with uow(ctx) as tx:
        kept = await settling.payment(tx, payment)
        if kept is None:
            raise NotFound("capital.payment.missing", "there is no such payment")
        return await settle_all(tx, payment, parts, max(day or kept.day, kept.day))


async def apply_credit(ctx: Ctx, credit: UUID, document: UUID, amount: Decimal, day: date) -> UUID:
    """Settle a part of an invoice or bill by a credit note of the same party; returns the group."""
    group = uuid7()
    async with uow(ctx) as tx:
        fault = await settling.allocate(tx, uuid7(), group, "credit", document, day, amount, credit=credit)
        booked(Outcome(fault, group))
    return group


async def write_off(ctx: Ctx, document: UUID, amount: Decimal, day: date) -> UUID:
    """Let a small difference go; returns the group. Raises Invalid above the limit of the settings."""
    async with uow(ctx) as tx:
        return await _settle(tx, None, Money(document, ZERO, write_off=amount), day)


async def unallocate(ctx: Ctx, group: UUID, day: date, why: str = "") -> None:
    """Take off what was settled together; what it booked is reversed on `day`. Raises NotFound, Invalid."""
    async with uow(ctx) as tx:
        if not await settling.release(tx, group, day, why):
            raise NotFound("capital.allocation.missing", "nothing is allocated under that number any more")


async def undo_payment(ctx: Ctx, payment: UUID, day: date, why: str = "") -> None:
    """Take a payment off all that it settles and back, in one transaction; what it booked is reversed.

    An adopted line stays in the ledger and is free again. Raises NotFound, Conflict (undone), Invalid.
    """
    async with uow(ctx) as tx:
        for group in dict.fromkeys(one.group for one in await settling.allocations(tx, payment=payment)):
            await settling.release(tx, group, day, why)
        booked(await settling.undo(tx, payment, uuid7(), day, why))


async def adopt(ctx: Ctx, entry: UUID, n: int, party: UUID) -> UUID:
    """Take line `n` (from 1) of an entry on a receivable or payable account as a payment of a party; once."""
    made = uuid7()
    async with uow(ctx) as tx:
        await settling.adopt(tx, made, party, entry, n)
    return made


async def payment(ctx: Ctx, id: UUID) -> Kept:
    """Return a payment and what is left of it; raises NotFound."""
    async with uow(ctx) as tx:
        found = await settling.payment(tx, id)
    if found is None:
        raise NotFound("capital.payment.missing", "there is no such payment")
    return found


async def allocations(ctx: Ctx, document: UUID) -> list[Allocated]:
    """Return what settles a document."""
    async with uow(ctx) as tx:
        return await settling.allocations(tx, document=document)


def cash_discount(document: Document, day: date, exponent: int) -> Decimal:
    """Return the discount that a document grants to who pays it whole on a day."""
    if document.gross is None or not document.discount_percent:
        return ZERO
    if day > document.day + timedelta(days=document.discount_days):
        return ZERO
    return rounded(document.gross * document.discount_percent / HUNDRED, exponent)
