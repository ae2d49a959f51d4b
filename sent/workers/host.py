"""Runs one service in this process: start, readiness, heartbeat, watchdog, drain, stop.

SIGTERM and SIGINT drain within the grace (25 s); a second one ends the process at once. Exit codes: 0 in
good order, 2 usage, 64-78 as in sysexits(3) for what made it impossible, 75 for try again, 70 for a defect.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from sent.platform import registry
from sent.platform.bus.source import OutboxSource, Source
from sent.platform.config import paths
from sent.platform.config.settings import Settings
from sent.platform.config.settings import load as load_settings
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.errors import SentError, Unavailable
from sent.platform.ids import OrgId, uuid7
from sent.platform.manifest import Service, resolve
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry import log
from sent.platform.telemetry.health import Health, HealthServer
from sent.platform.telemetry.instances import HEARTBEAT_S, InstanceRecord, bury
from sent.platform.update import trial
from sent.workers.base import Worker
from sent.workers.databases import Databases
from sent.workers.notify import notify, watchdog_interval
from sent.workers.renewal import Renewal

EXIT_TRY_AGAIN = 75
EXIT_DEFECT = 70
ALIVE_LAG_S = 1.0

_log = log.get_logger("host")


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of a worker."""

    service: str
    check: bool = False
    grace: float | None = None
    idle_stop: float | None = None
    """Seconds without any user after which the database's owner stops (None: never)."""
    services: tuple[str, ...] = ()
    """What the supervisor runs."""


class Host:
    """What a worker sees of its process."""

    def __init__(self, service: Service, options: Options, settings: Settings) -> None:
        self.service = service
        self.options = options
        self.settings = settings
        self.instance_id: UUID = uuid7()
        self.stopping = asyncio.Event()
        self.renewal = Renewal.of_this_process()
        self.renewing = False
        """Whether the process goes on with another version after its end."""
        self.databases = Databases(service.id)
        self.kind: type[Worker] = resolve(service.target)
        self._worker: Worker | None = None
        self._state = "starting"
        self._lag = 0.0
        self._record: InstanceRecord | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @cached_property
    def app(self) -> Database:
        """Return the database as `sent_app`: the organisation is set for each transaction."""
        return self.databases.role("sent_app")

    @cached_property
    def system(self) -> Database:
        """Return the database as `sent_system`: claims work of all organisations."""
        return self.databases.role("sent_system")

    @cached_property
    def ingest(self) -> Database:
        """Return the database as `sent_ingest`: writes time series."""
        return self.databases.role("sent_ingest")

    def ctx(self, org: OrgId) -> Ctx:
        """Return the context of `org` with this instance as the actor."""
        return Ctx(db=self.app, org=org, actor=self.instance_id)

    def bus_source(self) -> Source:
        """Return where this process's consumers get their events: the message server, else the outbox."""
        if self.settings.nats_url is None:
            return OutboxSource(self.system)
        from sent.platform.bus.nats import StreamSource

        return StreamSource(self.system, self.settings.nats_url, credentials=self.settings.nats_credentials)

    async def run(self) -> int:
        """Run the service until it is told to stop and return the exit code."""
        self._take_signals()
        health = HealthServer(self.health)
        try:
            await self._serve_health(health)
            if self.kind.needs_database:
                await self.databases.reachable()
                await self.databases.fitting()
                await bury(self.system)
            worker = self._worker = self.kind(self)
            await worker.start()
            self._tasks = [
                spawn(self._watch_loop(), name="watchdog"),
                spawn(self._beat(), name="heartbeat"),
            ]
            self._state = "ready"
            notify("READY=1")
            self._tasks.append(spawn(self._prove(worker), name="prove"))
            _log.info("service.ready", service=self.service.id, instance=str(self.instance_id))
            return await self._until_stopped(worker)
        except SentError as error:
            _log.error("service.failed", code=error.code, reason=error.message)
            return EXIT_TRY_AGAIN if isinstance(error, Unavailable) else error.exit_code
        finally:
            await self._close(health)

    def health(self) -> Health:
        """Return what probes are told."""
        worker = self._worker
        reasons = worker.ready() if worker is not None and self._state == "ready" else [self._state]
        return Health(
            service=self.service.id,
            alive=self._lag < ALIVE_LAG_S,
            reasons=tuple(reasons),
            metrics={**(worker.metrics() if worker is not None else {}), "loop_lag_ms": self._lag * 1000},
        )

    async def _until_stopped(self, worker: Worker) -> int:
        work = spawn(worker.run(), name=f"{self.service.id}.run")
        told = spawn(_wait(self.stopping), name="stopping")
        await asyncio.wait([work, told], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not self.stopping.is_set():
            failed = not work.cancelled() and work.exception() is not None
            _log.error("service.ended_early", service=self.service.id)
            return EXIT_DEFECT if failed else 0
        self._state = "draining"
        notify("STOPPING=1")
        try:
            await asyncio.wait_for(worker.drain(), self.settings.grace_s)
        except TimeoutError:
            _log.warning("service.drain_timeout", grace=self.settings.grace_s)
        await cancel(work)
        return 0

    async def _close(self, health: HealthServer) -> None:
        await cancel(*self._tasks)
        await health.stop()
        if self._record is not None:
            with contextlib.suppress(SentError, TimeoutError):
                await asyncio.wait_for(self._record.finish(), 2)
        if self._worker is not None:
            await self._worker.stop()
        await self.databases.close()

    async def _serve_health(self, health: HealthServer) -> None:
        if self.settings.health_port is not None:
            await health.start(port=self.settings.health_port)
            return
        folder = paths.runtime_dir() / "health"
        folder.mkdir(mode=0o700, exist_ok=True)
        await health.start(socket=folder / f"{self.service.id}.sock")

    async def _prove(self, worker: Worker) -> None:
        """End the trial of this version; a supervisor speaks for its children."""
        await worker.proven()
        if "SENT_SUPERVISOR_PID" not in os.environ:
            trial.proved()

    async def _beat(self) -> None:
        """Report to the fleet; a service that needs no database goes on without."""
        reached = True
        while True:
            health = self.health()
            try:
                if self._record is None:
                    self._record = InstanceRecord(self.system, self.instance_id, self.service.id)
                await self._record.beat(self._state, dict(health.metrics), list(health.reasons))
                reached = True
            except SentError as error:
                if reached:
                    _log.warning("heartbeat.failed", reason=error.message)
                reached = False
            await asyncio.sleep(HEARTBEAT_S)

    async def _watch_loop(self) -> None:
        """Measure how late the loop runs, keep the manager's watchdog quiet.

        Also notice a lost supervisor, and a version that was installed beneath us.
        """
        interval = min(watchdog_interval() or 1.0, 1.0)
        supervisor = os.environ.get("SENT_SUPERVISOR_PID")
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + interval
            await asyncio.sleep(interval)
            self._lag = max(0.0, loop.time() - due)
            if self._lag < ALIVE_LAG_S:
                notify("WATCHDOG=1")
            version = self.renewal.due()
            if version is not None and not self.stopping.is_set():
                _log.info("service.renewing", service=self.service.id, version=version)
                self.renewing = True
                self.stopping.set()
            if supervisor and os.getppid() != int(supervisor):
                _log.warning("supervisor.lost", service=self.service.id)
                self.stopping.set()

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            # Windows has no signal handlers on the loop; its service wrapper sets the event.
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(name, self._told_to_stop)

    def _told_to_stop(self) -> None:
        if self.stopping.is_set():
            os._exit(EXIT_TRY_AGAIN)
        _log.info("service.stopping", service=self.service.id)
        self.stopping.set()


def main(arguments: Sequence[str]) -> int:
    """Run `--service=X` from the command line; see the module for the exit codes."""
    options = _options(arguments)
    try:
        service = registry.service(options.service)
        settings = load_settings(grace_s=options.grace)
    except SentError as error:
        print(f"sent: {error.message}", file=sys.stderr)
        return 2
    log.configure(service.id, level=settings.log_level)
    host = Host(service, options, settings)
    if options.check:
        return asyncio.run(_check(host))
    code = asyncio.run(host.run())
    if host.renewing and code == 0:
        host.renewal.start_again(["--mode=worker", *arguments])
    return code


async def _check(host: Host) -> int:
    """Load the service, say what that loaded and whether it could start, and exit."""
    reasons: list[str] = []
    if host.kind.needs_database:
        try:
            await host.databases.reachable()
            await host.databases.fitting(0)
        except SentError as error:
            reasons.append(error.message)
    await host.databases.close()
    loaded = sorted({name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names))
    print(
        json.dumps({"service": host.service.id, "loaded": loaded, "ready": not reasons, "reasons": reasons}),
        flush=True,
    )
    return 0


def command_line() -> argparse.ArgumentParser:
    """Return what a worker's arguments are read with; the manual is made of it."""
    parser = argparse.ArgumentParser(prog="sent --mode=worker", allow_abbrev=False)
    parser.add_argument("--service", required=True, help=", ".join(sorted(registry.services())))
    parser.add_argument("--check", action="store_true", help="load it, say what was loaded, exit")
    parser.add_argument("--grace", type=float, default=None, help="seconds to finish work after SIGTERM")
    parser.add_argument("--idle-stop", type=float, default=None, help="db: stop after seconds without users")
    parser.add_argument("--services", default="", help="supervisor: comma-separated services to run")
    return parser


def _options(arguments: Sequence[str]) -> Options:
    found = command_line().parse_args(arguments)
    return Options(
        service=found.service,
        check=found.check,
        grace=found.grace,
        idle_stop=found.idle_stop,
        services=tuple(filter(None, found.services.split(","))),
    )


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
