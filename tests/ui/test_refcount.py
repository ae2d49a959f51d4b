"""H2: Qt's void calls leave the reference count of None alone (PySide6 6.12.0 on Python 3.11 does not)."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot


def test_h2_void_calls_keep_references(qtbot: QtBot) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    before = sys.getrefcount(None)
    for number in range(2000):
        button.setEnabled(bool(number % 2))
    assert abs(sys.getrefcount(None) - before) <= 50
