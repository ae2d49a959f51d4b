"""A console over fakes: window, gate and bridge, ended after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from ui.fakes import FakeAudit, FakeBackend, FakeNotifications, FakeOverview, FakeRadar
from ui.incident_service import FakeIncidents
from ui.shelf import ViewShelf

from sent.platform.config import settings_store
from sent.platform.views import store as views_store
from sent.ui import boot
from sent.ui.app import Console
from sent.ui.prefs import Prefs
from sent.ui.shell.gate import Gate
from sent.ui.shell.window import MainWindow
from sent.ui.theme import theme


class Desk:
    """A console under test."""

    def __init__(self, qtbot: QtBot, prefs: Path, backend: FakeBackend) -> None:
        self.bot, self.backend, self.folder = qtbot, backend, prefs.parent
        _, self.window, self.gate = boot.build([], Prefs(str(prefs)))
        qtbot.addWidget(self.window)
        self.radar = FakeRadar()
        self.console = Console(self.window, self.gate, backend=backend)
        self.notifications = FakeNotifications()
        self.incidents = FakeIncidents()
        self.console.bridge.apis |= {
            "radar": self.radar,
            "overview": FakeOverview(),
            "audit": FakeAudit(),
            "incidents": self.incidents,
            "notifications": self.notifications,
        }
        self.window.resize(1360, 860)
        self.window.show()
        self.gate.open()

    window: MainWindow
    gate: Gate

    def start(self) -> None:
        """Look for the database."""
        self.console.start()
        self.until(lambda: self.gate._ready)

    def sign_in(self, page: str = "overview") -> None:
        """Start and sign in with the fields of the gate."""
        self.start()
        self.gate.email.set_text(self.backend.email)
        self.gate.password.set_text(self.backend.password)
        self.gate.sign_in_form.submit()
        self.until(lambda: self.window.shell.person is not None)
        self.window.show_page(page)

    def until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready()`."""
        self.bot.waitUntil(ready, timeout=8000)

    def settle(self) -> None:
        """Wait until every answer has come."""
        self.until(lambda: self.console.bridge.pending == 0)


async def no_settings(_ctx: object) -> list[object]:
    """Return what an organisation has that set nothing yet."""
    return []


@pytest.fixture
def backend() -> FakeBackend:
    """Return the server and login service to arrange before `desk.start()`."""
    return FakeBackend()


@pytest.fixture
def desk(
    qtbot: QtBot, tmp_path: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """Return a console that nobody is signed in to."""
    monkeypatch.setattr(settings_store, "get_all", no_settings)
    for name, fake in ViewShelf().functions().items():
        monkeypatch.setattr(views_store, name, fake)
    made = Desk(qtbot, tmp_path / "console.ini", backend)
    yield made
    made.console.stop()
    made.window.close()
    theme.apply("dark")
    theme.set_density("regular")
