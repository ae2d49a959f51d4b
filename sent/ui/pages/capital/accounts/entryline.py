"""The line below a register in which entries are made: as fast as a spreadsheet, with the keyboard alone.

Day, other account, text, debit or credit; Enter goes on, Enter in an amount books. The day stays for the next
entry, `+` and `-` change it, an amount may be a sum. What was typed stays when something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from sent.platform.i18n import tr
from sent.platform.ids import uuid7
from sent.ui.kit.widgets import button, column, label, restyle, row
from sent.ui.pages.capital.accountedit import AccountEdit, Named
from sent.ui.pages.capital.money import day_shown, day_typed, shown, typed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed: a movement of the register's account, positive for a debit."""

    id: UUID
    day: date
    other: UUID
    memo: str
    amount: Decimal


class EntryLine(QFrame):
    """See the module; `entered` carries a `Typed`, `settle` or `refuse` answers it."""

    entered = Signal(object)
    left = Signal()

    def __init__(self, today: Callable[[], date] = date.today) -> None:
        super().__init__()
        self._today = today
        self._id = uuid7()
        self._busy = False
        self.day = _edit(tr("Day"))
        self.other = AccountEdit(tr("Other account"))
        self.memo = _edit(tr("Text"))
        self.debit = _edit(tr("Debit"))
        self.credit = _edit(tr("Credit"))
        for amount in (self.debit, self.credit):
            amount.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.said = label("", tone="3", type="s")
        self.book = button(tr("Book"), self.send, kind="primary")
        self._fields: Sequence[QLineEdit] = (self.day, self.other, self.memo, self.debit, self.credit)
        for field in self._fields:
            field.installEventFilter(self)
        self._arrange()
        self.day.setText(day_shown(self._today()))

    def _arrange(self) -> None:
        self.day.setFixedWidth(104)
        self.debit.setFixedWidth(112)
        self.credit.setFixedWidth(112)
        self.other.setMinimumWidth(184)
        self.memo.setMinimumWidth(110)
        fields = row(
            *[_captioned(field) for field in self._fields], _captioned(self.book, " "), gap=8
        )  # fmt: skip
        fields.setStretch(1, 3)
        fields.setStretch(2, 4)
        self.setLayout(column(fields, self.said, gap=4, margins=(14, 8, 14, 10)))
        self.tell(tr("Enter books. + and - change the day, amounts may be sums such as 3*12.50"))

    def set_accounts(self, accounts: Sequence[Named]) -> None:
        """Say which accounts can stand on the other side."""
        self.other.set_accounts(accounts)

    def begin(self) -> None:
        """Take the keyboard where one begins to type."""
        self.other.setFocus()
        self.other.selectAll()

    def dirty(self) -> bool:
        """Say whether something was typed that is not booked."""
        return bool(self.other.text() or self.memo.text() or self.debit.text() or self.credit.text())

    def send(self) -> None:
        """Book what stands here, or say what is missing and where."""
        if self._busy:
            return
        day = self._checked(self.day, lambda: day_typed(self.day.text(), self._today()))
        other = self.other.account()
        restyle(self.other, invalid=other is None)
        if day is None:
            return
        if other is None:
            self._wrong(self.other, tr("Which account is on the other side?"))
            return
        amount = self._amount()
        if amount is not None:
            self._busy = True
            self.book.setEnabled(False)
            self.entered.emit(Typed(self._id, day, other.id, self.memo.text().strip(), amount))

    def _amount(self) -> Decimal | None:
        if bool(self.debit.text().strip()) == bool(self.credit.text().strip()):
            self._wrong(self.debit, tr("Type the amount as debit or as credit, in one of the two"))
            return None
        field, sign = (self.debit, 1) if self.debit.text().strip() else (self.credit, -1)
        amount = self._checked(field, lambda: typed(field.text()))
        if amount is not None and not amount:
            self._wrong(field, tr("An amount of nothing is no entry"))
            return None
        return None if amount is None else sign * amount

    def _checked(self, field: QLineEdit, read: Callable[[], T]) -> T | None:
        try:
            found = read()
        except ValueError as error:
            self._wrong(field, str(error))
            return None
        restyle(field, invalid=False)
        return found

    def _wrong(self, field: QLineEdit, text: str) -> None:
        restyle(field, invalid=True)
        field.setAccessibleDescription(text)
        field.setFocus()
        field.selectAll()
        self.tell(text, bad=True)

    def tell(self, text: str, *, bad: bool = False) -> None:
        """Say something below the fields."""
        restyle(self.said, tone="bad" if bad else "3")
        self.said.setText(text)

    def settle(self, text: str) -> None:
        """It is booked: clear for the next one; the day stays."""
        self._answered()
        self._id = uuid7()
        self.other.set_account(None)
        for field in (self.memo, self.debit, self.credit):
            field.clear()
        for field in self._fields:
            restyle(field, invalid=False)
        self.tell(text)
        self.begin()

    def refuse(self, text: str) -> None:
        """It was not booked: everything stays, with the reason."""
        self._answered()
        self.tell(text, bad=True)
        self.debit.setFocus() if self.debit.text() else self.credit.setFocus()

    def _answered(self) -> None:
        self._busy = False
        self.book.setEnabled(True)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and watched in self._fields:
            return self._key(watched, event)
        if event.type() == QEvent.Type.FocusOut and watched in (self.debit, self.credit):
            self._tidy(watched)
        return super().eventFilter(watched, event)

    def _key(self, watched: QObject, event: QKeyEvent) -> bool:
        key, place = Qt.Key(event.key()), list(self._fields).index(watched)  # type: ignore[arg-type]
        if watched is self.other and self.other.open_offers():
            return False
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if place >= 3 and self._fields[place].text().strip():
                self.send()
            else:
                following = self._fields[min(place + 1, len(self._fields) - 1)]
                following.setFocus()
                following.selectAll()
            return True
        if key == Qt.Key.Key_Escape:
            self.left.emit()
            return True
        if watched is self.day and event.text() in ("+", "-"):
            return self._step(1 if event.text() == "+" else -1)
        return False

    def _step(self, days: int) -> bool:
        """Go some days on; a minus that is part of a date being typed is left alone."""
        try:
            day = day_typed(self.day.text(), self._today())
        except ValueError:
            return False
        if len(self.day.text().strip()) < 5:
            return False
        self.day.setText(day_shown(day + timedelta(days=days)))
        return True

    def _tidy(self, field: QObject) -> None:
        if isinstance(field, QLineEdit) and field.text().strip():
            try:
                field.setText(shown(typed(field.text())))
            except ValueError:
                return


def _edit(name: str) -> QLineEdit:
    made = QLineEdit()
    made.setAccessibleName(name)
    return made


def _captioned(field: QWidget, text: str = "") -> QWidget:
    caption = label(text or field.accessibleName(), tone="3", type="s")
    caption.setBuddy(field)
    if isinstance(field, QLineEdit) and field.alignment() & Qt.AlignmentFlag.AlignRight:
        caption.setAlignment(Qt.AlignmentFlag.AlignRight)
    holder = QWidget()
    holder.setLayout(column(caption, field, gap=3))
    return holder
