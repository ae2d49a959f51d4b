"""Syslog over UDP (RFC 5426): what must be dropped is counted.

A thread of its own empties the socket, because the kernel's buffer holds a fraction of a second and the
loop may be busy with a batch for that long. It rests between two looks, so that each finds many datagrams.
What the kernel dropped is in `/proc/net/udp`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from sent.engines.radar.decoding.syslog import MAX_MESSAGE
from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.listen import bound
from sent.engines.radar.store.catalogue import Source

RECEIVE_BUFFER = 16_777_216
_SO_RCVBUFFORCE = 33
"""Linux: larger than `net.core.rmem_max`, for a process that may."""

AT_ONCE = 512
"""Datagrams of one look."""

REST_S = 0.002
MAX_HANDED = 50_000
"""Datagrams between the thread and the loop; more are dropped and counted."""

STOP_S = 5.0


class UdpListener:
    """Receives datagrams for one source."""

    def __init__(self, source: Source, backlog: Backlog) -> None:
        self._source = source
        self._backlog = backlog
        self._socket: socket.socket | None = None
        self._wake: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handed = 0
        self._overrun = 0
        self._taken = 0
        self._refused = 0
        self._kernel_before = 0
        self._kernel_after = 0

    async def start(self) -> int:
        """Bind and receive; returns the port. Raises Unavailable when the address cannot be had."""
        made = self._socket = bound(self._source.address, socket.SOCK_DGRAM)
        _enlarge(made)
        self._kernel_before = _kernel_drops(made)
        self._loop = asyncio.get_running_loop()
        self._wake, woken = socket.socketpair()
        self._thread = threading.Thread(
            target=self._receive, args=(made, woken), name="radar.udp", daemon=True
        )
        self._thread.start()
        return int(made.getsockname()[1])

    async def stop(self) -> None:
        """Take what waits in the socket and close it."""
        if self._socket is None or self._thread is None or self._wake is None:
            return
        self._wake.close()
        await asyncio.to_thread(self._thread.join, STOP_S)
        self._kernel_after = _kernel_drops(self._socket) - self._kernel_before
        self._socket.close()
        self._socket = self._thread = self._wake = None

    @property
    def dropped(self) -> int:
        """Datagrams lost because the backlog or the kernel's buffer was full."""
        kernel = self._kernel_after
        if self._socket is not None:
            kernel = _kernel_drops(self._socket) - self._kernel_before
        return self._refused + self._overrun + kernel

    def _receive(self, receiving: socket.socket, woken: socket.socket) -> None:
        """Hand over what comes until `woken` is closed on the other side, then what still waits."""
        with selectors.DefaultSelector() as selector, woken:
            selector.register(receiving, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while not any(key.fileobj is woken for key, _ in selector.select()):
                if len(self._pass_on(receiving)) < AT_ONCE:
                    time.sleep(REST_S)
            while self._pass_on(receiving):
                pass

    def _pass_on(self, receiving: socket.socket) -> list[bytes]:
        found = _received(receiving)
        payloads = tuple(filter(None, found))
        if not payloads:
            return found
        if self._handed - self._taken > MAX_HANDED:
            self._overrun += len(payloads)
        elif self._loop is not None:
            self._handed += len(payloads)
            parcel = Parcel(self._source, datetime.now(UTC), payloads)
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                self._loop.call_soon_threadsafe(self._arrived, parcel)
        return found

    def _arrived(self, parcel: Parcel) -> None:
        self._taken += len(parcel.payloads)
        if not self._backlog.try_put(parcel):
            self._refused += len(parcel.payloads)


def _received(receiving: socket.socket) -> list[bytes]:
    """Return up to `AT_ONCE` datagrams that wait."""
    found: list[bytes] = []
    for _ in range(AT_ONCE):
        try:
            found.append(receiving.recv(MAX_MESSAGE))
        except (BlockingIOError, InterruptedError):
            break
        except OSError:  # an answer to what somebody else sent from this port
            continue
    return found


def _enlarge(receiving: socket.socket) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            receiving.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
            return
    with contextlib.suppress(OSError):
        receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def _kernel_drops(receiving: socket.socket) -> int:
    """Return what the kernel dropped for this socket (Linux: the last column of /proc/net/udp)."""
    table = "udp6" if receiving.family == socket.AF_INET6 else "udp"
    try:
        inode = str(os.fstat(receiving.fileno()).st_ino)
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[9] == inode:
                return int(columns[12])
    except (OSError, IndexError, ValueError):
        return 0
    return 0
