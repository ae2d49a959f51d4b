"""The Jobs page: true states, nothing offered that cannot be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel
from ui.conftest import Desk

from sent.engines.jobs import api
from sent.platform.ids import uuid7
from sent.ui.pages.jobs import JobsPage
from sent.ui.pages.jobs.lists import last_run, letter_state, ordered_by, status_name, took

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
JOB = api.Job(
    7, "capital.statement", "default", "failed", 0, 5, None, NOW, None, NOW, NOW + timedelta(seconds=3),
    uuid7(), "Anna Berg", uuid7(), "capital.closed: the period is closed", False,
)  # fmt: skip
WAITING = replace(JOB, id=8, status="todo", attempts=0, reason=None, ended_at=None, started_at=None)
LETTER = api.DeadLetter(
    uuid7(), "notifications.alerts", 17, uuid7(), "radar.alert.raised", "a", {"alert_id": "x"}, NOW, "dead",
    5, "notify.smtp: refused", NOW, 2,
)  # fmt: skip
NIGHTLY = api.Schedule("audit.verify", "Verify the trail", "41 3 * * *", False, NOW, 3, "succeeded", NOW)


class FakeJobs:
    """The engine's api, and what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.found = [WAITING, JOB]
        self.running = 1

    async def jobs(self, _ctx: Any, **wanted: Any) -> list[api.Job]:
        self.asked.append(wanted.get("status"))
        return [] if wanted.get("before") else self.found

    async def dead_letters(self, _ctx: Any, **wanted: Any) -> list[api.DeadLetter]:
        return [] if wanted.get("before") else [LETTER, replace(LETTER, id=uuid7(), state="behind")]

    async def schedules(self, _ctx: Any) -> list[api.Schedule]:
        return [NIGHTLY, replace(NIGHTLY, task="jobs.prune", installation=True)]

    async def history(self, _ctx: Any, _number: int) -> list[api.Step]:
        return [
            api.Step(NOW, "error", "capital.closed: the period is closed"),
            api.Step(NOW, "started", None),
        ]

    async def workers(self, _ctx: Any) -> int:
        return self.running

    async def counts(self, _ctx: Any) -> dict[str, int]:
        return {"failed": 4}

    async def run_again(self, _ctx: Any, numbers: list[int]) -> None:
        self.asked.append(("run_again", numbers))

    async def stop(self, _ctx: Any, numbers: list[int]) -> None:
        self.asked.append(("stop", numbers))

    async def replay(self, _ctx: Any, ids: list[Any]) -> None:
        self.asked.append(("replay", len(ids)))

    async def discard(self, _ctx: Any, ids: list[Any]) -> None:
        self.asked.append(("discard", len(ids)))

    async def start(self, _ctx: Any, task: str) -> int:
        self.asked.append(("start", task))
        return 9


@pytest.fixture
def jobs(desk: Desk) -> FakeJobs:
    """Return the api of a console that shows the page."""
    found = FakeJobs()
    desk.backend.permissions |= {"jobs:read", "jobs:manage"}
    desk.console.bridge.apis["jobs"] = found
    desk.sign_in("jobs")
    desk.until(lambda: "jobs" in desk.window.pages and page(desk).tables["jobs"].model_.known() == 2)
    desk.settle()
    return found


def page(desk: Desk) -> JobsPage:
    """Return the page."""
    found = desk.window.pages["jobs"]
    assert isinstance(found, JobsPage)
    return found


def choose(desk: Desk, view: str, number: int) -> None:
    """Make a row the current one."""
    page(desk).show_view(view)
    table = page(desk).tables[view]
    desk.until(lambda: table.model_.known() == 2)
    desk.settle()
    table.go(number)


def test_a_failed_job_can_run_again_and_a_waiting_one_can_be_stopped(desk: Desk, jobs: FakeJobs) -> None:
    choose(desk, "jobs", 1)
    assert (page(desk).again.isEnabled(), page(desk).end.isEnabled()) == (True, False)
    page(desk).run_again()
    desk.until(lambda: ("run_again", [7]) in jobs.asked)
    choose(desk, "jobs", 0)
    assert (page(desk).again.isEnabled(), page(desk).end.isEnabled()) == (False, True)
    page(desk).stop()
    desk.until(lambda: ("stop", [8]) in jobs.asked)


def test_only_a_dead_letter_is_decided_on(desk: Desk, jobs: FakeJobs) -> None:
    choose(desk, "letters", 1)
    assert not page(desk).again.isEnabled() and not page(desk).end.isEnabled()
    choose(desk, "letters", 0)
    page(desk).run_again()
    page(desk).stop()
    desk.until(lambda: ("replay", 1) in jobs.asked and ("discard", 1) in jobs.asked)


def test_schedules_of_the_installation_are_not_the_organisations_to_start(desk: Desk, jobs: FakeJobs) -> None:
    choose(desk, "schedules", 1)
    assert not page(desk).again.isEnabled()
    choose(desk, "schedules", 0)
    page(desk).run_again()
    desk.until(lambda: ("start", "audit.verify") in jobs.asked)


def test_the_detail_shows_what_happened_to_a_job(desk: Desk, jobs: FakeJobs) -> None:
    choose(desk, "jobs", 1)
    page(desk).open_row(JOB)
    desk.settle()
    words = {label.text() for label in page(desk).panel.findChildren(QLabel)}
    assert {"capital.statement", "Why the last attempt failed", "What happened"} <= words
    assert page(desk).back()
    assert not page(desk).back()


def test_the_filter_asks_for_states(desk: Desk, jobs: FakeJobs) -> None:
    page(desk).filter.set_text("status:failed")
    desk.until(lambda: ["failed"] in jobs.asked)
    page(desk).filter.set_text("-status:succeeded")
    desk.until(lambda: ["todo", "doing", "failed", "cancelled", "aborted"] in jobs.asked)


def test_the_page_says_when_nobody_runs_jobs(desk: Desk, jobs: FakeJobs) -> None:
    assert page(desk).notice.isHidden()
    jobs.running = 0
    page(desk).refresh()
    desk.until(lambda: not page(desk).notice.isHidden())
    assert "--service=jobs" in page(desk).notice.text()


def test_states_are_told_in_words() -> None:
    assert [status_name(job) for job in (JOB, WAITING, replace(WAITING, attempts=2))] == [
        "Failed", "Waiting", "Tries again",
    ]  # fmt: skip
    assert status_name(replace(JOB, status="doing", stopping=True)) == "Stopping"
    assert (took(JOB), took(WAITING)) == ("3.0 s", "–")
    assert (ordered_by(JOB), ordered_by(replace(JOB, actor=None))) == ("Anna Berg", "The clock")
    assert last_run(replace(NIGHTLY, last_status=None)) == "Not yet"
    assert letter_state(LETTER) == "Needs a decision"
