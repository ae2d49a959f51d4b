"""Rules that are muted for a while: their hits are counted, and raise nothing.

Correlations still see them: what is muted is the alert, not the evidence. A suppression holds for alerts of
the client it was made for (none: of no client), until the time it tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sent.engines.radar.entity import user_of
from sent.engines.radar.store import suppressions
from sent.platform.db.uow import Tx

if TYPE_CHECKING:
    from sent.engines.radar.batch import Hit


async def audible(tx: Tx, hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits that no suppression mutes; those that one does are counted there, in `tx`."""
    if not hits:
        return []
    muted = await suppressions.active(tx, {hit.match.rule.id for hit in hits})
    if not muted:
        return list(hits)
    heard: list[Hit] = []
    counted: Counter[UUID] = Counter()
    for hit in hits:
        found = next((one for one in muted if _mutes(one, hit)), None)
        if found is None:
            heard.append(hit)
        else:
            counted[found.id] += 1
    await suppressions.count(tx, counted)
    return heard


def _mutes(found: suppressions.Active, hit: Hit) -> bool:
    if found.sigma_id != hit.match.rule.id or found.client_id != hit.line.client_id:
        return False
    if found.scope == "host":
        return found.entity == hit.line.host.lower()
    return found.scope == "rule" or found.entity == user_of(hit.match.event.fields)
