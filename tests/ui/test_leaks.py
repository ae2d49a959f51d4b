"""A console that is used all day keeps its size: sign-ins and page switches leave nothing behind."""

from __future__ import annotations

import gc
import threading
from collections import Counter

import pytest
from PySide6.QtCore import QObject, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from ui.conftest import Desk
from ui.fakes import FakeBackend
from ui.walk import PAGES, rest

from sent.platform import registry
from sent.ui.kit.timerange import parse

ROUNDS, SWITCHES = 30, 100


def census(desk: Desk) -> Counter[str]:
    """Count the Qt objects of the console by class, and the threads."""
    rest(desk)
    roots: list[QObject] = [QApplication.instance() or desk.window, desk.console.bridge]
    roots += [w for w in QApplication.topLevelWidgets() if w.parent() is None]
    found: Counter[str] = Counter()
    for root in roots:
        found.update(child.metaObject().className() for child in root.findChildren(QObject))
    found["threads"] = threading.active_count()
    found["top-level widgets"] = len(QApplication.topLevelWidgets())
    found["running timers"] = sum(t.isActive() for t in desk.window.findChildren(QTimer))
    return found


def grown(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] > before[name] + 2}


def visit_all(desk: Desk) -> None:
    """Visit all pages there are: the console makes those nobody visited when it has time."""
    every = [page.id for _, page in registry.pages() if desk.window.may_show(page.id)]
    for page in (*every, *PAGES):
        desk.window.show_page(page)
        rest(desk)


def test_a_hundred_page_switches_leave_nothing_behind(desk: Desk) -> None:
    desk.sign_in()
    visit_all(desk)
    visit_all(desk)
    before = census(desk)
    for number in range(SWITCHES):
        desk.window.show_page(PAGES[number % len(PAGES)])
        rest(desk)
    assert grown(before, census(desk)) == {}


def sign_in_again(desk: Desk) -> None:
    desk.gate.password.set_text(desk.backend.password)
    desk.gate.sign_in_form.submit()
    desk.until(lambda: desk.window.shell.person is not None)
    rest(desk)


def test_thirty_sign_ins_and_outs_leave_nothing_behind(desk: Desk, backend: FakeBackend) -> None:
    desk.sign_in("radar")
    before: Counter[str] = Counter()
    for number in range(ROUNDS):
        rest(desk)
        desk.window._prewarm.stop()
        desk.window.shell.sign_out_wanted.emit()
        desk.until(lambda: backend.broker.logged_out == number + 1)  # noqa: B023  (called at once)
        sign_in_again(desk)
        if number == 2:
            before = census(desk)
    assert grown(before, census(desk)) == {}
    assert backend.closed == ROUNDS, "every session's database was closed"


def test_nothing_is_said_on_stderr_when_the_database_comes_and_goes(
    desk: Desk, backend: FakeBackend, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.sign_in("radar")
    rest(desk)
    capfd.readouterr()
    for _ in range(3):
        backend.up = False
        desk.console._look_again()
        desk.until(lambda: not desk.window.banner.isHidden())
        backend.up = True
        desk.console._look_again()
        desk.until(lambda: desk.window.banner.isHidden())
    rest(desk)
    assert "Traceback" not in capfd.readouterr().err


def python_objects() -> Counter[str]:
    """Count what Python holds of the console, by class."""
    gc.collect()
    found: Counter[str] = Counter()
    for one in gc.get_objects():
        kind = type(one)
        if str(kind.__module__).startswith("sent.ui") or kind.__name__ == "cell":
            found[kind.__name__] += 1
    return found


def settled(desk: Desk) -> Counter[str]:
    """Count when what was closed has gone: Qt deletes in its own time."""
    counts = []
    for _ in range(10):
        rest(desk)
        QTest.qWait(30)
        counts.append(python_objects())
    return min(counts, key=lambda count: count.total())


def test_twenty_windows_that_were_closed_leave_nothing_behind(desk: Desk) -> None:
    """What leaks grows with every window; what Qt or the palette still holds of the last one does not."""
    desk.sign_in("overview")
    visit_all(desk)
    windows = desk.window.windows
    counts = []
    for number in range(20):
        windows.open_apart("overview", "")
        rest(desk)
        for other in list(windows.others):
            other.close()
        rest(desk)
        if number in (3, 11, 19):
            counts.append(settled(desk))
    early, middle, late = counts
    grown_twice = {
        name: (early[name], middle[name], late[name])
        for name in late
        if middle[name] > early[name] + 5 and late[name] > middle[name] + 5
    }
    assert grown_twice == {}
    desk.window.shell.ranges.choose(parse("15m"))
