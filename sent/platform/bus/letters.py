"""Dead letters: events that a consumer could not handle, and those of the same key that wait behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.platform.bus.source import ShardEvent
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import Tx, fetch, scalar, transaction, uow
from sent.platform.errors import SentError

State = Literal["dead", "behind", "replay", "done", "discarded"]

OPEN: tuple[State, ...] = ("dead", "behind", "replay")
REASON_LIMIT = 500
BATCH = 100


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event nobody could handle; `behind` counts those of its key that wait for it."""

    id: UUID
    consumer: str
    seq: int
    event_id: UUID
    topic: str
    key: str | None
    payload: dict[str, str]
    event_at: datetime
    state: State
    attempts: int
    reason: str
    at: datetime
    behind: int


async def dead_letters(
    ctx: Ctx, *, before: UUID | None = None, limit: int = 200, states: Sequence[State] = OPEN
) -> list[DeadLetter]:
    """Return the organisation's dead letters, newest first; raises Denied without `jobs:read`."""
    async with uow(ctx) as tx:
        return await fetch(
            tx, DeadLetter, "select * from core.dead_letters(%s, %s, %s)", [before, limit, list(states)]
        )


async def replay(ctx: Ctx, ids: Sequence[UUID]) -> None:
    """Have dead events handled again, all or none; raises Denied without `jobs:manage`, NotFound."""
    async with uow(ctx) as tx:
        for letter in ids:
            await tx.execute("select core.replay_event(%s)", [letter])


async def discard(ctx: Ctx, ids: Sequence[UUID]) -> None:
    """Give dead events up and let go on what waited behind them; raises as `replay`."""
    async with uow(ctx) as tx:
        for letter in ids:
            await tx.execute("select core.discard_event(%s)", [letter])


def reason(error: Exception) -> str:
    """Return what may be shown of an error: our own texts, of others only the kind."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    words = f"{error.code}: {error.message}" if isinstance(error, SentError) else type(error).__name__
    return words[:REASON_LIMIT]


async def blocked(system: Database, consumer: str, shard: int) -> set[tuple[UUID, str]]:
    """Return the (organisation, key) pairs of a shard that have unresolved letters."""
    async with transaction(system) as tx:
        found = await tx.execute(
            "select distinct organization_id, key from core.dead_letter where consumer = %s and shard = %s"
            " and state in ('dead', 'behind', 'replay') and key is not null",
            [consumer, shard],
        )
        return {(row[0], row[1]) for row in await found.fetchall()}


async def unresolved(tx: Tx, consumer: str, key: str) -> bool:
    """Say whether letters of `key` wait in the transaction's organisation."""
    return bool(
        await scalar(
            tx,
            "select exists (select from core.dead_letter where organization_id = (select sec.org())"
            " and consumer = %s and key = %s and state in ('dead', 'behind', 'replay'))",
            [consumer, key],
        )
    )


async def bury(
    tx: Tx, consumer: str, shard: int, event: ShardEvent, state: State, attempts: int, why: str
) -> None:
    """Keep an event that is not handled now."""
    await tx.execute(
        "insert into core.dead_letter (consumer, shard, seq, event_id, topic, key, payload, event_at, state,"
        " attempts, reason) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (organization_id, consumer, event_id) do nothing",
        [
            consumer, shard, event.seq, event.id, event.topic, event.key, Jsonb(event.payload), event.at,
            state, attempts, why[:REASON_LIMIT],
        ],
    )  # fmt: skip


async def wanted(system: Database, consumer: str, shard: int) -> list[tuple[UUID, UUID, ShardEvent]]:
    """Return (organisation, letter, event) of what is to be handled again, in order."""
    async with transaction(system) as tx:
        found = await tx.execute(
            "select organization_id, id, seq, event_id, topic, key, payload, event_at from core.dead_letter"
            f" where consumer = %s and shard = %s and state = 'replay' order by seq limit {BATCH}",
            [consumer, shard],
        )
        return [
            (row[0], row[1], ShardEvent(row[2], row[3], row[0], row[4], row[5], row[6], row[7]))
            for row in await found.fetchall()
        ]


async def next_of_key(tx: Tx, consumer: str, letter: UUID, event: ShardEvent) -> bool:
    """Say whether it is this letter's turn: still wanted, and no earlier one of its key unresolved."""
    return bool(
        await scalar(
            tx,
            "select exists (select from core.dead_letter where id = %s and state = 'replay')"
            " and not exists (select from core.dead_letter where organization_id = (select sec.org())"
            " and consumer = %s and key = %s and seq < %s and state in ('dead', 'behind', 'replay'))",
            [letter, consumer, event.key, event.seq],
        )
    )


async def done(tx: Tx, consumer: str, letter: UUID, event: ShardEvent) -> None:
    """Close a letter; the next one of its key is then to be handled."""
    await tx.execute("update core.dead_letter set state = 'done' where id = %s", [letter])
    if event.key is not None:
        await tx.execute(
            "update core.dead_letter set state = 'replay' where organization_id = (select sec.org())"
            " and consumer = %s and key = %s and state = 'behind'",
            [consumer, event.key],
        )


async def failed_again(tx: Tx, letter: UUID, why: str) -> None:
    """Note that a letter could still not be handled; what came after it waits again."""
    await tx.execute(
        "with gone as (update core.dead_letter set state = 'dead', attempts = attempts + 1, reason = %s"
        " where id = %s and state = 'replay' returning organization_id, consumer, key, seq)"
        " update core.dead_letter d set state = 'behind' from gone g where d.organization_id ="
        " g.organization_id and d.consumer = g.consumer and d.key = g.key and d.seq > g.seq"
        " and d.state = 'replay'",
        [why[:REASON_LIMIT], letter],
    )
