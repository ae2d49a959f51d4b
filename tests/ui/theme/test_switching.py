"""Theme, density, text size and motion: at once, in all windows, kept per person; lines and icons crisp."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QGuiApplication, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QStyle
from pytestqt.qtbot import QtBot
from ui.conftest import Desk
from ui.walk import rest

from sent.ui.kit.cells import SEVERITY_TONES, STATE_TONES
from sent.ui.kit.keycaps import caps
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import paint_dot
from sent.ui.prefs import Prefs
from sent.ui.shell import toasts
from sent.ui.theme import icons, theme
from sent.ui.theme.tokens import THEMES


@pytest.fixture(autouse=True)
def usual_looks() -> object:
    """Leave the usual looks behind."""
    yield
    theme.adopt(choice="dark", density="regular", scale=1.0, motion="system")


def heights(desk: Desk) -> set[int]:
    return {
        table.verticalHeader().defaultSectionSize()
        for window in desk.window.windows.all
        for table in window.findChildren(PagedTable)
    }


def test_k7_16_density_changes_the_rows_of_all_windows_at_once(desk: Desk) -> None:
    desk.sign_in("radar")
    desk.window.open_here_apart()
    rest(desk)
    assert len(desk.window.windows.all) == 2
    for density, height in (("compact", 24), ("regular", 28), ("comfortable", 36)):
        theme.set_density(density)
        assert heights(desk) == {height}


def test_k7_16_control_plus_minus_and_zero_change_the_text_size_between_90_and_150(desk: Desk) -> None:
    desk.sign_in("radar")
    window = desk.window
    find = window.shell.actions.find
    keys = {id: find(id).shortcut for id in ("text.larger", "text.smaller", "text.normal")}  # type: ignore[union-attr]
    assert keys == {"text.larger": "Ctrl++", "text.smaller": "Ctrl+-", "text.normal": "Ctrl+0"}
    assert caps("Ctrl++") == ["Ctrl", "+"]
    before = window.status.fontMetrics().height()
    for key, scale in (
        (Qt.Key.Key_Plus, 1.1),
        (Qt.Key.Key_Equal, 1.2),
        (Qt.Key.Key_0, 1.0),
        (Qt.Key.Key_Minus, 0.9),
    ):
        QTest.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
        assert theme.state().scale == scale
    for _ in range(9):
        window.change_scale(1)
    assert theme.state().scale == 1.5
    assert window.status.fontMetrics().height() > before
    for _ in range(9):
        window.change_scale(-1)
    assert theme.state().scale == 0.9


def test_k7_16_looks_are_kept_per_person(qtbot: QtBot, tmp_path: Path, desk: Desk) -> None:
    desk.sign_in("radar")
    window = desk.window
    window.set_theme("contrast-light")
    window.change_scale(1)
    window.cycle_density()
    person = window.shell.person.id  # type: ignore[union-attr]
    prefs = window.shell.prefs
    assert prefs.looks() == {
        "choice": "contrast-light", "density": "comfortable", "scale": 1.1, "motion": "system",
    }  # fmt: skip
    prefs.use_person("somebody-else")
    prefs.set_text("theme", "dark")
    prefs.set_text("scale", "0.9")
    theme.adopt(**prefs.looks())
    assert (theme.tokens().name, theme.state().scale) == ("dark", 0.9)
    prefs.use_person(person)
    theme.adopt(**prefs.looks())
    assert (theme.tokens().name, theme.state().scale) == ("contrast-light", 1.1)


@pytest.mark.parametrize("bad", ["nan", "inf", "-3", "enormous", "99"])
def test_k7_16_a_broken_file_gives_usual_looks(qtbot: QtBot, tmp_path: Path, bad: str) -> None:
    prefs = Prefs(str(tmp_path / "console.ini"))
    for key in ("scale", "theme", "density", "motion"):
        prefs.set_text(key, bad)
    theme.adopt(**prefs.looks())
    assert 0.9 <= theme.state().scale <= 1.5
    assert (theme.state().choice, theme.state().density, theme.state().motion) == (
        "system",
        "regular",
        "system",
    )


def test_k7_26_four_themes_switch_without_a_restart(desk: Desk) -> None:
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    seen = set()
    for name in THEMES:
        desk.window.set_theme(name)
        rest(desk)
        assert desk.window.pages["radar"] is page
        ground = desk.window.status.grab().toImage().pixelColor(3, 14).name()
        assert ground == THEMES[name].panel
        seen.add((name, ground))
    assert len(seen) == 4
    desk.window.set_theme("contrast-dark")
    desk.window.toggle_theme()
    assert theme.tokens().name == "contrast-light", "high contrast stays"


@pytest.mark.parametrize(
    ("scheme", "contrast", "name"),
    [
        (Qt.ColorScheme.Dark, Qt.ContrastPreference.NoPreference, "dark"),
        (Qt.ColorScheme.Light, Qt.ContrastPreference.NoPreference, "light"),
        (Qt.ColorScheme.Dark, Qt.ContrastPreference.HighContrast, "contrast-dark"),
        (Qt.ColorScheme.Light, Qt.ContrastPreference.HighContrast, "contrast-light"),
    ],
)
def test_k7_26_the_system_chooses_brightness_and_contrast(
    monkeypatch: pytest.MonkeyPatch, scheme: Qt.ColorScheme, contrast: Qt.ContrastPreference, name: str
) -> None:
    hints = SimpleNamespace(
        colorScheme=lambda: scheme, accessibility=lambda: SimpleNamespace(contrastPreference=lambda: contrast)
    )
    monkeypatch.setattr(theme, "QGuiApplication", SimpleNamespace(styleHints=lambda: hints))
    assert theme._resolved("system") == name


def silhouette(tone: str) -> list[bool]:
    image = QImage(60, 60, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    paint_dot(painter, QRectF(10, 10, 40, 40), tone)
    painter.end()
    return [image.pixelColor(x, y).alpha() > 127 for x in range(60) for y in range(60)]


def test_k7_26_states_differ_by_shape_for_those_who_see_no_colours(qapp: QApplication) -> None:
    tones = {*STATE_TONES.values(), "ok", "warn", "bad", "text3"}
    shapes = {tone: silhouette(tone) for tone in tones}
    for first, second in combinations(sorted(tones), 2):
        different = sum(a != b for a, b in zip(shapes[first], shapes[second], strict=True))
        assert different > 100, (first, second)
    assert SEVERITY_TONES, "a severity is a word in its cell: its colour says nothing more"


def test_k7_27_messages_are_announced_and_troubles_interrupt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, QAccessible.AnnouncementPoliteness]] = []

    def update(event: QAccessibleAnnouncementEvent) -> None:
        heard.append((event.message(), event.politeness()))

    monkeypatch.setattr(toasts.QAccessible, "updateAccessibility", update)
    desk.sign_in("radar")
    desk.window.shell.toast("Closed 3 alerts")
    desk.window.shell.toast("The database did not take it", tone="bad")
    polite = QAccessible.AnnouncementPoliteness
    assert ("Closed 3 alerts", polite.Polite) in heard
    assert ("The database did not take it", polite.Assertive) in heard


def test_k7_27_reduced_motion_keeps_everything_still(desk: Desk) -> None:
    desk.sign_in("settings")
    hints, widget = QGuiApplication.styleHints(), desk.window.pages["settings"]
    duration = QStyle.StyleHint.SH_Widget_Animation_Duration
    theme.set_motion("calm")
    assert hints.cursorFlashTime() == 0
    assert widget.style().styleHint(duration, None, widget) == 0
    theme.set_motion("full")
    assert hints.cursorFlashTime() == theme.state().flash_ms > 0
    theme.set_motion("system")
    assert theme.calm() == theme.state().system_calm


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_k7_29_lines_between_rows_are_one_pixel_of_the_screen(desk: Desk, ratio: float) -> None:
    desk.sign_in("radar")
    rest(desk)
    table = desk.window.pages["radar"].list_view().table  # type: ignore[union-attr]
    desk.until(lambda: table.model_.known() > 20)
    desk.window.stack.setFocus()
    size = table.viewport().size()
    image = QImage(
        QSize(round(size.width() * ratio), round(size.height() * ratio)), QImage.Format.Format_RGB32
    )
    image.setDevicePixelRatio(ratio)
    image.fill(theme.colour("card"))
    table.viewport().render(image, QPoint(0, 0))
    x = round(6 * ratio)
    line, runs, run = theme.tokens().line, [], 0
    for y in range(image.height()):
        if image.pixelColor(x, y).name() == line:
            run += 1
        elif run:
            runs.append(run)
            run = 0
    assert len(runs) > 8
    assert set(runs) == {1}


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_k7_29_icons_are_drawn_for_the_pixels_there_are(qapp: QApplication, ratio: float) -> None:
    made = icons.pixmap("radar", "#ffffff", 16, ratio)
    assert made.width() == round(16 * ratio)
    assert made.devicePixelRatio() == ratio


def test_k7_29_pictures_are_vectors() -> None:
    folder = Path(icons.FOLDER).parent
    raster = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".ico"}
    assert [path.name for path in folder.rglob("*") if path.suffix.lower() in raster] == []
