"""All windows of the console: one main window, and pages or records torn off into windows of their own.

They share the session, the bridge and the theme, and each has its own history, palette and messages. Losing
the database and signing out reach all of them. Which stood open is remembered per person and per set of
monitors; nothing is ever restored where no screen is.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtWidgets import QApplication

from sent.platform.errors import Invalid
from sent.platform.links import parse_inside
from sent.ui.shell import comeback
from sent.ui.shell.geometry import monitor_set, placed, screens

if TYPE_CHECKING:
    from sent.ui.shell.window import MainWindow

LIMIT = 12
"""Windows besides the main one."""
STEP = 36


class Windows(QObject):
    """Knows every window; `main` first."""

    changed = Signal()
    connection_changed = Signal()

    def __init__(self, main: MainWindow) -> None:
        super().__init__(main)
        self.main = main
        self.others: list[MainWindow] = []
        self._shutting = False

    @property
    def all(self) -> list[MainWindow]:
        """Return all windows."""
        return [self.main, *self.others]

    def front(self) -> MainWindow:
        """Return the window the user works in."""
        active = QApplication.activeWindow()
        return next((window for window in self.all if window is active), self.main)

    def open_apart(self, page: str, record: str = "", *, place: QRect | None = None) -> MainWindow | None:
        """Show a page, or one record of it, in a new window; None when there are too many or it may not."""
        if len(self.others) >= LIMIT or not self.main.may_show(page):
            return None
        before = self.front().geometry()
        window = type(self.main)(self.main.shell.prefs, self.main.shell.common)
        wanted = place or QRect(
            before.x() + STEP,
            before.y() + STEP,
            min(before.width(), 900 if record else 1180),
            min(before.height(), 760),
        )
        window.setGeometry(placed(wanted, screens()))
        self.others.append(window)
        window.show_connection(self.main.connection, 0.0)
        window.show_page(page)
        if record:
            window.pages[page].show_alone(record)
        window.show()
        window.raise_()
        window.activateWindow()
        self.save()
        self.changed.emit()
        return window

    def bring_back(self, window: MainWindow) -> None:
        """Show in the main window what stands in `window`, and close that."""
        if window is self.main:
            return
        page, record = window.current, window.current_record()
        window.close()
        self.main.show_page(page, record)
        self.reach(self.main)

    def reach(self, window: MainWindow) -> None:
        """Bring a window to the front, from the tray or from behind others."""
        if window.isMinimized():
            window.showNormal()
        window.show()
        window.raise_()
        window.activateWindow()
        QApplication.alert(window)

    def showing(self, page: str, record: str) -> MainWindow | None:
        """Return the window that shows this record already."""
        return next(
            (w for w in self.all if w.current == page and record and w.current_record() == record), None
        )

    def follow(self, page: str, record: str) -> None:
        """Go to a place: in the window that shows it, else in the main window."""
        window = self.showing(page, record) or self.main
        window.show_page(page, record)
        self.reach(window)

    def gone(self, window: MainWindow) -> None:
        """Forget a window that was closed."""
        if window in self.others:
            self.others.remove(window)
            if not self._shutting:
                self.save()
            self.changed.emit()

    def shut(self) -> None:
        """Close all but the main window; which stood open stays remembered."""
        self.save()
        self._shutting = True
        for window in list(self.others):
            window.close()
        self._shutting = False

    def person_changed(self) -> None:
        """Hide the other windows while nobody is signed in; show them again afterwards."""
        signed_in = self.main.shell.person is not None
        for window in self.others:
            window.setVisible(signed_in)
        if signed_in and not self.others:
            self.restore()

    def show_connection(self, state: str, latency_ms: float) -> None:
        """Tell every window how the database answers."""
        for window in self.all:
            window.show_connection(state, latency_ms)
        self.connection_changed.emit()

    def deliver_hints(self, hints: list[tuple[str, dict[str, str]]]) -> None:
        """Pass bus hints on to every window."""
        for window in self.all:
            window.deliver_hints(hints)

    def leave(self) -> None:
        """The session is over: the front pages stop, and the windows stay remembered."""
        self.save()
        for window in self.all:
            page = window.pages.get(window.current)
            if page is not None:
                page.deactivate()

    def forget_pages(self) -> None:
        """Another person comes, or nobody: no window shows anything of the one before."""
        self._shutting = True
        for window in list(self.others):
            window.close()
        self._shutting = False
        self.main.shell.toasts.clear()
        self.main.forget_pages()

    @staticmethod
    def geometry_keys() -> tuple[str, str]:
        """Return what the main window's place is kept under: for any monitors, and for these."""
        return ("geometry", f"geometry/{monitor_set()}")

    def save(self) -> None:
        """Remember which windows stand where, for these monitors and this person."""
        kept: list[dict[str, Any]] = []
        for window in self.others:
            record = window.current_record()
            box = window.geometry().getRect()
            kept.append({"place": f"{window.current}/{record}" if record else window.current, "box": box})
        self.main.shell.prefs.set_own(f"windows/{monitor_set()}", json.dumps(kept) if kept else "")

    def restore(self) -> None:
        """Open the windows that stood open with these monitors, or all that a restart closed."""
        if comeback.restore(self):
            return
        text = self.main.shell.prefs.own(f"windows/{monitor_set()}")
        if not text or self.main.shell.prefs.own("windows.restore", "yes") != "yes":
            return
        with suppress(ValueError, TypeError, KeyError, Invalid):
            for kept in json.loads(text)[:LIMIT]:
                link = parse_inside(kept["place"])
                x, y, width, height = (int(number) for number in kept["box"])
                self.open_apart(link.page, link.record or "", place=QRect(x, y, width, height))
        self.main.activateWindow()
