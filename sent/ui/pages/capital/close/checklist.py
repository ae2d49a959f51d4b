"""What is left to do before a close: a line for each check with its state, figure, and what leads there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.widgets import Dot, button, clear, column, label, line, row
from sent.ui.pages.capital.money import shown

if TYPE_CHECKING:
    from sent.engines.capital.reports.api import Check

TONES = {"ok": "ok", "todo": "warn", "bad": "bad"}


def title(check: Check) -> str:
    """Return what a check is about."""
    names = {
        "earlier": tr("Earlier months"),
        "trial_balance": tr("Trial balance"),
        "suspense": tr("Suspense account"),
        "bank": tr("Bank accounts"),
        "drafts": tr("Drafts of invoices and bills"),
        "reservations": tr("Reserved money"),
        "depreciation": tr("Depreciation"),
        "schedules": tr("Recurring entries"),
        "rates": tr("Exchange rates"),
        "revaluation": tr("Foreign currency"),
        "seal": tr("Seal of the entries"),
    }
    return names.get(check.id, check.id)


def words(check: Check) -> str:
    """Return what a check found."""
    n, amount = int(check.figure), f"{shown(abs(check.figure), check.commodity)} {check.commodity}"
    if check.state == "ok":
        fine = {
            "earlier": tr("All are closed"),
            "trial_balance": tr("Debits equal credits"),
            "suspense": tr("Nothing is left on it"),
            "bank": tr("Statements and books agree"),
            "drafts": tr("None is left"),
            "reservations": tr("Nothing is reserved"),
            "depreciation": tr("Booked") if check.figure else tr("Nothing has to be written off"),
            "schedules": tr("All are booked"),
            "revaluation": tr("Nothing to revalue"),
            "seal": tr("Every entry is sealed"),
        }
        return fine.get(check.id, check.text)
    left = {
        "earlier": lambda: trn("{n} earlier month is open", "{n} earlier months are open", n=n),
        "trial_balance": lambda: tr("Debits and credits differ by {amount}", amount=amount),
        "suspense": lambda: tr("{amount} waits to be booked where it belongs", amount=amount),
        "bank": lambda: tr("Statement and books differ by {amount}", amount=amount),
        "drafts": lambda: trn("{n} draft is neither issued nor deleted",
                              "{n} drafts are neither issued nor deleted", n=n),
        "reservations": lambda: trn("{n} reservation is open", "{n} reservations are open", n=n),
        "depreciation": lambda: tr("Nothing was written off, and assets are worth {amount}", amount=amount),
        "schedules": lambda: trn("{n} entry is due", "{n} entries are due", n=n),
        "rates": lambda: tr("There is no rate for {names}", names=check.record),
        "revaluation": lambda: tr("{amount} won or lost by exchange rates is not booked", amount=amount),
        "seal": lambda: trn("{n} entry waits for its seal", "{n} entries wait for their seal", n=n),
    }  # fmt: skip
    found = left.get(check.id)
    return found() if found is not None else check.text


class Checklist(QFrame):
    """The checks of a month; `offer` returns the button's text and what it does, or None."""

    def __init__(self, offer: Callable[[Check], tuple[str, Callable[[], object]] | None]) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._offer = offer
        self.checks: Sequence[Check] = ()
        self.buttons: dict[str, QPushButton] = {}
        self._list = column(gap=0)
        self.told = label("", tone="2", type="s", wrap=True)
        head = column(label(tr("Before the close"), weight="bold"), self.told, gap=2, margins=(16, 12, 16, 8))
        self.setLayout(column(head, line(), self._list, None, gap=0, margins=(1, 1, 1, 8)))

    def show_loading(self) -> None:
        """Say that the books are being looked at."""
        self.told.setText(tr("Looking at the books"))

    def show_checks(self, checks: Sequence[Check]) -> None:
        """Show the checks; the button that had the keyboard has it again."""
        kept = next((id for id, made in self.buttons.items() if made.hasFocus()), "")
        same = [one.id for one in checks] == [one.id for one in self.checks]
        self.checks = checks
        left = sum(1 for one in checks if one.state != "ok")
        self.told.setText(
            trn("{n} thing is left to do", "{n} things are left to do", n=left)
            if left
            else tr("Nothing is left to do: the month can be closed")
        )
        clear(self._list)
        self.buttons = {}
        for one in checks:
            self._list.addWidget(self._line(one))
        if same and kept in self.buttons:
            self.buttons[kept].setFocus()

    def _line(self, check: Check) -> QWidget:
        made = QWidget()
        dot = Dot(TONES[check.state], 9)
        said = label(words(check), tone="2" if check.state == "ok" else "1", type="s", wrap=True)
        text = column(label(title(check), weight="medium"), said, gap=1)
        items: list[QWidget] = []
        offered = self._offer(check)
        if offered is not None:
            done = button(offered[0], offered[1], kind="" if check.state != "ok" else "quiet")
            done.setAccessibleName(f"{title(check)}: {offered[0]}")
            self.buttons[check.id] = done
            items.append(done)
        layout = row(dot, text, *items, gap=12, margins=(16, 7, 16, 7))
        layout.setAlignment(dot, Qt.AlignmentFlag.AlignVCenter)
        layout.setStretch(1, 1)
        made.setLayout(layout)
        return made
