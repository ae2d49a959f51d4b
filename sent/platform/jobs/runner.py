"""Running jobs: procrastinate's worker, with every task inside the organisation it was deferred for.

The queue is read as `sent_system`; a task gets a context on `sent_app`, so it can do no more than its
organisation may. A task that fails is tried again with growing waits and then stays visible as failed
(`core.jobs`, `core.replay_job`). A job whose worker died is put back when its heartbeat has been missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sent.platform.context import Ctx
from sent.platform.db.engine import CONNECT_TIMEOUT_S, Database, PasswordSource, Server
from sent.platform.ids import OrgId, uuid7
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger

if TYPE_CHECKING:
    from procrastinate import App

Task = Callable[..., Awaitable[None]]
"""`async def task(ctx, **arguments)`; it may run again after a crash, so its effects carry a key."""

ATTEMPTS = 5
HEARTBEAT_S = 5.0
STALLED_S = 20.0
GRACE_S = 20.0

_log = get_logger("jobs")


class JobRunner:
    """Runs the given tasks from the given queues until cancelled."""

    def __init__(
        self,
        server: Server,
        password: PasswordSource,
        app: Database,
        tasks: Mapping[str, Task],
        *,
        queues: Sequence[str] | None = None,
        concurrency: int = 4,
        heartbeat: float = HEARTBEAT_S,
        stalled: float = STALLED_S,
    ) -> None:
        """`password` is that of `sent_system`; `app` is the trusted database tasks work on."""
        self._server = server
        self._password = password
        self._app = app
        self._tasks = dict(tasks)
        self._queues = list(queues) if queues is not None else None
        self._concurrency = concurrency
        self._heartbeat = heartbeat
        self._stalled = stalled
        self.finished = 0
        self.failed = 0

    async def run(self) -> None:
        """Work until cancelled; what is in flight gets 20 s to finish."""
        queue = await self._procrastinate()
        async with queue.open_async():
            rescue = spawn(self._rescue(queue), name="jobs rescue")
            try:
                await queue.run_worker_async(
                    queues=self._queues or None,  # type: ignore[arg-type]  # None: all queues
                    concurrency=self._concurrency,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=GRACE_S,
                    update_heartbeat_interval=self._heartbeat,
                    stalled_worker_timeout=self._stalled,
                )
            finally:
                await cancel(rescue)

    async def _procrastinate(self) -> App:
        from procrastinate import App, PsycopgConnector, RetryStrategy

        parameters = self._server.parameters() | {
            "user": "sent_system",
            "password": (await self._password()).reveal(),
            "application_name": "sent jobs",
            "connect_timeout": int(CONNECT_TIMEOUT_S),
            "options": "-c search_path=jobs",
        }
        app = App(connector=PsycopgConnector(kwargs=parameters, min_size=1, max_size=4))
        retry = RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=3)
        for name, task in self._tasks.items():
            app.task(name=name, retry=retry)(self._inside(name, task))
        return app

    def _inside(self, name: str, task: Task) -> Task:
        """Return `task` run inside the organisation that the job is stamped with."""

        async def run(*, sent: dict[str, Any], **arguments: Any) -> None:
            ctx = Ctx(
                self._app,
                OrgId(UUID(sent["organization_id"])),
                UUID(sent["actor_id"]) if sent.get("actor_id") else UUID(int=0),
                UUID(sent["trace"]) if sent.get("trace") else uuid7(),
            )
            try:
                await task(ctx, **arguments)
            except Exception:
                self.failed += 1
                raise
            self.finished += 1

        run.__name__ = name
        return run

    async def _rescue(self, queue: App) -> None:
        """Put back the jobs of workers whose heartbeat stopped."""
        while True:
            stalled = await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled)
            for job in stalled:
                _log.warning("jobs.stalled", job=job.id, task=job.task_name)
                await queue.job_manager.retry_job(job)
            await asyncio.sleep(self._heartbeat)
