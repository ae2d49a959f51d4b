"""The list of what may stand at a text's cursor; the text keeps the keyboard and asks it first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRect, QStringListModel, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from sent.platform.i18n import tr

SHOWN_OFFERS = 8

Key = Qt.Key


class OfferList(QListView):
    """What may stand at the cursor; the text keeps the keyboard."""

    def __init__(self, text: QWidget, take: Callable[[str], object]) -> None:
        super().__init__(text)
        self._text, self._take = text, take
        self._words = QStringListModel(self)
        self.setModel(self._words)
        self.setProperty("kind", "menu")
        self.setAccessibleName(tr("Completion"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(lambda index: take(str(index.data())))
        self.hide()

    def offers(self) -> list[str]:
        """Return what is listed."""
        return self._words.stringList()

    def show_offers(self, offers: Sequence[str], caret: QRect, typed: int, font: QFont) -> None:
        """Show offers below the cursor, above it where there is no room; `typed` letters stand already."""
        self._words.setStringList(list(offers)[:200])
        self.setFont(font)
        self.setCurrentIndex(self._words.index(0))
        metrics = QFontMetricsF(font)
        longest = max(metrics.horizontalAdvance(offer) for offer in self.offers())
        high = (self.sizeHintForRow(0) or 24) * min(SHOWN_OFFERS, len(offers)) + 12
        left = caret.left() - round(metrics.horizontalAdvance("x") * typed) - 8
        width = min(round(longest) + 48, self._text.width() - 16)
        top = caret.bottom() + 6
        if top + high > self._text.height():
            top = max(2, caret.top() - high - 2)
        self.setGeometry(max(4, min(left, self._text.width() - width - 8)), top, width, high)
        self.show()
        self.raise_()

    def key(self, event: QKeyEvent) -> bool:
        """Take a key that is for the list; False: it is for the text."""
        key, row, count = Key(event.key()), self.currentIndex().row(), self._words.rowCount()
        if key in (Key.Key_Down, Key.Key_Up):
            self.setCurrentIndex(self._words.index((row + (1 if key == Key.Key_Down else -1)) % count))
        elif key in (Key.Key_Tab, Key.Key_Return, Key.Key_Enter) and not event.modifiers():
            self._take(str(self.currentIndex().data()))
        elif key == Key.Key_Escape:
            self.hide()
        else:
            return False
        event.accept()
        return True
