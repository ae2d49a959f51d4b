"""`--service=jobs`: runs the background tasks of all engines, by order and by the clock."""

from __future__ import annotations

import asyncio

from sent.platform import registry
from sent.platform.jobs.runner import GRACE_S, JobRunner, Task
from sent.platform.jobs.schedule import Schedules
from sent.platform.manifest import resolve
from sent.platform.tasks import cancel, spawn
from sent.workers.base import Worker
from sent.workers.host import Host

AGAIN_S = 0.5
"""How often the runner is told to stop; once may be lost while it connects."""


class Jobs(Worker):
    """The queue's worker; any number may run."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        tasks = registry.tasks()
        self._runner = JobRunner(host.system, host.app, {task.id: _lazy(task.target) for task in tasks})
        self._schedules = Schedules(host.system, tasks)
        self._clock: asyncio.Task[None] | None = None
        self._work: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Claim nothing yet: work begins with `run`."""

    async def run(self) -> None:
        """Run jobs and the clock."""
        self._clock = spawn(self._schedules.run(), name="jobs clock")
        self._work = spawn(self._runner.run(), name="jobs runner")
        await self._work

    async def drain(self) -> None:
        """Claim no more, let what runs finish; what does not in time goes back into the queue."""
        await cancel(self._clock)
        work, left = self._work, GRACE_S + 5
        if work is not None:
            work.cancel()
        while work is not None and not work.done() and left > 0:
            await asyncio.wait([work], timeout=AGAIN_S)
            left -= AGAIN_S
            self._runner.stop()
        await cancel(work)

    async def stop(self) -> None:
        """End what drain left."""
        await self.drain()

    def metrics(self) -> dict[str, float]:
        """Return how many jobs ended well, failed an attempt, were taken from dead workers or started."""
        return {
            "jobs_finished_total": float(self._runner.finished),
            "jobs_failed_total": float(self._runner.failed),
            "jobs_rescued_total": float(self._runner.rescued),
            "jobs_scheduled_total": float(self._schedules.started),
        }


def _lazy(target: str) -> Task:
    """Return a task that imports its module when it first runs: an idle worker stays small."""

    async def run(*arguments: object, **named: object) -> None:
        await resolve(target)(*arguments, **named)

    return run
