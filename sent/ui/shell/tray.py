"""The tray: SENT's state as colour and shape, and how much is unread. Everything works without one.

A disc is well, a triangle wants a look, a square is an incident: the shape says it where colours do not.
Closing the last window goes on in the tray only when the person chose that; he is asked once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from sent.platform.i18n import tr, trn
from sent.ui.theme import theme
from sent.ui.theme.dressing import dress
from sent.ui.theme.icons import pixmap

if TYPE_CHECKING:
    from sent.ui.shell.desktop import Desktop
    from sent.ui.shell.shell import Common
    from sent.ui.shell.windows import Windows

SIZE = 64
MOST = 99


def state_of(common: Common, *, critical: bool, unread: int) -> str:
    """Return ok, warn or incident."""
    if critical:
        return "incident"
    if (common.person is not None and not common.online) or unread:
        return "warn"
    return "ok"


def tray_icon(state: str, unread: int) -> QIcon:
    """Return the mark with the state's shape at its lower right and the count at its upper right."""
    image = QPixmap(SIZE, SIZE)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.drawPixmap(2, 2, pixmap("sent", theme.tokens().accent, 56))
    box = QRectF(36, 36, 26, 26)
    painter.setPen(QPen(QColor("#101418"), 3))
    painter.setBrush(theme.colour({"ok": "ok", "warn": "warn", "incident": "bad"}[state]))
    if state == "ok":
        painter.drawEllipse(box)
    elif state == "warn":
        painter.drawPolygon([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()])
    else:
        painter.drawRect(box)
    if unread:
        text = str(unread) if unread <= MOST else f"{MOST}+"
        font = QFont(painter.font())
        font.setPixelSize(24)
        font.setBold(True)
        painter.setFont(font)
        width = max(28, painter.fontMetrics().horizontalAdvance(text) + 10)
        badge = QRectF(SIZE - width, 0, width, 28)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#c62828"))
        painter.drawRoundedRect(badge, 14, 14)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return QIcon(image)


class Tray(QObject):
    """The icon, where the desktop has a tray; `icon` is None elsewhere."""

    def __init__(
        self,
        common: Common,
        windows: Windows,
        desktop: Desktop,
        available: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable,
    ) -> None:
        super().__init__(windows)
        self._common, self._windows, self._desktop = common, windows, desktop
        self.icon: QSystemTrayIcon | None = None
        self.state, self.count = "", -1
        if available():
            self.icon = QSystemTrayIcon(self)
            self._menu = QMenu()
            dress(self._menu)
            self._menu.addAction(tr("Open SENT"), self.open)
            self._menu.addAction(tr("Quiet for one hour"), self.pause)
            self._menu.addSeparator()
            self._menu.addAction(tr("Quit"), self.quit)
            self.icon.setContextMenu(self._menu)
            self.icon.activated.connect(self._activated)
            self.icon.show()
        desktop.changed.connect(self.refresh)
        common.person_changed.connect(self.refresh)
        windows.main.critical.changed.connect(self.refresh)
        windows.connection_changed.connect(self.refresh)
        theme.state().changed.connect(self._repaint)
        self.refresh()

    def refresh(self) -> None:
        """Show the state as it is now."""
        unread = self._desktop.unread
        state = state_of(self._common, critical=self._desktop.critical, unread=unread)
        if (state, unread) != (self.state, self.count):
            self.state, self.count = state, unread
            self._repaint()

    def text(self) -> str:
        """Return the state in words: what the tooltip says."""
        said = {
            "ok": tr("All well"),
            "warn": tr("Wants a look"),
            "incident": tr("Critical"),
        }[self.state]
        if self._common.person is not None and not self._common.online:
            said = tr("The database does not answer")
        return f"SENT · {said}" + (f" · {trn('{n} new', '{n} new', n=self.count)}" if self.count else "")

    def _repaint(self) -> None:
        if self.icon is not None:
            self.icon.setIcon(tray_icon(self.state, self.count))
            self.icon.setToolTip(self.text())

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.open()

    def open(self) -> None:
        """Bring the console back."""
        QApplication.setQuitOnLastWindowClosed(True)
        self._windows.reach(self._windows.main)

    def pause(self) -> None:
        """Keep notifications quiet for an hour."""
        until = datetime.now().astimezone() + timedelta(hours=1)
        self._common.prefs.set_own("notify/pause", until.isoformat())

    def quit(self) -> None:
        """End the console."""
        QApplication.setQuitOnLastWindowClosed(True)
        self._windows.main.close_for_good()

    def may_close(self) -> bool:
        """Say whether closing the main window ends the console; else it goes on here, or asks first."""
        chosen = self._common.prefs.own("close")
        if self.icon is None or self._common.person is None or chosen == "quit":
            return True
        if chosen == "keep":
            self._hide()
        else:
            self._ask()
        return False

    def _ask(self) -> None:
        self._windows.main.question.ask(
            tr("Closing the window: shall SENT go on in the tray and tell you of what happens? (asked once)"),
            (tr("Go on in the tray"), lambda: self._chosen("keep")),
            (tr("Quit"), lambda: self._chosen("quit")),
        )

    def _chosen(self, choice: str) -> None:
        self._common.prefs.set_own("close", choice)
        if choice == "keep":
            self._hide()
        else:
            self.quit()

    def _hide(self) -> None:
        QApplication.setQuitOnLastWindowClosed(False)
        for window in self._windows.all:
            window.hide()
