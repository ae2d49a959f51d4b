"""Running jobs: procrastinate's worker, with every task inside the organisation it was deferred for.

The queue is read as `sent_system`; a task gets a context on `sent_app`, so it can do no more than its
organisation may (a task of the installation gets `sent_system` itself). A task that fails is tried again
with growing waits and then stays visible as failed (`core.jobs`, `core.replay_job`). A job whose worker died
is put back when its heartbeat has been missing; one that kills every worker it gets ends as failed too.

Claims are fair between organisations (revision 0011), and none may hold all slots of a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.platform.bus.events import first_time
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import Tx, scalar, transaction, uow
from sent.platform.errors import SentError
from sent.platform.ids import OrgId, uuid7
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger

if TYPE_CHECKING:
    from procrastinate import App, JobContext
    from procrastinate.jobs import Job

Task = Callable[..., Awaitable[None]]
"""`async def task(ctx, **arguments)`; it may run again after a crash, so its effects ask `once`."""

INSTALLATION = UUID(int=0)
"""The organisation of jobs that belong to the installation."""

ATTEMPTS = 5
HEARTBEAT_S = 5.0
STALLED_S = 20.0
POLL_S = 0.5
ABORT_POLL_S = 1.0
GRACE_S = 20.0
REASON_LIMIT = 500
DIED = "its worker died or lost the database while it ran"

_job: ContextVar[int] = ContextVar("job")

_log = get_logger("jobs")


async def once(tx: Tx, step: str = "effect") -> bool:
    """Say whether the running job does `step` for the first time, and remember it if `tx` commits.

    A job runs again when its worker died before the end, or was believed dead. Raises LookupError outside
    of a job.
    """
    return await first_time(tx, f"job:{step}", UUID(int=_job.get()))


class JobRunner:
    """Runs the given tasks from the given queues until cancelled."""

    def __init__(
        self,
        system: Database,
        app: Database,
        tasks: Mapping[str, Task],
        *,
        queues: Sequence[str] | None = None,
        concurrency: int = 4,
        per_organization: int = 3,
        heartbeat: float = HEARTBEAT_S,
        stalled: float = STALLED_S,
        poll: float = POLL_S,
    ) -> None:
        """`system` claims jobs; `app` is the trusted database that tasks of organisations work on."""
        self._system = system
        self._app = app
        self._tasks = dict(tasks)
        self._queues = list(queues) if queues is not None else None
        self._concurrency = concurrency
        self._per_organization = per_organization
        self._heartbeat = heartbeat
        self._stalled = stalled
        self._poll = poll
        self.finished = 0
        self.failed = 0
        self.rescued = 0
        self._worker: Any = None

    def stop(self) -> None:
        """Claim no more; `run` ends when what is in flight has ended. May be called again and again.

        Cancelling `run` does the same, but while it connects a cancellation may get lost in `wait_for`
        (Python 3.11 forgets it when the wait ends in the same moment).
        """
        if self._worker is not None:
            self._worker.stop()

    async def run(self) -> None:
        """Work until cancelled; what is in flight gets 20 s to finish."""

        from procrastinate.worker import Worker

        queue = await self._procrastinate()
        async with queue.open_async():
            rescue = spawn(self._rescue(queue), name="jobs rescue")
            try:
                self._worker = Worker(
                    queue,
                    queues=self._queues or None,
                    concurrency=self._concurrency,
                    install_signal_handlers=False,
                    # Anybody may NOTIFY, and the library believes what it hears: it looks instead.
                    listen_notify=False,
                    abort_job_polling_interval=ABORT_POLL_S,
                    fetch_job_polling_interval=self._poll,
                    shutdown_graceful_timeout=GRACE_S,
                    update_heartbeat_interval=self._heartbeat,
                    stalled_worker_timeout=self._stalled,
                )
                await self._worker.run()
            finally:
                await cancel(rescue)

    async def _procrastinate(self) -> App:
        from procrastinate import App, PsycopgConnector, RetryStrategy

        async def parameters() -> dict[str, Any]:
            return await self._system.parameters() | {
                "application_name": "sent jobs",
                "options": f"-c search_path=jobs -c sent.jobs_per_organization={self._per_organization}",
            }

        app = App(connector=PsycopgConnector(kwargs=parameters, min_size=1, max_size=4))
        retry = RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=3)
        for name, task in self._tasks.items():
            app.task(name=name, retry=retry, pass_context=True)(self._inside(name, task))
        return app

    def _inside(self, name: str, task: Task) -> Callable[..., Awaitable[None]]:
        """Return `task` run inside the organisation that the job is stamped with."""

        async def run(context: JobContext, *, sent: dict[str, Any], **arguments: Any) -> None:
            ctx = self._context(sent)
            _job.set(int(context.job.id or 0))
            try:
                await task(ctx, **arguments)
            except Exception as error:
                self.failed += 1
                reason = _reason(error)
                await self._note(context.job, reason, last=context.job.attempts + 1 >= ATTEMPTS)
                _log.warning(
                    "jobs.failed", job=context.job.id, task=name, reason=reason, trace=str(ctx.trace)
                )
                raise
            self.finished += 1

        run.__name__ = name
        return run

    def _context(self, sent: Mapping[str, Any]) -> Ctx:
        org = OrgId(UUID(sent["organization_id"]))
        actor = UUID(sent["actor_id"]) if sent.get("actor_id") else INSTALLATION
        trace = UUID(sent["trace"]) if sent.get("trace") else uuid7()
        return Ctx(self._system if org == INSTALLATION else self._app, org, actor, trace)

    async def _note(self, job: Job, reason: str, *, last: bool) -> None:
        """Keep why an attempt failed; tell the organisation when it was the last one."""
        try:
            async with transaction(self._system) as tx:
                await tx.execute(
                    "insert into jobs.failure (job_id, attempt, reason) values (%s, %s, %s)"
                    " on conflict (job_id, attempt) do update set reason = excluded.reason, at = excluded.at",
                    [job.id, job.attempts + 1, reason],
                )
            stamp: Any = job.task_kwargs["sent"]
            ctx = self._context(stamp)
            if last and ctx.org != INSTALLATION:
                async with uow(ctx) as tx:
                    await scalar(
                        tx,
                        "select core.publish(core.uuid7(), 'jobs.job.died', %s)",
                        [Jsonb({"job": str(job.id), "task": job.task_name})],
                    )
        except SentError as error:
            _log.warning("jobs.note_lost", job=job.id, reason=error.message)

    async def _rescue(self, queue: App) -> None:
        """Put back the jobs of workers whose heartbeat stopped; end those that killed too many."""
        from procrastinate.jobs import Status

        while True:
            with contextlib.suppress(SentError):
                await self._count_stalled(queue, Status.FAILED)
            await asyncio.sleep(self._heartbeat)

    async def _count_stalled(self, queue: App, failed: Any) -> None:
        from procrastinate.exceptions import ConnectorException

        try:
            for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled):
                last = job.attempts + 1 >= ATTEMPTS
                _log.warning("jobs.stalled", job=job.id, task=job.task_name, given_up=last)
                await self._note(job, DIED, last=last)
                if last:
                    await queue.job_manager.finish_job(job, failed, delete_job=False)
                else:
                    await queue.job_manager.retry_job(job)
                self.rescued += 1
        except ConnectorException as error:
            _log.warning("jobs.rescue_failed", reason=str(error))


def _reason(error: Exception) -> str:
    """Return what may be shown: texts of foreign errors can hold anything, ours are written for people."""
    words = f"{error.code}: {error.message}" if isinstance(error, SentError) else type(error).__name__
    return words[:REASON_LIMIT]
