"""The clock that starts scheduled tasks.

Every jobs worker runs one; the database lets the first of them start each run (`core.tick`). A run that was
missed while nobody worked is made up for once, however many were missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sent.platform import manifest
from sent.platform.clock import SYSTEM_CLOCK, Clock
from sent.platform.db.engine import Database
from sent.platform.db.uow import scalar, transaction
from sent.platform.errors import Invalid, SentError
from sent.platform.telemetry.log import get_logger

LOOK_S = 15.0

_log = get_logger("jobs")


class Schedules:
    """Registers tasks with a `cron` and starts them when they are due; runs as `sent_system`."""

    def __init__(
        self, system: Database, tasks: Sequence[manifest.Task], *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._system = system
        self._tasks = [task for task in tasks if task.cron is not None]
        self._clock = clock
        self.started = 0

    async def run(self) -> None:
        """Register, then start what is due until cancelled."""
        registered = False
        while True:
            try:
                if not registered:
                    await self.register()
                    registered = True
                await self.tick()
            except SentError as error:
                _log.warning("jobs.clock_failed", reason=error.message)
            await asyncio.sleep(LOOK_S)

    async def register(self) -> None:
        """Write the schedules down; what an engine no longer has goes."""
        now = self._clock.now()
        async with transaction(self._system) as tx:
            for task in self._tasks:
                cron = str(task.cron)
                await tx.execute(
                    "insert into jobs.schedule (task, title, cron, queue, installation, last_due, next_due)"
                    " values (%s, %s, %s, %s, %s, %s, %s) on conflict (task) do update set"
                    " title = excluded.title, cron = excluded.cron, queue = excluded.queue,"
                    " installation = excluded.installation, next_due = excluded.next_due, seen_at = now()",
                    [
                        task.id,
                        task.title,
                        cron,
                        task.queue,
                        task.scope == "installation",
                        now,
                        after(cron, now),
                    ],
                )

    async def tick(self) -> int:
        """Start what has become due since the last look; return how many jobs that made."""
        made = 0
        now = self._clock.now()
        for task in self._tasks:
            cron = str(task.cron)
            async with transaction(self._system) as tx:
                jobs = await scalar(
                    tx, "select core.tick(%s, %s, %s)", [task.id, latest(cron, now), after(cron, now)]
                )
            if jobs is not None:
                _log.info("jobs.scheduled", task=task.id, jobs=jobs)
                made += int(jobs)
        if self._tasks:
            async with transaction(self._system) as tx:
                await tx.execute(
                    "update jobs.schedule set seen_at = now() where task = any (%s)"
                    " and seen_at < now() - interval '1 hour'",
                    [[task.id for task in self._tasks]],
                )
        self.started += made
        return made


def latest(cron: str, now: datetime) -> datetime:
    """Return the last moment at or before `now` that `cron` names (UTC); Invalid for a wrong expression."""
    found: datetime = _times(cron, now + timedelta(microseconds=1)).get_prev(datetime)
    return found


def after(cron: str, now: datetime) -> datetime:
    """Return the first moment after `now` that `cron` names (UTC); Invalid for a wrong expression."""
    found: datetime = _times(cron, now).get_next(datetime)
    return found


def _times(cron: str, start: datetime) -> Any:
    from croniter import CroniterError, croniter

    try:
        return croniter(cron, start.astimezone(UTC))
    except (CroniterError, ValueError) as error:
        raise Invalid("job.cron", f"{cron!r} is no cron expression: {error}") from error
