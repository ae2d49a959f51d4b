"""A text of many lines with line numbers, marks of problems in the margin, and completion.

Problems are told by colour, shape, a line below the text and a tooltip. Offers for completion come from
outside (`offers`): they are shown while a word is typed and with Ctrl+Space; Tab or Enter take one, Esc
closes the list and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QToolTip, QWidget

from sent.ui.kit.offerlist import OfferList
from sent.ui.kit.text import tip
from sent.ui.kit.widgets import paint_dot
from sent.ui.kit.yamllook import YamlLook
from sent.ui.theme import fonts, theme

INDENT = 4
TONES = {"error": "bad", "warning": "warn", "advice": "info"}

Key = Qt.Key


@dataclass(frozen=True, slots=True)
class Mark:
    """Something to say of a line (from 1)."""

    line: int
    severity: str
    text: str


Offers = Callable[[str, int, int], tuple[str, Sequence[str]]]
"""Text, line and column (from 0) of the cursor -> what is typed of the word, what may stand there."""


class CodeEdit(QPlainTextEdit):
    """YAML to write or to read."""

    def __init__(self, name: str, *, read_only: bool = False) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setProperty("type", "mono")
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setReadOnly(read_only)
        self.setTabChangesFocus(read_only)
        if read_only:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
        self.offers: Offers | None = None
        self.marks: tuple[Mark, ...] = ()
        self._look = YamlLook(self.document())
        self._margin = _Margin(self)
        self._list = OfferList(self, self.take)
        self._typed = ""
        self.blockCountChanged.connect(lambda _count: self._make_room())
        self.updateRequest.connect(self._scrolled)
        self.cursorPositionChanged.connect(self._show_line)
        theme.state().changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        font = QFont(fonts.mono())
        font.setPixelSize(round(12.5 * theme.state().scale))
        self.document().setDefaultFont(font)
        self.setTabStopDistance(QFontMetricsF(font).horizontalAdvance(" ") * INDENT)
        self._margin.setFont(font)
        self._make_room()
        self._show_line()

    def text_font(self) -> QFont:
        """Return the font of the text."""
        return self.document().defaultFont()

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Show problems in the margin and below the text; of one line the gravest counts."""
        self.marks = tuple(marks)
        self._show_line()
        self._margin.update()

    def marks_on(self, line: int) -> list[Mark]:
        """Return what there is to say of a line, the gravest first."""
        order = list(TONES)
        return sorted(
            (mark for mark in self.marks if mark.line == line), key=lambda m: order.index(m.severity)
        )

    def go_to_line(self, line: int) -> None:
        """Put the cursor on a line (from 1), behind its indentation."""
        block = self.document().findBlockByNumber(max(0, line - 1))
        cursor = QTextCursor(block if block.isValid() else self.document().lastBlock())
        text = cursor.block().text()
        cursor.setPosition(cursor.block().position() + len(text) - len(text.lstrip()))
        self.setTextCursor(cursor)
        self.centerCursor()
        self.setFocus()

    # The margin.

    def margin_width(self) -> int:
        """Return the width of line numbers and marks."""
        digits = max(2, len(str(self.blockCount())))
        return round(QFontMetricsF(self.text_font()).horizontalAdvance("0") * digits) + 34

    def _make_room(self) -> None:
        self.setViewportMargins(self.margin_width(), 0, 0, 0)
        self._place_margin()

    def _place_margin(self) -> None:
        box = self.contentsRect()
        self._margin.setGeometry(QRect(box.left(), box.top(), self.margin_width(), box.height()))

    def _scrolled(self, box: QRect, by: int) -> None:
        if by:
            self._margin.scroll(0, by)
        else:
            self._margin.update(0, box.y(), self._margin.width(), box.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_margin()

    def paint_margin(self, painter: QPainter) -> None:
        """Paint numbers and marks of the lines in view."""
        current = self.textCursor().blockNumber()
        block = self.firstVisibleBlock()
        width, high = self._margin.width(), QFontMetricsF(self.text_font()).height()
        painter.setFont(self.text_font())
        while block.isValid():
            box = self.blockBoundingGeometry(block).translated(self.contentOffset())
            if box.top() > self._margin.height():
                break
            number = block.blockNumber()
            painter.setPen(theme.colour("text2" if number == current else "text3"))
            place = QRectF(0, box.top(), width - 12, high)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignRight), str(number + 1))
            marks = self.marks_on(number + 1)
            if marks:
                dot = QRectF(6, box.top() + high / 2 - 4, 8, 8)
                paint_dot(painter, dot, TONES[marks[0].severity])
            block = block.next()

    def line_at(self, y: float) -> int:
        """Return the line (from 1) at a height of the margin."""
        return self.cursorForPosition(QPointF(0, y).toPoint()).blockNumber() + 1

    def _show_line(self) -> None:
        """Show the cursor's line and the problems; both are selections that are not in the text."""
        found: list[QTextEdit.ExtraSelection] = []
        if not self.isReadOnly():
            here = QTextEdit.ExtraSelection()
            ground = theme.colour("hover")
            here.format.setBackground(ground)
            here.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
            cursor = self.textCursor()
            cursor.clearSelection()
            here.cursor = cursor
            found.append(here)
        for line in sorted({mark.line for mark in self.marks}):
            block = self.document().findBlockByNumber(line - 1)
            text = block.text()
            if not block.isValid() or not text.strip():
                continue
            cursor = QTextCursor(block)
            cursor.setPosition(block.position() + len(text) - len(text.lstrip()))
            cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
            under = QTextEdit.ExtraSelection()
            look = QTextCharFormat()
            look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            look.setUnderlineColor(theme.colour(TONES[self.marks_on(line)[0].severity]))
            under.format, under.cursor = look, cursor
            found.append(under)
        self.setExtraSelections(found)
        self._margin.update()

    # Keys.

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() == Key.Key_Escape
            and self._list.isVisible()
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.isReadOnly():
            super().keyPressEvent(event)
            return
        if self._list.isVisible() and self._list.key(event):
            return
        key, modifiers = Key(event.key()), event.modifiers()
        control = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        if key == Key.Key_Space and control:
            self.complete(asked=True)
        elif key == Key.Key_Slash and control:
            self._comment()
        elif key == Key.Key_Tab and not modifiers:
            self._indent(1)
        elif key == Key.Key_Backtab:
            self._indent(-1)
        elif key in (Key.Key_Return, Key.Key_Enter) and not modifiers:
            self._new_line()
        elif key == Key.Key_Backspace and not modifiers and self._outdent():
            self.complete()
        else:
            super().keyPressEvent(event)
            typed = event.text()
            if typed and (typed.isprintable() or key == Key.Key_Backspace) and not control:
                self.complete()
            elif not typed and key not in (Key.Key_Shift, Key.Key_Control, Key.Key_Alt):
                self._list.hide()

    def _new_line(self) -> None:
        cursor = self.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()]
        gap = len(before) - len(before.lstrip(" "))
        if before.rstrip().endswith(":"):
            gap += INDENT
        self.insertPlainText("\n" + " " * gap)
        self.ensureCursorVisible()
        self._list.hide()

    def _outdent(self) -> bool:
        """Go back to the column before when only spaces stand left of the cursor."""
        cursor = self.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()]
        if cursor.hasSelection() or not before or before.strip():
            return False
        for _ in range((len(before) - 1) % INDENT + 1):
            cursor.deletePreviousChar()
        return True

    def _lines_chosen(self) -> list[int]:
        cursor = self.textCursor()
        first = self.document().findBlock(cursor.selectionStart()).blockNumber()
        last = (
            self.document().findBlock(max(cursor.selectionStart(), cursor.selectionEnd() - 1)).blockNumber()
        )
        return list(range(first, last + 1))

    def _indent(self, step: int) -> None:
        cursor = self.textCursor()
        if step > 0 and not cursor.hasSelection():
            self.insertPlainText(" " * (INDENT - cursor.positionInBlock() % INDENT))
            return
        cursor.beginEditBlock()
        for number in self._lines_chosen():
            place = QTextCursor(self.document().findBlockByNumber(number))
            text = place.block().text()
            if step > 0 and text.strip():
                place.insertText(" " * INDENT)
            for _ in range(min(INDENT, len(text) - len(text.lstrip(" "))) if step < 0 else 0):
                place.deleteChar()
        cursor.endEditBlock()

    def _comment(self) -> None:
        """Make comments of the chosen lines, or lines of the comments."""
        blocks = [self.document().findBlockByNumber(n) for n in self._lines_chosen()]
        filled = [block for block in blocks if block.text().strip()]
        off = all(block.text().lstrip().startswith("#") for block in filled)
        cursor = self.textCursor()
        cursor.beginEditBlock()
        for block in filled:
            text = block.text()
            gap = len(text) - len(text.lstrip())
            place = QTextCursor(block)
            place.setPosition(block.position() + gap)
            if off:
                for _ in range(2 if text[gap + 1 : gap + 2] == " " else 1):
                    place.deleteChar()
            else:
                place.insertText("# ")
        cursor.endEditBlock()

    # Completion.

    def complete(self, *, asked: bool = False) -> None:
        """Offer what may stand at the cursor."""
        if self.offers is None:
            return
        cursor = self.textCursor()
        typed, offers = self.offers(self.toPlainText(), cursor.blockNumber(), cursor.positionInBlock())
        self._typed = typed
        shown = [offer for offer in offers if offer != typed]
        if not shown or not (asked or (typed and typed not in offers)):
            self._list.hide()
            return
        caret = self.cursorRect().translated(self.margin_width(), 0)
        self._list.show_offers(shown, caret, len(typed), self.text_font())

    def offered(self) -> list[str]:
        """Return what is offered now."""
        return self._list.offers() if self._list.isVisible() else []

    def take(self, offer: str) -> None:
        """Put an offer in the place of what is typed of it."""
        cursor = self.textCursor()
        for _ in self._typed:
            cursor.deletePreviousChar()
        cursor.insertText(offer)
        self._list.hide()
        if offer.endswith("|"):
            QTimer.singleShot(0, self, self.complete)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._list.hide()
        super().focusOutEvent(event)


class _Margin(QWidget):
    """The numbers left of the text."""

    def __init__(self, code: CodeEdit) -> None:
        super().__init__(code)
        self._code = code

    def sizeHint(self) -> QSize:
        return QSize(self._code.margin_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._code.paint_margin(QPainter(self))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            marks = self._code.marks_on(self._code.line_at(event.pos().y()))
            QToolTip.showText(event.globalPos(), tip("\n".join(mark.text for mark in marks)), self)
            return True
        return super().event(event)
