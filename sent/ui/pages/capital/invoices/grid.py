"""The lines of a document as a grid that is filled with the keyboard alone.

Enter goes on, from the last field to the next line; Ctrl+Up and Ctrl+Down change the line, Alt+Up and
Alt+Down move it, Ctrl+D copies it, Ctrl+Delete takes it away. Below the last line stands an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import Elided, column, label, restyle, row, scrolled, tool
from sent.ui.pages.capital.accountedit import AccountEdit, Named
from sent.ui.pages.capital.fields import amount_of, edit
from sent.ui.pages.capital.money import shown
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.capital.billing.api import TaxCode

WIDTHS = (0, 70, 100, 66, 104, 150, 104)
"""Of description (what is left), quantity, price, discount, tax, account, net."""
MOST = 1000
Key, Mod = Qt.Key, Qt.KeyboardModifier


@dataclass(frozen=True, slots=True)
class LineText:
    """A line as it was typed, for keeping it through a crash."""

    description: str = ""
    quantity: str = ""
    price: str = ""
    discount: str = ""
    tax: str = ""
    account: str = ""

    def blank(self) -> bool:
        """Say whether nothing stands here."""
        return not any(asdict(self).values())


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line as it was understood; the discount is in percent, no account means the party's."""

    description: str
    quantity: Decimal
    price: Decimal
    discount: Decimal
    tax: TaxCode | None
    account: UUID | None


class LineRow(QWidget):
    """One line; `problem` says what is wrong after `read` gave nothing."""

    changed = Signal()

    def __init__(self, remove: Callable[[LineRow], object]) -> None:
        super().__init__()
        self.description = edit(tr("Description"))
        self.quantity = edit(tr("Quantity"), right=True)
        self.price = edit(tr("Unit price"), right=True)
        self.discount = edit(tr("Discount in percent"), right=True)
        self.tax = AccountEdit(tr("Tax code"))
        self.account = AccountEdit(tr("Account"))
        self.net = label("", tone="2")
        self.net.setProperty("figures", True)
        self.net.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.fields: tuple[QLineEdit, ...] = (
            self.description, self.quantity, self.price, self.discount, self.tax, self.account,
        )  # fmt: skip
        self.drop = tool("x", tr("Take the line away (Ctrl+Delete)"), lambda: remove(self), size=13)
        self.drop.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setLayout(placed([*self.fields, self.net], self.drop))
        for field in self.fields:
            field.textChanged.connect(lambda _text: self.changed.emit())
        self.problem = ""

    def text(self) -> LineText:
        """Return what was typed."""
        return LineText(*(field.text().strip() for field in self.fields))

    def set_text(self, text: LineText, taxes: Sequence[Named], accounts: Sequence[Named]) -> None:
        """Show what was typed before."""
        self.description.setText(text.description)
        self.quantity.setText(text.quantity)
        self.price.setText(text.price)
        self.discount.setText(text.discount)
        for field, typed, known in ((self.tax, text.tax, taxes), (self.account, text.account, accounts)):
            code = typed.split(" ")[0]
            field.set_account(next((one for one in known if code and one.code == code), None))

    def read(self) -> TypedLine | None:
        """Return the line, or mark what is wrong with it."""
        self.problem = ""
        restyle(self.description, invalid=not self.description.text().strip())
        quantity = amount_of(self.quantity, otherwise=Decimal(1))
        price = amount_of(self.price)
        discount = amount_of(self.discount, otherwise=Decimal(0))
        if discount is not None and not 0 <= discount <= 100:
            restyle(self.discount, invalid=True)
            discount = None
        lost = [field for field in (self.tax, self.account) if field.text().strip() and not field.account()]
        for field in lost:
            restyle(field, invalid=True)
        if not self.description.text().strip():
            self.problem = tr("Describe what is sold or bought")
        elif quantity is None or price is None:
            self.problem = tr("Not an amount: write 1,234.56 or a sum such as 3*12.50")
        elif discount is None:
            self.problem = tr("A discount is 0 to 100 percent")
        elif lost:
            self.problem = tr("Choose a tax code and an account from the list")
        if self.problem or quantity is None or price is None or discount is None:
            return None
        tax, account = self.tax.account(), self.account.account()
        return TypedLine(
            self.description.text().strip(), quantity, price, discount, tax,  # type: ignore[arg-type]
            account.id if account is not None else None,
        )  # fmt: skip

    def first_wrong(self) -> QLineEdit:
        """Return the field to be corrected."""
        return next((field for field in self.fields if field.property("invalid")), self.description)


class LineGrid(QFrame):
    """See the module."""

    changed = Signal()
    finished = Signal()
    """Enter on the empty line at the end: the keyboard goes on below."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Lines"))
        self.rows: list[LineRow] = []
        self._taxes: Sequence[Named] = ()
        self._accounts: Sequence[Named] = ()
        self._filling = False
        titles = (
            tr("Description"), tr("Quantity"), tr("Unit price"), tr("Disc. %"), tr("Tax"), tr("Account"),
            tr("Net"),
        )  # fmt: skip
        heads = [Elided(title, tone="3", type="s") for title in titles]
        for number in (1, 2, 3, 6):
            heads[number].setAlignment(Qt.AlignmentFlag.AlignRight)
        self._box = column(gap=4)
        inner = QWidget()
        inner.setLayout(column(self._box, None))
        self._area = scrolled(inner, tr("Lines"))
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = column(placed(heads, 28), self._area, gap=4)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.clear()

    def set_choices(self, taxes: Sequence[Named], accounts: Sequence[Named]) -> None:
        """Say which tax codes and accounts can be chosen."""
        self._taxes, self._accounts = taxes, accounts
        for one in self.rows:
            one.tax.set_accounts(taxes)
            one.account.set_accounts(accounts)

    def clear(self) -> None:
        """Begin with one empty line."""
        self.set_texts([])

    def texts(self) -> list[LineText]:
        """Return what was typed, without empty lines."""
        return [text for one in self.rows if not (text := one.text()).blank()]

    def set_texts(self, texts: Sequence[LineText]) -> None:
        """Show lines that were typed before."""
        self._filling = True
        for gone in self.rows:
            self._box.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        self.rows = []
        for text in texts[:MOST]:
            self._add(text)
        self._filling = False
        self._tail()

    def read(self) -> list[TypedLine] | None:
        """Return all lines, or None after marking the first that is wrong."""
        found = [(one, one.read()) for one in self.rows if not one.text().blank()]
        wrong = next((one for one, typed in found if typed is None), None)
        if wrong is not None:
            wrong.first_wrong().setFocus()
            self._area.ensureWidgetVisible(wrong)
            return None
        return [typed for _, typed in found if typed is not None]

    def problem(self) -> str:
        """Return what is wrong with the first wrong line, with its number."""
        for number, one in enumerate(self.rows, 1):
            if one.problem:
                return tr("Line {n}: {text}", n=number, text=one.problem)
        return ""

    def understood(self) -> list[tuple[LineRow, TypedLine]]:
        """Return the lines that can be counted already, without marking the others."""
        found = []
        for one in self.rows:
            if one.description.text().strip() and one.price.text().strip():
                marks = [field.property("invalid") for field in one.fields]
                typed = one.read()
                for field, mark in zip(one.fields, marks, strict=True):
                    restyle(field, invalid=bool(mark) and typed is None)
                if typed is not None:
                    found.append((one, typed))
        return found

    def show_nets(self, rows: Sequence[LineRow], nets: Sequence[Decimal], commodity: str) -> None:
        """Show what lines come to."""
        known = dict(zip(rows, nets, strict=True))
        for one in self.rows:
            one.net.setText(shown(known[one], commodity) if one in known else "")

    def begin(self) -> None:
        """Take the keyboard into the first line that is empty."""
        self._go(next((n for n, one in enumerate(self.rows) if one.text().blank()), 0), 0)

    def _add(self, text: LineText, at: int | None = None) -> LineRow:
        made = LineRow(self.remove)
        made.tax.set_accounts(self._taxes)
        made.account.set_accounts(self._accounts)
        place = len(self.rows) if at is None else at
        made.set_text(text, self._taxes, self._accounts)
        self.rows.insert(place, made)
        self._box.insertWidget(place, made)
        made.changed.connect(self._edited)
        for number, field in enumerate(made.fields):
            field.installEventFilter(self)
            field.returnPressed.connect(lambda r=made, n=number: self._on(r, n))
        return made

    def _edited(self) -> None:
        if not self._filling:
            self._tail()
            self.changed.emit()

    def _tail(self) -> None:
        if len(self.rows) < MOST and (not self.rows or not self.rows[-1].text().blank()):
            filling, self._filling = self._filling, True
            self._add(LineText())
            self._filling = filling

    def remove(self, gone: LineRow) -> None:
        """Take a line away."""
        if gone not in self.rows:
            return
        place = self.rows.index(gone)
        self.rows.remove(gone)
        self._box.removeWidget(gone)
        gone.hide()
        gone.deleteLater()
        self._edited()
        self._go(min(place, len(self.rows) - 1), 0)

    def _on(self, here: LineRow, number: int) -> None:
        place = self.rows.index(here)
        if number == 0 and place == len(self.rows) - 1 and here.text().blank() and place:
            self.finished.emit()
        elif number + 1 < len(here.fields):
            self._default(here, number + 1)
            self._go(place, number + 1)
        else:
            self._tail()
            self._go(min(place + 1, len(self.rows) - 1), 0)

    def _default(self, here: LineRow, number: int) -> None:
        """Propose the tax code of the line above where none stands; on the first line the usual one."""
        place = self.rows.index(here)
        if here.fields[number] is here.tax and not here.tax.text():
            here.tax.set_account(self.rows[place - 1].tax.account() if place else self._usual_tax())

    def _usual_tax(self) -> Named | None:
        """Return the highest of the standard rates."""
        standard: list[TaxCode] = [one for one in self._taxes if one.nature == "standard"]  # type: ignore[attr-defined,misc]
        return max(standard, key=lambda one: one.rate, default=None)

    def _go(self, place: int, number: int) -> None:
        field = self.rows[place].fields[number]
        field.setFocus(Qt.FocusReason.TabFocusReason)
        field.selectAll()
        self._area.ensureWidgetVisible(self.rows[place])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and (act := self._act(watched, event)) is not None:
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                act()
                return True
        return super().eventFilter(watched, event)

    def _act(self, watched: QObject, event: QKeyEvent) -> Callable[[], object] | None:
        """Return what a key does here, or None when it belongs to the field."""
        here = next((one for one in self.rows if watched in one.fields), None)
        if here is None:
            return None
        key, held = Key(event.key()), event.modifiers() & ~Mod.KeypadModifier
        place, number = self.rows.index(here), list(here.fields).index(watched)  # type: ignore[arg-type]
        step = {Key.Key_Up: -1, Key.Key_Down: 1}.get(key, 0)
        plain = held == Mod.NoModifier and not isinstance(watched, AccountEdit)
        if step and (plain or held == Mod.ControlModifier):
            return lambda: self._go(max(0, min(place + step, len(self.rows) - 1)), number)
        if step and held == Mod.AltModifier:
            return lambda: self._move(place, step, number)
        if held == Mod.ControlModifier and key == Key.Key_Delete:
            return lambda: self.remove(here)
        if held == Mod.ControlModifier and key == Key.Key_D:
            return lambda: self._copy(place)
        return None

    def _move(self, place: int, step: int, number: int) -> None:
        to = place + step
        if 0 <= to < len(self.rows) - 1 and place < len(self.rows) - 1:
            self.rows.insert(to, self.rows.pop(place))
            self._box.removeWidget(self.rows[to])
            self._box.insertWidget(to, self.rows[to])
            self._edited()
            self._go(to, number)

    def _copy(self, place: int) -> None:
        if len(self.rows) < MOST and not self.rows[place].text().blank():
            self._add(self.rows[place].text(), place + 1)
            self._edited()
            self._go(place + 1, 0)


def placed(widgets: Sequence[QWidget], last: QWidget | int) -> QHBoxLayout:
    """Return a row of the grid: all rows and the head have the same widths."""
    scale = max(1.0, theme.state().scale)
    made = row(*widgets, last, gap=6)
    for widget, wide in zip(widgets, WIDTHS, strict=True):
        if wide:
            widget.setFixedWidth(round(wide * scale))
    made.setStretch(0, 1)
    return made
