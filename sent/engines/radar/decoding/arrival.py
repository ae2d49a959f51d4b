"""What arrived becomes an event: JSON lines, plain lines, syslog with text, JSON, CEF, LEEF or pairs in it.

Windows agents send events as a JSON object in the message of a syslog frame (with or without the `@cee:`
cookie); such a message is the event itself, its frame only lends a host where the object names none. The
other formats (see `formats`) add their fields to the frame's, and `message` stays the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from sent.engines.radar.decoding import damage
from sent.engines.radar.decoding.normalise import event_from
from sent.engines.radar.decoding.syslog import MAX_MESSAGE, Message, parse, plausible, stamped
from sent.engines.radar.decoding.when import parse_time
from sent.engines.radar.formats import Found, detected
from sent.engines.radar.formats.keyvalue import audited
from sent.engines.radar.formats.logfmt import SEVERITIES
from sent.engines.radar.model import Event, LogSource
from sent.engines.radar.sigma.logsource import syslog_route

MAX_JSON = 262_144
"""Bytes of a JSON line; syslog frames are smaller anyway."""

MAX_EVENT = 2_097_152
"""Bytes of one event over HTTP."""

_SSH_LOGIN = re.compile(
    r"(Accepted|Failed) (\S{1,64}) for (?:invalid user )?(\S{0,128}) from (\S{1,64}) port (\d{1,5})"
)
_SSH_INVALID = re.compile(r"Invalid user (\S{0,128}) from (\S{1,64})")
_SUDO_PARTS = re.compile(r"(TTY|PWD|USER|GROUP|ENV|COMMAND)=")


def zone_named(name: str) -> tzinfo:
    """Return the time zone of a source; an unknown name means UTC."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC


class Unreadable(ValueError):
    """A payload that is no event: it becomes a dead letter."""


def event_of(kind: str, data: bytes, source: LogSource, *, received: datetime, zone: tzinfo = UTC) -> Event:
    """Return the event of one payload of a source of `kind` (see `desk.SOURCE_KINDS`).

    Raises Unreadable for what HTTP brings and is no JSON object: others are taken for text.
    """
    if kind == "http":
        record = _object(data, MAX_EVENT)
        if record is None:
            raise Unreadable("is no JSON object, or nested too deep")
        return _filed(_levelled(event_from(record, source=source, received=received)), received)
    if kind in ("jsonl", "evtx"):
        record = _object(data, MAX_JSON)
        if record is not None:
            return _filed(event_from(record, source=source, received=received), received)
        damage.BROKEN.add()
    message = parse(data, received=received, zone=zone)
    record = _embedded(message.text)
    if record is not None:
        return _framed_json(record, message, source, received)
    if message.program in ("CEF", "LEEF"):  # what the old syslog format takes for a tag
        message = message._replace(program="", text=f"{message.program}:{message.text}")
    found = detected(message.text)
    if found is not None:
        return _found_event(found, message, source, received, zone)
    return _text_event(message, source, received)


def _object(data: bytes, limit: int) -> Mapping[str, Any] | None:
    if len(data) > limit:
        return None
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _embedded(text: str) -> Mapping[str, Any] | None:
    body = text.removeprefix("@cee:").lstrip()
    return _object(body.encode(), MAX_JSON) if body.startswith("{") else None


def _filed(event: Event, received: datetime) -> Event:
    at = plausible(event.at, received)
    return event if at == event.at else replace(event, at=at)


def _levelled(event: Event) -> Event:
    """Take the severity from the fields that applications write it into."""
    if event.route.channel is not None:
        return event
    fields = event.fields
    word = fields.get("severity_text") or fields.get("level") or fields.get("severity") or ""
    severity = SEVERITIES.get(word.lower().rstrip("0123456789"))
    return event if severity is None else replace(event, severity=severity)


def _framed_json(record: Mapping[str, Any], message: Message, source: LogSource, received: datetime) -> Event:
    event = event_from(record, source=source, received=message.at or received)
    windows = event.route.channel is not None
    if not windows and not event.route.known:
        event = replace(event, route=syslog_route(message.program, source))
    return _filed(
        replace(
            event,
            host=event.host or message.host,
            program=event.program or message.program,
            severity=event.severity if windows else message.severity,
            message=event.message or message.text[:MAX_MESSAGE],
        ),
        received,
    )


def _text_event(message: Message, source: LogSource, received: datetime) -> Event:
    fields: dict[str, str | None] = {
        "message": message.text,
        "host": message.host,
        "program": message.program,
        "pid": message.process_id,
        "msgid": message.message_id,
    }
    fields = {name: value for name, value in fields.items() if value}
    if message.structured:
        fields |= message.structured
    name = message.program.rsplit("/", 1)[-1].lower()
    if name == "sshd" or name.startswith("sshd-"):
        fields |= _ssh_fields(message.text)
        name = "sshd"
    elif name == "sudo":
        fields |= _sudo_fields(message.text)
    return Event(
        at=plausible(message.at, received),
        fields=fields,
        route=syslog_route(name, source),
        host=message.host,
        program=message.program,
        severity=message.severity,
        message=message.text,
    )


def _found_event(
    found: Found, message: Message, source: LogSource, received: datetime, zone: tzinfo
) -> Event:
    told, nested = audited(found.fields)
    program = message.program or ("auditd" if told else found.product)
    frame = {"host": message.host, "program": program, "pid": message.process_id, "msgid": message.message_id}
    fields: dict[str, str | None] = {name: value for name, value in frame.items() if value}
    fields |= {**message.structured, **nested, **found.fields}
    fields["message"] = message.text
    at = parse_time(told or found.time) if told or found.time else None
    return Event(
        at=plausible(at or _local_time(found, received, zone) or message.at, received),
        fields=fields,
        route=syslog_route(program, source),
        host=message.host or fields.get("devname") or fields.get("dvchost") or "",
        program=program,
        severity=message.severity if found.severity is None else found.severity,
        message=message.text,
    )


def _local_time(found: Found, received: datetime, zone: tzinfo) -> datetime | None:
    """`date=2026-11-27 time=11:37:47 tz="-0700"` (FortiGate), or CEF's `rt=Nov 27 2026 11:37:47`."""
    day, clock = found.fields.get("date"), found.fields.get("time")
    if not day or not clock:
        return stamped(f"{found.time} ", received, zone)[0] if found.time else None
    try:
        at = datetime.fromisoformat(f"{day}T{clock}{found.fields.get('tz') or ''}")
        return at if at.tzinfo else at.replace(tzinfo=zone)
    except ValueError:
        return None


def _ssh_fields(text: str) -> dict[str, str | None]:
    login = _SSH_LOGIN.search(text)
    if login:
        names = ("outcome", "method", "user", "src_ip", "src_port")
        return dict(zip(names, login.groups(), strict=True))
    invalid = _SSH_INVALID.search(text)
    return {"user": invalid[1], "src_ip": invalid[2]} if invalid else {}


def _sudo_fields(text: str) -> dict[str, str | None]:
    """`alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/ls`: COMMAND reaches to the end."""
    actor, colon, rest = text.partition(" : ")
    if not colon:
        return {}
    fields: dict[str, str | None] = {"user": actor.strip()}
    head, command, tail = rest.partition("COMMAND=")
    for part in head.split(" ; "):
        found = _SUDO_PARTS.match(part.strip())
        if found:
            fields[found[1]] = part.strip()[found.end() :]
    if command:
        fields["COMMAND"] = tail
    return fields
