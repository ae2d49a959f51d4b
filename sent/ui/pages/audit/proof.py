"""How far the trail is proved: sealed, anchored, verified; and the first entry that is not as it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFrame, QPushButton

from sent.platform.i18n import tr, trn
from sent.ui.kit.text import absolute, count, relative
from sent.ui.kit.widgets import Dot, Elided, button, column, row

if TYPE_CHECKING:
    from sent.engines.audit.api import ProofState, Report
    from sent.ui.bridge import Handle
    from sent.ui.pages.audit.page import AuditPage
    from sent.ui.shell.tasks import Task


class Proof(QFrame):
    """One line above the list; red with a way to the entry when something was changed."""

    def __init__(self, page: AuditPage) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setAccessibleName(tr("Proof of the trail"))
        self._page = page
        self._dot = Dot()
        self._text = Elided(tr("Reading how far the trail is sealed…"), weight="medium")
        self._remark = Elided(" ", tone="2", type="s")
        self.show_button: QPushButton = button(tr("Show entry"), self._show_bad)
        self.verify_button: QPushButton = button(tr("Verify now"), self.verify)
        self.show_button.hide()
        words = column(self._text, self._remark, gap=2)
        line = row(self._dot, words, self.show_button, self.verify_button, gap=10, margins=(14, 9, 12, 9))
        line.setStretch(1, 1)
        self.setLayout(line)
        self._state: ProofState | None = None
        self._finding: Mapping[str, Any] | None = None
        self._own: tuple[datetime, Report] | None = None
        self._handle: Handle | None = None
        self._task: Task | None = None

    def load(self) -> None:
        """Ask how far it is."""

        async def ask() -> ProofState:
            found: ProofState = await self._page.api("audit").proof_state(self._page.ctx)
            return found

        self._page.run(ask, done=self.show_state, failed=lambda error: self._say("warn", error.message, ""))

    def show_state(self, state: ProofState) -> None:
        """Show what the server knows."""
        self._state = state
        if self._handle is None:
            self._paint()

    def set_stale(self, stale: bool) -> None:
        """Nobody knows how far it is while the database is away."""
        self._dot.set_tone("text3" if stale else self._tone())
        self.verify_button.setEnabled(not stale)

    def verify(self) -> None:
        """Verify from here, with progress and cancel in the task centre; a second time cancels."""
        if self._handle is not None:
            if self._task is not None:
                self._task.cancel()
            return
        shell = self._page.shell
        if shell.bridge is None or shell.person is None:
            return
        task = self._task = shell.tasks.start(tr("Verifying the audit trail"), self._cancelled)
        bridge = self._page.bridge()

        def tell(report: Report) -> None:
            done, last = report.entries, report.sealed_to
            bridge.post(lambda: self._progress(done, last))

        async def work() -> Report:
            found: Report = await self._page.api("audit").verify(self._page.ctx, tell)
            return found

        self.verify_button.setText(tr("Cancel"))
        self._handle = bridge.run(
            work, owner=self._page, done=self._done, failed=lambda e: self._failed(e.message), limit=None
        )
        self._say("info", tr("Verifying…"), "")
        task.progress(None)

    def _progress(self, entries: int, last: int) -> None:
        if self._handle is None or self._task is None:
            return
        text = trn("{n} entry is right so far", "{n} entries are right so far", n=entries)
        self._task.progress(None, text)
        self._say("info", tr("Verifying…"), f"{text}, {tr('up to number {seq}', seq=last)}")

    def _done(self, report: Report) -> None:
        self._over()
        self._own = (datetime.now().astimezone(), report)
        if self._task is not None:
            if report.finding is None:
                self._task.finish(trn("{n} entry is right", "{n} entries are right", n=report.entries))
            else:
                self._task.fail(report.finding.text)
        self._paint()

    def _failed(self, reason: str) -> None:
        self._over()
        if self._task is not None:
            self._task.fail(reason)
        self._paint()
        self._remark.setText(reason)

    def _cancelled(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._over()
        self._paint()

    def _over(self) -> None:
        self._handle = None
        self.verify_button.setText(tr("Verify now"))

    def _paint(self) -> None:
        state = self._state
        finding = self._newest_finding()
        self._finding = finding
        self.show_button.setVisible(finding is not None)
        if finding is not None:
            text = tr("The trail was changed: {text}", text=str(finding["text"]))
            remark = tr("Entry {seq}, seal {seal}", seq=finding["seq"], seal=finding["seal"])
            self._say("bad", text, f"{remark} · {self._verified()}")
            return
        if state is None or state.sealed_at is None:
            self._say("warn", tr("Not sealed yet: the core service seals within seconds"), self._verified())
            return
        waiting = ""
        if state.waiting:
            waiting = " · " + trn("{n} entry waits", "{n} entries wait", n=state.waiting)
        self._say(
            self._tone(),
            tr("Sealed up to {time}", time=absolute(state.sealed_at)) + waiting,
            f"{self._anchored()} · {self._verified()}",
        )

    def _tone(self) -> str:
        state = self._state
        if self._finding is not None:
            return "bad"
        if state is None or state.sealed_at is None or state.anchored_at is None:
            return "warn"
        return "ok"

    def _newest_finding(self) -> Mapping[str, Any] | None:
        """Return what the newest verification, here or at the server, found wrong."""
        state = self._state
        server = state.verified_at if state is not None else None
        if self._own is not None and (server is None or self._own[0] > server):
            bad = self._own[1].finding
            return None if bad is None else {"text": bad.text, "seq": bad.seq, "seal": bad.seal}
        if state is not None and state.verified is not None:
            found: Mapping[str, Any] | None = state.verified.get("finding")
            return found
        return None

    def _anchored(self) -> str:
        if self._state is None or self._state.anchored_at is None:
            return tr("No anchor outside the database yet")
        return tr("Anchored outside the database {when}", when=relative(self._state.anchored_at))

    def _verified(self) -> str:
        if self._own is not None:
            at, report = self._own
            text = trn("{n} entry", "{n} entries", n=report.entries)
            return tr("Verified here {when}, {entries}", when=relative(at), entries=text)
        state = self._state
        if state is None or state.verified_at is None or state.verified is None:
            return tr("Never verified")
        number = count(float(state.verified.get("entries", 0)))
        when = relative(state.verified_at)
        return tr("Verified at the server {when}, {n} entries", when=when, n=number)

    def _say(self, tone: str, text: str, remark: str) -> None:
        self._dot.set_tone(tone)
        self._text.setText(text)
        self._remark.setText(remark or " ")
        self.setAccessibleDescription(f"{text} {remark}".strip())

    def _show_bad(self) -> None:
        if self._finding is not None and self._finding.get("seq") is not None:
            self._page.show_number(int(self._finding["seq"]))
