"""From parcels to stored events and alerts: decode, match, group, write in one transaction.

A batch counts as handled when its transaction is committed. When the database does not answer it is tried
again with the same ids; a line the database refuses is found by halving the batch, counted and left out, so
that one bad line cannot hold up the rest.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from uuid import UUID

from sent.engines.radar.correlations.correlating import Correlations
from sent.engines.radar.decoding import damage
from sent.engines.radar.decoding.arrival import Unreadable, event_of, zone_named
from sent.engines.radar.fieldmap.applied import mapped
from sent.engines.radar.matcher import Matcher
from sent.engines.radar.model import Event, FieldMatch, Match
from sent.engines.radar.muting import audible
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.receiving.delivery import event_id
from sent.engines.radar.sigma.expression import View, explain
from sent.engines.radar.sigma.logsource import configured_route
from sent.engines.radar.store import letters, sink
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, SentError, Unavailable
from sent.platform.ids import uuid7
from sent.platform.telemetry.log import get_logger
from sent.platform.telemetry.seldom import Seldom

RETRY_FIRST_S = 0.25
RETRY_MOST_S = 10.0

MAX_GROUPS = 200
"""Alerts of one rule on one source within one grouping window."""

MAX_WINDOWS = 1000
MANY_HOSTS = "(many hosts)"

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


@dataclass(slots=True)
class Figures:
    """What the worker reports of itself."""

    events: int = 0
    alerts: int = 0
    refused: int = 0
    """Lines the database would not take."""
    unread: int = 0
    """Lines that became dead letters; those of `refused` too."""
    letters_lost: int = 0
    """Dead letters that found no room."""
    lag_ms: float = 0.0
    """From receiving the oldest line of the last batch to its commit."""
    stored_at: float = 0.0
    """Monotonic time of that commit."""
    waiting: str = ""
    """Why a batch cannot be stored now."""


class Pipeline:
    """Stores what one organisation's sources send."""

    def __init__(self, ctx: Ctx, matcher: Matcher, *, group_minutes: int, figures: Figures) -> None:
        self.matcher = matcher
        self.correlations = Correlations()
        self.group_minutes = group_minutes
        self._ctx = ctx
        self._crowd = Crowd()
        self._figures = figures

    async def handle(self, parcels: Sequence[Parcel]) -> None:
        """Decode and store the parcels; returns when they are committed, however long that takes."""
        await self.store(await self.decode(parcels))

    async def decode(self, parcels: Sequence[Parcel]) -> Batch:
        """Decode and match the parcels in a thread."""
        return await asyncio.to_thread(decoded, parcels, self.matcher)

    async def store(self, batch: Batch) -> None:
        """Store a batch; returns when it is committed, however long the database is away."""
        delay = RETRY_FIRST_S
        while True:
            try:
                await self._store(batch)
                self._figures.waiting = ""
                break
            except Unavailable as error:
                batch.again = True
                self._figures.waiting = error.message
                _log.warning("radar.store_waits", lines=len(batch.lines), reason=error.message)
                await asyncio.sleep(delay)
                delay = min(delay * 2, RETRY_MOST_S)
        for receipt in batch.receipts:
            receipt.set()
        self._figures.stored_at = time.monotonic()
        self._figures.lag_ms = (datetime.now(UTC) - batch.oldest).total_seconds() * 1000

    async def _store(self, batch: Batch) -> None:
        try:
            await self._write(batch)
        except Unavailable:
            raise
        except SentError as error:
            if isinstance(error, Conflict) and not batch.again:  # somebody else stored some of it
                batch.again = True
                await self._store(batch)
            elif len(batch.lines) > 1:
                for part in _halves(batch):
                    await self._store(part)
            else:
                self._figures.refused += len(batch.lines)
                _log.error("radar.line_refused", code=error.code, reason=error.message)
                await self._write(_refused(batch, f"the database refused it: {error.message}"))

    async def _write(self, batch: Batch) -> None:
        correlations = self.correlations
        async with uow(self._ctx) as tx:
            lines = await _claimed(tx, batch) if batch.replayed else batch.lines
            stored = await sink.store_lines(tx, lines, again=batch.again)
            fired = [hit for hit in batch.hits if hit.line.id in stored]
            told = await correlations.follow(tx, self._ctx.org, lines, fired)
            fired = [hit for hit in fired if hit.match.rule.id not in correlations.silent]
            heard = await audible(tx, [*fired, *(Hit(*found) for found in told)])
            raised = grouped(heard, self.group_minutes, self._crowd)
            fresh = 0
            for alert in raised:
                written = await sink.store_alert(tx, alert)
                fresh += written.fresh
                topic = "radar.alert.raised" if written.fresh else "radar.alert.changed"
                await publish(tx, self._ctx, topic, {"alert_id": str(written.id)})
            for point in batch.checkpoints.values():
                if not (theirs := batch.delivered.get(point.source_id)) or theirs & stored:
                    await sink.save_checkpoint(tx, point)
            lost = await letters.keep(tx, batch.unread)
            await letters.give_back(tx, batch.failed)
        self._figures.events += len(stored)
        self._figures.unread += len(batch.unread)
        self._figures.letters_lost += lost
        self._figures.alerts += fresh


def decoded(parcels: Sequence[Parcel], matcher: Matcher) -> Batch:
    """Decode and match all payloads (in a thread: it is pure computation)."""
    batch = Batch([], [], {})
    for parcel in parcels:
        batch.oldest = min(batch.oldest, parcel.received_at)
        zone = zone_named(parcel.source.zone)
        batch.again |= parcel.again
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


def _refused(batch: Batch, reason: str) -> Batch:
    """Return what is left to write of a batch whose only line the database refused."""
    left = Batch([], [], batch.checkpoints, unread=batch.unread, failed=batch.failed)
    for line in batch.lines:
        letter = batch.replayed.get(line.id)
        if letter is not None:
            left.failed[letter] = reason
        elif line.source_id is not None:
            left.unread.append(
                letters.Unread(line.source_id, line.kind, line.received_at, reason, line.payload, line.id)
            )
    return left


async def _claimed(tx: Tx, batch: Batch) -> list[sink.Line]:
    """Mark the letters that lines were read from as done; return the lines nobody else stored before."""
    mine = await letters.claim(tx, set(batch.replayed.values()))
    return [line for line in batch.lines if batch.replayed.get(line.id) in mine]


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


class Crowd:
    """Bounds what a sender that makes up hosts and times can raise.

    Within the same minutes of reception, one rule raises at most `MAX_GROUPS` alerts on one source; what
    more there is counts up one alert for `MANY_HOSTS`.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, set[str]] = OrderedDict()

    def key(self, hit: Hit, minutes: int) -> tuple[str, str]:
        """Return the group a hit belongs to, and its host; the same again when a batch is tried again."""
        own = group_key(hit, minutes)
        window = _window(hit.line.received_at, minutes)
        shared = _digest(hit.match.rule.id, str(hit.line.source_id), MANY_HOSTS, window, str(minutes))
        groups = self._known.setdefault(shared, set())
        if len(self._known) > MAX_WINDOWS:
            self._known.popitem(last=False)
        if own not in groups and len(groups) >= MAX_GROUPS:
            return shared, MANY_HOSTS
        groups.add(own)
        return own, hit.line.host


def grouped(hits: Sequence[Hit], minutes: int, crowd: Crowd | None = None) -> list[sink.Raised]:
    """Return one entry for each rule, source, host and window of `minutes`; the first event explains it."""
    groups: dict[str, sink.Raised] = {}
    for hit in hits:
        key, host = crowd.key(hit, minutes) if crowd else (group_key(hit, minutes), hit.line.host)
        known = groups.get(key)
        if known is None:
            groups[key] = replace(_raised(key, hit), host=host)
        else:
            groups[key] = replace(
                known,
                count=known.count + 1,
                at=min(known.at, hit.line.at),
                last_at=max(known.last_at, hit.line.at),
                last_event_id=hit.line.id,
            )
    return list(groups.values())


def group_key(hit: Hit, minutes: int) -> str:
    """Return what hits of one alert have in common."""
    window = _window(hit.line.at, minutes)
    return _digest(hit.match.rule.id, str(hit.line.source_id), hit.line.host.lower(), window, str(minutes))


def _window(at: datetime, minutes: int) -> str:
    return str(int(at.timestamp() // timedelta(minutes=minutes).total_seconds()))


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _raised(key: str, hit: Hit) -> sink.Raised:
    line, match = hit
    return sink.Raised(
        group_key=key,
        rule=match.rule,
        source_id=line.source_id,
        client_id=line.client_id,
        host=line.host,
        at=line.at,
        last_at=line.at,
        received_at=line.received_at,
        count=1,
        first_event_id=line.id,
        last_event_id=line.id,
        matched=_reasons(match),
        event=sink.fields_json(dict(match.event.fields)),
    )


def _reasons(match: Match) -> Sequence[FieldMatch]:
    if match.matched is not None:
        return match.matched
    return explain(match.rule.condition, View(match.event.fields))


def _halves(batch: Batch) -> list[Batch]:
    middle = len(batch.lines) // 2
    first = {line.id for line in batch.lines[:middle]}
    return [
        Batch(
            batch.lines[:middle],
            [hit for hit in batch.hits if hit.line.id in first],
            {},
            batch.again,
            replayed=batch.replayed,
        ),
        Batch(
            batch.lines[middle:],
            [hit for hit in batch.hits if hit.line.id not in first],
            batch.checkpoints,
            batch.again,
            unread=batch.unread,
            replayed=batch.replayed,
            failed=batch.failed,
        ),
    ]
