"""Goes through every place of a console: pages, details, layers, forms, the gate's panels."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget
from ui.conftest import Desk
from ui.fakes import an_event

from sent.platform.auth.client import MembershipChoice
from sent.platform.ids import MembershipId, OrgId, uuid7
from sent.ui.pages.audit import AuditPage
from sent.ui.pages.radar import RadarPage
from sent.ui.shell.settings import SettingsPage

INVITATION = MembershipChoice(
    MembershipId(uuid7()), OrgId(uuid7()), "Harbour", "analyst", client_narrowed=False, invited=True
)
PAGES = ("overview", "radar", "audit", "settings", "about")


def rest(desk: Desk) -> None:
    """Wait for answers and let layouts and deletions happen."""
    desk.settle()
    for _ in range(3):
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def gate_places(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    """Yield (name, widget) for each panel of the gate; nobody is signed in."""
    desk.start()
    gate = desk.gate
    for name, show in (
        ("sign in", gate.show_sign_in),
        ("second factor", gate.show_code),
        ("new password", gate.show_new_password),
        ("wizard", gate.show_setup),
        ("invitation", lambda: gate.show_invitation(INVITATION)),
    ):
        show()
        rest(desk)
        yield name, gate.card


def places(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    """Sign in and yield (name, widget) for each place, front to back."""
    desk.radar.events = [an_event(n) for n in range(50)]
    desk.sign_in()
    window = desk.window
    for id in PAGES:
        window.show_page(id)
        rest(desk)
        yield id, window
    yield from _details(desk)
    settings = window.pages["settings"]
    assert isinstance(settings, SettingsPage)
    window.show_page("settings")
    for name, show in (
        ("password form", settings.account.change_password),
        ("second factor form", settings.account.begin_factor),
        ("removal form", settings.account.remove_factor),
    ):
        show()
        rest(desk)
        yield name, window
    for name, layer in (("palette", window.palette_), ("shortcut sheet", window.sheet)):
        window.shell.actions.trigger("palette.open" if name == "palette" else "shortcuts.show")
        rest(desk)
        yield name, layer
        layer.close_layer()
    window.shell.tasks.start("Export", lambda: None)
    window.task_panel.toggle()
    rest(desk)
    yield "task centre", window
    window.task_panel.toggle()


def _details(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    window = desk.window
    window.show_page("radar")
    page = window.pages["radar"]
    assert isinstance(page, RadarPage)
    page.queue.open_alert(next(iter(desk.radar.rows.values())))
    rest(desk)
    yield "alert", window
    page.queue.back()
    page.show_tab(1)
    desk.until(lambda: page.tail.model.known() > 0)
    rest(desk)
    yield "live tail", window
    page.show_tab(0)
    window.show_page("audit")
    trail = window.pages["audit"]
    assert isinstance(trail, AuditPage)
    rest(desk)
    trail.table.go(0)
    trail.open_entry(trail.table.current_row())
    rest(desk)
    yield "change", window
