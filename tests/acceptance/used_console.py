"""The real console used by a tireless person: `python used_console.py SECONDS REPORT_FILE`.

Signs in to the demo organisation, then does one thing after the other that people do all day, one whole round
at least. Twice a minute (more often in a short run) it writes one JSON line of what the process holds.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from sent.platform import registry
from sent.ui import boot
from sent.ui.theme import theme

STEP_MS = 400
FILTERS = ("level:high", "level:critical -state:closed", "words that match nothing", "rule:powershell", "")


class Person:
    """Does the same round of things again and again."""

    def __init__(self, window: Any, seconds: float, report: Path) -> None:
        self.window = window
        self._began = time.monotonic()
        self._seconds = seconds
        self._every = max(2.0, min(30.0, seconds / 40))
        self._report = report.open("w", encoding="utf-8")
        self._steps = self._round()
        self._next_line = 0.0
        self.rounds = 0
        self._timer = QTimer(interval=STEP_MS)
        self._timer.timeout.connect(self._step)
        self._timer.start()

    def _step(self) -> None:
        now = time.monotonic() - self._began
        if self.window.shell.person is None:
            if now > 90:
                raise SystemExit("nobody was signed in")
            return
        next(self._steps)()
        # A slow machine takes longer than the given time for its first round: that round is finished.
        done = now > self._seconds and self.rounds >= 1
        if done or now >= self._next_line:
            self._next_line = now + self._every
            self._report.write(json.dumps(self._held() | {"at": round(now, 1)}) + "\n")
            self._report.flush()
        if done:
            self._timer.stop()
            app = QApplication.instance()
            if app is not None:
                app.quit()

    def _round(self) -> Iterator[Callable[[], object]]:
        window = self.window
        pages = [page.id for _, page in registry.pages()]
        themes = itertools.cycle(("dark", "light"))
        filters = itertools.cycle(FILTERS)
        while True:
            for page in pages:
                yield lambda page=page: window.show_page(page)  # type: ignore[misc]
                yield lambda: None
            yield lambda: window.show_page("radar")
            yield lambda: self._filter(next(filters))
            yield lambda: self._open_first()
            yield lambda: self._back()
            yield lambda: window.pages["radar"].show_tab(1)
            yield lambda: None
            yield lambda: window.pages["radar"].show_tab(0)
            yield window.palette_.open_palette
            yield lambda: window.palette_.field.setText("rad")
            yield window.palette_.close_layer
            yield lambda: theme.apply(next(themes))
            yield lambda: self._apart("overview")
            yield lambda: None
            yield self._together
            yield lambda: setattr(self, "rounds", self.rounds + 1)

    def _apart(self, page: str) -> None:
        self.window.windows.open_apart(page)

    def _together(self) -> None:
        for other in list(self.window.windows.others):
            other.close()

    def _filter(self, text: str) -> None:
        self.window.pages["radar"].queue.filter.set_text(text)

    def _open_first(self) -> None:
        queue = self.window.pages["radar"].queue
        alert = queue.table.model_.row(0) if queue.table.model_.known() else None
        if alert is not None:
            queue.open_alert(alert)

    def _back(self) -> None:
        self.window.pages["radar"].back()

    def _held(self) -> dict[str, Any]:
        gc.collect()
        roots: list[QObject] = [self.window, *QApplication.topLevelWidgets()]
        bridge = self.window.property("console").bridge
        return {
            "rss_mb": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6,
            "threads": threading.active_count(),
            "files": len(os.listdir("/proc/self/fd")),
            "tasks": len(asyncio.all_tasks(bridge._loop)),
            "objects": sum(len(root.findChildren(QObject)) for root in roots),
            "rounds": self.rounds,
        }


def main() -> int:
    """Run the console for some seconds."""
    _, window, gate = boot.build(["--demo"])
    window.painted.connect(lambda: boot._start(window, gate, ["--demo"]))
    window.show()
    gate.open()
    person = Person(window, float(sys.argv[1]), Path(sys.argv[2]))
    app = QApplication.instance()
    assert app is not None
    code = app.exec()
    return code if person.rounds else 3


if __name__ == "__main__":
    raise SystemExit(main())
