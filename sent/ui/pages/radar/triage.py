"""Acknowledge, close, reopen, assign: at once on screen, then on the server, with Undo.

The row changes before the server has answered; its answer replaces the row. When somebody else was faster,
the rows are read again and the message says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sent.platform.errors import Conflict, SentError
from sent.platform.i18n import tr, trn
from sent.ui.kit.page import Page
from sent.ui.pages.radar.columns import REASONS, reason_name, state_name
from sent.ui.shell.conflict import Side
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.radar.api import Alert

Show = Callable[[Sequence["Alert"]], None]


class Triage:
    """The actions on alerts; `show` puts changed alerts on screen, `reload` reads the list again."""

    def __init__(self, page: Page, show: Show, reload: Callable[[], None]) -> None:
        self._page, self._show, self._reload = page, show, reload

    def set_state(self, alerts: Sequence[Alert], state: Any, reason: str | None = None) -> None:
        """Bring alerts into a state; those that have it already are left alone."""
        changing = [alert for alert in alerts if alert.state != state]
        if not changing:
            return
        self._apply(changing, state, undo=True, reason=reason)

    def choose_reason(self, alerts: Sequence[Alert], close: Callable[[str | None], object]) -> None:
        """Let the user choose why alerts are closed; what he chose last stands first."""
        if not alerts:
            return
        prefs = self._page.shell.prefs
        last = prefs.own("radar/reason")

        def chosen(reason: str) -> None:
            prefs.set_own("radar/reason", reason if reason in REASONS else "")
            close(reason)

        title = trn("Close {n} alert because", "Close {n} alerts because", n=len(alerts))
        order = sorted(REASONS, key=lambda reason: reason != last)
        entries = [
            Entry(reason, reason_name(reason), icon="circle-check", run=partial(chosen, reason))
            for reason in order
        ]
        ask = partial(self._page.shell.ask, title, tr("Reason"), chosen)
        entries += [
            Entry("other", tr("Another reason …"), icon="square-pen", run=ask),
            Entry("none", tr("Without a reason"), icon="x", run=lambda: close(None)),
        ]
        self._page.shell.choose(title, entries)

    def comment(self, alerts: Sequence[Alert], text: str, written: Callable[[], object]) -> None:
        """Write a comment on alerts; Undo takes it back. `written` hears of both."""
        ids = [alert.id for alert in alerts]

        async def write() -> list[UUID]:
            made: list[UUID] = await self._page.api("radar").comment(self._page.ctx, ids, text)
            return made

        def done(made: list[UUID]) -> None:
            said = trn("Commented on {n} alert", "Commented on {n} alerts", n=len(made))
            self._page.shell.toast(said, undo=lambda: self._withdraw(made, written))
            written()

        self._page.run(write, done=done)

    def _withdraw(self, comments: list[UUID], written: Callable[[], object]) -> None:
        async def withdraw() -> None:
            await self._page.api("radar").withdraw_comments(self._page.ctx, comments)

        def done(_: None) -> None:
            self._page.shell.toast(tr("Undone"), tone="info")
            written()

        self._page.run(withdraw, done=done)

    def _apply(self, alerts: Sequence[Alert], state: Any, *, undo: bool, reason: str | None = None) -> None:
        self._show([replace(alert, state=state, reason=reason) for alert in alerts])
        expected = {alert.id: alert.version for alert in alerts}

        async def change() -> list[Alert]:
            radar = self._page.api("radar")
            changed: list[Alert] = await radar.set_state(
                self._page.ctx, list(expected), state, expected, reason=reason
            )
            return changed

        def done(changed: list[Alert]) -> None:
            self._show(changed)
            if undo:
                self._page.shell.toast(_said(state, len(changed)), undo=lambda: self._undo(alerts, changed))
            else:
                self._page.shell.toast(tr("Undone"), tone="info")
            self._reload()

        self._page.run(change, done=done, failed=lambda error: self._state_failed(alerts, state, error))

    def _state_failed(self, alerts: Sequence[Alert], state: str, error: SentError) -> None:
        """Somebody else decided first: read what he did and show both decisions, for a single alert."""
        self._failed(alerts, error)
        if not isinstance(error, Conflict) or len(alerts) != 1:
            return

        async def read() -> Alert:
            detail = await self._page.api("radar").alert(self._page.ctx, alerts[0].id)
            found: Alert = detail.alert
            return found

        def show(now: Alert) -> None:
            sides = [
                Side(tr("State"), state_name(now.state), state_name(state)),
                Side(tr("Assignee"), now.assignee_name or "–", now.assignee_name or "–"),
            ]
            self._page.shell.conflict_wanted.emit(
                now.title, sides, lambda _mine: self._apply([now], state, undo=True)
            )

        self._page.run(read, done=show)

    def _undo(self, before: Sequence[Alert], changed: Sequence[Alert]) -> None:
        now = {alert.id: alert for alert in changed}
        for state in {alert.state for alert in before}:
            back = [now[alert.id] for alert in before if alert.state == state and alert.id in now]
            self._apply(back, state, undo=False)

    def assign(self, alerts: Sequence[Alert], person: UUID | None, name: str | None) -> None:
        """Give alerts to a person, or to nobody."""
        before = {alert.id: (alert.assignee, alert.assignee_name) for alert in alerts}
        text = tr("Assigned to {name}", name=name) if name else tr("Assigned to nobody")

        def undo() -> None:
            for former in set(before.values()):
                rows = [alert for alert in alerts if before[alert.id] == former]
                self._give(rows, former[0], former[1], tr("Undone"), None)

        self._give(alerts, person, name, text, undo)

    def _give(
        self,
        alerts: Sequence[Alert],
        person: UUID | None,
        name: str | None,
        text: str,
        undo: Callable[[], None] | None,
    ) -> None:
        if not alerts:
            return
        self._show([replace(alert, assignee=person, assignee_name=name) for alert in alerts])

        async def change() -> list[Alert]:
            changed: list[Alert] = await self._page.api("radar").assign(
                self._page.ctx, [a.id for a in alerts], person
            )
            return changed

        def done(changed: list[Alert]) -> None:
            self._show(changed)
            self._page.shell.toast(text, undo=undo)

        self._page.run(change, done=done, failed=lambda error: self._failed(alerts, error))

    def choose_person(self, alerts: Sequence[Alert]) -> None:
        """Let the user choose whom to give the alerts to."""
        if not alerts:
            return

        async def people() -> list[tuple[UUID, str]]:
            found: list[tuple[UUID, str]] = await self._page.api("radar").people_for_assignment(
                self._page.ctx
            )
            return found

        def show(found: list[tuple[UUID, str]]) -> None:
            entries = [
                Entry("nobody", tr("Nobody"), icon="user-x", run=lambda: self.assign(alerts, None, None))
            ]
            for person, name in found:
                entries.append(Entry(str(person), name, icon="user", run=_giver(self, alerts, person, name)))
            self._page.shell.choose(
                trn("Assign {n} alert to", "Assign {n} alerts to", n=len(alerts)), entries
            )

        self._page.run(people, done=show)

    def _failed(self, alerts: Sequence[Alert], error: SentError) -> None:
        self._show(alerts)
        if isinstance(error, Conflict):
            self._page.shell.toast(
                tr("Somebody else changed it first; the list shows how it is now"), tone="warn"
            )
            self._reload()
        else:
            self._page.shell.report(error)


def _giver(triage: Triage, alerts: Sequence[Alert], person: UUID, name: str) -> Callable[[], None]:
    return lambda: triage.assign(alerts, person, name)


def _said(state: str, number: int) -> str:
    if state == "acknowledged":
        return trn("Acknowledged {n} alert", "Acknowledged {n} alerts", n=number)
    if state == "closed":
        return trn("Closed {n} alert", "Closed {n} alerts", n=number)
    return trn("Reopened {n} alert", "Reopened {n} alerts", n=number)
