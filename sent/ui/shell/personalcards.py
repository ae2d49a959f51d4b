"""Settings of the person on this machine: notifications, windows, and what was kept for him after a crash."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.choice import Segments
from sent.ui.kit.form import line_of
from sent.ui.kit.widgets import button, clear, column, label
from sent.ui.shell.desktop import RULES, topics

if TYPE_CHECKING:
    from sent.ui.shell.settings import SettingsPage


class PersonalCard(QFrame):
    """A card whose lines are made anew whenever the page comes to the front."""

    title = ""

    def __init__(self, page: SettingsPage) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._page, self._prefs = page, page.shell.prefs
        self._box = column(gap=14)
        self.setLayout(
            column(label(self.heading(), weight="bold"), self._box, gap=14, margins=(20, 16, 20, 18))
        )

    def heading(self) -> str:
        """Return the card's title."""
        return ""

    def show_now(self) -> None:
        """Show everything as it is."""
        clear(self._box)
        if self._page.shell.person is not None:
            for line in self.lines():
                self._box.addWidget(line)

    def lines(self) -> list[QWidget]:
        """Return the card's lines."""
        return []

    def choice(self, key: str, default: str, title: str, help: str, *choices: tuple[str, str]) -> QWidget:
        """Return a line whose choice is kept under `key`."""
        made = Segments(title, choices, self._prefs.own(key, default), partial(self._prefs.set_own, key))
        return line_of(title, help, made)

    def yes_no(self, key: str, default: str, title: str, help: str) -> QWidget:
        """Return a line with a switch kept under `key`."""
        return self.choice(key, default, title, help, ("yes", tr("Yes")), ("no", tr("No")))


class NotificationsCard(PersonalCard):
    """Sound, a rule for each topic, and the way to the quiet hours, which the server keeps."""

    def heading(self) -> str:
        return tr("Notifications")

    def lines(self) -> list[QWidget]:
        rules = (("on", tr("Show")), ("quiet", tr("Only count")), ("off", tr("Off")))
        said = tr("Show on the desktop, only count at the tray, or nothing")
        return [
            line_of(
                tr("Quiet hours"),
                tr("For mail and all your consoles; the same at every place you sign in"),
                button(tr("Preferences"), partial(self._page.shell.open, "notifications", "preferences")),
            ),
            self.yes_no(
                "notify/sound", "yes", tr("Sound"), tr("Repeats until a critical matter is acknowledged")
            ),
            *[
                self.choice(f"notify/topic/{topic}", RULES[0], title, said, *rules)
                for topic, title in topics(self._prefs).items()
            ],
        ]


class WindowsCard(PersonalCard):
    """What becomes of windows when they are closed and opened again."""

    def heading(self) -> str:
        return tr("Windows")

    def lines(self) -> list[QWidget]:
        common = self._page.shell.common
        has_tray = common.tray is not None and common.tray.icon is not None
        tray = (
            tr("The tray keeps telling what happens")
            if has_tray
            else tr("This desktop has no tray: closing the last window ends SENT")
        )
        return [
            self.choice(
                "close",
                "",
                tr("When the main window is closed"),
                tray,
                ("", tr("Ask")),
                ("keep", tr("Go on")),
                ("quit", tr("Quit")),
            ),
            self.choice(
                "windows.restore",
                "yes",
                tr("Open my other windows again"),
                tr("After signing in, per set of monitors"),
                ("yes", tr("Yes")),
                ("no", tr("No")),
            ),
        ]


class RecoveryCard(PersonalCard):
    """Drafts that were not sent, and what to do when something does not work."""

    def heading(self) -> str:
        return tr("Recovery")

    def lines(self) -> list[QWidget]:
        drafts = self._page.shell.drafts
        kept = len(drafts.keys())
        said = trn("{n} text is kept", "{n} texts are kept", n=kept) if kept else tr("None is kept now")
        drop = button(tr("Delete drafts"), self._drop, kind="quiet")
        drop.setEnabled(kept > 0)
        report = button(tr("Report a problem"), partial(self._page.shell.actions.trigger, "problem.report"))
        return [
            line_of(
                tr("Unsent texts"),
                tr("What you type in forms survives a crash, on this machine only. {said}.", said=said),
                drop,
            ),
            line_of(
                tr("Something does not work"),
                tr("Packs logs and versions without secrets; you see all of it before it is saved"),
                report,
            ),
            label(
                tr(
                    "Lost your second factor? Sign in with one of your recovery codes, "
                    "or ask an administrator to reset it. No connection? What is on screen stays; "
                    "the bar on top says as of when."
                ),
                tone="3",
                type="s",
                wrap=True,
            ),
        ]

    def _drop(self) -> None:
        self._page.shell.drafts.forget_all()
        self.show_now()
