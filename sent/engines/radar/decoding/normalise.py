"""Events of every shape become flat text fields and a route.

EVTX records as nested JSON have traps, all met in real files: `EventID` is a number, a text or an object with
`#text`; 104 and 1102 carry a second `Channel` in UserData (data wins a look-up, System decides the route);
names hold spaces ("New Value" is `NewValue` in rules); `Data` is a list or a single text; booleans are JSON
booleans while rules say `true`. Cloud logs nest deeper: names are joined by dots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from sent.engines.radar.decoding import damage
from sent.engines.radar.decoding.when import parse_time
from sent.engines.radar.model import EPOCH, Event, LogSource, Route
from sent.engines.radar.sigma.logsource import configured_route, windows_route

MAX_DEPTH = 16
MAX_FIELDS = 2000
MAX_NAME = 300
"""Characters of a field's name: joined names could take a thousand times the memory of their record."""

_TIMES = ("@timestamp", "timestamp", "EventTime", "UtcTime", "eventTime", "TimeCreated", "time", "ts")
_HOSTS = ("Computer", "Hostname", "host", "hostname", "ComputerName", "host.name")
_PROGRAMS = ("Provider_Name", "SourceName", "program", "eventSource", "service")
_MESSAGES = ("Message", "message", "msg", "CommandLine", "ScriptBlockText", "Payload", "Details")
_SEVERITY_OF_LEVEL = {1: 2, 2: 3, 3: 4, 4: 6, 5: 7}
"""Windows' levels (critical, error, warning, information, verbose) as syslog severities."""

PROCESS_CREATION = Route("windows", frozenset({"process_creation"}))
"""Where a Security 4688 event is seen once more."""

_PROCESS_CREATION = {
    "NewProcessName": "Image",
    "NewProcessId": "ProcessId",
    "ProcessId": "ParentProcessId",
    "ParentProcessName": "ParentImage",
    "MandatoryLabel": "IntegrityLevel",
    "SubjectUserName": "User",
    "SubjectLogonId": "LogonId",
}
_INTEGRITY = {
    "s-1-16-0": "Untrusted",
    "s-1-16-4096": "Low",
    "s-1-16-8192": "Medium",
    "s-1-16-8448": "MediumPlus",
    "s-1-16-12288": "High",
    "s-1-16-16384": "System",
}


def event_from(
    record: Mapping[str, Any], *, source: LogSource | None = None, received: datetime = EPOCH, raw: str = ""
) -> Event:
    """Return the event of a decoded JSON object: an EVTX record, or flat or nested fields."""
    fields, route = seen(record, source)
    return described(fields, route, received, raw)


def seen(record: Mapping[str, Any], source: LogSource | None = None) -> tuple[dict[str, str | None], Route]:
    """Return what rules see of a decoded JSON object: its fields and its route."""
    inner = record.get("Event")
    if isinstance(inner, dict) and isinstance(inner.get("System"), dict):
        record = inner
    system = record.get("System")
    if isinstance(system, dict):
        return _windows_fields(record, system)
    return _flat_fields(record, source or LogSource())


def as_process_creation(event: Event) -> Event | None:
    """Return a Security 4688 event as the process_creation event it also is, else None."""
    fields = process_creation_fields(event.fields, event.route)
    return None if fields is None else replace(event, fields=fields, route=PROCESS_CREATION)


def process_creation_fields(seen: Mapping[str, str | None], route: Route) -> dict[str, str | None] | None:
    """Return the fields of a Security 4688 event under their names in process_creation, else None."""
    if route.event_id != 4688 or route.channel is None or route.channel.lower() != "security":
        return None
    fields = dict(seen)
    for theirs, ours in _PROCESS_CREATION.items():
        if theirs in seen:
            fields[ours] = seen[theirs]
    label = fields.get("IntegrityLevel")
    if label:
        fields["IntegrityLevel"] = _INTEGRITY.get(label.lower(), label)
    return fields


def text_of(value: Any) -> str | None:
    """Return a scalar as Sigma compares it; None stays None."""
    if value is None or isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)


def _windows_fields(
    record: Mapping[str, Any], system: Mapping[str, Any]
) -> tuple[dict[str, str | None], Route]:
    fields: dict[str, str | None] = {}
    for name, value in system.items():
        if len(fields) >= MAX_FIELDS:
            damage.DEEP.add()
            break
        if type(value) is str or value is None:
            fields[name] = value
        elif type(value) is int:
            fields[name] = str(value)
        else:
            _system_field(fields, name, value)
    channel, event_id = fields.get("Channel") or "", integer(fields.get("EventID"))
    for part in ("EventData", "UserData", "ProcessingErrorData"):
        data = record.get(part)
        if isinstance(data, dict):
            _data_fields(fields, data, 0)
        elif isinstance(data, str):
            fields["Data"] = data
    rendered = record.get("RenderingInfo")
    if isinstance(rendered, dict) and isinstance(rendered.get("Message"), str):
        fields["Message"] = rendered["Message"]
    return fields, windows_route(channel, event_id)


def _system_field(fields: dict[str, str | None], name: str, value: Any) -> None:
    """`Provider: {"#attributes": {"Name": x}}` is Provider_Name; `EventID: {"#text": 1}` is EventID."""
    if not isinstance(value, dict):
        fields[name] = text_of(value)
        return
    attributes = value.get("#attributes")
    if isinstance(attributes, dict):
        for key, inner in islice(attributes.items(), MAX_FIELDS):
            fields[f"{name[:MAX_NAME]}_{key}"] = inner if type(inner) is str else text_of(inner)
    if "#text" in value:
        fields[name] = text_of(value["#text"])


def _data_fields(fields: dict[str, str | None], data: Mapping[str, Any], depth: int) -> None:
    if len(data) + len(fields) > MAX_FIELDS:
        data = dict(islice(data.items(), max(MAX_FIELDS - len(fields), 0)))
    for name, value in data.items():
        if name == "#attributes":
            continue
        key = name.replace(" ", "") if " " in name else name
        if type(value) is str or value is None:
            fields[key] = value
        elif type(value) is int:
            fields[key] = str(value)
        elif not isinstance(value, dict):
            fields[key] = _joined(value)
        elif "#text" in value:
            fields[key] = _joined(value["#text"])
        elif depth < MAX_DEPTH and len(fields) < MAX_FIELDS:
            _data_fields(fields, value, depth + 1)


def _joined(value: Any) -> str | None:
    """Return a list as its values joined by newlines."""
    if not isinstance(value, list):
        return text_of(value)
    parts = (item.get("#text") if isinstance(item, Mapping) else item for item in value)
    return "\n".join(text_of(part) or "" for part in parts if not isinstance(part, list | dict))


def _flat_fields(record: Mapping[str, Any], source: LogSource) -> tuple[dict[str, str | None], Route]:
    fields: dict[str, str | None] = {}
    several: dict[str, list[str]] = {}
    for name, value in _flattened(record, "", 0):
        if len(fields) >= MAX_FIELDS and name not in fields:
            damage.DEEP.add()
            break
        known = fields.get(name)
        if known is None:
            fields[name] = value
        else:
            several.setdefault(name, [known]).append(value or "")
    fields |= {name: "\n".join(values) for name, values in several.items()}
    channel, event_id = fields.get("Channel"), integer(fields.get("EventID"))
    if channel and event_id is not None:
        if "SourceName" in fields:
            fields.setdefault("Provider_Name", fields["SourceName"])
        if "Hostname" in fields:
            fields.setdefault("Computer", fields["Hostname"])
        return fields, windows_route(channel, event_id)
    return fields, configured_route(source)


def _flattened(record: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str | None]]:
    for name, value in record.items():
        key = (prefix + str(name).replace(" ", ""))[:MAX_NAME]
        if isinstance(value, Mapping):
            if depth < MAX_DEPTH:
                yield from _flattened(value, key + ".", depth + 1)
            else:
                damage.DEEP.add()
        elif isinstance(value, list):
            scalars = [text_of(item) or "" for item in value if not isinstance(item, list | Mapping)]
            if scalars or not value:
                yield key, "\n".join(scalars)
            for item in value:
                if isinstance(item, Mapping) and depth < MAX_DEPTH:
                    yield from _flattened(item, key + ".", depth + 1)
        else:
            yield key, text_of(value)


def described(
    fields: dict[str, str | None], route: Route, received: datetime = EPOCH, raw: str = ""
) -> Event:
    """Return the event of what is seen: its time, host, program, severity and message found out."""
    stamp = fields.get("TimeCreated_SystemTime") or _first(fields, _TIMES)
    level = integer(fields.get("Level"))
    return Event(
        at=(parse_time(stamp) if stamp else None) or received,
        fields=fields,
        route=route,
        raw=raw,
        host=_first(fields, _HOSTS),
        program=_first(fields, _PROGRAMS),
        severity=_SEVERITY_OF_LEVEL.get(level, 6) if level is not None else 6,
        message=_first(fields, _MESSAGES),
    )


def _first(fields: Mapping[str, str | None], names: tuple[str, ...]) -> str:
    for name in names:
        value = fields.get(name)
        if value:
            return value
    return ""


def integer(value: str | None) -> int | None:
    """Return the whole number a text is, None for any other."""
    try:
        return int(value) if value else None
    except ValueError:
        return None
