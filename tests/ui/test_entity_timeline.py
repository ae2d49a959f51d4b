"""The timeline of an entity in the console: the ways to it, the stream, zoom, pivots, its states."""

from __future__ import annotations

from datetime import timedelta

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from ui.conftest import Desk
from ui.test_triage import a_queue, press

from sent.platform.errors import Unavailable
from sent.ui.kit.highlight import Value
from sent.ui.pages.radar import RadarPage
from sent.ui.pages.radar.entityview import EntityLayer

KEY = Qt.Key


def opened(desk: Desk, kind: str = "host", value: str = "fs1") -> tuple[RadarPage, EntityLayer]:
    """Open the timeline of an entity by a link."""
    page = a_queue(desk)
    page.open_record(f"entity:{kind}:{value}")
    layer = page.entities.layer
    assert layer is not None
    desk.until(lambda: layer.around is not None)
    desk.settle()
    return page, layer


def span(layer: EntityLayer) -> list[str]:
    return [made.text() for made in layer.span._buttons.values() if made.isChecked()]


def titles(layer: EntityLayer) -> list[tuple[str, str]]:
    return [(entry.kind, entry.title) for entry in layer.table.model_.cached_rows()]


def test_the_key_asks_whom_an_alert_is_about_and_shows_him(desk: Desk) -> None:
    page = a_queue(desk)
    host = page.queue.table.current_row().host
    press(desk, KEY.Key_H)
    assert desk.window.palette_.visible_titles() == [host, "fs1"], "the alert's host, and one its event names"
    press(desk, KEY.Key_Return)
    layer = page.entities.layer
    assert layer is not None and layer.title.text() == host
    assert desk.radar.story.asked[0][:2] == ("host", host)
    desk.until(lambda: layer.around is not None)
    press(desk, KEY.Key_Escape)
    assert layer.isHidden() and page.queue.table.hasFocus()


def test_the_stream_tells_alerts_decisions_incidents_and_what_is_new(desk: Desk) -> None:
    _, layer = opened(desk)
    assert titles(layer) == [
        ("decision", "Root came in"), ("incident", "#7 Case"), ("alert", "Root came in"),
        ("first", "mallory"),
    ]  # fmt: skip
    assert [chip.text() for chip in layer.chips._buttons.values()] == [
        "Highlights 4", "Alerts 2", "Decisions 1", "New 1", "Events 2", "All 6",
    ]  # fmt: skip
    assert "risk 30" in layer.facts.text() and "1 alert raised" in layer.facts.text()
    assert "first seen 2026-01-01" in layer.facts.text()
    layer.chips._buttons["events"].click()
    desk.settle()
    assert titles(layer) == [("event", "Accepted password"), ("event", "session opened")]
    author = next(c for c in layer.table.model_.columns if c.key == "credit")
    assert author.always, "copies name the rule's author"


def test_a_drag_looks_closer_and_a_double_click_goes_back(desk: Desk) -> None:
    _, layer = opened(desk)
    _, _, since, until = desk.radar.story.asked[-1]
    chart, y = layer.events, layer.events.height() // 2
    left, right = QPoint(200, y), QPoint(400, y)
    QTest.mousePress(chart, Qt.MouseButton.LeftButton, pos=left)
    QTest.mouseMove(chart, right)
    QTest.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=right)
    desk.settle()
    _, _, near, far = desk.radar.story.asked[-1]
    assert since < near < far < until
    assert span(layer) == [], "a span that was drawn is none of those offered"
    QTest.mouseDClick(layer.risk, Qt.MouseButton.LeftButton, pos=left)
    desk.settle()
    assert desk.radar.story.asked[-1][2:] == (since, until)
    assert span(layer) == ["24 hours"]
    layer.span._buttons["7"].click()
    desk.settle()
    _, _, since, until = desk.radar.story.asked[-1]
    assert until - since == timedelta(days=7)
    assert span(layer) == ["7 days"]


def test_back_shows_the_span_that_stood_there(desk: Desk) -> None:
    _, layer = opened(desk)
    layer.pivot("user", "anna")
    layer.span._buttons["7"].click()
    desk.settle()
    layer.go_back()
    desk.settle()
    assert layer.title.text() == "fs1" and span(layer) == ["24 hours"]


def test_related_entities_open_in_its_place_and_backspace_goes_back(desk: Desk) -> None:
    _, layer = opened(desk)
    anna = next(b for b in layer.findChildren(QPushButton) if b.text() == "anna")
    anna.click()
    desk.settle()
    assert layer.title.text() == "anna" and desk.radar.story.asked[-1][:2] == ("user", "anna")
    layer.table.setFocus()
    press(desk, KEY.Key_Backspace)
    assert layer.title.text() == "fs1" and not layer.back_button.isVisible()


def test_entries_lead_to_alerts_incidents_and_the_events_around(desk: Desk) -> None:
    page, layer = opened(desk)
    layer.table.setFocus()
    layer.table.go(2)
    press(desk, KEY.Key_Return)
    assert layer.isHidden() and page.queue.split.is_open()
    page.entities.show("host", "fs1")
    desk.until(lambda: layer.around is not None)
    layer.chips._buttons["events"].click()
    desk.settle()
    layer.table.go(0)
    layer.table.setFocus()
    press(desk, KEY.Key_Return)
    assert page.stack.currentIndex() == 2 and page.search.line.text() == 'host:"fs1"'


def test_groups_and_values_lead_to_it_too(desk: Desk) -> None:
    page = a_queue(desk)
    press(desk, KEY.Key_B)
    press(desk, KEY.Key_B)
    groups = page.queue.groups
    desk.until(lambda: groups.table.model_.known() == 3)
    groups.table.go(0)
    press(desk, KEY.Key_H)
    assert desk.radar.story.asked[-1][:2] == ("host", groups.table.model_.row(0).title)
    press(desk, KEY.Key_Escape)
    page.show_tab(2)
    desk.until(lambda: page.search.table.model_.known() > 0)
    desk.settle()
    page.search.table.go(0)
    page.search.open_event(page.search.table.current_row())
    desk.settle()
    user = next(v for v in page.search.panel.findChildren(Value) if v.accessibleName().startswith("user:"))
    entry = next(a for a in user.menu().actions() if a.text().startswith("Timeline of"))
    entry.trigger()
    desk.settle()
    assert desk.radar.story.asked[-1][:2] == ("user", user.text)
    message = next(v for v in page.search.panel.findChildren(Value) if "attempt" in v.text)
    assert all(not a.text().startswith("Timeline") for a in message.menu().actions())


def test_a_found_event_offers_everybody_it_names(desk: Desk) -> None:
    page = a_queue(desk)
    page.show_tab(2)
    desk.until(lambda: page.search.table.model_.known() > 0)
    page.search.table.setFocus()
    page.search.table.go(0)
    press(desk, KEY.Key_H)
    assert not desk.window.palette_.isHidden()
    press(desk, KEY.Key_Down)
    press(desk, KEY.Key_Return)
    desk.settle()
    assert desk.radar.story.asked[-1][0] == "user"


def test_nothing_and_errors_are_told(desk: Desk) -> None:
    desk.radar.story.empty = True
    _, layer = opened(desk)
    assert layer.states.state() == "empty" and "no events within 90 days" in layer.facts.text()
    desk.radar.story.broken = Unavailable("database.timeout", "no answer")
    layer.pivot("user", "anna")
    desk.until(lambda: layer.states.state() == "error")
    assert "No answer" in layer.facts.text()
    assert QApplication.focusWidget() is not None
