"""No text is cut: every place in longer words, from right to left, in larger letters, in all four themes.

What is measured is the font against the room, so pictures are not needed. A label that ends in `…` and says
the rest in its tooltip is not cut. The scale of the screen is fixed when a process starts: `at_scale` runs
this file again in one of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyleOptionFrame,
    QWidget,
)
from pytestqt.qtbot import QtBot
from ui.conftest import Desk, no_settings
from ui.fakes import FakeBackend
from ui.shelf import ViewShelf
from ui.walk import gate_places, places

from sent.platform.config import settings_store
from sent.platform.i18n import set_language
from sent.platform.views import store as views_store
from sent.ui.kit.chips import PAD, Chip
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import Elided, small
from sent.ui.pages.overview.levels import LevelButton
from sent.ui.prefs import Prefs
from sent.ui.shell.rail import RailItem
from sent.ui.shell.topbar import SearchDoor
from sent.ui.theme import theme
from sent.ui.theme.qss import style_sheet
from sent.ui.theme.tokens import THEMES


@dataclass(frozen=True, slots=True)
class Look:
    """A language, a theme and a text scale."""

    language: str
    theme: str = "dark"
    scale: float = 1.0

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.scale:g}"


SAMPLE = (
    Look("pseudo"),
    Look("pseudo-rtl", "light"),
    Look("de", "contrast-dark"),
    Look("en", "contrast-light", 1.5),
)
WIDTHS = ("light", "contrast-dark")
"""Each stands for its pair, whose sheet differs in nothing but colours (tested below)."""

MATRIX = tuple(
    look
    for look in (
        Look(*cell) for cell in product(("en", "de", "pseudo", "pseudo-rtl"), WIDTHS, (0.9, 1.0, 1.3))
    )
    if look not in SAMPLE and (look.scale <= 1 or not look.language.startswith("pseudo"))
)
"""All the rest; letters grow in the real languages, whose words are as long as words get."""


@pytest.mark.parametrize(("theme_", "other"), [("light", "dark"), ("contrast-dark", "contrast-light")])
def test_k7_t_themes_of_a_pair_differ_in_colours_alone(theme_: str, other: str) -> None:
    sheets = []
    for name in (theme_, other):
        images = {"check": "c.svg", "chevron": "v.svg"}
        sheet = style_sheet(THEMES[name], family="Inter", mono="Mono", scale=1.0, images=images)
        sheets.append(re.sub(r"#[0-9a-fA-F]{3,8}\b|rgba?\([^)]*\)", "colour", sheet))
    assert sheets[0] == sheets[1] and sheets[0].count("colour") > 50


@pytest.fixture(params=SAMPLE, ids=str)
def wide_desk(
    request: pytest.FixtureRequest, qtbot: QtBot, tmp_path: Path, backend: FakeBackend
) -> Iterator[Desk]:
    """A console in longer words, another direction, other colours, or larger letters."""
    yield from desk_in(request.param, qtbot, tmp_path, backend)


@pytest.fixture(params=MATRIX, ids=str)
def any_desk(
    request: pytest.FixtureRequest, qtbot: QtBot, tmp_path: Path, backend: FakeBackend
) -> Iterator[Desk]:
    """A console in each of the other looks."""
    yield from desk_in(request.param, qtbot, tmp_path, backend)


def desk_in(look: Look, qtbot: QtBot, folder: Path, backend: FakeBackend) -> Iterator[Desk]:
    """Yield a console that looks like this for everybody."""
    prefs = Prefs(str(folder / "console.ini"))
    prefs.set_text("theme", look.theme)
    prefs.set_text("scale", f"{look.scale:g}")
    prefs.sync()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENT_LOCALE", look.language)
        patch.setattr(settings_store, "get_all", no_settings)
        for name, fake in ViewShelf().functions().items():
            patch.setattr(views_store, name, fake)
        made = Desk(qtbot, folder / "console.ini", backend)
        yield made
        made.console.stop()
        made.window.close()
    set_language("en")
    QGuiApplication.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    theme.adopt(choice="dark", density="regular", scale=1.0, motion="system")


def cut(widget: QWidget) -> str:
    """Return what of the widget's text has no room, or an empty string."""
    metrics, missing = widget.fontMetrics(), 0
    if isinstance(widget, QLabel) and widget.text() and widget.height() < metrics.height() - 1:
        return f"{widget.text()!r} is {metrics.height() - widget.height()} px too low"
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
    elif isinstance(widget, QLineEdit) and not widget.text():
        shown = widget.style().subElementRect(QStyle.SubElement.SE_LineEditContents, _option(widget), widget)
        missing = metrics.horizontalAdvance(widget.placeholderText()) - shown.width() + 4
        return f"{widget.placeholderText()!r} misses {missing} px" if missing > 1 else ""
    elif isinstance(widget, QComboBox):
        missing = widget.sizeHint().width() - widget.width()
        return f"{widget.currentText()!r} misses {missing} px" if missing > 1 else ""
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


def _option(widget: QLineEdit) -> QStyleOptionFrame:
    option = QStyleOptionFrame()
    widget.initStyleOption(option)
    return option


def cut_cells(table: PagedTable) -> list[str]:
    """Return the figures, times, states and levels that end in `…`: only names and texts may."""
    found, delegate = [], table._delegate
    for number, column in enumerate(table.model_.columns):
        if column.kind not in ("time", "state", "number", "severity") or table.isColumnHidden(number):
            continue
        side = {"state": 30, "number": 20}.get(column.kind, 16)
        kind = {"severity": "chip", "state": "text"}.get(column.kind, column.kind)
        for row in range(min(40, table.model_.known())):
            texts = table.model_.texts(row)
            if texts is not None:
                needed = delegate.text_width(kind, texts[number]) + side
                if needed > table.columnWidth(number) + 1:
                    missing = needed - table.columnWidth(number)
                    found.append(f"cell {texts[number]!r} ({column.title}) misses {missing} px")
                    break
    return found


def all_cut(root: QWidget) -> list[str]:
    found: list[str] = []
    for widget in root.findChildren(QWidget):
        if widget.isVisible():
            if isinstance(widget, QHeaderView):
                if widget.orientation() == widget.orientation().Horizontal:
                    found += cut_headings(widget)
            elif isinstance(widget, PagedTable):
                found += cut_cells(widget)
            elif problem := cut(widget):
                found.append(f"{type(widget.parentWidget()).__name__}: {problem}")
    return found


def test_h8_no_text_is_cut_on_any_page(wide_desk: Desk) -> None:
    problems = {name: all_cut(root) for name, root in places(wide_desk)}
    assert {name: found for name, found in problems.items() if found} == {}
    assert len(problems) > 25


def test_h8_no_text_is_cut_at_the_gate(wide_desk: Desk) -> None:
    problems = {name: all_cut(root) for name, root in gate_places(wide_desk)}
    assert {name: found for name, found in problems.items() if found} == {}


def at_scale(ratio: str, *tests: str) -> None:
    """Run tests of this file where a logical pixel is `ratio` device pixels."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *(f"{__file__}::{t}" for t in tests),
        ],
        env=os.environ | {"QT_SCALE_FACTOR": ratio, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def test_k7_29_no_text_is_cut_at_150_percent() -> None:
    at_scale("1.5", f"test_h8_no_text_is_cut_on_any_page[{SAMPLE[0]}]")


@pytest.mark.soak
@pytest.mark.parametrize("ratio", ["1.25", "1.5", "2"])
def test_k7_t_no_text_is_cut_at_any_scale_of_the_screen(ratio: str) -> None:
    at_scale(ratio, "test_h8_no_text_is_cut_on_any_page", "test_h8_no_text_is_cut_at_the_gate")


@pytest.mark.soak
def test_k7_t_no_text_is_cut_in_any_look(any_desk: Desk) -> None:
    problems = {name: all_cut(root) for name, root in places(any_desk)}
    assert {name: found for name, found in problems.items() if found} == {}
