"""Words and columns of an entity's timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sent.platform.i18n import tr
from sent.ui.kit.cells import level_name
from sent.ui.kit.table import Column
from sent.ui.kit.text import absolute, clock
from sent.ui.pages.radar.columns import state_name
from sent.ui.theme.tokens import LEVELS

if TYPE_CHECKING:
    from sent.engines.radar.api import Entry


def spans() -> list[tuple[str, str]]:
    """Return (days, text) of the times offered."""
    return [("1", tr("24 hours")), ("7", tr("7 days")), ("30", tr("30 days"))]


def entity_name(kind: str) -> str:
    """Return what an entity is in the user's language."""
    return {"host": tr("Host"), "user": tr("User"), "address": tr("Address")}.get(kind, kind)


def entity_icon(kind: str) -> str:
    """Return an entity's icon."""
    return {"host": "server", "user": "user", "address": "link"}.get(kind, "box")


def group_name(kind: str) -> str:
    """Return the heading of related entities."""
    names = {
        "host": tr("Hosts"),
        "user": tr("Users"),
        "address": tr("Addresses"),
        "program": tr("Programs"),
    }
    return names.get(kind, kind)


def entry_kind(kind: str) -> str:
    """Return what kind of moment it is."""
    names = {
        "alert": tr("Alert"),
        "decision": tr("Decision"),
        "comment": tr("Comment"),
        "incident": tr("Incident"),
        "muted": tr("Muted"),
        "first": tr("First seen"),
        "event": tr("Event"),
    }
    return names.get(kind, kind)


def entry_detail(entry: Entry) -> str:
    """Return what stands behind an entry's title."""
    if entry.kind == "first":
        return tr("{what} (not seen in the 14 days before)", what=entry.detail)
    if entry.kind == "decision":
        state, colon, reason = entry.detail.partition(": ")
        return f"{state_name(state)}{colon}{reason}"
    return entry.detail


def _level(entry: Entry) -> str:
    return level_name(entry.level) if entry.level in LEVELS else entry.level or "–"


def entry_columns() -> list[Column]:
    """Return the columns of the stream."""
    return [
        Column("at", tr("Time"), lambda e: clock(e.at), 100, "time", newest_first=True,
               tip=lambda e: absolute(e.at)),
        Column("kind", tr("Kind"), lambda e: entry_kind(e.kind), 108, "state",
               widest="\n".join(map(entry_kind, ("alert", "decision", "first", "incident")))),
        Column("title", tr("What"), lambda e: e.title, 260, "strong", stretch=True, tip=lambda e: e.title),
        Column("detail", tr("Detail"), entry_detail, 190, "quiet", drop=1, tip=entry_detail),
        Column("level", tr("Level"), _level, 90, "severity", drop=3),
        Column("actor", tr("By"), entry_actor, 120, "quiet", drop=2),
        Column("credit", tr("Rule author"), lambda e: e.credit or "–", 120, "quiet", drop=4, always=True,
               tip=lambda e: e.credit),
    ]  # fmt: skip


def entry_actor(entry: Entry) -> str:
    """Return who did it; of what is new, what it is."""
    if entry.kind == "first":
        return {"program": tr("Program")}.get(entry.actor, entity_name(entry.actor))
    return entry.actor or "–"
