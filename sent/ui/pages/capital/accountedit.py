"""A line in which an account is named by number or words; the best one is taken when the line is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from PySide6.QtCore import QEvent, QPoint, QStringListModel, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QListView

from sent.platform.i18n import tr
from sent.ui.kit.widgets import restyle

SHOWN = 8
Key = Qt.Key


class Named(Protocol):
    """What can be chosen: an account, or anything with a number and a name."""

    @property
    def id(self) -> UUID: ...

    @property
    def code(self) -> str: ...

    @property
    def name(self) -> str: ...


def shown(account: Named) -> str:
    """Return how an account is written."""
    return f"{account.code} {account.name}"


def ranked(text: str, accounts: Sequence[Named]) -> list[Named]:
    """Return the accounts that fit what was typed, the best first: number, begin of name, word, any part."""
    wanted = text.strip().casefold()
    if not wanted:
        return list(accounts)
    found: list[tuple[int, int, Named]] = []
    for place, one in enumerate(accounts):
        code, name, whole = one.code.casefold(), one.name.casefold(), shown(one).casefold()
        if wanted in (code, whole):
            rank = 0
        elif code.startswith(wanted):
            rank = 1
        elif name.startswith(wanted):
            rank = 2
        elif any(word.startswith(wanted) for word in name.split()):
            rank = 3
        elif wanted in whole or all(part in whole for part in wanted.split()):
            rank = 4
        else:
            continue
        found.append((rank, place, one))
    return [one for _, _, one in sorted(found, key=lambda each: each[:2])]


class AccountEdit(QLineEdit):
    """Offers accounts while one types; Tab and Enter take the one that stands out."""

    chosen = Signal()
    """An account was taken, or the line was emptied."""

    def __init__(self, name: str, hint: str = "") -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self._accounts: Sequence[Named] = ()
        self._account: Named | None = None
        self._words = QStringListModel(self)
        self.offers: QListView | None = None
        self.textEdited.connect(self._typed)

    def set_accounts(self, accounts: Sequence[Named]) -> None:
        """Say what can be chosen."""
        self._accounts = accounts
        if self._account is not None and self._account.id not in {one.id for one in accounts}:
            self.set_account(None)

    def account(self) -> Named | None:
        """Return what is chosen; typed text counts when exactly this or the best fit stands there."""
        if self._account is None and self.text().strip():
            found = ranked(self.text(), self._accounts)
            return found[0] if found else None
        return self._account

    def set_account(self, account: Named | None) -> None:
        """Choose."""
        self._account = account
        self.setText("" if account is None else shown(account))
        self.setCursorPosition(0)
        restyle(self, invalid=False)
        self.close_offers()
        self.chosen.emit()

    def _typed(self, text: str) -> None:
        self._account = None
        found = ranked(text, self._accounts)
        restyle(self, invalid=bool(text.strip()) and not found)
        self.setToolTip(tr("No account is called that") if text.strip() and not found else "")
        if found and text.strip():
            self._open(found)
        else:
            self.close_offers()

    def _open(self, found: Sequence[Named]) -> None:
        if self.offers is None:
            self.offers = self._list()
        self._words.setStringList([shown(one) for one in found[:50]])
        offers, window = self.offers, self.window()
        offers.setCurrentIndex(self._words.index(0))
        high = (offers.sizeHintForRow(0) or 24) * min(SHOWN, len(found)) + 12
        place = self.mapTo(window, QPoint(0, self.height() + 4))
        if place.y() + high > window.height():
            place = self.mapTo(window, QPoint(0, -high - 4))
        wide = max(self.width(), 280)
        left = max(4, min(place.x(), window.width() - wide - 4))
        offers.setGeometry(left, place.y(), wide, high)
        offers.show()
        offers.raise_()

    def _list(self) -> QListView:
        made = QListView(self.window())
        made.setModel(self._words)
        made.setProperty("kind", "menu")
        made.setAccessibleName(tr("Accounts that fit"))
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        made.setUniformItemSizes(True)
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.clicked.connect(lambda index: self._take(str(index.data())))
        self.destroyed.connect(made.deleteLater)
        return made

    def close_offers(self) -> None:
        """Put the list away."""
        if self.offers is not None:
            self.offers.hide()

    def _take(self, text: str) -> None:
        self.set_account(next((one for one in self._accounts if shown(one) == text), None))

    def open_offers(self) -> bool:
        """Say whether the list is shown."""
        return self.offers is not None and self.offers.isVisible()

    def event(self, event: QEvent) -> bool:
        # Tab is taken by the window for moving on before keyPressEvent sees it.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Key.Key_Tab and self.open_offers():
                self._take_current()
            if event.key() == Key.Key_Escape and self.open_offers():
                self.close_offers()
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Key(event.key())
        if key in (Key.Key_Down, Key.Key_Up):
            if not self.open_offers():
                self._open(ranked(self.text() if self._account is None else "", self._accounts))
            elif self.offers is not None:
                step = 1 if key == Key.Key_Down else -1
                at = (self.offers.currentIndex().row() + step) % self._words.rowCount()
                self.offers.setCurrentIndex(self._words.index(at))
            return
        if key in (Key.Key_Return, Key.Key_Enter) and self.open_offers():
            self._take_current()
        super().keyPressEvent(event)

    def _take_current(self) -> None:
        if self.offers is not None and self.offers.currentIndex().isValid():
            self._take(str(self.offers.currentIndex().data()))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.close_offers()
        if self._account is None and self.text().strip() and (found := self.account()) is not None:
            self.set_account(found)
        super().focusOutEvent(event)
