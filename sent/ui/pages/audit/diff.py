"""One entry of the trail: the columns that changed, before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sent.platform.i18n import tr, trn
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.text import absolute, plain
from sent.ui.kit.widgets import clear, label, row

if TYPE_CHECKING:
    from sent.engines.audit.api import Entry


ACTIONS = ("insert", "update", "delete", "truncate")


def action_name(action: str) -> str:
    """Return what happened, in the user's language."""
    names = {
        "insert": tr("Created"),
        "update": tr("Changed"),
        "delete": tr("Deleted"),
        "truncate": tr("Emptied"),
    }
    return names.get(action, action)


PERSONAL = "personal:"
"""What stands for a personal value in an image (`sent.engines.audit.api.PERSONAL`)."""

Personal = Mapping[str, str | None]


def shown(value: Any, personal: Personal | None = None) -> str:
    """Return a value as text; personal ones as far as they are known."""
    if not isinstance(value, str) or not value.startswith(PERSONAL):
        return plain(value)
    if personal is None or value not in personal:
        return tr("(personal)")
    found = personal[value]
    return tr("(erased)") if found is None else found


def has_personal(entry: Entry) -> bool:
    """Say whether an image holds personal values."""
    values = [*(entry.before or {}).values(), *(entry.after or {}).values()]
    return any(isinstance(value, str) and value.startswith(PERSONAL) for value in values)


def changes(entry: Entry) -> list[tuple[str, Any, Any]]:
    """Return (column, before, after) of what differs; all columns for a new or deleted row."""
    before, after = entry.before or {}, entry.after or {}
    names = [name for name in before | after if name not in ("version", "updated_at", "organization_id")]
    return [
        (name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    ]


class EntryPanel(DetailPanel):
    """The detail at the right of the list."""

    def __init__(self) -> None:
        super().__init__(tr("Change"))

    def show_entry(self, entry: Entry, personal: Personal | None = None) -> None:
        """Show one change; `personal` are the values that stand behind commitments."""
        clear(self.head)
        clear(self.body)
        text = json.dumps(
            {"before": entry.before, "after": entry.after}, indent=2, default=str, ensure_ascii=False
        )
        tools = self.tools(text, tr("Copy as JSON"))
        self.head.addLayout(row(label(action_name(entry.action), type="l"), None, *tools))
        self.head.addWidget(label(f"{entry.table}  ·  {entry.actor_name}", tone="2", wrap=True))
        self.head.addWidget(label(absolute(entry.at), tone="3", type="s"))
        found = changes(entry)
        self.body.addWidget(label(trn("{n} column", "{n} columns", n=len(found)), tone="3", type="s"))
        for name, before, after in found:
            caption = label(name, weight="medium")
            caption.setContentsMargins(0, 10, 0, 0)
            self.body.addWidget(caption)
            if entry.action != "insert":
                self.body.addLayout(self.marked("−", "bad", shown(before, personal), name=tr("Before")))
            if entry.action != "delete":
                self.body.addLayout(self.marked("+", "ok", shown(after, personal), name=tr("After")))
        self.body.addSpacing(14)
        ids = ((tr("Row"), entry.row_id), (tr("Trace"), entry.trace), (tr("Entry"), entry.id))
        for title, value in ids:
            if value is not None:
                self.pair(title, str(value), field="")
        self.scroll_up()
