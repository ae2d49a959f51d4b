"""K7 1 and 2: the palette's records and the search over all engines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from ui.conftest import Desk
from ui.fakes import an_alert

from sent.platform import search
from sent.platform.errors import Unavailable
from sent.platform.search import Hit
from sent.ui.pages.radar import RadarPage
from sent.ui.shell.palette import Entry, Palette, Pool

ANSWERS: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Answer for the engines: a list of hits, seconds of silence, or an error."""
    ANSWERS.clear()
    ANSWERS["asked"] = []

    async def answer(_ctx: Any, engine: str, text: str, _limit: int = 20) -> list[Hit]:
        ANSWERS["asked"].append((engine, text))
        found = ANSWERS.get(engine, [])
        try:
            if isinstance(found, float):
                await asyncio.sleep(found)
                return []
        except asyncio.CancelledError:
            ANSWERS.setdefault("cancelled", []).append((engine, text))
            raise
        if isinstance(found, Exception):
            raise found
        return list(found)

    monkeypatch.setattr(search, "search", answer)
    return ANSWERS


def alert_hit(number: int) -> Hit:
    return Hit("Alert", f"Alert {number}", f"radar/alert/{an_alert(number).id}", "high · fs1", "radar")


def titles(palette: Palette) -> list[str]:
    return palette.visible_titles()


def test_k7_02_search_over_all_engines_groups_by_kind_and_opens_the_record(desk: Desk) -> None:
    ANSWERS["radar"] = [alert_hit(3), Hit("Source", "fs1 syslog", "radar/source/x")]
    ANSWERS["overview"] = [Hit("Person", "Anna Fs", "people/1", "anna@example.com")]
    desk.sign_in("overview")
    QTest.keyClick(
        desk.window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    layer = desk.window.search
    assert not layer.isHidden()
    QTest.keyClicks(layer.field, "fs1")
    desk.until(lambda: len(titles(layer)) == 6)
    assert titles(layer) == [
        "Alert · 1 found", "Alert 3", "Person · 1 found", "Anna Fs", "Source · 1 found", "fs1 syslog",
    ]  # fmt: skip
    assert layer.list.currentIndex().row() == 1, "a heading is never chosen"
    QTest.keyClick(layer.field, Qt.Key.Key_Return)
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.until(lambda: page.current_record() == f"alert/{an_alert(3).id}")
    desk.window.search.open_palette()
    assert titles(layer) == ["Alert 3"], "what was opened last is offered before anything is typed"


def test_k7_02_a_slow_or_broken_engine_is_named_and_keeps_nobody_waiting(desk: Desk) -> None:
    ANSWERS["radar"] = [alert_hit(1)]
    ANSWERS["audit"] = Unavailable("search.slow", "Audit did not answer in time")
    ANSWERS["overview"] = 60.0
    desk.sign_in("overview")
    layer = desk.window.search
    layer.open_palette()
    QTest.keyClicks(layer.field, "alert")
    desk.until(lambda: "Alert 1" in titles(layer) and "Audit did not answer" in layer._status.text())
    assert "Overview" in layer._status.text()


def test_k7_02_the_next_keystroke_cancels_what_is_under_way(desk: Desk) -> None:
    ANSWERS["radar"] = 60.0
    desk.sign_in("overview")
    layer = desk.window.search
    layer.open_palette()
    QTest.keyClicks(layer.field, "al")
    desk.until(lambda: ("radar", "al") in ANSWERS["asked"])
    ANSWERS["radar"] = [alert_hit(2)]
    QTest.keyClicks(layer.field, "e")
    desk.until(lambda: "Alert 2" in titles(layer))
    desk.until(lambda: ("radar", "al") in ANSWERS.get("cancelled", []))
    layer.close_layer()
    desk.settle()


def test_k7_01_palette_offers_records_after_the_actions_and_recent_ones_first(desk: Desk) -> None:
    ANSWERS["radar"] = [alert_hit(5)]
    desk.sign_in("overview")
    palette = desk.window.palette_
    palette.open_palette()
    QTest.keyClicks(palette.field, "alert")
    desk.until(lambda: "Alert 5" in titles(palette))
    own = titles(palette).index("Alert 5")
    assert own == len(titles(palette)) - 1, "records follow the actions"
    palette._choose(own)
    desk.until(lambda: desk.window.current == "radar")
    palette.open_palette()
    assert titles(palette)[0] == "Alert 5"
    desk.window.shell.actions.trigger("page.audit")
    palette.open_palette()
    assert titles(palette)[:2] == ["Audit", "Alert 5"]


def test_k7_01_palette_shows_keys_and_steps_back_with_backspace(desk: Desk) -> None:
    desk.sign_in("overview")
    palette = desk.window.palette_
    palette.open_palette()
    entry = next(e for e in palette._model.entries if e.id == "page.audit")
    assert entry.shortcut == "G, U"
    desk.window.shell.choose("Colour", [Entry("r", "Red"), Entry("b", "Blue")])
    assert titles(palette) == ["Red", "Blue"]
    QTest.keyClick(palette.field, Qt.Key.Key_Backspace)
    assert "Audit" in titles(palette)
    QTest.keyClick(palette.field, Qt.Key.Key_Backspace)
    assert palette.isHidden()


def test_k7_02_a_person_without_a_page_is_copied_instead_of_leading_nowhere(desk: Desk) -> None:
    ANSWERS["overview"] = [Hit("Person", "Anna Berg", "nowhere/1", "anna@example.com")]
    desk.sign_in("overview")
    layer = desk.window.search
    layer.open_palette()
    QTest.keyClicks(layer.field, "anna")
    desk.until(lambda: "Anna Berg" in titles(layer))
    QTest.keyClick(layer.field, Qt.Key.Key_Return)
    assert QApplication.clipboard().text() == "Anna Berg"
    assert desk.window.current == "overview"


def test_k7_01_ranking_prefers_beginnings_and_what_was_used_and_finds_letters_in_order() -> None:
    entries = [Entry(t, t) for t in ("Degrade", "Go to Radar", "Radar", "Grand radius", "Log out")]
    assert [e.title for e in Pool(entries).ranked("ra")] == [
        "Radar",
        "Go to Radar",
        "Grand radius",
        "Degrade",
    ]
    assert [e.title for e in Pool(entries, ["Grand radius"]).ranked("ra")][1] == "Grand radius"
    assert [e.title for e in Pool(entries).ranked("gtr")] == ["Go to Radar"]
    assert [e.title for e in Pool(entries).ranked("logout")] == ["Log out"]
    assert Pool(entries).ranked("xyz") == []


def test_k7_01_narrowing_finds_the_same_as_starting_anew() -> None:
    entries = [
        Entry(str(n), f"{a} {b} {n}") for n in range(40) for a in ("alpha", "beta") for b in ("gamma", "x")
    ]
    typed = Pool(entries)
    while not typed.titles.prepare(7):
        typed.ranked("a")
    for query in ("a", "ag", "agm", "agm1", "agm12", "b", "bx", "bx3"):
        assert typed.ranked(query) == Pool(entries).ranked(query), query
