"""How a notification reaches the desktop: over the session bus, else through the tray, else not at all."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QSystemTrayIcon

from sent.platform.errors import SentError
from sent.platform.tasks import spawn

if TYPE_CHECKING:
    from sent.ui.bridge import Bridge
    from sent.ui.dbus import Bus

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
BUS, BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
URGENCY = {"info": 0, "warning": 1, "critical": 2}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is shown; one with the key of an earlier one takes its place."""

    key: str
    title: str
    body: str
    severity: str
    actions: tuple[tuple[str, str], ...] = ()
    """Id and title of each button; `default` is the click on the notice itself."""


class Notifier(QObject):
    """Shows notices and tells which of their buttons was pressed; used on the console's thread."""

    pressed = Signal(str, str)
    """Key of the notice, id of the button."""

    def __init__(self, bridge: Bridge, tray: Callable[[], QSystemTrayIcon | None]) -> None:
        super().__init__()
        self._bridge, self._tray = bridge, tray
        self._bus: Bus | None = None
        self._tried = sys.platform in ("win32", "darwin")
        self._markup = False
        self._ids: dict[str, int] = {}
        self._last = ""
        self._icon: QSystemTrayIcon | None = None

    def show(self, notice: Notice) -> None:
        """Show a notice on the desktop."""
        self._bridge.spawn(lambda: self._over_bus(notice), name="notification")

    async def _over_bus(self, notice: Notice) -> None:
        """Show it over the session bus (on the bridge's thread), or hand it to the tray."""
        try:
            bus = await self._connected()
            if bus is None:
                raise SentError("dbus.none", "no session bus")
            buttons = [text for action in notice.actions for text in action]
            hints: dict[str, tuple[str, Any]] = {
                "urgency": ("y", URGENCY[notice.severity]),
                "desktop-entry": ("s", "sent"),
            }
            known = self._ids.get(notice.key, 0)
            # What stands in a log came from anybody: where the service reads markup, nothing of it is any.
            body = escape(notice.body) if self._markup else notice.body
            values = ("SENT", known, "sent", notice.title, body, buttons, hints, -1)
            found = await bus.call(NAME, PATH, NAME, "Notify", "susssasa{sv}i", *values)
            self._ids[notice.key] = int(found[0])
        except SentError:
            self._bridge.post(lambda: self._through_tray(notice))

    async def _connected(self) -> Bus | None:
        if self._bus is None and not self._tried:
            self._tried = True
            from sent.ui.dbus import Bus

            bus = Bus(self._heard)
            with contextlib.suppress(SentError):
                await bus.open()
                spawn(bus.listen(), name="notifications")
                await bus.call(
                    "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello"
                )
                rule = f"type='signal',interface='{NAME}',sender='{NAME}'"
                await bus.call(
                    "org.freedesktop.DBus",
                    "/org/freedesktop/DBus",
                    "org.freedesktop.DBus",
                    "AddMatch",
                    "s",
                    rule,
                )
                found = await bus.call(NAME, PATH, NAME, "GetCapabilities")
                self._markup = bool(found) and "body-markup" in found[0]
                self._bus = bus
        return self._bus

    def _heard(self, interface: str, member: str, values: list[Any]) -> None:
        """Hear of buttons and closed notices (on the bridge's thread)."""
        key = next((key for key, id in self._ids.items() if values and id == values[0]), None)
        if interface != NAME or key is None:
            return
        if member == "NotificationClosed":
            self._ids.pop(key, None)
        elif member == "ActionInvoked" and len(values) > 1:
            action = str(values[1])
            self._bridge.post(lambda: self.pressed.emit(key, action))

    def _through_tray(self, notice: Notice) -> None:
        icon = self._tray()
        if icon is None:
            return
        if self._icon is not icon:
            self._icon = icon
            icon.messageClicked.connect(lambda: self.pressed.emit(self._last, "default"))
        self._last = notice.key
        kinds = QSystemTrayIcon.MessageIcon
        kind = {"warning": kinds.Warning, "critical": kinds.Critical}.get(notice.severity, kinds.Information)
        icon.showMessage(notice.title, notice.body, kind)
