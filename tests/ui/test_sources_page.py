"""The Sources page with real clicks and keys: sources, their forms and mappings, letters, placeholders."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QPushButton
from ui.conftest import Desk
from ui.fakes import FakeRadar
from ui.source_service import ECS

from sent.engines.radar.fieldmap.steps import checked
from sent.platform.errors import Unavailable
from sent.ui.kit.widgets import Push
from sent.ui.pages.sources import SourcesPage
from sent.ui.pages.sources.bytesview import hex_dump, hex_place, shown_text
from sent.ui.pages.sources.editor import MappingLayer
from sent.ui.pages.sources.lists import last_event, spark
from sent.ui.pages.sources.panel import curl

ONE, TWO, THREE = (UUID(int=n) for n in (1, 2, 3))


@pytest.fixture
def page(desk: Desk) -> SourcesPage:
    """Return the page with three sources, to somebody who manages them."""
    desk.radar.stock()
    desk.sign_in("sources")
    found = desk.window.pages["sources"]
    assert isinstance(found, SourcesPage)
    desk.until(lambda: rows(found) == 3)
    desk.settle()
    return found


def rows(page: SourcesPage) -> int:
    """Return how many rows the list in front has."""
    model = page.tables[page.view].model_
    return 0 if model.skeleton else model.known()


def press(keys: str) -> None:
    """Press a key on what has the focus."""
    pressed, focus = QKeySequence(keys)[0], QApplication.focusWidget()
    assert focus is not None, f"nothing has the focus that could hear {keys}"
    QTest.keyClick(focus, pressed.key(), pressed.keyboardModifiers())


def click(inside: Any, text: str) -> None:
    """Click the button of this text with the mouse."""
    made = next(b for b in inside.findChildren(QPushButton) if b.text().strip() == text and b.isVisible())
    QTest.mouseClick(made, Qt.MouseButton.LeftButton)


def go(desk: Desk, page: SourcesPage, number: int) -> None:
    """Choose a row."""
    page.tables[page.view].setFocus()
    page.tables[page.view].go(number)
    desk.settle()


def choose(desk: Desk, word: str) -> None:
    """Type a word into the palette that asks, and take what it finds."""
    palette = desk.window.palette_
    desk.until(lambda: not palette.isHidden())
    QTest.keyClicks(palette.field, word)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    desk.until(palette.isHidden)
    desk.settle()


def show(desk: Desk, page: SourcesPage, view: str, amount: int) -> None:
    """Show a list by its key, with its first row chosen."""
    press({"sources": "1", "letters": "2", "placeholders": "3"}[view])
    desk.until(lambda: page.view == view and rows(page) == amount)
    go(desk, page, 0)


def said(page: SourcesPage) -> list[str]:
    """Return what the panel says."""
    return [label.text() for label in page.panel.findChildren(QLabel) if not label.isHidden()]


def texts(page: SourcesPage, number: int) -> tuple[str, ...]:
    found = page.tables[page.view].model_.texts(number)
    assert found is not None
    return found


def test_the_list_tells_how_every_source_fares(desk: Desk, page: SourcesPage) -> None:
    states = [texts(page, n)[0] for n in range(3)]
    assert states == ["Works", "Problem", "Switched off"]
    assert "█" in texts(page, 0)[4]
    assert texts(page, 0)[7] == "2"
    go(desk, page, 1)
    press("Return")
    desk.until(page.split.is_open)
    desk.until(lambda: "port 5515 is in use" in said(page))


def test_without_a_worker_the_list_says_so(desk: Desk, page: SourcesPage) -> None:
    assert page.notice.isHidden()
    for id, fares in desk.radar.fares.items():
        desk.radar.fares[id] = replace(fares, stale=True)
    page.refresh()
    desk.until(lambda: not page.notice.isHidden())
    desk.until(lambda: [texts(page, n)[0] for n in range(3)] == ["No worker", "No worker", "Switched off"])


def test_a_list_that_cannot_be_loaded_says_why_and_tries_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: FakeRadar) -> None:
        raise Unavailable("database.timeout", "the database does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(FakeRadar, "check", broken)
        desk.radar.stock()
        desk.sign_in("sources")
        page = desk.window.pages["sources"]
        states = page.stack.widget(0)
        desk.until(lambda: states.state() == "error")
    click(states, "Try again")
    desk.until(lambda: states.state() == "rows")


def test_the_filter_keeps_what_it_names(desk: Desk, page: SourcesPage) -> None:
    bar = page.filters["sources"]
    for text, amount in (
        ("state:problem", 1),
        ("-state:off", 2),
        ("kind:http", 1),
        ("edge", 1),
        ("zzz", 0),
        ("", 3),
    ):
        bar.set_text(text)
        desk.until(lambda n=amount: rows(page) == n)


def test_a_source_is_added_with_the_keyboard_and_its_token_is_shown_once(
    desk: Desk, page: SourcesPage
) -> None:
    press("N")
    desk.until(lambda: page.panel.form is not None and page.panel.form.isVisible())
    form = page.panel.form
    assert form is not None
    form.kinds.setCurrentIndex(form.kinds.findData("http"))
    form.kinds.activated.emit(form.kinds.currentIndex())
    assert "JSON lines or OTLP" in form.told.text()
    form.fields["name"].edit.setFocus()
    QTest.keyClicks(form.fields["name"].edit, "front door")
    QTest.keyClicks(form.fields["address"].edit, "nowhere")
    press("Ctrl+Return")
    assert form.fields["address"].edit.property("invalid"), "told before anything is sent"
    form.fields["address"].edit.clear()
    QTest.keyClicks(form.fields["address"].edit, "0.0.0.0:8088")
    QTest.keyClicks(form.fields["keep"].edit, "30")
    press("Ctrl+Return")
    desk.until(lambda: len(desk.radar.sources) == 4)
    desk.until(lambda: page.panel.token != "")
    _, (name, kind, address, token, _more) = next(a for a in desk.radar.asked if a[0] == "add")
    assert (name, kind, address, page.panel.token) == ("front door", "http", "0.0.0.0:8088", token)
    assert desk.radar.fares[UUID(int=4)].keep_days == 30
    wanted = [token, curl("0.0.0.0:8088", str(token), tls=False)]
    desk.until(lambda: [e.text() for e in page.panel.findChildren(QLineEdit) if e.isVisible()] == wanted)
    page.refresh()
    desk.settle()
    assert page.panel.token == token, "a refresh does not take it away"
    click(page.panel, "I have it")
    assert not page.split.is_open()


def test_the_fields_are_those_of_the_kind(desk: Desk, page: SourcesPage) -> None:
    click(page, "Add source")
    desk.until(lambda: page.panel.form is not None and page.panel.form.isVisible())
    form = page.panel.form
    assert form is not None
    for kind, shown in (
        ("syslog_udp", {"zone"}),
        ("syslog_tls", {"zone", "identity", "allow"}),
        ("http", {"identity", "allow"}),
        ("file", {"zone"}),
        ("jsonl", set()),
    ):
        form.show_kind(kind)
        assert {n for n in ("zone", "identity", "allow") if not form.fields[n].isHidden()} == shown, kind
    form.show_kind("syslog_tls")
    form.fields["name"].set_text("t")
    form.fields["address"].set_text(":6514")
    form.form.submit()
    assert form.fields["identity"].edit.property("invalid")
    form.fields["identity"].set_text("front")
    form.fields["allow"].set_text("cn:a, dns:b")
    assert form.values()["tls"] == {"identity": "front", "clients": "required", "allow": ["cn:a", "dns:b"]}
    form.fields["zone"].set_text("Mars/Base")
    assert not form.fields["zone"].valid()
    form.show_kind("file")
    assert not form.fields["address"].valid()


def test_a_change_of_somebody_else_is_shown_beside_mine(desk: Desk, page: SourcesPage) -> None:
    go(desk, page, 1)
    press("E")
    desk.until(lambda: page.panel.form is not None and page.panel.form.isVisible())
    form = page.panel.form
    assert form is not None
    form.fields["name"].set_text("mine")

    def meddle() -> None:
        desk.radar.sources[TWO] = replace(desk.radar.sources[TWO], address="10.0.0.1:5514", version=2)

    desk.radar.meddle = meddle
    press("Ctrl+S")
    layer = desk.window.conflict
    desk.until(lambda: not layer.isHidden())
    layer._all(True)
    desk.until(lambda: desk.radar.sources[TWO].name == "mine")
    assert desk.radar.sources[TWO].address == "0.0.0.0:5515", "mine won everywhere"


def test_switching_off_can_be_undone_and_removing_asks(desk: Desk, page: SourcesPage) -> None:
    go(desk, page, 0)
    press("S")
    desk.until(lambda: not desk.radar.sources[ONE].enabled)
    desk.settle()
    toast = desk.window.shell.toasts
    undo = next(b for b in toast.findChildren(QPushButton) if "Undo" in b.text())
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.radar.sources[ONE].enabled)
    desk.settle()
    go(desk, page, 0)
    press("D")
    choose(desk, "Keep it")
    assert len(desk.radar.sources) == 3
    press("D")
    choose(desk, "Remove it")
    desk.until(lambda: len(desk.radar.sources) == 2)


def test_a_new_token_is_made_once_it_is_confirmed(desk: Desk, page: SourcesPage) -> None:
    go(desk, page, 0)
    press("O")
    choose(desk, "Make a new")
    desk.until(lambda: page.panel.token == "fresh-token")


def test_without_the_permission_everything_is_to_be_read_only(desk: Desk) -> None:
    desk.radar.stock()
    desk.backend.permissions -= {"radar:manage"}
    desk.radar.mappings[ONE] = checked([{"step": "drop", "fields": ["a"]}])
    desk.sign_in("sources")
    page = desk.window.pages["sources"]
    assert isinstance(page, SourcesPage)
    desk.until(lambda: rows(page) == 3)
    assert not any(made.isVisible() for _, made in page.buttons["sources"])
    go(desk, page, 0)
    for key in ("N", "E", "M", "S", "D", "O"):
        press(key)
    desk.settle()
    assert page.panel.form is None
    assert desk.radar.sources[ONE].enabled
    press("Return")
    desk.until(page.split.is_open)
    assert [b for b in page.panel.findChildren(Push) if b.isVisible()] == []
    show(desk, page, "letters", 2)
    assert [made.isVisible() for _, made in page.buttons["letters"]] == [False, False, False, True]
    show(desk, page, "placeholders", 2)
    press("Return")
    desk.until(lambda: page.panel.values is not None)
    assert page.panel.values is not None
    assert page.panel.values.isReadOnly()


def editor(desk: Desk, page: SourcesPage, number: int = 0) -> MappingLayer:
    """Open the mapping editor of a source."""
    go(desk, page, number)
    press("M")
    desk.until(lambda: page.sources.layer is not None and not page.sources.layer.isHidden())
    layer = page.sources.layer
    assert layer is not None
    desk.until(lambda: layer.pane.found is not None)
    return layer


def after(layer: MappingLayer) -> dict[str, str]:
    """Return the After column of the preview."""
    table = layer.pane.table
    cells = [(table.item(n, 0), table.item(n, 2)) for n in range(table.rowCount())]
    return {name.text(): value.text() for name, value in cells if name is not None and value is not None}


def test_a_step_that_is_typed_is_previewed_on_real_events_and_saved(desk: Desk, page: SourcesPage) -> None:
    layer = editor(desk, page)
    assert after(layer) == ECS
    layer.add("map")
    desk.until(layer.form.areas["fields"].hasFocus)
    QTest.keyClicks(layer.form.areas["fields"], "process.command_line = CommandLine")
    desk.until(lambda: "CommandLine" in after(layer))
    assert layer.pane.table.item(0, 0).text() == "CommandLine", "what changed stands first"
    assert "7 rules look at it (before: 2)" in layer.pane.told.text()
    QTest.mouseClick(layer.pane.after, Qt.MouseButton.LeftButton)
    assert after(layer) == {"message": "hello"}
    press("Ctrl+S")
    desk.until(lambda: ONE in desk.radar.mappings)
    assert desk.radar.mappings[ONE].steps[0].names == (("process.command_line", ("CommandLine",)),)
    desk.until(layer.isHidden)
    toasts = desk.window.shell.toasts
    undo = next(b for b in toasts.findChildren(QPushButton) if "Undo" in b.text())
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.radar.mappings[ONE].steps == ())


def test_a_pasted_event_is_looked_at_instead(desk: Desk, page: SourcesPage) -> None:
    layer = editor(desk, page)
    click(layer, "A pasted event")
    desk.until(lambda: "Paste an event" in layer.pane.told.text())
    QTest.keyClicks(layer.pane.paste, "user anna")
    layer.add("extract")
    layer.form.lines["pattern"].edit.setFocus()
    QTest.keyClicks(layer.form.lines["pattern"].edit, "user (?P<User>.+)")
    desk.until(lambda: after(layer).get("User") == "anna")


def test_steps_are_moved_switched_and_taken_away_by_keys_and_by_dragging(
    desk: Desk, page: SourcesPage
) -> None:
    kinds = [{"step": "drop", "fields": [name]} for name in "abc"]
    desk.radar.mappings[ONE] = checked(kinds)
    layer = editor(desk, page)
    order = lambda: ["".join(step["fields"]) for step in layer.steps]  # noqa: E731
    layer.list.setFocus()
    layer.list.setCurrentRow(0)
    press("Alt+Down")
    assert (order(), layer.list.currentRow()) == (["b", "a", "c"], 1)
    press("Space")
    assert layer.steps[1].get("on") is False
    press("Delete")
    assert order() == ["b", "c"]
    press("Ctrl+Z")
    press("Ctrl+Z")
    press("Ctrl+Z")
    assert order() == ["a", "b", "c"]
    press("Ctrl+Shift+Z")
    assert order() == ["b", "a", "c"]
    press("Ctrl+Z")
    layer.list.setCurrentRow(2)
    place = QPointF(layer.list.visualItemRect(layer.list.item(0)).center())
    event = QDropEvent(
        place,
        Qt.DropAction.MoveAction,
        QMimeData(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    layer.list.dropEvent(event)
    assert order()[0] == "c"
    layer.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert layer.steps[0].get("on") is False
    assert layer.send.isEnabled()


def test_a_step_that_cannot_run_says_why_and_is_not_saved(desk: Desk, page: SourcesPage) -> None:
    layer = editor(desk, page)
    layer.add("extract")
    QTest.keyClicks(layer.form.lines["pattern"].edit, "(no group)")
    desk.until(lambda: "no named group" in layer.problem.text())
    layer.save()
    desk.settle()
    assert ONE not in desk.radar.mappings
    assert not layer.isHidden()


def test_unsaved_steps_are_asked_about(desk: Desk, page: SourcesPage) -> None:
    layer = editor(desk, page)
    layer.add("drop")
    QTest.keyClicks(layer.form.areas["fields"], "a")
    desk.settle()
    QTest.keyClick(layer, Qt.Key.Key_Escape)
    choose(desk, "Go on")
    assert not layer.isHidden()
    QTest.keyClick(layer, Qt.Key.Key_Escape)
    choose(desk, "Forget")
    assert layer.isHidden()


def test_presets_and_pipelines_are_added_and_what_is_left_out_is_told(
    desk: Desk, page: SourcesPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = editor(desk, page)
    actions = {action.text(): action for action in layer.presets_.menu().actions()}
    actions["Elastic Common Schema, Windows"].trigger()
    desk.until(lambda: len(layer.steps) == 5)
    desk.until(lambda: after(layer).get("CommandLine") == "whoami /all")
    file = tmp_path / "pipeline.yml"
    file.write_text("transformations:\n- {type: field_name_mapping, mapping: {A: b}}\n- {type: nest}\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    click(layer, "Import…")
    desk.until(lambda: len(layer.steps) == 6)
    desk.until(lambda: not desk.window.palette_.isHidden())
    file.write_text("a: [")
    desk.window.palette_.close_layer()
    layer.import_file(file)
    desk.settle()
    assert len(layer.steps) == 6


def test_steps_that_somebody_else_changed_are_shown_or_replaced(desk: Desk, page: SourcesPage) -> None:
    layer = editor(desk, page)
    theirs, mine = checked([{"step": "drop", "fields": ["t"]}]), [{"step": "drop", "fields": ["m"]}]

    def meddle() -> None:
        desk.radar.mappings[ONE] = theirs
        desk.radar.sources[ONE] = replace(desk.radar.sources[ONE], version=2)

    layer._change(list(mine), 0)
    desk.radar.meddle = meddle
    layer.save()
    choose(desk, "Show theirs")
    assert layer.steps == [{"step": "drop", "fields": ["t"]}]
    layer.undo()
    assert layer.steps == mine
    layer.save()
    desk.until(lambda: desk.radar.mappings[ONE] == checked(mine))


def test_a_letter_is_opened_with_its_damage_and_read_again(desk: Desk, page: SourcesPage) -> None:
    show(desk, page, "letters", 2)
    press("Return")
    desk.until(lambda: page.panel.bytes is not None)
    view = page.panel.bytes
    assert view is not None
    desk.until(lambda: any("Damaged at byte 22" in text for text in said(page)))
    (marked,) = view.text.extraSelections()
    assert marked.cursor.selectedText() == "n"
    click(view, "Hexadecimal")
    (marked,) = view.text.extraSelections()
    assert marked.cursor.selectedText() == "6e"
    click(page.panel, "Read again")
    desk.until(lambda: desk.radar.letters[UUID(int=1000)].state == "replay")
    desk.settle()
    page.letters._tell([UUID(int=1000)])
    desk.settle()


def test_letters_are_filtered_and_decided_on_together(desk: Desk, page: SourcesPage) -> None:
    show(desk, page, "letters", 2)
    page.filters["letters"].set_text('source:"source 0" reader')
    desk.until(lambda: rows(page) == 1)
    page.tables["letters"].setFocus()
    press("Shift+A")
    choose(desk, "Give all")
    states = {one.reason: one.state for one in desk.radar.letters.values()}
    assert states == {"is no JSON object": "dead", "no reader takes it": "discarded"}
    page.filters["letters"].set_text("state:discarded")
    desk.until(lambda: rows(page) == 1 and texts(page, 0)[1] == "Given up")
    page.filters["letters"].set_text("")
    desk.until(lambda: rows(page) == 1)
    go(desk, page, 0)
    press("D")
    choose(desk, "Give up")
    assert {one.state for one in desk.radar.letters.values()} == {"discarded"}


def test_letters_of_a_source_are_one_click_away(desk: Desk, page: SourcesPage) -> None:
    go(desk, page, 0)
    press("Return")
    desk.until(page.split.is_open)
    desk.until(lambda: any(b.isVisible() for b in page.panel.findChildren(Push)))
    click(page.panel, "2 dead letters")
    desk.until(lambda: page.view == "letters" and rows(page) == 2)
    assert page.filters["letters"].text() == 'source:"source 0"'


def test_letters_are_exported(
    desk: Desk, page: SourcesPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(desk, page, "letters", 2)
    target = tmp_path / "letters.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    press("Ctrl+E")
    desk.until(target.exists)
    desk.settle()
    assert "is no JSON object" in target.read_text()


def test_values_of_a_placeholder_are_written_and_taken_back(desk: Desk, page: SourcesPage) -> None:
    show(desk, page, "placeholders", 2)
    assert texts(page, 0)[:3] == ("%admins%", "2", "2")
    press("Return")
    desk.until(lambda: page.panel.values is not None)
    desk.until(lambda: "Recon" in said(page))
    edit = page.panel.values
    assert edit is not None
    edit.setFocus()
    QTest.keyClicks(edit, "anna")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    QTest.keyClicks(edit, "b*")
    page.refresh()
    desk.settle()
    assert page.panel.values is edit, "a refresh leaves what is being written"
    press("Ctrl+S")
    desk.until(lambda: desk.radar.uses["admins"].values == ("anna", "b*"))
    desk.settle()
    go(desk, page, 0)
    press("D")
    desk.until(lambda: desk.radar.uses["admins"].values == ())
    desk.settle()
    undo = [b for b in desk.window.shell.toasts.findChildren(QPushButton) if "Undo" in b.text()][-1]
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.radar.uses["admins"].values == ("anna", "b*"))


def test_bytes_are_shown_where_they_stand() -> None:
    payload = b'{"a":\x00 "\xff\xc3\xa4"}' + bytes(range(40))
    dump = hex_dump(payload)
    assert all(dump[hex_place(n) : hex_place(n) + 2] == f"{byte:02x}" for n, byte in enumerate(payload))
    assert shown_text(b"a\x00\xff\xc3\xa4\r\n") == "a\u00b7\ufffd\u00e4\u00b7\n"


def test_figures_become_bars() -> None:
    assert spark([0, 1, 8, 4]) == "·▂█▅"
    assert spark([0, 0]) == "··"


def test_the_command_quotes_what_a_shell_would_read(desk: Desk) -> None:
    assert QGuiApplication.clipboard() is not None
    assert curl("[::]:8088", "t", tls=True) == (
        "curl -H 'Authorization: Bearer t' -H 'Content-Type: application/x-ndjson'"
        ' --data-binary \'{"message": "hello"}\' https://localhost:8088/'
    )


def test_a_source_leads_to_its_alerts_and_events_by_key_and_by_button(
    desk: Desk, page: SourcesPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, str]] = []
    monkeypatch.setattr(page.shell, "open", lambda id, record="": opened.append((id, record)))
    go(desk, page, 0)
    one = page.sources.current()
    assert one is not None
    ways = [("radar", f"source/{one.id}"), ("radar", f'search:source:"{one.source.name}"')]
    QTest.keyClick(page.tables["sources"], Qt.Key.Key_Q)
    QTest.keyClick(page.tables["sources"], Qt.Key.Key_V)
    assert opened == ways
    page.open_row(one)
    desk.settle()
    for text in ("Alerts", "Events"):
        next(b for b in page.panel.findChildren(QPushButton) if b.text().strip() == text).click()
    assert opened == [*ways, *ways]


def test_a_source_is_opened_by_its_name_from_another_page(desk: Desk, page: SourcesPage) -> None:
    page.filters["sources"].set_text("state:problem nothing")
    desk.settle()
    page.shell.open("sources", "name:source 1")
    desk.until(lambda: page.split.is_open())
    assert page.sources.current() is not None and page.sources.current().id == TWO  # type: ignore[union-attr]
    assert page.filters["sources"].text() == ""
    page.shell.open("sources", "name:gone")
    desk.settle()
    assert any("gone" in toast.text for toast in page.shell.toasts.toasts)


def test_the_editor_fits_into_a_small_window(desk: Desk, page: SourcesPage) -> None:
    desk.window.resize(1100, 700)
    layer = editor(desk, page)
    inside = layer.card.geometry()
    assert layer.rect().contains(inside) and inside.width() > 900
    assert inside.contains(layer.send.mapTo(layer, layer.send.rect().center()))
    page_buttons = [layer.add_, layer.presets_, layer.import_]
    assert all(made.width() >= made.sizeHint().width() for made in page_buttons)


def test_a_mapping_with_a_mistake_cannot_be_saved(desk: Desk, page: SourcesPage) -> None:
    layer = editor(desk, page)
    assert layer.add_.hasFocus(), "where there are no steps the first thing to do is to add one"
    layer.add("extract")
    layer.form.lines["pattern"].edit.setFocus()
    QTest.keyClicks(layer.form.lines["pattern"].edit, "(?P<User>")
    desk.until(lambda: not layer.problem.isHidden() and not layer.send.isEnabled())
    QTest.keyClicks(layer.form.lines["pattern"].edit, ".+)")
    desk.until(lambda: layer.problem.isHidden() and layer.send.isEnabled())


def test_a_last_event_is_told_no_more_exactly_than_it_is_known(desk: Desk, page: SourcesPage) -> None:
    now, one = datetime.now(UTC), page.board[0]
    ages = (timedelta(seconds=4), timedelta(seconds=70), timedelta(minutes=5))
    fares = [replace(one.fares, last_event_at=now - age) for age in ages]
    told = [last_event(replace(one, fares=each)) for each in fares]
    assert told == ["under 2 min ago", "under 2 min ago", "5 min ago"]
