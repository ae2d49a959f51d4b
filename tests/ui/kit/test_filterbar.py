"""The filter bar: chips, completion, nothing typed is lost."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sent.ui.kit.filterbar import Field, FilterBar
from sent.ui.kit.query import Term


@pytest.fixture
def bar(qtbot: QtBot) -> FilterBar:
    made = FilterBar(
        [Field("level", "Level", ("critical", "high", "low")), Field("host", "Host")], hint="", name="Filter"
    )
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_complete_condition_becomes_a_chip_at_space(bar: FilterBar) -> None:
    QTest.keyClicks(bar.edit, "level:high rest")
    assert bar._terms == [Term("level", "high")]
    assert bar.edit.text() == "rest"
    assert bar.terms() == (Term("level", "high"), Term("", "rest"))


def test_backspace_takes_the_last_chip_back_as_text(bar: FilterBar) -> None:
    bar.set_text("level:high -host:fs*")
    QTest.keyClick(bar.edit, Qt.Key.Key_Backspace)
    assert bar.edit.text() == "-host:fs*"
    assert bar.terms() == (Term("level", "high"), Term("host", "fs*", True))


def test_filter_for_replaces_filter_out(bar: FilterBar) -> None:
    bar.add("host", "fs1", out=True)
    bar.add("host", "fs1")
    assert bar.terms() == (Term("host", "fs1"),)


def test_fields_and_values_are_offered(bar: FilterBar) -> None:
    assert bar.suggestions("le") == ["level:"]
    assert bar.suggestions("-level:i") == ["-level:critical", "-level:high"]
    assert bar.suggestions("") == []


def test_changes_are_told_once(bar: FilterBar, qtbot: QtBot) -> None:
    heard: list[object] = []
    bar.changed.connect(heard.append)
    bar.set_text("level:high")
    bar.set_text("level:high")
    QTest.keyClicks(bar.edit, "abc")
    qtbot.waitUntil(lambda: len(heard) == 2, timeout=2000)
    assert heard == [(Term("level", "high"),), (Term("level", "high"), Term("", "abc"))]
