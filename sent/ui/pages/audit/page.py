"""The trail as a filtered list with each change's before and after beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sent.platform.i18n import tr
from sent.ui.kit.export import export_csv
from sent.ui.kit.filterbar import Field, FilterBar
from sent.ui.kit.page import Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Column, Source
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.text import absolute, clock
from sent.ui.kit.widgets import card, column
from sent.ui.pages.audit.diff import ACTIONS, EntryPanel, action_name, changes, has_personal, shown
from sent.ui.pages.audit.proof import Proof
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.engines.audit.api import Entry


class AuditPage(Page):
    """What the database recorded, newest first."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        fields = [Field("action", tr("Action"), ACTIONS), Field("table", tr("Table"))]
        self.filter = FilterBar(
            fields,
            hint=tr("Filter the trail: action:update table:radar.alert words"),
            name=tr("Filter the trail"),
        )
        self.table = PagedTable(_columns(), run=self.run, name=tr("Audit trail"))
        self.states = ListStates(
            self.table,
            empty=(
                "file-clock",
                tr("Nothing recorded yet"),
                tr("Every change of a record will stand here."),
            ),
            filtered=lambda: bool(self.filter.terms()),
            clear_filter=self.filter.clear,
        )
        self.panel = EntryPanel()
        frame = card()
        frame.setLayout(column(self.states, margins=(1, 4, 1, 4)))
        self.split = SplitDetail(frame, self.panel, prefs=shell.prefs, key="audit")
        self.proof = Proof(self)
        body = column(self.proof, self.filter, self.split, gap=10, margins=(20, 16, 20, 14))
        body.setStretch(2, 1)
        self.setLayout(body)
        self._connect()
        self._visited = False
        self._shown: Entry | None = None
        self.table.model_.show_skeleton()
        self.table.remember_columns(shell.prefs, "audit")

    def _connect(self) -> None:
        self.filter.changed.connect(lambda _terms: self.load())
        self.filter.left.connect(self.table.setFocus)
        self.table.previewed.connect(lambda entry: self.show_entry(entry) if self.split.is_open() else None)
        self.table.opened.connect(self.open_entry)
        self.table.left.connect(self.back)
        self.table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.panel.closed.connect(self.back)
        self.panel.filter_wanted.connect(lambda field, value, out: self.filter.add(field, value, out=out))

    def actions_(self) -> list[Action]:
        group = tr("Audit")
        return [
            Action(
                "audit.filter",
                tr("Filter"),
                self.filter.edit.setFocus,
                "list-filter",
                "Ctrl+F",
                "audit:read",
                group,
            ),
            Action(
                "audit.open",
                tr("Open change"),
                self._open_current,
                "panel-right",
                "O",
                "audit:read",
                group,
                enabled=lambda: self.table.current_row() is not None,
            ),
            Action(
                "audit.verify",
                tr("Verify the trail now"),
                self.proof.verify,
                "shield-check",
                "",
                "audit:read",
                group,
            ),
            Action(
                "audit.columns",
                tr("Choose columns"),
                self.table.layout_.choose,
                "table",
                "Shift+C",
                "audit:read",
                group,
            ),
            Action(
                "audit.export", tr("Export the trail"), self.export, "download", "Ctrl+E", "audit:read", group
            ),
        ]

    def activate(self) -> None:
        if self._visited:
            self.refresh()
        else:
            self._visited = True
            self.load()
            self.run(self._tables, done=lambda names: self.filter.set_values("table", names))
        self.proof.load()
        self.table.setFocus()

    async def _tables(self) -> list[str]:
        found: list[str] = await self.api("audit").tables(self.ctx)
        return found

    def wanted(self) -> dict[str, Any]:
        """Return the api's filter; it cannot leave values out: `load` says that those are ignored."""
        found: dict[str, Any] = {}
        words = []
        for term in self.filter.terms():
            if term.out:
                continue
            if term.field in ("action", "table"):
                found[term.field] = term.value
            else:
                words.append(term.value)
        if words:
            found["text"] = " ".join(words)
        return found

    def source(self) -> Source:
        """Return the entries that pass the filter."""
        wanted = self.wanted()

        async def load(before: Any, limit: int) -> Sequence[Entry]:
            found: list[Entry] = await self.api("audit").entries(
                self.ctx, before=before, limit=limit, **wanted
            )
            self.bridge().post(self.shell.mark_fresh)
            return found

        return Source(load=load, cursor=lambda e: (e.at, e.id), key=lambda e: e.id)

    def load(self) -> None:
        """Load from the start."""
        if any(term.out for term in self.filter.terms()):
            self.shell.toast(tr("The trail cannot leave values out; that condition is ignored"), tone="warn")
        if self.shell.person is not None and self._visited:
            self.table.set_source(self.source())

    def refresh(self) -> None:
        if self.shell.person is not None and self._visited:
            self.table.set_source(self.source(), keep=True)
            self.proof.load()

    def open_entry(self, entry: Entry) -> None:
        """Show a change beside the list."""
        self.split.open()
        self.show_entry(entry)

    def show_entry(self, entry: Entry) -> None:
        """Show a change, and its personal values when whoever holds the keys has answered."""
        self.panel.show_entry(entry)
        self._shown = entry
        if not has_personal(entry):
            return

        async def reveal() -> dict[str, str | None] | None:
            found: dict[str, str | None] | None = await self.api("audit").personal(self.ctx, entry.id)
            return found

        def done(found: dict[str, str | None] | None) -> None:
            if self._shown is entry and found is not None:
                self.panel.show_entry(entry, found)

        self.run(reveal, done=done)

    def open_record(self, record: str) -> None:
        """Show the entry of a number (`seq:123`), or what every list shows."""
        number = record.removeprefix("seq:")
        if record.startswith("seq:") and number.isdigit() and len(number) < 19:
            self.show_number(int(number))
        else:
            super().open_record(record)

    def show_number(self, seq: int) -> None:
        """Show the entry of a number, wherever it is in the trail."""

        async def find() -> Entry | None:
            found: Entry | None = await self.api("audit").find(self.ctx, seq)
            return found

        def done(entry: Entry | None) -> None:
            if entry is None:
                self.shell.toast(tr("Entry {seq} is not there any more", seq=seq), tone="bad")
            else:
                self.open_entry(entry)

        self.run(find, done=done)

    def _open_current(self) -> None:
        if (entry := self.table.current_row()) is not None:
            self.open_entry(entry)

    def back(self) -> bool:
        closed = self.split.close_detail()
        self.table.setFocus()
        return closed

    def export(self) -> None:
        """Write the trail that passes the filter to a file."""
        source = self.source()
        if source.load is not None:
            export_csv(self, tr("Audit trail"), self.table.model_.columns, source.load, source.cursor, None)

    def set_stale(self, since: datetime | None) -> None:
        self.table.set_dimmed(since is not None)
        self.proof.set_stale(since is not None)


def _columns() -> list[Column]:
    return [
        Column(
            "at",
            tr("Time"),
            lambda e: clock(e.at),
            116,
            "time",
            newest_first=True,
            tip=lambda e: absolute(e.at),
        ),
        Column(
            "action",
            tr("Action"),
            lambda e: action_name(e.action),
            110,
            "state",
            field="action",
            widest="\n".join(map(action_name, ACTIONS)),
        ),
        Column("table", tr("Table"), lambda e: e.table, 170, "mono", field="table", drop=2),
        Column("actor_name", tr("Who"), lambda e: e.actor_name or tr("System"), 170, "strong", drop=1),
        Column("summary", tr("What changed"), summary, 300, "quiet", stretch=True, tip=summary),
    ]


def summary(entry: Entry) -> str:
    """Return the change in one line: `state: new → closed, note: …`."""
    if entry.action in ("insert", "delete"):
        row = entry.after or entry.before or {}
        named = next(
            (shown(row[name]) for name in ("title", "name", "email", "code", "key") if row.get(name)), ""
        )
        return named or str(entry.row_id or "")
    parts = [f"{name}: {_short(before)} → {_short(after)}" for name, before, after in changes(entry)[:4]]
    return ", ".join(parts)


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
