"""Follows links from outside: keeps them until somebody is signed in, changes no organisation silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from sent.platform.i18n import tr
from sent.platform.links import Link

if TYPE_CHECKING:
    from sent.ui.shell.shell import Common
    from sent.ui.shell.window import MainWindow


class Follower(QObject):
    """One link at a time: a newer one takes the place of one that waits."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._common: Common = window.shell.common
        self.waiting: Link | None = None
        self._common.slug_known.connect(self._go)

    def follow(self, link: Link | None) -> None:
        """Go to a place, now or after the sign-in; None only brings the console to the front."""
        windows = self._window.windows
        windows.reach(windows.front())
        if link is not None:
            self.waiting = link
            if self._common.person is None:
                self._window.shell.toast(tr("Sign in to open the link"), tone="info")
            self._go()

    def _go(self) -> None:
        link, person, slug = self.waiting, self._common.person, self._common.slug
        if link is None or person is None or not slug:
            return
        if link.org in (None, slug):
            self.waiting = None
            self._open(link)
        else:
            self._offer(link, person.organisation)

    def _open(self, link: Link) -> None:
        window = self._window
        if not window.may_show(link.page):
            window.shell.toast(
                tr("There is no page {name} here, or your role may not see it", name=link.page), tone="warn"
            )
            return
        record = link.record or ""
        if not record:
            record = f"filter:{link.query['q']}" if "q" in link.query else ""
            record = f"view:{link.query['view']}" if "view" in link.query else record
        window.windows.follow(link.page, record)

    def _offer(self, link: Link, organisation: str) -> None:
        """Say that the link is another organisation's; going there is the user's decision."""
        self._window.question.ask(
            tr(
                "The link is of the organisation {slug}; you are signed in to {organisation}.",
                slug=link.org or "",
                organisation=organisation,
            ),
            (tr("Sign in there"), self._window.shell.sign_out_wanted.emit),
            (tr("Stay here"), self._forget),
        )

    def _forget(self) -> None:
        self.waiting = None
