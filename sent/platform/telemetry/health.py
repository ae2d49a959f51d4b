"""`/livez`, `/readyz` and `/metrics` of a process, on a unix socket or on loopback.

Three GET paths for probes on the same machine: HTTP/1.0 on asyncio streams, a request of at most 4 KiB
within 2 s. Anything more is the gateway's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sent.platform.lock import FileLock

REQUEST_LIMIT = 4096
REQUEST_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """A process's state at one moment."""

    service: str
    alive: bool
    reasons: tuple[str, ...]
    """Why it is not ready; empty means ready."""
    metrics: Mapping[str, float]


class HealthServer:
    """Answers probes with what `probe` says."""

    def __init__(self, probe: Callable[[], Health]) -> None:
        self._probe = probe
        self._server: asyncio.Server | None = None
        self._lock: FileLock | None = None
        self._extra: Path | None = None

    async def start(self, *, socket: Path | None = None, port: int | None = None) -> None:
        """Listen on the unix socket `socket`, else on loopback at `port`.

        The name belongs to the process that holds its lock; a second process of the same service, or an
        owner that comes too late, listens beside it on a name with its pid and takes nothing away.
        """
        if socket is not None:
            lock = FileLock(socket.with_suffix(".lock"))
            if lock.acquire():
                self._lock = lock
            else:
                socket = self._extra = socket.with_suffix(f".{os.getpid()}.sock")
            socket.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._answer, socket, limit=REQUEST_LIMIT)
            socket.chmod(0o600)
        else:
            self._server = await asyncio.start_server(
                self._answer, "127.0.0.1", port or 0, limit=REQUEST_LIMIT
            )

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        if self._lock is not None:
            self._lock.release()
        if self._extra is not None:
            self._extra.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                line = await reader.readline()
                while await reader.readline() not in {b"\r\n", b"\n", b""}:
                    pass
                status, kind, body = self._page(line)
                head = f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()

    def _page(self, request: bytes) -> tuple[str, str, bytes]:
        words = request.split()
        path = words[1] if len(words) >= 2 and words[0] == b"GET" else b""
        health = self._probe()
        if path == b"/livez":
            return ("200 OK" if health.alive else "503 Not Alive"), "text/plain", b"alive\n"
        ready = health.alive and not health.reasons
        if path == b"/readyz":
            body = json.dumps({"ready": ready, "reasons": list(health.reasons)}).encode()
            return ("200 OK" if ready else "503 Not Ready"), "application/json", body + b"\n"
        if path == b"/metrics":
            from sent.platform.telemetry.metrics import render

            body = render(health.service, {"ready": float(ready), **health.metrics})
            return "200 OK", "text/plain; version=0.0.4", body
        return "404 Not Found", "text/plain", b"ask for /livez, /readyz or /metrics\n"
