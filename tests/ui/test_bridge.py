"""The bridge: answers on the console's thread, late ones dropped, control back at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from sent.platform.errors import Denied, SentError
from sent.ui.bridge import Bridge


@pytest.fixture
def bridge(qtbot: QtBot) -> Iterator[Bridge]:
    made = Bridge()
    made.start()
    yield made
    made.stop()


async def value(seconds: float = 0.0) -> int:
    await asyncio.sleep(seconds)
    return threading.get_ident()


def test_work_runs_behind_and_answers_come_to_the_front(bridge: Bridge, qtbot: QtBot) -> None:
    owner, heard = QObject(), []
    bridge.run(value, owner=owner, done=lambda thread: heard.append((thread, threading.get_ident())))
    qtbot.waitUntil(lambda: bool(heard))
    behind, front = heard[0]
    assert front == threading.get_ident() != behind


def test_errors_arrive_as_sent_errors(bridge: Bridge, qtbot: QtBot) -> None:
    owner, heard = QObject(), []

    async def refuse() -> None:
        raise Denied("x.y", "no")

    async def break_down() -> None:
        raise KeyError("z")

    for work in (refuse, break_down):
        bridge.run(work, owner=owner, done=heard.append, failed=heard.append)
    qtbot.waitUntil(lambda: len(heard) == 2)
    assert [type(error) for error in heard] == [Denied, SentError]
    assert heard[1].code == "console.failed"


def test_answers_for_a_destroyed_owner_are_dropped(bridge: Bridge, qtbot: QtBot) -> None:
    owner, heard = QObject(), []
    bridge.run(lambda: value(0.1), owner=owner, done=heard.append)
    delete(owner)
    qtbot.waitUntil(lambda: bridge.pending == 0)
    assert heard == []


def test_cancel_and_time_limit_give_control_back_though_the_work_hangs(bridge: Bridge, qtbot: QtBot) -> None:
    owner, heard = QObject(), []

    async def hang() -> None:
        give_up = time.monotonic() + 3
        while time.monotonic() < give_up:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                continue

    handle = bridge.run(hang, owner=owner, done=heard.append, failed=heard.append)
    qtbot.wait(50)
    began = time.perf_counter()
    handle.cancel()
    assert time.perf_counter() - began < 0.2
    assert bridge.pending == 0
    bridge.run(hang, owner=owner, done=heard.append, failed=heard.append, limit=0.1)
    qtbot.waitUntil(lambda: len(heard) == 1)
    assert heard[0].code == "database.timeout"
