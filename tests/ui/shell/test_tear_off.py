"""K7 18 and 19: pages and records in windows of their own."""

from __future__ import annotations

import json

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from ui.conftest import Desk
from ui.fakes import FakeBackend

from sent.ui.pages.radar import RadarPage
from sent.ui.shell import geometry
from sent.ui.shell.geometry import placed
from sent.ui.shell.window import MainWindow


def a_queue(desk: Desk) -> RadarPage:
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.until(lambda: page.queue.table.model_.known() > 0)
    desk.settle()
    page.queue.table.setFocus()
    page.queue.table.go(1)
    return page


def second(desk: Desk) -> MainWindow:
    assert len(desk.window.windows.others) == 1
    return desk.window.windows.others[0]


def test_k7_18_ctrl_enter_and_a_middle_click_open_the_record_in_a_second_window(desk: Desk) -> None:
    page = a_queue(desk)
    row = page.queue.table.current_row()
    QTest.keyClick(page.queue.table, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    window = second(desk)
    desk.settle()
    assert window.current == "radar"
    assert window.current_record() == f"alert/{row.id}"
    there = window.pages["radar"]
    assert isinstance(there, RadarPage)
    assert there is not page
    assert there.queue.frame.isHidden(), "a record has its window for itself"
    box = page.queue.table.visualRect(page.queue.table.model_.index(2, 2)).center()
    QTest.mouseClick(page.queue.table.viewport(), Qt.MouseButton.MiddleButton, pos=box)
    assert len(desk.window.windows.others) == 2


def test_k7_19_windows_share_the_session_and_keep_a_history_of_their_own(desk: Desk) -> None:
    desk.sign_in("overview")
    desk.window.shell.actions.trigger("window.new")
    window = second(desk)
    assert window.shell.bridge is desk.window.shell.bridge
    assert window.shell.person is desk.window.shell.person
    window.show_page("audit")
    window.show_page("radar")
    window.shell.actions.trigger("history.back")
    assert (window.current, desk.window.current) == ("audit", "overview")
    window.shell.actions.trigger("history.back")
    assert window.current == "overview"
    window.shell.actions.trigger("history.forward")
    assert window.current == "audit"
    desk.window.shell.actions.trigger("history.back")
    assert desk.window.current == "overview"


def test_k7_19_a_window_comes_back_into_the_main_one(desk: Desk) -> None:
    a_queue(desk)
    window = desk.window.windows.open_apart("audit")
    assert window is not None
    assert desk.window.shell.actions.find("window.back") is not None
    assert not desk.window.shell.actions.trigger("window.back"), "the main window stays where it is"
    window.shell.actions.trigger("window.back")
    assert desk.window.windows.others == []
    assert desk.window.current == "audit"


def test_k7_19_losing_the_database_and_signing_out_reach_every_window(
    desk: Desk, backend: FakeBackend
) -> None:
    a_queue(desk)
    window = desk.window.windows.open_apart("radar")
    assert window is not None
    desk.settle()
    backend.up = False
    session = desk.console.bridge.session
    assert session is not None
    session.suspect()
    desk.until(lambda: not window.banner.isHidden() and not desk.window.banner.isHidden())
    backend.up = True
    desk.until(lambda: window.banner.isHidden() and desk.window.banner.isHidden())
    desk.window.shell.sign_out_wanted.emit()
    assert desk.window.windows.others == []
    assert desk.window.shell.person is None


def test_k7_19_a_session_that_ends_hides_the_other_windows_until_the_person_is_back(desk: Desk) -> None:
    desk.sign_in("overview")
    window = desk.window.windows.open_apart("audit")
    assert window is not None
    desk.console._ended("the login was ended")
    assert not window.isVisible()
    desk.gate.password.set_text(desk.backend.password)
    desk.gate.sign_in_form.submit()
    desk.until(lambda: desk.window.shell.person is not None)
    assert window.isVisible()


def test_k7_19_windows_are_restored_for_the_same_monitors_and_the_same_person(desk: Desk) -> None:
    desk.sign_in("overview")
    window = desk.window.windows.open_apart("audit")
    assert window is not None
    window.setGeometry(QRect(40, 50, 620, 480))
    desk.window.windows.save()
    kept = desk.window.shell.prefs.own(f"windows/{geometry.monitor_set()}")
    assert json.loads(kept)[0]["place"] == "audit"
    desk.window.windows.shut()
    assert desk.window.windows.others == []
    desk.window.windows.restore()
    again = second(desk)
    assert again.current == "audit"
    assert again.geometry() == QRect(40, 50, 620, 480)
    desk.window.shell.prefs.use_person("somebody else")
    assert desk.window.shell.prefs.own(f"windows/{geometry.monitor_set()}") == ""


def test_k7_19_a_remembered_list_of_windows_that_was_tampered_with_opens_nothing(desk: Desk) -> None:
    desk.sign_in("overview")
    for text in (
        "{",
        "[1]",
        '[{"place": "../x", "box": [0,0,1,1]}]',
        '[{"place": "nowhere", "box": [1,2,3,4]}]',
    ):
        desk.window.shell.prefs.set_own(f"windows/{geometry.monitor_set()}", text)
        desk.window.windows.restore()
        assert desk.window.windows.others == []


def test_k7_19_nothing_is_restored_where_no_screen_is() -> None:
    left, right = QRect(0, 0, 1920, 1080), QRect(1920, 0, 1280, 1024)
    for wanted in (QRect(100, 100, 800, 600), QRect(2000, 300, 900, 700), QRect(1900, 100, 800, 600)):
        assert placed(wanted, [left, right]) == wanted
    for wanted in (
        QRect(5000, 300, 900, 700),
        QRect(-3000, -2000, 900, 700),
        QRect(200, 1070, 900, 700),
        QRect(200, -690, 900, 700),
        QRect(-850, 100, 900, 700),
        QRect(9000, 9000, 5000, 4000),
    ):
        found = placed(wanted, [left, right])
        assert any(area.contains(found) for area in (left, right)), (wanted, found)
    assert placed(QRect(1, 2, 3, 4), []) == QRect(1, 2, 3, 4)


def test_k7_19_a_page_is_torn_off_by_drawing_it_out_of_the_window(desk: Desk) -> None:
    desk.sign_in("overview")
    item = desk.window.rail.items["audit"]
    QTest.mousePress(item, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(item, Qt.MouseButton.LeftButton, pos=QPoint(-400, 5))
    assert second(desk).current == "audit"
    assert desk.window.current == "overview"
    QTest.mouseClick(desk.window.rail.items["radar"], Qt.MouseButton.MiddleButton)
    assert [w.current for w in desk.window.windows.others] == ["audit", "radar"]


def test_k7_20_copy_link_names_the_page_or_the_record(desk: Desk) -> None:
    page = a_queue(desk)
    desk.window.shell.common.slug = "northwind"
    row = page.queue.table.current_row()
    desk.window.shell.actions.trigger("link.copy")
    assert QApplication.clipboard().text() == f"sent://org/northwind/radar/alert/{row.id}"
    desk.window.show_page("audit")
    desk.window.shell.actions.trigger("link.copy")
    assert QApplication.clipboard().text().startswith("sent://org/northwind/audit")
