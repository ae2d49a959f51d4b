"""Rule sets in the console: looked at before anything changes, applied, undone, with keys and clicks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from ui.conftest import Desk
from ui.fakes import ALL
from ui.rule_shelf import a_state, changed_meanwhile
from ui.test_triage import a_queue, press, said

from sent.engines.radar.rulebook.rulesets import Referring
from sent.engines.radar.store.rulesets import Elsewhere
from sent.platform.errors import Unavailable
from sent.ui.pages.radar.rulesets import RuleSetLayer

KEY, SHIFT = Qt.Key, Qt.KeyboardModifier.ShiftModifier


def opened(desk: Desk) -> RuleSetLayer:
    """Open the layer by its key."""
    page = a_queue(desk)
    press(desk, KEY.Key_R, SHIFT)
    layer = page.sets_layer
    assert layer is not None and not layer.isHidden()
    return layer


def looked(desk: Desk, layer: RuleSetLayer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose a file with the button and wait for its difference."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a: (str(path), ""))
    QTest.mouseClick(layer.import_file, Qt.MouseButton.LeftButton)
    desk.until(lambda: layer.stack.currentIndex() in (2, 3))
    desk.settle()


def titles(layer: RuleSetLayer) -> list[str]:
    return [change.title for change in layer.view.table.model_.cached_rows()]


def test_an_archive_is_looked_at_applied_and_undone(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = opened(desk)
    assert [row.name for row in layer.table.model_.cached_rows()] == ["SENT"]
    assert layer.update_button.isHidden(), "what SENT ships is not updated by hand"
    looked(desk, layer, tmp_path / "sigma.tar.gz", monkeypatch)
    assert layer.view.head.text() == "What changes in sigma"
    assert desk.radar.shelf.sets.keys() == {"SENT"}, "looking changes nothing"
    assert sorted(titles(layer)) == ["Rule 1", "Rule 2", "Rule 3"]
    layer.view.new.setFocus()
    QTest.keyClick(layer.view.new, KEY.Key_Down)
    layer.view.new.activated.emit(layer.view.new.currentIndex())
    desk.until(lambda: layer.view.new_count.text() == "2 of 3 run")
    QTest.mouseClick(layer.view.apply_button, Qt.MouseButton.LeftButton)
    desk.until(lambda: "sigma" in desk.radar.shelf.sets)
    desk.settle()
    assert desk.radar.shelf.applied[0].statuses == {"stable", "test"}
    assert [rule.enabled for rule in desk.radar.shelf.sets["sigma"]] == [True, True, False]
    assert said(desk, "3 rules imported")
    assert desk.window.shell.toasts.undo_last()
    desk.until(lambda: desk.radar.shelf.sets.keys() == {"SENT"})


def test_an_update_shows_each_difference_in_one_column_and_in_two(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = desk.radar.shelf
    shelf.sets["sigma"] = [a_state(1), a_state(2, enabled=False), a_state(4)]
    shelf.coming = [a_state(1), a_state(2, value="y"), a_state(5, reason="is no rule")]
    layer = opened(desk)
    layer.table.go(1)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a: (str(tmp_path / "r.zip"), ""))
    press(desk, KEY.Key_Return)
    desk.until(lambda: layer.stack.currentIndex() == 2)
    desk.settle()
    assert shelf.read == [(tmp_path / "r.zip", "sigma")]
    view = layer.view
    assert titles(layer) == ["Rule 4", "Rule 2", "Rule 5"], "what goes stands first"
    assert [chip.text() for chip in view.chips._buttons.values()] == [
        "Changes 3", "New 1", "Changed 1", "Goes 1", "Newly cannot run 1", "Unchanged 1",
    ]  # fmt: skip
    press(desk, KEY.Key_J)
    desk.until(lambda: "+  a: y" in view.diff.whole.toPlainText())
    assert "-  a: x" in view.diff.whole.toPlainText()
    assert "detection" in view.facts.text() and "switched off, and stays so" in view.facts.text()
    view.sides._buttons["two"].click()
    assert "-   a: x" in view.diff.left.toPlainText() and "+   a: y" in view.diff.right.toPlainText()
    view.chips._buttons["idle"].click()
    desk.settle()
    assert titles(layer) == ["Rule 5"] and "Cannot run: is no rule" in view.facts.text()
    view.chips._buttons["changes"].click()
    view.words.setFocus()
    QTest.keyClicks(view.words, "detection")
    desk.until(lambda: titles(layer) == ["Rule 2"])


def test_escape_goes_back_to_the_sets_and_then_out(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = opened(desk)
    looked(desk, layer, tmp_path / "a.zip", monkeypatch)
    press(desk, KEY.Key_Escape)
    assert layer.stack.currentIndex() == 0 and not layer.isHidden()
    press(desk, KEY.Key_Escape)
    assert layer.isHidden() and desk.radar.shelf.applied == []


def test_reading_is_cancelled_and_comes_to_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = opened(desk)
    desk.radar.shelf.hold = asyncio.Event()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a: (str(tmp_path / "a.zip"), ""))
    layer.choose_file()
    desk.until(lambda: "Parsing" in layer.stage.text())
    (task,) = desk.window.shell.tasks.running()
    layer.cancel()
    assert task.state == "cancelled" and layer.stack.currentIndex() == 0
    desk.settle()
    assert layer.stack.currentIndex() == 0


def test_what_changed_meanwhile_is_told_and_looked_at_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = opened(desk)
    looked(desk, layer, tmp_path / "a.zip", monkeypatch)
    desk.radar.shelf.refuse = changed_meanwhile()
    layer.view.apply_button.click()
    desk.until(lambda: layer.stack.currentIndex() == 3)
    desk.settle()
    desk.radar.shelf.refuse = None
    again = [b for b in layer.problem.findChildren(type(layer.import_file)) if b.text() == "Look again"]
    again[0].click()
    desk.until(lambda: layer.stack.currentIndex() == 2)
    assert len(desk.radar.shelf.read) == 2


def test_what_would_refer_to_nothing_is_told(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = desk.radar.shelf
    shelf.referring = (
        Referring("filter", "Ours", "Own filters", ("Rule 4",)),
        Referring("correlation", "Many", "Own", ("Rule 4",)),
        Referring("muted", "Rule 4", "", ("Rule 4",)),
    )
    shelf.twins = (Elsewhere("x", "Rule 1", "rule", "Copies"),)
    layer = opened(desk)
    looked(desk, layer, tmp_path / "a.zip", monkeypatch)
    text = layer.view.warning.text()
    assert "The filter Ours narrows what goes: Rule 4" in text
    assert "The correlation Many needs what goes" in text and "The muted rule Rule 4 goes" in text
    assert "(Copies)" in text


def test_a_set_is_removed_by_key_and_brought_back_by_its_message(desk: Desk) -> None:
    desk.radar.shelf.sets["sigma"] = [a_state(1)]
    layer = opened(desk)
    layer.table.go(1)
    press(desk, KEY.Key_Delete)
    desk.until(lambda: "sigma" not in desk.radar.shelf.sets)
    desk.settle()
    assert said(desk, "sigma with 1 rule is removed")
    desk.window.shell.toasts.undo_last()
    desk.until(lambda: "sigma" in desk.radar.shelf.sets)
    desk.settle()
    assert said(desk, "sigma is as it was before")


def test_who_may_not_manage_sees_the_sets_and_no_buttons(desk: Desk) -> None:
    desk.backend.permissions = ALL - {"radar:manage"}
    desk.radar.shelf.sets["sigma"] = [a_state(1)]
    layer = opened(desk)
    layer.table.go(1)
    for made in (layer.import_file, layer.import_folder, layer.update_button, layer.remove_button):
        assert made.isHidden()
    press(desk, KEY.Key_Delete)
    press(desk, KEY.Key_Return)
    assert "sigma" in desk.radar.shelf.sets and desk.radar.shelf.read == []


def test_the_list_of_sets_tells_when_there_is_none_and_when_it_cannot_be_had(desk: Desk) -> None:
    desk.radar.shelf.sets.clear()
    layer = opened(desk)
    desk.until(lambda: layer.states.state() == "empty")

    async def broken(_ctx: object) -> None:
        raise Unavailable("database.unreachable", "no answer")

    desk.radar.rule_sets = broken  # type: ignore[attr-defined]
    layer.show_sets()
    desk.until(lambda: layer.states.state() == "error")
    assert QApplication.focusWidget() is not None


def test_only_rules_that_can_run_are_counted_as_running_and_the_imported_set_stands_out(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.radar.shelf.coming = [a_state(1), a_state(2, reason="no known channel"), a_state(3)]
    layer = opened(desk)
    looked(desk, layer, tmp_path / "a_set.zip", monkeypatch)
    desk.until(lambda: layer.view.new_count.text() == "2 of 3 run")
    assert layer.title.isHidden() and layer.view.head.isVisible()
    QTest.mouseClick(layer.view.apply_button, Qt.MouseButton.LeftButton)
    desk.until(lambda: "a_set" in desk.radar.shelf.sets)
    desk.until(layer.undo_button.isVisible)
    chosen = layer.chosen()
    assert chosen is not None and chosen.name == "a_set"
    assert layer.title.isVisible() and layer.view.head.isHidden()
