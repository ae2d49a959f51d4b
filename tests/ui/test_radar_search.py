"""The search over stored events in the console: line, histogram, fields, list, detail, export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from ui.conftest import Desk

from sent.engines.radar.searching.query import MISTAKES, QueryError
from sent.platform.errors import Invalid, Unavailable
from sent.platform.i18n import set_language
from sent.ui.pages.radar import RadarPage
from sent.ui.pages.radar.mistakes import mistake
from sent.ui.pages.radar.search import EventSearch


def search(desk: Desk) -> EventSearch:
    """Sign in and open the search."""
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    page.show_tab(2)
    desk.settle()
    return page.search


def test_everything_is_found_at_first(desk: Desk) -> None:
    tab = search(desk)
    assert tab.states.state() == "rows"
    assert tab.table.model_.known() == 40
    assert tab.total.text() == "40 events"
    assert tab.fields.names() == ["user"]


def test_a_line_is_searched_for_on_enter_and_the_list_gets_the_keyboard(desk: Desk) -> None:
    tab = search(desk)
    QTest.keyClicks(tab.line.edit, "user:anna")
    QTest.keyClick(tab.line.edit, Qt.Key.Key_Return)
    desk.settle()
    assert desk.radar.searches[-1] == "user:anna"
    assert tab.table.model_.known() == 26
    assert tab.table.hasFocus()


def test_a_mistake_is_told_at_its_place_and_the_list_stays(desk: Desk) -> None:
    tab = search(desk)
    tab.line.set_text('user:anna ("x')
    desk.settle()
    assert tab.line.edit.wrong == (11, 2)
    assert "not closed" in tab.line.mistake.text()
    tab.line.set_text("user:anna")
    desk.settle()
    assert tab.line.edit.wrong is None
    assert not tab.line.mistake.isVisible()
    assert tab.table.model_.known() == 26


def test_nothing_found_offers_to_clear(desk: Desk) -> None:
    tab = search(desk)
    tab.line.set_text("nothing")
    desk.settle()
    assert tab.states.state() == "filtered"
    tab.line.clear()
    desk.settle()
    assert tab.states.state() == "rows"


def test_a_lost_database_is_an_error_that_can_be_tried_again(desk: Desk) -> None:
    desk.radar.stored = []
    tab = search(desk)
    assert tab.states.state() == "empty"
    desk.radar.broken = Unavailable("database.timeout", "too slow")
    tab.line.set_text("x")
    desk.settle()
    assert tab.states.state() == "error"


def test_values_are_added_and_excluded_with_a_click(desk: Desk) -> None:
    tab = search(desk)
    tab.fields.toggle("user")
    desk.settle()
    tab.fields.value_buttons()[1].click()
    assert tab.line.text() == 'user:"bob smith"'
    tab.pivot("user", "bob smith", True)
    assert tab.line.text() == '-user:"bob smith"'
    tab.pivot("host", "fs1", False)
    assert tab.line.text() == '-user:"bob smith" host:fs1'
    desk.settle()


def test_an_alternative_is_put_in_brackets_before_a_condition_is_added(desk: Desk) -> None:
    tab = search(desk)
    tab.line.set_text("a OR b")
    tab.line.add("host:fs1")
    assert tab.line.text() == "(a OR b) host:fs1"
    desk.settle()


def test_the_line_completes_fields_and_their_values(desk: Desk) -> None:
    tab = search(desk)
    assert tab.line.suggestions("us") == ["user:"]
    assert tab.line.suggestions("-ho") == ["-host:"]
    assert tab.line.suggestions("level:er") == ["level:error"]
    assert tab.line.suggestions("user:") == []
    desk.settle()
    assert tab.line.suggestions("user:b") == ['user:"bob smith"']


def test_a_span_drawn_on_the_histogram_becomes_the_time_range(desk: Desk) -> None:
    tab = search(desk)
    before = len(desk.radar.searches)
    tab.chart.span_chosen.emit(1_767_600_000.0, 1_767_603_600.0)
    desk.settle()
    chosen = desk.window.shell.ranges.value
    assert (chosen.start, chosen.stop) == (1_767_600_000.0, 1_767_603_600.0)
    assert len(desk.radar.searches) > before


def test_samples_and_half_done_searches_say_so(desk: Desk) -> None:
    desk.radar.share = 16
    desk.radar.looked_to = stopped = datetime.now(UTC) - timedelta(minutes=10)
    tab = search(desk)
    assert tab.total.text() == "About 40 events"
    assert "16" in tab.total.toolTip()
    assert tab.looked.isVisible()
    assert "sample" in tab.fields.note.text()
    QTest.mouseClick(tab.go_on, Qt.MouseButton.LeftButton)
    desk.settle()
    chosen = desk.window.shell.ranges.value
    assert chosen.stop == stopped.timestamp(), "on from where it stopped"


def test_enter_opens_an_event_with_its_whole_message_and_escape_closes_it(desk: Desk) -> None:
    tab = search(desk)
    tab.table.setFocus()
    tab.table.go(2)
    QTest.keyClick(tab.table, Qt.Key.Key_Return)
    desk.settle()
    assert tab.split.is_open()
    assert tab.panel.event_ is not None
    assert tab.panel.event_.message.endswith("whole")
    tab.panel.pivot_wanted.emit("radar.around")
    desk.settle()
    assert tab.line.text() == "host:fs2"
    page = desk.window.pages["radar"]
    assert page.back()
    assert not tab.split.is_open()


def test_an_event_leads_to_a_rule_and_to_its_source_by_key(desk: Desk) -> None:
    tab = search(desk)
    opened: list[tuple[str, str]] = []
    desk.window.shell.open_wanted.connect(lambda id, record: opened.append((id, record)))
    tab.table.setFocus()
    tab.table.go(2)
    event = tab.table.current_row()
    desk.window.shell.actions.trigger("radar.source")
    desk.settle()
    desk.window.show_page("radar")
    desk.settle()
    desk.window.shell.actions.trigger("radar.explain")
    desk.settle()
    assert opened[0] == ("sources", f"name:{event.source_name}")
    assert opened[1][0] == "rules" and opened[1][1].startswith(f"event/{event.id}/")


def test_found_events_are_exported_as_the_file_says(desk: Desk, tmp_path: Path) -> None:
    tab = search(desk)
    tab.start_export(tmp_path / "found.jsonl")
    desk.settle()
    assert (tmp_path / "found.jsonl").read_text() == "jsonl"
    tab.start_export(tmp_path / "found.csv")
    desk.settle()
    assert (tmp_path / "found.csv").read_text() == "csv"


def test_searches_are_saved_as_views(desk: Desk) -> None:
    search(desk)
    page = desk.window.pages["radar"]
    view = page.list_view()
    assert view is not None
    assert view.key == "radar.search"
    assert view.filter is not None
    view.filter.set_text("user:anna")
    assert view.filter.text() == "user:anna"
    desk.settle()


def test_in_a_narrow_window_an_open_event_takes_the_room_of_the_fields(desk: Desk) -> None:
    found = search(desk)
    desk.window.resize(1100, 700)
    assert found.side.isVisible()
    found.table.setFocus()
    QTest.keyClick(found.table, Qt.Key.Key_Return)
    desk.until(found.split.is_open)
    message = next(n for n, each in enumerate(found.table.model_.columns) if each.key == "message")
    desk.until(lambda: not found.side.isVisible() and found.table.columnWidth(message) > 100)
    links = [found.panel.timeline, found.panel.explain, found.panel.source]
    assert all(link.width() >= link.sizeHint().width() for link in links), "no link is cut"
    QTest.keyClick(found.table, Qt.Key.Key_Escape)
    found.back()
    desk.until(found.side.isVisible)


def test_every_mistake_of_a_search_line_is_told_in_the_users_language() -> None:
    values = {name: f"<{name}>" for name in ("most", "deep", "name", "example", "known")}
    for key in MISTAKES:
        error = QueryError(key, 0, **values)
        assert mistake(error) == error.message[:1].upper() + error.message[1:], key
    set_language("de")
    try:
        assert mistake(QueryError("value", 0, name="user:")) == "Hinter user: fehlt ein Wert"
        assert mistake(Invalid("radar.query", "newer")) == "newer"
    finally:
        set_language("en")
