"""The page's lists: what stands in them, and the words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sent.platform.i18n import language, tr
from sent.ui.kit.table import Column
from sent.ui.kit.text import absolute, clock, count, relative

if TYPE_CHECKING:
    from sent.engines.notifications.api import ChannelRow, Delivery, Notice

Empty = tuple[str, str, str]


def views() -> tuple[tuple[str, str], ...]:
    """Return what the page can show."""
    return (
        ("inbox", tr("Inbox")),
        ("preferences", tr("Preferences")),
        ("channels", tr("Channels")),
        ("log", tr("Delivery log")),
    )


def columns() -> dict[str, list[Column]]:
    """Return the columns of each list."""
    return {"inbox": inbox_columns(), "channels": channel_columns(), "log": log_columns()}


def inbox_columns() -> list[Column]:
    """Return the columns of the inbox."""
    return [
        Column("severity", tr("Severity"), severity_name, 110, "severity"),
        Column("read_at", tr("Read"), lambda n: tr("Read") if n.read_at else tr("Unread"), 100, "quiet"),
        Column("title", tr("Notice"), title, 340, "strong", stretch=True, tip=title),
        Column("topic", tr("Topic"), lambda n: n.topic, 190, "mono", drop=2),
        Column("count", tr("Times"), lambda n: count(n.count), 80, "number", drop=1),
        Column(
            "last_at",
            tr("When"),
            lambda n: clock(n.last_at),
            130,
            "time",
            newest_first=True,
            tip=lambda n: absolute(n.last_at),
        ),
    ]


def channel_columns() -> list[Column]:
    """Return the columns of the channels."""
    return [
        Column("name", tr("Channel"), lambda c: c.name, 180, "strong"),
        Column("kind", tr("Kind"), lambda c: kind_name(c.kind), 110, "quiet"),
        Column("where", tr("Where"), where, 260, "mono", stretch=True, tip=where),
        Column("enabled", tr("On"), lambda c: tr("On") if c.enabled else tr("Off"), 70, "quiet"),
        Column("last_sent_at", tr("Last sent"), last_sent, 130, "time", drop=1),
        Column("last_error", tr("Last error"), lambda c: c.last_error or "–", 260, "quiet", tip=last_error),
    ]


def log_columns() -> list[Column]:
    """Return the columns of the delivery log."""
    return [
        Column("state", tr("State"), lambda d: state_name(d.state), 120, "state", field="state"),
        Column("topic", tr("Topic"), lambda d: d.topic, 200, "strong", field="topic"),
        Column("kind", tr("Over"), lambda d: kind_name(d.kind), 100, "quiet", field="over"),
        Column("who", tr("To"), lambda d: d.person or d.channel or "–", 170, drop=2),
        Column("reason", tr("Why"), _why, 260, "quiet", stretch=True, tip=_why),
        Column("attempts", tr("Attempts"), lambda d: count(d.attempts), 90, "number", drop=3),
        Column("created_at", tr("When"), lambda d: clock(d.created_at), 130, "time", newest_first=True),
    ]


def severity_name(row: Notice) -> str:
    """Return a severity in words."""
    names = {"info": tr("Info"), "warning": tr("Warning"), "critical": tr("Critical")}
    return names.get(row.severity, row.severity)


def minima() -> tuple[tuple[str, str], ...]:
    """Return the choices of a rule."""
    return (
        ("info", tr("All")),
        ("warning", tr("Warnings")),
        ("critical", tr("Critical")),
        ("never", tr("Nothing")),
    )


def title(row: Notice) -> str:
    """Return a notice's title in the console's language."""
    return row.text(language())[0]


def kind_name(kind: str) -> str:
    """Return a way out in words."""
    names = {"desktop": tr("Desktop"), "mail": tr("Mail"), "smtp": tr("Mail"), "webhook": tr("Webhook")}
    return names.get(kind, kind)


def state_name(state: str) -> str:
    """Return a delivery's state in words."""
    names = {
        "pending": tr("Waits"),
        "sent": tr("Sent"),
        "failed": tr("Tries again"),
        "dead": tr("Dead"),
        "lapsed": tr("Lapsed"),
    }
    return names.get(state, state)


def where(row: ChannelRow) -> str:
    """Return where a channel sends to."""
    if row.kind == "webhook":
        return str(row.config.get("url", ""))
    return f"{row.config.get('host', '')}:{row.config.get('port', '')}"


def last_sent(row: ChannelRow) -> str:
    """Return when a channel sent last."""
    return relative(row.last_sent_at) if row.last_sent_at else tr("Never")


def last_error(row: ChannelRow) -> str:
    """Return what went wrong last, and when."""
    return f"{row.last_error} ({absolute(row.last_error_at)})" if row.last_error and row.last_error_at else ""


def empty(view: str) -> Empty:
    """Return what stands in place of a list without rows."""
    return {
        "inbox": ("circle-check", tr("Nothing was told to you yet"), tr("Notices for you will stand here.")),
        "channels": (
            "radio",
            tr("No channel yet"),
            tr("Add a mail server or a webhook."),
        ),
        "log": ("mail", tr("Nothing was sent yet"), tr("What became of deliveries will stand here.")),
    }[view]


def _why(row: Delivery) -> str:
    if row.state == "failed":
        return tr("{reason}; again at {time}", reason=row.reason, time=clock(row.next_at))
    return row.reason or "–"
