"""The page's lists: what stands in them, and the words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sent.platform.i18n import tr
from sent.ui.kit.table import Column
from sent.ui.kit.text import absolute, count, relative
from sent.ui.pages.database.cards import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sent.engines.database.api import Backup, Budget, Operation, Session, Table


def backup_columns() -> list[Column]:
    """Return the columns of the backups."""
    return [
        Column(
            "made_at",
            tr("Made"),
            lambda b: relative(b.made_at),
            130,
            "time",
            newest_first=True,
            tip=lambda b: absolute(b.made_at),
        ),
        Column("kind", tr("Kind"), lambda b: backup_kind(b.kind), 210, "strong", stretch=True),
        Column("verified", tr("Verified"), verified_text, 220, "text", tip=verified_text),
        Column("bytes", tr("Size"), lambda b: size_text(b.bytes), 90, "number"),
        Column("revision", tr("Schema"), lambda b: b.revision or "–", 90, "quiet", drop=1),
        Column("name", tr("Name"), lambda b: b.name, 170, "mono", drop=2),
    ]


def session_columns() -> list[Column]:
    """Return the columns of the connections."""
    return [
        Column("who", tr("Who"), lambda s: s.who, 130, "strong"),
        Column("state", tr("Doing"), session_state, 190, "text", tip=session_state),
        Column("seconds", tr("For"), lambda s: seconds_text(s.seconds), 80, "number"),
        Column(
            "query",
            tr("Query (without values)"),
            lambda s: s.query,
            360,
            "mono",
            stretch=True,
            tip=lambda s: s.query,
        ),
        Column("application", tr("Program"), lambda s: s.application, 120, "quiet", drop=1),
        Column("pid", tr("Process"), lambda s: str(s.pid), 80, "quiet", drop=2),
    ]


def slow_columns() -> list[Column]:
    """Return the columns of the slow queries."""
    return [
        Column(
            "longest_s", tr("Longest"), lambda q: seconds_text(q.longest_s), 90, "number", newest_first=True
        ),
        Column("seen", tr("Seen"), lambda q: count(q.seen), 70, "number"),
        Column(
            "query",
            tr("Query (without values)"),
            lambda q: q.query,
            400,
            "mono",
            stretch=True,
            tip=lambda q: q.query,
        ),
        Column("who", tr("Who, last"), lambda q: q.who, 130, "quiet", drop=1),
        Column("cancelled", tr("Ended"), lambda q: count(q.cancelled), 70, "number", drop=2),
        Column(
            "last_at",
            tr("Last seen"),
            lambda q: relative(q.last_at),
            110,
            "time",
            tip=lambda q: absolute(q.last_at),
        ),
    ]


def table_columns() -> list[Column]:
    """Return the columns of the tables."""
    return [
        Column("name", tr("Table"), lambda t: t.name, 300, "mono", stretch=True),
        Column("bytes", tr("Size"), lambda t: size_text(t.bytes), 110, "number", newest_first=True),
        Column("growth", tr("In a week"), growth_text, 110, "number"),
        Column("row_estimate", tr("Rows, about"), _rows_text, 120, "number", drop=1),
    ]


def operation_columns() -> list[Column]:
    """Return the columns of the orders."""
    return [
        Column(
            "ordered_at",
            tr("Ordered"),
            lambda o: relative(o.ordered_at),
            120,
            "time",
            newest_first=True,
            tip=lambda o: absolute(o.ordered_at),
        ),
        Column("kind", tr("What"), operation_title, 260, "strong", stretch=True, tip=operation_title),
        Column("state", tr("State"), operation_state, 330, "text", tip=operation_state),
        Column(
            "ordered_by_name", tr("By"), lambda o: o.ordered_by_name or tr("Schedule"), 150, "quiet", drop=1
        ),
        Column("took", tr("Took"), took_text, 80, "number", drop=2),
    ]


def backup_kind(kind: str) -> str:
    """Return what a backup is good for, in the user's words."""
    names = {
        "logical": tr("Dump of the data"),
        "base": tr("Base for any later second"),
        "snapshots": tr("Dump before a migration"),
    }
    return names.get(kind, kind)


def verified_text(backup: Backup) -> str:
    """Return whether it came back."""
    if backup.verified is None or backup.verified_at is None:
        return tr("Not yet")
    if backup.verified:
        return tr("Came back whole, {time}", time=relative(backup.verified_at))
    return tr("Failed: {reason}", reason=backup.remark)


def session_state(session: Session) -> str:
    """Return what a session does, and whom it waits for or holds up."""
    if session.blocked_by:
        return tr("Waits for {names}", names=", ".join(str(pid) for pid in session.blocked_by))
    names = {
        "active": tr("Working"),
        "idle": tr("Idle"),
        "idle in transaction": tr("Idle in a transaction"),
        "idle in transaction (aborted)": tr("Idle in a failed transaction"),
    }
    words = names.get(session.state, session.state)
    return tr("{state}, holds up {n}", state=words, n=session.blocking) if session.blocking else words


def seconds_text(seconds: float | None) -> str:
    """Return a span as people read it."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return tr("{n} s", n=count(round(seconds, 1)))
    return tr("{n} min", n=count(seconds / 60)) if seconds < 5400 else tr("{n} h", n=count(seconds / 3600))


def growth_text(table: Table) -> str:
    """Return how much a table grew since the oldest sample of the week."""
    if table.bytes_week_ago is None:
        return "–"
    grown = table.bytes - table.bytes_week_ago
    return "0" if grown == 0 else f"{'+' if grown > 0 else '−'}{size_text(abs(grown))}"


def _rows_text(table: Table) -> str:
    return "–" if table.row_estimate is None else count(table.row_estimate)


def budget_text(budget: Sequence[Budget]) -> str:
    """Return who uses how many connections of how many he may have."""
    names = {"staff": tr("Staff"), "other": tr("Others")}
    return "   ".join(
        f"{names.get(one.who, one.who)} {one.used}{f' / {one.allowed}' if one.allowed is not None else ''}"
        for one in budget
    )


def operation_title(operation: Operation) -> str:
    """Return what was ordered."""
    if operation.kind == "verify":
        return tr("Verify {name}", name=str(operation.arguments.get("name", "")))
    if operation.kind == "backup":
        kind = operation.arguments.get("kind")
        return tr("Back up: {kind}", kind=backup_kind(str(kind))) if kind else tr("Back up everything")
    return operation.kind


def operation_state(operation: Operation) -> str:
    """Return how far an order is, or how it ended."""
    if operation.state == "running":
        if operation.cancel_asked:
            return tr("Stopping")
        share = f"{operation.fraction:.0%} · " if operation.fraction is not None else ""
        return f"{share}{operation.step}" if operation.step else tr("Running")
    if operation.state == "failed":
        return tr("Failed: {reason}", reason=operation.error or "")
    names = {"ordered": tr("Waits its turn"), "done": tr("Done"), "cancelled": tr("Cancelled")}
    return names.get(operation.state, operation.state)


def took_text(operation: Operation) -> str:
    """Return how long an order took."""
    if operation.started_at is None or operation.ended_at is None:
        return "–"
    return seconds_text((operation.ended_at - operation.started_at).total_seconds())
