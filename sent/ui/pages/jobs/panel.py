"""One job, or one event nobody could handle, beside the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sent.platform.i18n import tr
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.text import absolute, plain
from sent.ui.kit.widgets import clear, label, row
from sent.ui.pages.jobs.lists import letter_state, ordered_by, status_name, step_name, took

if TYPE_CHECKING:
    from sent.engines.jobs.api import DeadLetter, Job, Step


class JobPanel(DetailPanel):
    """What is known of one row."""

    def __init__(self) -> None:
        super().__init__(tr("Detail"))

    def _begin(self, title: str, state: str, copied: str, name: str) -> None:
        clear(self.head)
        clear(self.body)
        heading = label(title, weight="bold", wrap=True)
        self.head.addLayout(row(heading, None, *self.tools(copied, name), gap=4))
        self.head.addWidget(label(state, tone="2"))
        self.scroll_up()

    def show_job(self, job: Job, steps: Sequence[Step] = ()) -> None:
        """Show a job and what happened to it, newest first."""
        self._begin(job.task, status_name(job), str(job.id), tr("Copy number"))
        if job.reason:
            self.section(tr("Why the last attempt failed"))
            self.body.addWidget(label(job.reason, tone="bad", wrap=True))
        self.section(tr("Job"))
        self.pair(tr("Number"), str(job.id), field="")
        self.pair(tr("Ordered"), absolute(job.deferred_at), field="")
        self.pair(tr("By"), ordered_by(job), field="")
        if job.scheduled_at is not None and job.status == "todo":
            self.pair(tr("Not before"), absolute(job.scheduled_at), field="")
        self.pair(tr("Took"), took(job), field="")
        self.pair(tr("Priority"), str(job.priority), field="")
        if job.lock:
            self.pair(tr("Never beside others of"), job.lock, field="")
        if job.trace is not None:
            self.pair(tr("Trace"), str(job.trace), field="")
        if steps:
            self.section(tr("What happened"))
        for step in steps:
            self.pair(absolute(step.at), step_name(step.what), field="")
            if step.reason:
                self.body.addWidget(label(step.reason, tone="bad", wrap=True))

    def show_letter(self, letter: DeadLetter) -> None:
        """Show an event nobody could handle."""
        self._begin(letter.topic, letter_state(letter), str(letter.event_id), tr("Copy event id"))
        if letter.reason:
            self.section(tr("Why it could not be handled"))
            self.body.addWidget(label(letter.reason, tone="bad", wrap=True))
        self.section(tr("Event"))
        self.pair(tr("Who could not handle it"), letter.consumer, field="")
        self.pair(tr("Happened"), absolute(letter.event_at), field="")
        self.pair(tr("Attempts"), str(letter.attempts), field="")
        if letter.key:
            self.pair(tr("About"), letter.key, field="")
            self.pair(tr("Waiting behind"), str(letter.behind), field="")
        for name, value in letter.payload.items():
            self.pair(name, plain(value), field="")
