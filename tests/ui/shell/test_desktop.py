"""K7 21, 22, 23: the tray, notifications, critical matters."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel
from ui.conftest import Desk
from ui.fakes import an_alert

from sent.platform.errors import Unavailable
from sent.ui import dbus
from sent.ui.pages.radar import RadarPage
from sent.ui.shell.desktop import Desktop
from sent.ui.shell.notifier import Notice
from sent.ui.shell.tray import Tray, tray_icon

LINK = f"radar/alert/{an_alert(3).id}"


class Screen:
    """Keeps what would be shown on the desktop."""

    def __init__(self, desk: Desk) -> None:
        self.desktop = desk.window.shell.desktop
        self.shown: list[Notice] = []
        self.desktop._notifier.show = self.shown.append  # type: ignore[method-assign]

    def press(self, key: str, action: str = "default") -> None:
        self.desktop._notifier.pressed.emit(key, action)


@pytest.fixture
def screen(desk: Desk) -> Screen:
    found = Screen(desk)
    desk.sign_in("overview")
    desk.settle()
    return found


def test_k7_22_a_click_on_a_notification_leads_to_the_record(desk: Desk, screen: Screen) -> None:
    assert screen.desktop.show("New alert", "fs1", LINK, "radar.alert", "warning")
    notice = screen.shown[0]
    assert (notice.key, notice.severity, notice.actions[0][0]) == ("radar.alert", "warning", "default")
    screen.press("radar.alert")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.until(
        lambda: desk.window.current == "radar" and page.current_record() == LINK.removeprefix("radar/")
    )
    other = desk.window.windows.open_apart("radar", LINK.removeprefix("radar/"))
    assert other is not None
    desk.settle()
    desk.window.show_page("overview")
    screen.press("radar.alert")
    assert desk.window.current == "overview", "the window that shows the record already is the right one"
    desk.settle()


def test_k7_22_notifications_of_a_topic_are_grouped_and_their_buttons_act(desk: Desk, screen: Screen) -> None:
    done: list[str] = []
    for number in range(3):
        acknowledge = {"Acknowledge": lambda n=number: done.append(f"acknowledged {n}")}
        screen.desktop.show(f"Alert {number}", "fs1", LINK, "radar.alert", "warning", acknowledge)
    assert {notice.key for notice in screen.shown} == {"radar.alert"}, (
        "a newer one takes the older one's place"
    )
    assert "and 2 more" in screen.shown[-1].body
    assert screen.desktop.unread == 3
    id = next(id for id, title in screen.shown[-1].actions if title == "Acknowledge")
    screen.press("radar.alert", id)
    assert done == ["acknowledged 2"]
    screen.desktop.read_all()
    assert screen.desktop.unread == 0


def test_k7_22_never_for_what_is_in_front(desk: Desk, screen: Screen) -> None:
    desk.window.show_page("radar", LINK.removeprefix("radar/"))
    desk.settle()
    desk.until(desk.window.isActiveWindow)
    assert not screen.desktop.show("Seen", "", LINK, "radar.alert")
    assert screen.desktop.show("Other", "", "radar/alert/1", "radar.alert")


def test_k7_22_rules_per_topic_and_a_pause_are_the_persons(desk: Desk, screen: Screen) -> None:
    prefs = desk.window.shell.prefs
    prefs.set_own("notify/topic/radar", "off")
    prefs.set_own("notify/topic/radar.alert.raised", "quiet")
    assert not screen.desktop.show("a", topic="radar.rules.changed")
    assert screen.desktop.unread == 0
    assert not screen.desktop.show("b", topic="radar.alert.raised")
    assert screen.desktop.unread == 1, "quiet is counted at the tray"
    assert screen.desktop.show("c", topic="chat.message")
    prefs.set_own("notify/pause", datetime(2026, 1, 5, 11, 30, tzinfo=UTC).isoformat())
    screen.desktop._now = lambda: datetime(2026, 1, 5, 11, 0, tzinfo=UTC)
    assert not screen.desktop.show("d", topic="chat.message")
    assert screen.desktop.show("e", topic="chat.message", severity="critical")
    screen.desktop._now = lambda: datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
    assert screen.desktop.show("g", topic="chat.message")


def test_k7_23_a_critical_matter_stands_in_every_window_and_rings_until_acknowledged(
    desk: Desk, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = desk.window.windows.open_apart("audit")
    assert second is not None
    focus = QApplication.focusWidget()
    screen.desktop.show("Ransom note", "on fs1", LINK, "radar.alert", "critical")
    bars = [window.critical for window in (desk.window, second)]
    assert all(not bar.isHidden() and bar.width() >= bar.parentWidget().width() - 260 for bar in bars)
    assert QApplication.focusWidget() is focus, "nothing steals the focus"
    rung = bars[0].rung
    bars[0]._again.timeout.emit()
    assert bars[0].rung == rung + 1
    next(b for b in bars[0].findChildren(QAbstractButton) if "Acknowledge" in b.accessibleName()).click()
    assert all(bar.isHidden() for bar in bars), "acknowledged here is acknowledged everywhere"
    assert not bars[0]._again.isActive()
    desk.window.shell.prefs.set_own("notify/sound", "no")
    screen.desktop.show("Again", "", LINK, "radar.alert", "critical")
    assert bars[0].rung == rung + 1
    screen.press("radar.alert", "acknowledge")
    assert all(bar.isHidden() for bar in bars)
    screen.desktop.show("Plain", "", LINK, "radar.alert", "warning")
    assert all(bar.isHidden() for bar in bars)


def test_k7_23_a_digest_takes_one_line_of_the_bar(desk: Desk, screen: Screen) -> None:
    bar = desk.window.critical
    screen.desktop.show("One", "on fs1", LINK, "radar.alert", "critical")
    desk.settle()
    high = bar.sizeHint().height()
    screen.desktop.show("Many", "These:\n- a\n- b\n- c", LINK, "radar.alert", "critical")
    desk.settle()
    assert bar.sizeHint().height() == high
    assert any(one.text() == "These: · a · b · c" for one in bar.findChildren(QLabel))


def test_k7_23_signing_out_takes_what_was_critical_away(desk: Desk, screen: Screen) -> None:
    screen.desktop.show("Ransom note", "", LINK, "radar.alert", "critical")
    desk.window.shell.sign_out_wanted.emit()
    assert desk.window.critical.waiting == [] and screen.desktop.unread == 0


def a_tray(desk: Desk, *, available: bool) -> Tray:
    common = desk.window.shell.common
    assert common.desktop is not None
    common.tray = Tray(common, desk.window.windows, common.desktop, lambda: available)
    return common.tray


def test_k7_21_the_tray_shows_state_by_shape_and_counts_what_is_unread(desk: Desk, screen: Screen) -> None:
    tray = a_tray(desk, available=True)
    assert tray.icon is not None
    assert (tray.state, tray.count, tray.text()) == ("ok", 0, "SENT · All well")
    screen.desktop.show("a", topic="chat")
    assert (tray.state, tray.count) == ("warn", 1)
    screen.desktop.show("b", topic="chat", severity="critical")
    assert (tray.state, tray.text()) == ("incident", "SENT · Critical · 2 new")
    images = [tray_icon(state, 0).pixmap(64, 64).toImage() for state in ("ok", "warn", "incident")]
    shapes = {bytes(grey(image)) for image in images}
    assert len(shapes) == 3, "the shape tells the state without its colour"
    assert tray_icon("ok", 7).pixmap(64, 64).toImage() != images[0]


def grey(image: QImage) -> Any:
    """Return the picture with every colour of the state made one."""
    return image.convertToFormat(QImage.Format.Format_Alpha8).constBits()


def test_k7_21_closing_goes_on_in_the_tray_only_by_choice_asked_once(desk: Desk, screen: Screen) -> None:
    a_tray(desk, available=True)
    window = desk.window
    window.close()
    assert window.isVisible() and not window.question.isHidden()
    buttons = {b.text(): b for b in window.question.findChildren(QAbstractButton)}
    buttons["Go on in the tray"].click()
    assert not window.isVisible()
    tray = window.shell.common.tray
    assert tray is not None
    tray.open()
    assert window.isVisible()
    window.close()
    assert not window.isVisible() and window.question.isHidden(), "not asked again"
    window.shell.prefs.set_own("close", "quit")
    tray.open()
    window.close()
    assert not window.isVisible()


def test_k7_21_without_a_tray_everything_works_and_nothing_is_asked(desk: Desk, screen: Screen) -> None:
    tray = a_tray(desk, available=False)
    assert tray.icon is None
    screen.desktop.show("a", topic="chat", severity="critical")
    assert tray.text().startswith("SENT · Critical")
    desk.window.close()
    assert not desk.window.isVisible() and desk.window.question.isHidden()


@contextmanager
def session_bus(*press: str) -> Iterator[tuple[str, IO[str]]]:
    """Start a bus with a notification service on it; yields its address and what the service prints."""
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--print-address=1", "--nofork"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    service = None
    try:
        assert daemon.stdout is not None
        address = daemon.stdout.readline().strip()
        script = Path(__file__).with_name("notification_service.py")
        service = subprocess.Popen(
            [sys.executable, str(script), *press],
            env={"DBUS_SESSION_BUS_ADDRESS": address, "PATH": "/usr/bin", "HOME": "/tmp"},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert service.stdout is not None
        assert service.stdout.readline().strip() == "ready"
        yield address, service.stdout
    finally:
        for process in filter(None, (service, daemon)):
            process.terminate()
            process.wait(20)
            assert process.stdout is not None
            process.stdout.close()


@pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")
def test_k7_22_the_desktops_own_service_gets_it_and_its_button_raises_the_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_bus("default") as (address, printed):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        desk.sign_in("overview")
        desk.settle()
        desktop: Desktop = desk.window.shell.desktop
        desktop.show("Failed logons", "7 on fs1 <b>", LINK, "radar.alert", "critical")
        wanted = LINK.removeprefix("radar/")
        desk.bot.waitUntil(lambda: desk.window.current_record() == wanted, timeout=30_000)
        got = json.loads(printed.readline())
        assert got["signature"] == "susssasa{sv}i"
        assert (got["title"], got["replaces"]) == ("Failed logons", 0)
        assert got["actions"][:2] == ["default", "Open"]
        assert got["body"] == "7 on fs1 &lt;b&gt;", "what a log says is no markup"
        desk.window.show_page("overview")
        desktop.show("More", "", LINK, "radar.alert")
        assert json.loads(printed.readline())["replaces"] == 1, "one notice per topic"
        desk.settle()


async def test_k7_22_without_a_session_bus_the_console_says_so_and_goes_on() -> None:
    for address in ("", "tcp:host=x", "unix:path=/nowhere/bus", "unix:abstract=nothing-here"):
        with pytest.raises(Unavailable):
            await dbus.Bus(lambda *_: None).open(address or "none:")


def test_k7_22_messages_are_written_as_the_specification_lays_them_out() -> None:
    body = dbus.marshal("susssasa{sv}i", ("a", 0, "", "t", "b", ["x", "y"], {"u": ("y", 2)}, -1))
    assert body[:6] == b"\x01\0\0\0a\0" and body[-4:] == b"\xff\xff\xff\xff" and len(body) == 80
    with pytest.raises(ValueError, match="values"):
        dbus.marshal("su", ("a",))
    whole = dbus.message(1, 1, [(1, "o", "/x"), (3, "s", "Hello")], b"")
    assert len(whole) % 8 == 0 and whole[:4] == b"l\x01\0\x01"
