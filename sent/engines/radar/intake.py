"""The running radar: opens the sources of all organisations, keeps their rules, drives the pipelines.

Of several radar workers one works a source: it holds the source's lease, and another takes over when the
lease is given back or runs out. With a message server they share the matching, too (see `conveyor`).
Sources and rules are looked at every few seconds, so a change in the console takes effect without a restart.
pySigma is loaded when the first organisation has a source.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sent.engines.radar.batch import UNREADABLE, Batch
from sent.engines.radar.decoding import damage
from sent.engines.radar.fieldmap.applied import FAILED
from sent.engines.radar.organisations import Organisations
from sent.engines.radar.pipeline import Figures, Pipeline
from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.descriptors import room_for_connections
from sent.engines.radar.receiving.receivers import Receivers
from sent.engines.radar.replay import replayed
from sent.engines.radar.store import catalogue, sink
from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.store.states import Told
from sent.engines.radar.telling import Telling
from sent.engines.radar.turns import Turn, Turns
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.lease import TTL_S, Leases
from sent.platform.db.uow import transaction, uow
from sent.platform.errors import NotFound, SentError
from sent.platform.ids import OrgId
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger

if TYPE_CHECKING:
    from sent.engines.radar.receiving.conveyor import Conveyor
    from sent.engines.radar.receiving.delivery import Delivery

RELOAD_S = 2.0
BATCH_LINES = 2000
LINGER_S = 0.1
PASS_ON_LINGER_S = 0.02
PATIENCE_S = 5.0
"""How long a look waits for rules that are being loaded; they go on loading."""

RATE_WINDOW_S = 10.0

STORED_AT_ONCE = 2
"""Lots being written to the database: their transactions overlap, their commits keep the order."""

_log = get_logger("radar")


@dataclass(eq=False, slots=True)
class _Lot:
    """What is taken from the backlog at once, with what it becomes for each organisation."""

    parcels: list[Parcel]
    turn: Turn
    batches: list[tuple[Pipeline, Batch]] = field(default_factory=list)

    @property
    def lines(self) -> int:
        return sum(len(parcel.payloads) for parcel in self.parcels)


class Intake:
    """See the module. `context` gives the context of an organisation, `system` sees all sources.

    `holder` names this worker in the leases; `nats` is the site's message server (URL, file of credentials).
    """

    def __init__(
        self,
        system: Database,
        context: Callable[[OrgId], Ctx],
        holder: UUID,
        *,
        lease_s: float = TTL_S,
        nats: tuple[str, str | None] | None = None,
    ) -> None:
        self._system = system
        self._leases = Leases(system, holder, ttl=lease_s)
        self._context = context
        self._received = Backlog(max_connections=room_for_connections())
        self._backlog = self._received if nats is None else Backlog()
        self._conveyor: Conveyor | None = None
        if nats is not None:
            from sent.engines.radar.receiving.conveyor import Conveyor

            self._conveyor = Conveyor(*nats, self._leases, holder, self._backlog, self._source_of)
        self._figures = Figures()
        self._organisations = Organisations(context, self._figures)
        self._receivers = Receivers(self._received, self._start_of)
        self._telling = Telling(context)
        self._enabled: dict[UUID, Source] = {}
        self._held: set[UUID] = set()
        self._decoded: asyncio.Queue[_Lot] = asyncio.Queue(1)
        self._turns = Turns()
        self._replaying: asyncio.Task[None] | None = None
        self._in_hand: list[_Lot] = []
        self._passed_on = 0
        self._finished = 0
        self._progress = asyncio.Event()
        self._history: deque[tuple[float, int]] = deque([(time.monotonic(), 0)], maxlen=64)

    @property
    def ports(self) -> Mapping[UUID, int]:
        """Ports listened on by source; they tell what a source with port 0 got."""
        return self._receivers.ports

    async def start(self) -> None:
        """Open what is configured now; raises Unavailable when the database does not answer."""
        await self.reload(patience=None)

    async def run(self) -> None:
        """Take, match and store until cancelled; look for changes every few seconds."""
        tasks = [
            spawn(self._watch(), name="radar.reload"),
            spawn(self._decode(), name="radar.decode"),
            *(spawn(self._store(), name="radar.store") for _ in range(STORED_AT_ONCE)),
        ]
        if self._conveyor is not None:
            tasks.append(spawn(self._pass_on(self._conveyor), name="radar.pass_on"))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await cancel(*tasks)

    async def _pass_on(self, conveyor: Conveyor) -> None:
        """Give what was received to the message server, or what it does not take to the pipelines here."""
        while True:
            parcels = await self._received.take(BATCH_LINES, PASS_ON_LINGER_S)
            for parcel in await conveyor.pass_on(parcels):
                await self._backlog.put(parcel)
            self._passed_on += len(parcels)
            self._progress.set()

    async def _decode(self) -> None:
        """Decode and match what arrives, one batch ahead of what is being stored."""
        while True:
            parcels = await self._backlog.take(BATCH_LINES, LINGER_S)
            lot = _Lot(parcels, self._turns.take())
            self._in_hand.append(lot)
            by_organisation: dict[UUID, list[Parcel]] = {}
            for parcel in parcels:
                by_organisation.setdefault(parcel.source.organization_id, []).append(parcel)
            for organisation, theirs in by_organisation.items():
                pipeline = self._organisations.pipeline(organisation)
                lot.batches.append((pipeline, await pipeline.decode(theirs)))
            await self._decoded.put(lot)

    async def _store(self) -> None:
        """Store batches; they are done in the order of their arrival.

        A few of these run together: while one waits for the server, or the server for it, another is served.
        """
        while True:
            lot = await self._decoded.get()
            for pipeline, batch in lot.batches:
                await pipeline.store(batch)
            await lot.turn.come()
            self._in_hand.remove(lot)
            self._finished += len(lot.parcels)
            lot.turn.done()
            self._progress.set()

    async def drain(self) -> None:
        """Stop taking in, then wait until everything taken in is stored."""
        await cancel(self._replaying)
        await self._receivers.close()
        await self._settled()
        if self._conveyor is not None:
            await self._conveyor.stop_taking()
            await self._settled()
            await self._conveyor.acknowledged()

    async def stop(self) -> None:
        """Close every source and give the leases back."""
        await cancel(self._replaying)
        await self._receivers.close()
        await self._organisations.close()
        held = [_lease(id) for id in self._held]
        with contextlib.suppress(SentError):
            if held:
                await self._leases.release(*held)
            if self._conveyor is not None:
                await self._conveyor.release()
        if self._conveyor is not None:
            await self._conveyor.close()

    async def reload(self, patience: float | None = PATIENCE_S) -> None:
        """Bring sources and rules to what the database says; rules load on after `patience` seconds."""
        async with transaction(self._system) as tx:
            self._enabled = {source.id: source for source in await catalogue.enabled_sources(tx)}
        held = await self._leases.take_all(_lease(id) for id in self._enabled)
        self._held = {id for id in self._enabled if _lease(id) in held}
        wanted = {id: self._enabled[id] for id in self._held}
        async with self._leases.kept(map(_lease, self._held)):  # what follows may take longer than one lasts
            if self._conveyor is not None:
                await self._conveyor.look()
            shared = [] if self._conveyor is None else self._conveyor.leases
            async with self._leases.kept(shared):
                await self._turn_to(wanted, patience)
        for source in wanted.values():
            if source.id not in self._receivers and source.organization_id in self._organisations:
                await self._receivers.open(source)
        self._receivers.refresh_certificates()
        if self._replaying is None or self._replaying.done():
            self._replaying = spawn(
                replayed(self._system, self._context, self._received, self._organisations.ready),
                name="radar.replay",
            )
        await self._telling.tell(map(self._told, wanted.values()))

    async def _turn_to(self, wanted: Mapping[UUID, Source], patience: float | None) -> None:
        """Close what is not as it is wanted, and load the rules that are needed."""
        if await self._receivers.close_changed(wanted):
            # A reader starts at what is stored: what its predecessor read must be stored first.
            await self._settled()
        await self._organisations.load_all(
            {OrgId(source.organization_id) for source in wanted.values()}, patience
        )

    def _told(self, source: Source) -> Told:
        problem, dropped = self._receivers.fares(source.id)
        problem = problem or self._organisations.problem_of(source.organization_id)
        return Told.of(source, problem, self.ports.get(source.id), dropped, FAILED[source.id])

    async def _start_of(self, source: Source) -> sink.Checkpoint | None:
        """Return where a file is read on; raises Unavailable while lines of it are under way."""
        if self._conveyor is not None:
            await self._conveyor.nothing_of(source.id)
        async with uow(self._context(OrgId(source.organization_id))) as tx:
            return await sink.checkpoint(tx, source.id)

    async def _source_of(self, delivery: Delivery) -> Source | None:
        """Return the source of a delivery, None while its organisation's rules are being loaded.

        Raises NotFound when the organisation is gone, Unavailable.
        """
        from sent.engines.radar.replay import gone

        source = self._enabled.get(delivery.source_id)
        if source is None:
            async with transaction(self._system) as tx:
                source = await catalogue.source(tx, delivery.source_id)
        org = OrgId(delivery.organization_id)
        if source is None or source.organization_id != org:
            async with uow(self._context(org)) as tx:
                if not await catalogue.organisation_exists(tx):  # nothing of it is to be written any more
                    raise NotFound("radar.organisation.gone", f"the organisation {org} is gone")
            source = gone(delivery.source_id, org, delivery.kind)
        if await self._organisations.ready(org, PATIENCE_S):
            return source
        if not self._organisations.problem_of(org):
            return None
        self._organisations.unmatched(org)
        return source

    def metrics(self) -> dict[str, float]:
        """Return the worker's figures."""
        now = time.monotonic()
        self._history.append((now, self._figures.events))
        while len(self._history) > 2 and now - self._history[0][0] > RATE_WINDOW_S:
            self._history.popleft()
        (since, before) = self._history[0]
        span = max(now - since, 0.001)
        correlations = self._organisations.correlations
        return {
            "events_total": self._figures.events,
            "events_per_second": round((self._figures.events - before) / span, 1),
            "alerts_total": self._figures.alerts,
            "dropped_total": self._figures.refused + self._receivers.dropped,
            "unreadable_total": UNREADABLE.total,
            "cut_total": damage.CUT.total,
            "nul_total": damage.NUL.total,
            "encoding_total": damage.ENCODING.total,
            "deep_total": damage.DEEP.total,
            "no_json_total": damage.BROKEN.total,
            "mapping_failed_total": sum(list(FAILED.values())),
            "dead_letters_total": self._figures.unread,
            "dead_letters_lost_total": self._figures.letters_lost,
            "queue_depth": self._lines(),
            "ingest_lag_ms": round(self._lag_ms(), 1),
            "correlation_late_total": sum(made.late for made in correlations),
            "correlation_evicted_total": sum(made.evicted for made in correlations),
            "rules": self._organisations.rules,
            "sources": self._receivers.working,
            **(self._conveyor.figures() if self._conveyor is not None else {}),
        }

    def _lines(self) -> int:
        received = self._received.lines if self._received is not self._backlog else 0
        return received + self._backlog.lines + sum(lot.lines for lot in self._in_hand)

    def _lag_ms(self) -> float:
        """Return how long what is in hand waits by now, else how long the last batch waited; 0 when idle."""
        if self._in_hand:
            oldest = min(parcel.received_at for parcel in self._in_hand[0].parcels)
            return (datetime.now(UTC) - oldest).total_seconds() * 1000
        recent = time.monotonic() - self._figures.stored_at < RATE_WINDOW_S
        return self._figures.lag_ms if recent else 0.0

    def problems(self) -> list[str]:
        """Return what keeps sources from being read, or events from being stored."""
        waiting = [f"events wait to be stored: {self._figures.waiting}"] if self._figures.waiting else []
        away = [self._conveyor.problem] if self._conveyor is not None and self._conveyor.problem else []
        return waiting + away + self._organisations.problems + self._receivers.problems()

    async def _settled(self) -> None:
        """Wait until everything that was taken in before now is stored, or lies in the stream."""
        arrived = self._received.arrived
        if self._received is not self._backlog:
            await self._until(lambda: self._passed_on >= arrived and not self._received.waiting)
            arrived = self._backlog.arrived
        await self._until(lambda: self._finished >= arrived)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._progress.clear()
            await self._progress.wait()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_S)
            try:
                await self.reload()
            except SentError as error:
                _log.warning("radar.reload_failed", reason=error.message)
            except Exception as error:  # a task boundary: the next look may succeed
                _log.error("radar.reload_failed", exc_info=error)


def _lease(source: UUID) -> str:
    return f"radar.source/{source}"
