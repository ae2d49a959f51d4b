"""The rail's badges: how much waits on each page, true or absent.

Every page that says how much waits (`Page.waiting`) is asked every ten seconds and soon after a hint from the
bus. What could not be read is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from PySide6.QtCore import QObject, QTimer

from sent.ui.kit.page import Page
from sent.ui.shell.rail import Rail
from sent.ui.shell.shell import Shell

EVERY_MS, SOON_MS = 10_000, 400
SHOWN = 99


class Badges(QObject):
    """Keeps the badges of `rail` true for the pages that were made so far."""

    def __init__(self, shell: Shell, rail: Rail, pages: Mapping[str, Page], parent: QObject) -> None:
        super().__init__(parent)
        self._shell, self._rail, self._pages = shell, rail, pages
        self._asked: set[str] = set()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self.look)

    def start(self) -> None:
        """Look now and from now on."""
        self._timer.start()
        self.look()

    def stop(self) -> None:
        """Nobody is signed in: show nothing."""
        self._timer.stop()
        self._soon.stop()
        self.forget()

    def forget(self) -> None:
        """Show nothing: it is not known."""
        for item in self._rail.items.values():
            item.set_badge("")

    def hear(self, topics: Iterable[str]) -> None:
        """Look soon when a topic concerns a page; the delay is not prolonged by further hints."""
        prefixes = tuple(prefix for page in self._pages.values() for prefix in page.topics)
        quiet = self._timer.isActive() and not self._soon.isActive()
        if quiet and any(topic.startswith(prefixes) for topic in topics):
            self._soon.start()

    def look(self) -> None:
        """Ask every page that counts; one question at a time each."""
        if self._shell.person is None or not self._shell.online:
            return
        for id, page in self._pages.items():
            counts = type(page).waiting is not Page.waiting
            if counts and id in self._rail.items and id not in self._asked:
                self._asked.add(id)
                page.run(page.waiting, done=partial(self._show, id), failed=partial(self._lost, id))

    def _show(self, id: str, waiting: int | None) -> None:
        self._asked.discard(id)
        item = self._rail.items.get(id)
        if item is not None and self._shell.online and self._shell.person is not None:
            text = "" if not waiting else str(waiting) if waiting <= SHOWN else f"{SHOWN}+"
            item.set_badge(text)

    def _lost(self, id: str, _error: object) -> None:
        self._show(id, None)

    def pages_changed(self) -> None:
        """The pages were destroyed: their late answers never come."""
        self._asked.clear()
