"""Syslog listeners: UDP (RFC 5426) that counts what it must drop, TCP (RFC 6587) that makes senders wait."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sent.engines.radar.address import host_and_port
from sent.engines.radar.backlog import Backlog, Parcel
from sent.engines.radar.framing import Framer
from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.syslog import MAX_MESSAGE
from sent.platform.errors import Unavailable
from sent.platform.tasks import cancel, spawn

RECEIVE_BUFFER = 8_388_608
DRAINED_AT_ONCE = 512
MAX_CONNECTIONS = 1000
MAX_PER_PEER = 250
"""Connections of one address: a single sender must not keep the others out."""

READ_SIZE = 65_536
IDLE_S = 3600.0
STOP_S = 15.0


class UdpListener:
    """Drains datagrams whenever the socket is readable."""

    def __init__(self, source: Source, backlog: Backlog) -> None:
        self._source = source
        self._backlog = backlog
        self._socket: socket.socket | None = None
        self._dropped = 0
        self._kernel_before = 0

    async def start(self) -> int:
        """Bind and listen; returns the port. Raises Unavailable when the address cannot be had."""
        self._socket = _bound(self._source.address, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._kernel_before = self._kernel_drops()
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain)
        return int(self._socket.getsockname()[1])

    async def stop(self) -> None:
        """Take what waits in the socket and close it."""
        if self._socket is not None:
            self._drain()
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._dropped = self.dropped
            self._socket.close()
            self._socket = None

    @property
    def dropped(self) -> int:
        """Datagrams lost because the backlog or the kernel's buffer was full."""
        return self._dropped + (self._kernel_drops() - self._kernel_before if self._socket else 0)

    def _drain(self) -> None:
        if self._socket is None:
            return
        received: list[bytes] = []
        for _ in range(DRAINED_AT_ONCE):
            try:
                data = self._socket.recv(MAX_MESSAGE)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue
            if data:
                received.append(data)
        if received and not self._backlog.try_put(Parcel(self._source, datetime.now(UTC), tuple(received))):
            self._dropped += len(received)

    def _kernel_drops(self) -> int:
        """Return what the kernel dropped for this socket (Linux: the last column of /proc/net/udp)."""
        if self._socket is None:
            return 0
        table = "udp6" if self._socket.family == socket.AF_INET6 else "udp"
        try:
            inode = str(os.fstat(self._socket.fileno()).st_ino)
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                columns = line.split()
                if columns[9] == inode:
                    return int(columns[12])
        except (OSError, IndexError, ValueError):
            return 0
        return 0


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
        bound = _bound(self._source.address, socket.SOCK_STREAM)
        self._server = await asyncio.start_server(self._accepted, sock=bound, limit=READ_SIZE)
        return int(bound.getsockname()[1])

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


def _bound(address: str, kind: socket.SocketKind) -> socket.socket:
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
