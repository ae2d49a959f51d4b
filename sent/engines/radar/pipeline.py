"""From parcels to stored events and alerts: decode, match, group, write in one transaction.

A batch counts as handled when its transaction is committed. Transactions of several batches overlap: their
events are written together, but alerts, correlations and checkpoints one after another, in the order in which
the batches came, and so are the commits (ADR 0018). When the database does not answer it is tried
again with the same ids; a line the database refuses is found by halving the batch, counted and left out, so
that one bad line cannot hold up the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sent.engines.radar.batch import Batch, Hit, decoded, halves, refused
from sent.engines.radar.correlations.correlating import Correlations
from sent.engines.radar.grouping import Crowd, grouped
from sent.engines.radar.matcher import Matcher
from sent.engines.radar.muting import audible
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.store import letters, sink
from sent.engines.radar.turns import Turn, Turns
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, SentError, Unavailable
from sent.platform.telemetry.log import get_logger

RETRY_FIRST_S = 0.25
RETRY_MOST_S = 10.0

TURN_PATIENCE_S = 2.0
"""How long a transaction stays open for those before it: it may hold what they wait for."""

_log = get_logger("radar")


class _NotYet(Exception):
    """The batches before take long; nothing of this one was committed."""


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
        self._turns = Turns()
        self._figures = figures

    async def handle(self, parcels: Sequence[Parcel]) -> None:
        """Decode and store the parcels; returns when they are committed, however long that takes."""
        await self.store(await self.decode(parcels))

    async def decode(self, parcels: Sequence[Parcel]) -> Batch:
        """Decode and match the parcels in a thread; batches are committed in the order of their decoding."""
        batch = await asyncio.to_thread(decoded, parcels, self.matcher)
        batch.turn = self._turns.take()
        return batch

    async def store(self, batch: Batch) -> None:
        """Store a batch; returns when it is committed, however long the database is away.

        A batch may be written while those before are, but waits for them before it raises alerts.
        """
        if not batch.fresh:  # it may wait for a row of theirs, and they for one of its
            await batch.turn.come()
        await self._stored(batch)
        batch.turn.done()
        for receipt in batch.receipts:
            receipt.set()
        self._figures.stored_at = time.monotonic()
        self._figures.lag_ms = (datetime.now(UTC) - batch.oldest).total_seconds() * 1000

    async def _stored(self, batch: Batch) -> None:
        delay = RETRY_FIRST_S
        while True:
            try:
                await self._store(batch)
                self._figures.waiting = ""
                return
            except _NotYet:
                await batch.turn.come()
            except Unavailable as error:
                batch.again = True
                self._figures.waiting = error.message
                _log.warning("radar.store_waits", lines=len(batch.lines), reason=error.message)
                await asyncio.sleep(delay)
                delay = min(delay * 2, RETRY_MOST_S)

    async def _store(self, batch: Batch) -> None:
        try:
            await self._write(batch)
        except Unavailable:
            raise
        except SentError as error:
            await batch.turn.come()
            if isinstance(error, Conflict) and not batch.again:  # somebody else stored some of it
                batch.again = True
                await self._store(batch)
            elif len(batch.lines) > 1:
                for part in halves(batch):
                    await self._store(part)
            else:
                self._figures.refused += len(batch.lines)
                _log.error("radar.line_refused", code=error.code, reason=error.message)
                await self._write(refused(batch, f"the database refused it: {error.message}"))

    async def _write(self, batch: Batch) -> None:
        correlations = self.correlations
        async with uow(self._ctx) as tx:
            lines = await _claimed(tx, batch) if batch.replayed else batch.lines
            stored = await sink.store_lines(tx, lines, again=batch.again)
            await _come(batch.turn)
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


async def _claimed(tx: Tx, batch: Batch) -> list[sink.Line]:
    """Mark the letters that lines were read from as done; return the lines nobody else stored before."""
    mine = await letters.claim(tx, set(batch.replayed.values()))
    return [line for line in batch.lines if batch.replayed.get(line.id) in mine]


async def _come(turn: Turn) -> None:
    try:
        await turn.come(TURN_PATIENCE_S)
    except TimeoutError:
        raise _NotYet from None
