"""The Rules page over fakes: its list, by keys and clicks, and the ways that lead to it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from ui.conftest import Desk
from ui.fakes import ALL, FakeBackend
from ui.rule_desk import (
    CTRL,
    KEY,
    find,
    no_drafts,
    press,
    rules_page,
    said,
    titles,
    write,
)
from ui.rule_service import a_rule

from sent.platform.errors import Unavailable
from sent.ui.pages.rules import RulesPage

__all__ = ["no_drafts"]


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
    press(desk, KEY.Key_W)
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
