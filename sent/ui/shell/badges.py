"""The rail's badges: how much waits on each page, true or absent.

Every page that says how much waits (`Page.waiting`) is asked every ten seconds and soon after a hint from the
bus that concerns it. What could not be read is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from PySide6.QtCore import QObject, QTimer

from sent.ui.kit.pace import Pace
from sent.ui.kit.page import Page
from sent.ui.shell.rail import Rail
from sent.ui.shell.shell import Shell

EVERY_MS, SOON_MS, APART_MS = 10_000, 400, 2000
SHOWN = 99


class Badges(QObject):
    """Keeps the badges of `rail` true for the pages that were made so far."""

    def __init__(self, shell: Shell, rail: Rail, pages: Mapping[str, Page], parent: QObject) -> None:
        super().__init__(parent)
        self._shell, self._rail, self._pages = shell, rail, pages
        self._asked: set[str] = set()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._hinted: set[str] = set()
        self._pace = Pace(self, self._look_at_hinted, soon_ms=SOON_MS, apart_ms=APART_MS)

    def start(self) -> None:
        """Look now and from now on."""
        self._timer.start()
        self.look()

    def stop(self) -> None:
        """Nobody is signed in: show nothing."""
        self._timer.stop()
        self._pace.stop()
        self._hinted.clear()
        self.forget()

    def forget(self) -> None:
        """Show nothing: it is not known."""
        for item in self._rail.items.values():
            item.set_badge("")

    def hear(self, topics: Iterable[str]) -> None:
        """Look soon at the pages that a topic concerns; the delay is not prolonged by further hints."""
        heard = tuple(topics)
        met = {id for id, page in self._pages.items() if any(t.startswith(page.topics) for t in heard)}
        if met and self._timer.isActive():
            self._hinted |= met
            self._pace.hint()

    def _look_at_hinted(self) -> None:
        hinted, self._hinted = self._hinted, set()
        self._ask(hinted)

    def look(self) -> None:
        """Ask every page that counts; one question at a time each."""
        self._ask(self._pages)

    def _ask(self, ids: Iterable[str]) -> None:
        if self._shell.person is None or not self._shell.online:
            return
        for id in ids:
            page = self._pages.get(id)
            counts = page is not None and type(page).waiting is not Page.waiting
            if page is not None and counts and id in self._rail.items and id not in self._asked:
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
