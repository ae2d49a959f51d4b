"""Syslog over TCP (RFC 6587): senders are made to wait, and nothing that was read is dropped."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from datetime import UTC, datetime

from sent.engines.radar.address import host_and_port
from sent.engines.radar.backlog import Backlog, Parcel
from sent.engines.radar.framing import Framer
from sent.engines.radar.store.catalogue import Source
from sent.platform.errors import Unavailable
from sent.platform.tasks import cancel, spawn

MAX_CONNECTIONS = 1000
MAX_PER_PEER = 250
"""Connections of one address: a single sender must not keep the others out."""

READ_SIZE = 65_536
IDLE_S = 3600.0
STOP_S = 15.0


class TcpListener:
    """Accepts connections and reads frames; a full backlog stops the reading, so senders wait."""

    def __init__(self, source: Source, backlog: Backlog) -> None:
        self._source = source
        self._backlog = backlog
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self._of_peer: Counter[str] = Counter()
        self.dropped = 0
        """Connections refused over the limit, and messages that were cut."""

    async def start(self) -> int:
        """Bind and listen; returns the port. Raises Unavailable when the address cannot be had."""
        listening = bound(self._source.address, socket.SOCK_STREAM)
        self._server = await asyncio.start_server(self._accepted, sock=listening, limit=READ_SIZE)
        return int(listening.getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and reading; what was read is queued, unread bytes stay with the sender."""
        if self._server is not None:
            self._server.close()
            for reader, writer in self._connections.values():
                with contextlib.suppress(RuntimeError):
                    writer.transport.pause_reading()  # type: ignore[attr-defined]
                reader.feed_eof()
            if self._connections:
                await asyncio.wait(self._connections, timeout=STOP_S)
            await cancel(*self._connections)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 2)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        if len(self._connections) >= MAX_CONNECTIONS or self._of_peer[peer] >= MAX_PER_PEER:
            self.dropped += 1
            writer.close()
            return
        task = spawn(self._read(reader, writer), name="radar.syslog_tcp")
        self._connections[task] = (reader, writer)
        self._of_peer[peer] += 1
        task.add_done_callback(lambda done: self._left(done, peer))

    def _left(self, task: asyncio.Task[None], peer: str) -> None:
        self._connections.pop(task, None)
        self._of_peer[peer] -= 1
        if not self._of_peer[peer]:
            del self._of_peer[peer]

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer()
        try:
            while data := await asyncio.wait_for(reader.read(READ_SIZE), IDLE_S):
                await self._put(tuple(framer.feed(data)))
            await self._put(tuple(framer.finish()))
        except (TimeoutError, OSError):
            await self._put(tuple(framer.finish()))
        finally:
            self.dropped += framer.cut
            writer.close()

    async def _put(self, messages: tuple[bytes, ...]) -> None:
        if messages:
            await self._backlog.put(Parcel(self._source, datetime.now(UTC), messages))


def bound(address: str, kind: socket.SocketKind) -> socket.socket:
    """Return a socket bound to `host:port`; raises Unavailable when the address cannot be had."""
    host, port = host_and_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        made.setblocking(False)
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except (OSError, UnicodeError) as error:  # a host that is no name at all is a UnicodeError
        made.close()
        why = getattr(error, "strerror", None) or error
        raise Unavailable(
            "radar.listen", f"cannot listen on {address}: {why}; choose another port"
        ) from error
    return made
