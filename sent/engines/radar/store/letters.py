"""Dead letters in SQL: payloads that could not be read or stored."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sent.engines.radar.desk import DeadLetter, LetterState
from sent.engines.radar.store.sink import storable
from sent.platform.db.uow import Tx, fetch, scalar
from sent.platform.ids import uuid7

MAX_LETTERS = 10_000
"""Of one organisation; letters that are over make room for new ones, others do not."""

MAX_PAYLOAD = 65_536
MAX_REASON = 500
REPLAYED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Unread:
    """A payload that could not be read or stored, and why."""

    source_id: UUID
    kind: str
    received_at: datetime
    reason: str
    payload: bytes
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class Replay:
    """A letter that is to be read again, with what is known of its source."""

    id: UUID
    source_id: UUID | None
    client_id: UUID | None
    kind: str
    received_at: datetime
    payload: bytes
    name: str | None
    product: str | None
    category: str | None
    service: str | None
    zone: str | None
    mapping: str | None = None


async def keep(tx: Tx, letters: Sequence[Unread]) -> int:
    """Keep letters; return how many found no room."""
    if not letters:
        return 0
    columns = zip(
        *(
            (
                letter.id,
                letter.source_id,
                letter.kind,
                letter.received_at,
                storable(letter.reason)[:MAX_REASON],
                letter.payload[:MAX_PAYLOAD],
                len(letter.payload),
                hashlib.sha256(letter.payload).digest(),
            )
            for letter in letters
        ),
        strict=True,
    )
    dropped = await scalar(
        tx,
        "select radar.keep_letters(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[],"
        " %s::bytea[], %s::bigint[], %s::bytea[], %s)",
        [*map(list, columns), MAX_LETTERS],
    )
    return int(dropped)


async def page(
    tx: Tx, before: UUID | None, limit: int, states: Collection[LetterState], ids: Sequence[UUID] | None
) -> list[DeadLetter]:
    """Return letters in one of the states, newest first."""
    return await fetch(
        tx,
        DeadLetter,
        "select d.id, d.created_at as at, d.received_at, d.source_id, coalesce(s.name, '') as source_name,"
        " d.kind, d.reason, d.state, d.attempts, d.length, d.digest, d.payload from radar.dead_letter d"
        " left join radar.source s on s.organization_id = d.organization_id and s.id = d.source_id"
        " where d.state = any (%s) and (%s::uuid is null or d.id < %s)"
        " and (%s::uuid[] is null or d.id = any (%s)) order by d.id desc limit %s",
        [list(states), before, before, ids, ids, limit],
    )


async def decide(tx: Tx, ids: Sequence[UUID], target: LetterState) -> None:
    """Have letters read again or give them up; raises Denied, NotFound."""
    await tx.execute("select radar.decide_letters(%s, %s)", [list(ids), target])


async def organisations_waiting(tx: Tx) -> set[UUID]:
    """Return whose letters are to be read again (as sent_system)."""
    cursor = await tx.execute(
        "select distinct d.organization_id from radar.dead_letter d where d.state = 'replay'"
    )
    return {row[0] for row in await cursor.fetchall()}


async def to_replay(tx: Tx) -> list[Replay]:
    """Return the next letters of the organisation that are to be read again."""
    return await fetch(
        tx,
        Replay,
        "select d.id, d.source_id, d.client_id, d.kind, d.received_at, d.payload, s.name, s.product,"
        " s.category, s.service, s.zone, s.mapping::text as mapping"
        " from radar.dead_letter d left join radar.source s"
        " on s.organization_id = d.organization_id and s.id = d.source_id"
        " where d.state = 'replay' order by d.id limit %s",
        [REPLAYED_AT_ONCE],
    )


async def claim(tx: Tx, ids: Collection[UUID]) -> set[UUID]:
    """Mark letters as done in the transaction that stores them; return those nobody else stored before."""
    cursor = await tx.execute(
        "update radar.dead_letter d set state = 'done', payload = '', attempts = d.attempts + 1"
        " where d.id = any (%s) and d.state = 'replay' returning d.id",
        [list(ids)],
    )
    return {row[0] for row in await cursor.fetchall()}


async def give_back(tx: Tx, reasons: dict[UUID, str]) -> None:
    """Let letters that failed again lie dead, with the new reason."""
    for id, reason in reasons.items():
        await tx.execute(
            "update radar.dead_letter d set state = 'dead', attempts = d.attempts + 1, reason = %s"
            " where d.id = %s and d.state = 'replay'",
            [storable(reason)[:MAX_REASON], id],
        )


_WANTED = (
    " and (cardinality(%(sources)s::text[]) = 0 or lower(coalesce(s.name, '')) = any (%(sources)s))"
    " and (cardinality(%(kinds)s::text[]) = 0 or d.kind = any (%(kinds)s))"
    " and not exists (select from unnest(%(words)s::text[]) w"
    " where position(lower(w) in lower(d.reason)) = 0) and (%(before)s::uuid is null or d.id < %(before)s)"
)


async def find(
    tx: Tx,
    states: Sequence[LetterState],
    sources: Sequence[str],
    kinds: Sequence[str],
    words: Sequence[str],
    before: UUID | None,
    limit: int,
) -> list[DeadLetter]:
    """Return letters of these states, sources, kinds and words, newest first, without their payloads."""
    return await fetch(
        tx,
        DeadLetter,
        "select d.id, d.created_at as at, d.received_at, d.source_id, coalesce(s.name, '') as source_name,"
        " d.kind, d.reason, d.state, d.attempts, d.length, d.digest, ''::bytea as payload"
        " from radar.dead_letter d left join radar.source s"
        " on s.organization_id = d.organization_id and s.id = d.source_id"
        f" where d.state = any (%(states)s){_WANTED} order by d.id desc limit %(limit)s",
        _values(sources, kinds, words, before) | {"states": list(states), "limit": max(1, min(limit, 1000))},
    )


async def find_dead(
    tx: Tx,
    sources: Sequence[str],
    kinds: Sequence[str],
    words: Sequence[str],
    before: UUID | None,
    limit: int,
) -> list[UUID]:
    """Return the ids of dead letters, newest first."""
    cursor = await tx.execute(
        "select d.id from radar.dead_letter d left join radar.source s"
        " on s.organization_id = d.organization_id and s.id = d.source_id"
        f" where d.state = 'dead'{_WANTED} order by d.id desc limit %(limit)s",
        _values(sources, kinds, words, before) | {"limit": limit},
    )
    return [row[0] for row in await cursor.fetchall()]


def _values(
    sources: Sequence[str], kinds: Sequence[str], words: Sequence[str], before: UUID | None
) -> dict[str, Any]:
    return {
        "sources": [name.lower() for name in sources],
        "kinds": list(kinds),
        "words": list(words[:20]),
        "before": before,
    }


async def counts(tx: Tx, ids: Sequence[UUID] | None = None) -> dict[str, int]:
    """Return how many letters there are in each state."""
    cursor = await tx.execute(
        "select d.state, count(*) from radar.dead_letter d"
        " where %s::uuid[] is null or d.id = any (%s) group by d.state",
        [None if ids is None else list(ids)] * 2,
    )
    return {row[0]: int(row[1]) for row in await cursor.fetchall()}
