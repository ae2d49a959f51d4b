"""The style sheet is worn by the parts of windows: those in sight change at once, the others soon."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from ui.conftest import Desk
from ui.walk import page_ids, rest

from sent.ui.theme import dressing, theme


@pytest.fixture(autouse=True)
def usual_looks() -> object:
    """Leave the usual looks behind."""
    yield
    theme.apply("dark")


def wears(widget: QWidget) -> bool:
    return widget.styleSheet() == dressing.sheet()


def bare(widget: QWidget) -> bool:
    """Say whether neither the widget nor what holds it wears the sheet."""
    above: QWidget | None = widget
    while above is not None:
        if wears(above):
            return False
        above = above.parentWidget()
    return True


def test_every_part_of_every_window_wears_the_sheet(desk: Desk) -> None:
    desk.sign_in("radar")
    desk.window.open_here_apart()
    for id in page_ids():
        desk.window.show_page(id)
        rest(desk)
    window = desk.window
    for layer in (window.palette_, window.sheet, window.search):
        layer.open()
        layer.close_layer()
    unstyled = [widget for widget in QApplication.allWidgets() if bare(widget)]
    frames = [w for one in window.windows.all for w in (one, one.centralWidget(), one.stack)]
    forgotten = [
        widget for widget in unstyled if widget.window() in window.windows.all and widget not in frames
    ]
    assert [type(widget).__name__ for widget in forgotten] == []


def test_a_switch_restyles_what_is_in_sight_at_once_and_the_rest_soon(desk: Desk) -> None:
    desk.sign_in("radar")
    desk.window.show_page("audit")
    rest(desk)
    seen, hidden = desk.window.pages["audit"], desk.window.pages["radar"]
    theme.apply("light")
    assert wears(seen)
    assert wears(desk.window.rail)
    assert not wears(hidden)
    desk.until(lambda: wears(hidden))


def test_a_page_that_comes_to_the_front_after_a_switch_wears_the_new_sheet(desk: Desk) -> None:
    desk.sign_in("radar")
    desk.window.show_page("audit")
    rest(desk)
    theme.apply("light")
    page = desk.window.pages["radar"]
    assert not wears(page)
    desk.window.show_page("radar")
    assert wears(page)
    label = page.tabs[1]  # type: ignore[attr-defined]
    label.ensurePolished()
    assert label.palette().buttonText().color().name() == theme.colour("text2").name()


def test_a_layer_is_up_to_date_when_it_opens(desk: Desk) -> None:
    desk.sign_in("radar")
    theme.apply("light")
    sheet = desk.window.sheet
    assert not wears(sheet)
    sheet.open()
    assert wears(sheet)
    sheet.close_layer()
