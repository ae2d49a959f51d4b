"""The editor of a rule over fakes: problems while typing, test, backtest, saving; by keys and clicks."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from ui.conftest import Desk
from ui.rule_desk import (
    CTRL,
    KEY,
    SHIFT,
    an_editor,
    find,
    no_drafts,
    press,
    rules_page,
    write,
)
from ui.rule_service import a_rule

from sent.engines.radar.rulebook.lint import SENTENCES, Sentence
from sent.engines.radar.rulebook.problems import CURES, Problem
from sent.platform.i18n import set_language
from sent.ui.pages.rules.completion import offers, selection_names
from sent.ui.pages.rules.cures import cure
from sent.ui.pages.rules.sentences import message

__all__ = ["no_drafts"]


def test_a_mistake_is_marked_at_its_line_while_it_is_typed(desk: Desk) -> None:
    page = an_editor(desk)
    editor = page.editor
    assert editor.check is not None and editor.check.runs
    assert editor.state.text() == "It would run"
    find(page, "contains")
    write(desk, "contain")
    desk.until(lambda: editor.check is not None and not editor.check.runs)
    line = editor.text().split("\n").index("        message|contain: Failed password") + 1
    assert [mark.line for mark in editor.code.marks if mark.severity == "error"] == [line]
    assert "Unknown modifier" in editor.state.text() and not editor.save.isEnabled()
    item = next(
        editor.problems.item(n)
        for n in range(editor.problems.count())
        if "Unknown modifier" in editor.problems.item(n).text()
    )
    assert "completion" in item.text(), "what to do stands there as well"
    editor.code.moveCursor(QTextCursor.MoveOperation.Start)
    box = editor.problems.visualItemRect(item)
    QTest.mouseClick(editor.problems.viewport(), Qt.MouseButton.LeftButton, pos=box.center())
    assert editor.code.textCursor().blockNumber() + 1 == line and editor.code.hasFocus()


def test_the_answer_to_an_older_text_is_dropped(desk: Desk) -> None:
    page = an_editor(desk)
    editor = page.editor
    old = editor.text().replace("contains", "contain")
    desk.radar.slow_checks[old] = asyncio.Event()
    editor.code.setPlainText(old)
    editor.check_now()
    desk.until(lambda: old in desk.radar.checks)
    editor.code.setPlainText(editor.text().replace("contain:", "startswith:"))
    editor.check_now()
    desk.settle()
    assert editor.check is not None and editor.check.runs
    assert editor.state.text() == "It would run"


def test_ctrl_s_saves_and_undo_brings_the_old_text_back(desk: Desk) -> None:
    page = an_editor(desk)
    before = page.editor.text()
    find(page, "user: anna")
    write(desk, "user: bob")
    desk.until(lambda: page.editor.check is not None and page.editor.discard.isVisible())
    press(desk, KEY.Key_S, CTRL)
    rule = a_rule(0).id
    assert "user: bob" in desk.radar.texts[rule] and not page.editor.dirty()
    assert page.shell.drafts.keys() == []
    desk.window.shell.toasts.undo_last()
    desk.until(lambda: desk.radar.texts[rule] == before)
    desk.settle()
    assert page.editor.text() == before


def test_a_rule_of_another_set_is_saved_as_a_copy_and_the_original_may_be_switched_off(desk: Desk) -> None:
    page = an_editor(desk, 1, own=False)
    original = a_rule(1).id
    assert page.editor.save.text() == "Save as a copy"
    find(page, "user: anna")
    write(desk, "user: bob")
    desk.until(lambda: not page.editor._timer.isActive())
    desk.settle()
    press(desk, KEY.Key_S, CTRL)
    press(desk, KEY.Key_Return)
    copy = next(rule for rule in desk.radar.rules.values() if rule.own)
    assert not desk.radar.rules[original].enabled
    assert "type: derived" in desk.radar.texts[copy.id] and copy.author == "SENT, Anna Berg"
    assert page.editor.opened is not None and page.editor.opened.id == copy.id
    assert page.editor.text() == desk.radar.texts[copy.id]
    desk.window.shell.toasts.undo_last()
    desk.until(lambda: copy.id not in desk.radar.rules)
    desk.settle()
    assert desk.radar.rules[original].enabled and not page.writes()


def test_a_conflict_is_told_and_mine_may_win(desk: Desk) -> None:
    page = an_editor(desk)
    rule = a_rule(0).id
    find(page, "user: anna")
    write(desk, "user: bob")
    desk.until(lambda: not page.editor._timer.isActive())
    desk.settle()
    desk.radar.texts[rule] = desk.radar.texts[rule].replace("user: anna", "user: eve")
    press(desk, KEY.Key_S, CTRL)
    desk.settle()
    press(desk, KEY.Key_Return)
    desk.until(lambda: "user: bob" in desk.radar.texts[rule])


def test_unsaved_changes_are_asked_about_kept_and_found_again(desk: Desk) -> None:
    page = an_editor(desk)
    find(page, "user: anna")
    write(desk, "user: carl")
    press(desk, KEY.Key_Escape)
    press(desk, KEY.Key_Escape)
    assert page.writes(), "asked, and not left"
    page.editor.code.setFocus()
    press(desk, KEY.Key_Escape)
    press(desk, KEY.Key_Return)
    assert not page.writes() and page.table.hasFocus()
    page.open_rule(a_rule(0).id)
    desk.settle()
    assert "user: carl" in page.editor.text() and page.editor.kept.isVisible()
    desk.window.show_page("overview")
    desk.window.show_page("rules")
    desk.settle()
    assert page.writes() and "user: carl" in page.editor.text()
    page.editor.discard.click()
    desk.settle()
    assert "user: anna" in page.editor.text() and page.shell.drafts.keys() == []


def test_pasted_events_are_tested_and_each_part_says_whether_it_holds(desk: Desk) -> None:
    page = an_editor(desk)
    test = page.editor.test
    press(desk, KEY.Key_3, CTRL)
    QTest.mouseClick(test.paste, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    test.paste.setPlainText(
        '{"program": "sshd", "message": "Failed password for anna", "user": "anna"}\n'
        '{"program": "sshd", "message": "Failed password for bob", "user": "bob"}\n{broken'
    )
    test.paste.setFocus()
    press(desk, KEY.Key_Return, CTRL)
    assert test.outcome is not None and test.outcome.fired == 1
    assert test.summary.text().startswith("1 of 2 events fires it") or "fire it" in test.summary.text()
    assert "could not be read" in test.summary.text()
    test.events.setCurrentRow(1)
    told = [(holds, text.split(" ")[0], value) for _, holds, text, value in test.tree.lines()]
    assert (True, "login", "") in told and (False, "user", "") in told
    assert any(not holds and value == "bob" for holds, _, value in told)
    assert any("1 test would have to" in text for _, _, text, _ in test.tree.lines())
    # From now on the test follows what is typed.
    find(page, "user: anna")
    write(desk, "user: bob")
    desk.until(lambda: test.outcome is not None and test.outcome.events[1].fires)
    assert not test.outcome.events[0].fires


def test_stored_events_and_an_alerts_event_are_tested(desk: Desk) -> None:
    page = an_editor(desk)
    test = page.editor.test
    QTest.mouseClick(test.source._buttons["latest"], Qt.MouseButton.LeftButton)
    desk.settle()
    assert test.outcome is not None and len(test.outcome.events) == 6 and test.outcome.fired == 3
    assert test.mapped.isVisible() and "field mapping" in test.mapped.text()
    test.show_source("paste")
    assert not test.mapped.isVisible(), "what is pasted is taken as it is"
    QTest.mouseClick(test.source._buttons["one"], Qt.MouseButton.LeftButton)
    desk.settle()
    press(desk, KEY.Key_Return)
    desk.until(lambda: type(desk.radar.tried[-1]).__name__ == "OfAlert")
    desk.settle()
    assert test.about.text().startswith("Alert 0")


def test_a_rule_that_cannot_be_tested_says_why(desk: Desk) -> None:
    page = an_editor(desk)
    find(page, "contains")
    write(desk, "contain")
    test = page.editor.test
    test.paste.setPlainText("Nov 27 10:00:00 web1 sshd[7]: Failed password for anna")
    press(desk, KEY.Key_Return, CTRL)
    assert test.outcome is None and test.stack.currentIndex() == 0


def test_a_backtest_shows_progress_is_cancelled_and_shows_what_it_found(desk: Desk) -> None:
    page = an_editor(desk)
    pane = page.editor.backtest
    desk.radar.hold = asyncio.Event()
    press_no_wait(desk, KEY.Key_Return, CTRL | SHIFT)
    desk.until(lambda: pane.bar.value() == 250)
    assert pane.bar.isVisible() and pane.cancel.isVisible() and "8,000" in pane.said.text()
    QTest.mouseClick(pane.cancel, Qt.MouseButton.LeftButton)
    desk.settle()
    assert not pane.running() and pane.said.text() == "Cancelled" and pane.go.isEnabled()
    desk.radar.hold = None
    QTest.mouseClick(pane.go, Qt.MouseButton.LeftButton)
    desk.settle()
    assert pane.facts.text() == "40 hits  ·  would raise 9 alerts, about 9 a day"
    assert [pane.hosts.item(n).text() for n in range(pane.hosts.count())] == [
        "web1  ·  30", "web2  ·  9", "1 more hit on hosts beyond those counted",
    ]  # fmt: skip
    assert max(pane.chart._values) == 40
    pane.samples.setCurrentRow(0)
    pane.samples.setFocus()
    press(desk, KEY.Key_Return)
    assert page.editor.panes.currentIndex() == 0
    assert type(desk.radar.tried[-1]).__name__ == "OneEvent"
    find(page, "user: anna")
    write(desk, "user: bob")
    desk.settle()
    page.editor.show_pane(1)
    assert "changed since" in pane.said.text()


def press_no_wait(desk: Desk, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or desk.window, key, modifier)


def test_the_text_completes_fields_modifiers_and_log_sources(desk: Desk) -> None:
    page = an_editor(desk)
    code = page.editor.code
    desk.settle()
    find(page, "user: anna")
    write(desk, "src")
    assert code.offered() == ["src_ip"]
    press(desk, KEY.Key_Tab)
    write(desk, "|start")
    assert code.offered() == ["startswith"]
    press(desk, KEY.Key_Return)
    write(desk, ": 10.")
    assert "src_ip|startswith: 10." in page.editor.text()
    find(page, "sshd")
    write(desk, "ss")
    assert "sshd" in code.offered()
    press(desk, KEY.Key_Escape)
    assert code.offered() == [] and page.writes(), "Esc closes the list first"
    write(desk, "hd")
    find(page, "login and user")
    write(desk, "login and us")
    assert code.offered()[0] == "user"


def test_offers_know_where_they_stand(desk: Desk) -> None:
    page = rules_page(desk)
    desk.settle()
    page.new_rule()
    desk.settle()
    words = page.editor._words
    assert words is not None

    def at(text: str) -> list[str]:
        lines = text.split("\n")
        return offers(text, len(lines) - 1, len(lines[-1]), words, ("attack.t1059",))[1]

    assert "logsource:" in at("title: x\nlog")
    assert at("logsource:\n    product: wind") == ["windows"]
    assert at("logsource:\n    category: process_c")[0] == "process_creation"
    assert "condition:" in at("detection:\n    ")
    assert at("detection:\n    sel:\n        user")[0] == "user"
    assert at("detection:\n    sel:\n        - us")[0] == "user"
    assert at("detection:\n    sel:\n        A: b\n    condition: se")[0] == "sel"
    assert at("level: h")[0] == "high"
    assert at("tags:\n    - attack.t1")[0] == "attack.t1059"
    assert at("tags:\n- attack.t1")[0] == "attack.t1059"
    assert at("correlation:\n    type: event")[0] == "event_count"
    assert at("title: detection") == []
    assert selection_names("detection:\n  a:\n    B: c\n  d: [e]\n  condition: a\nlevel: x") == ["a", "d"]


def test_the_text_indents_comments_and_outdents(desk: Desk) -> None:
    page = an_editor(desk)
    code = page.editor.code
    page.editor.code.setPlainText("detection:")
    code.moveCursor(QTextCursor.MoveOperation.End)
    code.setFocus()
    press(desk, KEY.Key_Return)
    write(desk, "x:")
    press(desk, KEY.Key_Return)
    write(desk, "y")
    assert code.toPlainText() == "detection:\n    x:\n        y"
    press(desk, KEY.Key_Slash, CTRL)
    assert code.toPlainText().endswith("        # y")
    press(desk, KEY.Key_Slash, CTRL)
    press(desk, KEY.Key_Backtab)
    assert code.toPlainText() == "detection:\n    x:\n    y"
    press(desk, KEY.Key_Left)
    press(desk, KEY.Key_Backspace)
    assert code.toPlainText() == "detection:\n    x:\ny"


def test_every_cure_is_there_in_the_users_language() -> None:
    assert {code: cure(code, "?") for code in CURES} == CURES
    assert cure("something newer", "as the engine says it") == "as the engine says it"


def test_every_sentence_of_the_linter_is_there_in_the_users_language() -> None:
    values = {name: f"<{name}>" for name in ("n", "most", "known", "name", "value")}
    for key in SENTENCES:
        said = Sentence(key, values)
        problem = Problem(1, "advice", "x", "not translated", "", said)
        english = str(said)
        assert message(problem) == (english[:1].upper() + english[1:]), key
    assert message(Problem(1, "error", "x", "As the parser says it", "")) == "As the parser says it"
    set_language("de")
    try:
        missing = Problem(
            1, "advice", "author", "Author is missing", "", Sentence("missing", {"name": "author"})
        )
        assert message(missing) == "author fehlt"
    finally:
        set_language("en")
