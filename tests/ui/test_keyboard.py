"""Everything by keyboard: names, reachable actions, Tab order, the focus ring, Esc."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QScrollArea, QWidget
from ui.conftest import Desk
from ui.fakes import FakeBackend
from ui.walk import PAGES, gate_places, places, rest

from sent.ui.theme import theme


def focusable(root: QWidget) -> list[QWidget]:
    """Return the visible widgets that Tab reaches below `root`."""
    return [
        widget
        for widget in root.findChildren(QWidget)
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.objectName() != "qt_spinbox_lineedit"
        and not isinstance(widget, QScrollArea)
    ]  # fmt: skip


def nameless(root: QWidget) -> list[str]:
    return [
        f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}"
        for widget in focusable(root)
        if not widget.accessibleName()
    ]


def test_h8_every_focusable_widget_of_every_place_is_named(desk: Desk) -> None:
    found = {name: nameless(root) for name, root in places(desk)}
    assert {name: widgets for name, widgets in found.items() if widgets} == {}


def test_h8_every_focusable_widget_of_the_gate_is_named(desk: Desk) -> None:
    found = {name: nameless(root) for name, root in gate_places(desk)}
    assert {name: widgets for name, widgets in found.items() if widgets} == {}


def test_h8_every_action_of_every_page_has_a_key_or_stands_in_the_palette(desk: Desk) -> None:
    desk.sign_in()
    registry = desk.window.shell.actions
    for page in PAGES:
        desk.window.show_page(page)
        rest(desk)
        keys: dict[str, str] = {}
        for action in registry.available():
            if action.shortcut:
                assert keys.setdefault(action.shortcut, action.id) == action.id, f"{page}: {action.shortcut}"
        desk.window.open_palette()
        shown = set(desk.window.palette_.visible_titles())
        desk.window.palette_.close_layer()
        offered = {a.title for a in registry.available() if a.id != "palette.open"}
        assert offered - shown == set(), page
        hidden = {a.id for _, a in registry.listed() if a.hidden and not a.shortcut}
        assert hidden == set(), page


def chain(start: QWidget, root: QWidget) -> list[QWidget]:
    """Return the widgets that Tab visits from `start` until it comes round."""
    visited = [start]
    for _ in range(400):
        QTest.keyClick(QApplication.focusWidget() or root, Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
        if now is None or now is start:
            break
        visited.append(now)
    return visited


@pytest.mark.parametrize("page", PAGES)
def test_h8_tab_visits_everything_from_top_to_bottom(desk: Desk, page: str) -> None:
    desk.sign_in(page)
    rest(desk)
    desk.window.activateWindow()
    inside = focusable(desk.window.pages[page])
    inside[0].setFocus(Qt.FocusReason.TabFocusReason)
    visited = [w for w in chain(inside[0], desk.window) if desk.window.pages[page].isAncestorOf(w)]
    assert set(inside) - set(visited) == set(), "Tab leaves something out"
    tops = [w.mapTo(desk.window, QPoint(0, 0)).y() for w in visited]
    jumps = [
        f"{visited[n].accessibleName()} -> {visited[n + 1].accessibleName()}"
        for n in range(len(tops) - 1)
        if tops[n + 1] < tops[n] - 60 and not beside(visited[n], visited[n + 1], desk.window)
    ]
    assert jumps == []


def beside(before: QWidget, after: QWidget, window: QWidget) -> bool:
    """Say whether `after` stands right of `before`: a new column may begin higher up."""
    return after.mapTo(window, QPoint(0, 0)).x() > before.mapTo(window, QPoint(before.width(), 0)).x() - 2


@pytest.mark.parametrize(
    "name",
    [
        "dark",
        "contrast-light",
        pytest.param("light", marks=pytest.mark.soak),
        pytest.param("contrast-dark", marks=pytest.mark.soak),
    ],
)
def test_h8_the_focus_is_visible_on_every_widget(desk: Desk, name: str) -> None:
    blind = []
    for place, root in places(desk, brief=True):
        theme.apply(name)
        rest(desk)
        reached = focusable(root)
        for widget in reached if len(reached) > 1 else ():
            ringed = widget.parentWidget() if widget.property("kind") == "bare" else widget
            if ringed is None:
                continue
            next(w for w in reached if w is not widget).setFocus(Qt.FocusReason.TabFocusReason)
            QApplication.processEvents()
            without = ringed.grab().toImage()
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            QApplication.processEvents()
            if isinstance(widget, QLineEdit):
                widget.deselect()
            # A form that is being checked may switch its button off meanwhile: nothing has the focus then.
            if widget.isEnabled() and ringed.grab().toImage() == without:
                blind.append(f"{place}: {type(widget).__name__} {widget.accessibleName()}")
    assert sorted(set(blind)) == []


def test_esc_leaves_one_level_at_a_time(desk: Desk) -> None:
    desk.sign_in("radar")
    rest(desk)
    page = desk.window.pages["radar"]
    page.queue.open_alert(next(iter(desk.radar.rows.values())))  # type: ignore[attr-defined]
    desk.window.open_palette()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert desk.window.palette_.isHidden()
    assert page.queue.split.is_open()  # type: ignore[attr-defined]
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not page.queue.split.is_open()  # type: ignore[attr-defined]
    assert desk.window.current == "radar"


def test_the_gate_is_not_left_by_esc(desk: Desk, backend: FakeBackend) -> None:
    for _, card in gate_places(desk):
        QTest.keyClick(card, Qt.Key.Key_Escape)
        assert not desk.gate.isHidden()
