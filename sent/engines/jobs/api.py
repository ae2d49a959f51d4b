"""The organisation's background jobs: reading, running again, stopping, starting what is scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sent.platform.bus.letters import DeadLetter, dead_letters, discard, replay
from sent.platform.context import Ctx
from sent.platform.db.uow import fetch, fetch_one, scalar, uow

__all__ = [
    "DeadLetter", "Job", "Schedule", "Step", "counts", "dead_letters", "discard", "history", "job", "jobs",
    "replay", "run_again", "schedules", "start", "stop", "workers",
]  # fmt: skip

Status = Literal["todo", "doing", "succeeded", "failed", "cancelled", "aborted"]

STATUSES: tuple[Status, ...] = ("todo", "doing", "succeeded", "failed", "cancelled", "aborted")
LIMIT = 2000

_COLUMNS = (
    "id, task, queue, status, priority, attempts, lock, deferred_at, scheduled_at, started_at, ended_at,"
    " actor, actor_name, trace, reason, stopping"
)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work; `reason` tells why its last attempt failed, `stopping` that it was asked to end."""

    id: int
    task: str
    queue: str
    status: Status
    priority: int
    attempts: int
    lock: str | None
    deferred_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    actor: UUID | None
    actor_name: str
    trace: UUID | None
    reason: str | None
    stopping: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a job."""

    at: datetime
    what: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task that the clock starts; `installation` ones are not the organisation's to start."""

    task: str
    title: str
    cron: str
    installation: bool
    next_due: datetime
    last_job: int | None
    last_status: Status | None
    last_at: datetime | None


async def jobs(
    ctx: Ctx,
    *,
    before: int | None = None,
    limit: int = 200,
    status: Sequence[Status] | None = None,
    task: str | None = None,
) -> list[Job]:
    """Return at most `limit` (2,000) jobs, newest first, older than the number `before`.

    Raises Denied without `jobs:read`.
    """
    async with uow(ctx) as tx:
        return await fetch(
            tx,
            Job,
            f"select {_COLUMNS} from core.jobs(%s, %s, %s, %s)",
            [before, min(limit, LIMIT), list(status) if status else None, task or None],
        )


async def job(ctx: Ctx, number: int) -> Job | None:
    """Return one job."""
    async with uow(ctx) as tx:
        return await fetch_one(tx, Job, f"select {_COLUMNS} from core.jobs(wanted => %s)", [number])


async def history(ctx: Ctx, number: int) -> list[Step]:
    """Return what happened to a job, newest first."""
    async with uow(ctx) as tx:
        return await fetch(tx, Step, "select at, what, reason from core.job_history(%s)", [number])


async def counts(ctx: Ctx) -> dict[Status, int]:
    """Return how many jobs stand where; each is counted to 10,000 at most."""
    async with uow(ctx) as tx:
        found = await tx.execute("select status, jobs from core.job_counts()")
        return {row[0]: int(row[1]) for row in await found.fetchall()}


async def workers(ctx: Ctx) -> int:
    """Return how many workers there are to run jobs."""
    async with uow(ctx) as tx:
        return int(await scalar(tx, "select core.job_workers()"))


async def schedules(ctx: Ctx) -> list[Schedule]:
    """Return what the clock starts."""
    async with uow(ctx) as tx:
        return await fetch(
            tx,
            Schedule,
            "select task, title, cron, installation, next_due, last_job, last_status, last_at"
            " from core.job_schedules()",
        )


async def run_again(ctx: Ctx, numbers: Sequence[int]) -> None:
    """Put jobs that failed or were stopped back into the queue, all or none.

    Raises Denied without `jobs:manage`, NotFound when one has not ended so, Conflict when its like waits.
    """
    async with uow(ctx) as tx:
        for number in numbers:
            await tx.execute("select core.replay_job(%s)", [number])


async def stop(ctx: Ctx, numbers: Sequence[int]) -> None:
    """Take waiting jobs out of the queue and ask running ones to stop; raises as `run_again`."""
    async with uow(ctx) as tx:
        for number in numbers:
            await tx.execute("select core.cancel_job(%s)", [number])


async def start(ctx: Ctx, task: str) -> int:
    """Start a scheduled task now and return its job's number; raises as `run_again`."""
    async with uow(ctx) as tx:
        return int(await scalar(tx, "select core.run_schedule(%s)", [task]))
