"""Languages: German is whole, figures and dates are its own, and everything is mirrored where texts are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot
from ui.conftest import Desk
from ui.fakes import FakeBackend
from ui.test_text_fits import Look, desk_in

from sent.platform.i18n import formats, right_to_left, set_language, tr, trn
from sent.platform.i18n.catalog import FOLDER, LANGUAGES
from sent.platform.i18n.extract import Texts, names, problems, texts
from sent.ui import boot
from sent.ui.kit.text import absolute, count, relative
from sent.ui.kit.widgets import mirrored
from sent.ui.prefs import Prefs
from sent.ui.shell.settings import SettingsPage

GERMAN = json.loads((FOLDER / "de.json").read_text("utf-8"))


@pytest.fixture(autouse=True)
def english_afterwards() -> object:
    """Leave English behind."""
    yield
    set_language("en")
    QGuiApplication.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


@pytest.fixture
def found() -> Texts:
    """Return every text of the program."""
    return texts()


def test_k7_28_every_text_is_german_too_with_the_same_placeholders_and_none_is_dead(found: Texts) -> None:
    assert problems(GERMAN, found) == []
    assert len(found.singles) > 600


def test_k7_28_no_text_is_put_together_where_nobody_can_translate_it(found: Texts) -> None:
    assert found.unknown == []


def test_k7_28_the_check_of_a_catalogue_can_fail() -> None:
    found = Texts({"Close": "a:1", "By {name}": "a:2"}, {"{n} row": "{n} rows"})
    assert (
        problems({"Close": "Schließen", "By {name}": "Von {name}", "{n} row": ["{n} Z", "{n} Zn"]}, found)
        == []
    )
    said = problems({"By {name}": "Von {nam}", "{n} row": "{n} Zeilen", "Gone": "Weg"}, found)
    assert [text.split(":")[0] for text in said] == [
        "not translated", "placeholders", "forms", "dead",
    ]  # fmt: skip


def test_k7_28_counted_texts_have_both_forms() -> None:
    set_language("de")
    for forms in (value for value in GERMAN.values() if isinstance(value, list)):
        assert len(forms) == 2
        assert "n" in names(forms[1])
    assert trn("{n} alert", "{n} alerts", n=2) == "2 alerts"
    assert trn("Closed {n} alert", "Closed {n} alerts", n=1) == "1 Alarm geschlossen"
    assert trn("Closed {n} alert", "Closed {n} alerts", n=1200) == "1.200 Alarme geschlossen"


def test_k7_28_figures_and_dates_are_written_as_the_language_does() -> None:
    at = datetime(2026, 3, 5, 14, 2, 9, tzinfo=UTC)
    assert (count(1234567), count(2.5), relative(at, at + timedelta(days=30))) == (
        "1,234,567",
        "2.5",
        "2026-03-05",
    )
    set_language("de")
    assert (count(1234567), count(2.5), relative(at, at + timedelta(days=30))) == (
        "1.234.567",
        "2,5",
        "05.03.2026",
    )
    assert absolute(at).startswith("05.03.2026 ")
    assert formats().weekday(at) == "Do"
    assert relative(at, at + timedelta(days=2)) == "vor 2 Tagen"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "de_DE.UTF-8"}, "de"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "xx_YY"}, "en"),
        ({"LANG": "de_DE", "SENT_LOCALE": "en"}, "en"),
        ({"LANG": "../../etc/passwd"}, "en"),
        ({}, "en"),
    ],
)
def test_k7_28_the_system_decides_unless_somebody_else_does(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str
) -> None:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "SENT_LOCALE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert set_language() == language


def test_k7_28_the_language_is_chosen_in_the_settings_for_the_next_start(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.sign_in("settings")
    page = desk.window.pages["settings"]
    assert isinstance(page, SettingsPage)
    assert [page._language.itemText(n) for n in range(page._language.count())] == [
        "As the system",
        *LANGUAGES.values(),
    ]
    page._language.setCurrentIndex(page._language.findData("de"))
    page._language.activated.emit(page._language.currentIndex())
    assert tr("Close") == "Close", "a window changes its language at the next start only"
    desk.window.shell.prefs.sync()
    monkeypatch.delenv("SENT_LOCALE", raising=False)
    _, window, _ = boot.build([], Prefs(str(tmp_path / "console.ini")))
    desk.bot.addWidget(window)
    assert tr("Close") == "Schließen"
    assert window.rail.items["settings"].text() == "Einstellungen"


def test_k7_28_everything_is_mirrored_from_right_to_left(
    qtbot: QtBot, tmp_path: Path, backend: FakeBackend
) -> None:
    for desk in desk_in(Look("pseudo-rtl"), qtbot, tmp_path, backend):
        desk.sign_in("radar")
        desk.settle()
        window = desk.window
        assert right_to_left()
        assert window.isRightToLeft()
        assert window.rail.geometry().right() >= window.width() - 2
        assert mirrored(QRectF(10, 0, 20, 5), 100) == QRectF(70, 0, 20, 5)
        picture = window.rail.items["radar"].grab().toImage()
        inked = [x for x in range(picture.width()) for y in (8, 16, 24) if _bright(picture.pixelColor(x, y))]
        assert sum(x > picture.width() / 2 for x in inked) > sum(x < picture.width() / 2 for x in inked)
        chart = window.pages["radar"].figures.chart  # type: ignore[attr-defined]
        assert chart._x(chart._start) < chart._x(chart._stop), (
            "time runs from left to right in every language"
        )


def _bright(colour: object) -> bool:
    return colour.lightness() > 140  # type: ignore[attr-defined]


def test_k7_28_german_costs_next_to_nothing_before_the_first_paint() -> None:
    """A generous bound: it is about 1 ms, and a catalogue that is parsed twice or compiled would be seen."""
    import time

    took = []
    for _ in range(5):
        began = time.perf_counter()
        set_language("de")
        took.append(time.perf_counter() - began)
    assert min(took) < 0.02
