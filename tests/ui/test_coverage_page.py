"""The Coverage page over fakes: keys, clicks, choices, the panel, exports, names, and its states."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QToolButton, QToolTip
from ui.conftest import Desk
from ui.coverage_facts import a_covering_rule
from ui.fakes import ALL
from ui.test_triage import press, said

from sent.platform.errors import Unavailable
from sent.ui.pages.coverage import CoveragePage
from sent.ui.pages.coverage.wording import tooltip

KEY, SHIFT = Qt.Key, Qt.KeyboardModifier.ShiftModifier


def shown(desk: Desk) -> CoveragePage:
    """Sign in and show the matrix."""
    desk.sign_in("coverage")
    page = desk.window.pages["coverage"]
    assert isinstance(page, CoveragePage)
    desk.until(lambda: page.matrix.matrix is not None or page._stack.currentIndex() == 1)
    desk.settle()
    return page


def ids(page: CoveragePage) -> list[str]:
    return [place.cell.id for place in page.matrix.places]


def point(page: CoveragePage, id: str) -> QPoint:
    place = next(place for place in page.matrix.places if place.cell.id == id)
    at = place.box.center().toPoint()
    return at - QPoint(page.matrix.horizontalScrollBar().value(), page.matrix.verticalScrollBar().value())


def test_running_rules_shade_their_techniques_and_arrows_go_through_them(desk: Desk) -> None:
    page = shown(desk)
    assert ids(page) == ["T1059", "T1490"] and page.sums.text() == "2 techniques  ·  looked for by 3 rules"
    assert page.matrix.hasFocus()
    place = page.matrix.current()
    assert place is not None and place.cell.id == "T1059"
    assert page.matrix._counts(place) == (2, 5), "folded, it stands for its sub-technique, too"
    assert "2 rules · 5 alerts raised" in page.matrix.accessibleDescription() and "Rule 2" in page.told.text()
    press(desk, KEY.Key_Space)
    assert ids(page) == ["T1059", "T1059.001", "T1490"]
    press(desk, KEY.Key_Down)
    assert page.matrix.current().cell.id == "T1059.001"  # type: ignore[union-attr]
    press(desk, KEY.Key_Right)
    assert page.matrix.current().cell.id == "T1490"  # type: ignore[union-attr]
    press(desk, KEY.Key_Left)
    press(desk, KEY.Key_X)
    assert ids(page) == ["T1059", "T1490"]
    press(desk, KEY.Key_X, SHIFT)
    assert "T1059.001" in ids(page)


def test_enter_and_click_open_rules_and_alerts_beside(desk: Desk) -> None:
    page = shown(desk)
    press(desk, KEY.Key_Return)
    assert page.split.is_open() and page.panel.cell is not None and page.panel.cell.id == "T1059"
    buttons = {b.text().strip(): b for b in page.panel.findChildren(QPushButton)}
    assert {"Rule 1", "Rule 2", "Alert 0"} <= buttons.keys()
    QTest.mouseClick(page.matrix.viewport(), Qt.MouseButton.LeftButton, pos=point(page, "T1490"))
    desk.settle()
    assert page.panel.cell.id == "T1490"
    press(desk, KEY.Key_Escape)
    assert not page.split.is_open() and page.matrix.hasFocus()
    press(desk, KEY.Key_Return)
    rule = next(b for b in page.panel.findChildren(QPushButton) if b.text().strip() == "Rule 3")
    rule.click()
    desk.settle()
    assert desk.window.current == "rules"


def test_a_technique_leads_to_a_rule_and_to_the_rules_alerts(desk: Desk) -> None:
    page = shown(desk)
    press(desk, KEY.Key_Return)
    opened: list[tuple[str, str]] = []
    page.shell.open_wanted.connect(lambda id, record: opened.append((id, record)))
    rule = next(b for b in page.panel.findChildren(QPushButton) if b.text().strip() == "Rule 1")
    fired = next(b for b in page.panel.findChildren(QToolButton) if b.toolTip() == "Show this rule's alerts")
    rule.setFocus()
    press(desk, KEY.Key_Return)
    fired.click()
    rule_id = page.panel.cell.all_rules()[0].rule_id  # type: ignore[union-attr]
    assert [id for id, _ in opened] == ["rules", "radar"]
    assert {record for _, record in opened} == {f"rule/{rule_id}"}


def test_the_mouse_over_a_cell_names_its_rules_and_nothing_in_them_is_rich_text(desk: Desk) -> None:
    desk.radar.coverage.rules = (a_covering_rule(1, "t1059 execution", title="<b>bold</b> & more"),)
    page = shown(desk)
    at = point(page, "T1059")
    QApplication.sendEvent(
        page.matrix.viewport(), QHelpEvent(QEvent.Type.ToolTip, at, page.matrix.viewport().mapToGlobal(at))
    )
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in QToolTip.text()
    assert tooltip("<i>") == "<p style='white-space:pre'>&lt;i&gt;</p>"


def test_choices_of_rules_products_sets_and_days_change_the_matrix(desk: Desk) -> None:
    page = shown(desk)
    assert [page.product.itemText(n) for n in range(3)] == ["All log sources", "linux", "windows"]
    page.product.setCurrentIndex(1)
    page.product.activated.emit(1)
    desk.until(lambda: ids(page) == ["T1490"])
    page.show_all()
    desk.until(lambda: ids(page) == ["T1059", "T1003", "T1490"])
    page.rule_set.setCurrentIndex(page.rule_set.findData("Own"))
    page.rule_set.activated.emit(1)
    desk.until(lambda: ids(page) == ["T1490"])
    for days in page.findChildren(QPushButton):
        if days.text() == "90 days":
            days.click()
    desk.until(lambda: desk.radar.coverage.asked[-1] == 90)
    desk.settle()
    assert ids(page) == ["T1490"], "the choice stays"


def test_a_technique_is_found_by_words_also_a_folded_one(desk: Desk) -> None:
    page = shown(desk)
    press(desk, KEY.Key_Slash)
    assert page.words.hasFocus()
    QTest.keyClicks(page.words, "059.001")
    desk.until(lambda: page.matrix.words == "059.001")
    assert "T1059.001" in ids(page) and page.matrix.current().cell.id == "T1059.001"  # type: ignore[union-attr]
    press(desk, KEY.Key_Return)
    assert page.matrix.hasFocus()
    press(desk, KEY.Key_Escape)
    assert page.words.text() == "" and page.matrix.words == ""
    desk.window.show_page("coverage", "technique/T1490")
    desk.settle()
    assert page.matrix.current().cell.id == "T1490"  # type: ignore[union-attr]


def test_the_matrix_is_exported_as_layer_table_and_picture(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown(desk)
    for number, name in enumerate(("layer.json", "table.csv", "matrix.png")):
        path = tmp_path / name
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, path=path: (str(path), ""))
        page.export_button.click()
        desk.window.palette_._choose(number)
        desk.until(path.is_file)
        desk.settle()
    layer = json.loads((tmp_path / "layer.json").read_text())
    assert layer["name"] == "SENT Northwind"
    assert [(t["techniqueID"], t["score"]) for t in layer["techniques"]] == [
        ("T1059", 1), ("T1059.001", 1), ("T1490", 1),
    ]  # fmt: skip
    rows = list(csv.reader((tmp_path / "table.csv").read_text().splitlines()))
    assert ["execution", "T1059.001", "", "1", "5", "Rule 2", "Ann"] in rows
    picture = QImage(str(tmp_path / "matrix.png"))
    assert picture.width() > 300 and picture.height() > 100
    assert said(desk, "Exported to")


def test_names_come_from_a_bundle_show_what_is_not_covered_and_are_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = shown(desk)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a: (str(tmp_path / "a.json"), ""))
    page.read_names.click()
    desk.until(lambda: "T9999" in ids(page))
    desk.settle()
    assert page.read_names.isHidden() and "2 of 3 techniques" in page.sums.text()
    assert desk.radar.coverage.read == ["a.json"]
    desk.window.shell.toasts.undo_last()
    desk.until(lambda: "T9999" not in ids(page))
    desk.settle()


def test_an_empty_matrix_says_why_and_what_to_do(desk: Desk) -> None:
    desk.radar.coverage.rules = ()
    desk.radar.coverage.alerts = ()
    page = shown(desk)
    assert page._stack.currentIndex() == 1
    texts = [b.text() for b in page.notice.findChildren(QPushButton)]
    assert texts == ["Open the radar"]
    desk.radar.coverage.rules = (a_covering_rule(4, "t1003 credential-access", enabled=False),)
    page.refresh()
    desk.until(lambda: any(b.text() == "Show all rules" for b in page.notice.findChildren(QPushButton)))
    next(b for b in page.notice.findChildren(QPushButton) if b.text() == "Show all rules").click()
    desk.until(lambda: ids(page) == ["T1003"])
    assert page._stack.currentIndex() == 0


def test_an_error_is_told_with_a_way_to_try_again(desk: Desk) -> None:
    desk.radar.coverage.broken = Unavailable("database.timeout", "no answer")
    page = shown(desk)
    assert page._stack.currentIndex() == 1
    desk.radar.coverage.broken = None
    next(b for b in page.notice.findChildren(QPushButton) if b.text() == "Try again").click()
    desk.until(lambda: page._stack.currentIndex() == 0)
    desk.settle()
    page.set_stale(page.shell.fresh_at or None)
    assert page.matrix.dimmed == (page.shell.fresh_at is not None)


def test_who_may_not_manage_reads_only(desk: Desk) -> None:
    desk.backend.permissions = ALL - {"radar:manage"}
    page = shown(desk)
    assert page.read_names.isHidden() and not page.takes_files([Path("a.json")])
    assert not desk.window.shell.actions.trigger("coverage.names")
