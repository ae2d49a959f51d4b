"""A batch of lines on their way into the database: decoded and matched, which is pure computation.

What is not an event becomes a dead letter; what the database refuses is found by halving.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from uuid import UUID

from sent.engines.radar.decoding import damage
from sent.engines.radar.decoding.arrival import Unreadable, event_of, zone_named
from sent.engines.radar.fieldmap.applied import mapped
from sent.engines.radar.matcher import Matcher
from sent.engines.radar.model import Event, Match
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.receiving.delivery import event_id
from sent.engines.radar.sigma.logsource import configured_route
from sent.engines.radar.store import letters, sink
from sent.engines.radar.turns import Turn
from sent.platform.ids import uuid7
from sent.platform.telemetry.log import get_logger
from sent.platform.telemetry.seldom import Seldom

_log = get_logger("radar")

UNREADABLE = Seldom(_log, "radar.line_unreadable")
UNMATCHED = Seldom(_log, "radar.match_failed")
"""Of this process; senders decide how often they happen."""


class Hit(NamedTuple):
    """A match on an event that is to be stored as `line`."""

    line: sink.Line
    match: Match


@dataclass(slots=True)
class Batch:
    """Decoded and matched lines of one organisation, with how far files are read afterwards."""

    lines: list[sink.Line]
    hits: list[Hit]
    checkpoints: dict[UUID, sink.Checkpoint]
    again: bool = False
    """Whether an earlier attempt may have been committed without our hearing of it."""
    fresh: bool = True
    """Whether all ids were made here: no row of it can meet one that is being stored."""
    oldest: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When its first line was received."""
    unread: list[letters.Unread] = field(default_factory=list)
    """What becomes dead letters."""
    replayed: dict[UUID, UUID] = field(default_factory=dict)
    """The dead letter that a line (its id) was read from."""
    failed: dict[UUID, str] = field(default_factory=dict)
    """Dead letters that could not be read again, and why."""
    delivered: dict[UUID, set[UUID]] = field(default_factory=dict)
    """By source the lines its checkpoint came with: sent once more, they must not have a file read again."""
    receipts: list[asyncio.Event] = field(default_factory=list)
    """Who waits for the commit."""
    turn: Turn = field(default_factory=Turn)
    """When it may be committed."""


def decoded(parcels: Sequence[Parcel], matcher: Matcher) -> Batch:
    """Decode and match all payloads (in a thread: it is pure computation)."""
    batch = Batch([], [], {})
    for parcel in parcels:
        batch.oldest = min(batch.oldest, parcel.received_at)
        zone = zone_named(parcel.source.zone)
        batch.again |= parcel.again
        batch.fresh &= parcel.delivery is None and parcel.letter is None
        before = len(batch.lines)
        for number, payload in enumerate(filter(None, parcel.payloads)):
            damage.note(payload)
            id = uuid7() if parcel.delivery is None else event_id(parcel.delivery, number, parcel.received_at)
            event = _event(parcel, payload, id, zone, batch)
            if event is None:
                continue
            if parcel.source.mapping is not None:
                event = mapped(parcel.source.mapping, event, parcel.received_at, parcel.source.id)
            line = _line(id, event, parcel, payload)
            batch.lines.append(line)
            if parcel.letter is not None:
                batch.replayed[line.id] = parcel.letter
            batch.hits += [Hit(line, match) for match in _matches(matcher, event)]
        if parcel.stored is not None:
            batch.receipts.append(parcel.stored)
        if parcel.checkpoint is not None:
            batch.checkpoints[parcel.source.id] = parcel.checkpoint
            theirs = {line.id for line in batch.lines[before:]}
            batch.delivered[parcel.source.id] = theirs if parcel.delivery is not None else set()
    return batch


def _event(parcel: Parcel, payload: bytes, id: UUID, zone: tzinfo, batch: Batch) -> Event | None:
    """Return the payload's event; one that no reader can take is kept as its text, and as a dead letter.

    Senders write whatever they like, and a worker that dies of one line dies of it again after each start.
    None: it is a dead letter only.
    """
    source, received = parcel.source, parcel.received_at
    try:
        return event_of(source.kind, payload, source.logsource, received=received, zone=zone)
    except Unreadable as error:
        _letter(batch, parcel, payload, id, str(error))
        return None
    except Exception as error:
        UNREADABLE.error(source=source.name, exc_info=error)
        _letter(batch, parcel, payload, id, f"no reader takes it: {type(error).__name__}")
        if parcel.letter is not None:
            return None
        text = payload.decode("utf-8", "replace")
        return Event(
            at=received, fields={"message": text}, route=configured_route(source.logsource), message=text
        )


def _letter(batch: Batch, parcel: Parcel, payload: bytes, id: UUID, reason: str) -> None:
    if parcel.letter is not None:
        batch.failed[parcel.letter] = reason
    else:
        source = parcel.source
        batch.unread.append(letters.Unread(source.id, source.kind, parcel.received_at, reason, payload, id))


def refused(batch: Batch, reason: str) -> Batch:
    """Return what is left to write of a batch whose only line the database refused."""
    left = Batch([], [], batch.checkpoints, unread=batch.unread, failed=batch.failed, turn=batch.turn)
    for line in batch.lines:
        letter = batch.replayed.get(line.id)
        if letter is not None:
            left.failed[letter] = reason
        elif line.source_id is not None:
            left.unread.append(
                letters.Unread(line.source_id, line.kind, line.received_at, reason, line.payload, line.id)
            )
    return left


def _matches(matcher: Matcher, event: Event) -> list[Match]:
    try:
        return matcher.match(event)
    except Exception as error:  # an event without alert is better than none, for everybody
        UNMATCHED.error(exc_info=error)
        return []


def _line(id: UUID, event: Event, parcel: Parcel, payload: bytes) -> sink.Line:
    source = parcel.source
    return sink.Line(
        id=id,
        at=event.at,
        received_at=parcel.received_at,
        source_id=source.id,
        client_id=source.client_id,
        severity=event.severity,
        host=sink.storable(event.host)[:255],
        program=sink.storable(event.program)[:255],
        channel=sink.storable(event.route.channel)[:255] if event.route.channel else None,
        event_code=event.route.event_id if abs(event.route.event_id or 0) < 2**31 else None,
        message=sink.storable(event.message)[: sink.MAX_MESSAGE],
        fields=sink.fields_json(dict(event.fields)),
        kind=source.kind,
        payload=payload,
    )


def halves(batch: Batch) -> list[Batch]:
    middle = len(batch.lines) // 2
    first = {line.id for line in batch.lines[:middle]}
    return [
        Batch(
            batch.lines[:middle],
            [hit for hit in batch.hits if hit.line.id in first],
            {},
            batch.again,
            replayed=batch.replayed,
            turn=batch.turn,
        ),
        Batch(
            batch.lines[middle:],
            [hit for hit in batch.hits if hit.line.id not in first],
            batch.checkpoints,
            batch.again,
            unread=batch.unread,
            replayed=batch.replayed,
            failed=batch.failed,
            turn=batch.turn,
        ),
    ]
