"""The line in front: who and what, the best proposal with its reasons, and below it two ways of one's own.

Match: choose items (X) until the difference is nothing. Create: book against an account.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QLineEdit, QStackedWidget, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.choice import Segments
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Run
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import Elided, button, clear, column, label, line, restyle, row
from sent.ui.pages.capital.accountedit import AccountEdit, Named
from sent.ui.pages.capital.bank import lists
from sent.ui.pages.capital.bank.bar import ConfidenceBar
from sent.ui.pages.capital.bank.lists import Line
from sent.ui.pages.capital.fields import captioned, edit
from sent.ui.pages.capital.invoices.written import sum_line
from sent.ui.pages.capital.money import day_shown, shown

if TYPE_CHECKING:
    from sent.engines.capital.bank.api import Movement, Open, Proposal

ITEMS = 5


class ProposalCard(QFrame):
    """What is proposed for a line: how sure, why, and what it does."""

    accepted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.sure = label("", weight="bold")
        self.bar = ConfidenceBar()
        self.share = label("", tone="2")
        self.share.setProperty("figures", True)
        self.accept = button(tr("Accept"), self.accepted.emit, kind="primary", name=tr("Accept the proposal"))
        self.accept.setToolTip(tr("Accept the proposal") + " (Enter)")
        self.why = label("", tone="2", type="s", wrap=True)
        self._items = column(gap=2)
        self.setLayout(
            column(
                row(self.sure, self.bar, self.share, None, self.accept, gap=10), self.why, self._items, gap=6,
                margins=(14, 10, 12, 12),
            )
        )  # fmt: skip

    def show_proposal(self, proposal: Proposal | None, account: str, *, may_post: bool) -> None:
        """Show a proposal; `account` names what a booking goes against."""
        sure = lists.sure_of(proposal)
        clear(self._items)
        self.sure.setText(lists.sure_name(sure))
        self.accept.setVisible(proposal is not None and may_post)
        self.share.setVisible(proposal is not None)
        self.bar.setVisible(proposal is not None)
        if proposal is None:
            self.why.setText(tr("Choose items below, or press C to book it against an account."))
            return
        self.bar.show_share(proposal.confidence, sure)
        self.share.setText(f"{round(100 * proposal.confidence)} %")
        self.why.setText(tr("Because {reasons}", reasons=", ".join(map(lists.reason, proposal.why))))
        for taken in proposal.taken[:ITEMS]:
            one = taken.open
            name = "  ".join(part for part in (one.reference, one.party or one.text) if part)
            self._items.addLayout(
                sum_line(name or lists.kind_name(one.kind), shown(taken.amount, one.commodity))
            )
        if len(proposal.taken) > ITEMS:
            self._items.addWidget(label(tr("and {n} more", n=len(proposal.taken) - ITEMS), tone="3"))
        if proposal.charge:
            self._items.addLayout(sum_line(tr("Charge of the bank"), shown(proposal.charge)))
        if proposal.kind == "book":
            self._items.addLayout(sum_line(tr("Book against"), account))
        if len(proposal.movements) > 1:
            lines = trn("with {n} line of the statement", "with {n} lines of the statement",
                        n=len(proposal.movements))  # fmt: skip
            self._items.addWidget(label(lines, tone="3", type="s"))


class FrontPanel(QFrame):
    """See the module."""

    accept_wanted = Signal()
    match_wanted = Signal(object, bool)
    """Chosen items, and whether the difference is a charge."""
    create_wanted = Signal(object, str, str)
    """Account id, tax code, memo."""
    left = Signal()

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.line: Line | None = None
        self._movements: Sequence[Movement] = ()
        self._opens: Sequence[Open] = ()
        self.party = Elided("", type="l")
        self.amount = label("", type="l")
        self.amount.setProperty("figures", True)
        self.text = label("", tone="2", wrap=True)
        self.meta = Elided("", tone="3", type="s")
        self.card = ProposalCard()
        self.card.accepted.connect(self.accept_wanted)
        self.ways = Segments(
            tr("What to do"), [("match", tr("Match")), ("create", tr("Create"))], "match", self.show_way
        )
        self.search = edit(tr("Find items"), tr("Find by number, party or amount"))
        self.table = PagedTable(lists.open_columns(), run=run, name=tr("Open items"))
        self.states = ListStates(
            self.table,
            empty=("list", tr("Nothing is open"), tr("No entry or document waits for money.")),
            filtered=lambda: bool(self.search.text()),
            clear_filter=self.search.clear,
        )
        self.sum = label("", tone="2", wrap=True)
        self.charge = QCheckBox(tr("The difference is a charge of the bank"))
        self.charge.setAccessibleName(self.charge.text())
        self.match = button(tr("Match"), self.send_match, kind="primary", name=tr("Match what is chosen"))
        self.account = AccountEdit(tr("Account"), tr("Number or name"))
        self.tax = AccountEdit(tr("Tax code"), tr("None"))
        self.memo = edit(tr("Text"), tr("What it was for"))
        self.said = label("", tone="3", type="s", wrap=True)
        self.book = button(tr("Book"), self.send_create, kind="primary", name=tr("Book the line"))
        self.stack = QStackedWidget()
        self._arrange()
        self._connect()
        self.show_line(None, (), "", may_post=False)

    def _arrange(self) -> None:
        head = row(self.party, self.amount, gap=12)
        head.setStretch(0, 1)
        matching, creating = QWidget(), QWidget()
        ends = row(self.charge, None, self.match, gap=8)
        body = column(self.search, self.states, self.sum, ends, gap=8)
        body.setStretch(1, 1)
        matching.setLayout(body)
        creating.setLayout(
            column(
                captioned(self.account), captioned(self.tax), captioned(self.memo), self.said,
                row(None, self.book), None, gap=10,
            )
        )  # fmt: skip
        self.stack.addWidget(matching)
        self.stack.addWidget(creating)
        layout = column(
            head, self.text, self.meta, self.card, line(), row(self.ways, None), self.stack, gap=8,
            margins=(16, 12, 16, 12),
        )  # fmt: skip
        layout.setStretch(6, 1)
        self.setLayout(layout)
        self.setMinimumWidth(380)

    def _connect(self) -> None:
        self.table.model_.show_skeleton()
        self.search.textChanged.connect(lambda _text: self._show_opens())
        self.search.returnPressed.connect(self.table.setFocus)
        self.table.marks_changed.connect(lambda _count: self._tell_sum())
        self.table.previewed.connect(lambda _row: self._tell_sum())
        self.table.opened.connect(lambda _row: self.send_match())
        self.table.left.connect(self.left)
        self.charge.toggled.connect(lambda _on: self._tell_sum())
        fields: tuple[QLineEdit, ...] = (self.account, self.tax, self.memo)
        for field, following in zip(fields, (self.tax, self.memo, None), strict=True):
            field.returnPressed.connect(self.send_create if following is None else partial(_enter, following))

    def set_accounts(self, accounts: Sequence[Named], taxes: Sequence[Named]) -> None:
        """Say what can be booked against."""
        self.account.set_accounts(accounts)
        self.tax.set_accounts(taxes)

    def set_opens(self, opens: Sequence[Open]) -> None:
        """Say what may be matched."""
        self._opens = opens
        self._show_opens()

    def show_line(
        self, shown_line: Line | None, movements: Sequence[Movement], account: str, *, may_post: bool
    ) -> None:
        """Show the line in front; `movements` are those an action is for (marked ones, or this one)."""
        before = self.line.id if self.line is not None else None
        self.line, self._movements = shown_line, movements
        for part in (self.card, self.ways, self.stack, self.amount):
            part.setVisible(shown_line is not None)
        self.match.setVisible(may_post)
        self.book.setVisible(may_post)
        if shown_line is None:
            self.party.setText(tr("Nothing is left to match"))
            self.text.setText("")
            self.meta.setText("")
            return
        one = shown_line.movement
        self.party.setText(one.counterparty or tr("Without a name"))
        total = sum((each.amount for each in movements), Decimal(0))
        self.amount.setText(f"{shown(total, one.commodity)} {one.commodity}")
        self.text.setText(one.text[:300])
        self.text.setVisible(bool(one.text))
        parts = [day_shown(one.day), one.iban, one.reference if one.reference != one.text else ""]
        if len(movements) > 1:
            parts.append(trn("{n} line chosen", "{n} lines chosen", n=len(movements)))
        self.meta.setText("  ·  ".join(part for part in parts if part))
        self.card.show_proposal(shown_line.proposal, account, may_post=may_post)
        if shown_line.id != before:
            self._begin(shown_line)
        self._show_opens()

    def _begin(self, shown_line: Line) -> None:
        self.table.clear_marks()
        self.charge.setChecked(False)
        self.memo.setText(shown_line.text[:200])
        self.memo.setCursorPosition(0)
        self.account.set_account(None)
        self.tax.set_account(None)
        self.tell("")
        if self.search.text():
            self.search.clear()

    def _show_opens(self) -> None:
        wanted = self.search.text().strip().casefold()
        found = [
            one
            for one in self._opens
            if not wanted or wanted in f"{one.reference} {one.party} {one.text} {one.amount}".casefold()
        ]
        self.table.show_rows(lists.nearest(self._movements, found), key=lambda one: one.id)
        self._tell_sum()

    def chosen(self) -> list[Open]:
        """Return the items that are chosen: the marked ones, also those a search hides now."""
        marked = self.table.model_.marked
        if marked:
            return [one for one in self._opens if one.id in marked]
        found: list[Open] = self.table.chosen()
        return found

    def _tell_sum(self) -> None:
        if self.line is None:
            return
        opens, commodity = self.chosen(), self.line.movement.commodity
        found = lists.sum_of(self._movements, opens)
        split = lists.split_of(self._movements, opens, charge=self.charge.isChecked())
        off = found.difference != 0
        self.charge.setVisible((bool(opens) and off and split is not None) or self.charge.isChecked())
        self.match.setEnabled(split is not None)
        items = trn("{n} item", "{n} items", n=len(opens))
        text = tr(
            "{items}: {sum}. Difference {difference}", items=items, sum=shown(found.items, commodity),
            difference=shown(found.difference, commodity),
        )  # fmt: skip
        if not opens:
            text = tr("X chooses items, Enter matches them")
        elif split is not None and split.left:
            text += ". " + tr("{amount} of the last one stays open", amount=shown(split.left, commodity))
        restyle(self.sum, tone="ok" if opens and not off else "2")
        self.sum.setText(text)

    def show_way(self, way: str) -> None:
        """Show how to match, or how to create an entry."""
        self.ways.show_choice(way)
        self.stack.setCurrentIndex(0 if way == "match" else 1)
        if way == "create":
            self.account.setFocus()
            self.account.selectAll()

    def send_match(self) -> None:
        """Match what is chosen."""
        if self.match.isEnabled() and self.line is not None and self.chosen():
            self.match_wanted.emit(self.chosen(), self.charge.isChecked())

    def send_create(self) -> None:
        """Book the line against the account."""
        account = self.account.account()
        restyle(self.account, invalid=account is None)
        if account is None:
            self.tell(tr("Which account is it booked against?"), bad=True)
            self.account.setFocus()
            return
        tax = self.tax.account()
        if self.tax.text().strip() and tax is None:
            restyle(self.tax, invalid=True)
            self.tell(tr("Choose a tax code from the list, or none"), bad=True)
            return
        self.create_wanted.emit(account.id, tax.code if tax is not None else "", self.memo.text().strip())

    def tell(self, text: str, *, bad: bool = False) -> None:
        """Say something below the fields."""
        restyle(self.said, tone="bad" if bad else "3")
        self.said.setText(text)

    def focused(self) -> bool:
        """Say whether the keyboard is here."""
        return self.isAncestorOf(self.window().focusWidget() or self)


def _enter(field: QLineEdit) -> None:
    """Take the keyboard; what stands there is replaced by what is typed."""
    field.setFocus()
    field.selectAll()
