"""A layer over the whole window with one floating card."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget
from shiboken6 import isValid

from sent.ui.kit.widgets import paint_shadow
from sent.ui.theme import theme
from sent.ui.theme.dressing import dress

_CTRL = Qt.KeyboardModifier.ControlModifier


class Overlay(QWidget):
    """Covers the window; Esc and a click beside the card close it and give the focus back."""

    closed = Signal()
    sends = False
    """Whether Ctrl+Enter is a shortcut of this layer's own; the page below must have none on it then."""

    def __init__(
        self, window: QWidget, card: QFrame, *, top: int | None = None, dim: float = 0.42, fixed: bool = False
    ) -> None:
        super().__init__(window)
        self._window, self.card, self._top, self._dim, self._fixed = window, card, top, dim, fixed
        self._before: QWidget | None = None
        card.setProperty("kind", "floating")
        card.setParent(self)
        window.installEventFilter(self)
        self.hide()
        dress(self)

    def open(self) -> None:
        """Show the layer."""
        self._before = QApplication.focusWidget()
        dress(self)
        self._place()
        self.show()
        self.raise_()

    def close_layer(self) -> None:
        """Hide the layer and give the focus back."""
        if self.isHidden():
            return
        self.hide()
        if self._before is not None and isValid(self._before) and self._before.isVisible():
            self._before.setFocus()
        self.closed.emit()

    def _place(self) -> None:
        self.setGeometry(self._window.rect())
        self.card.adjustSize()
        width, height = self.card.width(), min(self.card.height(), self.height() - 32)
        top = (
            (self.height() - height) // 2
            if self._top is None
            else min(self._top, self.height() - height - 16)
        )
        self.card.setGeometry((self.width() - width) // 2, max(16, top), width, height)
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return False

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            # Keys pressed on this layer never reach what lies below it.
            sends = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and event.modifiers() & _CTRL
            leaves = event.key() == Qt.Key.Key_Escape and not self._fixed
            event.setAccepted(not (sends and self.sends) and not leaves)
            return True
        if event.type() == QEvent.Type.LayoutRequest and not self.isHidden():
            self._place()
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._fixed and not self.card.geometry().contains(event.position().toPoint()):
            self.close_layer()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self._fixed:
            self.close_layer()
        else:
            event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        veil = QColor("#05070a")
        veil.setAlphaF(self._dim if theme.tokens().is_dark else self._dim * 0.6)
        painter.fillRect(self.rect(), veil)
        paint_shadow(painter, QRectF(self.card.geometry()))
