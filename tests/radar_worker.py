"""The radar's worker as a real process, for tests."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sent.platform.tasks import cancel, spawn

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

START_S = 90.0
"""Reading 3,000 rules takes some."""


class Worker:
    """`sent --mode=worker --service=<service>` as a process."""

    def __init__(self, server: Server, folder: Path, service: str = "radar", **environment: str) -> None:
        self._folder = folder
        self._service = service
        self._environment = {
            **os.environ,
            "SENT_DATABASE_URL": f"postgresql://sent@/{server.dbname}?host={server.host}&port={server.port}",
            "SENT_RUNTIME_DIR": str(folder),
            **environment,
        }
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sent",
            "--mode=worker",
            f"--service={self._service}",
            env=self._environment,
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(START_S):
            assert self.process.stderr is not None
            said = b""
            while b"service.ready" not in said:
                line = await self.process.stderr.readline()
                assert line, f"the worker ended: {said.decode()}"
                said += line
        self._reader = spawn(self._drain(self.process.stderr), name="stderr")

    async def metrics(self) -> dict[str, float]:
        """Return the figures its probe tells."""
        reader, writer = await asyncio.open_unix_connection(self._folder / "health" / "radar.sock")
        writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        body = answer.decode().partition("\r\n\r\n")[2]
        lines = (line.rpartition(" ") for line in body.splitlines())
        found = {}
        for name, _, value in lines:
            bare = name.partition("{")[0].removeprefix("sent_radar_").removeprefix("sent_")
            if bare and not bare.startswith("#"):
                found[bare] = float(value)
        return found

    @staticmethod
    async def _drain(stream: asyncio.StreamReader) -> None:
        while await stream.read(65536):
            pass

    async def end(self, sign: signal.Signals) -> int:
        """Send it a signal and return its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(sign)
        code = await asyncio.wait_for(self.process.wait(), 30)
        await cancel(self._reader)
        return code


@asynccontextmanager
async def running(server: Server, folder: Path) -> AsyncIterator[Worker]:
    """Use a worker, and kill it at the end."""
    worker = Worker(server, folder)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.end(signal.SIGKILL)


def free_port(kind: socket.SocketKind) -> int:
    """Return a port of loopback that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
