"""Five figures above the list: what is owed by how late it is; each leads to the documents behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from PySide6.QtWidgets import QWidget

from sent.platform.i18n import tr
from sent.ui.kit.cards import StatCard
from sent.ui.kit.widgets import row
from sent.ui.pages.capital.invoices.lists import AGES, ages
from sent.ui.pages.capital.money import shown

_TONES = ("ok", "warn", "warn", "bad", "bad")


class Ageing(QWidget):
    """`on` hears which age was chosen."""

    def __init__(self, on: Callable[[str], object]) -> None:
        super().__init__()
        self.cards: list[StatCard] = []
        for age, title in zip(AGES, ages(), strict=True):
            made = StatCard(title)
            made.clicked.connect(lambda a=age: on(a))
            self.cards.append(made)
        self.setLayout(row(*self.cards, gap=10))

    def show_sums(self, sums: Sequence[Decimal], home: str, others: Sequence[str], *, owing: bool) -> None:
        """Show what customers owe (or, `owing`, what is owed to suppliers) by age."""
        whole = sum((one for one in sums if one > 0), Decimal(0))
        for number, (made, amount) in enumerate(zip(self.cards, sums, strict=True)):
            share = tr("{n} % of all", n=round(100 * amount / whole)) if whole and amount > 0 else ""
            if number == 0:
                share = tr("we owe") if owing else tr("owed to us")
                if others:
                    share += " · " + tr("without {others}", others=", ".join(others))
            made.show_value(shown(amount, home, dash=True), share, _TONES[number] if amount else "text3")

    def set_stale(self, stale: bool) -> None:
        """Show the figures pale."""
        for made in self.cards:
            made.set_stale(stale)
