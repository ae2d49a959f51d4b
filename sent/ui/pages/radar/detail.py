"""One alert at the right of the queue: why it fired, the event, the rule, its history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.cells import level_name, paint_chip
from sent.ui.kit.highlight import Value
from sent.ui.kit.text import absolute, plain, relative
from sent.ui.kit.timeline import Timeline
from sent.ui.kit.widgets import button, clear, column, label, line, row, small, tool
from sent.ui.pages.radar.columns import state_name
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.radar.api import Alert, AlertDetail

EVENT_FIELDS = 60


class Chip(QWidget):
    """A level, or a tag."""

    def __init__(self, text: str, level: str = "") -> None:
        super().__init__()
        self._text, self._level = text, level
        width = self.fontMetrics().horizontalAdvance(text)
        self.setFixedSize(width + 16, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small(self))
        t = theme.tokens()
        ink, ground = (
            (t.level(self._level), t.level_soft(self._level)) if self._level else (t.text2, t.raised)
        )
        paint_chip(painter, self.rect().toRectF(), self._text, QColor(ink), QColor(ground))


class AlertPanel(QFrame):
    """The detail panel; grey until the detail is there, the row's own facts at once."""

    closed = Signal()
    filter_wanted = Signal(str, str, bool)

    def __init__(self, state: Callable[[str], None], assign: Callable[[], None]) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setAccessibleName(tr("Alert"))
        self._head: QVBoxLayout = column(gap=8)
        self._body: QVBoxLayout = column(gap=6)
        inner = QWidget()
        inner.setObjectName("surface")
        inner.setLayout(column(self._body, None, margins=(18, 4, 18, 18)))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._acknowledge = button(tr("Acknowledge"), lambda: state("acknowledged"), kind="primary")
        self._close = button(tr("Close"), lambda: state("closed"), name=tr("Close alert"))
        self._reopen = button(tr("Reopen"), lambda: state("new"))
        self._assign = button(tr("Assign"), assign)
        for made, key in (
            (self._acknowledge, "A"),
            (self._close, "C"),
            (self._reopen, "Shift+O"),
            (self._assign, "S"),
        ):
            made.setToolTip(f"{made.text()} ({key})")
        self.buttons = row(self._acknowledge, self._close, self._reopen, self._assign, None, gap=8)
        head = QWidget()
        head.setLayout(column(self._head, self.buttons, gap=12, margins=(18, 12, 10, 12)))
        self.setLayout(column(head, line(), area, gap=0, margins=(1, 1, 1, 1)))
        self.alert: Alert | None = None

    def show_alert(self, alert: Alert, *, may_triage: bool) -> None:
        """Show what the queue's row knows already."""
        changed = self.alert is None or self.alert.id != alert.id
        self.alert = alert
        clear(self._head)
        close = tool("x", tr("Close detail (Esc)"), self.closed.emit)
        copy = tool(
            "copy", tr("Copy alert id"), lambda: QGuiApplication.clipboard().setText(str(alert.id)), size=14
        )
        state = label(state_name(alert.state), tone="2")
        self._head.addLayout(row(Chip(level_name(alert.level), alert.level), state, None, copy, close, gap=8))
        title = label(alert.title, type="l", wrap=True)
        title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._head.addWidget(title)
        times = trn("{n} time", "{n} times", n=alert.count)
        seen = tr("{times}, last {when}", times=times, when=relative(alert.last_at or alert.at))
        meta = label(f"{alert.host}  ·  {seen}", tone="2", wrap=True)
        meta.setToolTip(absolute(alert.last_at or alert.at))
        self._head.addWidget(meta)
        self._acknowledge.setVisible(may_triage and alert.state == "new")
        self._close.setVisible(may_triage and alert.state != "closed")
        self._reopen.setVisible(may_triage and alert.state != "new")
        self._assign.setVisible(may_triage)
        self._assign.setText(alert.assignee_name or tr("Assign"))
        if changed:
            clear(self._body)
            self._body.addWidget(label(tr("Loading"), tone="3"))

    def show_detail(self, detail: AlertDetail) -> None:
        """Show everything."""
        if self.alert is None or detail.alert.id != self.alert.id:
            return
        clear(self._body)
        self._why(detail)
        self._facts(detail)
        self._event(detail)
        self._rule(detail)
        self._section(tr("History"))
        history = Timeline()
        history.show_entries([(c.at, c.actor_name or tr("Radar"), c.text) for c in detail.history])
        self._body.addWidget(history)

    def _section(self, title: str) -> None:
        heading = label(title, weight="bold")
        heading.setContentsMargins(0, 14, 0, 2)
        self._body.addWidget(heading)

    def _why(self, detail: AlertDetail) -> None:
        self._section(tr("Why it fired"))
        if not detail.matched:
            self._body.addWidget(label(tr("The rule names no field"), tone="3"))
        values: dict[tuple[str, str], list[tuple[int, int]]] = {}
        items: dict[tuple[str, str], list[str]] = {}
        for found in detail.matched:
            values.setdefault((found.field, found.value), []).append((found.start, found.end))
            items.setdefault((found.field, found.value), []).append(found.item)
        for (name, text), marks in values.items():
            self._pair(name, text, marks)
            asked = label(" · ".join(dict.fromkeys(items[name, text])), tone="3", type="s", wrap=True)
            self._body.addWidget(asked)

    def _facts(self, detail: AlertDetail) -> None:
        alert = detail.alert
        self._section(tr("Rule"))
        if detail.description:
            self._body.addWidget(label(detail.description, tone="2", wrap=True))
        self._body.addWidget(
            label(tr("By {author}", author=alert.author or tr("unknown")), tone="3", type="s", wrap=True)
        )
        if alert.tags:
            self._body.addWidget(_Flow([tag_text(tag) for tag in alert.tags]))
        for text in detail.falsepositives:
            self._body.addWidget(
                label(tr("Known harmless cause: {text}", text=text), tone="3", type="s", wrap=True)
            )
        for link in detail.references[:8]:
            source = label(link, tone="3", type="s", wrap=True)
            source.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._body.addWidget(source)

    def _event(self, detail: AlertDetail) -> None:
        self._section(tr("Event"))
        marks: dict[str, list[tuple[int, int]]] = {}
        for found in detail.matched:
            marks.setdefault(found.field, []).append((found.start, found.end))
        for name, value in list(detail.event.items())[:EVENT_FIELDS]:
            if value not in (None, ""):
                self._pair(name, plain(value), marks.get(name, []))
        if len(detail.event) > EVENT_FIELDS:
            self._body.addWidget(
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
        self._body.addLayout(row(show, None))
        self._body.addWidget(text)

    def _pair(self, name: str, text: str, marks: list[tuple[int, int]]) -> None:
        caption = label(name, tone="3", type="s")
        value = Value(text, marks, name=name)
        value.clicked.connect(lambda out, n=name, t=text: self.filter_wanted.emit(n, t, out))
        self._body.addWidget(caption)
        self._body.addWidget(value)


def _flip(text: QWidget, show: Any) -> None:
    text.setVisible(text.isHidden())
    show.setText(tr("Show rule text") if text.isHidden() else tr("Hide rule text"))


def tag_text(tag: str) -> str:
    """Return an ATT&CK tag as people write it: `attack.t1059.001` -> T1059.001."""
    name = tag.removeprefix("attack.")
    if name[:1] in "tgs" and name[1:2].isdigit():
        return name.upper()
    return name.replace("_", " ").replace("-", " ").capitalize() if tag.startswith("attack.") else tag


class _Flow(QWidget):
    """Chips that wrap."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        rows: list[list[str]] = [[]]
        length = 0
        for text in texts:
            length += len(text) + 3
            if length > 44 and rows[-1]:
                rows.append([])
                length = len(text)
            rows[-1].append(text)
        self.setLayout(
            column(
                *[row(*[Chip(text) for text in part], None, gap=6) for part in rows],
                gap=5,
                margins=(0, 4, 0, 4),
            )
        )
        self.setAccessibleName(tr("ATT&CK: {tags}", tags=", ".join(texts)))
