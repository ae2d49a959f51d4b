"""How sources fare, in SQL: told by the worker that has them, read by the Sources page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.store.sink import storable
from sent.platform.db.uow import Tx, fetch, fetch_one

MAX_PROBLEM = 500

STALE_S = 30
"""Seconds after which what a worker said is no longer taken for true."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker says of a source it has open, of the version it opened."""

    organization_id: UUID
    source_id: UUID
    version: int
    problem: str
    port: int | None
    dropped: int
    unmapped: int

    @classmethod
    def of(cls, source: Source, problem: str, port: int | None, dropped: int, unmapped: int) -> Told:
        """Return what is told of a source."""
        return cls(source.organization_id, source.id, source.version, problem, port, dropped, unmapped)


async def tell(tx: Tx, told: Sequence[Told]) -> None:
    """Write down how sources fare now; those that are gone meanwhile are left out."""
    columns = zip(
        *(
            (t.source_id, t.version, storable(t.problem)[:MAX_PROBLEM], t.port, t.dropped, t.unmapped)
            for t in told
        ),
        strict=True,
    )
    await tx.execute(
        "insert into radar.source_state as h (source_id, client_id, source_version, problem, since, seen_at,"
        " port, dropped, unmapped) select s.id, s.client_id, n.version, n.problem, clock_timestamp(),"
        " clock_timestamp(), n.port, n.dropped, n.unmapped from unnest(%s::uuid[], %s::integer[], %s::text[],"
        " %s::integer[], %s::bigint[], %s::bigint[]) n (id, version, problem, port, dropped, unmapped)"
        " join radar.source s on s.id = n.id order by s.id for key share of s"
        " on conflict (organization_id, source_id) do update"
        " set client_id = excluded.client_id, source_version = excluded.source_version,"
        " problem = excluded.problem, since = case when h.problem is distinct from excluded.problem"
        " then excluded.since else h.since end,"
        " seen_at = excluded.seen_at, port = excluded.port, dropped = excluded.dropped,"
        " unmapped = excluded.unmapped",
        [list(column) for column in columns],
    )


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source's settings and how it fares; see `sources.SourceHealth` for what follows from it."""

    id: UUID
    zone: str
    keep_days: int | None
    has_token: bool
    steps: int
    created_at: datetime
    told_at: datetime | None
    told_version: int | None
    stale: bool
    problem: str
    problem_since: datetime | None
    port: int | None
    dropped: int
    unmapped: int
    letters: int
    per_second: float
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """How many sources are switched on, and how many of these have a problem now."""

    enabled: int
    problems: int


async def states(tx: Tx) -> list[SourceState]:
    """Return how the organisation's sources fare."""
    return await fetch(
        tx,
        SourceState,
        "select s.id, s.zone, s.keep_days, s.token_digest is not null as has_token,"
        " coalesce(jsonb_array_length(s.mapping -> 'steps'), 0) as steps, s.created_at,"
        " h.seen_at as told_at, h.source_version as told_version,"
        f" coalesce(h.seen_at < now() - interval '{STALE_S} seconds', true) as stale,"
        " coalesce(h.problem, '') as problem, h.since as problem_since, h.port,"
        " coalesce(h.dropped, 0) as dropped, coalesce(h.unmapped, 0) as unmapped,"
        " coalesce(d.letters, 0) as letters, coalesce(r.recent, 0)::float8 / 300 as per_second,"
        " r.latest as last_event_at"
        " from radar.source s left join radar.source_state h on h.source_id = s.id"
        " left join (select l.source_id, count(*) as letters from radar.dead_letter l where l.state = 'dead'"
        " group by l.source_id) d on d.source_id = s.id"
        " left join (select m.source_id, max(m.bucket) as latest,"
        " sum(m.events) filter (where m.bucket > now() - interval '6 minutes'"
        " and m.bucket <= now() - interval '1 minute') as recent from radar.event_minute m"
        " where m.bucket > now() - interval '7 days' group by m.source_id) r on r.source_id = s.id"
        " order by s.id limit 10000",
    )


async def counts(tx: Tx) -> SourceCounts:
    """Return how many sources there are by what needs no look at events."""
    found = await fetch_one(
        tx,
        SourceCounts,
        "select count(*) filter (where s.enabled)::integer as enabled,"
        " count(*) filter (where s.enabled and h.problem <> ''"
        f" and h.seen_at >= now() - interval '{STALE_S} seconds')::integer as problems"
        " from radar.source s left join radar.source_state h on h.source_id = s.id",
    )
    assert found is not None  # noqa: S101  (an aggregate always gives a row)
    return found


async def by_hour(tx: Tx, hours: int) -> list[tuple[UUID, datetime, int]]:
    """Return the events of each source by hour, of the last `hours`; hours without any are left out."""
    cursor = await tx.execute(
        "select m.source_id, date_trunc('hour', m.bucket) as hour, sum(m.events)::bigint"
        " from radar.event_minute m"
        " where m.bucket >= date_trunc('hour', now()) - make_interval(hours => %s)"
        " and m.source_id is not null group by 1, 2 order by 1, 2",
        [hours - 1],
    )
    return [(row[0], row[1], int(row[2])) for row in await cursor.fetchall()]
