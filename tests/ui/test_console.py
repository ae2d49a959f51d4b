"""The console as a whole, over fakes: sign-in, pages, triage, palette, losing the database."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from ui.conftest import Desk
from ui.fakes import ALL, FakeBackend, an_event

from sent.platform.errors import Unavailable
from sent.platform.telemetry.log import Secret
from sent.ui import boot
from sent.ui.pages.radar import RadarPage
from sent.ui.prefs import Prefs
from sent.ui.shell.recoverysheet import RecoverySheet
from sent.ui.theme import fonts, icons, theme


def radar(desk: Desk) -> RadarPage:
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.until(lambda: page.queue.table.model_.known() > 0)
    desk.settle()
    page.queue.table.setFocus()
    page.queue.table.go(0)
    return page


def test_first_run_creates_the_organisation_and_signs_its_owner_in(desk: Desk, backend: FakeBackend) -> None:
    backend.initialised = False
    desk.start()
    gate = desk.gate
    assert gate.stack.currentIndex() == 3
    for field, text in (
        (gate.organisation, "Müller & Söhne"),
        (gate.person, "Anna Berg"),
        (gate.owner_email, "anna@example.com"),
        (gate.new_password, "harbour-lamp-9-violet"),
        (gate.repeat, "harbour-lamp-9-violet"),
    ):
        field.set_text(text)
    gate.setup_form.submit()
    desk.until(lambda: desk.window.shell.person is not None)
    assert backend.created == ("Müller & Söhne", "muller-sohne", "Anna Berg", "anna@example.com")
    assert gate.isHidden()
    assert gate.new_password.text() == ""


def first_run(desk: Desk) -> None:
    """Fill the wizard in and send it."""
    desk.start()
    gate = desk.gate
    for field, text in (
        (gate.organisation, "Northwind"),
        (gate.person, "Anna Berg"),
        (gate.owner_email, "anna@example.com"),
        (gate.new_password, "harbour-lamp-9-violet"),
        (gate.repeat, "harbour-lamp-9-violet"),
    ):
        field.set_text(text)
    gate.setup_form.submit()
    desk.until(lambda: desk.window.shell.person is not None)


def test_the_recovery_key_is_shown_once_and_stays_until_it_is_on_paper(
    desk: Desk, backend: FakeBackend
) -> None:
    backend.initialised = False
    backend.recovery = Secret("-".join(f"A1B2{letter}" for letter in "CDEFGHJKMNPQR"))
    first_run(desk)
    (sheet,) = desk.window.findChildren(RecoverySheet)
    assert not sheet.isHidden() and len(sheet.groups) == 13
    shown = {label.text() for label in sheet.findChildren(QLabel)}
    assert {"A1B2C", "A1B2R", "13"} <= shown
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isHidden(), "Esc does not take the only copy away"
    sheet.done.click()
    assert sheet.isHidden() and sheet.groups == []


def test_where_no_recovery_key_can_be_made_the_wizard_goes_on(desk: Desk, backend: FakeBackend) -> None:
    backend.initialised = False
    first_run(desk)
    assert desk.window.findChildren(RecoverySheet) == []


def test_the_wizard_refuses_weak_and_unlike_passwords_below_the_field(
    desk: Desk, backend: FakeBackend
) -> None:
    backend.initialised = False
    desk.start()
    gate = desk.gate
    gate.new_password.set_text("password1234")
    assert not gate.new_password.valid()
    gate.new_password.set_text("harbour-lamp-9-violet")
    gate.repeat.set_text("harbour-lamp-9-viole")
    assert gate.new_password.valid()
    assert not gate.repeat.valid()
    assert gate.repeat.edit.accessibleDescription() == "The two passwords differ"


def test_a_wrong_password_is_told_below_the_field_and_keeps_the_email(desk: Desk) -> None:
    desk.start()
    desk.gate.email.set_text("anna@example.com")
    desk.gate.password.set_text("wrong")
    desk.gate.sign_in_form.submit()
    desk.until(lambda: desk.gate.problem() != "")
    assert "not right" in desk.gate.problem()
    assert desk.gate.email.text() == "anna@example.com"
    assert desk.gate.sign_in_button.isEnabled()


def test_second_factor_and_choice_of_the_organisation(desk: Desk, backend: FakeBackend) -> None:
    backend.second_factor, backend.organisations = True, ["Northwind", "Harbour"]
    desk.start()
    desk.gate.email.set_text(backend.email)
    desk.gate.password.set_text(backend.password)
    desk.gate.sign_in_form.submit()
    desk.until(lambda: desk.gate.stack.currentIndex() == 1)
    desk.gate.code.set_text("123 456")
    QTest.keyClick(desk.gate.code.edit, Qt.Key.Key_Return)
    desk.until(lambda: desk.gate.stack.currentIndex() == 2)
    buttons = desk.gate.stack.currentWidget().findChildren(QAbstractButton)
    buttons[1].click()
    desk.until(lambda: desk.window.shell.person is not None)


def test_a_database_that_does_not_start_offers_to_try_again(desk: Desk, backend: FakeBackend) -> None:
    backend.refuse = Unavailable("database.owner_failed", "the disk is full")
    desk.console.start()
    desk.until(lambda: "disk is full" in desk.gate.problem())
    backend.refuse = None
    desk.gate._retry.click()
    desk.until(lambda: desk.gate._ready)


def test_rail_and_palette_hide_what_the_role_may_not_see(desk: Desk, backend: FakeBackend) -> None:
    backend.permissions = ALL - {"audit:read", "radar:triage"}
    desk.sign_in("radar")
    assert "audit" not in desk.window.rail.items
    ids = {action.id for action in desk.window.shell.actions.available()}
    assert "page.audit" not in ids
    assert desk.window.shell.actions.find("radar.acknowledge") is None


def test_acknowledge_by_key_shows_at_once_and_undo_brings_it_back(desk: Desk) -> None:
    page = radar(desk)
    first = page.queue.table.current_row()
    QTest.keyClick(page.queue.table, Qt.Key.Key_A)
    assert page.queue.table.model_.row(0).state == "acknowledged"
    desk.until(lambda: desk.radar.rows[first.id].state == "acknowledged")
    desk.until(lambda: len(desk.window.shell.toasts.toasts) == 1)
    QTest.keyClick(desk.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    desk.until(lambda: desk.radar.rows[first.id].state == "new")
    desk.settle()
    assert page.queue.table.model_.row(0).state == "new"


def test_a_conflict_shows_what_is_true_now(desk: Desk) -> None:
    page = radar(desk)
    first = page.queue.table.current_row()
    desk.radar.rows[first.id] = desk.radar.rows[first.id].__class__(
        **{name: getattr(first, name) for name in first.__slots__} | {"version": 9, "state": "closed"}
    )
    page.queue.set_state("acknowledged")
    desk.until(lambda: any("Somebody else" in t.text for t in desk.window.shell.toasts.toasts))
    desk.settle()
    assert page.queue.table.model_.find(first.id) is None, "closed alerts are filtered out"


def test_marked_rows_are_closed_together(desk: Desk) -> None:
    page = radar(desk)
    for key in (Qt.Key.Key_X, Qt.Key.Key_J, Qt.Key.Key_X):
        QTest.keyClick(page.queue.table, key)
    assert len(page.queue.table.chosen()) == 2
    QTest.keyClick(page.queue.table, Qt.Key.Key_C)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    desk.until(lambda: sum(a.state == "closed" for a in desk.radar.rows.values()) == 2)
    assert {a.reason for a in desk.radar.rows.values() if a.state == "closed"} == {"true positive"}
    assert not page.queue.table.model_.marked


def test_enter_opens_the_detail_and_escape_backs_out_one_level(desk: Desk) -> None:
    page = radar(desk)
    QTest.keyClick(page.queue.table, Qt.Key.Key_Return)
    desk.settle()
    assert page.queue.split.is_open()
    assert page.queue.panel.alert is not None
    QTest.keyClick(page.queue.table, Qt.Key.Key_Escape)
    assert not page.queue.split.is_open()
    assert desk.window.current == "radar"


def test_a_filter_without_hits_offers_to_clear_it(desk: Desk) -> None:
    page = radar(desk)
    page.queue.filter.set_text("host:nowhere")
    desk.until(lambda: page.queue.states.state() == "filtered")
    page.queue.filter.clear()
    desk.until(lambda: page.queue.states.state() == "rows")


def test_levels_go_to_the_api_as_alternatives(desk: Desk) -> None:
    page = radar(desk)
    page.queue.filter.set_text("level:high level:critical -host:fs1 word")
    desk.settle()
    wanted = desk.radar.queries[-1]
    assert wanted.levels == ("high", "critical")
    assert wanted.query == "-host:fs1 word"


def test_palette_finds_by_a_few_letters_and_goes_there(desk: Desk) -> None:
    desk.sign_in()
    QTest.keyClick(desk.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = desk.window.palette_
    assert not palette.isHidden()
    QTest.keyClicks(palette.field, "audi")
    assert palette.visible_titles()[0] == "Audit"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isHidden()
    assert desk.window.current == "audit"


def test_palette_steps_back_with_backspace(desk: Desk) -> None:
    desk.sign_in()
    desk.window.shell.actions.trigger("theme.choose")
    palette = desk.window.palette_
    assert palette.visible_titles() == [
        "As the system",
        "Dark",
        "Light",
        "High contrast, dark",
        "High contrast, light",
    ]
    QTest.keyClick(palette.field, Qt.Key.Key_Backspace)
    assert "Audit" in palette.visible_titles()
    QTest.keyClick(palette.field, Qt.Key.Key_Backspace)
    assert palette.isHidden()


def test_the_shortcut_sheet_comes_from_the_registry(desk: Desk) -> None:
    radar(desk)
    desk.window.sheet.open_sheet()
    shown = set(desk.window.sheet.titles)
    assert shown == {action.title for _, action in desk.window.shell.actions.listed() if action.shortcut}
    assert {"Acknowledge", "Next", "Radar"} <= shown


def test_g_then_a_letter_jumps(desk: Desk) -> None:
    desk.sign_in()
    QTest.keyClick(desk.window, Qt.Key.Key_G)
    QTest.keyClick(desk.window, Qt.Key.Key_R)
    desk.until(lambda: desk.window.current == "radar")


def test_losing_the_database_dims_and_regaining_it_loads_again(desk: Desk, backend: FakeBackend) -> None:
    page = radar(desk)
    asked = len(desk.radar.queries)
    backend.up = False
    desk.console.bridge.session.suspect() if desk.console.bridge.session else None
    desk.console._look_again()
    desk.until(lambda: not desk.window.banner.isHidden())
    assert page.queue.table.dimmed
    assert page.queue.table.model_.known() > 0, "stale rows stay"
    assert desk.window.status.texts()["fresh"].startswith("As of")
    assert desk.window.status.texts()["workers"] == ""
    backend.up = True
    desk.console._look_again()
    desk.until(lambda: desk.window.banner.isHidden())
    desk.until(lambda: len(desk.radar.queries) > asked)
    assert not page.queue.table.dimmed


def test_signing_out_destroys_the_pages_and_their_answers(desk: Desk, backend: FakeBackend) -> None:
    page = radar(desk)
    late: list[object] = []

    async def slowly() -> int:
        import asyncio

        await asyncio.sleep(0.3)
        return 1

    page.run(slowly, done=late.append)
    desk.window.shell.sign_out_wanted.emit()
    assert desk.window.shell.person is None
    assert not desk.gate.isHidden()
    desk.until(lambda: backend.broker.logged_out == 1)
    desk.bot.wait(400)
    assert late == []


def test_h8_every_focusable_widget_is_named(desk: Desk) -> None:
    desk.sign_in()
    for page in ("overview", "radar", "audit", "settings", "about"):
        desk.window.show_page(page)
        desk.settle()
    desk.window.pages["radar"].queue.open_alert(next(iter(desk.radar.rows.values())))  # type: ignore[attr-defined]
    desk.settle()
    nameless = []
    for widget in desk.window.findChildren(QWidget):
        known = isinstance(widget, QAbstractButton | QLineEdit | QAbstractItemView)
        if known and widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not widget.accessibleName():
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            if not text and widget.objectName() != "qt_spinbox_lineedit":
                nameless.append(f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}")
    assert nameless == []


def test_h8_every_action_is_reachable_by_keyboard(desk: Desk) -> None:
    radar(desk)
    keys: dict[str, str] = {}
    for action in desk.window.shell.actions.available():
        if action.shortcut:
            assert action.shortcut not in keys, (
                f"{action.id} and {keys[action.shortcut]} share {action.shortcut}"
            )
            keys[action.shortcut] = action.id
    desk.window.open_palette()
    titles = set(desk.window.palette_.visible_titles())
    offered = {a.title for a in desk.window.shell.actions.available() if a.id != "palette.open"}
    assert offered <= titles


def test_theme_switch_is_quick_and_remembered(desk: Desk) -> None:
    import time

    radar(desk)
    began = time.perf_counter()
    desk.window.toggle_theme()
    QApplication.processEvents()
    assert time.perf_counter() - began < 1.0
    assert theme.tokens().name == "light"
    assert desk.window.shell.prefs.text("theme") == "light"


def test_window_layout_survives_a_restart(desk: Desk) -> None:
    desk.sign_in()
    desk.window.resize(1111, 777)
    desk.window.close()
    geometry = desk.window.shell.prefs.blob("geometry")
    assert geometry is not None and not geometry.isEmpty()


def test_export_writes_everything_in_pieces_and_disarms_formulas(desk: Desk, tmp_path: object) -> None:
    from dataclasses import replace
    from pathlib import Path

    from sent.ui.kit.export import start_export

    page = radar(desk)
    first = next(iter(desk.radar.rows))
    desk.radar.rows[first] = replace(desk.radar.rows[first], title="=cmd()")
    source = page.queue.source()
    assert source.load is not None
    path = Path(str(tmp_path)) / "alerts.csv"
    task = start_export(page, "Alerts", page.queue.table.model_.columns, source.load, source.cursor, 30, path)
    desk.until(lambda: task.state == "done")
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == 31
    assert "'=cmd()" in lines[1]
    assert not path.with_name("alerts.csv.part").exists()


def test_the_tail_follows_until_the_user_scrolls_up(desk: Desk) -> None:
    page = radar(desk)
    desk.radar.events = [an_event(n) for n in range(200)]
    page.show_tab(1)
    desk.until(lambda: page.tail.model.known() == 200)
    bar = page.tail.table.verticalScrollBar()
    desk.until(lambda: bar.value() == bar.maximum())
    bar.setValue(0)
    desk.radar.events += [an_event(n) for n in range(200, 230)]
    desk.until(lambda: len(page.tail.model.waiting) == 30)
    assert page.tail.pill.text().strip() == "30 new"
    assert bar.value() == 0
    page.tail.pill.click()
    desk.until(lambda: page.tail.model.known() == 230 and bar.value() == bar.maximum())
    assert page.tail.pill.isHidden()
    assert page.tail.filter.suggestions("User:an") == ["User:anna"]


def test_filter_offers_what_the_alerts_hold(desk: Desk) -> None:
    page = radar(desk)
    assert page.queue.filter.suggestions("host:fs1") == ["host:fs1"]
    assert "tag:attack.t1059" in page.queue.filter.suggestions("tag:t10")


def test_a_list_that_cannot_be_loaded_says_why_and_tries_again(desk: Desk) -> None:
    desk.radar.broken = Unavailable("database.timeout", "the server did not answer in time")
    desk.sign_in("radar")
    states = desk.window.pages["radar"].queue.states  # type: ignore[attr-defined]
    desk.until(lambda: states.state() == "error")
    desk.radar.broken = None
    states._retry()
    desk.until(lambda: states.state() == "rows")


def test_the_console_works_without_built_assets(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "FOLDER", tmp_path)
    monkeypatch.setattr(icons, "FOLDER", tmp_path)
    icons.pixmap.cache_clear()
    _, window, gate = boot.build([], Prefs(str(tmp_path / "p.ini")))
    qtbot.addWidget(window)
    window.show()
    gate.open()
    assert "circle" in icons.svg("radar")
    assert theme.state().family
    assert not window.grab().isNull()
    icons.pixmap.cache_clear()


def test_the_trail_says_that_it_cannot_leave_values_out(desk: Desk) -> None:
    desk.sign_in("audit")
    page = desk.window.pages["audit"]
    page.filter.set_text("-action:update table:radar.alert word")  # type: ignore[attr-defined]
    assert page.wanted() == {"table": "radar.alert", "text": "word"}  # type: ignore[attr-defined]
    assert any("cannot leave values out" in toast.text for toast in desk.window.shell.toasts.toasts)


def test_the_palette_offers_the_pages_own_actions_first_then_the_pages(desk: Desk) -> None:
    radar(desk)
    desk.window.open_palette()
    titles = desk.window.palette_.visible_titles()
    assert titles[0] == "Acknowledge"
    assert titles.index("Audit") < titles.index("Keyboard shortcuts")
    assert "Search or run a command" not in titles, "it is open already"


def test_the_same_message_is_not_stacked(desk: Desk) -> None:
    desk.sign_in()
    toasts = desk.window.shell.toasts
    for _ in range(3):
        desk.window.shell.toast("The database is slow", tone="bad")
    assert [toast.text for toast in toasts.toasts] == ["The database is slow"]


def test_nobody_undoes_what_the_person_before_did(desk: Desk) -> None:
    desk.sign_in()
    undone: list[int] = []
    desk.window.shell.toast("Closed 1 alert", undo=lambda: undone.append(1))
    desk.window.shell.sign_out_wanted.emit()
    assert not desk.window.shell.toasts.undo_last()
    assert undone == []
