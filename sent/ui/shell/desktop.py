"""Native notifications: what is shown on the desktop, what stays quiet, and where a click leads.

Grouped per topic: a newer one of a topic takes the older one's place and counts. Never shown for what is in
front of the user; per-topic rules and quiet hours are the person's. Critical matters also stand in a bar in
every window until somebody acknowledges them; nothing else takes the focus or the window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from sent.platform.errors import Invalid
from sent.platform.i18n import tr
from sent.platform.links import parse_inside
from sent.ui.shell.bars import Critical
from sent.ui.shell.notifier import Notice

if TYPE_CHECKING:
    from sent.ui.prefs import Prefs
    from sent.ui.shell.notifier import Notifier
    from sent.ui.shell.shell import Common

Severity = Literal["info", "warning", "critical"]
RULES = ("on", "quiet", "off")
"""Of a topic: on the desktop, only counted at the tray, not at all (critical matters are never off)."""
TITLE, BODY = 200, 1000


@dataclass(slots=True)
class _Group:
    """What a topic has told since the user looked."""

    count: int = 0
    link: str = ""
    titles: list[str] = field(default_factory=list)


class Desktop(QObject):
    """`show` is what the rest of the console calls."""

    changed = Signal()
    """The number of unread matters, or whether one is critical."""

    def __init__(
        self,
        common: Common,
        notifier: Notifier,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        super().__init__()
        self._common, self._notifier, self._now = common, notifier, now
        self._groups: dict[str, _Group] = {}
        self._links: dict[str, str] = {}
        """Where the latest notice of a topic leads, also after the user looked."""
        self._acting: dict[str, dict[str, Callable[[], object]]] = {}
        notifier.pressed.connect(self._pressed)
        common.person_changed.connect(self._forget)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusWindowChanged.connect(lambda window: self.read_all() if window is not None else None)

    @property
    def unread(self) -> int:
        """Return how many matters came since the user looked at a window."""
        return sum(group.count for group in self._groups.values())

    @property
    def critical(self) -> bool:
        """Say whether a critical matter waits."""
        windows = self._common.windows
        return windows is not None and bool(windows.main.critical.waiting)

    def show(
        self,
        title: str,
        body: str = "",
        link: str = "",
        topic: str = "",
        severity: Severity = "info",
        actions: dict[str, Callable[[], object]] | None = None,
    ) -> bool:
        """Tell the user of a matter; `link` is an inside link. False: it was kept quiet.

        `actions` are further buttons (title -> what it does) where the desktop has some.
        """
        title, body = title[:TITLE], body[:BODY]
        rule = self.rule(topic)
        if self._in_front(link) or (rule == "off" and severity != "critical"):
            return False
        group = self._groups.setdefault(topic, _Group())
        group.count, group.link = group.count + 1, link
        self._links[topic] = link
        group.titles = [*group.titles, title][-5:]
        if severity == "critical":
            self._raise_bar(title, body, link, topic)
        shown = severity == "critical" or (rule == "on" and not self.paused())
        if shown:
            self._notify(group, title, body, topic, severity, actions or {})
        self.changed.emit()
        return shown

    def rule(self, topic: str) -> str:
        """Return the person's rule for a topic, or for the longest beginning of it that has one."""
        parts = topic.split(".")
        for upto in range(len(parts), 0, -1):
            found = self._common.prefs.own(f"notify/topic/{'.'.join(parts[:upto])}")
            if found in RULES:
                return found
        return "on"

    def paused(self) -> bool:
        """Say whether the person keeps this console quiet for a while (see the tray)."""
        return self._common.prefs.own("notify/pause") > self._now().isoformat()

    def read_all(self) -> None:
        """The user looks at the console: nothing is unread any more."""
        if self._groups:
            self._groups.clear()
            self.changed.emit()

    def _notify(
        self,
        group: _Group,
        title: str,
        body: str,
        topic: str,
        severity: str,
        actions: dict[str, Callable[[], object]],
    ) -> None:
        buttons = [("default", tr("Open"))] if group.link else []
        run: dict[str, Callable[[], object]] = {}
        for number, (name, call) in enumerate(actions.items()):
            buttons.append((f"action-{number}", name))
            run[f"action-{number}"] = call
        if severity == "critical":
            buttons.append(("acknowledge", tr("Acknowledge")))
            run["acknowledge"] = lambda: self.acknowledge(topic)
        self._acting[topic] = run
        if group.count > 1:
            body = "\n".join([body, tr("and {n} more", n=group.count - 1)]).strip()
        self._notifier.show(Notice(topic, title, body, severity, tuple(buttons)))

    def _in_front(self, link: str) -> bool:
        """Say whether a window with the focus shows exactly this."""
        windows = self._common.windows
        if windows is None or not link:
            return False
        return any(
            window.isActiveWindow()
            and link in (window.current, f"{window.current}/{window.current_record()}")
            for window in windows.all
        )

    def _raise_bar(self, title: str, body: str, link: str, topic: str) -> None:
        windows = self._common.windows
        if windows is not None:
            go = (lambda: self.go(link)) if link else None
            for window in windows.all:
                window.critical.raise_matter(Critical(topic, title, body, go))

    def acknowledge(self, topic: str) -> None:
        """Take a critical matter away in every window."""
        windows = self._common.windows
        for window in windows.all if windows is not None else ():
            if any(matter.key == topic for matter in window.critical.waiting):
                window.critical.acknowledge(topic)
        self.changed.emit()

    def go(self, link: str) -> None:
        """Bring the window to the front that shows (or then shows) what a notice was about."""
        windows = self._common.windows
        if windows is None or self._common.person is None:
            return
        try:
            place = parse_inside(link)
        except Invalid:
            windows.reach(windows.main)
            return
        windows.follow(place.page, place.record or "")

    def _pressed(self, topic: str, action: str) -> None:
        run = self._acting.get(topic, {}).get(action)
        if run is not None:
            run()
            return
        self.go(self._links.get(topic, ""))

    def _forget(self) -> None:
        """Another person, or nobody: nothing of the one before is counted or can be pressed."""
        if self._common.person is None:
            self._groups.clear()
            self._acting.clear()
            self._links.clear()
            windows = self._common.windows
            for window in windows.all if windows is not None else ():
                window.critical.clear_all()
            self.changed.emit()


def topics(prefs: Prefs) -> dict[str, str]:
    """Return the topics a rule can be made for, with their titles where the manifests know them.

    These are what the engines publish under a title, and those that have a rule already.
    """
    from sent.platform import registry

    titles = dict.fromkeys(prefs.own_keys("notify/topic"), "")
    for manifest in registry.manifests():
        for event in manifest.events:
            if event.title:
                titles[event.topic] = f"{tr(manifest.title)}: {tr(event.title)}"
    return {topic: titles[topic] or topic for topic in sorted(titles)}
