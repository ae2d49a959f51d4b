"""One incident beside the list: its facts, its records, its timeline, and a note to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from sent.platform.i18n import tr
from sent.ui.kit.cells import level_name
from sent.ui.kit.chips import Chip
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.form import Form, TextField
from sent.ui.kit.text import absolute, relative, tip
from sent.ui.kit.timeline import Timeline
from sent.ui.kit.widgets import ElidedLink, button, clear, column, label, row
from sent.ui.pages.incidents.lists import status_name, told

if TYPE_CHECKING:
    from sent.engines.incidents.api import Incident, IncidentDetail, Link
    from sent.ui.kit.drafts import Drafts

LISTED = 100


class IncidentPanel(DetailPanel):
    """Grey until the detail is there, the row's own facts at once."""

    noted = Signal(str)
    """What was typed, once it is sent."""
    link_wanted = Signal(str)
    """The place of a record."""

    def __init__(self, status: Callable[[], object], assign: Callable[[], object], drafts: Drafts) -> None:
        self._drafts = drafts
        self._status = button(tr("Change state"), status, kind="primary")
        self._assign = button(tr("Assign"), assign)
        self._status.setToolTip(tr("Change state") + " (E)")
        self._assign.setToolTip(tr("Assign") + " (S)")
        super().__init__(tr("Incident"), below_head=row(self._status, self._assign, None, gap=8))
        self.incident: Incident | None = None
        self.note = Form(TextField(tr("Note"), hint=tr("Write a note, Enter sends it"), bare=True))
        self.note.submitted.connect(self._send)
        self.note.fields[0].edited.connect(self._keep)
        self.foot = QWidget()
        self.foot.setLayout(column(self.note, margins=(18, 6, 18, 12)))
        layout = self.layout()
        if layout is not None:
            layout.addWidget(self.foot)

    def show_incident(self, incident: Incident, *, may_respond: bool) -> None:
        """Show what the list's row knows already."""
        changed = self.incident is None or self.incident.id != incident.id
        if changed:
            self._change_draft(incident)
        self.incident = incident
        clear(self.head)
        severity = Chip(level_name(incident.severity), incident.severity)
        number = label(f"#{incident.number}", tone="3", type="mono")
        state = label(status_name(incident.status), tone="2")
        tools = self.tools(str(incident.id), tr("Copy incident id"))
        self.head.addLayout(row(severity, number, state, None, *tools, gap=8))
        title = label(incident.title, type="l", wrap=True)
        title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.head.addWidget(title)
        opened = tr(
            "Opened by {name}, {when}",
            name=incident.opened_by_name or "SENT",
            when=relative(incident.opened_at),
        )
        facts = [opened, *([incident.client_name] if incident.client_name else [])]
        meta = label("  ·  ".join(facts), tone="2", wrap=True)
        meta.setToolTip(absolute(incident.opened_at))
        self.head.addWidget(meta)
        self._status.setVisible(may_respond)
        self._assign.setVisible(may_respond)
        self._assign.setText(incident.owner_name or tr("Assign"))
        self.foot.setVisible(may_respond)
        if changed:
            clear(self.body)
            self.body.addWidget(label(tr("Loading"), tone="3"))
            self.scroll_up()

    def show_detail(self, detail: IncidentDetail) -> None:
        """Show everything."""
        if self.incident is None or detail.incident.id != self.incident.id:
            return
        clear(self.body)
        self.section(tr("Records"))
        if not detail.links:
            self.body.addWidget(label(tr("Nothing is linked yet"), tone="3"))
        for link in detail.links[:LISTED]:
            self._link(link)
        if len(detail.links) > LISTED:
            self.body.addWidget(label(tr("and {n} more", n=len(detail.links) - LISTED), tone="3"))
        self.section(tr("Timeline"))
        timeline = Timeline()
        timeline.show_entries([(e.at, e.actor_name or "SENT", told(e)) for e in detail.timeline])
        self.body.addWidget(timeline)

    def _link(self, link: Link) -> None:
        title = ElidedLink(link.title, lambda: self.link_wanted.emit(link.place), tr("Open"))
        title.setEnabled(bool(link.place))
        if not link.place:
            title.setToolTip(tip(link.title))
        mark = [Chip(level_name(link.level), link.level)] if link.level else []
        line = row(*mark, title, gap=8)
        line.setStretch(len(mark), 1)
        self.body.addLayout(line)
        if link.credit:
            credit = label(tr("Rule by {author}", author=link.credit), tone="3", type="s", wrap=True)
            credit.setContentsMargins(0, 0, 0, 6)
            self.body.addWidget(credit)

    def _send(self) -> None:
        field = self.note.fields[0]
        if text := field.text():
            field.set_text("")
            self._keep("")
            self.noted.emit(text)

    def _keep(self, text: str) -> None:
        if self.incident is not None:
            self._drafts.put(_draft(self.incident), {"note": text})

    def _change_draft(self, incident: Incident) -> None:
        field = self.note.fields[0]
        if field.text():
            self._keep(field.text())
        field.set_text(self._drafts.get(_draft(incident)).get("note", ""))


def _draft(incident: Incident) -> str:
    return f"incidents.note.{incident.id}"
