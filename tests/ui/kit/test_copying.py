"""K7 8 and 24: rows are copied in any form and drawn out; files are dropped in."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication
from ui.conftest import Desk
from ui.fakes import an_alert

from sent.ui.kit.copying import Form, copy_as, render
from sent.ui.kit.table import Column
from sent.ui.pages.radar import RadarPage

COLUMNS = [Column("host", "Host", lambda r: r.host), Column("text", "Text", lambda r: r.text)]
ROWS = [
    SimpleNamespace(id="a'1", host="fs1", text="one\ttwo"),
    SimpleNamespace(id="b", host="=cmd|x", text="l1\nl2"),
]


async def these(rows: Sequence[Any]) -> AsyncIterator[Sequence[Any]]:
    yield rows


async def made(form: Form) -> str:
    text, count = await render(form, COLUMNS, these(ROWS))
    assert count == len(ROWS)
    return text


async def test_k7_08_every_form_is_what_its_readers_expect() -> None:
    assert (await made("tsv")).split("\n") == ["fs1\tone two", "=cmd|x\tl1 l2"]
    read = list(csv.reader(io.StringIO(await made("csv"))))
    assert read == [["Host", "Text"], ["fs1", "one\ttwo"], ["'=cmd|x", "l1\nl2"]]
    assert json.loads(await made("json")) == [
        {"id": "a'1", "host": "fs1", "text": "one\ttwo"},
        {"id": "b", "host": "=cmd|x", "text": "l1\nl2"},
    ]
    assert await made("sql") == "('a''1', 'b')"
    assert (await made("markdown")).split("\n")[2:4] == ["| fs1 | one\ttwo |", "| =cmd\\|x | l1 l2 |"]
    for form, empty in (("json", []), ("sql", "()")):
        text, _ = await render(form, COLUMNS, these([]))  # type: ignore[arg-type]
        assert (json.loads(text) if form == "json" else text) == empty


def a_queue(desk: Desk) -> RadarPage:
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.settle()
    page.queue.table.setFocus()
    page.queue.table.go(0)
    return page


def test_k7_08_copying_runs_in_the_background_and_all_means_all(desk: Desk) -> None:
    desk.radar.rows = {a.id: a for a in (an_alert(n) for n in range(1500))}
    page = a_queue(desk)
    table = page.queue.table
    table._mark_all()
    assert len(table.chosen()) < 1500, "not everything is loaded"
    task = copy_as(page, table, "sql")
    desk.until(lambda: task.state == "done")
    assert QApplication.clipboard().text().count("'") == 3000
    table.clear_marks()
    desk.window.shell.actions.trigger("list.copy_as")
    assert desk.window.palette_.visible_titles()[1:4] == ["CSV", "JSON", "Markdown table"]
    desk.window.palette_._choose(2)
    desk.settle()
    assert json.loads(QApplication.clipboard().text())[0]["id"] == str(table.current_row().id)


def test_k7_24_rows_are_drawn_out_as_a_private_csv_file(desk: Desk) -> None:
    page = a_queue(desk)
    data = page.queue.table.drag_data()
    path = Path(data.urls()[0].toLocalFile())
    rows = list(csv.reader(io.StringIO(path.read_text())))
    assert len(rows) == 2 and "Alert 0" in rows[1]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "Alert 0" in data.text()


def drop(desk: Desk, *urls: QUrl) -> None:
    data = QMimeData()
    data.setUrls(list(urls))
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    desk.window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))


def test_k7_24_a_dropped_rule_file_is_imported_after_a_look_at_what_it_changes(
    desk: Desk, tmp_path: Path
) -> None:
    page = a_queue(desk)
    rules = tmp_path / "mine.yml"
    rules.write_text("title: x")
    drop(desk, QUrl.fromLocalFile(str(tmp_path / "picture.png")))
    drop(desk, QUrl("https://example.com/rules.yml"))
    assert page.sets_layer is None, "what means nothing here is not taken"
    drop(desk, QUrl.fromLocalFile(str(rules)))
    layer = page.sets_layer
    assert layer is not None and not layer.isHidden()
    desk.until(lambda: layer.stack.currentIndex() == 2)
    assert desk.radar.shelf.read == [(rules, "mine")] and desk.radar.shelf.applied == []
    layer.view.apply_button.click()
    desk.until(
        lambda: any("3 rules imported, 0 cannot run" in t.text for t in desk.window.shell.toasts.toasts)
    )
    assert "mine" in desk.radar.shelf.sets
    desk.settle()
