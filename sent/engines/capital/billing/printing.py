"""Use cases of paper: the PDF of an invoice, a credit note or a reminder."""

from __future__ import annotations

import asyncio
from uuid import UUID

from sent.engines.capital.billing import reads, store
from sent.engines.capital.billing.documents import computed, document_of, party_of
from sent.engines.capital.billing.einvoice import xml
from sent.engines.capital.billing.sheet import Sheet, buyer, of_document, of_letter, printed, seller
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid, NotFound


async def pdf(ctx: Ctx, document: UUID) -> bytes:
    """Return an invoice or credit note as PDF; a draft says that it is one. Raises NotFound, Invalid."""
    async with uow(ctx) as tx:
        about = await document_of(tx, document)
        if not printed(about.kind):
            raise Invalid(
                "capital.paper.kind", "bills are their suppliers' paper: print invoices and credit notes"
            )
        kept = await store.settings(tx)
        sheet = of_document(
            await computed(tx, about), await party_of(tx, about.party), kept.profile, kept.logo
        )
    return await _drawn(sheet)


async def einvoice(ctx: Ctx, document: UUID) -> bytes:
    """Return an issued invoice or credit note as XML (EN 16931, CII). Raises NotFound, Conflict, Invalid."""
    async with uow(ctx) as tx:
        made = await computed(tx, await document_of(tx, document))
        profile, party = (await store.settings(tx)).profile, await party_of(tx, made.document.party)
    return xml(made, buyer(made.document, party), seller(made.document, profile))


async def letter_pdf(ctx: Ctx, letter: UUID) -> bytes:
    """Return a reminder as PDF; raises NotFound."""
    async with uow(ctx) as tx:
        found = await reads.letters(tx, None, letter)
        if not found:
            raise NotFound("capital.dunning.missing", "there is no such letter")
        kept = await store.settings(tx)
        digits = await store.exponent(tx, found[0].commodity) or 0
        sheet = of_letter(found[0], await party_of(tx, found[0].party), kept.profile, kept.logo, digits)
    return await _drawn(sheet)


async def _drawn(sheet: Sheet) -> bytes:
    from sent.engines.capital.billing import paper

    return await asyncio.to_thread(paper.draw, sheet)
