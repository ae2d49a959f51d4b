"""K7 15: columns are moved, pinned, hidden, fitted; lists in memory are sorted by several."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sent.ui.kit import sorting
from sent.ui.kit.table import Column
from sent.ui.kit.tableview import PagedTable
from sent.ui.prefs import Prefs


@dataclass(frozen=True)
class Row:
    id: int
    host: str
    level: str
    count: int | None


COLUMNS = [
    Column("host", "Host", lambda r: r.host, 120),
    Column("level", "Level", lambda r: r.level, 90, drop=1),
    Column("text", "Text", lambda r: f"row {r.id} " * 20, 300, stretch=True),
    Column("count", "Count", lambda r: str(r.count), 80, "number", drop=2),
]
ROWS = [Row(n, f"fs{n % 3}", ("high", "low")[n % 2], None if n == 4 else 10 - n) for n in range(9)]


def run(make: Any, *, done: Any, failed: Any = None) -> None:
    """Await what never waits."""
    try:
        make().send(None)
    except StopIteration as end:
        done(end.value)


@pytest.fixture
def table(qtbot: QtBot) -> PagedTable:
    made = PagedTable(COLUMNS, run=run, name="Rows")
    qtbot.addWidget(made)
    made.resize(800, 300)
    made.show()
    made.show_rows(ROWS, lambda r: r.id)
    return made


def ids(table: PagedTable) -> list[int]:
    return [row.id for row in table.model_.cached_rows()]


def places(table: PagedTable) -> list[str]:
    header = table.horizontalHeader()
    return [COLUMNS[header.logicalIndex(n)].key for n in range(header.count())]


def test_k7_15_pinned_columns_stay_at_the_front_and_never_step_aside(table: PagedTable) -> None:
    table.layout_.pin(3, True)
    assert places(table)[0] == "count"
    table.horizontalHeader().moveSection(2, 0)
    assert places(table)[0] == "count", "nothing is drawn before what is pinned"
    table.resize(330, 300)
    assert table.isColumnHidden(1) and not table.isColumnHidden(3)
    table.layout_.pin(3, False)
    assert table.layout_.pinned == []


def test_k7_15_a_double_click_on_the_edge_fits_the_column_to_its_content(table: PagedTable) -> None:
    table.layout_._widths[0] = 300
    table.layout_.stretch()
    table.horizontalHeader().sectionHandleDoubleClicked.emit(0)
    assert 56 <= table.columnWidth(0) < 200


def test_k7_15_what_was_arranged_is_found_again(table: PagedTable, qtbot: QtBot, tmp_path: Path) -> None:
    prefs = Prefs(str(tmp_path / "x.ini"))
    table.remember_columns(prefs, "rows")
    table.layout_.pin(1, True)
    table.layout_._show_column(3, False)
    other = PagedTable(COLUMNS, run=run, name="Rows")
    qtbot.addWidget(other)
    other.remember_columns(prefs, "rows")
    assert other.layout_.text() == table.layout_.text()
    assert places(other)[0] == "level" and other.isColumnHidden(3)
    for rubbish in ("::::", "host:x:1:1 host", "nothing:1:1:1", "host:-5:2:9 " * 50):
        other.layout_.apply(rubbish)
        assert not all(other.isColumnHidden(n) for n in range(4))


def click(table: PagedTable, number: int, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    header = table.horizontalHeader()
    place = header.viewport().rect().center()
    place.setX(header.sectionViewportPosition(number) + 20)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def test_k7_15_a_click_sorts_another_turns_it_round_and_shift_adds_a_column(table: PagedTable) -> None:
    click(table, 0)
    assert ids(table) == [0, 3, 6, 1, 4, 7, 2, 5, 8]
    click(table, 0)
    assert ids(table) == [2, 5, 8, 1, 4, 7, 0, 3, 6]
    table.model_.order = sorting.clicked(table.model_.order, "count", add=True)
    table.sort_by(table.sort_text())
    assert ids(table) == [8, 5, 2, 7, 1, 4, 6, 3, 0], "rows without a value come last in their group"
    model = table.model_
    assert model.headerData(0, Qt.Orientation.Horizontal) == "Host ↓1"
    assert model.headerData(3, Qt.Orientation.Horizontal) == "Count ↑2"


def test_k7_15_an_order_survives_its_text_and_unknown_columns_are_left_out() -> None:
    order = [("host", True), ("count", False)]
    assert sorting.read(sorting.write(order), COLUMNS) == order
    assert sorting.read("nothing,host-,,host", COLUMNS) == [("host", False)]
    assert sorting.clicked([("host", False)], "host", add=False) == [("host", True)]
    assert sorting.clicked([("host", False), ("count", True)], "level", add=False) == [("level", False)]
