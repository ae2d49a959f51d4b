"""The sources a worker has open: what listens, and what reads files.

Whatever an address leads to is its own source's problem only; it is tried again at the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sent.engines.radar.receiving.backlog import Backlog
from sent.engines.radar.receiving.evtxfile import EvtxFeed
from sent.engines.radar.receiving.listen import StreamListener, TcpListener
from sent.engines.radar.receiving.tail import FileTail
from sent.engines.radar.receiving.udp import UdpListener
from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.store.sink import Checkpoint
from sent.platform.errors import SentError
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger

_log = get_logger("radar")


@dataclass(slots=True)
class _Running:
    """An open source: a listener, or a task that reads a file."""

    source: Source
    listener: UdpListener | StreamListener | None = None
    reader: FileTail | EvtxFeed | None = None
    task: asyncio.Task[None] | None = None
    problem: str = ""


class Receivers:
    """Opens and closes sources.

    What they receive goes into `backlog`; `start_of` tells where a file is read on.
    """

    def __init__(self, backlog: Backlog, start_of: Callable[[Source], Awaitable[Checkpoint | None]]) -> None:
        self._backlog = backlog
        self._start_of = start_of
        self._running: dict[UUID, _Running] = {}
        self._dropped = 0
        self.ports: dict[UUID, int] = {}
        """Ports listened on by source; they tell what a source with port 0 got."""

    def __contains__(self, source: UUID) -> bool:
        return source in self._running

    @property
    def dropped(self) -> int:
        """Messages and connections that were not taken."""
        return self._dropped + sum(map(_drops, self._running.values()))

    @property
    def working(self) -> int:
        """How many sources are open."""
        return sum(not running.problem for running in self._running.values())

    def problems(self) -> list[str]:
        """Return why sources cannot be opened or read."""
        unread = [
            f"{running.source.name}: {running.reader.problem}"
            for running in self._running.values()
            if running.reader is not None and running.reader.problem
        ]
        closed = [
            f"{running.source.name}: {running.problem}"
            for running in self._running.values()
            if running.problem
        ]
        return unread + closed

    def fares(self, source: UUID) -> tuple[str, int]:
        """Return why a source cannot be read (or ""), and how much it did not take since it opened."""
        running = self._running.get(source)
        if running is None:
            return "", 0
        unread = "" if running.reader is None else running.reader.problem
        return running.problem or unread, _drops(running)

    async def close_changed(self, wanted: Mapping[UUID, Source]) -> bool:
        """Close what is no longer wanted, or not as it is; say whether a reader of a file was among it."""
        changed = [
            running
            for running in self._running.values()
            if wanted.get(running.source.id) != running.source or running.problem
        ]
        for running in changed:
            await self._close(running)
        return any(running.reader for running in changed)

    async def close(self) -> None:
        """Close every source."""
        for running in list(self._running.values()):
            await self._close(running)

    async def open(self, source: Source) -> None:
        """Open a source."""
        running = _Running(source)
        self._running[source.id] = running
        try:
            running.listener = _listener(source, self._backlog)
            if running.listener is not None:
                self.ports[source.id] = await running.listener.start()
            else:
                start = await self._start_of(source)
                made = (EvtxFeed if source.kind == "evtx" else FileTail)(source, self._backlog, start)
                running.reader = made
                running.task = spawn(made.run(), name=f"radar.{source.kind}")
            _log.info("radar.source_open", source=source.name, kind=source.kind, address=source.address)
        except Exception as error:  # whatever an address leads to is this source's problem only
            running.problem = error.message if isinstance(error, SentError) else repr(error)[:200]
            _log.warning("radar.source_failed", source=source.name, reason=running.problem)

    def refresh_certificates(self) -> None:
        """Take up renewed certificates."""
        for running in self._running.values():
            if isinstance(running.listener, StreamListener):
                try:
                    running.listener.refresh()
                except SentError as error:
                    _log.warning("radar.tls_refused", source=running.source.name, reason=error.message)

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


def _listener(source: Source, backlog: Backlog) -> UdpListener | StreamListener | None:
    """Return what listens for a source; None: it is read from a file."""
    match source.kind:
        case "syslog_udp":
            return UdpListener(source, backlog)
        case "syslog_tcp" | "syslog_tls":
            return TcpListener(source, backlog)
        case "http":
            from sent.engines.radar.receiving.httpintake import HttpListener

            return HttpListener(source, backlog)
    return None


def _drops(running: _Running) -> int:
    return running.listener.dropped if running.listener is not None else 0
