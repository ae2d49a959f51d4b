"""Widgets that wrap: nothing is cut in a narrow place, and both directions begin at their own side."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from sent.ui.kit.flow import Flow, links
from sent.ui.kit.widgets import LINK_EDGE, button

WORDS = ("Timeline", "Around it", "Explain a rule", "Source")


def shown(qtbot: QtBot, flow: Flow, width: int) -> QWidget:
    place = QWidget()
    qtbot.addWidget(place)
    body = QVBoxLayout(place)
    body.setContentsMargins(18, 0, 18, 0)
    body.addLayout(flow)
    body.addStretch(1)
    place.resize(width, 200)
    place.show()
    return place


def lines(flow: Flow) -> list[list[QWidget]]:
    found: dict[int, list[QWidget]] = {}
    for number in range(flow.count()):
        item = flow.itemAt(number)
        widget = item.widget() if item is not None else None
        if widget is not None and not widget.isHidden():
            found.setdefault(widget.y(), []).append(widget)
    return [found[top] for top in sorted(found)]


@pytest.mark.parametrize("width", [120, 220, 300, 900])
def test_every_link_keeps_its_width_and_lines_do_not_overlap(qtbot: QtBot, width: int) -> None:
    made = [button(word, kind="link") for word in WORDS]
    flow = links(*made)
    place = shown(qtbot, flow, width)
    assert all(each.width() >= each.sizeHint().width() for each in made)
    below = 0
    for line in lines(flow):
        assert line[0].y() >= below
        below = line[0].y() + line[0].height()
        assert [w.x() for w in line] == sorted(w.x() for w in line)
    assert (len(lines(flow)) == 1) == (width == 900)
    assert all(each.geometry().right() < place.width() for each in made)


def test_words_of_links_begin_where_texts_do(qtbot: QtBot) -> None:
    made = [button(word, kind="link") for word in WORDS]
    place = shown(qtbot, links(*made), 600)
    assert made[0].mapTo(place, QPoint(0, 0)).x() == 18 - LINK_EDGE


def test_hidden_widgets_take_no_room(qtbot: QtBot) -> None:
    made = [button(word) for word in WORDS]
    flow = Flow(*made)
    place = shown(qtbot, flow, 900)
    before = made[2].mapTo(place, QPoint(0, 0)).x()
    made[1].hide()
    qtbot.waitUntil(lambda: made[2].mapTo(place, QPoint(0, 0)).x() < before)


def test_languages_from_the_right_begin_at_the_right(qtbot: QtBot) -> None:
    QGuiApplication.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    try:
        made = [button(word) for word in WORDS]
        place = shown(qtbot, Flow(*made), 600)
        assert made[0].geometry().right() >= place.width() - 20
        assert made[1].x() < made[0].x()
    finally:
        QGuiApplication.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
