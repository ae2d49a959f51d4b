"""What is proposed for the lines of a bank account, asked for as seldom as suits how long it takes.

Matching looks at all lines and items together; over thousands of them that takes seconds. After each
accepted line only what used the same items is dropped at once; all is asked for again after a multiple of
what it took, and soon when something else changed (an import, a rule, an undo). Two questions never run side
by side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from sent.engines.capital.bank.api import BankAccount, Proposal
    from sent.platform.errors import SentError
    from sent.ui.kit.page import Page

REST = 6
"""As many times as long as the last answer took passes before the next question."""
LIMIT_S = 300.0


class Proposer(QObject):
    """`on` hears that `found` changed; `known` says whether it is an answer about the account in front."""

    def __init__(self, page: Page, on: Callable[[], None]) -> None:
        super().__init__(page)
        self._page, self._on = page, on
        self.found: dict[UUID, Proposal] = {}
        self.known = False
        self._bank: BankAccount | None = None
        self._busy = self._again = False
        self._took = self._ended = 0.0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._ask)

    def forget(self) -> None:
        """Another account comes to the front."""
        self.found, self.known, self._bank = {}, False, None
        self._timer.stop()

    def drop(self, movements: Iterable[UUID]) -> None:
        """Lines are done: forget what was proposed for them, and what would use the same items."""
        gone = {id: one for id in movements if (one := self.found.pop(id, None)) is not None}
        used = {taken.open.id for one in gone.values() for taken in one.taken}
        self.found = {
            id: one for id, one in self.found.items() if not used & {taken.open.id for taken in one.taken}
        }

    def ask(self, bank: BankAccount, *, soon: bool) -> None:
        """Ask now where there is no answer yet or it is wanted `soon`, else when it was long enough ago."""
        self._bank = bank
        wait = self._ended + REST * self._took - time.monotonic()
        if soon or not self.known or wait <= 0:
            self._timer.stop()
            self._ask()
        elif not self._timer.isActive():
            self._timer.start(round(wait * 1000))

    def _ask(self) -> None:
        bank = self._bank
        if bank is None:
            return
        if self._busy:
            self._again = True
            return
        self._busy = True
        began = time.monotonic()

        async def read() -> list[Proposal]:
            found: list[Proposal] = await self._page.api("capital.bank").propose(self._page.ctx, bank.id)
            return found

        def done(found: list[Proposal]) -> None:
            self._over(began)
            if self._bank is not None and self._bank.id == bank.id:
                self.found = {id: one for one in found for id in one.movements}
                self.known = True
                self._on()

        def failed(error: SentError) -> None:
            self._over(began)
            self._page.shell.report(error)

        self._page.bridge().run(
            read, owner=self._page, done=done, failed=failed, label="proposals", limit=LIMIT_S
        )

    def _over(self, began: float) -> None:
        self._busy = False
        self._ended = time.monotonic()
        self._took = self._ended - began
        if self._again:
            self._again = False
            self._timer.start(0)
