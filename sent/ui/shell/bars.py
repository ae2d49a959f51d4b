"""Full-width bars below the top bar: a question that waits, a critical matter until it is acknowledged.

They take room, never the focus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel

from sent.platform.i18n import tr
from sent.ui.kit.widgets import Elided, IconLabel, button, clear, label, row
from sent.ui.theme import theme

Answer = tuple[str, Callable[[], object]]

AGAIN_MS = 4000
"""Between two sounds of a critical matter that nobody acknowledged."""


class QuestionBar(QFrame):
    """A question with its answers; a new one takes the place of the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "banner")
        self._box = row(gap=10, margins=(20, 6, 16, 6))
        self.setLayout(self._box)
        self.text = ""
        self.hide()

    def ask(self, text: str, *answers: Answer) -> None:
        """Show the question; any answer takes it away."""
        clear(self._box)
        self.text = text
        body = label(text, wrap=True)
        self._box.addWidget(IconLabel("info", "info", 16))
        self._box.addWidget(body, 1)
        for number, (title, run) in enumerate(answers):
            self._box.addWidget(
                button(title, partial(self._chosen, run), kind="primary" if not number else "quiet")
            )
        self.show()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def _chosen(self, run: Callable[[], object]) -> None:
        self.hide()
        self.text = ""
        run()


@dataclass(frozen=True, slots=True)
class Critical:
    """A matter that wants somebody now."""

    key: str
    title: str
    body: str
    open: Callable[[], object] | None


class CriticalBar(QFrame):
    """The newest critical matter and how many more wait, until somebody acknowledges them."""

    acknowledged = Signal(str)
    """The key."""
    changed = Signal()

    def __init__(self, sound: Callable[[], bool]) -> None:
        super().__init__()
        self.setObjectName("critical")
        self.setAccessibleName(tr("Critical"))
        theme.state().changed.connect(self._restyle)
        self._restyle()
        self._sound = sound
        self.waiting: list[Critical] = []
        self._box = row(gap=10, margins=(20, 8, 16, 8))
        self.setLayout(self._box)
        self._again = QTimer(self, interval=AGAIN_MS)
        self._again.timeout.connect(self._ring)
        self.rung = 0
        self.hide()

    def raise_matter(self, matter: Critical) -> None:
        """Show a matter; one with the same key takes the other's place."""
        self.waiting = [m for m in self.waiting if m.key != matter.key] + [matter]
        self._show()
        self._ring()
        self._again.start()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, f"{matter.title}. {matter.body}"))

    def acknowledge(self, key: str = "") -> None:
        """Take the newest matter (or the one with this key) away."""
        gone = next((m for m in reversed(self.waiting) if not key or m.key == key), None)
        if gone is not None:
            self.waiting.remove(gone)
            self.acknowledged.emit(gone.key)
            self._show()

    def clear_all(self) -> None:
        """Another person comes: nothing of the one before stays."""
        self.waiting = []
        self._show()

    def _restyle(self) -> None:
        t = theme.tokens()
        self.setStyleSheet(
            f"#critical {{ background: {t.critical_soft}; border-bottom: 2px solid {t.critical}; }}"
        )

    def _ring(self) -> None:
        if self.waiting and self._sound():
            self.rung += 1
            QApplication.beep()

    def _show(self) -> None:
        clear(self._box)
        self.setVisible(bool(self.waiting))
        self.changed.emit()
        if not self.waiting:
            self._again.stop()
            return
        matter, more = self.waiting[-1], len(self.waiting) - 1
        self._box.addWidget(IconLabel("siren", "critical", 18))
        self._box.addWidget(label(matter.title, weight="bold"))
        # One line, however many a digest has: the bar takes room from every page.
        parts = [part.removeprefix("- ") for part in matter.body.split("\n")]
        self._box.addWidget(Elided(" · ".join(parts)), 1)
        if more:
            self._box.addWidget(label(tr("and {n} more", n=more), tone="2"))
        if matter.open is not None:
            self._box.addWidget(button(tr("Open"), matter.open, kind="primary"))
        self._box.addWidget(button(tr("Acknowledge"), self.acknowledge, name=tr("Acknowledge critical")))


def lost_banner(retry: Callable[[], object]) -> tuple[QFrame, QLabel]:
    """Return the bar that says since when the database is lost, and its text."""
    frame = QFrame()
    frame.setProperty("kind", "banner")
    text = label("", wrap=True)
    again = button(tr("Try now"), retry, kind="link")
    layout = row(IconLabel("cloud-off", "medium", 16), text, again, gap=10, margins=(20, 6, 16, 6))
    layout.setStretch(1, 1)
    frame.setLayout(layout)
    frame.hide()
    return frame, text
