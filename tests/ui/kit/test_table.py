"""The paged table: order, bounds, random access, keeping place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sent.ui.kit.table import CACHE_PAGES, PAGE, Column, PagedModel, Source
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.tailmodel import LIMIT, TailModel
from sent.ui.prefs import Prefs
from sent.ui.theme.qss import style_sheet
from sent.ui.theme.tokens import THEMES


@dataclass(frozen=True)
class Row:
    id: int
    text: str = ""


def columns() -> list[Column]:
    return [
        Column("id", "Id", lambda r: str(r.id), 80, field="id"),
        Column("text", "Text", lambda r: r.text, 200, stretch=True),
    ]


class Server:
    """Answers page requests when told to."""

    def __init__(self, total: int) -> None:
        self.rows = [Row(n, f"row {n}") for n in range(total)]
        self.asked: list[Any] = []
        self.waiting: list[tuple[Any, Callable[[Any], None]]] = []
        self.held = False

    def run(self, make: Callable[[], Any], *, done: Callable[[Any], None], failed: Any = None) -> None:
        try:
            make().send(None)
        except StopIteration as answer:
            if self.held:
                self.waiting.append((answer.value, done))
            else:
                done(answer.value)

    async def load(self, before: Any, limit: int) -> list[Row]:
        self.asked.append(before)
        start = 0 if before is None else before + 1
        return self.rows[start : start + limit]

    async def load_at(self, offset: int, limit: int) -> list[Row]:
        self.asked.append(offset)
        return self.rows[offset : offset + limit]

    def source(self) -> Source:
        return Source(load=self.load, cursor=lambda r: r.id, key=lambda r: r.id)


def test_pages_follow_the_cursor_until_the_end() -> None:
    server = Server(PAGE * 2 + 7)
    model = PagedModel(columns(), server.run)
    model.set_source(server.source())
    while model.canFetchMore(QModelIndex()):
        model.fetchMore(QModelIndex())
    assert model.known() == PAGE * 2 + 7
    assert server.asked == [None, PAGE - 1, 2 * PAGE - 1]
    assert [model.row(n).id for n in (0, PAGE, 2 * PAGE + 6)] == [0, PAGE, 2 * PAGE + 6]


def test_a_million_rows_keep_a_bounded_cache_and_come_back() -> None:
    server = Server(1_000_000)
    model = PagedModel(columns(), server.run)
    model.set_source(Source(load_at=server.load_at, total=1_000_000, key=lambda r: r.id))
    for number in range(0, 1_000_000, 5000):
        model.texts(number)
    assert model.known() == 1_000_000
    assert len(model.cached_rows()) <= CACHE_PAGES * PAGE
    assert model.texts(5000) is None, "it was dropped and is asked for now"
    assert model.texts(5000) == ("5000", "row 5000")


def test_late_pages_of_another_filter_are_dropped() -> None:
    slow, quick = Server(5), Server(2)
    slow.held = True
    model = PagedModel(columns(), slow.run)
    model.set_source(slow.source())
    model._run = quick.run
    model.set_source(quick.source())
    rows, done = slow.waiting[0]
    done(rows)
    assert model.known() == 2


def test_reload_keeps_place_and_selection(qtbot: QtBot) -> None:
    server = Server(100)
    table = PagedTable(columns(), run=server.run, name="t")
    qtbot.addWidget(table)
    table.set_source(server.source())
    table.go(40)
    server.rows.insert(0, Row(-1, "newest"))
    table.set_source(server.source(), keep=True)
    assert table.current_row().id == 40
    assert table.model_.row(0).id == -1


def test_keys_move_mark_open_and_leave(qtbot: QtBot) -> None:
    server = Server(10)
    table = PagedTable(columns(), run=server.run, name="t")
    qtbot.addWidget(table)
    table.set_source(server.source())
    table.show()
    table.setFocus()
    table.go(0)
    opened: list[Any] = []
    left: list[int] = []
    table.opened.connect(opened.append)
    table.left.connect(lambda: left.append(1))
    for key in (Qt.Key.Key_J, Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_X, Qt.Key.Key_Return):
        QTest.keyClick(table, key)
    assert table.current_row().id == 1
    assert [row.id for row in table.chosen()] == [1]
    assert [row.id for row in opened] == [1]
    QTest.keyClick(table, Qt.Key.Key_Escape)
    assert not table.model_.marked and not left
    QTest.keyClick(table, Qt.Key.Key_Escape)
    assert left == [1]


def test_columns_are_remembered_and_narrow_lists_drop_the_least(qtbot: QtBot, tmp_path: Any) -> None:
    server = Server(3)
    prefs = Prefs(str(tmp_path / "p.ini"))
    many = [*columns(), Column("more", "More", lambda r: "", 150, drop=1)]
    table = PagedTable(many, run=server.run, name="t")
    qtbot.addWidget(table)
    table.resize(700, 300)
    table.show()
    table.remember_columns(prefs, "t")
    table.horizontalHeader().resizeSection(0, 133)
    assert not table.horizontalHeader().isSectionHidden(2)
    table.resize(380, 300)
    assert table.horizontalHeader().isSectionHidden(2)
    again = PagedTable(many, run=server.run, name="t")
    qtbot.addWidget(again)
    again.resize(700, 300)
    again.show()
    again.remember_columns(prefs, "t")
    assert again.horizontalHeader().sectionSize(0) == 133
    assert not again.horizontalHeader().isSectionHidden(2)


def test_the_tail_is_bounded_and_waits_while_held() -> None:
    model = TailModel(columns())
    model.append([Row(n) for n in range(LIMIT)])
    model.append([Row(LIMIT + n) for n in range(100)])
    assert model.known() == LIMIT
    assert model.row(0).id == 100
    model.held = True
    model.append([Row(-1)])
    assert model.row(LIMIT - 1).id == LIMIT + 99
    assert len(model.waiting) == 1
    model.release()
    assert model.row(LIMIT - 1).id == -1


def test_headers_say_the_order_and_do_not_pretend_to_sort(qtbot: QtBot) -> None:
    columns = [Column("at", "Time", str, newest_first=True), Column("name", "Name", str)]
    table = PagedTable(columns, run=lambda *_a, **_k: None, name="List")
    qtbot.addWidget(table)
    model, across = table.model_, Qt.Orientation.Horizontal
    assert model.headerData(0, across, Qt.ItemDataRole.DisplayRole) == "Time ↓"
    assert "Newest first" in model.headerData(1, across, Qt.ItemDataRole.ToolTipRole)
    assert not table.horizontalHeader().sectionsClickable()
    assert "::section:hover" not in style_sheet(
        THEMES["dark"], family="x", mono="x", scale=1, images={"check": "", "chevron": ""}
    )


def test_columns_are_chosen_in_a_menu_and_remembered(qtbot: QtBot, tmp_path: Path) -> None:
    columns = [Column(name, name.title(), str) for name in ("one", "two", "three")]
    prefs = Prefs(str(tmp_path / "p.ini"))

    def made() -> PagedTable:
        table = PagedTable(columns, run=lambda *_a, **_k: None, name="List")
        qtbot.addWidget(table)
        table.remember_columns(prefs, "list")
        table.resize(600, 200)
        table.show()
        return table

    table = made()
    menu = table.layout_.menu()
    next(action for action in menu.actions() if action.text() == "Two").trigger()
    assert table.isColumnHidden(1)
    again = made()
    shown = [a.text() for a in again.layout_.menu().actions() if a.isCheckable() and a.isChecked()]
    assert shown == ["One", "Three"]
