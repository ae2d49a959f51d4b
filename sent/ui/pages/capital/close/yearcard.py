"""The entry that closes a business year, shown before it is booked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.table import Column, Run
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import button, column, label, line, row
from sent.ui.pages.capital.money import day_shown, shown
from sent.ui.shell.overlay import Overlay
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.capital.reports.api import EntryLine

WIDTH, HIGH = 720, 320


class YearCard(Overlay):
    """Opens with `show_entry`; `settle` or `refuse` answers what `send` was asked to do."""

    def __init__(self, window: QWidget, run: Run) -> None:
        card = QFrame()
        super().__init__(window, card, top=70)
        self._send: Callable[[], object] = lambda: None
        self.title, self.told = label("", type="l"), label("", tone="2", wrap=True)
        self.table = PagedTable(_columns(), run=run, name=tr("Lines of the closing entry"))
        self.table.setMinimumHeight(HIGH)
        self.said = label("", tone="bad", type="s", wrap=True)
        self.book = button(tr("Book"), self.send, kind="primary")
        leave = button(tr("Cancel"), self.close_layer, kind="quiet")
        self.table.left.connect(self.close_layer)
        self.table.opened.connect(lambda _row: self.book.setFocus())
        card.setLayout(
            column(
                self.title, self.told, line(), self.table, self.said, row(None, leave, self.book),
                gap=12, margins=(20, 16, 20, 16),
            )
        )  # fmt: skip

    def show_entry(self, day: date, lines: Sequence[EntryLine], send: Callable[[], object]) -> None:
        """Show what would be booked on a day."""
        self._send = send
        self.title.setText(tr("Close the year on {day}", day=day_shown(day)))
        result = sum((-one.amount for one in lines[-1:]), Decimal(0))
        words = tr("Income and expenses go into retained earnings: {amount}", amount=shown(result))
        self.told.setText(
            words if lines else tr("Income and expenses hold nothing: there is nothing to book.")
        )
        self.said.setText("")
        self.said.hide()
        self.book.setEnabled(bool(lines))
        numbered = list(enumerate(lines))
        self.table.show_rows(numbered, key=lambda pair: pair[0])
        self.card.setFixedWidth(min(round(WIDTH * max(1.0, theme.state().scale)), self._window.width() - 40))
        self.open()
        self.table.setFocus()

    def send(self) -> None:
        """Book."""
        self.book.setEnabled(False)
        self._send()

    def refuse(self, text: str) -> None:
        """It was not booked, with the reason."""
        self.book.setEnabled(True)
        self.said.setText(text)
        self.said.show()


def _columns() -> list[Column]:
    def side(one: EntryLine, sign: int) -> str:
        return shown(sign * one.amount, one.commodity) if sign * one.amount > 0 else ""

    return [
        Column("code", tr("Number"), lambda pair: pair[1].code, 80, "mono"),
        Column("name", tr("Account"), lambda pair: pair[1].name, 220, "strong", stretch=True),
        Column("debit", tr("Debit"), lambda pair: side(pair[1], 1), 120, "number"),
        Column("credit", tr("Credit"), lambda pair: side(pair[1], -1), 120, "number"),
        Column("commodity", "", lambda pair: pair[1].commodity, 52, "quiet"),
    ]
