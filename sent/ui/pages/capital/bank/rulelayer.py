"""Makes a rule of a statement line: what it looks for, what it books, and how many lines it fits now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QFrame

from sent.platform.errors import SentError
from sent.platform.i18n import tr, trn
from sent.ui.kit.choice import Segments
from sent.ui.kit.form import Form, TextField, required
from sent.ui.kit.widgets import button, column, label, line, restyle, row
from sent.ui.pages.capital.accountedit import AccountEdit, Named
from sent.ui.pages.capital.bank.lists import remembered_words
from sent.ui.pages.capital.fields import captioned
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.bank.api import Movement
    from sent.ui.kit.page import Page

SETTLE_MS = 150


@dataclass(frozen=True, slots=True)
class NewRule:
    """What was typed."""

    name: str
    account: UUID
    text: str
    party: str
    direction: str
    tax: str
    memo: str
    auto: bool


class RuleLayer(Overlay):
    """See the module."""

    sends = True

    def __init__(self, page: Page, done: Callable[[NewRule], object]) -> None:
        card = QFrame()
        card.setFixedWidth(560)
        super().__init__(page.window(), card, top=50)
        self._page, self._done = page, done
        self._movements: Sequence[Movement] = ()
        self._direction = "out"
        self.name = TextField(tr("Name"), check=required)
        self.party = TextField(tr("Counterparty has"), help=tr("A pattern; capitals do not matter"))
        self.text = TextField(tr("Text has"), help=tr("A pattern, such as rent|lease"))
        self.memo = TextField(tr("Text of the entry"))
        self.account = AccountEdit(tr("Account"), tr("Number or name"))
        self.tax = AccountEdit(tr("Tax code"), tr("None"))
        self.way = Segments(
            tr("Direction"), [("in", tr("Money in")), ("out", tr("Money out"))], "out", self._turn
        )
        self.auto = QCheckBox(tr("Book by itself, without asking"))
        self.auto.setAccessibleName(self.auto.text())
        self.said = label("", tone="2", wrap=True)
        self.form = Form(self.name, self.party, self.text, self.memo)
        self.form.guarded = True
        self.form.submitted.connect(self._send)
        self.keep = button(tr("Keep the rule"), self.form.submit, kind="primary")
        ends = row(None, button(tr("Cancel"), self.close_layer, kind="quiet"), self.keep, gap=8)
        book = row(captioned(self.account), captioned(self.tax), gap=12)
        book.setStretch(0, 2)
        book.setStretch(1, 1)
        card.setLayout(
            column(
                label(tr("Rule from this line"), type="l"), line(), row(self.way, None), self.form, book,
                self.auto, self.said, ends, gap=12, margins=(20, 16, 20, 16),
            )
        )  # fmt: skip
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self._count)
        for field in (self.party, self.text):
            field.edit.textChanged.connect(lambda _text: self._timer.start())

    def open_rule(
        self, about: Movement, movements: Sequence[Movement], accounts: Sequence[Named],
        taxes: Sequence[Named], account: Named | None,
    ) -> None:  # fmt: skip
        """Propose a rule for a line; `movements` are those it is counted on."""
        self._movements = movements
        self.account.set_accounts(accounts)
        self.account.set_account(account)
        self.tax.set_accounts(taxes)
        self.tax.set_account(None)
        for field in self.form.fields:
            field.set_text("")
            field.show_error("")
        self.name.set_text((about.counterparty or about.text)[:60])
        (self.party if about.counterparty else self.text).set_text(remembered_words(about))
        self.auto.setChecked(False)
        self._turn("in" if about.amount > 0 else "out")
        self.refuse("")
        self.form.settle()
        self.open()
        (self.account if account is None else self.name.edit).setFocus()

    def _turn(self, direction: str) -> None:
        self._direction = direction
        self.way.show_choice(direction)
        self._timer.start()

    def _count(self) -> None:
        text, party, direction = self.text.text(), self.party.text(), self._direction
        movements = self._movements

        async def count() -> int:
            api = self._page.api("capital.bank")
            rule = _rule(api, "x", UUID(int=0), text, party, direction)
            return sum(api.fits(rule, one) for one in movements)

        def failed(error: SentError) -> None:
            restyle(self.said, tone="bad")
            self.said.setText(error_text(error))

        if not text and not party:
            self.said.setText(tr("Say what the counterparty or the text has"))
        else:
            self._page.run(count, done=self._tell, failed=failed)

    def _tell(self, count: int) -> None:
        restyle(self.said, tone="2")
        fits = trn("Fits {n} line that is left", "Fits {n} lines that are left", n=count)
        self.said.setText(fits)

    def _send(self) -> None:
        account, tax = self.account.account(), self.tax.account()
        restyle(self.account, invalid=account is None)
        if account is None:
            self.refuse(tr("Which account is it booked against?"))
            self.account.setFocus()
        elif not self.text.text() and not self.party.text():
            self.refuse(tr("Say what the counterparty or the text has"))
            self.party.edit.setFocus()
        else:
            self.keep.setEnabled(False)
            self._done(
                NewRule(
                    self.name.text(), account.id, self.text.text(), self.party.text(), self._direction,
                    tax.code if tax is not None else "", self.memo.text(), self.auto.isChecked(),
                )
            )  # fmt: skip

    def settle(self) -> None:
        """It was kept."""
        self.form.settle()
        self.close_layer()

    def refuse(self, text: str) -> None:
        """Say why it was not kept; everything stays."""
        self.keep.setEnabled(True)
        if text:
            restyle(self.said, tone="bad")
            self.said.setText(text)


def _rule(api: Any, name: str, account: UUID, text: str, party: str, direction: str) -> Any:
    return api.Rule(name, account, text_pattern=text, party_pattern=party, direction=direction)
