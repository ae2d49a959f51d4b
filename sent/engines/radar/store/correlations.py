"""Correlations in progress in SQL: one row a group, changed in the transaction that stores the events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.engines.radar.correlations.window import StateKey
from sent.platform.db.uow import Tx

MAX_DUE = 1_000
"""Windows that have passed and are decided in one batch; the rest in the next."""

MAX_ROWS = 50_000
"""Groups kept for one organisation."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A group to be stored, as JSON text: `due_at` is when its window is decided, if it waits for that."""

    key: StateKey
    state: str
    due_at: datetime | None
    expires_at: datetime


async def alone(tx: Tx, org: UUID) -> None:
    """Wait until no other worker changes this organisation's groups, until the transaction ends.

    A group's row may not be there yet, so there is nothing finer to lock.
    """
    await tx.execute(
        "select pg_advisory_xact_lock(hashtextextended('radar.correlation/' || %s, 0))", [str(org)]
    )


async def load(tx: Tx, keys: Iterable[StateKey]) -> dict[StateKey, str]:
    """Return what is stored of these groups, as JSON text: the largest take a while to read."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    cursor = await tx.execute(
        "select s.correlation, s.group_key, s.state::text from radar.correlation_state s"
        " join unnest(%s::text[], %s::text[]) n (correlation, group_key)"
        " on s.correlation = n.correlation and s.group_key = n.group_key",
        [[correlation for correlation, _ in wanted], [group for _, group in wanted]],
    )
    return {(correlation, group): state for correlation, group, state in await cursor.fetchall()}


async def due(tx: Tx, correlations: Iterable[str], until: datetime) -> set[StateKey]:
    """Return the groups of these correlations whose window has passed, the earliest first."""
    cursor = await tx.execute(
        "select s.correlation, s.group_key from radar.correlation_state s"
        " where s.due_at < %s and s.correlation = any (%s) order by s.due_at limit %s",
        [until, sorted(correlations), MAX_DUE],
    )
    return {(correlation, group) for correlation, group in await cursor.fetchall()}


async def save(tx: Tx, kept: Sequence[Kept], gone: Sequence[StateKey]) -> None:
    """Store groups and remove those that hold nothing more."""
    if gone:
        await tx.execute(
            "delete from radar.correlation_state s using unnest(%s::text[], %s::text[])"
            " n (correlation, group_key) where s.correlation = n.correlation and s.group_key = n.group_key",
            [[key[0] for key in gone], [key[1] for key in gone]],
        )
    if kept:
        await tx.execute(
            "insert into radar.correlation_state as s (correlation, group_key, state, due_at, expires_at)"
            " select * from unnest(%s::text[], %s::text[], %s::jsonb[], %s::timestamptz[], %s::timestamptz[])"
            " on conflict (organization_id, correlation, group_key) do update set state = excluded.state,"
            " due_at = excluded.due_at, expires_at = excluded.expires_at",
            [
                [group.key[0] for group in kept],
                [group.key[1] for group in kept],
                [group.state for group in kept],
                [group.due_at for group in kept],
                [group.expires_at for group in kept],
            ],
        )


async def trim(tx: Tx) -> int:
    """Forget groups nobody added to for long, and the quietest above `MAX_ROWS`; return how many of these."""
    await tx.execute("delete from radar.correlation_state s where s.expires_at < clock_timestamp()")
    cursor = await tx.execute(
        "delete from radar.correlation_state s where s.id in (select o.id from radar.correlation_state o"
        " order by o.updated_at desc, o.id desc offset %s)",
        [MAX_ROWS],
    )
    return cursor.rowcount
