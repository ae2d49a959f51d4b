"""An organisation's correlations, batch by batch.

What is counted lies in the database and is read and changed in the transaction that stores the events: a
batch that is tried again, a worker that is killed and another that takes its sources over all find what was
committed, no more and no less. Hits that matter to correlations are rare, so this costs nothing most of the
time. Events of one client never come together with another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from sent.engines.radar.correlations.correlate import Correlator, Fed
from sent.engines.radar.correlations.correlation import Correlation, silent
from sent.engines.radar.correlations.window import CorrelationHit, Occurrence, StateKey
from sent.engines.radar.decoding.when import moment
from sent.engines.radar.model import Event, FieldMatch, Match
from sent.engines.radar.store import correlations as store
from sent.engines.radar.store.sink import Line, storable
from sent.platform.db.uow import Tx

TRIM_EVERY = 500
"""Groups written between two looks at how many there are."""

KEPT_FURTHER = timedelta(days=1)
"""How long, beyond twice its timespan, a group waits for a worker that was away."""


class Correlations:
    """The correlations that run, and the rules they silence."""

    def __init__(self, found: Iterable[Correlation] = ()) -> None:
        self.found = tuple(found)
        self.silent = silent(self.found)
        self.late = 0
        """Events that came too late for their window."""
        self.evicted = 0
        """Groups and events forgotten for want of room."""
        self._wanted = frozenset(id for made in self.found for id in made.references)
        self._deferred = frozenset(made.id for made in self.found if made.deferred)
        self._until = 0.0
        self._written = TRIM_EVERY

    def changed(self, found: Iterable[Correlation]) -> Correlations:
        """Return what takes over with other correlations; counters go on."""
        made = Correlations(found)
        made.late, made.evicted, made._until = self.late, self.evicted, self._until
        return made

    async def follow(
        self, tx: Tx, org: UUID, lines: Sequence[Line], hits: Sequence[tuple[Line, Match]]
    ) -> list[tuple[Line, Match]]:
        """Return the correlations that hold with these hits, or because time has reached these lines."""
        if not self.found:
            return []
        moments = [min(line.at, line.received_at).timestamp() for line in lines]
        self._until = max([self._until, *moments])
        fed = [
            (match.rule.id, _occurrence(line, match)) for line, match in hits if match.rule.id in self._wanted
        ]
        passed = await self._passed(tx)
        if not fed and not passed:
            return []
        await store.alone(tx, org)
        work = Correlator(self.found, max_groups=store.MAX_ROWS)
        found = await self._run(tx, work, fed, passed)
        await self._save(tx, work)
        self.late += work.late
        self.evicted += work.evicted
        return [_told(hit) for hit in found if hit.correlation.id not in self.silent]

    async def _passed(self, tx: Tx) -> set[StateKey]:
        if not self._deferred:
            return set()
        return await store.due(tx, self._deferred, moment(self._until))

    async def _run(
        self, tx: Tx, work: Correlator, fed: list[Fed], passed: set[StateKey]
    ) -> list[CorrelationHit]:
        found: list[CorrelationHit] = []
        inputs = list(fed)
        for level, members in enumerate(work.levels):
            ids = {made.id for made in members}
            keys = work.keys(level, inputs) | {key for key in passed if key[0] in ids}
            stored = await store.load(tx, keys)
            hits = await asyncio.to_thread(_worked, work, level, stored, inputs, self._until)
            found += hits
            inputs += [(hit.correlation.id, hit.occurrence) for hit in hits]
        return found

    async def _save(self, tx: Tx, work: Correlator) -> None:
        kept, gone = await asyncio.to_thread(_left, work, self.found)
        await store.save(tx, kept, gone)
        self._written += len(kept)
        if self._written >= TRIM_EVERY:
            self.evicted += await store.trim(tx)
            self._written = 0


def _worked(
    work: Correlator, level: int, stored: Mapping[StateKey, str], inputs: Sequence[Fed], until: float
) -> list[CorrelationHit]:
    """Bring groups back and run a level on them (in a thread: a group may hold 10,000 events)."""
    work.restore({key: orjson.loads(state) for key, state in stored.items()})
    return work.run(level, inputs, until)


def _left(work: Correlator, found: Sequence[Correlation]) -> tuple[list[store.Kept], list[StateKey]]:
    """Return the groups to be stored, and those that hold nothing more (in a thread)."""
    spans = {made.id: timedelta(seconds=made.span_s) for made in found}
    now = datetime.now(UTC)
    kept: list[store.Kept] = []
    gone: list[StateKey] = []
    for key, state in work.snapshot().items():
        if not state:
            gone.append(key)
            continue
        closing = work.closing(key)
        due_at = None if closing is None else moment(closing)
        expires_at = now + 2 * spans[key[0]] + KEPT_FURTHER
        kept.append(store.Kept(key, orjson.dumps(state).decode(), due_at, expires_at))
    return kept, gone


def _occurrence(line: Line, match: Match) -> Occurrence:
    """Return the hit as correlations see it; a time that has not come yet is when it was received."""
    origin: dict[str, Any] = {
        "id": str(line.id),
        "at": line.at.isoformat(),
        "received_at": line.received_at.isoformat(),
        "source_id": line.source_id and str(line.source_id),
        "client_id": line.client_id and str(line.client_id),
        "host": line.host,
    }
    return Occurrence(
        at=min(line.at, line.received_at).timestamp(),
        fields={name: value and storable(value) for name, value in match.event.fields.items()},
        origin=orjson.dumps(origin).decode(),
        scope=str(line.client_id or ""),
    )


def _told(hit: CorrelationHit) -> tuple[Line, Match]:
    """Return a correlation as a match on the event that completed it."""
    origin = orjson.loads(hit.occurrence.origin)
    line = Line(
        id=UUID(origin["id"]),
        at=datetime.fromisoformat(origin["at"]),
        received_at=datetime.fromisoformat(origin["received_at"]),
        source_id=origin["source_id"] and UUID(origin["source_id"]),
        client_id=origin["client_id"] and UUID(origin["client_id"]),
        severity=6,
        host=origin["host"],
        program="",
        channel=None,
        event_code=None,
        message="",
        fields="{}",
    )
    event = Event(at=line.at, fields=hit.occurrence.fields, host=line.host)
    return line, Match(hit.correlation.rule, event, reasons(hit))


def reasons(hit: CorrelationHit) -> tuple[FieldMatch, ...]:
    """Return why a correlation holds: what it came to, and of whom."""
    made = hit.correlation
    asked = " ".join(f"{operator} {number:g}" for operator, number in made.bounds)
    span = hit.last_at - hit.first_at
    figure = FieldMatch(
        "correlation", f"{made.kind} {hit.figure:g}, within {span:g} s", 0, 0, f"{made.kind} {asked}"
    )
    group = [FieldMatch(name, value, 0, len(value), "group-by") for name, value in hit.group]
    return (figure, *group)
