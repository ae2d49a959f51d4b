"""The body of an HTTP request becomes payloads: one JSON text per event. Pure, and bounded at every step.

    application/x-ndjson, application/json       an object per line, an array of objects, or one object
    /v1/logs with JSON or application/x-protobuf OTLP logs

gzip is undone up to `MAX_BODY` bytes, so a small request cannot become a large one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import orjson

from sent.engines.radar.decoding.arrival import MAX_EVENT
from sent.engines.radar.receiving import otlp, otlpwire

MAX_BODY = 8_388_608
"""Bytes of a body, as it is sent and when unpacked."""

MAX_EVENTS = 20_000
MAX_OBJECTS = 400_000
"""Objects and lists of one body, and twice that of values: they take more memory than their text."""

MAX_WRITTEN = 4 * MAX_BODY
"""Bytes of a body's events together: what OTLP says once of a resource stands in each of its records."""

OTLP_PATH = "/v1/logs"
_PIECE = 4096
"""Bytes unpacked at once: what follows a gzip member is copied, and there may be thousands of empty ones."""

_JSON = frozenset({"", "application/json", "application/x-ndjson", "application/jsonl", "application/ndjson"})
_PROTOBUF = frozenset({"application/x-protobuf", "application/protobuf"})


class Problem(Exception):
    """What is wrong with a request, for its answer (RFC 9457)."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


def payloads(path: str, content_type: str, encoding: str, body: bytes) -> tuple[bytes, ...]:
    """Return the events of a body; raises Problem (400, 413, 415)."""
    data = unpacked(body, encoding)
    kind = content_type.partition(";")[0].strip().lower()
    if path == OTLP_PATH:
        found = _otlp(kind, data)
    elif kind in _JSON:
        found = _json(data)
    else:
        raise Problem(415, "Unsupported media type", f"send application/json or x-ndjson, not {kind[:80]!r}")
    if len(found) > MAX_EVENTS:
        raise Problem(413, "Too many events", f"{len(found)} events; send at most {MAX_EVENTS} at once")
    for number, event in enumerate(found):
        if len(event) > MAX_EVENT:
            raise Problem(
                413,
                "Event too large",
                f"event {number} has {len(event)} bytes; at most {MAX_EVENT} are taken",
            )
    return found


def is_protobuf(content_type: str) -> bool:
    """Say whether an OTLP request is protobuf, as its answer must be then."""
    return content_type.partition(";")[0].strip().lower() in _PROTOBUF


def unpacked(body: bytes, encoding: str) -> bytes:
    """Undo gzip; raises Problem for what is none, or unpacks to more than `MAX_BODY`."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise Problem(415, "Unsupported encoding", f"send gzip or identity, not {encoding[:40]!r}")
    out = bytearray()
    member = None
    position = members = 0
    while position < len(body):
        if member is None:
            member, members = zlib.decompressobj(wbits=31), members + 1
            if members > MAX_EVENTS:
                raise Problem(413, "Too many parts", f"send at most {MAX_EVENTS} gzip members at once")
        piece = body[position : position + _PIECE]
        try:
            out += member.decompress(piece, MAX_BODY + 1 - len(out))
        except zlib.error as error:
            raise Problem(400, "Damaged body", f"the body is no gzip: {error}") from error
        if len(out) > MAX_BODY:
            raise Problem(413, "Body too large", f"the body unpacks to more than {MAX_BODY} bytes")
        position += len(piece) - len(member.unused_data)
        if member.eof:
            member = None
    if member is not None:
        raise Problem(400, "Damaged body", "the body ends in the middle of its gzip")
    return bytes(out)


def _json(data: bytes) -> tuple[bytes, ...]:
    text = data.strip()
    if not text.startswith(b"["):
        if text.count(b"\n") > 2 * MAX_EVENTS:
            raise Problem(413, "Too many events", f"send at most {MAX_EVENTS} lines at once")
        return tuple(line for part in text.split(b"\n") if (line := part.strip()))
    try:
        items = _loaded(text)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "Invalid JSON", f"the array cannot be read: {error}"[:300]) from error
    return _written(items) if isinstance(items, list) else ()


def _otlp(kind: str, data: bytes) -> tuple[bytes, ...]:
    try:
        if kind in _PROTOBUF:
            request: object = otlpwire.request(data)
        elif kind in ("", "application/json"):
            request = _loaded(data)
        else:
            raise Problem(415, "Unsupported media type", "send OTLP as application/x-protobuf or json")
        return _written(otlp.records(request))
    except orjson.JSONDecodeError as error:
        raise Problem(400, "Invalid JSON", f"the request cannot be read: {error}"[:300]) from error
    except otlp.Malformed as error:
        raise Problem(400, "Invalid OTLP", f"the request {error}") from error


def _written(items: Iterable[object]) -> tuple[bytes, ...]:
    """Return each as JSON; raises Problem when one cannot be, or together they are too large."""
    found: list[bytes] = []
    room = MAX_WRITTEN
    for item in items:
        try:
            text = orjson.dumps(item)
        except orjson.JSONEncodeError as error:
            raise Problem(400, "Invalid event", f"event {len(found)} is nested too deep") from error
        room -= len(text)
        if room < 0:
            raise Problem(413, "Events too large", f"the events come to more than {MAX_WRITTEN} bytes")
        found.append(text)
    return tuple(found)


def _loaded(data: bytes) -> object:
    if data.count(b"{") + data.count(b"[") > MAX_OBJECTS or data.count(b",") > 2 * MAX_OBJECTS:
        raise Problem(413, "Too many values", f"at most {MAX_OBJECTS} objects are taken at once")
    return orjson.loads(data)
