"""The running radar: opens the sources of all organisations, keeps their rules, drives the pipelines.

Of several radar workers one works a source: it holds the source's lease, and another takes over when the
lease is given back or runs out.
Sources and rules are looked at every few seconds, so a change in the console takes effect without a restart;
a new matcher takes over between two batches. pySigma is loaded when the first organisation has a source.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sent.engines.radar import damage
from sent.engines.radar.backlog import Backlog, Parcel
from sent.engines.radar.correlating import Correlations
from sent.engines.radar.evtxfile import EvtxFeed
from sent.engines.radar.listen import StreamListener, TcpListener
from sent.engines.radar.matcher import Matcher
from sent.engines.radar.model import Route, RuleSet
from sent.engines.radar.pipeline import UNREADABLE, Batch, Figures, Pipeline
from sent.engines.radar.replay import replayed
from sent.engines.radar.store import catalogue, placeholders, sink
from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.tail import FileTail
from sent.engines.radar.udp import UdpListener
from sent.platform.collector import for_long
from sent.platform.config import settings_store
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.lease import TTL_S, Leases
from sent.platform.db.uow import transaction, uow
from sent.platform.errors import SentError
from sent.platform.ids import OrgId
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger

RELOAD_S = 2.0
BATCH_LINES = 2000
LINGER_S = 0.1
RATE_WINDOW_S = 10.0


_log = get_logger("radar")


@dataclass(slots=True)
class _Running:
    """An open source: a listener, or a task that reads a file."""

    source: Source
    listener: UdpListener | StreamListener | None = None
    reader: FileTail | EvtxFeed | None = None
    task: asyncio.Task[None] | None = None
    problem: str = ""


@dataclass(slots=True)
class _Organisation:
    pipeline: Pipeline
    rules: int = 0
    signature: tuple[object, ...] = field(default=())


class Intake:
    """See the module. `context` gives the context of an organisation, `system` sees all sources.

    `holder` names this worker in the leases.
    """

    def __init__(
        self, system: Database, context: Callable[[OrgId], Ctx], holder: UUID, *, lease_s: float = TTL_S
    ) -> None:
        self._system = system
        self._leases = Leases(system, holder, ttl=lease_s)
        self._context = context
        self._backlog = Backlog()
        self._running: dict[UUID, _Running] = {}
        self._held: set[UUID] = set()
        self._organisations: dict[UUID, _Organisation] = {}
        self._broken: dict[UUID, str] = {}
        self._figures = Figures()
        self._dropped = 0
        self._decoded: asyncio.Queue[tuple[int, list[tuple[Pipeline, Batch]]]] = asyncio.Queue(1)
        self._replaying: asyncio.Task[None] | None = None
        self._in_hand = 0
        self._oldest = datetime.now(UTC)
        self._stored = asyncio.Event()
        self._history: deque[tuple[float, int]] = deque([(time.monotonic(), 0)], maxlen=64)
        self.ports: dict[UUID, int] = {}
        """Ports listened on by source; they tell what a source with port 0 got."""

    async def start(self) -> None:
        """Open what is configured now; raises Unavailable when the database does not answer."""
        await self.reload()

    async def run(self) -> None:
        """Take, match and store until cancelled; look for changes every few seconds."""
        tasks = [
            spawn(self._watch(), name="radar.reload"),
            spawn(self._decode(), name="radar.decode"),
            spawn(self._store(), name="radar.store"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await cancel(*tasks)

    async def _decode(self) -> None:
        """Decode and match what arrives, one batch ahead of what is being stored."""
        while True:
            parcels = await self._backlog.take(BATCH_LINES, LINGER_S)
            amount = sum(len(parcel.payloads) for parcel in parcels)
            if not self._in_hand:
                self._oldest = min(parcel.received_at for parcel in parcels)
            self._in_hand += amount
            by_organisation: dict[UUID, list[Parcel]] = {}
            for parcel in parcels:
                by_organisation.setdefault(parcel.source.organization_id, []).append(parcel)
            batches = []
            for organisation, theirs in by_organisation.items():
                pipeline = self._organisations[organisation].pipeline
                batches.append((pipeline, await pipeline.decode(theirs)))
            await self._decoded.put((amount, batches))

    async def _store(self) -> None:
        """Store batches in the order of their arrival."""
        while True:
            amount, batches = await self._decoded.get()
            for pipeline, batch in batches:
                self._oldest = batch.oldest
                await pipeline.store(batch)
            self._in_hand -= amount
            self._stored.set()

    async def drain(self) -> None:
        """Stop taking in, then wait until everything taken in is stored."""
        await cancel(self._replaying)
        for running in list(self._running.values()):
            await self._close(running)
        await self._settled()

    async def stop(self) -> None:
        """Close every source and give the leases back."""
        await cancel(self._replaying)
        held = [_lease(id) for id in self._held]
        for running in list(self._running.values()):
            await self._close(running)
        if held:
            with contextlib.suppress(SentError):
                await self._leases.release(*held)

    async def reload(self) -> None:
        """Bring sources and rules to what the database says."""
        async with transaction(self._system) as tx:
            enabled = {source.id: source for source in await catalogue.enabled_sources(tx)}
        held = await self._leases.take_all(_lease(id) for id in enabled)
        self._held = {id for id in enabled if _lease(id) in held}
        wanted = {id: enabled[id] for id in self._held}
        changed = [
            running
            for running in self._running.values()
            if wanted.get(running.source.id) != running.source or running.problem
        ]
        for running in changed:
            await self._close(running)
        if any(running.reader for running in changed):
            # A reader starts at what is stored: what its predecessor read must be stored first.
            await self._settled()
        async with self._leases.kept(map(_lease, self._held)):  # many new rules take longer than one lasts
            for organisation in {source.organization_id for source in wanted.values()}:
                await self._rules_of(OrgId(organisation))
        for source in wanted.values():
            if source.id not in self._running and source.organization_id in self._organisations:
                await self._open(source)
        self._refresh_certificates()
        if self._replaying is None or self._replaying.done():
            self._replaying = spawn(
                replayed(self._system, self._context, self._backlog, self._ready_for), name="radar.replay"
            )

    def _refresh_certificates(self) -> None:
        for running in self._running.values():
            if isinstance(running.listener, StreamListener):
                try:
                    running.listener.refresh()
                except SentError as error:
                    _log.warning("radar.tls_refused", source=running.source.name, reason=error.message)

    async def _ready_for(self, org: OrgId) -> bool:
        if org not in self._organisations:
            await self._rules_of(org)
        return org in self._organisations

    def metrics(self) -> dict[str, float]:
        """Return the worker's figures."""
        now = time.monotonic()
        self._history.append((now, self._figures.events))
        while len(self._history) > 2 and now - self._history[0][0] > RATE_WINDOW_S:
            self._history.popleft()
        (since, before) = self._history[0]
        span = max(now - since, 0.001)
        return {
            "events_total": self._figures.events,
            "events_per_second": round((self._figures.events - before) / span, 1),
            "alerts_total": self._figures.alerts,
            "dropped_total": self._dropped + self._figures.refused + sum(map(_drops, self._running.values())),
            "unreadable_total": UNREADABLE.total,
            "cut_total": damage.CUT.total,
            "nul_total": damage.NUL.total,
            "encoding_total": damage.ENCODING.total,
            "deep_total": damage.DEEP.total,
            "no_json_total": damage.BROKEN.total,
            "dead_letters_total": self._figures.unread,
            "dead_letters_lost_total": self._figures.letters_lost,
            "queue_depth": self._backlog.lines + self._in_hand,
            "ingest_lag_ms": round(self._lag_ms(), 1),
            "correlation_late_total": sum(made.late for made in self._correlations()),
            "correlation_evicted_total": sum(made.evicted for made in self._correlations()),
            "rules": sum(organisation.rules for organisation in self._organisations.values()),
            "sources": sum(not running.problem for running in self._running.values()),
        }

    def _correlations(self) -> list[Correlations]:
        return [organisation.pipeline.correlations for organisation in self._organisations.values()]

    def _lag_ms(self) -> float:
        """Return how long what is in hand waits by now, else how long the last batch waited; 0 when idle."""
        if self._in_hand:
            return (datetime.now(UTC) - self._oldest).total_seconds() * 1000
        recent = time.monotonic() - self._figures.stored_at < RATE_WINDOW_S
        return self._figures.lag_ms if recent else 0.0

    def problems(self) -> list[str]:
        """Return what keeps sources from being read, or events from being stored."""
        unread = list(self._broken.values())
        unread += [
            f"{running.source.name}: {running.reader.problem}"
            for running in self._running.values()
            if running.reader is not None and running.reader.problem
        ]
        waiting = [f"events wait to be stored: {self._figures.waiting}"] if self._figures.waiting else []
        return (
            waiting
            + unread
            + [
                f"{running.source.name}: {running.problem}"
                for running in self._running.values()
                if running.problem
            ]
        )

    async def _settled(self) -> None:
        """Wait until everything taken in is stored."""
        while self._backlog.lines or self._backlog.waiting or self._in_hand:
            self._stored.clear()
            await self._stored.wait()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_S)
            try:
                await self.reload()
            except SentError as error:
                _log.warning("radar.reload_failed", reason=error.message)
            except Exception as error:  # a task boundary: the next look may succeed
                _log.error("radar.reload_failed", exc_info=error)

    async def _open(self, source: Source) -> None:
        running = _Running(source)
        self._running[source.id] = running
        try:
            running.listener = _listener(source, self._backlog)
            if running.listener is not None:
                self.ports[source.id] = await running.listener.start()
            else:
                async with uow(self._context(OrgId(source.organization_id))) as tx:
                    start = await sink.checkpoint(tx, source.id)
                made = (EvtxFeed if source.kind == "evtx" else FileTail)(source, self._backlog, start)
                running.reader = made
                running.task = spawn(made.run(), name=f"radar.{source.kind}")
            _log.info("radar.source_open", source=source.name, kind=source.kind, address=source.address)
        except Exception as error:  # whatever an address leads to is this source's problem only
            running.problem = error.message if isinstance(error, SentError) else repr(error)[:200]
            _log.warning("radar.source_failed", source=source.name, reason=running.problem)

    async def _close(self, running: _Running) -> None:
        self._running.pop(running.source.id, None)
        if running.listener is not None:
            await running.listener.stop()
        await cancel(running.task)
        if running.reader is not None:
            running.reader.close()
        self._dropped += _drops(running)
        running.listener = None
        self.ports.pop(running.source.id, None)

    async def _rules_of(self, org: OrgId) -> None:
        """Load the organisation's rules; what goes wrong with one organisation's does not stop the others."""
        try:
            await self._load_rules(org)
            self._broken.pop(org, None)
        except SentError:
            raise
        except Exception as error:
            self._broken[org] = f"the rules of organisation {org} cannot be loaded: {type(error).__name__}"
            _log.error("radar.rules_failed", organisation=str(org), exc_info=error)

    async def _load_rules(self, org: OrgId) -> None:
        """Load the organisation's rules if they changed; its first time brings SENT's own."""
        from sent.engines.radar.elsewhere import parse_elsewhere
        from sent.engines.radar.library import ship_rules

        ctx = self._context(org)
        known = self._organisations.get(org)
        if known is None:
            await ship_rules(ctx)
        group_minutes = int(await settings_store.get(ctx, "radar.group_minutes"))
        if known is not None:
            known.pipeline.group_minutes = group_minutes
        async with uow(ctx) as tx:
            signature = await catalogue.rules_signature(tx)
            if known is not None and known.signature == signature:
                return
            texts = await catalogue.rule_texts(tx)
            disabled = await catalogue.disabled_ids(tx)
            values = await placeholders.values(tx)
        await parse_elsewhere([(text.path, text.body) for text in texts])
        found, matcher, amount = await asyncio.to_thread(
            _matcher, texts, disabled, values, () if known is None else known.pipeline.matcher.routes
        )
        signature = await _noted(ctx, found, signature)
        if known is None:
            pipeline = Pipeline(ctx, matcher, group_minutes=group_minutes, figures=self._figures)
            known = self._organisations[org] = _Organisation(pipeline)
        known.pipeline.correlations = known.pipeline.correlations.changed(found.correlations)
        known.pipeline.matcher, known.rules, known.signature = matcher, amount, signature
        _log.info("radar.rules_loaded", organisation=str(org), rules=amount)


def _listener(source: Source, backlog: Backlog) -> UdpListener | StreamListener | None:
    """Return what listens for a source; None: it is read from a file."""
    match source.kind:
        case "syslog_udp":
            return UdpListener(source, backlog)
        case "syslog_tcp" | "syslog_tls":
            return TcpListener(source, backlog)
        case "http":
            from sent.engines.radar.httpintake import HttpListener

            return HttpListener(source, backlog)
    return None


def _matcher(
    texts: list[catalogue.RuleText],
    disabled: set[str],
    values: dict[str, tuple[str, ...]],
    routes: Iterable[Route],
) -> tuple[RuleSet, Matcher, int]:
    """Parse the rules and make a matcher that is ready for events of `routes`."""
    from sent.engines.radar.match.engine import ValueMatcher
    from sent.engines.radar.reading import parsed

    with for_long():
        found = parsed(((text.path, text.body, "") for text in texts), values, disabled)
        active = [rule for rule in found.rules if rule.id not in disabled]
        matcher = ValueMatcher(active)
        matcher.prepare(routes)
    return found, matcher, len(active) + len(found.correlations)


async def _noted(ctx: Ctx, found: RuleSet, signature: tuple[object, ...]) -> tuple[object, ...]:
    """Write down why rules wait for others, unless rules changed meanwhile; return the signature of that."""
    async with uow(ctx) as tx:
        if await catalogue.rules_signature(tx) != signature:
            return signature
        changed = await placeholders.note_reasons(tx, found)
        return await catalogue.rules_signature(tx) if changed else signature


def _lease(source: UUID) -> str:
    return f"radar.source/{source}"


def _drops(running: _Running) -> int:
    return running.listener.dropped if running.listener is not None else 0
