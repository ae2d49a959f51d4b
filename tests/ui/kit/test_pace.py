"""Reading again while hints come in: soon after the first, with a distance, never without the last."""

from __future__ import annotations

import time
from itertools import pairwise

from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from sent.ui.kit.pace import Pace

APART_MS = 200


def test_a_storm_of_hints_is_read_at_a_distance_and_its_last_is_not_lost(qtbot: QtBot) -> None:
    owner = QObject()
    called: list[float] = []
    pace = Pace(owner, lambda: called.append(time.monotonic()), soon_ms=10, apart_ms=APART_MS)
    storm = QTimer(owner, interval=5)
    storm.timeout.connect(pace.hint)
    storm.start()
    qtbot.waitUntil(lambda: len(called) >= 4, timeout=5000)
    storm.stop()
    pace.hint()
    last, seen = time.monotonic(), len(called)
    qtbot.waitUntil(lambda: len(called) > seen and called[-1] > last, timeout=2000)
    gaps = [b - a for a, b in pairwise(called)]
    assert min(gaps) >= APART_MS / 1000 - 0.02, "timers of Qt may be early by some milliseconds"


def test_the_first_hint_is_followed_soon_and_a_more_urgent_one_brings_it_forward(qtbot: QtBot) -> None:
    owner = QObject()
    called: list[float] = []
    pace = Pace(owner, lambda: called.append(time.monotonic()), soon_ms=60_000, apart_ms=APART_MS)
    pace.hint()
    began = time.monotonic()
    pace.hint(10)
    qtbot.waitUntil(lambda: bool(called), timeout=5000)
    assert called[0] - began < 5


def test_what_waits_can_be_forgotten(qtbot: QtBot) -> None:
    owner = QObject()
    called: list[int] = []
    pace = Pace(owner, lambda: called.append(1), soon_ms=20, apart_ms=APART_MS)
    pace.hint()
    pace.stop()
    qtbot.wait(100)
    assert called == []
