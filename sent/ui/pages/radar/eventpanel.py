"""One found event: when, where, its message and all its fields; a click on a value searches for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton

from sent.platform.i18n import tr
from sent.ui.kit.chips import Chip
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.flow import links
from sent.ui.kit.text import absolute, plain, tip
from sent.ui.kit.widgets import button, clear, label, row

if TYPE_CHECKING:
    from sent.engines.radar.api import FoundEvent

FIELDS = 200


class EventPanel(DetailPanel):
    """The detail beside the found events."""

    pivot_wanted = Signal(str)
    """The action that leads on from the event."""

    def __init__(self) -> None:
        self._around = pivot(
            self, tr("Around it"), "around", tr("What else happened on this host within five minutes"), "V"
        )
        self.explain = pivot(
            self,
            tr("Explain a rule"),
            "explain",
            tr("Why a rule fires on this event, or does not"),
            "Shift+W",
        )
        self.timeline = pivot(self, tr("Timeline"), "timeline", tr("Timeline of host, user or address"), "H")
        self.source = pivot(self, tr("Source"), "source", tr("Show the source"), "Shift+S")
        ways = links(self.timeline, self._around, self.explain, self.source)
        super().__init__(tr("Event"), below_head=ways)
        self.event_: FoundEvent | None = None

    def show_event(self, event: FoundEvent) -> None:
        """Show an event; what is longer than a list's row comes with `show_whole`."""
        changed = self.event_ is None or self.event_.id != event.id
        self.event_ = event
        clear(self.head)
        tools = self.tools(plain(_document(event)), tr("Copy event as JSON"))
        self.head.addLayout(row(Chip(event.level), label(absolute(event.at), tone="2"), None, *tools, gap=8))
        place = "  ·  ".join(part for part in (event.host, event.program, event.source_name) if part)
        line = label(place, tone="2", wrap=True)
        line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.head.addWidget(line)
        self._around.setVisible(bool(event.host))
        self.source.setVisible(bool(event.source_name))
        clear(self.body)
        self.pair(tr("Message"), event.message, field="message")
        self.section(tr("Fields"))
        self.pair("level", event.level)
        for name, text in (("host", event.host), ("program", event.program), ("source", event.source_name)):
            if text:
                self.pair(name, text)
        for name, value in list(event.fields.items())[:FIELDS]:
            if name not in ("host", "program", "message"):
                self.pair(name, "" if value is None else str(value))
        if len(event.fields) > FIELDS:
            self.body.addWidget(label(tr("… and {n} more fields", n=len(event.fields) - FIELDS), tone="3"))
        if changed:
            self.scroll_up()


def pivot(panel: Any, text: str, action: str, told: str, key: str) -> QPushButton:
    """Return a link that asks `panel.pivot_wanted` for an action of the radar; its tooltip names the key."""
    made = button(text, lambda: panel.pivot_wanted.emit(f"radar.{action}"), kind="link")
    made.setToolTip(tip(f"{told} ({key})"))
    return made


def _document(event: FoundEvent) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "at": event.at.isoformat(),
        "level": event.level,
        "source": event.source_name,
        "host": event.host,
        "program": event.program,
        "message": event.message,
        "fields": event.fields,
    }
