"""Another version was installed: the console says so, and starts again with it when the person wants.

Nobody is made to: the version that runs goes on. Before it restarts it asks for texts that no draft keeps;
afterwards every window is where it was (`shell.comeback`). When a version did not start and the starter went
back, the next console says so once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, QTimer

from sent.platform.i18n import tr, trn
from sent.platform.update import trial
from sent.platform.update.layout import order
from sent.ui.shell import comeback
from sent.ui.updatewords import reason_words

if TYPE_CHECKING:
    from sent.ui.shell.windows import Windows
    from sent.ui.updates import Updates

AGAIN = "start_again"
"""The application's property that has `boot` start the current version when the event loop ends."""
TOLD = "update/told"
LATER_MS = 4 * 3600 * 1000
BY_HAND = "was taken back by hand"


class Restart(QObject):
    """Offers and does the restart of one console."""

    def __init__(self, windows: Windows, updates: Updates) -> None:
        super().__init__(windows)
        self._windows, self._updates = windows, updates
        self._later = QTimer(self, singleShot=True, interval=LATER_MS)
        self._later.timeout.connect(self.offer)
        updates.installed.connect(lambda _version: self.offer())
        windows.main.shell.person_changed.connect(self.tell_failed)

    def offer(self) -> None:
        """Say that another version is installed."""
        if self._updates.waiting:
            self._windows.main.update_bar.ask(
                tr(
                    "SENT {version} is installed; this console still runs {own}.",
                    version=self._updates.waiting,
                    own=self._updates.own,
                ),
                (tr("Restart now"), self.ask),
                (tr("Later"), self._later.start),
            )

    def ask(self) -> None:
        """Restart, after a question where something typed would be lost or an update would be stopped."""
        shell = self._windows.main.shell
        unsaved = sum(window.unsaved() for window in self._windows.all)
        if self._updates.busy:
            shell.toast(tr("An update is going on; restart when it is done"), tone="warn")
            self._later.start()
        elif unsaved:
            self._windows.main.update_bar.ask(
                trn(
                    "There is unsaved text in {n} window, which a restart loses.",
                    "There is unsaved text in {n} windows, which a restart loses.",
                    n=unsaved,
                ),
                (tr("Stay"), self._later.start),
                (tr("Restart anyway"), self.go),
            )
        else:
            self.go()

    def go(self) -> None:
        """Remember every window and end the event loop; `boot` starts the current version then."""
        comeback.remember(self._windows)
        application = QCoreApplication.instance()
        if application is not None:
            application.setProperty(AGAIN, True)
            # Not `quit`: that would ask every window whether it may close, and its tray whether to stay.
            QTimer.singleShot(0, partial(application.exit, 0))

    def tell_failed(self) -> None:
        """Say once which version did not start here, and why."""
        layout, shell = self._updates.layout, self._windows.main.shell
        if layout is None or shell.person is None:
            return
        own = order(self._updates.own)
        found = [(v, why) for v, why in trial.failed(layout).items() if order(v) > own and why != BY_HAND]
        told = "\n".join(f"{version} {why}" for version, why in found)
        if not found or shell.prefs.text(TOLD) == told:
            return
        shell.prefs.set_text(TOLD, told)
        version, why = found[-1]
        answers = [(tr("OK"), _nothing)]
        if self._windows.main.may_show("updates"):
            answers.append((tr("Show updates"), partial(shell.open, "updates")))
        text = tr(
            "SENT {version} did not start on this machine and was taken back; {own} runs on. {reason}.",
            version=version,
            own=self._updates.own,
            reason=reason_words(why).rstrip("."),
        )
        self._windows.main.update_bar.ask(text, *answers)


def _nothing() -> None:
    """It was read."""
