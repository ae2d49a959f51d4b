"""Publishing: an event is a row of the outbox, in the transaction that caused it.

The payload carries ids, never content: it reaches whoever listens, and content is read under row-level
security. Delivery is at least once; a consumer whose effects must happen once asks `first_time`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, scalar
from sent.platform.ids import uuid7


@dataclass(frozen=True, slots=True)
class BusEvent:
    """An event as a feed delivers it; `seq` is its place in the order of all events."""

    seq: int
    id: UUID
    topic: str
    payload: dict[str, str]
    at: datetime


async def publish(
    tx: Tx, ctx: Ctx, topic: str, payload: Mapping[str, str], *, key: str | None = None
) -> UUID:
    """Publish `topic` (such as `radar.alert.raised`) when `tx` commits; return the event's id.

    The organisation is that of the transaction or login, whatever `ctx` says. `key` names what the event
    is about, for consumers that handle keys in parallel. Raises Invalid for a malformed topic or more than
    8 KiB of payload.
    """
    event = uuid7()
    await scalar(tx, "select core.publish(%s, %s, %s, %s)", [event, topic, Jsonb(dict(payload)), key])
    return event


async def first_time(tx: Tx, consumer: str, event: UUID) -> bool:
    """Say whether `consumer` sees `event` for the first time, and remember it if `tx` commits."""
    found = await scalar(
        tx,
        "insert into core.inbox (consumer, event_id) values (%s, %s) on conflict do nothing returning true",
        [consumer, event],
    )
    return found is True
