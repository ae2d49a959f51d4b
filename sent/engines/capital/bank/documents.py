"""Billing's open documents as what a bank's movements may settle, and what is told to billing then.

The bank books the payment, one line on the receivable or payable account for each document; billing adopts
these lines as payments and allocates them, in the same transaction. Undoing goes the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sent.engines.capital.bank.model import Open, Proposal
from sent.engines.capital.billing import reads, settling
from sent.engines.capital.billing.model import Money
from sent.engines.capital.billing.payments import settle_all
from sent.engines.capital.model import Outcome, taken
from sent.platform.db.uow import Tx
from sent.platform.ids import uuid7


async def waiting(tx: Tx, day: date, commodity: str) -> list[Open]:
    """Return invoices and bills that are open at the end of a day."""
    items = [
        one
        for one in await reads.open_items(tx, day, None, None)
        if one.kind in ("invoice", "bill") and one.commodity == commodity
    ]
    cursor = await tx.execute(
        "select d.id, d.control_id from capital.document d where d.id = any(%s)", [[one.id for one in items]]
    )
    controls = {row[0]: row[1] for row in await cursor.fetchall()}
    return [
        Open(
            str(one.id),
            one.open if one.kind == "invoice" else -one.open,
            one.commodity,
            one.day,
            one.number if one.kind == "invoice" else one.reference or one.number,
            one.party_name,
            "invoice" if one.kind == "invoice" else "bill",
            controls[one.id],
        )
        for one in items
    ]


async def settle(tx: Tx, proposal: Proposal, entries: Sequence[UUID]) -> None:
    """Let billing allocate what was booked for documents; what is no document of billing's is left alone."""
    known = {one.open.id: one.open for one in proposal.taken if one.open.kind in ("invoice", "bill")}
    ids = [found for found in map(_id, known) if found is not None]
    cursor = await tx.execute(
        "select d.id, d.party_id, d.control_id from capital.document d where d.id = any(%s) order by d.id",
        [ids],
    )
    documents = {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}
    if not documents:
        return
    wanted = [one.open.id for one in proposal.taken if one.open.kind != "line"]
    for entry in entries:
        cursor = await tx.execute(
            "select l.n, l.amount, e.day, l.account_id from capital.entry e join capital.line l"
            " on l.organization_id = e.organization_id and l.seq = e.seq where e.id = %s and l.n > 1"
            " order by l.n",
            [entry],
        )
        for id, (n, amount, day, account) in zip(wanted, await cursor.fetchall(), strict=False):
            document = _id(id)
            if document is None or document not in documents or documents[document][1] != account:
                continue
            made = uuid7()
            await settling.adopt(tx, made, documents[document][0], entry, n)
            await settle_all(tx, made, [Money(document, abs(amount))], day)


async def unsettle(tx: Tx, entries: Sequence[UUID]) -> None:
    """Let billing take back what entries settled, before they are reversed."""
    cursor = await tx.execute(
        "select p.id, p.day from capital.payment p where p.entry_id = any(%s) and p.undone_on is null"
        " order by p.id",
        [list(entries)],
    )
    for payment, day in await cursor.fetchall():
        for group in dict.fromkeys(one.group for one in await settling.allocations(tx, payment=payment)):
            await settling.release(tx, group, day, "Bank match undone")
        outcome: Outcome = await settling.undo(tx, payment, uuid7(), day, "Bank match undone")
        taken(outcome)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
