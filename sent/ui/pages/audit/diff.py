"""One entry of the trail: the columns that changed, before and after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.highlight import Value
from sent.ui.kit.text import absolute, plain
from sent.ui.kit.widgets import clear, column, label, line, row, tool

if TYPE_CHECKING:
    from sent.engines.audit.api import Entry


def action_name(action: str) -> str:
    """Return what happened, in the user's language."""
    names = {
        "insert": tr("Created"),
        "update": tr("Changed"),
        "delete": tr("Deleted"),
        "truncate": tr("Emptied"),
    }
    return names.get(action, action)


def changes(entry: Entry) -> list[tuple[str, Any, Any]]:
    """Return (column, before, after) of what differs; all columns for a new or deleted row."""
    before, after = entry.before or {}, entry.after or {}
    names = [name for name in before | after if name not in ("version", "updated_at", "organization_id")]
    return [
        (name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    ]


class EntryPanel(QFrame):
    """The detail at the right of the list."""

    closed = Signal()
    filter_wanted = Signal(str, str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setAccessibleName(tr("Change"))
        self._head: QVBoxLayout = column(gap=6, margins=(18, 12, 10, 12))
        self._body: QVBoxLayout = column(gap=4)
        inner = QWidget()
        inner.setObjectName("surface")
        inner.setLayout(column(self._body, None, margins=(18, 12, 18, 18)))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setLayout(column(self._head, line(), area, gap=0, margins=(1, 1, 1, 1)))

    def show_entry(self, entry: Entry) -> None:
        """Show one change."""
        clear(self._head)
        clear(self._body)
        text = json.dumps(
            {"before": entry.before, "after": entry.after}, indent=2, default=str, ensure_ascii=False
        )
        copy = tool("copy", tr("Copy as JSON"), lambda: QGuiApplication.clipboard().setText(text), size=14)
        close = tool("x", tr("Close detail (Esc)"), self.closed.emit)
        self._head.addLayout(row(label(action_name(entry.action), type="l"), None, copy, close))
        self._head.addWidget(label(f"{entry.table}  ·  {entry.actor_name}", tone="2", wrap=True))
        self._head.addWidget(label(absolute(entry.at), tone="3", type="s"))
        found = changes(entry)
        self._body.addWidget(label(trn("{n} column", "{n} columns", n=len(found)), tone="3", type="s"))
        for name, before, after in found:
            caption = label(name, weight="medium")
            caption.setContentsMargins(0, 10, 0, 0)
            self._body.addWidget(caption)
            if entry.action != "insert":
                self._body.addLayout(self._side("minus", "bad", before, tr("Before")))
            if entry.action != "delete":
                self._body.addLayout(self._side("plus", "ok", after, tr("After")))
        self._body.addSpacing(14)
        for caption_text, value in (
            (tr("Row"), entry.row_id),
            (tr("Trace"), entry.trace),
            (tr("Entry"), entry.id),
        ):
            if value is not None:
                self._body.addWidget(label(caption_text, tone="3", type="s"))
                shown = Value(str(value), name=caption_text)
                shown.clicked.connect(lambda out, v=str(value): self.filter_wanted.emit("", v, out))
                self._body.addWidget(shown)

    def _side(self, sign: str, tone: Any, value: Any, name: str) -> Any:
        mark = label("−" if sign == "minus" else "+", tone=tone, weight="bold")
        mark.setFixedWidth(12)
        mark.setAccessibleName(name)
        text = plain(value)
        shown = Value(text, name=name)
        shown.clicked.connect(lambda out: self.filter_wanted.emit("", text, out))
        made = row(mark, shown, gap=6)
        made.setStretch(1, 1)
        made.setAlignment(mark, Qt.AlignmentFlag.AlignTop)
        return made
