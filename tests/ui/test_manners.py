"""K7: the manners that stood before, each under its number."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from ui.conftest import Desk
from ui.fakes import FakeBackend, an_event

from sent.platform.errors import Unavailable
from sent.ui.pages.radar import RadarPage

KEY, CTRL, ALT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


def a_queue(desk: Desk) -> RadarPage:
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.until(lambda: page.queue.table.model_.known() > 0)
    desk.settle()
    page.queue.table.setFocus()
    page.queue.table.go(0)
    return page


def test_k7_03_g_and_a_letter_jumps_and_the_sheet_is_made_of_the_registry(desk: Desk) -> None:
    a_queue(desk)
    QTest.keyClick(desk.window, KEY.Key_G)
    QTest.keyClick(desk.window, KEY.Key_U)
    desk.until(lambda: desk.window.current == "audit")
    QTest.keyClick(desk.window, "?")
    listed = {action.title for _, action in desk.window.shell.actions.listed() if action.shortcut}
    assert not desk.window.sheet.isHidden() and set(desk.window.sheet.titles) == listed
    desk.settle()


def test_k7_04_j_k_enter_space_x_and_escape_one_level_at_a_time(desk: Desk) -> None:
    table = a_queue(desk).queue.table
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    for key, row in ((KEY.Key_J, 1), (KEY.Key_J, 2), (KEY.Key_K, 1), (KEY.Key_Down, 2)):
        QTest.keyClick(table, key)
        assert table.current_number() == row
    QTest.keyClick(table, KEY.Key_Return)
    assert page.queue.split.is_open()
    QTest.keyClick(table, KEY.Key_X)
    assert len(table.model_.marked) == 1
    QTest.keyClick(table, KEY.Key_Escape)
    assert not table.model_.marked and page.queue.split.is_open(), "one level: the mark first"
    QTest.keyClick(table, KEY.Key_Escape)
    assert not page.queue.split.is_open()
    page.queue.filter.edit.setFocus()
    QTest.keyClicks(page.queue.filter.edit, "host:fs1 ")
    QTest.keyClick(page.queue.filter.edit, KEY.Key_Escape)
    assert "host:fs1" in page.queue.filter.text(), "Esc loses no chip"
    desk.settle()


def test_k7_06_what_is_reversible_is_undone_by_its_message_without_a_question_before(desk: Desk) -> None:
    page = a_queue(desk)
    row = page.queue.table.current_row()
    closing = lambda: page.queue.set_state("closed")  # noqa: E731
    for act, field in ((closing, "state"), (page.queue.assign_to_me, "assignee")):
        before = getattr(desk.radar.rows[row.id], field)
        page.queue.table.go(page.queue.table.model_.find(row.id) or 0)
        act()
        desk.until(lambda f=field, b=before: getattr(desk.radar.rows[row.id], f) != b)
        desk.settle()
        QTest.keyClick(desk.window, KEY.Key_Z, CTRL)
        desk.until(lambda f=field, b=before: getattr(desk.radar.rows[row.id], f) == b)
        desk.settle()
    undoing = [a.id for a in desk.window.shell.actions.available() if a.undo]
    assert {"radar.acknowledge", "radar.close", "radar.assign"} <= set(undoing)


def test_k7_07_cancel_gives_control_back_at_once_though_nobody_answers(desk: Desk) -> None:
    desk.sign_in("overview")
    desk.settle()
    bridge, tasks = desk.console.bridge, desk.window.shell.tasks
    told: list[Any] = []

    async def never() -> None:
        await asyncio.sleep(60)

    task = tasks.start("Long work")
    handle = bridge.run(never, owner=desk.window, done=told.append, failed=told.append, limit=None)
    task.on_cancel(handle.cancel)
    task.progress(0.4, "4 of 10")
    assert "Long work" in desk.window.status._note.text()
    began = time.perf_counter()
    task.cancel()
    assert time.perf_counter() - began < 0.2
    assert task.state == "cancelled" and told == [] and bridge.pending == 0


def test_k7_09_lists_have_four_states_each_with_what_to_do_next(desk: Desk) -> None:
    desk.radar.rows.clear()
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    assert page.queue.states.state() == "loading"
    page.queue.filter.clear()
    desk.until(lambda: page.queue.states.state() == "empty")
    page.queue.filter.set_text("host:nowhere")
    desk.until(lambda: page.queue.states.state() == "filtered")
    desk.radar.broken = Unavailable("database.unreachable", "no answer")
    page.queue.load()
    desk.until(lambda: page.queue.states.state() == "error")
    texts = [b.text() for b in page.queue.states.notice.findChildren(QAbstractButton)]
    assert "Try again" in texts and "Copy details" in texts
    desk.radar.broken = None
    desk.settle()


def test_k7_10_stale_rows_stay_dimmed_with_their_time_and_writing_is_refused_clearly(
    desk: Desk, backend: FakeBackend
) -> None:
    page = a_queue(desk)
    known = page.queue.table.model_.known()
    backend.up = False
    desk.radar.broken = Unavailable("database.unreachable", "no answer")
    session = desk.console.bridge.session
    assert session is not None
    session.suspect()
    desk.until(lambda: not desk.window.banner.isHidden())
    assert page.queue.table.dimmed and page.queue.table.model_.known() == known
    assert "as of" in desk.window._banner_text.text()
    assert desk.window.status.texts()["fresh"].startswith("As of")
    before = page.queue.table.current_row()
    page.queue.set_state("closed")
    desk.settle()
    row = page.queue.table.model_.row(page.queue.table.model_.find(before.id) or 0)
    assert row.state == before.state, "nothing pretends to be saved"
    backend.up, desk.radar.broken = True, None
    desk.until(lambda: desk.window.banner.isHidden())
    desk.settle()


def test_k7_12_a_click_filters_for_a_value_and_alt_click_filters_it_out(desk: Desk) -> None:
    page = a_queue(desk)
    table = page.queue.table
    number = next(n for n, c in enumerate(table.model_.columns) if c.field == "host")
    place = table.visualRect(table.model_.index(0, number)).center()
    host = table.current_row().host
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, CTRL, place)
    assert f"host:{host}" in page.queue.filter.text()
    desk.settle()
    place = table.visualRect(table.model_.index(0, number)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, ALT, place)
    assert f"-host:{host}" in page.queue.filter.text()
    desk.settle()
    page.queue.filter.set_text("level:high -state:closed")
    assert page.queue.filter.suggestions("ho") == ["host:"]
    assert "level:critical" in page.queue.filter.suggestions("level:cr")
    desk.settle()


def test_k7_17_the_tail_stops_following_when_scrolled_and_counts_what_is_new(desk: Desk) -> None:
    desk.radar.events = [an_event(n) for n in range(200)]
    page = a_queue(desk)
    page.show_tab(1)
    tail = page.tail
    desk.until(lambda: tail.model.known() >= 200 and not tail.model.skeleton)
    tail.table.verticalScrollBar().setValue(0)
    desk.radar.events += [an_event(n) for n in range(200, 207)]
    desk.until(lambda: not tail.pill.isHidden() and "7" in tail.pill.text())
    tail.pill.click()
    desk.until(lambda: tail.pill.isHidden() and tail.model.known() == 207)
    QTest.keyClick(tail.table, KEY.Key_P)
    assert tail.paused and not tail.following()
    QTest.keyClick(tail.table, KEY.Key_P)
    assert not tail.paused
    page.deactivate()
    desk.settle()


def test_k7_11_two_analysts_decide_at_once_and_the_later_one_sees_both(desk: Desk) -> None:
    page = a_queue(desk)
    page.queue.filter.clear()
    desk.settle()
    page.queue.table.go(0)
    first = page.queue.table.current_row()
    values = {name: getattr(first, name) for name in first.__slots__}
    desk.radar.rows[first.id] = type(first)(**values | {"version": 9, "state": "closed"})
    page.queue.set_state("acknowledged")
    layer = desk.window.conflict
    desk.until(lambda: not layer.isHidden())
    side = next(s for s in layer._sides if s.differs)
    assert (side.theirs, side.mine) == ("Closed", "Acknowledged")
    assert desk.radar.rows[first.id].state == "closed"
    next(b for b in layer.findChildren(QAbstractButton) if b.text() == "Apply my choice").click()
    desk.until(lambda: desk.radar.rows[first.id].state == "acknowledged")
    desk.settle()
