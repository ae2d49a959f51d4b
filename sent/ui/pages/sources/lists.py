"""The page's lists: what stands in them, and the words for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sent.platform.i18n import tr, trn
from sent.ui.kit.table import Column
from sent.ui.kit.text import absolute, clock, count, relative

if TYPE_CHECKING:
    from sent.engines.radar.api import DeadLetter, SourceHealth

KINDS = ("syslog_udp", "syslog_tcp", "syslog_tls", "http", "file", "jsonl", "evtx")
HEALTH = ("working", "silent", "opening", "problem", "unknown", "off")
LETTERS = ("dead", "replay", "done", "discarded")
BARS = "▁▂▃▄▅▆▇█"


def views() -> tuple[tuple[str, str], ...]:
    """Return what the page can show."""
    return (
        ("sources", tr("Sources")),
        ("letters", tr("Dead letters")),
        ("placeholders", tr("Placeholders")),
    )


def columns() -> dict[str, list[Column]]:
    """Return the columns of each list."""
    return {
        "sources": source_columns(),
        "letters": letter_columns(),
        "placeholders": placeholder_columns(),
    }


def source_columns() -> list[Column]:
    """Return the columns of the sources."""
    return [
        Column("state", tr("State"), health_name, 130, "state", field="state", widest=_all(health_words())),
        Column("name", tr("Source"), lambda s: s.source.name, 190, "strong", field="name", tip=trouble,
               stretch=True),
        Column("kind", tr("Kind"), lambda s: kind_name(s.source.kind), 120, "quiet", field="kind"),
        Column("address", tr("Where"), lambda s: s.source.address, 170, "mono", drop=2,
               tip=lambda s: s.source.address),
        Column("spark", tr("Last 24 hours"), lambda s: spark(s.hours), 190, "mono", drop=4,
               sort=lambda s: sum(s.hours), tip=day_told),
        Column("rate", tr("Events/s"), lambda s: rate(s.fares.per_second), 90, "number",
               sort=lambda s: s.fares.per_second),
        Column("last", tr("Last event"), last_event, 120, "time", sort=_moment, drop=1,
               widest=tr("under {n} min ago", n=2),
               tip=lambda s: absolute(s.fares.last_event_at) if s.fares.last_event_at else tr("Never")),
        Column("letters", tr("Dead letters"), lambda s: count(s.fares.letters) if s.fares.letters else "–",
               110, "number", sort=lambda s: s.fares.letters, drop=3),
        Column("logsource", tr("Log source"), logsource, 150, "quiet", drop=6),
        Column("steps", tr("Mapping"), steps, 90, "quiet", sort=lambda s: s.fares.steps, drop=5),
        Column("client", tr("Client"), lambda s: s.source.client_name or "–", 120, "quiet", field="client",
               drop=8),
        Column("keep", tr("Kept"), kept, 90, "quiet", sort=lambda s: s.fares.keep_days or 0, drop=7),
    ]  # fmt: skip


def letter_columns() -> list[Column]:
    """Return the columns of the dead letters."""
    return [
        Column("received_at", tr("Received"), lambda d: clock(d.received_at), 120, "time", newest_first=True,
               tip=lambda d: absolute(d.received_at)),
        Column("state", tr("State"), letter_state, 150, "state", field="state", widest=_all(letter_words())),
        Column("source_name", tr("Source"), lambda d: d.source_name or tr("Removed"), 170, "strong",
               field="source", drop=4),
        Column("reason", tr("Why"), lambda d: d.reason, 320, stretch=True, tip=lambda d: d.reason),
        Column("kind", tr("Kind"), lambda d: kind_name(d.kind), 120, "quiet", field="kind", drop=2),
        Column("length", tr("Bytes"), lambda d: count(d.length), 90, "number", drop=1),
        Column("attempts", tr("Tries"), lambda d: count(d.attempts), 80, "number", drop=3),
    ]  # fmt: skip


def placeholder_columns() -> list[Column]:
    """Return the columns of the placeholders."""
    return [
        Column("name", tr("Placeholder"), lambda p: f"%{p.name}%", 220, "mono"),
        Column("waiting", tr("Rules that wait"), lambda p: count(p.waiting) if p.waiting else "–", 130,
               "number"),
        Column("rules", tr("Rules"), lambda p: count(p.rules), 80, "number"),
        Column("count", tr("Values"), lambda p: count(len(p.values)) if p.values else tr("None"), 90,
               "number", sort=lambda p: len(p.values)),
        Column("values", tr("What it stands for"), lambda p: ", ".join(p.values[:50]), 320, "quiet",
               stretch=True),
    ]  # fmt: skip


def kind_name(kind: str) -> str:
    """Return a kind of source in words."""
    names = {
        "syslog_udp": "Syslog UDP",
        "syslog_tcp": "Syslog TCP",
        "syslog_tls": "Syslog TLS",
        "http": "HTTP",
        "file": tr("File"),
        "jsonl": tr("File of JSON"),
        "evtx": tr("Windows EVTX"),
    }
    return names.get(kind, kind)


def kind_told(kind: str) -> str:
    """Return what a kind of source is for."""
    return {
        "syslog_udp": tr(
            "RFC 3164 and 5424 in datagrams. Senders cannot wait: what finds no room is counted."
        ),
        "syslog_tcp": tr("Syslog over a connection, both framings. Senders wait while there is no room."),
        "syslog_tls": tr("Syslog over TLS (RFC 5425); clients may have to show certificates."),
        "http": tr("JSON lines or OTLP, posted with a token. An answer of 200 means: it is stored."),
        "file": tr("Lines of a text file on the worker's machine, followed through rotation."),
        "jsonl": tr("A JSON object on each line of a file on the worker's machine."),
        "evtx": tr("A Windows event log file on the worker's machine, followed as it grows."),
    }.get(kind, "")


def health_words() -> dict[str, str]:
    """Return the words for the states of sources."""
    return {
        "working": tr("Works"),
        "silent": tr("Silent"),
        "opening": tr("Opening"),
        "problem": tr("Problem"),
        "unknown": tr("No worker"),
        "off": tr("Switched off"),
    }


def health_name(one: SourceHealth) -> str:
    """Return a source's state in words."""
    return health_words().get(one.state, one.state)


def trouble(one: SourceHealth) -> str:
    """Return what there is to know about a source's state, in a sentence."""
    last = one.fares.last_event_at
    told = {
        "off": tr("It is switched off; its events stay."),
        "unknown": tr("No radar worker has said anything about it for 30 seconds."),
        "opening": tr("A worker takes the last change up within seconds."),
        "problem": one.fares.problem,
        "silent": tr("Its last event came {when}.", when=relative(last)) if last else "",
        "working": tr("It is being read.") if last else tr("It is being read; nothing has come yet."),
    }
    return told.get(one.state, "")


def letter_words() -> dict[str, str]:
    """Return the words for the states of dead letters."""
    return {
        "dead": tr("Dead"),
        "replay": tr("Is read again"),
        "done": tr("Stored"),
        "discarded": tr("Given up"),
    }


def letter_state(letter: DeadLetter) -> str:
    """Return a dead letter's state in words."""
    return letter_words().get(letter.state, letter.state)


def spark(hours: Sequence[int]) -> str:
    """Return figures as a row of small bars; none at all is a row of dots."""
    top = max(hours, default=0)
    if not top:
        return "·" * len(hours)
    steps = len(BARS) - 1
    return "".join("·" if not n else BARS[max(0, -(-n * steps // top))] for n in hours)


def day_told(one: SourceHealth) -> str:
    """Return a day's events in words."""
    return trn("{n} event in 24 hours", "{n} events in 24 hours", n=sum(one.hours))


def rate(per_second: float) -> str:
    """Return events per second, few of them with their fraction."""
    if not per_second:
        return "–"
    return (
        count(round(per_second))
        if per_second >= 10
        else f"{per_second:.1f}"
        if per_second >= 0.05
        else "< 0.1"
    )


def last_event(one: SourceHealth) -> str:
    """Return when a source's last event came."""
    last = one.fares.last_event_at
    if last is None:
        return tr("Never")
    # Events are counted by the minute they came in: a time within it would be made up.
    recent = datetime.now(UTC) - last < timedelta(minutes=2)
    return tr("under {n} min ago", n=2) if recent else relative(last)


def logsource(one: SourceHealth) -> str:
    """Return what was said about a source's events, as people write log sources."""
    parts = (one.source.product, one.source.category, one.source.service)
    return "/".join(part or "*" for part in parts) if any(parts) else "–"


def steps(one: SourceHealth) -> str:
    """Return how many steps a source's mapping has."""
    return trn("{n} step", "{n} steps", n=one.fares.steps) if one.fares.steps else "–"


def kept(one: SourceHealth) -> str:
    """Return for how long a source's events are kept."""
    days = one.fares.keep_days
    return trn("{n} day", "{n} days", n=days) if days else tr("As usual")


def empty(view: str) -> tuple[str, str, str]:
    """Return what stands in place of a list without rows."""
    return {
        "sources": ("inbox", tr("No source yet"), tr("Add one, and its events appear within seconds.")),
        "letters": (
            "circle-check",
            tr("No dead letters"),
            tr("Lines that could not be read or stored will stand here."),
        ),
        "placeholders": (
            "tag",
            tr("No rule uses placeholders"),
            tr("Rules with %name% behind `expand` wait here for their values."),
        ),
    }[view]


def _all(words: dict[str, str]) -> str:
    return "\n".join(words.values())


def _moment(one: SourceHealth) -> float:
    last = one.fares.last_event_at
    return last.timestamp() if last else 0.0
