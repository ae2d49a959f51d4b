"""Bank: the account's figures above, left what the bank told, right what it means; Enter goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget

from sent.platform.errors import SentError
from sent.platform.i18n import tr
from sent.ui.kit.choice import Dropdown
from sent.ui.kit.filterbar import FilterBar
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.states import ListStates, Notice
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import Elided, button, card, column, row
from sent.ui.pages.capital.bank import lists
from sent.ui.pages.capital.bank.deeds import SUFFIXES, BankDeeds
from sent.ui.pages.capital.bank.front import FrontPanel
from sent.ui.pages.capital.bank.header import DifferenceLayer, Figures
from sent.ui.pages.capital.bank.lists import Line
from sent.ui.pages.capital.bank.proposing import Proposer
from sent.ui.pages.capital.fields import today
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.engines.capital.api import Account
    from sent.engines.capital.bank.api import BankAccount, Open, Reconciled
    from sent.engines.capital.billing.api import TaxCode

READ, POST, MANAGE = "capital:read", "capital:post", "capital:manage"


class BankPage(Page):
    """See the module."""

    topics = ("capital.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._front = self._soon = False
        self._gone: set[UUID] = set()
        self._place = 0
        self.banks: Sequence[BankAccount] = ()
        self.bank: BankAccount | None = None
        self.accounts: list[Account] = []
        self.taxes: Sequence[TaxCode] = ()
        self.home = ""
        self.lines: list[Line] = []
        self.proposer = Proposer(self, self._proposed)
        self._opens: Sequence[Open] = ()
        self.reconciled: Reconciled | None = None
        self.deeds = BankDeeds(self)
        self._layer: DifferenceLayer | None = None
        self.figures = Figures(self.explain, self.deeds.certain)
        self.choice = Dropdown(tr("Bank account"), (), "", self.choose_bank)
        self.filter = FilterBar(
            lists.fields(), hint=tr("Filter: sure:certain direction:out"), name=tr("Filter statement lines")
        )
        self.table = PagedTable(lists.columns(), run=self.run, name=tr("Statement lines"))
        self.states = ListStates(
            self.table,
            empty=("circle-check", tr("Everything is matched"), tr("Drop a statement here, or press I.")),
            action=(tr("Import a statement"), self.deeds.choose_file),
            filtered=lambda: bool(self.filter.terms()),
            clear_filter=self.filter.clear,
            retry=self.load,
        )
        self.panel = FrontPanel(self.run)
        self.notice = Notice()
        self.certain = button(tr("Match what is certain"), self.deeds.certain, icon_name="list-checks")
        self.importing = button(tr("Import"), self.deeds.choose_file, icon_name="import")
        self.stack = QStackedWidget()
        self._arrange()
        self._connect()
        self._pace = Pace(self, self.load, soon_ms=250, apart_ms=1200)

    def _arrange(self) -> None:
        self.importing.setAccessibleName(tr("Import a statement"))
        self.importing.setToolTip(tr("Import a statement") + " (I)")
        self.certain.setToolTip(tr("Match what is certain") + " (Shift+A)")
        frame = card()
        hint = Elided(tr("Enter accepts, C books, R makes a rule, U undoes, X chooses"), tone="3", type="s")
        foot = row(hint, margins=(12, 4, 12, 6))
        frame.setLayout(column(self.states, foot, gap=0, margins=(1, 4, 1, 4)))
        frame.setMinimumWidth(360)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(frame)
        self.split.addWidget(self.panel)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(12)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([620, 560])
        self.split.splitterMoved.connect(
            lambda *_: self.shell.prefs.set_blob("split/bank", self.split.saveState())
        )
        if (kept := self.shell.prefs.blob("split/bank")) is not None:
            self.split.restoreState(kept)
        self.choice.setMinimumWidth(180)
        head = row(self.choice, self.filter, self.importing, self.certain, gap=8)
        head.setStretch(1, 1)
        frame_all = card()
        frame_all.setLayout(column(self.notice))
        self.stack.addWidget(self.split)
        self.stack.addWidget(frame_all)
        body = column(self.figures, head, self.stack, gap=10, margins=(20, 16, 20, 14))
        body.setStretch(2, 1)
        self.setLayout(body)

    def _connect(self) -> None:
        self.table.model_.show_skeleton()
        self.table.remember_columns(self.shell.prefs, "bank.lines")
        self.panel.table.remember_columns(self.shell.prefs, "bank.opens")
        self.table.previewed.connect(lambda _row: self._show_front())
        self.table.marks_changed.connect(lambda _count: self._show_front())
        self.table.opened.connect(self._accept)
        self.table.model_.loaded.connect(self._loaded)
        self.table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.filter.changed.connect(lambda _terms: self._show_rows())
        self.filter.left.connect(self.table.setFocus)
        self.panel.accept_wanted.connect(self.accept)
        self.panel.match_wanted.connect(self._match)
        self.panel.create_wanted.connect(self._create)
        self.panel.left.connect(self.table.setFocus)

    def actions_(self) -> list[Action]:
        group = tr("Bank")
        has = lambda: bool(self.lines) and self._line() is not None  # noqa: E731
        post = partial(Action, permission=POST, group=group)
        read = partial(Action, permission=READ, group=group)
        return [
            post("bank.accept", tr("Accept the proposal"), self.accept, "check", "A", undo=True, enabled=has),
            post("bank.create", tr("Create an entry"), self.begin_entry, "plus", "C", undo=True, enabled=has),
            read("bank.match", tr("Choose items to match"), self.choose_items, "list-checks", "F",
                 enabled=has),
            post("bank.rule", tr("Make a rule of the line"), self.make_rule, "square-pen", "R", enabled=has),
            post("bank.undo", tr("Undo the last match"), self.deeds.undo, "undo-2",
                 enabled=lambda: self.bank is not None),
            post("bank.certain", tr("Match what is certain"), self.deeds.certain, "list-checks", "Shift+A",
                 enabled=lambda: self.bank is not None),
            post("bank.import", tr("Import a statement"), self.deeds.choose_file, "import", "I",
                 enabled=lambda: self.bank is not None),
            read("bank.explain", tr("What makes the difference"), self.explain, "scale", "D",
                 enabled=lambda: self.reconciled is not None),
            read("bank.filter", tr("Filter"), self.filter.edit.setFocus, "list-filter", "Ctrl+F",
                 aliases=("/",)),
            Action("bank.add", tr("New bank account"), self.deeds.add_account, "plus", "", MANAGE, group),
        ]  # fmt: skip

    def list_view(self) -> ListView:
        return ListView("bank.lines", self.filter, self.table)

    def record_of(self, row: Any) -> str:
        return ""

    def activate(self) -> None:
        self._front = True
        for made in (self.importing, self.certain):
            made.setVisible(self.shell.can(POST))
        self.load()
        self.table.setFocus()

    def deactivate(self) -> None:
        self._front = False

    def refresh(self) -> None:
        self.load()

    def load(self) -> None:
        """Load accounts, lines and balances, and then what is proposed."""
        if self.shell.person is None or not self._front:
            return
        wanted, day = self.bank.id if self.bank is not None else None, today()
        chosen = str(wanted) if wanted is not None else self.shell.prefs.own("bank.account")

        async def read() -> tuple[Any, ...]:
            api, ledger, ctx = self.api("capital.bank"), self.api("capital"), self.ctx
            banks = await api.bank_accounts(ctx)
            books = await ledger.accounts(ctx), await ledger.setup(ctx)
            taxes = await self.api("capital.billing").tax_codes(ctx)
            bank = next((one for one in banks if str(one.id) == chosen), banks[0] if banks else None)
            if bank is None:
                return banks, None, books, taxes, [], None, []
            movements = await api.unmatched(ctx, bank.id)
            reconciled = await api.reconciled(ctx, bank.id, day)
            opens = await api.candidates(ctx, bank.id, day)
            return banks, bank, books, taxes, movements, reconciled, opens

        self.run(read, done=self._show, failed=self._failed)

    def _failed(self, error: SentError) -> None:
        self.table.model_.failed.emit(error)
        if self.table.model_.known():
            self.shell.report(error)

    def _show(self, read: tuple[Any, ...]) -> None:
        self.banks, bank, (accounts, kept), self.taxes, movements, reconciled, opens = read
        self.shell.mark_fresh()
        if self.bank is not None and bank is not None and bank.id != self.bank.id:
            self.proposer.forget()
        self.bank, self.reconciled, self._opens = bank, reconciled, opens
        self.accounts = [one for one in accounts if one.closed_on is None]
        self.home = kept.home if kept is not None else ""
        self._show_banks()
        if bank is None:
            self._show_none()
            return
        self.stack.setCurrentIndex(0)
        self._gone &= {one.id for one in movements}
        found = self.proposer.found
        self.lines = [Line(one, found.get(one.id)) for one in movements if one.id not in self._gone]
        against = [one for one in self.accounts if one.id != bank.account]
        codes = list({one.code: one for one in reversed(self.taxes)}.values())
        self.panel.set_accounts(against, codes)
        self.panel.set_opens(opens)
        self.figures.show_reconciled(reconciled, bank.commodity)
        self._show_rows()
        self.proposer.ask(bank, soon=self._soon)
        self._soon = False

    def _show_banks(self) -> None:
        titles = [(str(one.id), one.name) for one in self.banks]
        if titles != [(self.choice.itemData(n), self.choice.itemText(n)) for n in range(self.choice.count())]:
            self.choice.clear()
            for id, title in titles:
                self.choice.addItem(title, id)
        if self.bank is not None:
            self.choice.show_choice(str(self.bank.id))
        self.choice.setVisible(bool(titles))
        self.filter.setVisible(bool(titles))
        for made in (self.importing, self.certain):
            made.setVisible(bool(titles) and self.shell.can(POST))

    def _show_none(self) -> None:
        self.lines = []
        self.stack.setCurrentIndex(1)
        actions = [(tr("New bank account"), self.deeds.add_account)] if self.shell.can(MANAGE) else []
        text = tr("Say which account of the books is one at a bank; then statements can be imported.")
        if not self.accounts:
            text = tr("Set up the books on the Capital page first.")
            actions = [(tr("Open Capital"), lambda: self.shell.open("capital"))]
        self.notice.show_text("landmark", tr("No bank account yet"), text, *actions)

    def _proposed(self) -> None:
        self.lines = [Line(one.movement, self.proposer.found.get(one.id)) for one in self.lines]
        self._show_rows()

    def _show_rows(self) -> None:
        if self.bank is None:
            return
        terms = self.filter.terms()
        rows = [one for one in self.lines if one.id not in self._gone and lists.passes(one, terms)]
        self._place = max(0, self.table.current_number())
        self.table.show_rows(rows, key=lambda one: one.id)
        left = [one for one in self.lines if one.id not in self._gone]
        certain = sum(one.sure == "certain" for one in left)
        self.figures.show_left(len(left), certain, known=self.proposer.known)
        self.certain.setEnabled(bool(certain))

    def _loaded(self) -> None:
        if self.table.current_number() < 0 and self.table.model_.known():
            self.table.go(min(self._place, self.table.model_.known() - 1))
        self._show_front()

    def chosen(self) -> list[Line]:
        """Return the lines an action is for: the marked ones, or the one in front."""
        found: list[Line] = self.table.chosen()
        return found

    def _line(self) -> Line | None:
        found = self.chosen()
        return found[0] if found else None

    def _show_front(self) -> None:
        found = self.chosen()
        one = found[0] if found and not self.table.model_.skeleton else None
        proposal = one.proposal if one is not None else None
        against = proposal.account if proposal is not None else None
        account = next((one for one in self.accounts if one.id == against), None)
        named = f"{account.code} {account.name}" if account is not None else ""
        movements = [each.movement for each in found]
        self.panel.show_line(one, movements, named, may_post=self.shell.can(POST))

    def choose_bank(self, id: str) -> None:
        """Show another bank account."""
        self.shell.prefs.set_own("bank.account", id)
        self.bank = next((one for one in self.banks if str(one.id) == id), None)
        self.proposer.forget()
        self.deeds.done.clear()
        self.table.model_.show_skeleton()
        self.load()

    def take_away(self, movements: Sequence[UUID]) -> bool:
        """Take lines off the list before the answer is there; False when they are on their way already."""
        if set(movements) & self._gone:
            return False
        self._gone |= set(movements)
        self.proposer.drop(movements)
        self.lines = [Line(one.movement, self.proposer.found.get(one.id)) for one in self.lines]
        self.table.clear_marks()
        self._show_rows()
        return True

    def bring_back(self, movements: Sequence[UUID]) -> None:
        """Show lines again: it was refused, or undone."""
        self._gone -= set(movements)
        self._show_rows()

    def settled(self, *, anew: bool = True) -> None:
        """Something changed: read again soon; `anew` when other proposals may follow from it."""
        self._soon = self._soon or anew
        self._pace.hint()

    def _accept(self, one: Line) -> None:
        if self.shell.can(POST):
            self.deeds.accept(one)

    def accept(self) -> None:
        """Accept what is proposed for the line in front."""
        if (one := self._line()) is not None:
            self._accept(one)
            self.table.setFocus()

    def _match(self, opens: Sequence[Open], charge: bool) -> None:
        if self.shell.can(POST):
            self.deeds.match(self.chosen(), opens, charge)
            self.table.setFocus()

    def _create(self, account: UUID, tax: str, memo: str) -> None:
        if self.shell.can(POST):
            self.deeds.create(self.chosen(), account, tax, memo)
            self.panel.show_way("match")
            self.table.setFocus()

    def begin_entry(self) -> None:
        """Show where an entry is made of the line."""
        self.panel.show_way("create")

    def choose_items(self) -> None:
        """Take the keyboard to the items that may be matched."""
        self.panel.show_way("match")
        self.panel.table.setFocus()

    def make_rule(self) -> None:
        """Make a rule of the line in front."""
        if (one := self._line()) is not None:
            self.deeds.make_rule(one)

    def explain(self) -> None:
        """Show what makes the difference between bank and books."""
        if self.reconciled is None or self.bank is None:
            return
        if self._layer is None:
            self._layer = DifferenceLayer(self.window())
            self.shell.layers.append(self._layer)
        self._layer.open_sum(self.reconciled, self.bank.commodity)

    def takes_files(self, paths: Sequence[Path]) -> bool:
        return self.bank is not None and len(paths) == 1 and paths[0].suffix.lower() in SUFFIXES

    def drop_files(self, paths: Sequence[Path]) -> None:
        self.deeds.open_file(paths[0])

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint()

    def set_stale(self, since: datetime | None) -> None:
        self.table.set_dimmed(since is not None)
        self.panel.table.set_dimmed(since is not None)
        self.figures.set_stale(since is not None)

    def may_take_back(self) -> bool:
        return self.bank is not None and self.shell.can(POST)

    def take_back(self) -> None:
        self.deeds.undo()

    def back(self) -> bool:
        if self.panel.stack.currentIndex() == 1:
            self.panel.show_way("match")
            self.table.setFocus()
            return True
        if self.panel.focused():
            self.table.setFocus()
            return True
        return False
