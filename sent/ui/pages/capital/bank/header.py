"""Above the two sides: what the bank says, what the books say, what lies between, how much is left."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.cards import StatCard
from sent.ui.kit.widgets import button, clear, column, label, line, row
from sent.ui.pages.capital.invoices.written import sum_line
from sent.ui.pages.capital.money import day_shown, shown
from sent.ui.shell.overlay import Overlay

if TYPE_CHECKING:
    from sent.engines.capital.bank.api import Reconciled

ITEMS = 8


class Figures(QWidget):
    """Four cards; `explain` opens what makes the difference, `certain` does what is certain."""

    def __init__(self, explain: Callable[[], object], certain: Callable[[], object]) -> None:
        super().__init__()
        self.statement = StatCard(tr("Balance at the bank"))
        self.ledger = StatCard(tr("Balance in the books"))
        self.difference = StatCard(tr("Difference"))
        self.left = StatCard(tr("Left to match"))
        for card in (self.statement, self.ledger, self.difference):
            card.clicked.connect(explain)
        self.left.clicked.connect(certain)
        self.cards = (self.statement, self.ledger, self.difference, self.left)
        self.setLayout(row(*self.cards, gap=10))

    def show_reconciled(self, found: Reconciled, commodity: str) -> None:
        """Show the two balances and what lies between."""
        until = tr("on {day}", day=day_shown(found.until))
        self.statement.show_value(shown(found.statement, commodity), until)
        self.ledger.show_value(shown(found.ledger, commodity), until)
        if found.difference == 0 and found.explained:
            remark, tone = tr("they agree"), "ok"
        elif found.explained:
            remark, tone = tr("explained by open items"), "warn"
        else:
            remark, tone = tr("something is missing"), "bad"
        self.difference.show_value(shown(found.difference, commodity, dash=True), remark, tone)

    def show_left(self, count: int, certain: int, *, known: bool) -> None:
        """Show how many lines are left, and how many of them are certain."""
        remark = trn("{n} is certain", "{n} are certain", n=certain) if known else tr("looking for matches")
        if not count:
            remark = tr("everything is matched")
        tone = "ok" if not count or certain else "text3"
        self.left.show_value(trn("{n} line", "{n} lines", n=count), remark, tone)

    def set_stale(self, stale: bool) -> None:
        """Show the figures pale."""
        for card in self.cards:
            card.set_stale(stale)


class DifferenceLayer(Overlay):
    """What makes the difference, in one sum."""

    def __init__(self, window: QWidget) -> None:
        card = QFrame()
        card.setFixedWidth(520)
        super().__init__(window, card, top=90)
        self._box = column(gap=8)
        self.leave = button(tr("Close"), self.close_layer, kind="primary")
        card.setLayout(
            column(
                label(tr("What makes the difference"), type="l"), line(), self._box, row(None, self.leave),
                gap=12, margins=(20, 16, 20, 16),
            )
        )  # fmt: skip

    def open_sum(self, found: Reconciled, commodity: str) -> None:
        """Show the sum."""
        clear(self._box)
        self._add(tr("Balance at the bank"), found.statement, commodity, strong=True)
        self._add(tr("In the books before the first statement"), found.brought_forward, commodity)
        self._add(tr("Booked, and not at the bank yet"), found.outstanding, commodity)
        for one in found.ledger_items[:ITEMS]:
            name = "  ".join(
                part for part in (day_shown(one.day), one.reference, one.party or one.text) if part
            )
            self._box.addWidget(
                label(f"{name}  {shown(one.amount, commodity)}", tone="3", type="s", wrap=True)
            )
        self._add(tr("At the bank, and not booked yet"), -found.unbooked, commodity)
        self._add(tr("Matched across the day"), found.timing, commodity)
        self._add(tr("Balance in the books"), found.ledger, commodity, strong=True)
        if found.gap:
            text = tr("The bank's own balances leave {amount} out: a statement is missing in between.",
                      amount=shown(found.gap, commodity))  # fmt: skip
            self._box.addWidget(label(text, tone="bad", wrap=True))
        self.open()
        self.leave.setFocus()

    def _add(self, name: str, amount: Decimal, commodity: str, *, strong: bool = False) -> None:
        self._box.addLayout(sum_line(name, shown(amount, commodity, dash=True), strong=strong))
