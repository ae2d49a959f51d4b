"""Dead letters that somebody wants read again go through the backlog like everything else.

Whichever worker is first stores them: a letter is marked as done in the transaction of its event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.store import letters
from sent.engines.radar.store.catalogue import Source
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import transaction, uow
from sent.platform.ids import OrgId

NO_SOURCE = UUID(int=0)


async def replayed(
    system: Database,
    context: Callable[[OrgId], Ctx],
    backlog: Backlog,
    ready_for: Callable[[OrgId], Awaitable[bool]],
) -> None:
    """Queue the next letters of all organisations that `ready_for` has rules for, and wait for them."""
    async with transaction(system) as tx:
        waiting = await letters.organisations_waiting(tx)
    for organisation in waiting:
        org = OrgId(organisation)
        if not await ready_for(org):
            continue
        async with uow(context(org)) as tx:
            found = await letters.to_replay(tx)
        receipts = [asyncio.Event() for _ in found]
        for letter, receipt in zip(found, receipts, strict=True):
            await backlog.put(_again(org, letter, receipt))
        for receipt in receipts:
            await receipt.wait()


def gone(id: UUID, organisation: UUID, kind: str) -> Source:
    """Return a source that was removed while events of it were under way."""
    return Source(id, organisation, None, "", kind, "", None, None, None, "UTC", 0)


def _again(org: OrgId, letter: letters.Replay, receipt: asyncio.Event) -> Parcel:
    """Return a letter as if it arrived from its source again (NO_SOURCE: that is gone)."""
    source = Source(
        letter.source_id or NO_SOURCE,
        org,
        letter.client_id,
        letter.name or "",
        letter.kind,
        "",
        letter.product,
        letter.category,
        letter.service,
        letter.zone or "UTC",
        0,
        mapping=letter.mapping,
    )
    return Parcel(source, letter.received_at, (letter.payload,), stored=receipt, letter=letter.id)
