"""Triage in the console over fakes: what each key does, and how it is undone."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from ui.conftest import Desk

from sent.engines.incidents.model import Link
from sent.platform.errors import Unavailable
from sent.ui.kit.widgets import ElidedLink
from sent.ui.pages.incidents import IncidentsPage
from sent.ui.pages.radar import RadarPage

KEY, SHIFT, CTRL = Qt.Key, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier


def a_queue(desk: Desk) -> RadarPage:
    """Sign in and show the queue with its rows."""
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.until(lambda: page.queue.table.model_.known() > 0)
    page.queue.table.setFocus()
    page.queue.table.go(0)
    return page


def press(desk: Desk, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    """Press a key where the keyboard is."""
    QTest.keyClick(QApplication.focusWidget() or desk.window, key, modifier)
    desk.settle()


def said(desk: Desk, text: str) -> bool:
    """Say whether a message stands on the screen."""
    return any(text in toast.text for toast in desk.window.shell.toasts.toasts)


def test_after_a_decision_the_next_new_alert_is_the_current_one(desk: Desk) -> None:
    page = a_queue(desk)
    order = [row.id for row in page.queue.table.model_.cached_rows()]
    desk.radar.rows[order[1]] = desk.radar.rows[order[1]].__class__(
        **{n: getattr(desk.radar.rows[order[1]], n) for n in desk.radar.rows[order[1]].__slots__}
        | {"state": "acknowledged"}
    )
    page.queue.reload()
    desk.settle()
    press(desk, KEY.Key_A)
    assert page.queue.table.current_row().id == order[2], "the second is acknowledged already"
    page.queue.table.go(len(order) - 1)
    press(desk, KEY.Key_A)
    assert page.queue.table.current_row().id == order[2], "from the end it goes on at the top"


def test_closing_asks_why_and_offers_the_last_reason_first(desk: Desk) -> None:
    page = a_queue(desk)
    first = page.queue.table.current_row().id
    press(desk, KEY.Key_C)
    press(desk, KEY.Key_Down)
    press(desk, KEY.Key_Return)
    desk.until(lambda: desk.radar.rows[first].state == "closed")
    assert desk.radar.rows[first].reason == "benign"
    second = page.queue.table.current_row().id
    press(desk, KEY.Key_C)
    press(desk, KEY.Key_Return)
    desk.until(lambda: desk.radar.rows[second].reason == "benign")
    third = page.queue.table.current_row().id
    press(desk, KEY.Key_C)
    QTest.keyClicks(QApplication.focusWidget(), "another")
    press(desk, KEY.Key_Return)
    QTest.keyClicks(QApplication.focusWidget(), "tested by the auditor")
    press(desk, KEY.Key_Return)
    desk.until(lambda: desk.radar.rows[third].reason == "tested by the auditor")


def test_a_comment_is_written_kept_as_a_draft_and_taken_back(desk: Desk) -> None:
    page = a_queue(desk)
    first = page.queue.table.current_row()
    press(desk, KEY.Key_N)
    field = page.queue.panel.comment.fields[0].edit
    assert field.hasFocus() and page.queue.split.is_open()
    QTest.keyClicks(field, "half a thou")
    press(desk, KEY.Key_Escape)
    assert page.queue.table.hasFocus() and page.queue.split.is_open(), "one level, and nothing is lost"
    press(desk, KEY.Key_J)
    assert field.text() == ""
    press(desk, KEY.Key_K)
    assert field.text() == "half a thou"
    press(desk, KEY.Key_N)
    QTest.keyClicks(field, "ght")
    press(desk, KEY.Key_Return)
    desk.until(lambda: len(desk.radar.comments) == 1)
    assert list(desk.radar.comments.values()) == [(first.id, "half a thought")]
    assert page.queue.table.hasFocus() and field.text() == ""
    press(desk, KEY.Key_U)
    desk.until(lambda: not desk.radar.comments)


def test_an_incident_is_opened_from_the_marked_alerts_and_shown(desk: Desk) -> None:
    page = a_queue(desk)
    for key in (KEY.Key_X, KEY.Key_J, KEY.Key_X, KEY.Key_I):
        press(desk, key)
    desk.until(lambda: len(desk.incidents.rows) == 1)
    (made,) = desk.incidents.rows.values()
    assert made.severity == "critical" and made.links == 2
    assert {link.credit for link in desk.incidents.linked[made.id]} == {"SENT"}
    press(desk, KEY.Key_Escape)
    page.queue.table.go(5)
    press(desk, KEY.Key_I, SHIFT)
    press(desk, KEY.Key_Return)
    desk.until(lambda: len(desk.incidents.linked[made.id]) == 3)
    press(desk, KEY.Key_U)
    assert desk.window.current == "incidents"
    shown = desk.window.pages["incidents"]
    assert isinstance(shown, IncidentsPage)
    desk.until(lambda: shown.panel.incident is not None and shown.panel.incident.id == made.id)


def test_a_rule_is_muted_for_a_host_with_a_reason_and_speaks_again(desk: Desk) -> None:
    page = a_queue(desk)
    host = page.queue.table.current_row().host
    press(desk, KEY.Key_M, SHIFT)
    press(desk, KEY.Key_Return)
    QTest.keyClicks(QApplication.focusWidget(), "our scanner")
    press(desk, KEY.Key_Return)
    desk.until(lambda: len(desk.radar.muted) == 1)
    (muted,) = desk.radar.muted.values()
    assert (muted.scope, muted.entity, muted.reason) == ("host", host, "our scanner")
    assert desk.window.shell.actions.trigger("radar.muted")
    desk.settle()
    press(desk, KEY.Key_Return)
    desk.until(lambda: not desk.radar.muted)
    assert said(desk, "raises alerts again")


def test_a_filter_is_shown_before_it_is_written_and_undone(desk: Desk) -> None:
    page = a_queue(desk)
    press(desk, KEY.Key_F, SHIFT)
    layer = page.tuning.layer
    assert layer is not None and not layer.isHidden()
    assert {name for name, box in layer.boxes.items() if box.isChecked()} == {"CommandLine"}
    assert "CommandLine" in layer.text.toPlainText() and layer.send.isEnabled()
    layer.boxes["CommandLine"].setChecked(False)
    desk.settle()
    assert layer.text.toPlainText() == "" and not layer.send.isEnabled()
    layer.boxes["Computer"].setChecked(True)
    desk.settle()
    press(desk, KEY.Key_Escape)
    assert layer.isHidden() and desk.radar.filters == []
    press(desk, KEY.Key_F, SHIFT)
    layer.send.click()
    desk.until(lambda: len(desk.radar.filters) == 1)
    desk.settle()
    press(desk, KEY.Key_U)
    desk.until(lambda: desk.radar.filters == [])


def test_the_queue_is_grouped_and_a_group_leads_to_its_alerts(desk: Desk) -> None:
    page = a_queue(desk)
    press(desk, KEY.Key_B)
    press(desk, KEY.Key_B)
    groups = page.queue.groups
    desk.until(lambda: groups.table.model_.known() == 3)
    assert groups.by == "host" and groups.table.hasFocus() and not page.shows_alerts()
    rows = [groups.table.model_.row(number) for number in range(3)]
    assert [row.risk for row in rows] == sorted((row.risk for row in rows), reverse=True)
    groups.table.go(0)
    press(desk, KEY.Key_Return)
    assert f"host:={rows[0].key}" in page.queue.filter.text()
    desk.until(lambda: page.queue.table.model_.known() == rows[0].alerts)
    assert page.queue.table.hasFocus() and page.shows_alerts()


def test_slash_filters_and_the_sheet_tells_every_key(desk: Desk) -> None:
    page = a_queue(desk)
    press(desk, KEY.Key_Slash)
    assert page.queue.filter.edit.hasFocus()
    desk.window.sheet.open_sheet()
    titles = set(desk.window.sheet.titles)
    assert {"Acknowledge", "Close alert", "Comment on alert", "Filter out like this"} <= titles
    assert {"Open an incident from the alerts", "Mute this rule for a while"} <= titles


def an_incident(desk: Desk, number: int = 3) -> IncidentsPage:
    """Sign in and show the list with some incidents."""
    for made in range(number):
        desk.incidents._make(f"Case {made}", "high", ())
    desk.sign_in("incidents")
    page = desk.window.pages["incidents"]
    assert isinstance(page, IncidentsPage)
    desk.until(lambda: page.table.model_.known() == number or not number)
    desk.settle()
    return page


def test_incidents_are_worked_on_by_keyboard_and_undone(desk: Desk) -> None:
    page = an_incident(desk)
    page.table.go(0)
    chosen = page.table.current_row().id
    press(desk, KEY.Key_Return)
    assert page.split.is_open()
    press(desk, KEY.Key_E)
    press(desk, KEY.Key_Down)
    press(desk, KEY.Key_Return)
    desk.until(lambda: desk.incidents.rows[chosen].status == "contained")
    desk.settle()
    press(desk, KEY.Key_U)
    desk.until(lambda: desk.incidents.rows[chosen].status == "open")
    press(desk, KEY.Key_M)
    desk.until(lambda: desk.incidents.rows[chosen].owner is not None)
    desk.settle()
    press(desk, KEY.Key_N)
    QTest.keyClicks(page.panel.note.fields[0].edit, "called the owner")
    press(desk, KEY.Key_Return)
    desk.until(lambda: desk.incidents.entries[chosen][-1].text == "called the owner")
    press(desk, KEY.Key_R)
    QTest.keyClicks(QApplication.focusWidget(), "Phish")
    press(desk, KEY.Key_Return)
    desk.until(lambda: desk.incidents.rows[chosen].title == "Phish")


def test_an_incident_is_opened_by_keyboard(desk: Desk) -> None:
    page = an_incident(desk, 0)
    desk.until(lambda: page.states.state() == "empty")
    press(desk, KEY.Key_C)
    QTest.keyClicks(QApplication.focusWidget(), "Lost laptop")
    press(desk, KEY.Key_Return)
    press(desk, KEY.Key_Down)
    press(desk, KEY.Key_Return)
    desk.until(lambda: len(desk.incidents.rows) == 1)
    (made,) = desk.incidents.rows.values()
    assert (made.title, made.severity) == ("Lost laptop", "high")
    assert page.panel.incident is not None


def test_the_list_of_incidents_has_four_states(desk: Desk) -> None:
    page = an_incident(desk)
    assert page.states.state() == "rows"
    page.filter.set_text("status:closed")
    desk.until(lambda: page.states.state() == "filtered")
    desk.incidents.rows.clear()
    page.filter.clear()
    desk.until(lambda: page.states.state() == "empty")
    desk.incidents.broken = Unavailable("database.unreachable", "no answer")
    page.load()
    desk.until(lambda: page.states.state() == "error")
    desk.incidents.broken = None
    desk.settle()


def test_in_a_low_window_an_open_alert_takes_the_room_of_the_figures(desk: Desk) -> None:
    page = a_queue(desk)
    desk.window.resize(1100, 700)
    desk.until(lambda: desk.window.height() == 700)
    assert page.figures.isVisible()
    press(desk, Qt.Key.Key_Return)
    assert not page.figures.isVisible()
    head = page.queue.panel.head.itemAt(1).widget()
    assert head is not None and head.height() >= head.heightForWidth(head.width()), "its title is whole"
    page.show_tab(1)
    assert page.figures.isVisible()
    page.show_tab(0)
    press(desk, Qt.Key.Key_Escape)
    assert page.figures.isVisible()
    press(desk, Qt.Key.Key_Return)
    desk.window.resize(1360, 860)
    desk.until(page.figures.isVisible)


def test_a_long_record_does_not_push_an_incident_out_of_its_panel(desk: Desk) -> None:
    title = "Shadow copies or backup catalogue deleted by " + "somebody " * 9
    desk.incidents._make("Case", "high", [Link("radar.alert", "1", title, "radar/alert/1", "high", "SENT")])
    desk.sign_in("incidents")
    desk.window.resize(1100, 700)
    page = desk.window.pages["incidents"]
    assert isinstance(page, IncidentsPage)
    desk.until(lambda: page.table.model_.known() == 1)
    page.table.go(0)
    page.table.setFocus()
    press(desk, KEY.Key_Return)
    desk.until(lambda: bool(page.panel.findChildren(ElidedLink)))
    link = page.panel.findChildren(ElidedLink)[0]
    desk.until(lambda: link.text().endswith("…"))
    right = link.mapTo(page.panel, QPoint(link.width(), 0)).x()
    assert right < page.panel.width() and link.accessibleName() == title
