"""Left the chart with balances, right the register of the account in front; entries are made below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QSplitter, QWidget

from sent.platform.errors import SentError
from sent.platform.i18n import tr
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.states import ListStates
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import Elided, button, card, column, label, row, tool
from sent.ui.pages.capital.accountedit import ranked
from sent.ui.pages.capital.accounts import register
from sent.ui.pages.capital.accounts.accountlayer import AccountLayer, Wanted
from sent.ui.pages.capital.accounts.entryline import EntryLine, Typed
from sent.ui.pages.capital.money import shown
from sent.ui.shell.actions import Action
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.api import Account, Balance, Journal
    from sent.engines.capital.reports.api import Day, Posting

POST, MANAGE = "capital:post", "capital:manage"


class AccountsPage(Page):
    """See the module."""

    topics = ("capital.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._front = False
        self._accounts: dict[UUID, Account] = {}
        self._balances: dict[UUID, list[Balance]] = {}
        self._journal: Journal | None = None
        self.account: Account | None = None
        self.commodity = ""
        self.home = ""
        self._wanted = ""
        self.places = register.Places(())
        self.search = QLineEdit()
        self.search.setAccessibleName(tr("Find accounts"))
        self.search.setPlaceholderText(tr("Number or name"))
        self.search.setClearButtonEnabled(True)
        self.chart = PagedTable(
            register.account_columns(self._balance_text), run=self.run, name=tr("Accounts")
        )
        self.table = PagedTable(
            register.columns(self._other_text, lambda: self.commodity), run=self.run, name=tr("Register")
        )
        self.entry = EntryLine()
        self.layer: AccountLayer | None = None
        self.fresh = tool("plus", tr("New account"), self.open_account)
        self.title = Elided("", type="l")
        self.total = label("", type="l")
        self.total.setProperty("figures", True)
        self._arrange()
        self._connect()
        self._pace = Pace(self, self.refresh, soon_ms=300, apart_ms=1500)

    def _arrange(self) -> None:
        self.charts = ListStates(
            self.chart,
            empty=(
                "landmark",
                tr("No accounts yet"),
                tr("Set up the books on the Capital page: it opens a chart of accounts of your country."),
            ),
            action=(tr("Open Capital"), lambda: self.shell.open("capital")),
            filtered=lambda: bool(self.search.text()),
            clear_filter=self.search.clear,
        )
        self.lines = ListStates(
            self.table,
            empty=("list", tr("Nothing is booked here yet"), tr("Press N and type the first entry.")),
        )
        left, right = card(), card()
        top = row(self.search, self.fresh, gap=6)
        left.setLayout(column(top, self.charts, gap=6, margins=(8, 8, 8, 4)))
        self.back_button = button(tr("Reverse"), self.reverse, kind="quiet", icon_name="rotate-ccw")
        self.change = tool("square-pen", tr("Change account"), self.change_account)
        head = QWidget()
        line = row(self.title, self.change, self.back_button, self.total, gap=12, margins=(16, 10, 16, 4))
        line.setStretch(0, 1)
        head.setLayout(line)
        right.setLayout(column(head, self.lines, self.entry, gap=0, margins=(1, 1, 1, 1)))
        left.setMinimumWidth(280)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(left)
        self.split.addWidget(right)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(12)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([440, 1000])
        self.split.splitterMoved.connect(
            lambda *_: self.shell.prefs.set_blob("split/accounts", self.split.saveState())
        )
        if (kept := self.shell.prefs.blob("split/accounts")) is not None:
            self.split.restoreState(kept)
        self.setLayout(column(self.split, margins=(20, 16, 20, 14)))

    def _connect(self) -> None:
        self.chart.model_.show_skeleton()
        self.table.model_.show_skeleton()
        self.chart.remember_columns(self.shell.prefs, "accounts.chart")
        self.table.remember_columns(self.shell.prefs, "accounts.register")
        self.chart.previewed.connect(self._chosen)
        self.chart.opened.connect(lambda _row: self.table.setFocus())
        self.table.left.connect(self.chart.setFocus)
        self.table.previewed.connect(lambda _row: self._offer())
        self.table.opened.connect(lambda p: self.shell.open("journal", str(p.entry)))
        self.search.textChanged.connect(lambda _text: self._show_chart())
        self.search.returnPressed.connect(self.chart.setFocus)
        self.entry.entered.connect(self._enter)
        self.entry.left.connect(self.table.setFocus)

    def actions_(self) -> list[Action]:
        group = tr("Accounts")
        return [
            Action("accounts.new", tr("New entry"), self.entry.begin, "plus", "N", POST, group,
                   enabled=lambda: self.account is not None),
            Action("accounts.reverse", tr("Reverse entry"), self.reverse, "rotate-ccw", "R", POST, group,
                   enabled=lambda: self.table.current_row() is not None),
            Action("accounts.open", tr("New account"), self.open_account, "plus", "Shift+N", MANAGE, group),
            Action("accounts.change", tr("Change account"), self.change_account, "square-pen", "E", MANAGE,
                   group, enabled=lambda: self.account is not None),
            Action("accounts.find", tr("Find accounts"), self.search.setFocus, "search", "Ctrl+F",
                   "capital:read", group, aliases=("/",)),
            Action("accounts.end", tr("Go to the newest line"), self.go_end, "arrow-down", "Ctrl+End",
                   "capital:read", group),
        ]  # fmt: skip

    def list_view(self) -> ListView:
        return ListView("accounts.register", None, self.table)

    def activate(self) -> None:
        self._front = True
        self.refresh()
        self.chart.setFocus()

    def deactivate(self) -> None:
        self._front = False

    def refresh(self) -> None:
        if self.shell.person is None or not self._front:
            return
        self.entry.setVisible(self.shell.can(POST))
        self.back_button.setVisible(self.shell.can(POST))
        for made in (self.fresh, self.change):
            made.setVisible(self.shell.can(MANAGE))

        async def load() -> tuple[Any, ...]:
            api = self.api("capital")
            accounts = await api.accounts(self.ctx)
            kept = await api.setup(self.ctx)
            return accounts, await api.balances(self.ctx), await api.journals(self.ctx), kept

        self.run(load, done=self._show, failed=self.chart.model_.failed.emit)

    def _show(self, found: tuple[Any, ...]) -> None:
        accounts, balances, journals, kept = found
        self.shell.mark_fresh()
        self.home = kept.home if kept is not None else ""
        self._accounts = {one.id: one for one in accounts}
        self._balances = {}
        for one in balances:
            if one.amount:
                self._balances.setdefault(one.account, []).append(one)
        self._journal = next((one for one in journals if one.kind == "general"), None)
        self._show_chart()
        self.entry.set_accounts([one for one in accounts if one.closed_on is None])
        if self._wanted:
            self.open_record(self._wanted)
        elif self.account is not None:
            self._load_register()

    def _show_chart(self) -> None:
        found = ranked(self.search.text(), list(self._accounts.values()))
        self.chart.show_rows(found, key=lambda a: a.id)

    def _balance_text(self, account: Account) -> str:
        held = self._balances.get(account.id, [])
        if len(held) > 1:
            return tr("{n} currencies", n=len(held))
        if not held:
            return ""
        sign = 1 if account.kind in ("asset", "expense") else -1
        text = shown(sign * held[0].amount, held[0].commodity)
        return text if held[0].commodity == self.home else f"{text} {held[0].commodity}"

    def _other_text(self, other: UUID | None) -> str:
        if other is None:
            return tr("Several")
        found = self._accounts.get(other)
        return f"{found.code} {found.name}" if found is not None else ""

    def _chosen(self, account: Any) -> None:
        if self.account is None or account.id != self.account.id:
            self.show_account(account)

    def show_account(self, account: Account) -> None:
        """Show the register of an account, from its newest line."""
        self.account = account
        held = self._balances.get(account.id, [])
        commodities = [one.commodity for one in held]
        self.commodity = account.commodity or (
            self.home if self.home in commodities or not commodities else commodities[0]
        )
        self.title.setText(f"{account.code}  {account.name}")
        self.total.setText("")
        self.table.model_.show_skeleton()
        self._load_register(end=True)

    def _load_register(self, *, end: bool = False, day: date | None = None) -> None:
        account, commodity = self.account, self.commodity
        if account is None or self.shell.person is None:
            return

        async def load() -> Sequence[Day]:
            found: Sequence[Day] = await self.api("capital.reports").days(self.ctx, account.id, commodity)
            return found

        def done(days: Sequence[Day]) -> None:
            if self.account is not None and self.account.id == account.id:
                self._show_days(account, days, end=end, day=day)

        self.run(load, done=done, failed=self.table.model_.failed.emit)

    def _show_days(self, account: Account, days: Sequence[Day], *, end: bool, day: date | None) -> None:
        commodity = self.commodity
        self.places = register.Places(days)

        async def ask(*span: Any) -> Sequence[Posting]:
            starts, ends, skip, limit, before = span
            found: Sequence[Posting] = await self.api("capital.reports").postings(
                self.ctx, account.id, commodity, starts, ends, skip=skip, limit=limit, before=before
            )
            return found

        sign = 1 if account.kind in ("asset", "expense") else -1
        self.total.setText(f"{shown(sign * self.places.balance, commodity)} {commodity}")
        self.table.set_source(register.source(self.places, ask), keep=not end)
        if end or day is not None:
            place = self.places.total - 1 if day is None else self.places.after(day)
            self.table.model_.loaded.connect(
                lambda: self.table.go(place), Qt.ConnectionType.SingleShotConnection
            )
        self._offer()

    def go_end(self) -> None:
        """Go to the newest line."""
        self.table.go(self.places.total - 1)
        self.table.setFocus()

    def _offer(self) -> None:
        chosen = self.table.current_row()
        self.back_button.setEnabled(chosen is not None and chosen.kind not in ("closing", "revaluation"))

    def _enter(self, typed: Typed) -> None:
        account, journal, commodity = self.account, self._journal, self.commodity
        if account is None or journal is None:
            self.entry.refuse(tr("Choose an account; the books need a general journal"))
            return

        async def book() -> UUID:
            api = self.api("capital")
            lines = [
                api.Line(account.id, typed.amount, commodity), api.Line(typed.other, -typed.amount, commodity)
            ]  # fmt: skip
            draft = api.Draft(
                journal.id, typed.day, lines, memo=typed.memo, key=f"entry:{typed.id}", id=typed.id
            )
            found: UUID = await api.post(self.ctx, draft)
            return found

        def done(entry: UUID) -> None:
            amount = f"{shown(abs(typed.amount), commodity)} {commodity}"
            self.entry.settle(tr("Booked {amount}", amount=amount))
            self.shell.toast(
                tr("Booked {amount}", amount=amount), undo=lambda: self._take_back(entry, typed.day)
            )
            self._booked(account.id, typed)

        self.run(book, done=done, failed=lambda error: self.entry.refuse(error_text(error)))

    def _booked(self, account: UUID, typed: Typed) -> None:
        """Show the new line; balances follow from the database."""
        if self.account is not None and self.account.id == account:
            self._load_register(day=typed.day)
        self._pace.hint()

    def open_account(self) -> None:
        """Ask for a new account."""
        self._edit(None)

    def change_account(self) -> None:
        """Ask for the new name, role or last day of the account in front."""
        if self.account is not None:
            self._edit(self.account)

    def _edit(self, account: Account | None) -> None:
        layer = self.layer = self.layer or AccountLayer(self.window())

        async def keep(wanted: Wanted) -> str:
            api = self.api("capital")
            if account is None:
                made = await api.open_account(
                    self.ctx, wanted.code, wanted.name, wanted.kind, role=wanted.role
                )
                return str(made)
            changed = replace(account, name=wanted.name, role=wanted.role, closed_on=wanted.closed_on)
            await api.change_account(self.ctx, changed)
            return str(account.id)

        def done(id: str) -> None:
            layer.close_layer()
            self.account, self._wanted = None, id
            self._accounts = {}
            self.refresh()

        def failed(error: SentError) -> None:
            taken = error.code == "database.conflict"
            layer.refuse(tr("Another account has this number") if taken else error_text(error))

        layer.edit(account, lambda wanted: self.run(lambda: keep(wanted), done=done, failed=failed))

    def reverse(self) -> None:
        """Book the opposite of the chosen entry, on its day."""
        chosen = self.table.current_row()
        if chosen is not None and self.back_button.isEnabled():
            self._take_back(chosen.entry, chosen.day)

    def _take_back(self, entry: UUID, day: date) -> None:
        async def act() -> UUID:
            found: UUID = await self.api("capital").reverse(self.ctx, entry, day, tr("Reversed"))
            return found

        def done(_: UUID) -> None:
            self.shell.toast(tr("The entry is reversed: both stay in the books"))
            self._load_register(day=day)
            self._pace.hint()

        def failed(error: SentError) -> None:
            self.shell.report(error)

        self.run(act, done=done, failed=failed)

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint()

    def set_stale(self, since: datetime | None) -> None:
        for table in (self.chart, self.table):
            table.set_dimmed(since is not None)

    def open_record(self, record: str) -> None:
        account = next((one for one in self._accounts.values() if str(one.id) == record), None)
        if account is None:
            self._wanted = record if not self._accounts else ""
            return
        self._wanted = ""
        self.search.clear()
        rows = self.chart.model_.cached_rows()
        if account in rows:
            self.chart.go(rows.index(account))
        self._chosen(account)

    def current_record(self) -> str:
        return str(self.account.id) if self.account is not None else ""

    def back(self) -> bool:
        if self.search.hasFocus():
            self.search.clear()
            self.chart.setFocus()
            return True
        if self.entry.isAncestorOf(self.focusWidget() or self) and not self.entry.dirty():
            self.table.setFocus()
            return True
        return False
