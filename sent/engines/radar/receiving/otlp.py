"""OTLP/HTTP logs (opentelemetry-proto, `collector/logs/v1`): JSON and protobuf become flat records.

Both encodings are brought to the shape of the JSON one. Attributes of the resource and of the record stand
under their own names (the record's win), next to `timestamp` (nanoseconds), `severity_text`,
`severity_number`, `message` (the body, when it is text; else its parts below `body.`), `trace_id`, `span_id`,
`event_name`, `scope` and `program` (`service.name`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MAX_DEPTH = 16
MAX_RECORDS = 20_000
MAX_DIGITS = 20
"""Of a 64-bit number."""


class Malformed(ValueError):
    """A request that is no OTLP."""


def records(request: object) -> list[dict[str, Any]]:
    """Return the log records of an ExportLogsServiceRequest in JSON's shape; raises Malformed."""
    found: list[dict[str, Any]] = []
    for resource_logs in _items(request, "resourceLogs"):
        resource = _attributes(_member(resource_logs, "resource"))
        for scope_logs in _items(resource_logs, "scopeLogs"):
            scope = _member(scope_logs, "scope").get("name")
            for record in _items(scope_logs, "logRecords"):
                if len(found) >= MAX_RECORDS:
                    raise Malformed(f"more than {MAX_RECORDS} log records; send smaller batches")
                found.append(_flat(record, resource, scope))
    return found


def _flat(record: Mapping[str, Any], resource: Mapping[str, Any], scope: object) -> dict[str, Any]:
    flat = {**resource, **_attributes(record)}
    body = _value(record.get("body"), 0)
    own = {
        "timestamp": _nanoseconds(record),
        "severity_text": record.get("severityText"),
        "severity_number": record.get("severityNumber"),
        "trace_id": record.get("traceId"),
        "span_id": record.get("spanId"),
        "event_name": record.get("eventName"),
        "scope": scope,
        "message" if isinstance(body, str) else "body": body,
    }
    flat |= {name: value for name, value in own.items() if value not in (None, "", 0, {}, [])}
    if "service.name" in flat:
        flat.setdefault("program", flat["service.name"])
    return flat


def _nanoseconds(record: Mapping[str, Any]) -> str:
    """Return the record's own time, else the one it was observed at; 64-bit numbers are text in JSON."""
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        text = str(record.get(name) or "")
        if len(text) <= MAX_DIGITS and text.isascii() and text.isdigit() and int(text):
            return text
    return ""


def _attributes(owner: Mapping[str, Any]) -> dict[str, Any]:
    return {str(item.get("key")): _value(item.get("value"), 0) for item in _items(owner, "attributes")}


def _value(given: object, depth: int) -> Any:
    """Return an AnyValue as plain JSON; too deep ones are left out."""
    if not isinstance(given, Mapping) or depth > MAX_DEPTH:
        return None
    for kind, value in given.items():
        if kind == "arrayValue":
            return [_value(item, depth + 1) for item in _items(given, kind, "values")]
        if kind == "kvlistValue":
            items = _items(given, kind, "values")
            return {str(item.get("key")): _value(item.get("value"), depth + 1) for item in items}
        if kind in ("stringValue", "boolValue", "intValue", "doubleValue", "bytesValue"):
            return str(value) if kind == "intValue" else value
    return None


def _member(owner: object, name: str) -> Mapping[str, Any]:
    found = owner.get(name) if isinstance(owner, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _items(owner: object, *names: str) -> Iterator[Mapping[str, Any]]:
    for name in names[:-1]:
        owner = _member(owner, name)
    if not isinstance(owner, Mapping):
        raise Malformed("is no OTLP logs request")
    found = owner.get(names[-1])
    if found is None:
        return
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise Malformed(f"{names[-1]} must be a list of objects")
    yield from found
