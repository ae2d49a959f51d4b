"""A console on a real database and how late the ticks of its window come, for benches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt, QTimer
from pytestqt.qtbot import QtBot
from tenants import OrgFixture, mint

from sent.platform.auth.client import Credential
from sent.platform.ids import MembershipId, OrgId, PersonId
from sent.platform.telemetry.log import Secret
from sent.ui import boot
from sent.ui.app import Console
from sent.ui.prefs import Prefs
from sent.ui.session import Session, connect
from sent.ui.shell.shell import Person

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

TICK_MS = 10
EVERYTHING = frozenset(
    {"overview:read", "radar:read", "radar:triage", "audit:read", "capital:read", "capital:post"}
)


class Ticks:
    """A 10 ms timer on the window's thread and by how much each tick came late, in milliseconds."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._last = 0.0
        self._timer = QTimer(interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1000 - TICK_MS))
        self._last = now

    def during(self, wait: Callable[[], None]) -> list[float]:
        """Measure while `wait` runs the event loop."""
        self.late, self._last = [], time.perf_counter()
        self._timer.start()
        wait()
        self._timer.stop()
        return self.late


@pytest.fixture
def desk(qtbot: QtBot, server: Server, org_a: OrgFixture, tmp_path: Path) -> Iterator[Any]:
    """Return a console signed in to organisation alpha of a real database."""
    _, window, gate = boot.build([], Prefs(str(tmp_path / "p.ini")))
    qtbot.addWidget(window)
    window.resize(1360, 860)
    window.show()
    console = Console(window, gate)
    bridge = console.bridge
    bridge.start()
    role, password = mint(server, org_a.membership)
    credential = Credential(
        role, password, datetime.now(UTC) + timedelta(minutes=14), OrgId(org_a.org), "Alpha",
        PersonId(org_a.owner), "Owner", MembershipId(org_a.membership), "owner", EVERYTHING, Secret("s"),
        server.host, server.port, server.dbname,
    )  # fmt: skip

    async def nothing() -> None:
        """The server is not ours to start."""

    async def sign_in() -> Session:
        session = Session(bridge, SimpleNamespace(), credential, revive=nothing, connect=connect)  # type: ignore[arg-type]
        await session.open()
        return session

    opened: list[Session] = []
    bridge.run(sign_in, owner=window, done=opened.append, failed=lambda error: pytest.fail(str(error)))
    qtbot.waitUntil(lambda: bool(opened), timeout=15000)
    bridge.session = opened[0]
    window.shell.person = Person(str(org_a.owner), "Owner", "o@a.test", "Alpha", "owner", EVERYTHING)
    window.shell.online = True
    window.shell.person_changed.emit()
    yield SimpleNamespace(window=window, console=console, bridge=bridge, bot=qtbot)
    console.stop()
    window.close()
