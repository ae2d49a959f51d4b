"""Syslog over TCP (RFC 6587) and TLS (RFC 5425): senders are made to wait, and nothing read is dropped."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from datetime import UTC, datetime

from sent.engines.radar.receiving.address import host_and_port
from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.framing import Framer
from sent.engines.radar.receiving.tls import HANDSHAKE_S, Identity, checked
from sent.engines.radar.store.catalogue import Source
from sent.platform.errors import Unavailable
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger
from sent.platform.telemetry.seldom import Seldom

MAX_CONNECTIONS = 1000
"""Of one source; all of a worker have what its file descriptors allow (see `descriptors`)."""

MAX_PER_PEER = 250
"""Connections of one address: a single sender must not keep the others out."""

READ_SIZE = 65_536
IDLE_S = 3600.0
STOP_S = 15.0

REFUSED = Seldom(get_logger("radar"), "radar.connection_refused")


class StreamListener:
    """Accepts connections, a bounded number of each address, over TLS where the source says so."""

    def __init__(self, source: Source, backlog: Backlog) -> None:
        self._source = source
        self._backlog = backlog
        self._server: asyncio.Server | None = None
        self._identity: Identity | None = None
        self._connections: dict[asyncio.Task[None], tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self._of_peer: Counter[str] = Counter()
        self.dropped = 0
        """Connections that were refused, and messages that were cut."""

    async def start(self) -> int:
        """Bind and listen; returns the port. Raises Unavailable: address or TLS identity cannot be had."""
        if self._source.tls is not None:
            self._identity = Identity(checked(self._source.tls))
        listening = bound(self._source.address, socket.SOCK_STREAM)
        self._server = await asyncio.start_server(self._accepted, sock=listening, limit=READ_SIZE)
        return int(listening.getsockname()[1])

    def refresh(self) -> None:
        """Take up renewed certificates; raises SentError when they cannot be: the former ones serve on."""
        if self._identity is not None:
            self._identity.refresh()

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

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one connection to its end; the caller closes it."""
        raise NotImplementedError

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        backlog = self._backlog
        if (
            len(self._connections) >= MAX_CONNECTIONS
            or self._of_peer[peer] >= MAX_PER_PEER
            or backlog.connections >= backlog.max_connections
        ):
            self.dropped += 1
            writer.close()
            return
        if self._identity is not None:
            # Nothing of the handshake may be taken for plain text before TLS stands between.
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        task = spawn(self._connected(reader, writer), name=f"radar.{self._source.kind}")
        self._connections[task] = (reader, writer)
        backlog.connections += 1
        self._of_peer[peer] += 1
        task.add_done_callback(lambda done: self._left(done, peer))

    def _left(self, task: asyncio.Task[None], peer: str) -> None:
        self._connections.pop(task, None)
        self._backlog.connections -= 1
        self._of_peer[peer] -= 1
        if not self._of_peer[peer]:
            del self._of_peer[peer]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._identity is None or await self._secured(self._identity, writer):
                await self.serve(reader, writer)
            else:
                self.dropped += 1
        finally:
            writer.close()

    async def _secured(self, identity: Identity, writer: asyncio.StreamWriter) -> bool:
        try:
            await asyncio.wait_for(writer.start_tls(identity.context), HANDSHAKE_S)
        except (TimeoutError, OSError) as error:  # ssl.SSLError is one
            REFUSED.error(source=self._source.name, reason=str(getattr(error, "reason", "") or error)[:200])
            return False
        peer = writer.get_extra_info("ssl_object")
        if peer is None or not identity.admits(peer):
            REFUSED.error(source=self._source.name, reason="the client's certificate is not allowed")
            return False
        return True


class TcpListener(StreamListener):
    """Reads syslog frames; a full backlog stops the reading, so senders wait."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Queue the messages of one connection."""
        framer = Framer()
        try:
            while data := await asyncio.wait_for(reader.read(READ_SIZE), IDLE_S):
                await self._put(tuple(framer.feed(data)))
            await self._put(tuple(framer.finish()))
        except (TimeoutError, OSError):
            await self._put(tuple(framer.finish()))
        finally:
            self.dropped += framer.cut

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
