"""A value as it stands in an event, with the part that a rule matched marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFont,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from sent.platform.i18n import tr
from sent.ui.theme import fonts, theme

SHOWN = 2000

More = tuple[str, Callable[[], object]]
"""A further entry of a value's menu: its title, and what it does."""


class Value(QWidget):
    """Plain text in the fixed font, wrapped anywhere; a click filters for it, Alt+click filters it out."""

    clicked = Signal(bool)
    """Filter out?"""

    def __init__(
        self,
        text: str,
        marks: Sequence[tuple[int, int]] = (),
        *,
        name: str = "",
        more: Sequence[More] = (),
    ) -> None:
        super().__init__()
        self._more = tuple(more)
        self.text = text
        self.marks = tuple((max(0, a), min(b, SHOWN)) for a, b in marks if a < b and a < SHOWN)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(f"{name}: {text[:200]}" if name else text[:200])
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(tr("Click: filter for this · Alt+click: filter it out"))
        theme.state().changed.connect(self.update)

    def heightForWidth(self, width: int) -> int:
        return int(self._laid(width)[1]) + 4

    def sizeHint(self) -> QSize:
        return QSize(160, self.heightForWidth(max(160, self.width())))

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 18)

    def _laid(self, width: int) -> tuple[QTextLayout, float]:
        font = QFont(fonts.mono())
        font.setPixelSize(round(12 * theme.state().scale))
        shown = self.text[:SHOWN].replace("\n", "\u2028") + ("…" if len(self.text) > SHOWN else "")
        layout = QTextLayout(shown, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        marked = QTextCharFormat()
        marked.setBackground(theme.colour("mark"))
        marked.setForeground(theme.colour("text"))
        marked.setFontWeight(QFont.Weight.Medium)
        layout.setFormats([_span(start, end, marked) for start, end in self.marks])
        layout.beginLayout()
        height = 0.0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(20, width - 2))
            line.setPosition(QPointF(1, height + 2))
            height += line.height() + 1
        layout.endLayout()
        return layout, height

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        layout, _ = self._laid(self.width())
        painter.setPen(theme.colour("accent" if self.hasFocus() or self.underMouse() else "text"))
        layout.draw(painter, QPointF(0, 0))
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(theme.ring())
            painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(bool(event.modifiers() & Qt.KeyboardModifier.AltModifier))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit(bool(event.modifiers() & Qt.KeyboardModifier.AltModifier))
        else:
            super().keyPressEvent(event)

    def menu(self) -> QMenu:
        """Return the menu of the value."""
        menu = QMenu(self)
        menu.addAction(tr("Copy value"), lambda: QGuiApplication.clipboard().setText(self.text))
        menu.addAction(tr("Filter for this"), lambda: self.clicked.emit(False))
        menu.addAction(tr("Filter this out"), lambda: self.clicked.emit(True))
        for title, run in self._more:
            menu.addAction(title.replace("&", "&&"), run)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu().exec(event.globalPos())


def _span(start: int, end: int, look: QTextCharFormat) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    made.start, made.length, made.format = start, end - start, look
    return made
