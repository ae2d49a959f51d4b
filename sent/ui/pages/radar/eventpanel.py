"""One found event: when, where, its message and all its fields; a click on a value searches for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal

from sent.platform.i18n import tr
from sent.ui.kit.chips import Chip
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.text import absolute, plain
from sent.ui.kit.widgets import button, clear, label, row

if TYPE_CHECKING:
    from sent.engines.radar.api import FoundEvent

FIELDS = 200


class EventPanel(DetailPanel):
    """The detail beside the found events."""

    around_wanted = Signal(object)
    """The event whose host's neighbouring events are wanted."""
    explain_wanted = Signal(object)
    """The event a rule is to be explained on."""

    def __init__(self) -> None:
        self._around = button(tr("Around it"), self._ask_around, icon_name="clock")
        self._around.setToolTip(tr("What else happened on this host within five minutes"))
        self.explain = button(tr("Explain a rule"), self._ask_explain, icon_name="scroll-text")
        self.explain.setToolTip(tr("Why a rule fires on this event, or does not"))
        super().__init__(tr("Event"), below_head=row(self._around, self.explain, None))
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

    def _ask_explain(self) -> None:
        if self.event_ is not None:
            self.explain_wanted.emit(self.event_)

    def _ask_around(self) -> None:
        if self.event_ is not None:
            self.around_wanted.emit(self.event_)


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
