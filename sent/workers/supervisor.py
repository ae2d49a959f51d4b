"""`--service=supervisor`: several services on one machine, each in its own process.

    sent --mode=worker --service=supervisor --services=db,radar

A child that ends is started again after a back-off that grows to 30 s and falls back once the child has
stayed up for a minute. Stopping is in reverse order, so the database goes last. A child notices a lost
supervisor by its parent's pid and drains by itself. Children say READY=1 to the supervisor, not to the
service manager above it; an update has proved itself once all of them have.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sent.platform import registry
from sent.platform.config import paths
from sent.platform.db.embedded import endpoint
from sent.platform.errors import Invalid
from sent.platform.telemetry.log import get_logger
from sent.workers.base import Worker
from sent.workers.host import Host

FIRST_BACKOFF_S = 0.5
LAST_BACKOFF_S = 30.0
STEADY_S = 60.0

_log = get_logger("supervisor")


class Supervisor(Worker):
    """Keeps the services of `--services` running."""

    needs_database = False

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._restarts = 0
        self._steady: set[str] = set()
        """Children that said that they are ready."""
        self._all_steady = asyncio.Event()
        self._ears: dict[Path, asyncio.DatagramTransport] = {}

    async def start(self) -> None:
        """Check the names; raises Invalid when one is unknown or none is given."""
        services = self.host.options.services
        if not services:
            raise Invalid("supervisor.empty", "name the services: --services=db,radar")
        for name in services:
            registry.service(name)

    async def run(self) -> None:
        """Start every service and start again what ends."""
        services = self.host.options.services
        async with asyncio.TaskGroup() as group:
            for name in services:
                group.create_task(self._keep(name))
                if name == "db":
                    await self._wait_for_database()

    async def proven(self) -> None:
        """Return once every child has been ready."""
        await self._all_steady.wait()

    async def drain(self) -> None:
        """Stop the children, the last one first, each within the grace."""
        for name in reversed(self.host.options.services):
            child = self._children.pop(name, None)
            if child is None or child.returncode is not None:
                continue
            child.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(child.wait(), self.host.settings.grace_s)
            except TimeoutError:
                _log.warning("supervisor.killed", service=name)
                child.kill()

    async def stop(self) -> None:
        """Listen to nobody any more."""
        for place, transport in self._ears.items():
            transport.close()
            place.unlink(missing_ok=True)

    def metrics(self) -> dict[str, float]:
        """Return running children and restarts."""
        running = sum(child.returncode is None for child in self._children.values())
        return {"children": float(running), "restarts_total": float(self._restarts)}

    def ready(self) -> list[str]:
        """Return which children are down, or not ready yet."""
        down = [
            name
            for name in self.host.options.services
            if name not in self._children or self._children[name].returncode is not None
        ]
        waiting = [name for name in self.host.options.services if name not in {*down, *self._steady}]
        return [*(f"{name} is down" for name in down), *(f"{name} is starting" for name in waiting)]

    async def _keep(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        backoff = FIRST_BACKOFF_S
        address = await self._listen(name)
        while not self.host.stopping.is_set():
            began = loop.time()
            child = await asyncio.create_subprocess_exec(
                *endpoint.program(), "--mode=worker", f"--service={name}", env=_environment(address)
            )
            self._children[name] = child
            code = await child.wait()
            self._steady.discard(name)
            if self.host.stopping.is_set():
                return
            if loop.time() - began > STEADY_S:
                backoff = FIRST_BACKOFF_S
            self._restarts += 1
            _log.warning("supervisor.restart", service=name, exit_code=code, again_in_s=backoff)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LAST_BACKOFF_S)

    async def _listen(self, name: str) -> str:
        """Return where a child says that it is ready."""
        if sys.platform == "win32":
            self._said_ready(name)
            return ""
        folder = paths.runtime_dir() / "children"
        folder.mkdir(mode=0o700, exist_ok=True)
        place = folder / f"{name}.{os.getpid()}"
        place.unlink(missing_ok=True)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Said(lambda: self._said_ready(name)), local_addr=str(place), family=socket.AF_UNIX
        )
        self._ears[place] = transport
        return str(place)

    def _said_ready(self, name: str) -> None:
        self._steady.add(name)
        if self._steady >= set(self.host.options.services):
            self._all_steady.set()

    async def _wait_for_database(self) -> None:
        """Give the database's owner time to announce itself before its users start."""
        for _ in range(600):
            if self.host.stopping.is_set() or await endpoint.owner_answers():
                return
            await asyncio.sleep(0.1)


class _Said(asyncio.DatagramProtocol):
    """Hears READY=1 of a child (sd_notify(3))."""

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if b"READY=1" in data.split(b"\n"):
            self._ready()


def _environment(address: str) -> Mapping[str, str]:
    return {**os.environ, "SENT_SUPERVISOR_PID": str(os.getpid()), "NOTIFY_SOCKET": address}
