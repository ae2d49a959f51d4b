"""Three lists: jobs, what the clock starts, and events that nobody could handle."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStackedWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.choice import Segments
from sent.ui.kit.filterbar import Field, FilterBar
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Column, Source
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import button, card, column, label, row
from sent.ui.pages.jobs import lists
from sent.ui.pages.jobs.panel import JobPanel
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.engines.jobs.api import Job

EVERY_MS = 5000
STATUSES = ("todo", "doing", "succeeded", "failed", "cancelled", "aborted")
ENDED_BADLY = ("failed", "cancelled", "aborted")


class JobsPage(Page):
    """See the module."""

    topics = ("jobs.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.filter = FilterBar(
            [Field("status", tr("State"), STATUSES), Field("task", tr("Task"))],
            hint=tr("Filter jobs: status:failed words of the task"),
            name=tr("Filter jobs"),
        )
        self.notice = label(tone="warn", wrap=True)
        self.notice.hide()
        self.tables: dict[str, PagedTable] = {}
        self.stack = QStackedWidget()
        self._add_lists()
        self.panel = JobPanel()
        self.view = "jobs"
        self.segments = Segments(tr("What to show"), _views(), self.view, self.show_view)
        self.again = button(tr("Run again"), self.run_again, kind="quiet", icon_name="rotate-ccw")
        self.end = button(tr("Stop"), self.stop, kind="quiet", icon_name="x")
        self._arrange()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self._pace = Pace(self, self.refresh, soon_ms=100, apart_ms=1000)
        self._visited = False

    def _add_lists(self) -> None:
        for view, columns in _columns().items():
            table = PagedTable(columns, run=self.run, name=dict(_views())[view])
            filtered = (lambda: bool(self.filter.terms())) if view == "jobs" else (lambda: False)
            states = ListStates(table, empty=_empty(view), filtered=filtered, clear_filter=self.filter.clear)
            self.stack.addWidget(states)
            table.remember_columns(self.shell.prefs, f"jobs.{view}")
            table.model_.show_skeleton()
            table.model_.loaded.connect(self._offer)
            table.previewed.connect(self._previewed)
            table.opened.connect(self.open_row)
            table.left.connect(self.back)
            table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
            self.tables[view] = table

    def _arrange(self) -> None:
        frame = card()
        frame.setLayout(column(self.stack, margins=(1, 4, 1, 4)))
        self.split = SplitDetail(frame, self.panel, prefs=self.shell.prefs, key="jobs")
        bar = row(self.segments, None, self.end, self.again, gap=8)
        body = column(bar, self.notice, self.filter, self.split, gap=10, margins=(20, 16, 20, 14))
        body.setStretch(3, 1)
        self.setLayout(body)
        self.filter.changed.connect(lambda _terms: self.load())
        self.filter.left.connect(self._focus)
        self.panel.closed.connect(self.back)

    def actions_(self) -> list[Action]:
        group = tr("Jobs")
        found = [
            Action("jobs.filter", tr("Filter"), self._filter, "list-filter", "Ctrl+F", "jobs:read", group),
            Action(
                "jobs.again", tr("Run again"), self.run_again, "rotate-ccw", "A", "jobs:manage", group,
                enabled=self.again.isEnabled,
            ),
            Action(
                "jobs.stop", tr("Stop"), self.stop, "x", "S", "jobs:manage", group,
                enabled=self.end.isEnabled,
            ),
        ]  # fmt: skip
        for number, (view, title) in enumerate(_views(), 1):
            show = (lambda v: lambda: self.show_view(v))(view)
            words = tr("Show {title}", title=title)
            found.append(Action(f"jobs.{view}", words, show, "list", str(number), "jobs:read", group))
        return found

    def list_view(self) -> ListView:
        return ListView(
            f"jobs.{self.view}", self.filter if self.view == "jobs" else None, self.tables[self.view]
        )

    def lists(self) -> list[ListView]:
        return [
            ListView(f"jobs.{view}", self.filter if view == "jobs" else None, table)
            for view, table in self.tables.items()
        ]

    def activate(self) -> None:
        self._timer.start()
        self._visited = True
        self.refresh()
        self.tables[self.view].setFocus()

    def deactivate(self) -> None:
        self._timer.stop()

    def show_view(self, view: str) -> None:
        """Show one of the lists."""
        self.view = view
        self.segments.show_choice(view)
        self.stack.setCurrentIndex(list(self.tables).index(view))
        self.filter.setVisible(view == "jobs")
        self.back()
        self.tables[view].setFocus()
        self.load()
        self._offer()

    def refresh(self) -> None:
        self.load(keep=True)
        if self.shell.person is not None and self._visited:
            self.run(self._workers, done=self._show_workers)

    async def _workers(self) -> int:
        return int(await self.api("jobs").workers(self.ctx))

    def _show_workers(self, workers: int) -> None:
        self.shell.mark_fresh()
        self.notice.setText(tr("Nobody runs jobs: start a worker with `sent --mode=worker --service=jobs`."))
        self.notice.setVisible(workers == 0)

    def load(self, *, keep: bool = False) -> None:
        """Load the list in front."""
        if self.shell.person is None or not self._visited:
            return
        view = self.view
        ask = self._asked(view)

        async def load(before: Any, limit: int) -> Sequence[Any]:
            return await ask(before, limit)

        key: Callable[[Any], Any] = (lambda s: s.task) if view == "schedules" else (lambda r: r.id)
        cursor: Callable[[Any], Any] = (lambda _s: True) if view == "schedules" else (lambda r: r.id)
        self.tables[view].set_source(Source(load=load, cursor=cursor, key=key), keep=keep)

    def _asked(self, view: str) -> Callable[[Any, int], Awaitable[Sequence[Any]]]:
        wanted = self._wanted()

        async def jobs(before: Any, limit: int) -> Sequence[Any]:
            return list(await self.api("jobs").jobs(self.ctx, before=before, limit=limit, **wanted))

        async def letters(before: Any, limit: int) -> Sequence[Any]:
            return list(await self.api("jobs").dead_letters(self.ctx, before=before, limit=limit))

        async def schedules(before: Any, limit: int) -> Sequence[Any]:
            return [] if before is not None else list(await self.api("jobs").schedules(self.ctx))

        return {"jobs": jobs, "letters": letters, "schedules": schedules}[view]

    def _wanted(self) -> dict[str, Any]:
        """Return the api's filter; states that are left out leave the others."""
        found: dict[str, Any] = {}
        states = {term.value for term in self.filter.terms() if term.field == "status" and not term.out}
        out = {term.value for term in self.filter.terms() if term.field == "status" and term.out}
        if states or out:
            found["status"] = [s for s in STATUSES if (not states or s in states) and s not in out]
        words = [term.value for term in self.filter.terms() if term.field != "status" and not term.out]
        if words:
            found["task"] = " ".join(words)
        return found

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._timer.isActive():
            self._pace.hint()

    def _offer(self) -> None:
        """Enable what can be done with the chosen rows."""
        chosen = self.tables[self.view].chosen()
        may = self.shell.can("jobs:manage")
        again = {"jobs": tr("Run again"), "letters": tr("Handle again"), "schedules": tr("Start now")}
        self.again.setText(again[self.view])
        self.end.setText(tr("Discard") if self.view == "letters" else tr("Stop"))
        self.again.setVisible(may)
        self.end.setVisible(may and self.view != "schedules")
        self.again.setEnabled(bool(chosen) and all(_can_run(self.view, one) for one in chosen))
        self.end.setEnabled(bool(chosen) and all(_can_end(self.view, one) for one in chosen))

    def _previewed(self, chosen: Any) -> None:
        self._offer()
        if self.split.is_open():
            self._show(chosen)

    def open_row(self, chosen: Any) -> None:
        """Show a row beside the list."""
        if self.view == "schedules":
            return
        self.split.open()
        self._show(chosen)

    def _show(self, chosen: Any) -> None:
        if self.view == "letters":
            self.panel.show_letter(chosen)
        elif self.view == "jobs":
            self.panel.show_job(chosen)

            async def history() -> tuple[Job, Sequence[Any]]:
                return chosen, list(await self.api("jobs").history(self.ctx, chosen.id))

            self.run(history, done=lambda found: self.panel.show_job(*found))

    def run_again(self) -> None:
        """Put the chosen jobs back, have events handled again, or start what is scheduled."""
        chosen = self.tables[self.view].chosen()
        if chosen and self.again.isEnabled():
            self._act(chosen, {"jobs": "run_again", "letters": "replay", "schedules": "start"}[self.view])

    def stop(self) -> None:
        """Take the chosen jobs out or ask them to stop; discard events."""
        chosen = self.tables[self.view].chosen()
        if chosen and self.end.isEnabled():
            self._act(chosen, "discard" if self.view == "letters" else "stop")

    def _act(self, chosen: Sequence[Any], what: str) -> None:
        async def act() -> None:
            api = self.api("jobs")
            if what == "start":
                for schedule in chosen:
                    await api.start(self.ctx, schedule.task)
            else:
                await getattr(api, what)(self.ctx, [one.id for one in chosen])

        def done(_: None) -> None:
            self.shell.toast(trn("Ordered for {n} entry", "Ordered for {n} entries", n=len(chosen)))
            self.tables[self.view].clear_marks()
            self.load(keep=True)

        self.run(act, done=done)

    def back(self) -> bool:
        closed = self.split.close_detail()
        self.tables[self.view].setFocus()
        return closed

    def set_stale(self, since: datetime | None) -> None:
        for table in self.tables.values():
            table.set_dimmed(since is not None)

    async def waiting(self) -> int:
        api = self.api("jobs")
        counts = await api.counts(self.ctx)
        return int(counts.get("failed", 0)) + len(await api.dead_letters(self.ctx, states=("dead",)))

    def _focus(self) -> None:
        self.tables[self.view].setFocus()

    def _filter(self) -> None:
        self.show_view("jobs")
        self.filter.edit.setFocus()


def _can_run(view: str, chosen: Any) -> bool:
    if view == "schedules":
        return not chosen.installation
    return chosen.state == "dead" if view == "letters" else chosen.status in ENDED_BADLY


def _can_end(view: str, chosen: Any) -> bool:
    if view == "letters":
        return bool(chosen.state == "dead")
    return view == "jobs" and chosen.status in ("todo", "doing") and not chosen.stopping


def _views() -> tuple[tuple[str, str], ...]:
    return (("jobs", tr("Jobs")), ("schedules", tr("Schedules")), ("letters", tr("Dead letters")))


def _columns() -> dict[str, list[Column]]:
    return {
        "jobs": lists.job_columns(),
        "schedules": lists.schedule_columns(),
        "letters": lists.letter_columns(),
    }


def _empty(view: str) -> tuple[str, str, str]:
    return {
        "jobs": ("list-checks", tr("No jobs yet"), tr("Background work will stand here.")),
        "schedules": ("clock", tr("Nothing is scheduled"), tr("Tasks that the clock starts stand here.")),
        "letters": (
            "circle-check",
            tr("No dead letters"),
            tr("Events that could not be handled will stand here."),
        ),
    }[view]
