"""K7 26: the theme switches within 200 ms with all pages visited, beside the sheet on the whole window."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from bench.measure import ROUNDS, report
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from ui.conftest import Desk, no_settings
from ui.fakes import FakeBackend
from ui.shelf import ViewShelf
from ui.walk import everything, page_ids, rest

from sent.platform.config import settings_store
from sent.platform.views import store as views_store
from sent.ui.theme import dressing, theme


def at_once(window: QWidget) -> float:
    """Return the seconds that Qt needs for the sheet on the whole window, before anything is painted."""
    sheet, took = dressing.sheet(), []
    for widget in window.findChildren(QWidget):
        if widget.styleSheet() == sheet:
            widget.setStyleSheet("")
    for n in range(ROUNDS):
        began = time.perf_counter()
        window.setStyleSheet(f"{sheet}/* {n} */")
        took.append(time.perf_counter() - began)
    return sorted(took)[ROUNDS // 2]


def comes_late(desk: Desk, name: str, id: str) -> float:
    """Return the seconds from the wish for a page to its picture when it still wears the theme before."""
    theme.apply(name)
    began = time.perf_counter()
    desk.window.show_page(id)
    desk.window.repaint()
    return time.perf_counter() - began


def switch(name: str, window: QWidget) -> float:
    """Return the seconds from the wish until the window is painted in the other theme."""
    began = time.perf_counter()
    theme.apply(name)
    window.repaint()
    QApplication.processEvents()
    return time.perf_counter() - began


@pytest.mark.bench
def test_k7_26_a_theme_switches_within_200_ms_with_all_pages_visited(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_store, "get_all", no_settings)
    for name, fake in ViewShelf().functions().items():
        monkeypatch.setattr(views_store, name, fake)
    desk = Desk(qtbot, tmp_path / "console.ini", FakeBackend())
    try:
        everything(desk)
        desk.sign_in()
        for id in page_ids():
            desk.window.show_page(id)
            rest(desk)
        names = ("light", "contrast-dark", "contrast-light", "dark")
        switch("light", desk.window)
        took = sorted(switch(names[n % 4], desk.window) for n in range(2 * ROUNDS))
        late = [comes_late(desk, names[n % 4], id) for n, id in enumerate(page_ids())]
        whole = at_once(desk.window)
        met = [
            report(
                "k7_26_theme_switch", took[len(took) // 2], "s", whole, target_value=0.2, target_ratio=1.0
            ),
            report("k7_26_page_after_switch", max(late), "s", whole, target_value=0.1, target_ratio=1.0),
        ]
        assert all(met)
    finally:
        desk.console.stop()
        desk.window.close()
        theme.apply("dark")
