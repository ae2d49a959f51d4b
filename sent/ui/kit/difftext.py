"""Two texts and what differs: in one column with signs, or side by side and scrolled together.

Colour is never the only signal: lines that go begin with a minus, lines that come with a plus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtGui import QColor, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.shade import blended
from sent.ui.kit.widgets import row
from sent.ui.theme import theme

MAX_LINES = 4000
LONGEST = 2000
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`unified` lines begin with their sign (`@`, space, `-`, `+`); `sides` pair lines (None: none)."""

    unified: Sequence[str]
    sides: Sequence[tuple[str | None, str | None]]


class DiffText(QStackedWidget):
    """Shows one difference; `show_sides` chooses how."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = _text(tr("Difference"))
        self.left, self.right = _text(tr("Before")), _text(tr("After"))
        both = QWidget()
        both.setLayout(row(self.left, self.right, gap=8))
        self.addWidget(self.whole)
        self.addWidget(both)
        self._shown = Difference((), ())
        for one, other in ((self.left, self.right), (self.right, self.left)):
            one.verticalScrollBar().valueChanged.connect(other.verticalScrollBar().setValue)
            one.horizontalScrollBar().valueChanged.connect(other.horizontalScrollBar().setValue)
        theme.state().changed.connect(self._fill)

    def show_sides(self, beside: bool) -> None:
        """Show the texts side by side, or in one column."""
        self.setCurrentIndex(1 if beside else 0)
        self._fill()

    def show_difference(self, found: Difference) -> None:
        """Show a difference."""
        self._shown = found
        self._fill()

    def _fill(self) -> None:
        found = self._shown
        if self.currentIndex() == 0:
            _write(self.whole, [(line[:1], line) for line in found.unified])
            return
        left = [("" if a is None else "-" if a != b else " ", a) for a, b in found.sides]
        right = [("" if b is None else "+" if a != b else " ", b) for a, b in found.sides]
        _write(self.left, [(sign, "" if text is None else f"{sign} {text}") for sign, text in left])
        _write(self.right, [(sign, "" if text is None else f"{sign} {text}") for sign, text in right])


def _text(name: str) -> QPlainTextEdit:
    made = QPlainTextEdit()
    made.setReadOnly(True)
    made.setProperty("type", "mono")
    made.setTabChangesFocus(True)
    made.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    made.setAccessibleName(name)
    return made


def _write(edit: QPlainTextEdit, lines: Sequence[tuple[str, str]]) -> None:
    """Fill the field, a line each with the ground of its sign (an empty one: nothing stands here)."""
    edit.clear()
    t = theme.tokens()
    grounds = {
        "-": blended(t.bad, t.raised),
        "+": blended(t.ok, t.raised),
        "@": QColor(t.selected),
        "": QColor(t.card),
    }
    quiet = QTextCharFormat()
    quiet.setForeground(QColor(t.text2))
    plain = QTextCharFormat()
    plain.setForeground(QColor(t.text))
    cursor = QTextCursor(edit.document())
    cursor.beginEditBlock()
    shown = list(lines[:MAX_LINES])
    if len(lines) > MAX_LINES:
        shown.append(("@", tr("{n} more lines", n=len(lines) - MAX_LINES)))
    for number, (sign, text) in enumerate(shown):
        look = QTextBlockFormat()
        if sign in grounds:
            look.setBackground(grounds[sign])
        if number:
            cursor.insertBlock(look)
        else:
            cursor.setBlockFormat(look)
        cursor.insertText(text[:LONGEST], quiet if sign in ("@", " ") else plain)
    cursor.endEditBlock()
    edit.moveCursor(QTextCursor.MoveOperation.Start)
