"""Use cases of documents: draft, issue, credit, void. One transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.billing import checks, postings, settling, store
from sent.engines.capital.billing.catalogue import by_role, valid
from sent.engines.capital.billing.model import (
    CREDITS,
    ZERO,
    Document,
    DocumentDraft,
    DocumentKind,
    DocumentLine,
    Party,
    TaxCode,
    side,
)
from sent.engines.capital.billing.totals import Totals, totals
from sent.engines.capital.model import Draft, Fault, JournalKind, Outcome, taken
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid, NotFound
from sent.platform.ids import uuid7


@dataclass(frozen=True, slots=True)
class Computed:
    """A document with what it comes to; `codes` by line."""

    document: Document
    lines: tuple[DocumentLine, ...]
    codes: tuple[TaxCode | None, ...]
    totals: Totals
    exponent: int


async def save(ctx: Ctx, draft: DocumentDraft) -> Document:
    """Keep a draft (version 0 is new) and return it; raises Invalid, NotFound, Conflict (changed)."""
    async with uow(ctx) as tx:
        return await _save(tx, draft)


async def _save(tx: Tx, draft: DocumentDraft) -> Document:
    party = await party_of(tx, draft.party)
    expected = "customer" if side(draft.kind) == "receivable" else "supplier"
    if party.kind != expected:
        raise Invalid(
            "capital.document.party", f"a {word(draft.kind)} is for a {expected}: {party.name} is none"
        )
    checks.lines(list(draft.lines))
    setup = await ledger.setup(tx)
    commodity = draft.commodity or party.commodity or (setup.home if setup else None)
    if commodity is None or await store.exponent(tx, commodity) is None:
        raise Invalid(
            "capital.document.commodity", "a document has a currency: give one, or set up the books"
        )
    percent = party.discount_percent if draft.discount_percent is None else draft.discount_percent
    days = party.discount_days if draft.discount_days is None else draft.discount_days
    due = draft.due or draft.day + timedelta(days=party.terms_days)
    if due < draft.day:
        raise Invalid("capital.document.due", f"the document is due on {due}, before its day {draft.day}")
    if not await store.save_draft(tx, draft, store.Head(due, commodity, percent, days)):
        raise Conflict(
            "capital.document.changed", "somebody else changed the document meanwhile: read it again"
        )
    return await document_of(tx, draft.id)


async def delete(ctx: Ctx, document: UUID) -> None:
    """Delete a draft; raises NotFound, Denied when it is issued."""
    async with uow(ctx) as tx:
        if not await store.delete_draft(tx, document):
            raise NotFound("capital.document.missing", "there is no such document")


async def read(ctx: Ctx, document: UUID) -> Computed:
    """Return a document, its lines and totals; of a draft as they would be now. Raises NotFound, Invalid."""
    async with uow(ctx) as tx:
        return await computed(tx, await document_of(tx, document))


async def documents(
    ctx: Ctx, kind: DocumentKind | None = None, party: UUID | None = None, most: int = 2000
) -> list[Document]:
    """Return documents, the newest first, at most 2,000."""
    async with uow(ctx) as tx:
        return await store.documents(tx, kind, party, min(most, 2000))


async def issue(ctx: Ctx, document: UUID, day: date | None = None) -> Document:
    """Number, book and close a draft; on `day`, else its own. Returns it as issued.

    What credits another document settles it as far as that is open. Raises Conflict (issued already, changed
    meanwhile), Invalid with the place and the cure, NotFound, Denied.
    """
    async with uow(ctx) as tx:
        return await _issue(tx, await document_of(tx, document), day)


async def _issue(tx: Tx, draft: Document, day: date | None) -> Document:
    if draft.state != "draft":
        raise Conflict("capital.document.issued", f"the document is issued already as {draft.number}")
    if day is not None:
        draft = replace(draft, day=day, due=day + (draft.due - draft.day))
    made = await computed(tx, draft)
    if made.totals.gross < 0:
        raise Invalid("capital.document.negative", "the total is below nothing: write a credit note instead")
    if draft.credits is not None:
        await _check_credit(tx, draft.credits, made.totals.gross)
    party = await party_of(tx, draft.party)
    chart = await ledger.accounts(tx)
    role = side(draft.kind)
    control = draft.control or party.control or by_role(chart, role, "what parties owe or are owed").id
    accounts = [account_of(line, n, party) for n, line in enumerate(made.lines, 1)]
    rate, home = await home_rate(tx, draft)
    lines = postings.of_document(
        draft.kind, draft.commodity, made.totals, accounts, control, made.exponent, made.codes
    )
    journal = await journal_of(tx, "sales" if role == "receivable" else "purchase")
    entry = Draft(journal, draft.day, lines, memo=f"{word(draft.kind).capitalize()}, {party.name}"[:1000])
    number, outcome = await store.issue(
        tx,
        store.Issue(
            draft.id, draft.version, draft.due, made.lines, made.totals, rate, control,
            (await store.settings(tx)).profile, party, tax_rows(draft.kind, made.totals, rate, home), entry,
        ),
    )  # fmt: skip
    booked(outcome)
    if draft.credits is not None:
        await _settle_credited(tx, draft, draft.credits, made.totals.gross)
    issued = await document_of(tx, draft.id)
    if issued.number != number:
        raise Conflict("capital.document.changed", "the document changed while it was issued: read it again")
    return issued


async def _check_credit(tx: Tx, credited: UUID, gross: Decimal) -> None:
    about = await document_of(tx, credited)
    if about.state != "issued":
        raise Conflict("capital.document.state", f"{about.number or 'a draft'} is not open to be credited")
    left = (about.gross or ZERO) - await store.credited(tx, credited)
    if gross > left:
        raise Invalid(
            "capital.document.credited", f"{about.number} can be credited up to {left} {about.commodity} yet"
        )


async def _settle_credited(tx: Tx, credit: Document, credited: UUID, gross: Decimal) -> None:
    about = await document_of(tx, credited)
    amount = min(about.open, gross)
    if amount > 0:
        day = max(credit.day, about.day)
        fault = await settling.allocate(
            tx, uuid7(), uuid7(), "credit", about.id, day, amount, credit=credit.id
        )
        booked(Outcome(fault, credit.id))


async def credit(
    ctx: Ctx, document: UUID, day: date, lines: Sequence[DocumentLine] | None = None, note: str = ""
) -> Document:
    """Make a draft that credits a document, whole or the given lines; raises NotFound, Conflict."""
    async with uow(ctx) as tx:
        return await _credit(tx, await document_of(tx, document), day, lines, note)


async def _credit(
    tx: Tx, about: Document, day: date, lines: Sequence[DocumentLine] | None, note: str
) -> Document:
    kind = CREDITS.get(about.kind)
    if kind is None or about.state != "issued":
        raise Conflict(
            "capital.document.state",
            f"{about.number or 'a draft'} cannot be credited: only issued invoices and bills",
        )
    whole = lines if lines is not None else await store.lines(tx, about.id)
    copies = [replace(line, id=uuid7(), net=None, version=0) for line in whole]
    draft = DocumentDraft(
        kind, about.party, day, copies, due=day, commodity=about.commodity, rate=about.rate,
        reference=about.number or "", note=note, discount_percent=ZERO, discount_days=0, credits=about.id,
    )  # fmt: skip
    return await _save(tx, draft)


async def void(ctx: Ctx, document: UUID, day: date, why: str) -> Document:
    """Take a document back: an invoice by a credit note of everything (returned), a bill by a reversal.

    Raises Conflict while payments or credits are allocated to it: take them off first.
    """
    async with uow(ctx) as tx:
        about = await document_of(tx, document)
        if about.kind == "invoice":
            if about.state == "issued" and about.settled:
                raise Conflict(
                    "capital.document.paid", "payments are allocated to the document: take them off first"
                )
            return await _issue(tx, await _credit(tx, about, day, None, why), None)
        booked(await store.void(tx, document, uuid7(), day, why))
        return await document_of(tx, document)


async def stop(ctx: Ctx, document: UUID, stopped: bool) -> None:
    """Stop or resume the dunning of a document; raises NotFound."""
    async with uow(ctx) as tx:
        if not await store.stop(tx, document, stopped):
            raise NotFound("capital.document.missing", "there is no such document")


async def computed(tx: Tx, document: Document) -> Computed:
    """Return a document with lines, tax codes and totals; an issued one with the codes of its day."""
    lines = await store.lines(tx, document.id)
    digits = await store.exponent(tx, document.commodity)
    if digits is None:
        raise Invalid("capital.commodity.unknown", f"{document.commodity} is no commodity: add it first")
    # What is credited was taxed as the credited document was.
    about = document.id if document.state != "draft" else document.credits
    frozen = [] if about is None else await store.issued_codes(tx, about)
    known: list[TaxCode] = []
    if any(line.tax not in {code.code for code in frozen} for line in lines if line.tax):
        known = await store.tax_codes(tx)
    kind = "sale" if side(document.kind) == "receivable" else "purchase"
    codes = tuple(
        None
        if not line.tax
        else next((code for code in frozen if code.code == line.tax), None)
        or valid(known, kind, line.tax, document.day)  # type: ignore[arg-type]
        for line in lines
    )
    return Computed(document, tuple(lines), codes, totals(lines, codes, digits), digits)


async def document_of(tx: Tx, id: UUID) -> Document:
    """Return a document; raises NotFound."""
    found = await store.document(tx, id)
    if found is None:
        raise NotFound("capital.document.missing", "there is no such document")
    return found


async def party_of(tx: Tx, id: UUID) -> Party:
    """Return a party; raises NotFound."""
    found = await store.party(tx, id)
    if found is None:
        raise NotFound("capital.party.missing", "there is no such party: choose one from the list")
    return found


async def journal_of(tx: Tx, kind: JournalKind) -> UUID:
    """Return the first journal of a kind, else the first general one; raises Invalid when there is none."""
    found = await ledger.journals(tx)
    for wanted in (kind, "general"):
        for one in found:
            if one.kind == wanted:
                return one.id
    raise Invalid("capital.journal.missing", f"there is no {kind} or general journal: open one")


async def home_rate(tx: Tx, document: Document) -> tuple[Decimal | None, int]:
    """Return a document's rate in home currency (None: it is in it) and the digits of the home currency."""
    setup = await ledger.setup(tx)
    home = setup.home if setup else document.commodity
    digits = await store.exponent(tx, home)
    if home == document.commodity:
        return None, digits or 0
    rate = document.rate
    if rate is None:
        known = {one.commodity: one.rate for one in await ledger.rates(tx, document.day)}
        rate = known.get(document.commodity)
    if rate is None:
        raise Invalid(
            "capital.document.rate",
            f"no rate of {document.commodity} in {home} is known on {document.day}: enter one on the"
            f" document",
        )
    return rate, digits or 0


def booked(outcome: Outcome) -> None:
    """Raise why an entry was not booked; a duplicate counts as one here, as numbers are given once."""
    if outcome.fault == Fault.DUPLICATE:
        raise Conflict("capital.duplicate", "this is booked already: read the document again")
    taken(outcome)


def account_of(line: DocumentLine, n: int, party: Party) -> UUID:
    """Return the account of a line, else the party's; raises Invalid."""
    found = line.account or party.account
    if found is None:
        raise Invalid(
            "capital.document.account", f"line {n} has no account: choose one, or set that of {party.name}"
        )
    return found


def tax_rows(kind: DocumentKind, totals: Totals, rate: Decimal | None, home: int) -> list[store.TaxRow]:
    """Return what a document adds to the tax return."""
    way = -1 if kind in ("sales_credit", "purchase_credit") else 1
    return [
        store.TaxRow(
            one.code.id, one.code.rate, way * one.base, way * (one.tax + one.owed),
            postings.in_home(way * one.base, rate, home),
            postings.in_home(way * (one.tax + one.owed), rate, home),
        )
        for one in totals.codes
    ]  # fmt: skip


def word(kind: DocumentKind) -> str:
    """Return what a kind is called in a sentence."""
    return {"invoice": "invoice", "bill": "bill"}.get(kind, "credit note")
