"""The Rules page over fakes: the list, the editor with its problems, test and backtest; keys and clicks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from ui.conftest import Desk
from ui.fakes import ALL, FakeBackend
from ui.rule_service import a_rule

from sent.platform.errors import Unavailable
from sent.ui.pages.rules import RulesPage
from sent.ui.pages.rules.completion import offers, selection_names

KEY, SHIFT, CTRL = Qt.Key, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture(autouse=True)
def no_drafts(desk: Desk) -> Iterator[None]:
    """Forget the drafts of a test with it."""
    yield
    desk.window.shell.drafts.forget_all()


def rules_page(desk: Desk) -> RulesPage:
    """Sign in and show the list with its rows."""
    desk.sign_in("rules")
    page = desk.window.pages["rules"]
    assert isinstance(page, RulesPage)
    desk.until(lambda: page.table.model_.known() > 0)
    page.table.setFocus()
    page.table.go(0)
    return page


def press(desk: Desk, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    """Press a key where the keyboard is."""
    QTest.keyClick(QApplication.focusWidget() or desk.window, key, modifier)
    desk.settle()


def write(desk: Desk, text: str) -> None:
    """Type where the keyboard is."""
    QTest.keyClicks(QApplication.focusWidget(), text)


def said(desk: Desk, text: str) -> bool:
    """Say whether a message stands on the screen."""
    return any(text in toast.text for toast in desk.window.shell.toasts.toasts)


def titles(page: RulesPage) -> list[str]:
    return [row.title for row in page.table.model_.cached_rows()]


def an_editor(desk: Desk, number: int = 0, *, own: bool = True) -> RulesPage:
    """Open a rule in the editor."""
    rule = a_rule(number)
    desk.radar.rules[rule.id] = replace(rule, own=own)
    page = rules_page(desk)
    page.open_rule(rule.id)
    desk.settle()
    desk.until(lambda: page.writes() and page.editor.check is not None)
    return page


def find(page: RulesPage, text: str) -> None:
    """Select a text in the editor, to be typed over."""
    code = page.editor.code
    place = code.toPlainText().index(text)
    cursor = code.textCursor()
    cursor.setPosition(place)
    cursor.setPosition(place + len(text), QTextCursor.MoveMode.KeepAnchor)
    code.setTextCursor(cursor)
    code.setFocus()


def test_the_list_says_what_runs_how_often_it_fired_and_why_not(desk: Desk) -> None:
    page = rules_page(desk)
    assert page.states.state() == "rows" and page.table.model_.known() == 12
    broken = next(n for n in range(12) if page.table.model_.row(n).reason)
    texts = page.table.model_.texts(broken)
    assert texts is not None
    assert "Cannot run" in texts and "needs values for %admins%" in texts
    assert page.counted.text() == "12 rules"


def test_the_filter_and_its_one_click_forms_narrow_the_list(desk: Desk) -> None:
    page = rules_page(desk)
    page.filter.set_text("level:high level:low -tag:t9999 rule")
    desk.settle()
    assert {row.level for row in page.table.model_.cached_rows()} == {"high", "low"}
    for line, wanted in (
        ("state:broken", lambda r: r.state == "broken"),
        ("state:off", lambda r: not r.enabled),
        ("fired:yes", lambda r: r.hits_30 > 0),
    ):
        QTest.mouseClick(page.quick._buttons[line], Qt.MouseButton.LeftButton)
        desk.settle()
        rows = page.table.model_.cached_rows()
        assert rows and all(wanted(row) for row in rows)
        assert page.filter.text() == line
        assert page.counted.text() == f"{len(rows)} of 12 rules"
    page.filter.set_text("product:win*")
    desk.settle()
    assert page.states.state() == "filtered"
    page.filter.set_text('set:sent product:linux author:SENT "rule 1"')
    desk.settle()
    assert sorted(titles(page)) == ["Rule 1", "Rule 10", "Rule 11"]


def test_the_list_is_sorted_by_hits_with_a_click(desk: Desk) -> None:
    page = rules_page(desk)
    number = [column.key for column in page.table.model_.columns].index("hits_7")
    page.table._header_clicked(number)
    page.table._header_clicked(number)
    desk.settle()
    hits = [row.hits_7 for row in page.table.model_.cached_rows()]
    assert hits == sorted(hits, reverse=True)


def test_space_and_e_switch_what_is_chosen_and_u_undoes_it(desk: Desk) -> None:
    page = rules_page(desk)
    first = page.table.current_row().id
    press(desk, KEY.Key_Space)
    assert not desk.radar.rules[first].enabled
    press(desk, KEY.Key_U)
    assert desk.radar.rules[first].enabled
    for key in (KEY.Key_X, KEY.Key_J, KEY.Key_X, KEY.Key_E):
        press(desk, key)
    assert said(desk, "Switched off 2 rules")
    assert page.table.model_.marked == set()
    press(desk, KEY.Key_U)
    assert desk.radar.rules[first].enabled


def test_of_a_mixed_choice_only_what_changed_is_undone(desk: Desk) -> None:
    page = rules_page(desk)
    before = {id: rule.enabled for id, rule in desk.radar.rules.items()}
    press(desk, KEY.Key_A, CTRL)
    press(desk, KEY.Key_Space)
    assert all(rule.enabled for rule in desk.radar.rules.values()), "one was off: all go on"
    press(desk, KEY.Key_U)
    assert {id: rule.enabled for id, rule in desk.radar.rules.items()} == before
    assert page.table.hasFocus()


def test_enter_opens_the_detail_and_escape_closes_it(desk: Desk) -> None:
    page = rules_page(desk)
    press(desk, KEY.Key_Return)
    assert page.split.is_open() and page.panel.text is not None
    assert page.panel.text.description.startswith("What rule")
    press(desk, KEY.Key_J)
    assert page.panel.rule is not None and page.panel.rule.title == page.table.current_row().title
    page.panel.toggle.click()
    desk.settle()
    assert not desk.radar.rules[page.panel.rule.id].enabled
    assert page.panel.toggle.text() == "Switch on"
    press(desk, KEY.Key_Escape)
    assert not page.split.is_open()


def test_the_four_states_of_the_list(desk: Desk) -> None:
    desk.radar.rules.clear()
    desk.sign_in("rules")
    page = desk.window.pages["rules"]
    assert isinstance(page, RulesPage)
    desk.until(lambda: page.states.state() == "empty")
    desk.radar.broken = Unavailable("database.timeout", "too slow")
    page.load()
    desk.until(lambda: page.states.state() == "error")
    desk.radar.broken = None
    desk.radar.rules = {a_rule(1).id: a_rule(1)}
    again = [b for b in page.states.notice.findChildren(QPushButton) if b.text() == "Try again"]
    QTest.mouseClick(again[-1], Qt.MouseButton.LeftButton)
    desk.until(lambda: page.states.state() == "rows")


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


def test_a_new_rule_is_written_by_keyboard_alone(desk: Desk) -> None:
    page = rules_page(desk)
    press(desk, KEY.Key_N)
    assert page.writes() and page.editor.code.hasFocus()
    assert "author: Anna Berg" in page.editor.text()
    find(page, "New rule")
    write(desk, "Ours")
    desk.until(lambda: not page.editor._timer.isActive())
    desk.settle()
    press(desk, KEY.Key_S, CTRL)
    assert any(rule.title == "Ours" and rule.enabled for rule in desk.radar.rules.values())
    assert "\nid: " in page.editor.text(), "saving gave it an id"
    press(desk, KEY.Key_Escape)
    assert not page.writes()
    page.filter.set_text("own:yes")
    desk.settle()
    assert titles(page) == ["Ours"]
    page.table.go(0)
    page.table.setFocus()
    press(desk, KEY.Key_Delete)
    assert all(rule.title != "Ours" for rule in desk.radar.rules.values())
    press(desk, KEY.Key_U)
    assert any(rule.title == "Ours" for rule in desk.radar.rules.values())


def test_what_is_no_own_rule_is_not_deleted(desk: Desk) -> None:
    page = rules_page(desk)
    press(desk, KEY.Key_Delete)
    assert len(desk.radar.rules) == 12 and said(desk, "Only rules of your own")
    assert page.table.hasFocus()


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


def test_who_may_not_manage_reads_tests_and_changes_nothing(desk: Desk, backend: FakeBackend) -> None:
    backend.permissions = ALL - {"radar:manage"}
    page = rules_page(desk)
    assert not page.fresh.isVisible()
    press(desk, KEY.Key_Space)
    press(desk, KEY.Key_E)
    press(desk, KEY.Key_N)
    press(desk, KEY.Key_Delete)
    assert all(r.enabled == a_rule(n).enabled for n, r in enumerate(desk.radar.rules.values()))
    assert not page.writes() and len(desk.radar.rules) == 12
    press(desk, KEY.Key_O)
    assert page.writes() and page.editor.code.isReadOnly() and not page.editor.save.isVisible()
    page.editor.test.paste.setFocus()
    page.editor.test.paste.setPlainText('{"message": "Failed password", "user": "anna"}')
    press(desk, KEY.Key_Return, CTRL)
    assert page.editor.test.outcome is not None and page.editor.test.outcome.fired == 1
    press(desk, KEY.Key_Escape)
    assert page.writes() and page.editor.code.hasFocus(), "one level at a time"
    press(desk, KEY.Key_Escape)
    assert not page.writes()


def test_an_alert_leads_to_its_rule_and_an_event_to_any(desk: Desk) -> None:
    page = rules_page(desk)
    alert = next(iter(desk.radar.rows.values()))
    desk.radar.rows[alert.id] = replace(alert, rule_id=a_rule(4).rule_id)
    desk.window.show_page("radar")
    radar = desk.window.pages["radar"]
    desk.settle()
    radar.queue.reload()  # type: ignore[attr-defined]
    desk.settle()
    radar.queue.table.go(0)  # type: ignore[attr-defined]
    radar.queue.table.setFocus()  # type: ignore[attr-defined]
    press(desk, KEY.Key_R, SHIFT)
    desk.until(lambda: desk.window.current == "rules" and page.writes())
    desk.settle()
    assert page.editor.opened is not None and page.editor.opened.title == "Rule 4"
    assert type(desk.radar.tried[-1]).__name__ == "OfAlert"
    press(desk, KEY.Key_Escape)
    desk.window.show_page("radar")
    radar.show_tab(2)  # type: ignore[attr-defined]
    desk.settle()
    search = radar.search  # type: ignore[attr-defined]
    search.table.go(1)
    search.open_event(search.table.current_row())
    QTest.mouseClick(search.panel.explain, Qt.MouseButton.LeftButton)
    desk.settle()
    assert desk.window.current == "rules" and page.banner.isVisible() and not page.writes()
    page.table.go(2)
    page.table.setFocus()
    press(desk, KEY.Key_Return)
    assert page.writes() and desk.radar.tried[-1].event_id == desk.radar.stored[1].id
    assert desk.radar.tried[-1].at == desk.radar.stored[1].at
    assert not page.banner.isVisible()


def test_links_lead_to_a_rule_and_a_wrong_one_says_so(desk: Desk) -> None:
    page = rules_page(desk)
    desk.window.show_page("rules", f"rule/{a_rule(5).rule_id}")
    desk.settle()
    assert page.editor.opened is not None and page.editor.opened.title == "Rule 5"
    assert page.current_record() == f"rule/{a_rule(5).rule_id}"
    odd = a_rule(6, rule_id="many logins / host")
    desk.radar.rules[odd.id] = odd
    assert page.record_of(odd) == f"row/{odd.id}"
    desk.window.show_page("rules", page.record_of(odd))
    desk.settle()
    assert page.editor.opened.title == "Rule 6"
    desk.window.show_page("rules", "what/ever")
    assert said(desk, "There is no rule")
    desk.window.show_page("rules", "rule/gone")
    desk.settle()
    assert said(desk, "The rule is not there")
