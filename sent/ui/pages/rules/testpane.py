"""The rule on events, while it is written: which fire it, and for each what holds and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QPlainTextEdit, QSplitter, QStackedWidget, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.choice import Dropdown, Segments
from sent.ui.kit.page import Page
from sent.ui.kit.states import Notice
from sent.ui.kit.text import clock, tip
from sent.ui.kit.widgets import button, column, label, restyle, row
from sent.ui.pages.rules.verdicts import VerdictTree
from sent.ui.shell.palette import Entry
from sent.ui.theme import theme
from sent.ui.theme.icons import icon

if TYPE_CHECKING:
    from sent.engines.radar.api import Alert, Outcome, TriedEvent
    from sent.ui.bridge import Handle

AMOUNTS = (50, 100, 500)
ALERTS = 60


class TestPane(QWidget):
    """Pasted events, the latest stored ones, or one event; see `judging`."""

    ran = Signal()

    def __init__(self, page: Page, text: Callable[[], str]) -> None:
        super().__init__()
        self._page, self._text = page, text
        self._asked = 0
        self._handle: Handle | None = None
        self._subject: Callable[[Any], Any] | None = None
        self._live = False
        self.outcome: Outcome | None = None
        self.source = Segments(
            tr("Events to test on"),
            [("paste", tr("Paste")), ("latest", tr("Stored events")), ("one", tr("An alert's event"))],
            "paste",
            self.show_source,
        )
        self.amount = Dropdown(
            tr("How many"),
            [(str(n), trn("latest {n} event", "latest {n} events", n=n)) for n in AMOUNTS],
            "100",
            lambda _id: self.run(),
        )
        self.go = button(tr("Test"), self.run, icon_name="check", name=tr("Test the rule"))
        self.go.setToolTip(tr("Test the rule (Ctrl+Enter)"))
        self.paste = QPlainTextEdit()
        self.paste.setAccessibleName(tr("Events to test on"))
        self.paste.setProperty("type", "mono")
        self.paste.setTabChangesFocus(True)
        self.paste.setPlaceholderText(tr("Paste events: JSON, or lines as a log has them"))
        self.paste.setFixedHeight(104)
        self.about = label("", tone="2", wrap=True)
        self.mapped = label(
            tr("Stored events carry the names that their source's field mapping gave them."),
            tone="3",
            type="s",
            wrap=True,
        )
        self.summary = label("", weight="medium", wrap=True)
        self.events = QListWidget()
        self.events.setAccessibleName(tr("Events tested"))
        self.events.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.events.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.events.setIconSize(QSize(14, 14))
        self.events.currentRowChanged.connect(self._show_event)
        self.tree = VerdictTree()
        self._arrange()
        self.show_source("paste", run=False)
        theme.state().changed.connect(self._again)

    def _arrange(self) -> None:
        self.notice = Notice()
        self.notice.show_text(
            "list-checks",
            tr("Does it fire?"),
            tr("Test the rule on events; every part of it says whether it holds."),
        )
        self.parts = QSplitter(Qt.Orientation.Vertical)
        self.parts.addWidget(self.events)
        self.parts.addWidget(self.tree)
        self.parts.setChildrenCollapsible(False)
        self.parts.setSizes([140, 300])
        result = QWidget()
        result.setLayout(column(self.summary, self.parts, gap=6))
        self.stack = QStackedWidget()
        self.stack.addWidget(self.notice)
        self.stack.addWidget(result)
        tools = row(self.source, None, gap=8)
        again = row(self.amount, self.about, None, self.go, gap=8)
        again.setStretch(1, 1)
        whole = column(tools, self.paste, again, self.mapped, self.stack, gap=8, margins=(14, 10, 14, 12))
        whole.setStretch(4, 1)
        self.setLayout(whole)

    def show_source(self, source: str, *, run: bool = True) -> None:
        """Take events from a paste, from what is stored, or from an alert."""
        self.source.show_choice(source)
        self.paste.setVisible(source == "paste")
        self.amount.setVisible(source == "latest")
        self.about.setVisible(source == "one")
        self.mapped.setVisible(source != "paste")
        self._kind = source
        if source == "one" and self._subject is None:
            if run:
                self.choose_alert()
        elif run and (source != "paste" or self.paste.toPlainText().strip()):
            self.run()
        elif run:
            self.paste.setFocus()

    def take_alert(self, alert_id: UUID, title: str = "") -> None:
        """Test on the event that raised an alert."""
        self._take(lambda radar: radar.OfAlert(alert_id), title or tr("The event of an alert"))

    def take_event(self, event_id: UUID, at: datetime, title: str = "") -> None:
        """Test on one stored event."""
        self._take(lambda radar: radar.OneEvent(event_id, at), title or tr("A stored event"))

    def _take(self, make: Callable[[Any], Any], title: str) -> None:
        self._subject = make
        self.about.setText(title)
        self.show_source("one")

    def choose_alert(self) -> None:
        """Let the user choose an alert whose event the rule is tested on."""

        async def load() -> list[Alert]:
            radar = self._page.api("radar")
            found: list[Alert] = await radar.alerts(self._page.ctx, radar.AlertFilter(), limit=ALERTS)
            return found

        def show(found: list[Alert]) -> None:
            if not found:
                self._page.shell.toast(tr("There are no alerts yet"), tone="info")
                self.show_source("paste")
                return
            entries = [
                Entry(
                    str(alert.id),
                    alert.title,
                    icon="siren",
                    detail=f"{alert.host}  ·  {clock(alert.at)}",
                    run=partial(self.take_alert, alert.id, f"{alert.title}, {alert.host}, {clock(alert.at)}"),
                )
                for alert in found
            ]
            self._page.shell.choose(tr("Which alert's event?"), entries)

        self._page.run(load, done=show)

    def text_changed(self) -> None:
        """The rule runs and is another one: test it again, if it was tested before."""
        if self._live and self.isVisible():
            self.run()

    def clear_result(self) -> None:
        """Forget what was tested: another rule is shown."""
        self._asked += 1
        self._live = False
        self._subject = None
        self.outcome = None
        self.events.clear()
        self.tree.clear()
        self.stack.setCurrentIndex(0)
        self.show_source("paste", run=False)

    def run(self) -> None:
        """Test now."""
        if self._kind == "one" and self._subject is None:
            self.choose_alert()
            return
        if self._handle is not None:
            self._handle.cancel()
        self._asked += 1
        self._live = True
        asked, text, pasted = self._asked, self._text(), self.paste.toPlainText()
        kind, amount, subject = self._kind, int(self.amount.choice()), self._subject

        async def work() -> Outcome:
            radar = self._page.api("radar")
            if kind == "paste":
                about = radar.Pasted(pasted)
            elif kind == "latest" or subject is None:
                about = radar.Latest(amount)
            else:
                about = subject(radar)
            found: Outcome = await radar.try_rule(self._page.ctx, text, about)
            return found

        self._handle = self._page.run(
            work,
            done=lambda found: self._show(found) if asked == self._asked else None,
            failed=lambda error: self._failed(error) if asked == self._asked else None,
        )

    def _failed(self, error: Any) -> None:
        self.outcome = None
        self.notice.show_text("circle-alert", tr("The rule could not be tested"), error.message, tone="warn")
        self.stack.setCurrentIndex(0)
        self.ran.emit()

    def _show(self, found: Outcome) -> None:
        row_before, same = self.events.currentRow(), self.events.count() == len(found.events)
        if self._kind == "latest":
            # Most of what is stored is of other log sources: what fires, or nearly does, stands first.
            found = replace(found, events=tuple(sorted(found.events, key=_nearness)))
        self.outcome = found
        self._again()
        nearest = min(range(len(found.events)), key=lambda n: _nearness(found.events[n]), default=0)
        self.events.setCurrentRow(row_before if same and row_before >= 0 else nearest)
        self._show_event(self.events.currentRow())
        self.stack.setCurrentIndex(1)
        if not same:
            high = max(24, self.events.sizeHintForRow(0)) * min(6, len(found.events)) + 10
            self.parts.setSizes([high, max(200, self.parts.height() - high)])
        self.ran.emit()

    def _again(self) -> None:
        found = self.outcome
        if found is None:
            return
        row = self.events.currentRow()
        self.events.clear()
        for event in found.events:
            self.events.addItem(_item(event))
        self.events.setCurrentRow(row)
        self.summary.setText(summary(found))
        restyle(self.summary, tone="ok" if found.fired else "2")

    def _show_event(self, number: int) -> None:
        if self.outcome is not None and 0 <= number < len(self.outcome.events):
            self.tree.show_event(self.outcome.events[number], self.outcome.condition)
        elif self.outcome is not None:
            self.tree.clear()


def summary(found: Outcome) -> str:
    """Return in words what came of a test."""
    total = len(found.events)
    said = [trn("{fired} of {n} event fires it", "{fired} of {n} events fire it", n=total, fired=found.fired)]
    if found.unreadable:
        said.append(
            trn("{n} line could not be read: {why}", "{n} lines could not be read: {why}",
                n=len(found.unreadable), why=found.unreadable[0])
        )  # fmt: skip
    if found.left_out:
        said.append(trn("{n} more was left out", "{n} more were left out", n=found.left_out))
    return "  ·  ".join(said)


def _nearness(event: TriedEvent) -> tuple[bool, bool, int]:
    return not event.fires, not event.looks, event.missing


def _item(event: TriedEvent) -> QListWidgetItem:
    place = f"{event.host}  ·  " if event.host else ""
    item = QListWidgetItem(f"{place}{event.title}"[:300])
    if event.fires:
        said, name, tone = tr("fires"), "check", "ok"
    elif not event.looks:
        said, name, tone = tr("of another log source"), "circle-slash", "text3"
    else:
        said, name, tone = tr("does not fire"), "x", "bad"
    item.setIcon(icon(name, tone))
    item.setToolTip(tip(f"{said}\n{event.title[:1000]}"))
    item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{said}: {item.text()}")
    if not event.looks:
        item.setForeground(theme.colour("text3"))
    return item
