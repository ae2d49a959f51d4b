"""Less noise: mute a rule for a while, or write a Sigma filter from an alert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFrame, QPlainTextEdit, QScrollArea, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.page import Page
from sent.ui.kit.text import absolute, plain, tip
from sent.ui.kit.widgets import button, clear, column, label, line, row
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.radar.api import Alert, AlertDetail

OFFERED = 24
ABOUT = ("host", "user", "src_ip", "Computer", "User")
"""Chosen at first where the rule looked at the message as a whole."""
LONGEST = 40


class Tuning:
    """Works on the first of the alerts that `chosen` returns; `changed` hears when the queue may differ."""

    def __init__(self, page: Page, chosen: Callable[[], Sequence[Alert]]) -> None:
        self._page, self._chosen = page, chosen
        self.layer: FilterLayer | None = None

    def mute(self) -> None:
        """Ask for what and for how long the alert's rule is to be quiet, and why."""
        alert = next(iter(self._chosen()), None)
        if alert is None:
            return

        async def entity() -> tuple[str, str]:
            found: tuple[str, str] = await self._page.api("radar").alert_entity(self._page.ctx, alert.id)
            return found

        self._page.run(entity, done=lambda found: self._choose_scope(alert, *found))

    def _choose_scope(self, alert: Alert, host: str, user: str) -> None:
        scopes = [("host", host, tr("on host {name}", name=host), "server")] if host else []
        scopes += [("user", user, tr("for user {name}", name=user), "user")] if user else []
        scopes.append(("rule", "", tr("everywhere"), "bell-off"))
        entries = [
            Entry(
                f"{scope}.{hours}",
                tr("{where}, for {time}", where=where, time=time),
                icon=icon,
                run=partial(self._ask_reason, alert, scope, entity, hours),
            )
            for scope, entity, where, icon in scopes
            for hours, time in _spans()
        ]
        self._page.shell.choose(tr("Mute {rule}", rule=alert.title), entries)

    def _ask_reason(self, alert: Alert, scope: str, entity: str, hours: int) -> None:
        self._page.shell.ask(
            tr("Mute {rule}", rule=alert.title),
            tr("Why is it muted?"),
            lambda reason: self._mute(alert, scope, entity, hours, reason),
        )

    def _mute(self, alert: Alert, scope: str, entity: str, hours: int, reason: str) -> None:
        until = datetime.now(UTC) + timedelta(hours=hours)

        async def mute() -> UUID:
            made: UUID = await self._page.api("radar").suppress(
                self._page.ctx, alert.id, scope, entity, until, reason
            )
            return made

        def done(made: UUID) -> None:
            said = tr("{rule} is muted until {time}", rule=alert.title, time=absolute(until))
            self._page.shell.toast(said, undo=lambda: self.unmute([made]))

        self._page.run(mute, done=done)

    def unmute(self, ids: list[UUID]) -> None:
        """Let muted rules raise alerts again."""

        async def lift() -> None:
            await self._page.api("radar").unsuppress(self._page.ctx, ids)

        def done(_: None) -> None:
            self._page.shell.toast(tr("The rule raises alerts again"), tone="info")

        self._page.run(lift, done=done)

    def show_muted(self) -> None:
        """List what is muted, with how much it kept quiet; choosing one lifts it."""

        async def find() -> list[Any]:
            return [
                one for one in await self._page.api("radar").suppressions_now(self._page.ctx) if one.active
            ]

        def show(found: list[Any]) -> None:
            if not found:
                self._page.shell.toast(tr("No rule is muted"), tone="info")
                return
            entries = [
                Entry(
                    str(one.id),
                    tr("{rule} · {entity}", rule=one.title, entity=one.entity or tr("everywhere")),
                    icon="bell-off",
                    detail=tr("{n} kept quiet, until {time}: {reason}", n=one.hits, time=absolute(one.until),
                              reason=one.reason),
                    run=partial(self.unmute, [one.id]),
                )
                for one in found
            ]  # fmt: skip
            self._page.shell.choose(tr("Muted rules: choose one to let it raise alerts again"), entries)

        self._page.run(find, done=show)

    def filter_out(self) -> None:
        """Show the alert's fields and the filter that leaves such events out."""
        alert = next(iter(self._chosen()), None)
        if alert is None:
            return

        async def load() -> AlertDetail:
            found: AlertDetail = await self._page.api("radar").alert(self._page.ctx, alert.id)
            return found

        self._page.run(load, done=self._open_layer)

    def _open_layer(self, detail: AlertDetail) -> None:
        if self.layer is None:
            self.layer = FilterLayer(self._page, self._write)
            self._page.shell.layers.append(self.layer)
        self.layer.open_detail(detail)

    def _write(self, text: str) -> None:
        async def add() -> str:
            return str(await self._page.api("radar").add_filter(self._page.ctx, text))

        def done(made: str) -> None:
            self._page.shell.toast(
                tr("The filter is written; workers take it up within seconds"),
                undo=lambda: self._remove(made),
            )

        self._page.run(add, done=done)

    def _remove(self, filter_id: str) -> None:
        async def remove() -> None:
            await self._page.api("radar").remove_filter(self._page.ctx, filter_id)

        def done(_: None) -> None:
            self._page.shell.toast(tr("Undone"), tone="info")

        self._page.run(remove, done=done)


class FilterLayer(Overlay):
    """The fields to choose at the left, the Sigma filter they make at the right."""

    def __init__(self, page: Page, write: Callable[[str], object]) -> None:
        card = QFrame()
        card.setFixedWidth(880)
        card.setMinimumHeight(520)
        super().__init__(page.window(), card)
        self._page, self._write = page, write
        self._box = column(gap=12, margins=(22, 16, 18, 18))
        card.setLayout(self._box)
        self.boxes: dict[str, QCheckBox] = {}
        self._detail: AlertDetail | None = None

    def open_detail(self, detail: AlertDetail) -> None:
        """Show an alert's fields, those that the rule matched chosen at first."""
        self._detail = detail
        clear(self._box)
        self._box.addWidget(label(tr("Filter out like this"), type="l"))
        self._box.addWidget(
            label(
                tr("The rule {rule} will not fire on events with these values.", rule=detail.alert.title),
                tone="2",
                wrap=True,
            )
        )
        self._box.addWidget(line())
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setProperty("type", "mono")
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(tr("Sigma filter"))
        self.text.setMinimumHeight(320)
        self.problem = label(tone="bad", wrap=True)
        middle = row(self._fields(detail), self.text, gap=16)
        middle.setStretch(1, 1)
        self._box.addLayout(middle)
        self._box.addWidget(self.problem)
        self.send = button(tr("Write the filter"), self._send, kind="primary")
        self._box.addLayout(row(None, button(tr("Cancel"), self.close_layer, kind="quiet"), self.send))
        self.open()
        next(iter(self.boxes.values()), self.send).setFocus()
        self._preview()

    def _fields(self, detail: AlertDetail) -> QWidget:
        matched = dict.fromkeys(found.field for found in detail.matched if found.field in detail.event)
        rest = [name for name, value in detail.event.items() if name not in matched and value]
        # A whole message hardly ever comes again: then whom it is about.
        telling = [name for name in matched if name != "message"]
        telling = telling or [name for name in ABOUT if detail.event.get(name)]
        self.boxes = {}
        inside = column(gap=6, margins=(0, 0, 8, 0))
        for name in [*matched, *rest][:OFFERED]:
            value = plain(detail.event[name])
            box = QCheckBox(f"{name}: {value[:LONGEST]}{'…' if len(value) > LONGEST else ''}")
            box.setAccessibleName(name)
            box.setToolTip(tip(value[:1000]))
            box.setChecked(name in telling)
            box.toggled.connect(lambda _on: self._preview())
            self.boxes[name] = box
            inside.addWidget(box)
        inside.addStretch(1)
        body = QWidget()
        body.setObjectName("surface")
        body.setLayout(inside)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(body)
        area.setFixedWidth(380)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def _preview(self) -> None:
        detail = self._detail
        fields = tuple(name for name, box in self.boxes.items() if box.isChecked())
        self.send.setEnabled(False)
        self.problem.hide()
        if detail is None or not fields:
            self.text.setPlainText("")
            return
        id = detail.alert.id

        async def compose() -> str:
            return str(await self._page.api("radar").filter_text(self._page.ctx, id, fields))

        def show(text: str) -> None:
            self.text.setPlainText(text)
            self.send.setEnabled(True)

        def failed(error: Any) -> None:
            self.problem.setText(error.message)
            self.problem.show()

        self._page.run(compose, done=show, failed=failed)

    def _send(self) -> None:
        text = self.text.toPlainText()
        self.close_layer()
        self._write(text)


def _spans() -> list[tuple[int, str]]:
    return [
        (1, tr("1 hour")),
        (8, tr("8 hours")),
        (24, tr("1 day")),
        (24 * 7, tr("7 days")),
        (24 * 30, tr("30 days")),
    ]
