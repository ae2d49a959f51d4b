"""Says that an account of the books is one at a bank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.form import Form, TextField, required
from sent.ui.kit.widgets import button, column, label, line, restyle, row
from sent.ui.pages.capital.accountedit import AccountEdit
from sent.ui.pages.capital.fields import captioned
from sent.ui.shell.overlay import Overlay

if TYPE_CHECKING:
    from sent.engines.capital.api import Account


@dataclass(frozen=True, slots=True)
class NewBank:
    """What was typed."""

    account: Account
    name: str
    iban: str
    commodity: str


class BankAccountLayer(Overlay):
    """See the module."""

    sends = True

    def __init__(self, window: QWidget, done: Callable[[NewBank], object]) -> None:
        card = QFrame()
        card.setFixedWidth(480)
        super().__init__(window, card, top=90)
        self._done = done
        self._accounts: Sequence[Account] = ()
        self.account = AccountEdit(tr("Account in the books"), tr("Number or name"))
        self.account.chosen.connect(self._chosen)
        self.name = TextField(tr("Name"), check=required)
        self.iban = TextField(tr("IBAN"), help=tr("Statements of other accounts are refused then"))
        self.commodity = TextField(tr("Currency"), check=_currency)
        self.said = label("", tone="bad", type="s", wrap=True)
        self.form = Form(self.name, self.iban, self.commodity)
        self.form.guarded = True
        self.form.submitted.connect(self._send)
        self.add = button(tr("Add"), self.form.submit, kind="primary", name=tr("Add the bank account"))
        ends = row(None, button(tr("Cancel"), self.close_layer, kind="quiet"), self.add, gap=8)
        card.setLayout(
            column(
                label(tr("New bank account"), type="l"), line(), captioned(self.account), self.form,
                self.said, ends, gap=12, margins=(20, 16, 20, 16),
            )
        )  # fmt: skip

    def open_new(self, accounts: Sequence[Account], home: str) -> None:
        """Ask for an account."""
        self._accounts = accounts
        self.account.set_accounts(accounts)
        for field in self.form.fields:
            field.set_text("")
            field.show_error("")
        self.commodity.set_text(home)
        self.account.set_account(accounts[0] if accounts else None)
        self.refuse("")
        self.form.settle()
        self.open()
        self.account.setFocus()
        self.account.selectAll()

    def _chosen(self) -> None:
        found = self._account()
        if found is not None:
            self.name.set_text(self.name.text() or found.name)
            if found.commodity:
                self.commodity.set_text(found.commodity)

    def _account(self) -> Account | None:
        found = self.account.account()
        return next((one for one in self._accounts if found is not None and one.id == found.id), None)

    def _send(self) -> None:
        account = self._account()
        restyle(self.account, invalid=account is None)
        if account is None:
            self.refuse(tr("Choose the account in the books that it is"))
            return
        self.add.setEnabled(False)
        iban = "".join(self.iban.text().split()).upper()
        self._done(NewBank(account, self.name.text(), iban, self.commodity.text().upper()))

    def settle(self) -> None:
        """It was added."""
        self.form.settle()
        self.close_layer()

    def refuse(self, text: str) -> None:
        """Say why it was not added; everything stays."""
        self.add.setEnabled(True)
        self.said.setText(text)
        self.said.setVisible(bool(text))


def _currency(text: str) -> str:
    return "" if 2 <= len(text) <= 10 and text.isalnum() else tr("A currency such as GBP")
