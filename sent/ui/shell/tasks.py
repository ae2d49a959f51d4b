"""The task centre: everything that takes longer than a second, with progress and cancel."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QFrame, QProgressBar, QVBoxLayout, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import Elided, IconLabel, clear, column, label, row, tool
from sent.ui.theme.dressing import dress

KEPT = 8


class Task(QObject):
    """One long piece of work; `cancel` gives control back at once."""

    changed = Signal()

    def __init__(self, title: str, cancel: Callable[[], object] | None) -> None:
        super().__init__()
        self.title, self._cancel = title, cancel
        self.share: float | None = None
        self.text = ""
        self.state = "running"

    def progress(self, share: float | None, text: str = "") -> None:
        """Say how far it is: 0 to 1, or None when nobody knows."""
        if self.state == "running":
            self.share, self.text = share, text
            self.changed.emit()

    def finish(self, text: str = "") -> None:
        """Say that it is done."""
        self._end("done", text)

    def fail(self, text: str) -> None:
        """Say why it failed."""
        self._end("failed", text)

    def cancel(self) -> None:
        """Stop it."""
        if self.state == "running":
            self._end("cancelled", tr("Cancelled"))
            if self._cancel is not None:
                self._cancel()

    def on_cancel(self, cancel: Callable[[], object]) -> None:
        """Set what stops the work."""
        self._cancel = cancel

    def _end(self, state: str, text: str) -> None:
        if self.state == "running":
            self.state, self.text = state, text
            self.changed.emit()


class TaskCentre(QObject):
    """All tasks of this console; finished ones stay listed for a while."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[Task] = []

    def start(self, title: str, cancel: Callable[[], object] | None = None) -> Task:
        """List a new task."""
        task = Task(title, cancel)
        task.changed.connect(self.changed)
        self.tasks = [*self.tasks, task]
        while len(self.tasks) > KEPT and any(t.state != "running" for t in self.tasks):
            self.tasks.remove(next(t for t in self.tasks if t.state != "running"))
        self.changed.emit()
        return task

    def running(self) -> list[Task]:
        """Return the tasks that run now."""
        return [task for task in self.tasks if task.state == "running"]

    def clear_finished(self) -> None:
        """Forget what is over."""
        self.tasks = self.running()
        self.changed.emit()


class TaskPanel(QFrame):
    """The task centre's list, above the status bar."""

    def __init__(self, centre: TaskCentre, window: QWidget) -> None:
        super().__init__(window)
        self._centre, self._window = centre, window
        self.setProperty("kind", "floating")
        self.setAccessibleName(tr("Task centre"))
        self._box: QVBoxLayout = column(gap=10)
        head = row(
            label(tr("Tasks"), weight="bold"),
            None,
            tool("list-x", tr("Clear finished"), centre.clear_finished),
            tool("x", tr("Close"), self.hide),
        )
        self.setLayout(column(head, self._box, gap=10, margins=(16, 12, 12, 16)))
        self.setFixedWidth(360)
        self._rows: dict[int, tuple[Task, QWidget]] = {}
        self._shown: list[Task] = []
        centre.changed.connect(self.refresh)
        dress(self)
        self.hide()

    def refresh(self) -> None:
        """Show the tasks as they are now."""
        if not self.isVisible():
            return
        clear(self._box)
        if not self._centre.tasks:
            self._box.addWidget(label(tr("Exports and other long work appear here"), tone="3"))
        for task in reversed(self._centre.tasks):
            self._box.addWidget(_entry(task))
        self._place()

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and self.isVisible():
            self._place()
        return handled

    def _place(self) -> None:
        self.adjustSize()
        self.move(10, self._window.height() - self.height() - 34)
        self.raise_()

    def toggle(self) -> None:
        """Open or close the list."""
        self.setVisible(not self.isVisible())
        self.refresh()


def _entry(task: Task) -> QWidget:
    box = QWidget()
    looks = {
        "running": ("loader-circle", "info"),
        "done": ("circle-check", "ok"),
        "failed": ("circle-alert", "bad"),
        "cancelled": ("circle-slash", "text3"),
    }
    parts: list[QWidget | int | None] = [
        IconLabel(*looks[task.state], 15),
        Elided(task.title, weight="medium"),
    ]
    if task.state == "running":
        parts.append(tool("x", tr("Cancel {title}", title=task.title), task.cancel, size=13))
    body = column(row(*parts), gap=4)
    if task.state == "running":
        bar = QProgressBar()
        bar.setTextVisible(False)
        bar.setAccessibleName(task.title)
        bar.setRange(0, 1000 if task.share is not None else 0)
        bar.setValue(round((task.share or 0) * 1000))
        body.addWidget(bar)
    if task.text:
        body.addWidget(label(task.text, tone="bad" if task.state == "failed" else "3", type="s", wrap=True))
    box.setLayout(body)
    return box
