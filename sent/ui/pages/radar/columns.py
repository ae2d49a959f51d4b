"""Columns and filter fields of the radar's two lists."""

from __future__ import annotations

from dataclasses import replace

from sent.platform.i18n import tr
from sent.ui.kit.filterbar import Field
from sent.ui.kit.table import Column
from sent.ui.kit.text import absolute, clock, count, relative
from sent.ui.theme.tokens import LEVELS

SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")


STATES = ("new", "acknowledged", "closed")


REASONS = ("true positive", "benign", "false positive", "duplicate")
"""Why alerts are closed, besides what people write themselves; stored in these words."""


def reason_name(reason: str) -> str:
    """Return why an alert was closed in the user's language, or as somebody wrote it."""
    names = {
        "true positive": tr("True positive: it was what the rule looks for, and is dealt with"),
        "benign": tr("Benign: it happened, and was allowed"),
        "false positive": tr("False positive: the rule was wrong"),
        "duplicate": tr("Duplicate: another alert covers it"),
    }
    return names.get(reason, reason)


def state_name(state: str) -> str:
    """Return an alert's state in the user's language."""
    return {"new": tr("New"), "acknowledged": tr("Acknowledged"), "closed": tr("Closed")}.get(state, state)


def alert_columns() -> list[Column]:
    """Return the alert queue's columns."""
    return [
        Column(
            "at",
            tr("Raised"),
            lambda a: relative(a.at),
            92,
            "time",
            newest_first=True,
            widest=tr("{n} min ago", n=59),
            tip=lambda a: absolute(a.at),
        ),
        Column("level", tr("Level"), lambda a: a.level, 86, "level", field="level"),
        Column(
            "title",
            tr("Alert"),
            lambda a: a.title,
            300,
            "strong",
            stretch=True,
            field="title",
            tip=lambda a: a.title,
        ),
        Column("host", tr("Host"), lambda a: a.host, 150, "text", field="host", drop=1),
        Column(
            "state",
            tr("State"),
            lambda a: state_name(a.state),
            124,
            "state",
            field="state",
            widest="\n".join(map(state_name, STATES)),
        ),
        Column(
            "assignee_name",
            tr("Assignee"),
            lambda a: a.assignee_name or "–",
            120,
            "quiet",
            field="assignee",
            drop=2,
        ),
        Column(
            "client_name", tr("Client"), lambda a: a.client_name or "–", 120, "quiet", field="client", drop=4
        ),
        Column("count", tr("Count"), lambda a: count(a.count), 66, "number", drop=3),
        Column(
            "author",
            tr("Rule author"),
            lambda a: a.author or "–",
            130,
            "quiet",
            field="author",
            tip=lambda a: a.author,
            drop=5,
            always=True,
        ),
    ]


def event_columns() -> list[Column]:
    """Return the live tail's columns."""
    return [
        Column("at", tr("Time"), lambda e: clock(e.at), 116, "time", tip=lambda e: absolute(e.at)),
        Column("level", tr("Severity"), lambda e: e.level, 90, "severity", field="level"),
        Column("host", tr("Host"), lambda e: e.host, 130, "text", field="host"),
        Column("program", tr("Program"), lambda e: e.program, 120, "quiet", field="program", drop=1),
        Column(
            "message",
            tr("Message"),
            lambda e: e.message,
            400,
            "mono",
            stretch=True,
            field=None,
            tip=lambda e: e.message,
        ),
    ]


def found_columns() -> list[Column]:
    """Return the columns of the search: the newest event stands first."""
    first, *rest = event_columns()
    moment = replace(first, width=130, newest_first=True)
    source = Column(
        "source_name", tr("Source"), lambda e: e.source_name, 110, "quiet", field="source", drop=2
    )
    return [moment, *rest[:-1], source, rest[-1]]


def alert_fields() -> list[Field]:
    """Return what the queue can be filtered by."""
    return [
        Field("level", tr("Level"), tuple(LEVELS)),
        Field("state", tr("State"), STATES),
        Field("host", tr("Host")),
        Field("title", tr("Alert")),
        Field("assignee", tr("Assignee")),
        Field("client", tr("Client")),
        Field("source", tr("Source")),
        Field("rule", tr("Rule")),
        Field("tag", tr("ATT&CK tag")),
        Field("author", tr("Author")),
        Field("user", tr("User")),
        Field("reason", tr("Reason"), REASONS),
    ]


def event_fields() -> list[Field]:
    """Return what the tail can be filtered by; more fields come from the events themselves."""
    names = {
        "host": tr("Host"),
        "program": tr("Program"),
        "channel": tr("Channel"),
        "event": tr("Event id"),
        "source": tr("Source"),
    }
    return [
        Field("level", tr("Severity"), SEVERITIES),
        *[Field(name, title) for name, title in names.items()],
    ]
