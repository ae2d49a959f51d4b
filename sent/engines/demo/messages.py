"""How machines say things: syslog frames of Linux daemons and of Windows agents that send JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

import orjson

from sent.engines.demo.company import Site

AUTH = 10
CRON = 9
DAEMON = 3
LOCAL0 = 16


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of a site at a moment."""

    at: datetime
    site: str
    data: bytes


def linux(
    site: Site, at: datetime, host: str, program: str, text: str, *, facility: int = DAEMON, severity: int = 6
) -> Sent:
    """Return an RFC 3164 message, times in UTC as the sources are set up."""
    stamp = f"{at:%b} {at.day:2d} {at:%H:%M:%S}"
    tag = program if program == "sudo" else f"{program}[{1000 + crc32((host + program).encode()) % 30000}]"
    return Sent(at, site.key, f"<{facility * 8 + severity}>{stamp} {host} {tag}: {text}".encode())


def windows(
    site: Site, at: datetime, host: str, channel: str, event_id: int, provider: str, **fields: Any
) -> Sent:
    """Return a Windows event as agents forward it: a JSON object in an RFC 5424 message."""
    severity = fields.pop("severity", 6)
    body = {
        "EventTime": at.isoformat(timespec="milliseconds"),
        "Hostname": f"{host}.{site.domain}",
        "Channel": channel,
        "EventID": event_id,
        "SourceName": provider,
        **fields,
    }
    head = f"<{LOCAL0 * 8 + severity}>1 {at.isoformat(timespec='milliseconds')} {host} agent 880 - - "
    return Sent(at, site.key, head.encode() + orjson.dumps(body))


def security(site: Site, at: datetime, host: str, event_id: int, text: str, **fields: Any) -> Sent:
    """Return an event of the Security log."""
    provider = "Microsoft-Windows-Security-Auditing"
    return windows(site, at, host, "Security", event_id, provider, Message=text, **fields)


def sysmon(site: Site, at: datetime, host: str, event_id: int, text: str, **fields: Any) -> Sent:
    """Return an event of Sysmon."""
    channel = "Microsoft-Windows-Sysmon/Operational"
    return windows(site, at, host, channel, event_id, "Microsoft-Windows-Sysmon", Message=text, **fields)


def process(site: Site, at: datetime, host: str, user: str, image: str, command: str, parent: str) -> Sent:
    """Return a process that started (Sysmon 1)."""
    return sysmon(
        site,
        at,
        host,
        1,
        f"Process Create: {command}",
        Image=image,
        CommandLine=command,
        ParentImage=parent,
        User=f"{site.domain.split('.')[0].upper()}\\{user}",
        IntegrityLevel="Medium",
        OriginalFileName=image.rsplit("\\", 1)[-1],
    )
