"""Asks for a payment of one or several documents of a party: account, day, amount, cash discount, rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QCheckBox, QFrame, QWidget

from sent.platform.i18n import tr, trn
from sent.platform.ids import uuid7
from sent.ui.kit.widgets import button, column, label, line, restyle, row
from sent.ui.pages.capital.accountedit import AccountEdit, Named
from sent.ui.pages.capital.fields import amount_of, captioned, day_of, edit, tidy_day, today
from sent.ui.pages.capital.invoices.lists import Row
from sent.ui.pages.capital.money import day_shown, shown
from sent.ui.shell.overlay import Overlay

if TYPE_CHECKING:
    from sent.engines.capital.billing.api import Document

WIDTH = 480


@dataclass(frozen=True, slots=True)
class Part:
    """What one document gets."""

    document: UUID
    amount: Decimal
    discount: Decimal = Decimal(0)
    write_off: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment to be booked; what the parts leave is a credit of the party."""

    id: UUID
    party: UUID
    incoming: bool
    day: date
    amount: Decimal
    commodity: str
    account: UUID
    reference: str
    parts: Sequence[Part]


def shared_out(
    amount: Decimal, documents: Sequence[Document], discounts: Sequence[Decimal], *, let_go: bool
) -> list[Part]:
    """Give an amount to documents, the longest due first; `let_go` writes off what is missing at the end."""
    order = sorted(range(len(documents)), key=lambda n: (documents[n].due, documents[n].day))
    parts: dict[int, Part] = {}
    left = amount
    for place in order:
        about = documents[place]
        discount = min(discounts[place], about.open)
        takes = min(left, about.open - discount)
        full = takes == about.open - discount
        rest = about.open - takes if let_go and not full and takes > 0 else Decimal(0)
        if takes > 0 or (full and discount):
            parts[place] = Part(about.id, takes, discount if full else Decimal(0), rest)
        left -= takes
    return [parts[place] for place in sorted(parts)]


class PayLayer(Overlay):
    """See the module; `open_payment` says who hears what was asked."""

    sends = True

    def __init__(self, window: QWidget) -> None:
        card = QFrame()
        card.setFixedWidth(WIDTH)
        super().__init__(window, card, top=90)
        self._rows: Sequence[Row] = ()
        self._discounts: list[Decimal] = []
        self._done: Callable[[Asked], object] = lambda _asked: None
        self._id = uuid7()
        self.title = label("", type="l", wrap=True)
        self.about = label("", tone="2", wrap=True)
        self.account = AccountEdit(tr("Bank or cash account"), tr("Number or name"))
        self.day, self.amount = edit(tr("Day")), edit(tr("Amount"), right=True)
        self.reference = edit(tr("Reference"))
        self.discount = QCheckBox()
        self.rest = QCheckBox(tr("Let a small difference go"))
        self.said = label("", tone="3", type="s", wrap=True)
        self.book = button(tr("Record the payment"), self.send, kind="primary")
        self._arrange()

    def _arrange(self) -> None:
        fields = row(captioned(self.day), captioned(self.amount), gap=12)
        ends = row(None, button(tr("Cancel"), self.close_layer, kind="quiet"), self.book, gap=8)
        self.card.setLayout(
            column(
                self.title, self.about, line(), captioned(self.account), fields, captioned(self.reference),
                self.discount, self.rest, self.said, ends, gap=12, margins=(20, 16, 20, 16),
            )
        )  # fmt: skip
        tidy_day(self.day, today)
        self.amount.textChanged.connect(lambda _text: self._tell())
        self.discount.toggled.connect(self._discounted)
        self.rest.toggled.connect(lambda _on: self._tell())
        order = (self.account, self.day, self.amount, self.reference)
        for field, following in zip(order, [*order[1:], None], strict=True):
            field.returnPressed.connect(following.setFocus if following is not None else self.send)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(self.send)

    def open_payment(
        self, rows: Sequence[Row], accounts: Sequence[Named], discounts: Sequence[Decimal],
        done: Callable[[Asked], object],
    ) -> None:  # fmt: skip
        """Ask for a payment of documents of one party in one currency; `discounts` may be taken today."""
        self._rows, self._done, self._id = rows, done, uuid7()
        self._discounts = list(discounts)
        first = rows[0]
        self.title.setText(tr("Payment of {party}", party=first.party))
        if first.document.kind in ("bill", "purchase_credit"):
            self.title.setText(tr("Payment to {party}", party=first.party))
        numbers = ", ".join(one.number for one in rows[:6])
        more = trn("{n} document", "{n} documents", n=len(rows)) + f": {numbers}"
        self.about.setText(more if len(rows) <= 6 else f"{more} …")
        self.account.set_accounts(accounts)
        self.account.set_account(self.account.account() or (accounts[0] if accounts else None))
        self.day.setText(day_shown(today()))
        self.reference.clear()
        whole = sum(self._discounts, Decimal(0))
        text = tr("Cash discount of {amount}", amount=shown(whole, first.document.commodity))
        self.discount.setText(text)
        self.discount.setAccessibleName(text)
        self.discount.setVisible(whole > 0)
        self.discount.setChecked(whole > 0)
        self.rest.setAccessibleName(self.rest.text())
        self.rest.setChecked(False)
        self._busy(False)
        self._discounted()
        self.open()
        self.amount.setFocus()
        self.amount.selectAll()

    def _discounted(self) -> None:
        taken = sum(self._discounts, Decimal(0)) if self.discount.isChecked() else Decimal(0)
        whole = sum((one.document.open for one in self._rows), Decimal(0)) - taken
        if self._rows:
            self.amount.setText(shown(whole, self._rows[0].document.commodity))

    def parts(self, amount: Decimal) -> list[Part]:
        """Return what each document gets of an amount."""
        used = self._discounts if self.discount.isChecked() else [Decimal(0)] * len(self._rows)
        documents = [one.document for one in self._rows]
        return shared_out(amount, documents, used, let_go=self.rest.isChecked())

    def _tell(self) -> None:
        amount = amount_of(self.amount)
        if amount is None or not self._rows:
            return
        commodity = self._rows[0].document.commodity
        parts = self.parts(amount)
        settled = sum((one.amount + one.discount + one.write_off for one in parts), Decimal(0))
        whole = sum((one.document.open for one in self._rows), Decimal(0))
        over = amount - sum((one.amount for one in parts), Decimal(0))
        restyle(self.said, tone="3")
        if over > 0:
            self.said.setText(
                tr("{amount} stays as a credit", amount=f"{shown(over, commodity)} {commodity}")
            )
        elif settled < whole:
            left = f"{shown(whole - settled, commodity)} {commodity}"
            self.said.setText(tr("{amount} stays open", amount=left))
        else:
            self.said.setText(tr("Settles everything"))

    def send(self) -> None:
        """Book it, or say what is missing."""
        account, day = self.account.account(), day_of(self.day, today())
        amount = amount_of(self.amount)
        restyle(self.account, invalid=account is None)
        if account is None:
            self.refuse(tr("Which account did the money go through?"))
            self.account.setFocus()
        elif day is None:
            self.refuse(tr("Not a day: write 2026-03-14, 14.3. or 14"))
            self.day.setFocus()
        elif amount is None or amount <= 0:
            self.refuse(tr("A payment is more than nothing"))
            self.amount.setFocus()
        elif self.book.isEnabled():
            self._busy(True)
            about = self._rows[0].document
            incoming = about.kind in ("invoice", "purchase_credit")
            self._done(
                Asked(
                    self._id, about.party, incoming, day, amount, about.commodity, account.id,
                    self.reference.text().strip(), self.parts(amount),
                )
            )  # fmt: skip

    def refuse(self, text: str) -> None:
        """Say why it was not booked; everything stays."""
        self._busy(False)
        restyle(self.said, tone="bad")
        self.said.setText(text)

    def _busy(self, busy: bool) -> None:
        self.book.setEnabled(not busy)
