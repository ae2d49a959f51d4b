"""Opens an account, or changes one: number, name, kind, role, and the day after which nothing is booked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, cast

from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Dropdown
from sent.ui.kit.form import Form, TextField
from sent.ui.kit.widgets import button, column, label, line, restyle, row
from sent.ui.pages.capital.money import day_shown, day_typed
from sent.ui.shell.overlay import Overlay
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.capital.api import Account, AccountKind, Role

WIDTH = 460


def kinds() -> list[tuple[str, str]]:
    """Return the kinds of accounts and what they are called."""
    return [
        ("asset", tr("Asset")),
        ("liability", tr("Liability")),
        ("equity", tr("Equity")),
        ("income", tr("Income")),
        ("expense", tr("Expense")),
    ]


def roles() -> list[tuple[str, str]]:
    """Return what an account can be for, where a program has to find it."""
    return [
        ("", tr("Nothing special")),
        ("cash", tr("Bank and cash")),
        ("receivable", tr("Receivables")),
        ("payable", tr("Payables")),
        ("inventory", tr("Stock of goods")),
        ("prepayment", tr("Prepayments")),
        ("fixed_asset", tr("Fixed assets")),
        ("accumulated_depreciation", tr("Accumulated depreciation")),
        ("tax", tr("Taxes")),
        ("payroll", tr("Payroll")),
        ("loan", tr("Loans")),
        ("capital", tr("Share capital")),
        ("retained_earnings", tr("Retained earnings")),
        ("opening", tr("Opening balances")),
        ("clearing", tr("Money in transit")),
        ("currency_clearing", tr("Currency clearing")),
        ("suspense", tr("Suspense")),
        ("sales", tr("Sales")),
        ("cost_of_sales", tr("Cost of sales")),
        ("depreciation", tr("Depreciation")),
        ("interest", tr("Interest")),
        ("bank_fees", tr("Bank charges")),
        ("exchange", tr("Exchange differences")),
        ("rounding", tr("Rounding differences")),
        ("income_tax", tr("Tax on profit")),
    ]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What stands in the layer; number and kind of an account that exists stay."""

    code: str
    name: str
    kind: AccountKind
    role: Role | None
    closed_on: date | None


class AccountLayer(Overlay):
    """Opens with `edit`; `keep` hears what is wanted, `refuse` or `close_layer` answers."""

    def __init__(self, window: QWidget) -> None:
        card = QFrame()
        super().__init__(window, card, top=90)
        self._keep: Callable[[Wanted], object] = lambda _wanted: None
        self.title = label("", type="l")
        self.code = TextField(tr("Number"), check=lambda text: "" if text else tr("Type a number"))
        self.name = TextField(tr("Name"), check=lambda text: "" if text else tr("Type a name"))
        self.last_day = TextField(
            tr("Closed after"), check=_day, help=tr("From the next day nothing is booked; empty: it is open")
        )
        self.kind = Dropdown(tr("Kind"), kinds(), "expense", lambda _kind: None)
        self.role = Dropdown(tr("Used for"), roles(), "", lambda _role: None)
        self.form = Form(self.code, self.name, self.last_day)
        self.form.submitted.connect(self._send)
        self.said = label("", tone="bad", type="s", wrap=True)
        self.save = button(tr("Save"), self.form.submit, kind="primary")
        self._arrange()

    def _arrange(self) -> None:
        boxes = [
            column(label(box.accessibleName(), weight="medium", tone="2", type="s"), box, gap=5)
            for box in (self.kind, self.role)
        ]
        leave = button(tr("Cancel"), self.close_layer, kind="quiet")
        self.card.setLayout(
            column(
                self.title, line(), self.form, row(*boxes, None, gap=12), self.said,
                row(None, leave, self.save), gap=12, margins=(20, 16, 20, 16),
            )
        )  # fmt: skip

    def edit(self, account: Account | None, keep: Callable[[Wanted], object]) -> None:
        """Open for an account, or a new one."""
        self._keep = keep
        new = account is None
        self.title.setText(tr("New account") if account is None else f"{account.code}  {account.name}")
        self.code.set_text("" if account is None else account.code)
        self.name.set_text("" if account is None else account.name)
        closed = account.closed_on if account is not None else None
        self.last_day.set_text("" if closed is None else day_shown(closed))
        self.kind.show_choice("expense" if account is None else account.kind)
        self.role.show_choice((account.role or "") if account is not None else "")
        self.code.edit.setReadOnly(not new)
        self.kind.setEnabled(new)
        self.last_day.setVisible(not new)
        for field in self.form.fields:
            field.show_error("")
        self.refuse("")
        self.form.settle()
        self.card.setFixedWidth(round(WIDTH * max(1.0, theme.state().scale)))
        self.open()
        (self.code if new else self.name).edit.setFocus()

    def refuse(self, text: str) -> None:
        """Say why it was not kept."""
        restyle(self.said, tone="bad")
        self.said.setText(text)
        self.said.setVisible(bool(text))

    def _send(self) -> None:
        closed = self.last_day.text()
        self._keep(
            Wanted(
                self.code.text(), self.name.text(), cast("AccountKind", self.kind.choice()),
                cast("Role", self.role.choice()) or None,
                day_typed(closed, date.today()) if closed else None,  # noqa: DTZ011
            )
        )  # fmt: skip


def _day(text: str) -> str:
    if not text:
        return ""
    try:
        day_typed(text, date.today())  # noqa: DTZ011
    except ValueError as error:
        return str(error)
    return ""
