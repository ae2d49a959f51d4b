"""A new entry of any number of lines; what is missing to balance stands in the last line by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QGridLayout, QLineEdit, QWidget

from sent.platform.i18n import tr
from sent.platform.ids import uuid7
from sent.ui.kit.form import TextField
from sent.ui.kit.widgets import button, column, label, line, restyle, row
from sent.ui.pages.capital.accountedit import AccountEdit, Named
from sent.ui.pages.capital.money import day_shown, day_typed, shown, typed
from sent.ui.shell.overlay import Overlay
from sent.ui.theme import theme

WIDTH = 820
MOST = 60


@dataclass(frozen=True, slots=True)
class Entered:
    """What was typed; amounts are debits when positive."""

    id: UUID
    day: date
    memo: str
    reference: str
    lines: Sequence[tuple[UUID, Decimal, str]]


class _Line:
    """The fields of a line."""

    def __init__(self, accounts: Sequence[Named]) -> None:
        self.account = AccountEdit(tr("Account"), tr("Number or name"))
        self.account.set_accounts(accounts)
        self.note, self.debit, self.credit = QLineEdit(), QLineEdit(), QLineEdit()
        for field, name in ((self.note, tr("Note")), (self.debit, tr("Debit")), (self.credit, tr("Credit"))):
            field.setAccessibleName(name)
        for field in (self.debit, self.credit):
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
            field.setFixedWidth(120)

    @property
    def fields(self) -> tuple[QLineEdit, ...]:
        return (self.account, self.note, self.debit, self.credit)

    def empty(self) -> bool:
        return not any(field.text().strip() for field in self.fields)

    def amount(self) -> Decimal:
        """Return the amount; raises ValueError with a sentence."""
        debit, credit = self.debit.text().strip(), self.credit.text().strip()
        if bool(debit) == bool(credit):
            raise ValueError(tr("Type the amount as debit or as credit, in one of the two"))
        return typed(debit) if debit else -typed(credit)


class EntryEditor(Overlay):
    """Opens with `edit`; who opened it is asked to book, and says what became of it."""

    def __init__(self, window: QWidget) -> None:
        card = QFrame()
        super().__init__(window, card, top=60)
        self._id = uuid7()
        self._accounts: Sequence[Named] = ()
        self._send: Callable[[Entered], object] = lambda _entered: None
        self._lines: list[_Line] = []
        self.day = TextField(tr("Day"))
        self.memo = TextField(tr("Text"), hint=tr("What it was for"))
        self.reference = TextField(tr("Reference"))
        self.grid = QGridLayout()
        self.said = label("", type="s", wrap=True)
        self.rest = label("", tone="2")
        self.book = button(tr("Book"), self.send, kind="primary")
        self._arrange()
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(self.send)

    def _arrange(self) -> None:
        self.day.setFixedWidth(130)
        head = row(self.day, self.memo, self.reference, gap=12)
        head.setStretch(1, 1)
        self.reference.setFixedWidth(150)
        self.grid.setHorizontalSpacing(8)
        self.grid.setVerticalSpacing(6)
        self.grid.setColumnStretch(0, 3)
        self.grid.setColumnStretch(1, 2)
        titles = (tr("Account"), tr("Note"), tr("Debit"), tr("Credit"))
        for place, title in enumerate(titles):
            self.grid.addWidget(label(title, tone="3", type="s"), 0, place)
        leave = button(tr("Cancel"), self.close_layer, kind="quiet")
        hint = label(tr("Enter goes on, Ctrl+Enter books"), tone="3", type="s")
        self.card.setLayout(
            column(
                label(tr("New entry"), type="l"), line(), head, self.grid,
                row(self.rest, None), self.said, row(hint, None, leave, self.book),
                gap=12, margins=(20, 16, 20, 16),
            )
        )  # fmt: skip

    def edit(self, accounts: Sequence[Named], commodity: str, send: Callable[[Entered], object]) -> None:
        """Open for a new entry; what was typed and not booked is still there."""
        self._accounts, self._send, self._commodity = accounts, send, commodity
        if not self._lines:
            self.day.set_text(day_shown(date.today()))  # noqa: DTZ011  (people book on their own day)
        while len(self._lines) < 2:
            self._add()
        for one in self._lines:
            one.account.set_accounts(accounts)
        self.card.setFixedWidth(min(round(WIDTH * max(1.0, theme.state().scale)), self._window.width() - 40))
        self.open()
        self._tell("")
        self.memo.edit.setFocus()

    def _add(self) -> _Line:
        made, number = _Line(self._accounts), len(self._lines) + 1
        self._lines.append(made)
        for place, field in enumerate(made.fields):
            self.grid.addWidget(field, number, place)
            field.installEventFilter(self)
            # A window that is open already shows what is new only later: until then it takes no keyboard.
            field.setVisible(True)
        for field in (made.debit, made.credit):
            field.textChanged.connect(lambda _text: self._balance())
        return made

    def difference(self) -> Decimal:
        """Return debits less credits of what can be read."""
        found = Decimal(0)
        for one in self._lines:
            try:
                found += one.amount()
            except ValueError:
                continue
        return found

    def _balance(self) -> None:
        rest = self.difference()
        balanced = not rest and any(not one.empty() for one in self._lines)
        restyle(self.rest, tone="ok" if balanced else "2")
        words = tr("Debits and credits are equal") if balanced else ""
        if rest:
            side = tr("credit") if rest > 0 else tr("debit")
            words = tr("{amount} are missing as {side}", amount=shown(abs(rest), self._commodity), side=side)
        self.rest.setText(words)

    def send(self) -> None:
        """Book, or say what is wrong and where."""
        try:
            day = day_typed(self.day.text(), date.today())  # noqa: DTZ011
        except ValueError as error:
            self.day.show_error(str(error))
            self.day.edit.setFocus()
            return
        self.day.show_error("")
        found = []
        for one in self._lines:
            if one.empty():
                continue
            account = one.account.account()
            if account is None:
                self._wrong(one.account, tr("Choose an account"))
                return
            try:
                amount = one.amount()
            except ValueError as error:
                self._wrong(one.debit, str(error))
                return
            found.append((account.id, amount, one.note.text().strip()))
        if len(found) < 2:
            self._tell(tr("An entry has two lines at least"), bad=True)
        elif rest := self.difference():
            self._tell(
                tr("Debits and credits differ by {amount}", amount=shown(abs(rest), self._commodity)),
                bad=True,
            )
        else:
            self.book.setEnabled(False)
            self._send(Entered(self._id, day, self.memo.text(), self.reference.text(), found))

    def _wrong(self, field: QLineEdit, text: str) -> None:
        restyle(field, invalid=True)
        field.setFocus()
        self._tell(text, bad=True)

    def _tell(self, text: str, *, bad: bool = False) -> None:
        restyle(self.said, tone="bad" if bad else "2")
        self.said.setText(text)
        self.said.setVisible(bool(text))

    def settle(self) -> None:
        """It is booked: forget it and close."""
        self._id = uuid7()
        self.book.setEnabled(True)
        for one in self._lines:
            for field in one.fields:
                self.grid.removeWidget(field)
                field.deleteLater()
        self._lines.clear()
        self.memo.set_text("")
        self.reference.set_text("")
        self.rest.setText("")
        self.close_layer()

    def refuse(self, text: str) -> None:
        """It was not booked: everything stays, with the reason."""
        self.book.setEnabled(True)
        self._tell(text, bad=True)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            for number, one in enumerate(self._lines):
                if watched in one.fields:
                    place = one.fields.index(watched)
                    return self._key(number, place, event)
        if event.type() == QEvent.Type.FocusIn:
            self._propose(watched)
        return super().eventFilter(watched, event)

    def _propose(self, watched: QObject) -> None:
        """Put what is missing into the amount of a line that has an account and no amount."""
        rest = self.difference()
        for one in self._lines[1:]:
            if watched in (one.debit, one.credit) and not one.debit.text() and not one.credit.text():
                field = one.credit if rest > 0 else one.debit
                if rest and one.account.account() is not None and watched is field:
                    field.setText(shown(abs(rest), self._commodity))
                    field.selectAll()

    def _key(self, number: int, place: int, event: QKeyEvent) -> bool:
        one, key = self._lines[number], Qt.Key(event.key())
        if (
            place == 0 and one.account.open_offers()
        ) or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return False
        if key not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return False
        ends = place == 3 or (place == 2 and one.debit.text().strip())
        if not ends:
            one.fields[place + 1].setFocus()
            one.fields[place + 1].selectAll()
        elif number + 1 < len(self._lines):
            self._lines[number + 1].account.setFocus()
        elif not self.difference() or len(self._lines) >= MOST:
            self.book.setFocus()
        else:
            self._add().account.setFocus()
        return True
