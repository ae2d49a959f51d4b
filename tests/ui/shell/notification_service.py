"""A notification service on the session bus: prints what it gets, presses the button it is told to."""

from __future__ import annotations

import json
import sys

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusVirtualObject

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"


class Service(QDBusVirtualObject):
    """Answers Notify with rising ids; the first argument of the program is the button pressed then."""

    count = 0

    def introspect(self, path: str) -> str:
        return ""

    def handleMessage(self, message: QDBusMessage, connection: QDBusConnection) -> bool:
        if message.member() == "GetCapabilities":
            connection.send(message.createReply(["body", "body-markup", "actions"]))
            return True
        if message.member() != "Notify":
            return False
        values = message.arguments()
        Service.count += 1
        found = {
            "signature": message.signature(),
            "title": values[3],
            "body": values[4],
            "replaces": values[1],
        }
        print(json.dumps(found | {"actions": list(values[5])}), flush=True)
        # An int leaves Qt's binding as INT32; a UINT32 of the same value reads alike for these ids.
        connection.send(message.createReply(Service.count))
        if len(sys.argv) > 1:
            QTimer.singleShot(100, lambda: self.press(connection))
        return True

    def press(self, connection: QDBusConnection) -> None:
        signal = QDBusMessage.createSignal(PATH, NAME, "ActionInvoked")
        signal.setArguments([Service.count, sys.argv[1]])
        connection.send(signal)


if __name__ == "__main__":
    app = QCoreApplication([])
    bus, service = QDBusConnection.sessionBus(), Service()
    bus.registerVirtualObject(PATH, service)
    bus.registerService(NAME)
    print("ready", flush=True)
    app.exec()
