"""The session: a credential never runs out while the console is open, and an ended one is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pytestqt.qtbot import QtBot
from ui.fakes import FakeBackend

from sent.platform.auth.client import Credential
from sent.platform.errors import Denied, Unavailable
from sent.platform.telemetry.log import Secret
from sent.ui.bridge import Bridge
from sent.ui.session import Session, connect


@pytest.fixture
def bridge(qtbot: QtBot) -> Iterator[Bridge]:
    made = Bridge()
    made.start()
    yield made
    made.stop()


async def opened(bridge: Bridge, backend: FakeBackend, seconds: float) -> Session:
    credential = await backend.broker.mint(Secret("t"), UUID(int=1))
    credential = replace(credential, valid_until=datetime.now(UTC) + timedelta(seconds=seconds))

    async def revive() -> None:
        """Nothing to start."""

    session = Session(bridge, backend.broker, credential, revive=revive, connect=backend.connect)
    await session.open()
    bridge.session = session
    return session


def test_a_credential_is_renewed_before_it_runs_out(bridge: Bridge, qtbot: QtBot) -> None:
    backend, sessions = FakeBackend(), []
    bridge.run(lambda: opened(bridge, backend, 4.0), owner=bridge, done=sessions.append)
    qtbot.waitUntil(lambda: backend.broker.renewed == 1, timeout=6000)
    assert (sessions[0].credential.valid_until - datetime.now(UTC)).total_seconds() > 600


def test_a_password_is_never_handed_out_on_its_last_seconds(bridge: Bridge, qtbot: QtBot) -> None:
    backend, passwords = FakeBackend(), []

    async def ask() -> Secret:
        session = await opened(bridge, backend, 2.0)
        return await session._password()

    bridge.run(ask, owner=bridge, done=passwords.append)
    qtbot.waitUntil(lambda: bool(passwords))
    assert backend.broker.renewed == 1


def test_a_session_that_was_ended_is_told(
    bridge: Bridge, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, told = FakeBackend(), []

    async def refuse(_session: Secret) -> Credential:
        raise Denied("auth.expired", "the session was ended")

    monkeypatch.setattr(backend.broker, "renew", refuse)
    bridge.session_ended.connect(told.append)
    bridge.run(lambda: opened(bridge, backend, 4.0), owner=bridge, done=lambda _: None)
    qtbot.waitUntil(lambda: told == ["the session was ended"], timeout=6000)


def test_a_pool_that_cannot_connect_writes_nothing_to_stderr(
    bridge: Bridge, qtbot: QtBot, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    backend, ended = FakeBackend(), []

    async def password() -> Secret:
        return Secret("p")

    async def attempt() -> None:
        credential = await backend.broker.mint(Secret("t"), UUID(int=1))
        database = connect(replace(credential, host=str(tmp_path)), password)
        with pytest.raises((Unavailable, TimeoutError)):
            async with asyncio.timeout(1), database.connection():
                pass
        await database.close()

    bridge.run(attempt, owner=bridge, done=lambda _: ended.append("done"), failed=ended.append)
    qtbot.waitUntil(lambda: bool(ended), timeout=20000)
    assert ended == ["done"]
    assert capfd.readouterr().err == ""
