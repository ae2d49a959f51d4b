"""Adds a customer or supplier while a document is written, with what its first document needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.form import Form, TextField, required
from sent.ui.kit.form import email as looks_like_email
from sent.ui.kit.widgets import button, column, label, line, restyle, row
from sent.ui.pages.capital.accountedit import AccountEdit, Named
from sent.ui.pages.capital.fields import captioned
from sent.ui.shell.overlay import Overlay

WIDTH = 520
MOST_DAYS = 730


@dataclass(frozen=True, slots=True)
class NewParty:
    """What was typed."""

    customer: bool
    code: str
    name: str
    address: str
    country: str
    tax_number: str
    email: str
    days: int
    account: UUID | None


class PartyLayer(Overlay):
    """See the module."""

    sends = True

    def __init__(self, window: QWidget) -> None:
        card = QFrame()
        card.setFixedWidth(WIDTH)
        super().__init__(window, card, top=60)
        self._done: Callable[[NewParty], object] = lambda _party: None
        self._customer = True
        self.title = label("", type="l")
        self.name = TextField(tr("Name"), check=required)
        self.code = TextField(tr("Number"), check=required)
        self.address = TextField(tr("Address"), hint=tr("Street, place"))
        self.country = TextField(tr("Country"), hint="GB", check=_country)
        self.tax_number = TextField(tr("Tax number"))
        self.email = TextField(tr("Email"), check=_email)
        self.days = TextField(tr("Days to pay"), check=_days)
        self.account = AccountEdit(tr("Account of its lines"), tr("Number or name"))
        self.said = label("", tone="bad", type="s", wrap=True)
        self.form = Form(
            self.name, self.code, self.address, self.country, self.tax_number, self.email, self.days
        )
        self.form.guarded = True
        self.form.submitted.connect(self._send)
        self.add = button(tr("Add"), self.form.submit, kind="primary", name=tr("Add the party"))
        self.form.body.addLayout(row(self.country, self.tax_number, self.days, gap=12))
        self.form.body.addWidget(self.email)
        self.form.body.insertLayout(0, _two(self.name, self.code))
        ends = row(None, button(tr("Cancel"), self.close_layer, kind="quiet"), self.add, gap=8)
        card.setLayout(
            column(
                self.title, line(), self.form, captioned(self.account), self.said, ends, gap=12,
                margins=(20, 16, 20, 16),
            )
        )  # fmt: skip

    def open_new(
        self, name: str, code: str, accounts: Sequence[Named], done: Callable[[NewParty], object], *,
        customer: bool,
    ) -> None:  # fmt: skip
        """Ask for a party; `code` is the number proposed."""
        self._done, self._customer = done, customer
        self.title.setText(tr("New customer") if customer else tr("New supplier"))
        for field in self.form.fields:
            field.set_text("")
            field.show_error("")
        self.name.set_text(name)
        self.code.set_text(code)
        self.days.set_text("30")
        self.account.set_accounts(accounts)
        self.account.set_account(accounts[0] if accounts else None)
        self.refuse("")
        self.form.settle()
        self.open()
        self.name.edit.setFocus()

    def _send(self) -> None:
        account = self.account.account()
        if self.account.text().strip() and account is None:
            restyle(self.account, invalid=True)
            return
        self.add.setEnabled(False)
        self._done(
            NewParty(
                self._customer, self.code.text(), self.name.text(), self.address.text().replace(", ", "\n"),
                self.country.text().upper(), self.tax_number.text(), self.email.text(),
                int(self.days.text() or "0"), account.id if account is not None else None,
            )
        )  # fmt: skip

    def settle(self) -> None:
        """It was added."""
        self.form.settle()
        self.close_layer()

    def refuse(self, text: str) -> None:
        """Say why it was not added; everything stays."""
        self.add.setEnabled(True)
        self.said.setText(text)
        self.said.setVisible(bool(text))


def _two(left: QWidget, right: QWidget) -> QHBoxLayout:
    made = row(left, right, gap=12)
    made.setStretch(0, 3)
    made.setStretch(1, 1)
    return made


def _days(text: str) -> str:
    fits = not text or (text.isdecimal() and int(text) <= MOST_DAYS)
    return "" if fits else tr("A number of days, 0 to 730")


def _country(text: str) -> str:
    fits = not text or (len(text) == 2 and text.isalpha() and text.isascii())
    return "" if fits else tr("Two letters, such as GB")


def _email(text: str) -> str:
    return looks_like_email(text) if text else ""
