"""Use cases of what comes again: entries, releases of prepayments, invoices and bills.

Each template is carried out in a transaction of its own, so that one whose month is closed or whose customer
is gone holds up no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.billing.batches import issue_all
from sent.engines.capital.billing.model import DocumentDraft, DocumentKind, DocumentLine
from sent.engines.capital.model import Draft, Line, taken
from sent.engines.capital.schedules import rhythm, store, wear
from sent.engines.capital.schedules.books import journal_of, kept, shut
from sent.engines.capital.schedules.model import (
    Due,
    EntryLine,
    Ran,
    Recurring,
    Rhythm,
    Template,
)
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid, SentError
from sent.platform.ids import uuid7


async def recurring(ctx: Ctx) -> list[Recurring]:
    """Return what comes again, by name."""
    async with uow(ctx) as tx:
        return await store.recurring(tx)


async def save_recurring(ctx: Ctx, one: Recurring) -> UUID:
    """Add what comes again (version 0) or change it; raises Invalid, Conflict (changed meanwhile)."""
    _checked(one)
    async with uow(ctx) as tx:
        if not await store.save_recurring(tx, one):
            raise Conflict("capital.recurring.changed", "somebody else changed it meanwhile: read it again")
    return one.id


async def release(
    ctx: Ctx, name: str, source: UUID, target: UUID, total: Decimal, starts: date, months: int
) -> UUID:
    """Release an amount from one account to another at the end of each of `months` months, from `starts` on.

    A prepaid insurance: source the prepayments, target the expense. An accrual: total below nothing.
    """
    async with uow(ctx) as tx:
        home = (await kept(tx)).home
    lines = [EntryLine(target, total, home), EntryLine(source, -total, home)]
    template = Template("entry", name, entry=lines, release=True)
    return await save_recurring(
        ctx, Recurring(name, template, Rhythm(starts.replace(day=1), day=31, count=months))
    )


async def due(ctx: Ctx, until: date) -> list[Due]:
    """Return what is to be carried out up to the end of a day, the oldest first."""
    async with uow(ctx) as tx:
        done = await store.ran(tx)
        found = [
            Due(one.id, one.name, n, day)
            for one in await store.recurring(tx)
            if one.active
            for n, day in rhythm.occurrences(one.rhythm, until)
            if (one.id, n) not in done
        ]
    return sorted(found, key=lambda one: (one.day, one.name, one.n))


async def run(ctx: Ctx, until: date, *, closed: bool = True) -> Ran:
    """Carry out what is due, each occurrence once; refused is told with the reason and tried next time.

    Without `closed` nothing is booked into closed periods, also by who may close them.
    """
    entries = documents = 0
    refused: list[tuple[UUID, str]] = []
    for id in dict.fromkeys(one.recurring for one in await due(ctx, until)):
        try:
            made, written = await _carry_out(ctx, id, until, closed=closed)
        except SentError as error:
            if error.code.startswith("database.") and not isinstance(error, Conflict | Invalid):
                raise
            refused.append((id, error.message))
            continue
        entries, documents = entries + made, documents + written
    return Ran(entries, documents, tuple(refused))


async def run_daily(ctx: Ctx) -> None:
    """Carry out what is due today; the task of the manifest.

    A service may book in softly closed periods, who wrote a template perhaps not: so it leaves these out.
    """
    await run(ctx, datetime.now(UTC).date(), closed=False)


async def _carry_out(ctx: Ctx, id: UUID, until: date, *, closed: bool) -> tuple[int, int]:
    async with uow(ctx) as tx:
        ((one),) = await store.recurring(tx, id, lock=True)
        done = await store.ran(tx)
        days = [(n, day) for n, day in rhythm.occurrences(one.rhythm, until) if (id, n) not in done]
        if not days:
            return 0, 0
        if not closed:
            _refuse_closed(one, days, await shut(tx))
        if one.template.kind == "entry":
            entries = await _entries(tx, one, days)
            runs = [(n, day, entry, None) for (n, day), entry in zip(days, entries, strict=True)]
            await store.add_runs(tx, id, runs)
            return len(days), 0
        drafts = [_document(one, day) for _, day in days]
        await issue_all(tx, drafts, final=one.template.issue)
        written = [(n, day, None, draft.id) for (n, day), draft in zip(days, drafts, strict=True)]
        await store.add_runs(tx, id, written)
        return 0, len(days)


def _refuse_closed(
    one: Recurring, days: Sequence[tuple[int, date]], closed: Sequence[tuple[date, date]]
) -> None:
    for _, day in days:
        if any(starts <= day <= ends for starts, ends in closed):
            raise Invalid("capital.recurring.closed", f"{one.name}: {day} is closed, who may close books it")


async def _entries(tx: Tx, one: Recurring, days: Sequence[tuple[int, date]]) -> list[UUID]:
    template = one.template
    journal = template.journal or await journal_of(tx)
    digits = {line.commodity: await ledger.exponent(tx, line.commodity) for line in template.entry}
    drafts = []
    for n, day in days:
        lines = [
            Line(line.account, _amount(one, line, n, digits[line.commodity]), line.commodity, line.note)
            for line in template.entry
        ]
        drafts.append(
            Draft(
                journal, day, [line for line in lines if line.amount], memo=template.memo or one.name,
                key=f"recurring:{one.id}:{n}",
            )
        )  # fmt: skip
    return [taken(outcome) for outcome in await ledger.post(tx, drafts)]


def _amount(one: Recurring, line: EntryLine, n: int, digits: int) -> Decimal:
    if not one.template.release or one.rhythm.count is None:
        return line.amount
    return wear.spread(line.amount, one.rhythm.count, digits)[n]


def _document(one: Recurring, day: date) -> DocumentDraft:
    template = one.template
    if template.party is None:
        raise Invalid("capital.recurring.party", f"{one.name}: choose whom the document is for")
    lines = [
        DocumentLine(
            f"{line.description}, {day:%m/%Y}", line.quantity, line.unit_price, line.tax, line.unit,
            line.discount, line.account,
        )
        for line in template.lines
    ]  # fmt: skip
    kind: DocumentKind = "invoice" if template.kind == "invoice" else "bill"
    return DocumentDraft(
        kind, template.party, day, lines, commodity=template.commodity, note=template.memo, id=uuid7()
    )


def _checked(one: Recurring) -> None:
    rhythm.checked(one.rhythm)
    template = one.template
    if not 1 <= len(one.name.strip()) <= 200:
        raise Invalid("capital.recurring.name", "give it a name of 1 to 200 letters")
    if template.kind == "entry":
        sums: dict[str, Decimal] = {}
        for line in template.entry:
            sums[line.commodity] = sums.get(line.commodity, Decimal(0)) + line.amount
        if len(template.entry) < 2 or any(sums.values()):
            raise Invalid(
                "capital.recurring.lines", "the lines of an entry add up to nothing in each commodity"
            )
        if template.release and one.rhythm.count is None:
            raise Invalid("capital.recurring.count", "say over how many months the amount is released")
    elif template.party is None or not template.lines:
        raise Invalid("capital.recurring.party", "a document has a party and lines: choose and add them")
