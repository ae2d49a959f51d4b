"""The page's lists: what stands in them, and the words for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sent.platform.i18n import tr
from sent.ui.kit.table import Column
from sent.ui.kit.text import absolute, clock, count, relative

if TYPE_CHECKING:
    from sent.engines.jobs.api import DeadLetter, Job, Schedule


def job_columns() -> list[Column]:
    """Return the columns of the jobs."""
    return [
        Column("id", tr("Number"), lambda j: str(j.id), 90, "mono", newest_first=True),
        Column("status", tr("State"), status_name, 130, "state", field="status", widest=_widest(STATUSES)),
        Column("task", tr("Task"), lambda j: j.task, 210, "strong", field="task"),
        Column("reason", tr("Why"), _why, 300, "quiet", stretch=True, tip=_why),
        Column("attempts", tr("Attempts"), lambda j: count(j.attempts), 90, "number", drop=3),
        Column(
            "deferred_at",
            tr("Ordered"),
            lambda j: clock(j.deferred_at),
            120,
            "time",
            tip=lambda j: absolute(j.deferred_at),
        ),
        Column("took", tr("Took"), took, 90, "number", drop=1),
        Column("actor_name", tr("By"), ordered_by, 150, "quiet", drop=2),
    ]


def schedule_columns() -> list[Column]:
    """Return the columns of the schedules."""
    return [
        Column("title", tr("Task"), lambda s: tr(s.title), 300, "strong", stretch=True),
        Column("cron", tr("When (UTC)"), lambda s: s.cron, 130, "mono"),
        Column(
            "next_due",
            tr("Next run"),
            lambda s: clock(s.next_due),
            130,
            "time",
            tip=lambda s: absolute(s.next_due),
        ),
        Column(
            "last_status",
            tr("Last run"),
            last_run,
            170,
            "state",
            widest=f"{tr('Runs for the installation')}\n{_widest(STATUSES)}",
        ),
        Column(
            "last_at", tr("Last started"), lambda s: relative(s.last_at) if s.last_at else "–", 130, "time"
        ),
        Column("task", tr("Name"), lambda s: s.task, 170, "mono", drop=1),
    ]


def letter_columns() -> list[Column]:
    """Return the columns of the dead letters."""
    return [
        Column("at", tr("Since"), lambda d: clock(d.at), 120, "time", newest_first=True),
        Column("state", tr("State"), letter_state, 170, "state", widest="\n".join(letter_words().values())),
        Column("topic", tr("Event"), lambda d: d.topic, 200, "strong"),
        Column("reason", tr("Why"), lambda d: d.reason or "–", 300, "quiet", stretch=True),
        Column("consumer", tr("Who could not handle it"), lambda d: d.consumer, 180, "mono", drop=1),
        Column("behind", tr("Waiting behind"), lambda d: count(d.behind), 120, "number", drop=2),
    ]


def status_name(job: Job) -> str:
    """Return a job's state in words."""
    if job.stopping and job.status == "doing":
        return tr("Stopping")
    if job.status == "todo" and job.attempts:
        return tr("Tries again")
    return state_word(job.status)


STATUSES = ("todo", "doing", "succeeded", "failed", "cancelled", "aborted")


def _widest(statuses: Sequence[str]) -> str:
    return "\n".join((tr("Tries again"), tr("Stopping"), *map(state_word, statuses)))


def state_word(status: str) -> str:
    """Return a state of a job in words."""
    names = {
        "todo": tr("Waiting"),
        "doing": tr("Running"),
        "succeeded": tr("Done"),
        "failed": tr("Failed"),
        "cancelled": tr("Taken out"),
        "aborted": tr("Stopped"),
    }
    return names.get(status, status)


def last_run(schedule: Schedule) -> str:
    """Return how the last run of a schedule ended."""
    if schedule.installation:
        return tr("Runs for the installation")
    return state_word(schedule.last_status) if schedule.last_status else tr("Not yet")


def letter_state(letter: DeadLetter) -> str:
    """Return a dead letter's state in words."""
    return letter_words().get(letter.state, letter.state)


def letter_words() -> dict[str, str]:
    """Return the words for the states of dead letters."""
    return {
        "dead": tr("Needs a decision"),
        "behind": tr("Waits behind another"),
        "replay": tr("Is being handled again"),
    }


def ordered_by(job: Job) -> str:
    """Return who ordered a job."""
    if job.actor is None:
        return tr("The clock")
    return job.actor_name or tr("Command line")


def took(job: Job) -> str:
    """Return how long a job ran."""
    if job.started_at is None or job.ended_at is None or job.ended_at < job.started_at:
        return "–"
    seconds = (job.ended_at - job.started_at).total_seconds()
    return tr("{n} ms", n=round(seconds * 1000)) if seconds < 1 else tr("{n} s", n=round(seconds, 1))


def step_name(what: str) -> str:
    """Return what happened to a job in words."""
    names = {
        "deferred": tr("Ordered"),
        "started": tr("Started"),
        "deferred_for_retry": tr("Put back to be tried again"),
        "failed": tr("Given up"),
        "succeeded": tr("Done"),
        "cancelled": tr("Taken out of the queue"),
        "abort_requested": tr("Asked to stop"),
        "aborted": tr("Stopped"),
        "scheduled": tr("Set for later"),
        "retried": tr("Ordered again"),
        "error": tr("An attempt failed"),
    }
    return names.get(what, what)


def _why(job: Job) -> str:
    if job.reason and job.status != "succeeded":
        return job.reason
    if job.status == "failed":
        return tr("No worker knows this task, or its reason was lost")
    if job.status == "todo" and job.scheduled_at is not None:
        return tr("not before {time}", time=clock(job.scheduled_at))
    return tr("after others: {lock}", lock=job.lock) if job.status == "todo" and job.lock else "–"
