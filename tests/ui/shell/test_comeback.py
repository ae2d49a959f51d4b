"""A restart brings every window back, once, for the same person, and only when it was a moment ago."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from PySide6.QtCore import QRect
from ui.conftest import Desk
from ui.test_jobs_page import FakeJobs

from sent.ui.pages.jobs import JobsPage
from sent.ui.pages.radar import RadarPage
from sent.ui.prefs import Prefs
from sent.ui.shell import comeback
from sent.ui.shell.geometry import monitor_set
from sent.ui.shell.window import MainWindow

ALERT = f"alert/{UUID(int=6)}"


def arranged(desk: Desk) -> None:
    """Sign in and arrange two windows."""
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    page.queue.filter.set_text("level:high")
    page.open_record(ALERT)
    desk.settle()
    other = desk.window.windows.open_apart("audit", place=QRect(20, 30, 640, 480))
    assert other is not None
    desk.settle()


def forget(desk: Desk) -> None:
    """Make the console as it is after a start."""
    desk.window.windows.shut()
    desk.window.show_page("overview")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    page.queue.back()
    page.queue.filter.clear()
    page.show_tab(2)
    desk.settle()


def test_b5_windows_come_back_once_with_page_view_filter_and_record(desk: Desk) -> None:
    arranged(desk)
    comeback.remember(desk.window.windows)
    forget(desk)
    assert comeback.restore(desk.window.windows)
    desk.settle()
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    assert desk.window.current == "radar"
    assert page.stack.currentIndex() == 0
    assert page.queue.filter.text() == "level:high"
    assert desk.window.current_record() == ALERT
    (other,) = desk.window.windows.others
    assert other.current == "audit"
    assert other.geometry().getRect() == (20, 30, 640, 480)
    desk.window.windows.shut()
    assert not comeback.restore(desk.window.windows), "once"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "{", '{"at": 1, "windows": []}', '{"at": 9e99, "windows": 1}']
)
def test_b5_a_note_that_is_old_or_makes_no_sense_brings_nothing_back(desk: Desk, text: str) -> None:
    desk.sign_in("audit")
    desk.window.shell.prefs.set_own(comeback.KEY, text)
    assert not comeback.restore(desk.window.windows)
    assert desk.window.current == "audit"


def test_b5_a_window_that_may_not_be_shown_any_more_is_left_out(desk: Desk) -> None:
    arranged(desk)
    comeback.remember(desk.window.windows)
    kept = json.loads(desk.window.shell.prefs.own(comeback.KEY))
    kept["windows"][0] = {"page": "nowhere"}
    kept["windows"].append({"page": "audit", "record": "", "arrangement": {}, "box": "no", "state": "zz"})
    desk.window.shell.prefs.set_own(comeback.KEY, json.dumps(kept))
    desk.window.windows.shut()
    assert comeback.restore(desk.window.windows)
    assert [window.current for window in desk.window.windows.others] == ["audit"]


def test_the_main_window_opens_where_a_person_left_it(desk: Desk) -> None:
    desk.sign_in("audit")
    desk.window.setGeometry(QRect(11, 22, 770, 560))
    comeback.remember(desk.window.windows)
    fresh = Prefs(desk.window.shell.prefs._settings.fileName())
    assert fresh.blob(f"geometry/{monitor_set()}") is not None, "before anybody signs in"
    again = MainWindow(fresh)
    desk.bot.addWidget(again)
    assert again.geometry().size() == desk.window.geometry().size()
    assert again.x() == 11


def test_a_record_of_a_list_that_is_still_loading_is_opened_when_it_is_there(desk: Desk) -> None:
    jobs = FakeJobs()
    desk.console.bridge.apis["jobs"] = jobs
    desk.backend.permissions |= {"jobs:read"}
    desk.sign_in("overview")
    wanted = jobs.found[1]
    desk.window.show_page("jobs", str(wanted.id))
    page = desk.window.pages["jobs"]
    assert isinstance(page, JobsPage)
    assert page.tables["jobs"].model_.skeleton
    desk.until(lambda: page.tables["jobs"].current_row() == wanted)
    assert [toast.text for toast in desk.window.shell.toasts.toasts] == []
