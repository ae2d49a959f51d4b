"""K7 5: shortcuts are the person's."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from ui.conftest import Desk

from sent.ui.shell import keymap
from sent.ui.shell.keyboardcard import KeyboardCard
from sent.ui.shell.settings import SettingsPage

CTRL = Qt.KeyboardModifier.ControlModifier


def card(desk: Desk) -> KeyboardCard:
    desk.sign_in("settings")
    page = desk.window.pages["settings"]
    assert isinstance(page, SettingsPage)
    desk.settle()
    return page.keyboard


def test_k7_05_a_rebound_action_answers_to_the_new_keys_everywhere_they_are_shown(desk: Desk) -> None:
    keyboard = card(desk)
    window = desk.window.windows.open_apart("overview")
    assert window is not None
    assert keyboard.choose("shell", "search.open", "Ctrl+J")
    for shell in (desk.window.shell, window.shell):
        action = shell.actions.find("search.open")
        assert action is not None and action.shortcut == "Ctrl+J"
    desk.window.activateWindow()
    QTest.keyClick(desk.window, Qt.Key.Key_J, CTRL)
    assert not desk.window.search.isHidden()
    desk.window.search.close_layer()
    QTest.keyClick(desk.window, Qt.Key.Key_F, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert desk.window.search.isHidden(), "the declared keys are free now"
    desk.window.sheet.open_sheet()
    assert "Search everything" in desk.window.sheet.titles
    desk.window.sheet.close_layer()
    desk.window.shell.toasts.undo_last()
    action = desk.window.shell.actions.find("search.open")
    assert action is not None and action.shortcut == "Ctrl+Shift+F"
    desk.settle()


def test_k7_05_what_is_in_the_way_is_named_and_nothing_changes(desk: Desk) -> None:
    keyboard = card(desk)
    assert not keyboard.choose("shell", "search.open", "Ctrl+K")
    assert "Search or run a command (Ctrl+K)" in keyboard.problem
    assert not keyboard.choose("shell", "search.open", "G"), "the beginning of G, R"
    assert "Radar (G, R)" in keyboard.problem
    assert keymap.chosen(desk.window.shell.prefs) == {}


def test_k7_05_two_pages_may_use_the_same_keys_and_an_action_may_have_none(desk: Desk) -> None:
    keyboard = card(desk)
    desk.window.show_page("radar")
    assert keyboard.choose("radar", "radar.acknowledge", "F9")
    assert keyboard.choose("overview", "overview.alerts", "F9")
    assert not keyboard.choose("shell", "search.open", "F9")
    assert keyboard.choose("radar", "radar.close", "")
    action = next(a for a in desk.window.shell.actions.scopes()["radar"] if a.id == "radar.close")
    assert action.shortcut == ""
    keyboard.reset_all()
    action = next(a for a in desk.window.shell.actions.scopes()["radar"] if a.id == "radar.close")
    assert action.shortcut == "C"
    desk.settle()


def test_k7_05_they_are_the_persons_and_found_again(desk: Desk) -> None:
    keyboard = card(desk)
    keyboard.choose("shell", "search.open", "Ctrl+J")
    desk.window.shell.sign_out_wanted.emit()
    desk.sign_in("overview")
    action = desk.window.shell.actions.find("search.open")
    assert action is not None and action.shortcut == "Ctrl+J"
    desk.window.shell.prefs.use_person("somebody else")
    assert keymap.chosen(desk.window.shell.prefs) == {}
    desk.settle()


def test_k7_05_every_mouse_action_of_the_registry_has_an_id_a_title_and_no_double(desk: Desk) -> None:
    desk.sign_in("radar")
    for id in ("overview", "audit", "settings"):
        desk.window.show_page(id)
    seen: dict[str, str] = {}
    for scope, actions in desk.window.shell.actions.scopes().items():
        for action in actions:
            assert action.title and (action.hidden or action.id not in seen), action.id
            seen[action.id] = scope
            if action.shortcut and not action.hidden:
                listed = [(s, a) for s, x in desk.window.shell.actions.scopes().items() for a in x]
                others = keymap.conflicts(scope, action.id, action.shortcut, listed)
                assert not others, f"{action.id} {action.shortcut} and {[a.id for _, a in others]}"
    desk.settle()


def test_k7_05_the_settings_list_shows_finds_and_records(desk: Desk) -> None:
    keyboard = card(desk)
    keyboard._toggle.click()
    keyboard._search.setText("search everything")
    assert keyboard._list.count() == 1
    keyboard.edit("search.open")
    keyboard.choose("shell", "search.open", "Ctrl+K")
    keyboard.cancel()
    assert keyboard.problem == ""
    desk.settle()
