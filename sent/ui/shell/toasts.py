"""Toasts: what just happened, with Undo for eight seconds; never steals the focus."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import IconLabel, button, column, label, paint_shadow, row, tool
from sent.ui.theme.dressing import dress

LIFE_MS = 8000
LIMIT = 4

_LOOKS = {
    "ok": ("circle-check", "ok"),
    "info": ("info", "info"),
    "bad": ("circle-alert", "bad"),
    "warn": ("triangle-alert", "warn"),
}


class Toast(QFrame):
    """One message."""

    def __init__(
        self, parent: Toasts, text: str, tone: str, undo: Callable[[], object] | None, action: str
    ) -> None:
        super().__init__(parent)
        self.text = text
        self.undo = undo
        self.setProperty("kind", "floating")
        body = label(text, wrap=len(text) > 48)
        body.setMaximumWidth(340)
        parts: list[QWidget | int | None] = [IconLabel(*_LOOKS[tone], 17), body, None]
        if undo is not None:
            self.undo_button = button(action, self._undo, kind="link", name=f"{action}: {text}")
            self.undo_button.setToolTip(tr("{action} (Ctrl+Z)", action=action))
            parts.append(self.undo_button)
        parts.append(tool("x", tr("Dismiss"), self.dismiss, size=13))
        self.setLayout(row(*parts, gap=10, margins=(14, 8, 8, 8)))
        self._timer = QTimer(self, singleShot=True, interval=LIFE_MS)
        self._timer.timeout.connect(self.dismiss)
        self._timer.start()

    def dismiss(self) -> None:
        """Take the toast away."""
        parent = self.parent()
        if isinstance(parent, Toasts):
            parent.drop(self)

    def enterEvent(self, event: QEvent) -> None:
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        self._timer.start(LIFE_MS // 2)

    def _undo(self) -> None:
        undo, self.undo = self.undo, None
        self.dismiss()
        if undo is not None:
            undo()


class Toasts(QWidget):
    """The stack of toasts in the window's lower right corner."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._box = column(gap=8, margins=(24, 18, 24, 30))
        self.setLayout(self._box)
        dress(self)
        self.toasts: list[Toast] = []
        window.installEventFilter(self)
        self.hide()

    def show_toast(
        self, text: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = ""
    ) -> Toast:
        """Show a message, with an Undo (or another action) button when `undo` is given.

        A message that stands there already is not stacked again: the new one takes its place.
        """
        for same in [t for t in self.toasts if t.text == text and t.undo is None and undo is None]:
            self.drop(same)
        toast = Toast(self, text, tone, undo, action or tr("Undo"))
        self.toasts.append(toast)
        self._box.addWidget(toast)
        if len(self.toasts) > LIMIT:
            self.drop(self.toasts[0])
        self.show()
        self.raise_()
        self._place()
        event = QAccessibleAnnouncementEvent(self, text)
        if tone in ("bad", "warn"):
            event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(event)
        return toast

    def undo_last(self) -> bool:
        """Undo what the newest toast offers; False when none does."""
        for toast in reversed(self.toasts):
            if toast.undo is not None:
                toast._undo()
                return True
        return False

    def clear(self) -> None:
        """Take all away: what they offer to undo is another person's."""
        for toast in list(self.toasts):
            self.drop(toast)

    def drop(self, toast: Toast) -> None:
        """Remove one toast."""
        if toast in self.toasts:
            self.toasts.remove(toast)
            self._box.removeWidget(toast)
            toast.hide()
            toast.deleteLater()
            self.setVisible(bool(self.toasts))
            self._place()

    def _place(self) -> None:
        self._box.activate()
        size = self.sizeHint()
        self.setGeometry(
            self._window.width() - size.width(),
            self._window.height() - size.height() - 6,
            size.width(),
            size.height(),
        )

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and self.toasts:
            self._place()
        return handled

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.toasts:
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for toast in self.toasts:
            paint_shadow(painter, QRectF(toast.geometry()), 12, 14)
