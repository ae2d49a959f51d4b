"""The panel beside the lists: how a source fares, its form, a dead letter, a placeholder's values."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit

from sent.platform.i18n import tr, trn
from sent.ui.kit.chart import LiveChart
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.flow import Flow
from sent.ui.kit.text import absolute, count
from sent.ui.kit.widgets import button, clear, label, row, tool
from sent.ui.pages.sources import lists
from sent.ui.pages.sources.bytesview import BytesView
from sent.ui.pages.sources.sourceform import Save, SourceForm

if TYPE_CHECKING:
    from sent.engines.radar.api import Damage, DeadLetter, PlaceholderUse, SourceHealth

Do = Callable[[], object]
HOUR = 3600
EVERYWHERE = ("0.0.0.0", "[::]", "")  # noqa: S104 - told from addresses, not listened on


class SidePanel(DetailPanel):
    """What is known of one row, or a form."""

    def __init__(self) -> None:
        super().__init__(tr("Detail"))
        self.form: SourceForm | None = None
        self.values: QPlainTextEdit | None = None
        self.bytes: BytesView | None = None
        self.token = ""

    def _begin(self, title: str, state: str, copied: str, name: str) -> None:
        clear(self.head)
        clear(self.body)
        self.leave()
        heading = label(title, weight="bold", wrap=True)
        top = row(heading, None, *self.tools(copied, name), gap=4)
        top.setStretch(0, 1)
        self.head.addLayout(top)
        self.head.addWidget(label(state, tone="2", wrap=True))
        self.scroll_up()

    def leave(self) -> None:
        """Nothing is written here any more."""
        self.form = self.values = self.bytes = None
        self.token = ""

    @property
    def busy(self) -> bool:
        """Whether something is being written here that a refresh must not take away."""
        return bool(self.form is not None or self.token) or (
            self.values is not None and self.values.document().isModified()
        )

    def show_source(self, one: SourceHealth, buttons: Sequence[tuple[str, str, str, Do]]) -> None:
        """Show how a source fares; `buttons` are (text, icon, kind, what it does)."""
        self._begin(one.source.name, lists.health_name(one), one.source.name, tr("Copy name"))
        said = lists.trouble(one)
        tone = {"problem": "bad", "unknown": "warn", "silent": "warn"}.get(one.state, "2")
        self.body.addWidget(label(said, tone=tone, wrap=True))  # type: ignore[arg-type]
        made = [button(text, do, kind=kind, icon_name=icon) for text, icon, kind, do in buttons]
        self.body.addSpacing(6)
        self.body.addLayout(Flow(*made, gap=6))
        self.section(tr("Last 24 hours"))
        self.body.addWidget(_chart(one))
        self.section(tr("Source"))
        fares, source = one.fares, one.source
        for name, text in (
            (tr("Kind"), lists.kind_name(source.kind)),
            (tr("Where"), source.address),
            (tr("Listens on port"), str(fares.port) if fares.port and not fares.stale else ""),
            (tr("Log source"), lists.logsource(one)),
            (tr("Client"), source.client_name or tr("Of the organisation")),
            (tr("Time zone"), fares.zone),
            (tr("Days kept"), lists.kept(one)),
            (tr("Mapping"), lists.steps(one)),
            (tr("TLS identity"), str((source.tls or {}).get("identity") or "")),
            (tr("Dropped since it was opened"), count(fares.dropped) if fares.dropped else ""),
            (tr("Events the mapping failed on"), count(fares.unmapped) if fares.unmapped else ""),
            (tr("A worker told"), absolute(fares.told_at) if fares.told_at else tr("Never")),
        ):
            if text:
                self.pair(name, text, field="")

    def edit_source(
        self, known: SourceHealth | None, clients: Sequence[tuple[UUID, str]], save: Save
    ) -> SourceForm:
        """Show the form of a source."""
        title = known.source.name if known is not None else tr("New source")
        said = tr("Workers take changes up within seconds.")
        self._begin(title, said, title, tr("Copy name"))
        self.form = SourceForm(known, clients, save)
        self.body.addWidget(self.form)
        return self.form

    def show_token(self, name: str, address: str, token: str, *, tls: bool, done: Do) -> None:
        """Show a token, this once, with a command that sends an event."""
        self._begin(name, tr("This token is shown once: copy it now."), token, tr("Copy token"))
        self.token = token
        self.section(tr("Token"))
        self.body.addLayout(_copied(token, tr("Token")))
        self.section(tr("Try it"))
        self.body.addLayout(_copied(curl(address, token, tls=tls), tr("Command")))
        note = tr("Only a digest of it is kept. Who loses it gets a new one with “New token”.")
        self.body.addWidget(label(note, tone="3", type="s", wrap=True))
        self.body.addLayout(row(None, button(tr("I have it"), done, kind="primary")))

    def show_letter(
        self, letter: DeadLetter, damage: Damage | None, *, may: bool, again: Do, discard: Do
    ) -> None:
        """Show a dead letter with the place where it is damaged."""
        title = letter.source_name or tr("Removed source")
        self._begin(title, lists.letter_state(letter), str(letter.id), tr("Copy number"))
        self.section(tr("Why it could not be read or stored"))
        self.body.addWidget(label(letter.reason, tone="bad", wrap=True))
        if may and letter.state == "dead":
            self.body.addSpacing(6)
            read = button(tr("Read again"), again, kind="primary", icon_name="rotate-ccw")
            self.body.addLayout(row(read, button(tr("Give up"), discard, icon_name="x"), None, gap=8))
        self.section(tr("Payload"))
        if letter.payload:
            where = tr("Damaged at byte {n}: {what}", n=damage.at, what=damage.what) if damage else ""
            if where:
                self.body.addWidget(label(where, tone="warn", wrap=True))
            self.bytes = BytesView()
            self.bytes.show_payload(letter.payload, damage.at if damage is not None else None)
            self.body.addWidget(self.bytes)
        else:
            self.body.addWidget(label(tr("It is not kept any more."), tone="3", wrap=True))
        self.pair(tr("Bytes"), count(letter.length), field="")
        self.pair(tr("Received"), absolute(letter.received_at), field="")
        self.pair(tr("Tries"), count(letter.attempts), field="")
        self.pair("SHA-256", letter.digest.hex(), field="")

    def show_placeholder(self, use: PlaceholderUse, *, may: bool, save: Callable[[str], Any]) -> None:
        """Show a placeholder's values, one a line."""
        waits = trn("{n} rule waits for it", "{n} rules wait for it", n=use.waiting)
        runs = trn("{n} rule uses it", "{n} rules use it", n=use.rules)
        name = f"%{use.name}%"
        self._begin(name, waits if use.waiting else runs, name, tr("Copy name"))
        self.section(tr("Values, one a line"))
        self.values = QPlainTextEdit("\n".join(use.values))
        self.values.setAccessibleName(tr("Values, one a line"))
        self.values.setProperty("type", "mono")
        self.values.setTabChangesFocus(True)
        self.values.setMinimumHeight(220)
        self.values.setReadOnly(not may)
        self.body.addWidget(self.values)
        text = tr("Any of them fits. * and ? stand for anything, as in rules.")
        self.body.addWidget(label(text, tone="3", type="s", wrap=True))
        if may:
            edit = self.values
            send = button(tr("Save"), lambda: save(edit.toPlainText()), kind="primary")
            send.setToolTip(f"{tr('Save')} (Ctrl+S)")
            self.body.addLayout(row(None, send))
        if use.titles:
            self.section(tr("Rules"))
            for title in use.titles:
                self.body.addWidget(label(title, tone="2", wrap=True))


def curl(address: str, token: str, *, tls: bool) -> str:
    """Return a command that sends one event to an HTTP source."""
    host, _, port = address.rpartition(":")
    seen = "localhost" if host in EVERYWHERE else host
    url = f"{'https' if tls else 'http'}://{seen}:{port}/"
    data = '{"message": "hello"}'
    header = shlex.quote(f"Authorization: Bearer {token}")
    kind = shlex.quote("Content-Type: application/x-ndjson")
    return f"curl -H {header} -H {kind} --data-binary {shlex.quote(data)} {shlex.quote(url)}"


def _copied(text: str, name: str) -> Any:
    field = QLineEdit(text)
    field.setReadOnly(True)
    field.setCursorPosition(0)
    field.setAccessibleName(name)
    copy = tool("copy", tr("Copy {name}", name=name), lambda: QGuiApplication.clipboard().setText(text))
    return row(field, copy, gap=4)


def _chart(one: SourceHealth) -> LiveChart:
    made = LiveChart(tr("Events by hour"), unit=tr("events"))
    made.setFixedHeight(130)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    first = (now - timedelta(hours=len(one.hours) - 1)).timestamp()
    times = [first + HOUR * place for place in range(len(one.hours))]
    made.show_points(times, list(one.hours), (), first, times[-1])
    made.set_stale(one.fares.stale)
    return made
