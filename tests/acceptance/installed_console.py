"""A console as a version's folder starts it: FOLDER ARGUMENT... The rest is faked, but not the process.

The test gives orders, a word each, in the file `$SENT_TEST_TALK/do`; what is shown stands in `shown` beside.
With `update ...` the admin's tool of that version runs, as the console itself starts it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
TALK = Path(os.environ["SENT_TEST_TALK"])


def main(folder: str, *arguments: str) -> int:
    """Be the program of that version."""
    sys.frozen = True  # type: ignore[attr-defined]
    sys.executable = f"{folder}/sent"
    sys.argv = [sys.executable, *arguments]
    from sent.platform.update import trust

    trust.ROOT = TALK / "root.json"
    if arguments[:1] == ("update",):
        from sent.launch import main as tool

        return tool()
    _pretend()
    from sent.ui import boot

    return boot.main(list(arguments))


def _pretend() -> None:
    """Put the fakes of the console's own tests in the place of database, login and engines."""
    from ui import fakes
    from ui.conftest import no_settings
    from ui.incident_service import FakeIncidents
    from ui.shelf import ViewShelf

    from sent.platform.config import settings_store
    from sent.platform.ids import PersonId
    from sent.platform.views import store
    from sent.ui import app

    class Backend(fakes.FakeBackend):
        permissions = fakes.ALL

    settings_store.get_all = no_settings  # type: ignore[assignment]
    for name, fake in ViewShelf().functions().items():
        setattr(store, name, fake)
    fakes.PersonId = lambda _any: PersonId(UUID(int=7))  # type: ignore[attr-defined]
    app.LocalBackend = Backend  # type: ignore[misc,assignment]

    class Console(app.Console):
        def __init__(self, window: Any, gate: Any, **more: Any) -> None:
            super().__init__(window, gate, **more)
            self.bridge.apis |= {
                "radar": fakes.FakeRadar(),
                "overview": fakes.FakeOverview(),
                "audit": fakes.FakeAudit(),
                "incidents": FakeIncidents(),
                "notifications": fakes.FakeNotifications(),
            }
            self.hand = Hand(window, gate, self)

    app.Console = Console  # type: ignore[misc]


class Hand:
    """Does what the test says and writes down what is shown."""

    def __init__(self, window: Any, gate: Any, console: Any) -> None:
        from PySide6.QtCore import QTimer

        self.window, self.gate, self.console = window, gate, console
        self.timer = QTimer(window, interval=50)
        self.timer.timeout.connect(self.turn)
        self.timer.start()

    def turn(self) -> None:
        """Look for an order; write what is shown."""
        with suppress(FileNotFoundError):
            word = (TALK / "do").read_text()
            (TALK / "do").unlink()
            orders: dict[str, Callable[[], object]] = {
                "sign in": self.sign_in,
                "arrange": self.arrange,
                "prompt": self.prompt,
                "quit": lambda: self.window.close_for_good(),
                "apply": lambda: self.window.shell.common.updates.carry_out("apply"),
                "check": lambda: self.window.shell.common.updates.carry_out("check"),
            }
            (orders.get(word) or (lambda: self.click(word)))()
        fresh = TALK / "shown.part"
        fresh.write_text(json.dumps(self.shown()))
        fresh.replace(TALK / "shown")

    def sign_in(self) -> None:
        """Sign in with the fields of the gate."""
        self.gate.email.set_text("anna@example.com")
        self.gate.password.set_text("a long enough password")
        self.gate.sign_in_form.submit()

    def arrange(self) -> None:
        """Make the arrangement that must come back."""
        from PySide6.QtCore import QRect

        window = self.window
        window.setGeometry(QRect(12, 30, 770, 640))
        window.show_page("radar")
        window.pages["radar"].queue.filter.set_text("level:high")
        window.show_page("radar", f"alert/{UUID(int=6)}")
        other = window.windows.open_apart("radar", f"alert/{UUID(int=2)}", place=QRect(90, 80, 640, 600))
        assert other is not None
        audit = window.windows.open_apart("audit", place=QRect(60, 130, 700, 500))
        audit.pages["audit"].filter.set_text("who:anna")
        window.shell.drafts.put("note", {"0": "half a thought"})

    def prompt(self) -> None:
        """Type something that no draft keeps."""
        self.window.prompt.ask("Name", "Name", lambda _text: None)
        self.window.prompt.field.set_text("typed")

    def click(self, name: str) -> None:
        """Press the button of that name."""
        from PySide6.QtWidgets import QAbstractButton

        found = [b for b in self.window.findChildren(QAbstractButton) if b.accessibleName() == name]
        next(b for b in found if b.isVisible()).click()

    def shown(self) -> dict[str, Any]:
        """Return what stands in every window."""
        window = self.window
        bar = window.__dict__.get("update_bar")
        return {
            "pid": os.getpid(),
            "version": Path(sys.executable).parent.name,
            "ready": self.gate._ready,
            "person": window.shell.person is not None,
            "bar": bar.text if bar is not None and not bar.isHidden() else "",
            "draft": window.shell.drafts.get("note"),
            "busy": window.shell.common.updates.order,
            "windows": [self.one(each) for each in window.windows.all],
        }

    @staticmethod
    def one(window: Any) -> dict[str, Any]:
        """Return what one window shows."""
        page = window.pages.get(window.current)
        return {
            "page": window.current,
            "record": window.current_record(),
            "box": list(window.geometry().getRect()),
            "filters": {} if page is None else {k: v for k, v in page.arrangement().items() if v},
        }


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
