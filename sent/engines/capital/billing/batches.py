"""Many documents or payments at once: a month's invoices, the payments of a statement. All of them or none.

What each of them needs of the books is read once, and the database is told of all of them in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.billing import checks, postings, settling, store
from sent.engines.capital.billing.catalogue import by_role, valid
from sent.engines.capital.billing.documents import account_of, booked, journal_of, tax_rows, word
from sent.engines.capital.billing.model import ZERO, DocumentDraft, Party, Payment, Profile, TaxCode, side
from sent.engines.capital.billing.totals import totals
from sent.engines.capital.model import Account, Draft, Fault, Outcome, Setup
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Invalid, NotFound
from sent.platform.ids import uuid7

MOST = 2000


class _Books:
    """What documents are made with, read once."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.setup: Setup | None = None
        self.parties: dict[UUID, Party] = {}
        self.chart: list[Account] = []
        self.codes: list[TaxCode] = []
        self._digits: dict[str, int] = {}
        self._rates: dict[date, dict[str, Decimal]] = {}

    async def read(self) -> None:
        self.setup = await ledger.setup(self.tx)
        self.parties = {one.id: one for one in await store.parties(self.tx, None)}
        self.chart = await ledger.accounts(self.tx)
        self.codes = await store.tax_codes(self.tx)

    def party(self, id: UUID) -> Party:
        found = self.parties.get(id)
        if found is None:
            raise NotFound("capital.party.missing", "there is no such party: choose one from the list")
        return found

    async def digits(self, commodity: str) -> int:
        if commodity not in self._digits:
            found = await store.exponent(self.tx, commodity)
            if found is None:
                raise Invalid("capital.commodity.unknown", f"{commodity} is no commodity: add it first")
            self._digits[commodity] = found
        return self._digits[commodity]

    async def rate(self, draft: DocumentDraft, commodity: str) -> Decimal | None:
        if self.setup is None or commodity == self.setup.home:
            return None
        if draft.rate is not None:
            return draft.rate
        if draft.day not in self._rates:
            known = await ledger.rates(self.tx, draft.day)
            self._rates[draft.day] = {one.commodity: one.rate for one in known}
        found = self._rates[draft.day].get(commodity)
        if found is None:
            raise Invalid("capital.document.rate", f"no rate of {commodity} is known on {draft.day}: set one")
        return found


async def issue_batch(ctx: Ctx, drafts: Sequence[DocumentDraft]) -> list[str]:
    """Save and issue new documents in one transaction; returns their numbers in that order.

    Credit notes about a document are issued one by one. Raises as `save_document` and `issue` do.
    """
    async with uow(ctx) as tx:
        return await issue_all(tx, drafts)


async def issue_all(tx: Tx, drafts: Sequence[DocumentDraft], *, final: bool = True) -> list[str]:
    """Save new documents in the caller's transaction, and issue them where `final`; returns the numbers."""
    if len(drafts) > MOST:
        raise Invalid("capital.document.batch", f"at most {MOST} documents at once")
    books = _Books(tx)
    await books.read()
    heads = [(draft, await _head(books, draft)) for draft in drafts]
    await store.insert_drafts(tx, heads)
    if not final or not drafts:
        return []
    seller = (await store.settings(tx)).profile
    journals = {
        "receivable": await journal_of(tx, "sales"),
        "payable": await journal_of(tx, "purchase"),
    }
    wanted = []
    for draft, head in heads:
        issue = await _issue(books, draft, head)
        issue = replace(issue, seller=seller, draft=replace(issue.draft, journal=journals[side(draft.kind)]))
        wanted.append(issue)
    made = await store.issue_many(tx, wanted)
    for _, outcome in made:
        booked(outcome)
    return [number for number, _ in made]


async def _head(books: _Books, draft: DocumentDraft) -> store.Head:
    party = books.party(draft.party)
    expected = "customer" if side(draft.kind) == "receivable" else "supplier"
    if party.kind != expected or draft.version or draft.credits is not None:
        raise Invalid("capital.document.party", f"a new {word(draft.kind)} is for a {expected}")
    checks.lines(list(draft.lines))
    commodity = draft.commodity or party.commodity or (books.setup.home if books.setup else None)
    if commodity is None:
        raise Invalid("capital.document.commodity", "a document has a currency: give one")
    await books.digits(commodity)
    due = draft.due or draft.day + timedelta(days=party.terms_days)
    if due < draft.day:
        raise Invalid("capital.document.due", f"the document is due on {due}, before its day {draft.day}")
    percent = party.discount_percent if draft.discount_percent is None else draft.discount_percent
    days = party.discount_days if draft.discount_days is None else draft.discount_days
    return store.Head(due, commodity, percent, days)


async def _issue(books: _Books, draft: DocumentDraft, head: store.Head) -> store.Issue:
    party = books.party(draft.party)
    kind = "sale" if side(draft.kind) == "receivable" else "purchase"
    codes = [
        valid(books.codes, kind, line.tax, draft.day) if line.tax else None  # type: ignore[arg-type]
        for line in draft.lines
    ]
    digits = await books.digits(head.commodity)
    made = totals(draft.lines, codes, digits)
    if made.gross < 0:
        raise Invalid("capital.document.negative", "the total is below nothing: write a credit note instead")
    control = party.control or by_role(books.chart, side(draft.kind), "what parties owe or are owed").id
    accounts = [account_of(line, n, party) for n, line in enumerate(draft.lines, 1)]
    lines = postings.of_document(draft.kind, head.commodity, made, accounts, control, digits, codes)
    rate = await books.rate(draft, head.commodity)
    home = await books.digits(books.setup.home) if books.setup else digits
    memo = f"{word(draft.kind).capitalize()}, {party.name}"[:1000]
    return store.Issue(
        draft.id, 1, head.due, [replace(line, version=1) for line in draft.lines], made, rate, control,
        Profile(), party, tax_rows(draft.kind, made, rate, home),
        Draft(control, draft.day, lines, memo=memo),
    )  # fmt: skip


async def pay_batch(ctx: Ctx, payments: Sequence[Payment]) -> list[UUID]:
    """Book payments in their documents' commodity and allocate their parts, in one transaction.

    Returns the payments' ids; one under a key that was booked before is left as it is. Discounts, write-offs
    and other commodities take `pay`. Raises Invalid, NotFound, Conflict (more than open).
    """
    if len(payments) > MOST:
        raise Invalid("capital.payment.batch", f"at most {MOST} payments at once")
    async with uow(ctx) as tx:
        books = _Books(tx)
        await books.read()
        journal = await journal_of(tx, "bank")
        wanted = [_booking(books, one, journal) for one in payments]
        told = await settling.pay_many(tx, wanted)
        parts = []
        for one, (outcome, made) in zip(payments, told, strict=True):
            if outcome.fault == Fault.DUPLICATE:
                continue
            booked(outcome)
            parts += [(uuid7(), part.document, made, one.day, part.amount) for part in one.parts]
        for fault in await settling.allocate_many(tx, sorted(parts, key=lambda one: one[1])):
            booked(Outcome(fault, uuid7()))
    return [made for _, made in told]


def _booking(books: _Books, payment: Payment, journal: UUID) -> settling.Booking:
    if not payment.amount.is_finite() or payment.amount <= 0:
        raise Invalid("capital.payment.amount", "a payment is more than nothing")
    if any(part.discount or part.write_off or part.amount <= ZERO for part in payment.parts):
        raise Invalid("capital.payment.part", "payments at once settle documents as they are: no discounts")
    party = books.party(payment.party)
    role = "receivable" if party.kind == "customer" else "payable"
    control = party.control or by_role(books.chart, role, "what parties owe").id  # type: ignore[arg-type]
    lines = postings.of_payment(
        payment.direction, payment.amount, payment.commodity, payment.account, control
    )
    draft = Draft(
        journal, payment.day, lines, memo=payment.memo, reference=payment.reference, key=payment.key
    )
    return settling.Booking(payment, payment.commodity, payment.amount, control, draft)
