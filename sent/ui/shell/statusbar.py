"""The status bar: tasks at the left; workers, freshness and the database at the right."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QToolButton, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.text import clock
from sent.ui.kit.widgets import Dot, label, row


class StatusBar(QFrame):
    """Always true or silent: what is not known is not shown."""

    tasks_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("statusbar")
        self.setFixedHeight(28)
        self.tasks = QToolButton()
        self.tasks.setAccessibleName(tr("Task centre"))
        self.tasks.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.tasks.clicked.connect(lambda _=False: self.tasks_wanted.emit())
        self._note = label("", tone="2", type="s")
        self._workers, self._workers_dot = label("", tone="2", type="s"), Dot()
        self._fresh = label("", tone="2", type="s")
        self._database, self._dot = label(tr("Database: starting"), tone="2", type="s"), Dot()
        for widget, name in (
            (self._workers, tr("Workers")),
            (self._fresh, tr("Data freshness")),
            (self._database, tr("Database state")),
        ):
            widget.setAccessibleName(name)
        right: list[QWidget | int | None] = [
            self._workers_dot,
            self._workers,
            10,
            self._fresh,
            10,
            self._dot,
            self._database,
        ]
        self.setLayout(row(self.tasks, self._note, None, *right, gap=6, margins=(10, 0, 14, 0)))
        self.show_tasks(0, "")
        self._workers_dot.hide()

    def show_tasks(self, running: int, text: str) -> None:
        """Show how many tasks run, and the latest one's progress."""
        self.tasks.setText(
            trn("{n} task running", "{n} tasks running", n=running) if running else tr("No tasks")
        )
        self._note.setText(text)

    def show_database(self, state: str, latency_ms: float) -> None:
        """Show online with its round trip, offline, or starting."""
        texts = {
            "online": tr("Database {ms} ms", ms=formats().figure(latency_ms, 1)),
            "offline": tr("Database: no answer, trying again"),
            "starting": tr("Database: starting"),
        }
        self._database.setText(texts.get(state, state))
        self._dot.set_tone({"online": "ok", "offline": "bad"}.get(state, "text3"))

    def show_workers(self, healthy: int, total: int) -> None:
        """Show how many workers are healthy."""
        self._workers_dot.setVisible(total > 0)
        self._workers_dot.set_tone("ok" if healthy == total else "bad" if not healthy else "warn")
        if healthy == total:
            self._workers.setText(trn("{n} worker", "{n} workers", n=total) if total else tr("No workers"))
        else:
            self._workers.setText(tr("{healthy} of {total} workers", healthy=healthy, total=total))

    def forget_workers(self) -> None:
        """Show nothing about workers: it is not known."""
        self._workers.setText("")
        self._workers_dot.hide()

    def show_fresh(self, at: datetime | None, *, stale: bool) -> None:
        """Show when the data on screen was read."""
        if at is None:
            self._fresh.setText("")
        else:
            self._fresh.setText(
                tr("As of {time}", time=clock(at)) if stale else tr("Updated {time}", time=clock(at))
            )

    def texts(self) -> dict[str, str]:
        """Return what the bar says, for tests and screen readers."""
        parts: dict[str, QLabel] = {
            "database": self._database,
            "workers": self._workers,
            "fresh": self._fresh,
        }
        return {name: widget.text() for name, widget in parts.items()}
