"""Shows on the desktop what the person is told, and says that it was shown.

Woken by the bus; a look every minute finds what quiet hours held back and what came while nobody listened.
With several consoles of one person each shows it, and the first one's word counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QObject, QTimer

from sent.platform.i18n import language

if TYPE_CHECKING:
    from sent.platform.errors import SentError
    from sent.ui.bridge import Bridge
    from sent.ui.shell.shell import Common

EVERY_MS = 60_000
TOPIC = "notify.notice.raised"


class Teller(QObject):
    """One for the whole console."""

    def __init__(self, common: Common, bridge: Bridge) -> None:
        super().__init__(common)
        self._common, self._bridge = common, bridge
        self._busy = self._again = False
        self._shown: set[UUID] = set()
        """Whose showing may not have been told yet: a lost answer shows nothing twice."""
        bridge.hint.connect(self._hear)
        common.person_changed.connect(self.look)
        timer = QTimer(self, interval=EVERY_MS)
        timer.timeout.connect(self.look)
        timer.start()

    def _hear(self, hints: list[tuple[str, dict[str, str]]]) -> None:
        if any(topic == TOPIC for topic, _ in hints):
            self.look()

    def look(self) -> None:
        """Ask what was not shown yet."""
        if self._common.person is None:
            return
        if self._busy:
            self._again = True
            return

        async def ask() -> tuple[str, Sequence[Any]]:
            ctx = self._bridge.ctx
            return str(ctx.actor), list(await self._bridge.api("notifications").unshown(ctx))

        self._busy = self._bridge.run(ask, owner=self, done=self._show, failed=self._failed) is not None

    def _show(self, answer: tuple[str, Sequence[Any]]) -> None:
        self._busy = False
        whose, found = answer
        person, desktop = self._common.person, self._common.desktop
        if person is None or person.id != whose or desktop is None:
            return
        for one in found:
            if one.delivery not in self._shown:
                words = one.texts.get(language()) or one.texts["en"]
                desktop.show(words["title"], words["body"], one.link or "", one.topic, one.severity)
        self._shown = {one.delivery for one in found}
        if found:
            ids = [one.delivery for one in found]

            async def tell() -> None:
                await self._bridge.api("notifications").shown(self._bridge.ctx, ids)

            self._bridge.run(tell, owner=self, done=lambda _none: None, failed=self._failed)
        if self._again:
            self._again = False
            self.look()

    def _failed(self, _error: SentError) -> None:
        """The next look asks again."""
        self._busy = False
