"""One alert at the right of the queue: why it fired, the event, the rule, its history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.cells import level_name
from sent.ui.kit.chips import Chip, Chips
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.flow import links
from sent.ui.kit.form import Form, TextField
from sent.ui.kit.text import absolute, plain, relative, tip
from sent.ui.kit.timeline import Timeline
from sent.ui.kit.widgets import button, clear, column, label, row
from sent.ui.pages.radar.columns import reason_name, state_name
from sent.ui.pages.radar.eventpanel import pivot

if TYPE_CHECKING:
    from sent.engines.radar.api import Alert, AlertDetail
    from sent.ui.kit.drafts import Drafts

EVENT_FIELDS = 60


class AlertPanel(DetailPanel):
    """The detail panel; grey until the detail is there, the row's own facts at once."""

    commented = Signal(str)
    """What was typed, once it is sent."""
    pivot_wanted = Signal(str)
    """The action that leads on from the alert."""

    def __init__(
        self,
        state: Callable[[str], None],
        close: Callable[[], None],
        assign: Callable[[], None],
        drafts: Drafts,
    ) -> None:
        self._drafts = drafts
        self._acknowledge = button(tr("Acknowledge"), lambda: state("acknowledged"), kind="primary")
        self._close = button(tr("Close"), close, name=tr("Close alert"))
        self._reopen = button(tr("Reopen"), lambda: state("new"))
        self._assign = button(tr("Assign"), assign)
        for made, key in (
            (self._acknowledge, "A"),
            (self._close, "C"),
            (self._reopen, "Shift+O"),
            (self._assign, "S"),
        ):
            made.setToolTip(tip(f"{made.text()} ({key})"))
        buttons = row(self._acknowledge, self._close, self._reopen, self._assign, None, gap=8)
        super().__init__(tr("Alert"), below_head=buttons)
        self.alert: Alert | None = None
        self.comment = Form(TextField(tr("Comment"), hint=tr("Write a comment, Enter sends it"), bare=True))
        self.comment.submitted.connect(self._send)
        self.comment.fields[0].edited.connect(self._keep)
        self.foot = QWidget()
        self.foot.setLayout(column(self.comment, margins=(18, 6, 18, 12)))
        layout = self.layout()
        if layout is not None:
            layout.addWidget(self.foot)

    def _send(self) -> None:
        field = self.comment.fields[0]
        if text := field.text():
            field.set_text("")
            self._keep("")
            self.commented.emit(text)

    def _keep(self, text: str) -> None:
        if self.alert is not None:
            self._drafts.put(_draft(self.alert), {"comment": text})

    def _change_draft(self, alert: Alert) -> None:
        """Keep what is typed about the alert shown, and take up what was typed about the next."""
        field = self.comment.fields[0]
        if field.text():
            self._keep(field.text())
        field.set_text(self._drafts.get(_draft(alert)).get("comment", ""))

    def show_alert(self, alert: Alert, *, may_triage: bool) -> None:
        """Show what the queue's row knows already."""
        changed = self.alert is None or self.alert.id != alert.id
        if changed:
            self._change_draft(alert)
        self.foot.setVisible(may_triage)
        self.alert = alert
        clear(self.head)
        tools = self.tools(str(alert.id), tr("Copy alert id"))
        state = label(state_name(alert.state), tone="2")
        if alert.reason:
            state.setToolTip(reason_name(alert.reason))
        self.head.addLayout(row(Chip(level_name(alert.level), alert.level), state, None, *tools, gap=8))
        title = label(alert.title, type="l", wrap=True)
        title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.head.addWidget(title)
        times = trn("{n} time", "{n} times", n=alert.count)
        seen = tr("{times}, last {when}", times=times, when=relative(alert.last_at or alert.at))
        meta = label(f"{alert.host}  ·  {seen}", tone="2", wrap=True)
        meta.setToolTip(absolute(alert.last_at or alert.at))
        self.head.addWidget(meta)
        if alert.reason and alert.state == "closed":
            self.head.addWidget(label(reason_name(alert.reason), tone="2", type="s", wrap=True))
        self._acknowledge.setVisible(may_triage and alert.state == "new")
        self._close.setVisible(may_triage and alert.state != "closed")
        self._reopen.setVisible(may_triage and alert.state != "new")
        self._assign.setVisible(may_triage)
        self._assign.setText(alert.assignee_name or tr("Assign"))
        if changed:
            clear(self.body)
            self.body.addWidget(label(tr("Loading"), tone="3"))
            self.scroll_up()

    def show_detail(self, detail: AlertDetail) -> None:
        """Show everything."""
        if self.alert is None or detail.alert.id != self.alert.id:
            return
        clear(self.body)
        self._ways(detail.alert)
        self._why(detail)
        self._facts(detail)
        self._event(detail)
        self._rule(detail)
        self.section(tr("History"))
        history = Timeline()
        history.show_entries([(c.at, c.actor_name or tr("Radar"), c.text) for c in detail.history])
        self.body.addWidget(history)

    def _ways(self, alert: Alert) -> None:
        """Show the ways on; they scroll with the facts, so that small windows keep room for these."""
        ways = [
            pivot(self, tr("Rule"), "rule", tr("Edit the rule, and test it on this alert's event"), "W"),
            pivot(self, tr("Timeline"), "timeline", tr("Timeline of host, user or address"), "H"),
        ]
        if alert.host:
            told = tr("What else happened on this host within five minutes")
            ways.append(pivot(self, tr("Around it"), "around", told, "V"))
        if alert.source_name:
            ways.append(pivot(self, tr("Source"), "source", tr("Show the source"), "Shift+S"))
        self.body.addLayout(links(*ways))

    def _why(self, detail: AlertDetail) -> None:
        self.section(tr("Why it fired"))
        if not detail.matched:
            self.body.addWidget(label(tr("The rule names no field"), tone="3"))
        values: dict[tuple[str, str], list[tuple[int, int]]] = {}
        items: dict[tuple[str, str], list[str]] = {}
        for found in detail.matched:
            values.setdefault((found.field, found.value), []).append((found.start, found.end))
            items.setdefault((found.field, found.value), []).append(found.item)
        for (name, text), marks in values.items():
            self.pair(name, text, marks)
            asked = label(" · ".join(dict.fromkeys(items[name, text])), tone="3", type="s", wrap=True)
            self.body.addWidget(asked)

    def _facts(self, detail: AlertDetail) -> None:
        alert = detail.alert
        self.section(tr("Rule"))
        if detail.description:
            self.body.addWidget(label(detail.description, tone="2", wrap=True))
        self.body.addWidget(
            label(tr("By {author}", author=alert.author or tr("unknown")), tone="3", type="s", wrap=True)
        )
        if alert.tags:
            titles = [tag_text(tag) for tag in alert.tags]
            self.body.addWidget(Chips(titles, name=tr("ATT&CK: {tags}", tags=", ".join(titles))))
        for text in detail.falsepositives:
            self.body.addWidget(
                label(tr("Known harmless cause: {text}", text=text), tone="3", type="s", wrap=True)
            )
        for link in detail.references[:8]:
            source = label(link, tone="3", type="s", wrap=True)
            source.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.body.addWidget(source)

    def _event(self, detail: AlertDetail) -> None:
        self.section(tr("Event"))
        marks: dict[str, list[tuple[int, int]]] = {}
        for found in detail.matched:
            marks.setdefault(found.field, []).append((found.start, found.end))
        for name, value in list(detail.event.items())[:EVENT_FIELDS]:
            if value not in (None, ""):
                self.pair(name, plain(value), marks.get(name, []))
        if len(detail.event) > EVENT_FIELDS:
            self.body.addWidget(
                label(tr("and {n} more fields", n=len(detail.event) - EVENT_FIELDS), tone="3")
            )

    def _rule(self, detail: AlertDetail) -> None:
        if not detail.rule_yaml:
            return
        text = QPlainTextEdit(detail.rule_yaml)
        text.setReadOnly(True)
        text.setProperty("type", "mono")
        text.setTabChangesFocus(True)
        text.setAccessibleName(tr("Rule text"))
        text.setFixedHeight(min(360, 40 + 17 * detail.rule_yaml.count("\n")))
        text.hide()
        show = button(tr("Show rule text"), None, kind="link")
        show.clicked.connect(lambda _=False: _flip(text, show))
        whole = button(tr("Open rule"), lambda: self.pivot_wanted.emit("radar.rule"), kind="link")
        whole.setToolTip(tr("Edit the rule, and test it on this alert's event") + " (W)")
        self.body.addLayout(row(show, whole, None))
        self.body.addWidget(text)


def _draft(alert: Alert) -> str:
    return f"radar.comment.{alert.id}"


def _flip(text: QWidget, show: Any) -> None:
    text.setVisible(text.isHidden())
    show.setText(tr("Show rule text") if text.isHidden() else tr("Hide rule text"))


def tag_text(tag: str) -> str:
    """Return an ATT&CK tag as people write it: `attack.t1059.001` -> T1059.001."""
    name = tag.removeprefix("attack.")
    if name[:1] in "tgs" and name[1:2].isdigit():
        return name.upper()
    return name.replace("_", " ").replace("-", " ").capitalize() if tag.startswith("attack.") else tag
