"""A payload as text or in hexadecimal, with the place that no reader takes marked."""

from __future__ import annotations

from PySide6.QtGui import QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Segments
from sent.ui.kit.widgets import column, row
from sent.ui.theme import theme

SHOWN = 16_384
"""Bytes that are shown: a letter keeps up to 64 KB."""

WIDTH = 16


class BytesView(QWidget):
    """`show_payload` shows a payload; `damage` is the first bad byte, or None."""

    def __init__(self) -> None:
        super().__init__()
        self._payload, self._damage, self.form = b"", None, "text"  # type: tuple[bytes, int | None, str]
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setProperty("type", "mono")
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(tr("Payload"))
        self.text.setMinimumHeight(240)
        forms = (("text", tr("Text")), ("hex", tr("Hexadecimal")))
        self.forms = Segments(tr("How it is shown"), forms, self.form, self.show_form)
        self.setLayout(column(row(self.forms, None), self.text, gap=8))
        theme.state().changed.connect(self._mark)

    def show_payload(self, payload: bytes, damage: int | None) -> None:
        """Show a payload."""
        self._payload, self._damage = payload[:SHOWN], damage
        self._write()

    def show_form(self, form: str) -> None:
        """Show it as text or in hexadecimal."""
        self.form = form
        self.forms.show_choice(form)
        self._write()

    def _write(self) -> None:
        wrap = QPlainTextEdit.LineWrapMode
        self.text.setLineWrapMode(wrap.WidgetWidth if self.form == "text" else wrap.NoWrap)
        self.text.setPlainText(shown_text(self._payload) if self.form == "text" else hex_dump(self._payload))
        self._mark()

    def _mark(self) -> None:
        if self._damage is None or self._damage >= len(self._payload):
            self.text.setExtraSelections([])
            return
        place = (
            len(shown_text(self._payload[: self._damage])) if self.form == "text" else hex_place(self._damage)
        )
        cursor = QTextCursor(self.text.document())
        cursor.setPosition(min(place, self.text.document().characterCount() - 1))
        cursor.movePosition(
            QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor, 1 if self.form == "text" else 2
        )
        look = QTextCharFormat()
        look.setBackground(theme.colour("critical_soft"))
        look.setForeground(theme.colour("critical"))
        marked = QTextEdit.ExtraSelection()
        marked.cursor, marked.format = cursor, look
        self.text.setExtraSelections([marked])
        self.text.setTextCursor(QTextCursor(cursor.block()))
        self.text.ensureCursorVisible()


def shown_text(payload: bytes) -> str:
    """Return bytes as text of one sign each where they are no UTF-8; what cannot be seen is `·` or U+FFFD."""
    text = payload.decode("utf-8", "replace")
    signs = (sign if sign.isprintable() or sign in "\n\t" else "\u00b7" for sign in text)
    # Signs beyond the first plane are two places for Qt; one place each keeps the mark where it belongs.
    return "".join(sign if ord(sign) < 0x10000 else "\ufffd" for sign in signs)


def hex_dump(payload: bytes) -> str:
    """Return lines of an offset, sixteen bytes and their ASCII."""
    lines = []
    for start in range(0, len(payload), WIDTH):
        part = payload[start : start + WIDTH]
        signs = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:06x}  {part.hex(' '):<{WIDTH * 3 - 1}}  {signs}")
    return "\n".join(lines)


def hex_place(byte: int) -> int:
    """Return where a byte stands in `hex_dump`."""
    line = 8 + WIDTH * 3 - 1 + 2 + WIDTH + 1
    return byte // WIDTH * line + 8 + byte % WIDTH * 3
