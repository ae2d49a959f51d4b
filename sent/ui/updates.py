"""Updates as the console has them: what is installed, what runs in the background, when to restart.

The work is done by a process of its own (`sent.platform.update.orders`), one order at a time; it goes on
whatever page is in front and stands in the task centre. It may be killed at any point, so the end of the
console ends it too. Where SENT does not update itself `layout` is None and nothing here does anything.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from sent.platform.errors import SentError
from sent.platform.i18n import tr
from sent.platform.update import policy as policies
from sent.platform.update import schedule, told, trial
from sent.platform.update.layout import Layout, installation, order
from sent.ui.updatewords import error_words, order_title, progress_words

if TYPE_CHECKING:
    from sent.ui.shell.shell import Common
    from sent.ui.shell.tasks import Task

FIRST_MS = 20_000
"""After the start, plus this machine's own delay of up to a minute: nothing looks while it paints."""
DUE_MS = 60_000
WATCH_MS = 2_000
END_MS = 5_000
"""How long an order that was cancelled may take to end by itself."""
PROOF_MS = 40_000
"""A database may take its time to start; the starter takes a version back after a minute."""
RATE_S = 4.0
"""The rate shown is that of so many seconds."""

LONG = ("apply", "add", "rollback", "auto")
"""What stands in the task centre."""

Done = Callable[[dict[str, Any]], None]
Failed = Callable[[SentError], None]


class Updates(QObject):
    """One per console; made after the first paint."""

    changed = Signal()
    """Another order, progress, or result."""
    installed = Signal(str)
    """Another version than the running one is current now."""

    def __init__(
        self,
        common: Common,
        parent: QObject | None = None,
        *,
        layout: Layout | None = None,
        own: str | None = None,
        program: Sequence[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        super().__init__(parent)
        self._common, self._now = common, now
        self.layout = layout or installation()
        self.own = own or (trial.own_version() if self.layout is not None else "")
        self._program = list(program) or [sys.executable]
        self.order, self.argument, self.bundle = "", "", ""
        """The order that is being carried out, or ""."""
        self.progress: dict[str, Any] = {}
        self.failed_with: SentError | None = None
        """Why the last order failed or was cancelled."""
        self.current = self.own
        self._process: QProcess | None = None
        self._task: Task | None = None
        self._last: dict[str, dict[str, Any]] = {}
        self._heard: tuple[Done, Failed] = (_nothing, _nothing)
        self._rates: list[tuple[float, int]] = []
        self._watch = QTimer(self, interval=WATCH_MS)
        self._watch.timeout.connect(self.look_at_current)
        self._due = QTimer(self, singleShot=True)
        self._due.timeout.connect(self.look_if_due)
        self._proof = QTimer(self, singleShot=True, interval=PROOF_MS)
        self._proof.timeout.connect(self.prove)

    def start(self) -> None:
        """Watch what is current, and look for updates from time to time."""
        if self.layout is None:
            return
        self._watch.start()
        self._proof.start()
        self._due.start(FIRST_MS + round(schedule.delay(self.layout) / schedule.SPREAD_S * DUE_MS))
        self.look_at_current()

    def prove(self, error: SentError | None = None) -> None:
        """This version works: it shows the login. What SENT did not expect of itself is no proof of that."""
        self._proof.stop()
        if error is None or error.code != "console.failed":
            trial.proved()

    def stop(self) -> None:
        """End with the console; what was downloaded is used by the next update."""
        for timer in (self._watch, self._due, self._proof):
            timer.stop()
        if self._process is not None:
            self._process.finished.disconnect()
            self._process.kill()
            self._process.waitForFinished(END_MS)
            self._process = None

    @property
    def busy(self) -> bool:
        """Say whether an order is being carried out."""
        return bool(self.order)

    @property
    def waiting(self) -> str:
        """Return the installed version that the console would restart with, or ""."""
        return self.current if self.current != self.own else ""

    def rate(self) -> float:
        """Return bytes a second of the last moments, 0 when it is not known."""
        if len(self._rates) < 2:
            return 0.0
        (begun, first), (ended, last) = self._rates[0], self._rates[-1]
        return max(0.0, (last - first) / (ended - begun)) if ended > begun else 0.0

    def carry_out(
        self,
        order: str,
        argument: str = "",
        *,
        bundle: str = "",
        done: Done | None = None,
        failed: Failed | None = None,
    ) -> bool:
        """Begin an order; False when one is being carried out already, or SENT does not update itself."""
        if self.layout is None or self.busy:
            return False
        self.order, self.argument, self.bundle = order, argument, bundle
        self.progress, self._last, self._rates = {}, {}, []
        self.failed_with = None
        self._heard = (done or _nothing, failed or _nothing)
        words = [*self._program[1:], *told.command(order, *([argument] if argument else []), bundle=bundle)]
        process = QProcess(self)
        process.setStandardErrorFile(QProcess.nullDevice())
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._broken)
        self._process = process
        if order in LONG and order != "auto":
            self._list(order)
        process.start(self._program[0], words)
        self.changed.emit()
        return True

    def cancel(self) -> None:
        """Take the order back: the process ends in order, or is killed; nothing is changed either way."""
        process = self._process
        if process is None:
            return
        process.terminate()
        QTimer.singleShot(END_MS, process, process.kill)

    def look_if_due(self) -> None:
        """Do by itself what is due, in the background; looks again in a minute."""
        self._due.start(DUE_MS)
        if self.layout is None or self.busy:
            return
        try:
            step = schedule.step(self.layout, policies.load(self.layout), self._now())
        except SentError:
            return  # The page says what is wrong with the policy.
        if step is not None:
            self.carry_out("auto")

    def look_at_current(self) -> None:
        """See whether somebody installed another version."""
        current = self.layout.running() if self.layout is not None else None
        if current is None or current == self.current:
            return
        self.current, self.failed_with = current, None
        if self.waiting:
            self.installed.emit(current)
        self.changed.emit()

    def newer(self, version: str) -> bool:
        """Say whether a version is newer than the current one."""
        return bool(version) and (not self.current or order(version) > order(self.current))

    def _list(self, kind: str) -> None:
        self._task = self._common.tasks.start(order_title(kind, self.argument), self.cancel)

    def _read(self) -> None:
        process = self._process
        while process is not None and process.canReadLine():
            line = told.read(bytes(process.readLine(told.LINE).data()))
            self._last = line or self._last
            if (progress := line.get("progress")) is not None:
                self._advance(progress)

    def _advance(self, progress: dict[str, Any]) -> None:
        if self._task is None:
            self._list(self.order)  # It installs by itself: people see it and can stop it.
        if progress.get("step") != self.progress.get("step"):
            self._rates = []
        self.progress = progress
        moment, done, total = time.monotonic(), int(progress["done"]), max(int(progress["total"]), 1)
        self._rates = [*[r for r in self._rates if moment - r[0] <= RATE_S], (moment, done)]
        if self._task is not None:
            share = min(1.0, done / total) if progress["step"] == "download" else None
            self._task.progress(share, progress_words(progress, self.rate()))
        self.changed.emit()

    def _finished(self, _code: int = 0, _status: object = None) -> None:
        self._read()
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        cancelled = self._task is not None and self._task.state == "cancelled"
        try:
            result = told.outcome(self._last)
        except SentError as error:
            gone = SentError("update.cancelled", "the update was cancelled; nothing was changed")
            self._end(gone if cancelled and error.code == "update.ended" else error)
            return
        self._end(None, result)

    def _end(self, error: SentError | None, result: dict[str, Any] | None = None) -> None:
        task, self._task = self._task, None
        (done, failed), self._heard = self._heard, (_nothing, _nothing)
        kind, self.order = self.order, ""
        self.progress = {}
        if task is not None:
            if error is None:
                task.finish(tr("Done"))
            elif error.code == "update.cancelled":
                task.cancel()
            else:
                task.fail(error_words(error.code, error.message))
        self.look_at_current()
        # A mirror that was tried is told where it was tried; what was done by itself stands in the note.
        self.failed_with = error if kind not in ("test", "auto") else None
        self.changed.emit()
        if error is None:
            done(result or {})
        else:
            failed(error)

    def _broken(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._last = {"error": {"code": "update.ended", "message": "the update's process does not start"}}
            self._finished()


def _nothing(_what: object) -> None:
    """Nobody asked to hear it."""
