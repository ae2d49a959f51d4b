"""No text is cut: every page in the pseudo-language (40 % longer) and at a larger text size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHeaderView, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from ui.conftest import Desk, no_settings
from ui.fakes import FakeBackend
from ui.walk import gate_places, places

from sent.platform.config import settings_store
from sent.platform.i18n import set_language
from sent.ui.kit.chips import PAD, Chip
from sent.ui.kit.widgets import Elided, small
from sent.ui.pages.overview.levels import LevelButton
from sent.ui.shell.rail import RailItem
from sent.ui.shell.topbar import SearchDoor
from sent.ui.theme import theme


@pytest.fixture(params=[("pseudo", 1.0), ("en", 1.3)], ids=["pseudo", "large"])
def wide_desk(
    request: pytest.FixtureRequest, qtbot: QtBot, tmp_path: Path, backend: FakeBackend
) -> Iterator[Desk]:
    """A console in longer words or larger letters."""
    language, scale = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENT_LOCALE", language)
        patch.setattr(settings_store, "get_all", no_settings)
        made = Desk(qtbot, tmp_path / "console.ini", backend)
        theme.set_scale(scale)
        yield made
        made.console.stop()
        made.window.close()
    theme.set_scale(1.0)
    set_language("en")


def cut(widget: QWidget) -> str:
    """Return what of the widget's text has no room, or an empty string."""
    metrics, missing = widget.fontMetrics(), 0
    if isinstance(widget, Elided):
        return ""
    if isinstance(widget, QLabel):
        room = widget.contentsRect()
        if widget.wordWrap():
            missing = widget.heightForWidth(widget.width()) - widget.height()
        else:
            lines = widget.text().split("\n")
            missing = max(metrics.horizontalAdvance(line) for line in lines) - room.width()
    elif isinstance(widget, SearchDoor):
        missing = metrics.horizontalAdvance(widget.text()) - widget.text_room()
    elif isinstance(widget, QPushButton):
        missing = widget.sizeHint().width() - widget.width()
    elif isinstance(widget, RailItem) and not widget.narrow:
        missing = metrics.horizontalAdvance(widget.text()) - (widget.width() - 45)
    elif isinstance(widget, Chip):
        missing = QFontMetrics(small(widget)).horizontalAdvance(widget.text) + 2 * PAD - widget.width()
    elif isinstance(widget, LevelButton):
        missing = widget.sizeHint().width() - widget.width()
    text = getattr(widget, "text", "")
    return f"{text() if callable(text) else text!r} misses {missing} px" if missing > 1 else ""


def cut_headings(header: QHeaderView) -> list[str]:
    found = []
    for number in range(header.count()):
        title = str(header.model().headerData(number, header.orientation()))
        font = header.font()
        font.setPixelSize(round(11 * theme.state().scale))
        needed = QFontMetrics(font).horizontalAdvance(title) + 20
        if not header.isSectionHidden(number) and needed > header.sectionSize(number) + 1:
            found.append(f"heading {title!r} misses {needed - header.sectionSize(number)} px")
    return found


def all_cut(root: QWidget) -> list[str]:
    found: list[str] = []
    for widget in root.findChildren(QWidget):
        if widget.isVisible():
            if isinstance(widget, QHeaderView):
                if widget.orientation() == widget.orientation().Horizontal:
                    found += cut_headings(widget)
            elif problem := cut(widget):
                found.append(f"{type(widget.parentWidget()).__name__}: {problem}")
    return found


def test_h8_no_text_is_cut_on_any_page(wide_desk: Desk) -> None:
    problems = {name: all_cut(root) for name, root in places(wide_desk)}
    assert {name: found for name, found in problems.items() if found} == {}


def test_h8_no_text_is_cut_at_the_gate(wide_desk: Desk) -> None:
    problems = {name: all_cut(root) for name, root in gate_places(wide_desk)}
    assert {name: found for name, found in problems.items() if found} == {}
