"""The list of all entries with the chosen one beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sent.platform.i18n import tr
from sent.ui.kit.export import export_csv
from sent.ui.kit.filterbar import FilterBar
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Source
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import button, card, column, row
from sent.ui.pages.capital.journal import lists
from sent.ui.pages.capital.journal.editor import Entered, EntryEditor
from sent.ui.pages.capital.journal.panel import EntryPanel
from sent.ui.shell.actions import Action
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.reports.api import EntryLine, EntryRow

POST = "capital:post"


class JournalPage(Page):
    """See the module."""

    topics = ("capital.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._front = False
        self._accounts: Sequence[Any] = ()
        self._journal: UUID | None = None
        self._home = ""
        self.editor: EntryEditor | None = None
        self.filter = FilterBar(
            lists.fields(),
            hint=tr("Filter: journal:SJ from:1.4. words of the text"),
            name=tr("Filter entries"),
        )
        self.table = PagedTable(lists.columns(), run=self.run, name=tr("Entries"))
        self.states = ListStates(
            self.table,
            empty=("list", tr("Nothing is booked yet"), tr("Press N for the first entry.")),
            filtered=lambda: bool(self.filter.text()),
            clear_filter=self.filter.clear,
        )
        self.panel = EntryPanel()
        self.fresh = button(tr("New entry"), self.new_entry, icon_name="plus")
        self.undo = button(tr("Reverse"), self.reverse, kind="quiet", icon_name="rotate-ccw")
        self._arrange()
        self._pace = Pace(self, self.refresh, soon_ms=300, apart_ms=1500)

    def _arrange(self) -> None:
        frame = card()
        frame.setLayout(column(self.states, margins=(1, 4, 1, 4)))
        self.split = SplitDetail(frame, self.panel, prefs=self.shell.prefs, key="journal")
        head = row(self.filter, self.undo, self.fresh, gap=8)
        head.setStretch(0, 1)
        body = column(head, self.split, gap=10, margins=(20, 16, 20, 14))
        body.setStretch(1, 1)
        self.setLayout(body)
        self.table.model_.show_skeleton()
        self.table.remember_columns(self.shell.prefs, "journal.list")
        self.table.previewed.connect(self._previewed)
        self.table.opened.connect(self.open_entry)
        self.table.left.connect(self.back)
        self.table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.filter.changed.connect(lambda _terms: self.load())
        self.filter.left.connect(self.table.setFocus)
        self.panel.closed.connect(self.back)
        self.panel.account_wanted.connect(lambda account: self.shell.open("accounts", account))

    def actions_(self) -> list[Action]:
        group = tr("Journal")
        return [
            Action("journal.new", tr("New entry"), self.new_entry, "plus", "N", POST, group),
            Action("journal.reverse", tr("Reverse entry"), self.reverse, "rotate-ccw", "R", POST, group,
                   enabled=lambda: self._reversible() is not None),
            Action("journal.filter", tr("Filter"), self.filter.edit.setFocus, "list-filter", "Ctrl+F",
                   "capital:read", group, aliases=("/",)),
            Action("journal.export", tr("Export this list"), self.export, "download", "Ctrl+E",
                   "capital:read", group),
        ]  # fmt: skip

    def activate(self) -> None:
        self._front = True
        self.fresh.setVisible(self.shell.can(POST))
        self.undo.setVisible(self.shell.can(POST))
        self.refresh()
        self.table.setFocus()

    def deactivate(self) -> None:
        self._front = False

    def source(self) -> Source:
        """Return the entries that pass the filter."""
        wanted = lists.wanted(self.filter.terms(), date.today())  # noqa: DTZ011

        async def load(before: Any, limit: int) -> Sequence[EntryRow]:
            found: Sequence[EntryRow] = await self.api("capital.reports").entries(
                self.ctx, before=before, limit=limit, **wanted
            )
            return found

        return Source(load=load, cursor=lambda e: (e.day, e.seq), key=lambda e: e.id)

    def load(self, *, keep: bool = False) -> None:
        """Load the list."""
        if self.shell.person is not None and self._front:
            self.table.set_source(self.source(), keep=keep)

    def refresh(self) -> None:
        self.load(keep=True)

    def _previewed(self, entry: Any) -> None:
        self.undo.setEnabled(self._reversible() is not None)
        if self.split.is_open():
            self.open_entry(entry)

    def open_entry(self, entry: EntryRow) -> None:
        """Show an entry beside the list."""
        self.split.open()
        self.panel.show_entry(entry)

        async def load() -> Sequence[EntryLine]:
            found: Sequence[EntryLine] = await self.api("capital.reports").lines(self.ctx, entry.id)
            return found

        self.run(load, done=lambda lines: self.panel.show_lines(entry, lines))

    def _reversible(self) -> EntryRow | None:
        entry: EntryRow | None = self.table.current_row()
        kinds = ("entry", "opening", "post", "reversal")
        return entry if entry is not None and entry.kind in kinds and not entry.reversed else None

    def reverse(self) -> None:
        """Book the opposite of the chosen entry, on its day."""
        entry = self._reversible()
        if entry is None:
            return

        async def act() -> UUID:
            found: UUID = await self.api("capital").reverse(self.ctx, entry.id, entry.day, entry.memo)
            return found

        def done(_: UUID) -> None:
            self.shell.toast(tr("The entry is reversed: both stay in the books"))
            self.load(keep=True)

        self.run(act, done=done)

    def new_entry(self) -> None:
        """Open the editor."""
        if self.editor is None:
            self.editor = EntryEditor(self.window())

        async def load() -> tuple[Any, ...]:
            api = self.api("capital")
            return await api.accounts(self.ctx), await api.journals(self.ctx), await api.setup(self.ctx)

        def done(found: tuple[Any, ...]) -> None:
            accounts, journals, kept = found
            general = next((one for one in journals if one.kind == "general"), None)
            if kept is None or general is None or self.editor is None:
                self.shell.toast(tr("Set up the books first, on the Capital page"), tone="warn")
                return
            self._journal, self._home = general.id, kept.home
            self.editor.edit([one for one in accounts if one.closed_on is None], kept.home, self._enter)

        self.run(load, done=done)

    def _enter(self, entered: Entered) -> None:
        journal, home, editor = self._journal, self._home, self.editor
        if journal is None or editor is None:
            return

        async def book() -> UUID:
            api = self.api("capital")
            lines = [api.Line(account, amount, home, note) for account, amount, note in entered.lines]
            draft = api.Draft(
                journal, entered.day, lines, memo=entered.memo, reference=entered.reference,
                key=f"entry:{entered.id}", id=entered.id,
            )  # fmt: skip
            found: UUID = await api.post(self.ctx, draft)
            return found

        def done(_: UUID) -> None:
            editor.settle()
            self.shell.toast(tr("The entry is booked"))
            self.load(keep=True)

        self.run(book, done=done, failed=lambda error: editor.refuse(error_text(error)))

    def export(self) -> None:
        """Write the list to a CSV file."""
        source = self.source()
        if source.load is not None:
            columns = self.table.model_.columns
            export_csv(self, tr("Journal"), columns, source.load, source.cursor, None)

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint()

    def set_stale(self, since: datetime | None) -> None:
        self.table.set_dimmed(since is not None)

    def open_record(self, record: str) -> None:
        if record.startswith("filter:"):
            self.filter.set_text(record.removeprefix("filter:"))
            return
        try:
            wanted = UUID(record)
        except ValueError:
            self.shell.toast(tr("There is no entry {name}", name=record), tone="warn")
            return

        async def load() -> EntryRow | None:
            found: EntryRow | None = await self.api("capital.reports").entry(self.ctx, wanted)
            return found

        def done(entry: EntryRow | None) -> None:
            if entry is None:
                self.shell.toast(tr("There is no entry {name}", name=record), tone="warn")
            else:
                self.open_entry(entry)

        self.run(load, done=done)

    def current_record(self) -> str:
        shown = self.panel.entry if self.split.is_open() else None
        return str(shown.id) if shown is not None else ""

    def back(self) -> bool:
        closed = self.split.close_detail()
        self.table.setFocus()
        return closed
