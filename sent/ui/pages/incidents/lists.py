"""The list's columns and filter, and the words for an incident's parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sent.platform.i18n import tr
from sent.ui.kit.cells import level_name
from sent.ui.kit.filterbar import Field
from sent.ui.kit.table import Column
from sent.ui.kit.text import absolute, count, relative

if TYPE_CHECKING:
    from sent.engines.incidents.api import Entry

SEVERITIES = ("critical", "high", "medium", "low")
STATUSES = ("open", "contained", "resolved", "closed")


def status_name(status: str) -> str:
    """Return an incident's status in the user's language."""
    names = {
        "open": tr("Open"),
        "contained": tr("Contained"),
        "resolved": tr("Resolved"),
        "closed": tr("Closed"),
    }
    return names.get(status, status)


def columns() -> list[Column]:
    """Return the list's columns."""
    return [
        Column("number", tr("Number"), lambda i: f"#{i.number}", 80, "mono", newest_first=True),
        Column("severity", tr("Severity"), lambda i: i.severity, 96, "level", field="severity"),
        Column(
            "title", tr("Incident"), lambda i: i.title, 300, "strong", stretch=True, tip=lambda i: i.title
        ),
        Column(
            "status",
            tr("State"),
            lambda i: status_name(i.status),
            124,
            "state",
            field="status",
            widest="\n".join(map(status_name, STATUSES)),
        ),
        Column("owner_name", tr("Owner"), lambda i: i.owner_name or "–", 130, "quiet", drop=2),
        Column("client_name", tr("Client"), lambda i: i.client_name or "–", 120, "quiet", drop=4),
        Column("links", tr("Records"), lambda i: count(i.links), 84, "number", drop=3),
        Column(
            "opened_at",
            tr("Opened"),
            lambda i: relative(i.opened_at),
            110,
            "time",
            tip=lambda i: absolute(i.opened_at),
        ),
        Column(
            "changed_at",
            tr("Changed"),
            lambda i: relative(i.changed_at),
            110,
            "time",
            tip=lambda i: absolute(i.changed_at),
            drop=1,
        ),
    ]


def fields() -> list[Field]:
    """Return what the list can be filtered by, besides words."""
    return [Field("status", tr("State"), STATUSES), Field("severity", tr("Severity"), SEVERITIES)]


def told(entry: Entry) -> str:
    """Return a line of the timeline in words."""
    if entry.kind == "note":
        return entry.text or ""
    if entry.kind == "opened":
        return tr("Opened as {severity}", severity=level_name(entry.value or ""))
    if entry.kind == "link":
        return tr("Linked: {title}", title=entry.text or "")
    if entry.kind == "status":
        before, now = status_name(entry.before or ""), status_name(entry.value or "")
        return tr("State: {before} → {now}", before=before, now=now)
    if entry.kind == "severity":
        before, now = level_name(entry.before or ""), level_name(entry.value or "")
        return tr("Severity: {before} → {now}", before=before, now=now)
    if entry.kind == "owner":
        return tr("Given to {name}", name=entry.value) if entry.value else tr("Given to nobody")
    return tr("Renamed: {before} → {now}", before=entry.before or "", now=entry.value or "")
