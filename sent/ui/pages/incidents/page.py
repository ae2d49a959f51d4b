"""Incidents: the list, one of them beside it, and everything by keyboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sent.platform.errors import Conflict, SentError
from sent.platform.i18n import tr, trn
from sent.ui.kit.cells import level_name
from sent.ui.kit.export import export_csv
from sent.ui.kit.filterbar import FilterBar
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Source
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import button, card, column, row
from sent.ui.pages.incidents.lists import SEVERITIES, STATUSES, columns, fields, status_name
from sent.ui.pages.incidents.panel import IncidentPanel
from sent.ui.shell.actions import Action
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.incidents.api import Incident, IncidentDetail

RESPOND = "incidents:respond"
START = "-status:closed -status:resolved"


class IncidentsPage(Page):
    """See the module."""

    topics = ("incidents.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._front = False
        self.filter = FilterBar(
            fields(),
            hint=tr("Filter: severity:high -status:closed"),
            name=tr("Filter incidents"),
        )
        self.table = PagedTable(columns(), run=self.run, name=tr("Incidents"))
        self.states = ListStates(
            self.table,
            empty=(
                "siren",
                tr("No open incidents"),
                tr("Open one here, or from alerts of the radar with I."),
            ),
            action=(tr("Open an incident"), self.open_new),
            # What the page starts with hides what is over; it is no search that found nothing.
            filtered=lambda: self.filter.text() not in ("", START),
            clear_filter=self.filter.clear,
        )
        self.panel = IncidentPanel(self.choose_status, self.choose_owner, shell.drafts)
        self.fresh = button(tr("Open an incident"), self.open_new, icon_name="plus")
        self._arrange()
        self._pace = Pace(self, self.refresh, soon_ms=250, apart_ms=1000)

    def _arrange(self) -> None:
        frame = card()
        frame.setLayout(column(self.states, margins=(1, 4, 1, 4)))
        self.split = SplitDetail(frame, self.panel, prefs=self.shell.prefs, key="incidents")
        head = row(self.filter, self.fresh, gap=8)
        head.setStretch(0, 1)
        body = column(head, self.split, gap=10, margins=(20, 16, 20, 14))
        body.setStretch(1, 1)
        self.setLayout(body)
        self.table.model_.show_skeleton()
        self.table.remember_columns(self.shell.prefs, "incidents.list")
        self.table.previewed.connect(self._previewed)
        self.table.opened.connect(self.open_incident)
        self.table.left.connect(self.back)
        self.table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.filter.changed.connect(lambda _terms: self.load())
        self.filter.left.connect(self.table.setFocus)
        self.panel.closed.connect(self.back)
        self.panel.noted.connect(self._write_note)
        self.panel.link_wanted.connect(self._open_place)
        self.filter.set_text(START)

    def actions_(self) -> list[Action]:
        group = tr("Incidents")
        has = lambda: bool(self.chosen())  # noqa: E731
        made = partial(Action, group=group)
        respond = partial(made, permission=RESPOND)
        return [
            respond("incidents.new", tr("Open an incident"), self.open_new, "plus", "C"),
            respond("incidents.status", tr("Change state"), self.choose_status, "list-checks", "E",
                    undo=True, enabled=has),
            respond("incidents.severity", tr("Change severity"), self.choose_severity, "triangle-alert",
                    "Shift+E", undo=True, enabled=has),
            respond("incidents.assign", tr("Assign to"), self.choose_owner, "user-plus", "S", undo=True,
                    enabled=has, aliases=("Shift+A",)),
            respond("incidents.mine", tr("Assign to me"), self.assign_to_me, "user-check", "M", undo=True,
                    enabled=has),
            respond("incidents.note", tr("Write a note"), self.write_note, "square-pen", "N", enabled=has),
            respond("incidents.rename", tr("Rename"), self.ask_title, "square-pen", "R", enabled=has),
            made("incidents.filter", tr("Filter"), self.filter.edit.setFocus, "list-filter", "Ctrl+F",
                 "incidents:read", aliases=("/",)),
            made("incidents.export", tr("Export this list"), self.export, "download", "Ctrl+E",
                 "incidents:read"),
        ]  # fmt: skip

    def activate(self) -> None:
        self._front = True
        self.fresh.setVisible(self.shell.can(RESPOND))
        self.refresh()
        self.table.setFocus()

    def deactivate(self) -> None:
        self._front = False

    def source(self) -> Source:
        """Return the incidents that pass the filter."""
        wanted = self._wanted()

        async def load(before: Any, limit: int) -> Sequence[Incident]:
            api = self.api("incidents")
            found: list[Incident] = await api.incidents(
                self.ctx, api.IncidentFilter(**wanted), before=before, limit=limit
            )
            return found

        return Source(load=load, cursor=lambda i: i.number, key=lambda i: i.id)

    def _wanted(self) -> dict[str, Any]:
        """Return the api's filter; values that are left out leave the others."""
        found: dict[str, Any] = {}
        for field, name, every in (("status", "statuses", STATUSES), ("severity", "severities", SEVERITIES)):
            only = {t.value.lower() for t in self.filter.terms() if t.field == field and not t.out}
            out = {t.value.lower() for t in self.filter.terms() if t.field == field and t.out}
            if only or out:
                found[name] = tuple(v for v in every if (not only or v in only) and v not in out)
        words = [t.value for t in self.filter.terms() if t.field not in ("status", "severity") and not t.out]
        return found | {"text": " ".join(words)}

    def load(self, *, keep: bool = False) -> None:
        """Load the list."""
        if self.shell.person is not None and self._front:
            self.table.set_source(self.source(), keep=keep)

    def refresh(self) -> None:
        self.load(keep=True)
        if self.panel.incident is not None and self.split.is_open():
            self._load_detail(self.panel.incident.id)

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint()

    def set_stale(self, since: datetime | None) -> None:
        self.table.set_dimmed(since is not None)

    async def waiting(self) -> int:
        api = self.api("incidents")
        wanted = api.IncidentFilter(statuses=("open",), severities=("critical", "high"))
        return len(await api.incidents(self.ctx, wanted, limit=1000))

    def chosen(self) -> list[Incident]:
        """Return the incidents an action is for: marked, current, or the one in the detail."""
        chosen: list[Incident] = self.table.chosen()
        if not chosen and self.split.is_open() and self.panel.incident is not None:
            return [self.panel.incident]
        return chosen

    def open_record(self, record: str) -> None:
        if record.startswith("filter:"):
            self.filter.set_text(record.removeprefix("filter:"))
            return
        try:
            incident_id = UUID(record.rpartition("/")[2])
        except ValueError:
            self.shell.toast(tr("There is no incident {name}", name=record), tone="warn")
            return

        def show(detail: IncidentDetail) -> None:
            self.split.open()
            self._show(detail.incident)
            self.panel.show_detail(detail)

        self.run(self._asking(incident_id), done=show)

    def current_record(self) -> str:
        shown = self.panel.incident if self.split.is_open() else None
        shown = shown or (self.table.current_row() if self.table.hasFocus() else None)
        return str(shown.id) if shown is not None else ""

    def back(self) -> bool:
        if self.panel.note.fields[0].edit.hasFocus():
            self.table.setFocus()
            return True
        closed = self.split.close_detail()
        self.table.setFocus()
        return closed

    def open_incident(self, incident: Incident) -> None:
        """Open an incident beside the list."""
        self.split.open()
        self._show(incident)
        self._load_detail(incident.id)

    def _previewed(self, incident: Incident) -> None:
        if self.split.is_open():
            self._show(incident)
            self._load_detail(incident.id)

    def _show(self, incident: Incident) -> None:
        self.panel.show_incident(incident, may_respond=self.shell.can(RESPOND))

    def _asking(self, incident_id: UUID) -> Callable[[], Awaitable[IncidentDetail]]:
        async def load() -> IncidentDetail:
            found: IncidentDetail = await self.api("incidents").incident(self.ctx, incident_id)
            return found

        return load

    def _load_detail(self, incident_id: UUID) -> None:
        def show(detail: IncidentDetail) -> None:
            if self.panel.incident is not None and self.panel.incident.id == detail.incident.id:
                self._show(detail.incident)
                self.panel.show_detail(detail)

        self.run(self._asking(incident_id), done=show)

    def _open_place(self, place: str) -> None:
        page, _, record = place.partition("/")
        self.shell.open(page, record)

    def open_new(self) -> None:
        """Ask for a title and a severity, and open an incident."""

        def titled(title: str) -> None:
            entries = [
                Entry(severity, level_name(severity), icon="siren", run=partial(self._open, title, severity))
                for severity in SEVERITIES
            ]
            self.shell.choose(tr("How severe is it?"), entries)

        self.shell.ask(tr("Open an incident"), tr("Title"), titled, most=300)

    def _open(self, title: str, severity: str) -> None:
        async def make() -> Incident:
            made: Incident = await self.api("incidents").open_incident(self.ctx, title, severity)
            return made

        def done(made: Incident) -> None:
            self.shell.toast(tr("Incident #{number} is open", number=made.number))
            self.load(keep=True)
            self.open_incident(made)

        self.run(make, done=done)

    def choose_status(self) -> None:
        """Let the user choose a state for the chosen incidents."""
        chosen = self.chosen()
        entries = [
            Entry(status, status_name(status), icon="circle-check",
                  run=partial(self._set, chosen, "status", status))
            for status in STATUSES
        ]  # fmt: skip
        if chosen:
            self.shell.choose(tr("Change state"), entries)

    def choose_severity(self) -> None:
        """Let the user choose a severity for the chosen incidents."""
        chosen = self.chosen()
        entries = [
            Entry(severity, level_name(severity), icon="siren",
                  run=partial(self._set, chosen, "severity", severity))
            for severity in SEVERITIES
        ]  # fmt: skip
        if chosen:
            self.shell.choose(tr("Change severity"), entries)

    def choose_owner(self) -> None:
        """Let the user choose who owns the chosen incidents."""
        chosen = self.chosen()
        if not chosen:
            return

        async def people() -> list[tuple[UUID, str]]:
            return list(await self.api("incidents").people(self.ctx))

        def show(found: list[tuple[UUID, str]]) -> None:
            entries = [
                Entry("nobody", tr("Nobody"), icon="user-x", run=partial(self._set, chosen, "owner", None))
            ]
            entries += [
                Entry(str(id), name, icon="user", run=partial(self._set, chosen, "owner", id))
                for id, name in found
            ]
            self.shell.choose(tr("Assign to"), entries)

        self.run(people, done=show)

    def assign_to_me(self) -> None:
        """Make the person at the console the owner."""
        if self.shell.person is not None:
            self._set(self.chosen(), "owner", UUID(self.shell.person.id))

    def _set(self, incidents: Sequence[Incident], what: str, value: Any, *, undone: bool = False) -> None:
        """Change status, severity or owner; the message offers to bring back what was."""
        if not incidents:
            return
        expected = {one.id: one.version for one in incidents}

        async def change() -> list[Incident]:
            act = getattr(self.api("incidents"), f"set_{what}")
            changed: list[Incident] = await act(self.ctx, list(expected), value, expected)
            return changed

        def done(changed: list[Incident]) -> None:
            self.table.model_.replace(changed)
            self.table.clear_marks()
            if undone:
                self.shell.toast(tr("Undone"), tone="info")
            else:
                said = trn("Changed {n} incident", "Changed {n} incidents", n=len(changed))
                self.shell.toast(said, undo=lambda: self._undo(incidents, changed, what))
            self.refresh()

        self.run(change, done=done, failed=self._failed)

    def _undo(self, before: Sequence[Incident], changed: Sequence[Incident], what: str) -> None:
        now = {one.id: one for one in changed}
        for value in {getattr(one, what) for one in before}:
            back = [now[one.id] for one in before if getattr(one, what) == value and one.id in now]
            self._set(back, what, value, undone=True)

    def _failed(self, error: SentError) -> None:
        self.shell.report(error)
        if isinstance(error, Conflict):
            self.refresh()

    def ask_title(self) -> None:
        """Ask for another title of the current incident."""
        chosen = self.chosen()[:1]
        for one in chosen:
            self.shell.ask(tr("Rename"), tr("Title"), partial(self._rename, one), most=300)

    def _rename(self, incident: Incident, title: str) -> None:
        async def change() -> Incident:
            made: Incident = await self.api("incidents").rename(
                self.ctx, incident.id, title, incident.version
            )
            return made

        self.run(change, done=lambda _: self.refresh(), failed=self._failed)

    def write_note(self) -> None:
        """Open the detail and let the user type a note."""
        chosen = self.chosen()
        if chosen:
            if not self.split.is_open():
                self.open_incident(chosen[0])
            self.panel.note.fields[0].edit.setFocus()

    def _write_note(self, text: str) -> None:
        shown = self.panel.incident
        if shown is None:
            return

        async def write() -> IncidentDetail:
            found: IncidentDetail = await self.api("incidents").note(self.ctx, shown.id, text)
            return found

        self.run(write, done=self.panel.show_detail)
        self.table.setFocus()

    def export(self) -> None:
        """Write all incidents that pass the filter to a file."""
        source = self.source()
        if source.load is not None:
            export_csv(self, tr("Incidents"), self.table.model_.columns, source.load, source.cursor, None)
