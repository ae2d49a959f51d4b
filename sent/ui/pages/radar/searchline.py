"""The search line: one field of text with completion; a mistake is underlined where it is and told below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRect, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCompleter, QFrame, QHBoxLayout, QLineEdit, QListView, QToolButton

from sent.platform.i18n import tr
from sent.ui.kit.widgets import IconLabel, label, restyle, row, tool
from sent.ui.theme import theme
from sent.ui.theme.dressing import dress

SETTLE_MS = 400
OFFERED = 12


class _Edit(QLineEdit):
    """A line that can underline a part of its text."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: tuple[int, int] | None = None
        """First character and number of characters that are wrong."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.wrong is None:
            return
        at, length = self.wrong
        metrics, text = QFontMetrics(self.font()), self.text()
        # The line scrolls: the cursor is the only place whose position Qt tells.
        here = self.cursorRect().center().x() - metrics.horizontalAdvance(text[: self.cursorPosition()])
        left = here + metrics.horizontalAdvance(text[:at])
        right = max(left + 6, here + metrics.horizontalAdvance(text[: at + length]))
        painter = QPainter(self)
        painter.setPen(QPen(QColor(theme.tokens().bad), 2, Qt.PenStyle.DotLine))
        low = self.rect().center().y() + metrics.height() // 2 + 1
        painter.drawLine(max(0, left), low, min(self.width(), right), low)


class SearchLine(QFrame):
    """What is searched for; `changed` some time after the last key, at once on Enter."""

    changed = Signal(str)
    left = Signal()

    def __init__(self, *, hint: str, name: str, values: Callable[[str], None]) -> None:
        super().__init__()
        self._ask_values = values
        self._fields: list[str] = []
        self._values: dict[str, list[str]] = {}
        self._last = ""
        self.setProperty("kind", "field")
        self.setMinimumHeight(36)
        self.edit = _Edit()
        self.edit.setProperty("kind", "bare")
        self.edit.setPlaceholderText(hint)
        self.edit.setAccessibleName(name)
        self.edit.setMaxLength(1000)
        self.edit.textEdited.connect(self._edited)
        self.edit.returnPressed.connect(self._entered)
        self.clear_button = tool("x", tr("Clear search"), self.clear, size=14)
        self.clear_button.hide()
        self._tools: QHBoxLayout = row(gap=2)
        line = row(
            IconLabel("search", "text3", 15), self.edit, self.clear_button, gap=8, margins=(10, 2, 4, 2)
        )
        line.addLayout(self._tools)
        self.setLayout(line)
        self.mistake = label("", tone="bad", type="s", wrap=True)
        self.mistake.hide()
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._emit)
        self._words = QStringListModel(self)
        self._completer = QCompleter(self._words, self)
        self._completer.setWidget(self.edit)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.setMaxVisibleItems(OFFERED)
        self._popup = QListView()
        dress(self._popup)
        self._popup.setProperty("kind", "menu")
        self._completer.setPopup(self._popup)
        self._completer.activated.connect(self._accepted)

    def text(self) -> str:
        """Return what is searched for."""
        return self.edit.text().strip()

    def set_text(self, text: str) -> None:
        """Search for something else."""
        self.edit.setText(text)
        self._emit()

    def add(self, condition: str) -> None:
        """Add a condition; its opposite goes, and a query of alternatives is put in brackets."""
        text = self.text()
        opposite = condition[1:] if condition.startswith("-") else f"-{condition}"
        parts = [
            part for part in (text.replace(opposite, " ").split("  ") if opposite in text else [text]) if part
        ]
        kept = " ".join(part.strip() for part in parts).strip()
        if condition in kept.split(" "):
            return
        if " OR " in kept and not (kept.startswith("(") and kept.endswith(")")):
            kept = f"({kept})"
        self.set_text(f"{kept} {condition}".strip())

    def clear(self) -> None:
        """Search for everything."""
        self.set_text("")
        self.edit.setFocus()

    def put_tool(self, made: QToolButton) -> None:
        """Put a button at the right end."""
        self._tools.addWidget(made)

    def show_mistake(self, message: str, at: int = 0, length: int = 0) -> None:
        """Say what is wrong, and where; an empty message: nothing is."""
        self.edit.wrong = (at, length) if message else None
        self.mistake.setText(message)
        self.mistake.setVisible(bool(message))
        restyle(self, invalid=bool(message))
        self.edit.update()

    def set_fields(self, names: Sequence[str]) -> None:
        """Offer these fields."""
        self._fields = list(dict.fromkeys(names))

    def set_values(self, field: str, values: Sequence[str]) -> None:
        """Offer values of a field that was asked for."""
        self._values[field.lower()] = list(values)
        if self.edit.hasFocus():
            self._offer()

    def forget_values(self) -> None:
        """The values that are known belong to another time."""
        self._values.clear()

    def suggestions(self, word: str) -> list[str]:
        """Return what may stand in place of `word`."""
        sign, body = ("-", word[1:]) if word.startswith("-") else ("", word)
        field, colon, value = body.partition(":")
        if colon:
            known = self._values.get(field.lower())
            if known is None and field in self._fields:
                self._ask_values(field)
            start = value.strip('"').lower()
            found = [v for v in known or () if v.lower().startswith(start)]
            return [f"{sign}{field}:{_written(v)}" for v in found[:OFFERED]]
        low = body.lower()
        return [f"{sign}{name}:" for name in self._fields if low and name.lower().startswith(low)][:OFFERED]

    def _word(self) -> tuple[int, str]:
        """Return where the word at the cursor begins, and what of it stands before the cursor."""
        before = self.edit.text()[: self.edit.cursorPosition()]
        start = max(before.rfind(" "), before.rfind("(")) + 1
        return start, before[start:]

    def _edited(self, _text: str) -> None:
        self.show_mistake("")
        self._offer()
        self._settle.start()

    def _offer(self) -> None:
        _, word = self._word()
        offers = self.suggestions(word)
        self._words.setStringList(offers)
        if offers and offers != [word]:
            self._completer.complete(QRect(0, self.edit.height() + 6, max(240, self.width() // 3), 0))
        else:
            self._popup.hide()

    def _accepted(self, offer: str) -> None:
        start, word = self._word()
        text = self.edit.text()
        rest = text[start + len(word) :]
        tail = "" if offer.endswith(":") or rest.startswith(" ") else " "
        self.edit.setText(text[:start] + offer + tail + rest)
        self.edit.setCursorPosition(start + len(offer) + len(tail))
        self._edited(self.edit.text())

    def _entered(self) -> None:
        self._last = "\0"
        self._emit()
        if self.edit.wrong is None:
            self.left.emit()

    def _emit(self) -> None:
        self._settle.stop()
        self.clear_button.setVisible(bool(self.text()))
        if self.text() != self._last:
            self._last = self.text()
            self.changed.emit(self._last)


def _written(value: str) -> str:
    plain = value and not any(char.isspace() or char in '()"*\\' for char in value)
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
