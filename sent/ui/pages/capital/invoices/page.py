"""Invoices: what is owed by age, the list of a segment, one document beside it, the editor in its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtWidgets import QStackedWidget, QWidget

from sent.platform.errors import SentError
from sent.platform.i18n import tr
from sent.ui.kit.choice import Segments
from sent.ui.kit.filterbar import FilterBar
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.states import ListStates
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import button, card, column, row
from sent.ui.pages.capital.fields import today
from sent.ui.pages.capital.invoices import lists
from sent.ui.pages.capital.invoices.ageing import Ageing
from sent.ui.pages.capital.invoices.deeds import DocumentDeeds
from sent.ui.pages.capital.invoices.editor import DocumentEditor
from sent.ui.pages.capital.invoices.lists import Row, Segment
from sent.ui.pages.capital.invoices.office import Office
from sent.ui.pages.capital.invoices.panel import DocumentPanel, Whole
from sent.ui.pages.capital.invoices.written import Books
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.engines.capital.billing.api import Aged, Computed, Party

READ, POST = "capital:read", "capital:post"
KINDS = ("invoice", "sales_credit", "bill", "purchase_credit")
NEWEST = 2000
"""Documents of a kind that are listed; open ones beyond stay in the ageing and in the reports."""


class InvoicesPage(Page):
    """See the module."""

    topics = ("capital.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._front = False
        self._rows: list[Row] = []
        self._wanted: UUID | None = None
        self._aged: dict[str, Sequence[Aged]] = {}
        self._today = today()
        self.segment: Segment = "sales"
        self.books = Books((), (), (), "")
        self.deeds, self.office = DocumentDeeds(self), Office(self)
        self.ageing = Ageing(self._show_age)
        self.segments = Segments(tr("Documents"), lists.segments(), self.segment, self.show_view)
        self.filter = FilterBar(
            lists.fields(), hint=tr("Filter: party:harbour* state:overdue"), name=tr("Filter documents")
        )
        self.table = PagedTable(lists.columns(), run=self.run, name=tr("Documents"))
        self.states = ListStates(
            self.table,
            empty=("file-text", tr("No documents here"), tr("Press N for an invoice, B for a bill.")),
            action=(tr("New invoice"), partial(self.new, "invoice")),
            filtered=lambda: bool(self.filter.terms()),
            clear_filter=self.filter.clear,
            retry=self.load,
        )
        self.panel = DocumentPanel(
            {
                "edit": self.edit, "issue": self.issue, "pay": self.pay, "print": self.print,
                "credit": self.credit, "void": self.void, "delete": self.delete,
            }
        )  # fmt: skip
        self.editor = DocumentEditor(self)
        self.fresh = button(tr("New invoice"), partial(self.new, "invoice"), icon_name="plus")
        self.fresh.setToolTip(tr("New invoice") + " (N)")
        self.stack = QStackedWidget()
        self._arrange()
        self._connect()
        self._pace = Pace(self, lambda: self.load(keep=True), soon_ms=400, apart_ms=4000)

    @property
    def view(self) -> str:
        """The segment in front."""
        return self.segment

    def _arrange(self) -> None:
        frame = card()
        frame.setLayout(column(self.states, margins=(1, 4, 1, 4)))
        self.split = SplitDetail(frame, self.panel, prefs=self.shell.prefs, key="invoices")
        head = row(self.segments, self.filter, self.fresh, gap=8)
        head.setStretch(1, 1)
        whole = QWidget()
        body = column(self.ageing, head, self.split, gap=10)
        body.setStretch(2, 1)
        whole.setLayout(body)
        self.stack.addWidget(whole)
        self.stack.addWidget(self.editor)
        self.setLayout(column(self.stack, margins=(20, 16, 20, 14)))

    def _connect(self) -> None:
        self.table.model_.show_skeleton()
        self.table.remember_columns(self.shell.prefs, "invoices.list")
        self.table.previewed.connect(self._previewed)
        self.table.opened.connect(self.open_row)
        self.table.left.connect(self.back)
        self.table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.filter.changed.connect(lambda _terms: self._show_rows())
        self.filter.left.connect(self.table.setFocus)
        self.panel.closed.connect(self.back)
        self.panel.on_links(self.deeds.take_off, lambda entry: self.shell.open("journal", str(entry)))
        self.editor.keep_wanted.connect(self.deeds.keep)
        self.editor.left.connect(lambda: self.show_list(None))
        self.editor.party_wanted.connect(self.deeds.new_party)

    def actions_(self) -> list[Action]:
        group = tr("Invoices")
        has, front = partial(self._is, ""), partial(self._is, None)
        draft, issued = partial(self._is, "draft"), partial(self._is, "issued")
        post = partial(Action, permission=POST, group=group)
        read = partial(Action, permission=READ, group=group)
        return [
            post("invoices.new", tr("New invoice"), partial(self.new, "invoice"), "plus", "N", enabled=front),
            post("invoices.bill", tr("New bill"), partial(self.new, "bill"), "plus", "B", enabled=front),
            post("invoices.edit", tr("Edit draft"), self.edit, "square-pen", "E", enabled=draft),
            post("invoices.issue", tr("Issue"), self.issue, "check", "I", enabled=draft),
            post("invoices.delete", tr("Delete draft"), self.delete, "x", "Delete", undo=True,
                 enabled=draft),
            post("invoices.pay", tr("Record a payment"), self.pay, "landmark", "P", undo=True,
                 enabled=issued),
            post("invoices.credit", tr("Credit note"), self.credit, "rotate-ccw", "C", enabled=issued),
            post("invoices.void", tr("Void the document"), self.void, "trash-2", "V", enabled=issued),
            post("invoices.remind", tr("Reminders"), self.deeds.remind, "bell", "R", enabled=front),
            read("invoices.print", tr("Save as PDF"), self.print, "download", "Ctrl+P", enabled=has),
            read("invoices.filter", tr("Filter"), self.filter.edit.setFocus, "list-filter", "Ctrl+F",
                 aliases=("/",), enabled=front),
            read("invoices.export", tr("Export this list"), self.deeds.export, "download", "Ctrl+E",
                 enabled=front),
            *[
                read(f"invoices.{id}", tr("Show {what}", what=title), partial(self.show_view, id), "list",
                     str(number), enabled=front)
                for number, (id, title) in enumerate(lists.segments(), 1)
            ],
            *self.office.actions(),
        ]  # fmt: skip

    def _is(self, state: str | None) -> bool:
        """Say whether the list is in front, and its document in a state (any of them, with an empty one)."""
        if self.stack.currentIndex() != 0:
            return False
        one = self._first()
        return state is None or (one is not None and state in ("", one.document.state))

    def list_view(self) -> ListView:
        return ListView("invoices.list", self.filter, self.table)

    def activate(self) -> None:
        self._front = True
        self.fresh.setVisible(self.shell.can(POST))
        self.load(keep=True)
        if self.stack.currentIndex() == 0:
            self.table.setFocus()

    def deactivate(self) -> None:
        self._front = False

    def refresh(self) -> None:
        self.load(keep=True)

    def load(self, *, keep: bool = False) -> None:
        """Load all documents, what they are written with, and what is owed."""
        if self.shell.person is None or not self._front:
            return
        self._today = today()
        if not keep:
            self.table.model_.show_skeleton()

        async def read() -> tuple[Any, ...]:
            api, ledger, ctx = self.api("capital.billing"), self.api("capital"), self.ctx
            found = [one for kind in KINDS for one in await api.documents(ctx, kind, most=NEWEST)]
            kept = await ledger.setup(ctx)
            books = Books(
                await api.parties(ctx), await api.tax_codes(ctx), await ledger.accounts(ctx),
                kept.home if kept is not None else "",
            )  # fmt: skip
            aged = {side: await api.aging(ctx, self._today, side) for side in ("receivable", "payable")}
            return found, books, aged

        self.run(read, done=self._show, failed=self._failed)

    def _failed(self, error: SentError) -> None:
        self.table.model_.failed.emit(error)
        if self.table.model_.known():
            self.shell.report(error)

    def _show(self, found: tuple[Any, ...]) -> None:
        documents, books, self._aged = found
        self.shell.mark_fresh()
        changed = books.home != self.books.home
        self.books = books
        if changed:
            self.table.model_.columns = tuple(lists.columns(books.home))
        if self.stack.currentIndex() == 0 or not self.editor.dirty():
            self.editor.set_books(books)
        names = {one.id: one.name for one in books.parties}
        rows = [lists.row_of(one, names.get(one.party, ""), self._today) for one in documents]
        rows.sort(key=lambda one: (one.state != "draft", one.day, one.number), reverse=True)
        self._rows = rows
        self.filter.set_values("party", sorted({one.party for one in rows if one.party})[:500])
        self._show_ageing()
        self._show_rows()
        if self._wanted is not None:
            self._go(self._wanted)
        elif self.split.is_open() and self.panel.row is not None:
            again = next((one for one in rows if one.id == self.panel.row.id), None)
            self._show_detail(again) if again is not None else self.split.close_detail()

    def _show_ageing(self) -> None:
        owing = self.segment == "purchases"
        aged = self._aged.get("payable" if owing else "receivable")
        if aged is not None:
            sums, others = lists.aged_sums(aged, self.books.home)
            self.ageing.show_sums(sums, self.books.home, others, owing=owing)

    def _show_rows(self) -> None:
        terms = self.filter.terms()
        rows = [r for r in self._rows if lists.in_segment(r, self.segment) and lists.passes(r, terms)]
        if self._aged:
            self.table.show_rows(rows, key=lambda r: r.id)

    def show_view(self, segment: str) -> None:
        """Show a segment."""
        self.segment = segment  # type: ignore[assignment]
        self.segments.show_choice(segment)
        self._show_ageing()
        self._show_rows()

    def _show_age(self, age: str) -> None:
        if self.segment not in ("sales", "purchases"):
            self.show_view("sales")
        self.filter.set_text(f"age:{age}")
        self.table.setFocus()

    def chosen(self) -> list[Row]:
        """Return the documents an action is for: marked, current, or the one in the detail."""
        found: list[Row] = self.table.chosen()
        if not found and self.split.is_open() and self.panel.row is not None:
            return [self.panel.row]
        return found

    def _first(self) -> Row | None:
        found = self.chosen()
        return found[0] if found else None

    def open_row(self, one: Row) -> None:
        """Open a document beside the list."""
        self.split.open()
        self._show_detail(one)

    def _previewed(self, one: Row) -> None:
        if self.split.is_open():
            self._show_detail(one)

    def _show_detail(self, one: Row) -> None:
        self.panel.show_row(one, may_post=self.shell.can(POST))

        async def read() -> Whole:
            api, ctx = self.api("capital.billing"), self.ctx
            made: Computed = await api.document(ctx, one.id)
            settled = await api.allocations(ctx, one.id)
            letters = await api.letters(ctx, made.document.party) if made.document.kind == "invoice" else []
            entry = made.document.entry
            lines = await self.api("capital.reports").lines(ctx, entry) if entry is not None else []
            return Whole(made, settled, lines, letters)

        self.run(read, done=self.panel.show_whole)

    def new(self, kind: str) -> None:
        """Begin an invoice or a bill."""
        if self._aged and not self.books.accounts:
            self.shell.toast(tr("Set up the books on the Capital page first."), tone="warn")
        elif self._aged:
            self.stack.setCurrentIndex(1)
            self.editor.open_new(kind)

    def edit(self) -> None:
        """Go on with the draft in front."""
        one = self._first()
        if one is None or one.state != "draft":
            return

        async def read() -> Computed:
            found: Computed = await self.api("capital.billing").document(self.ctx, one.id)
            return found

        self.run(read, done=self.edit_draft)

    def edit_draft(self, made: Computed) -> None:
        """Open a draft in the editor."""
        self.stack.setCurrentIndex(1)
        self.editor.open_draft(made)
        self.load(keep=True)

    def show_list(self, document: UUID | None) -> None:
        """Go back to the list, to a document of it."""
        self.stack.setCurrentIndex(0)
        self._wanted = document
        self.load(keep=True)
        self.table.setFocus()

    def _go(self, document: UUID) -> None:
        self._wanted = None
        one = next((r for r in self._rows if r.id == document), None)
        if one is None:
            return
        if not lists.in_segment(one, self.segment):
            sales = one.document.kind in lists.SALES
            self.show_view("drafts" if one.state == "draft" else "sales" if sales else "purchases")
        if not lists.passes(one, self.filter.terms()):
            self.filter.clear()
        place = self.table.model_.find(one.id)
        if place is not None:
            self.table.go(place)
        self.open_row(one)

    def add_party(self, party: Party) -> None:
        """Take a party that was just added for the document that is written."""
        self.books = Books(
            [*self.books.parties, party], self.books.taxes, self.books.accounts, self.books.home
        )  # fmt: skip
        self.editor.set_books(self.books)
        self.editor.party.set_account(party)
        self.editor.day.setFocus()

    def issue(self) -> None:
        """Issue the chosen drafts."""
        self.deeds.issue(self.chosen())

    def pay(self) -> None:
        """Record a payment of the chosen documents."""
        self.deeds.pay(self.chosen())

    def print(self) -> None:
        """Save the document in front as PDF."""
        if (one := self._first()) is not None:
            self.deeds.print(one)

    def credit(self) -> None:
        """Credit the document in front."""
        if (one := self._first()) is not None:
            self.deeds.credit(one)

    def void(self) -> None:
        """Take the document in front back."""
        if (one := self._first()) is not None:
            self.deeds.void(one)

    def delete(self) -> None:
        """Delete the draft in front."""
        if (one := self._first()) is not None and one.state == "draft":
            self.deeds.delete(one)

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint()

    def set_stale(self, since: datetime | None) -> None:
        self.table.set_dimmed(since is not None)
        self.ageing.set_stale(since is not None)

    def open_record(self, record: str) -> None:
        if record.startswith("filter:"):
            self.filter.set_text(record.removeprefix("filter:"))
            return
        try:
            wanted = UUID(record)
        except ValueError:
            self.shell.toast(tr("There is no such document"), tone="warn")
            return
        if self._aged:
            self._go(wanted)
        else:
            self._wanted = wanted

    def current_record(self) -> str:
        one = self.panel.row if self.split.is_open() else None
        one = one or (self.table.current_row() if self.table.hasFocus() else None)
        return str(one.id) if one is not None else ""

    def back(self) -> bool:
        if self.stack.currentIndex() == 1:
            self.show_list(None)
            return True
        closed = self.split.close_detail()
        self.table.setFocus()
        return closed
