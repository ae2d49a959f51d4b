"""OTLP logs in protobuf's wire format, read into the shape of their JSON (see `otlp`).

A reader of 100 lines instead of a library of compiled messages: `opentelemetry-proto` brings protobuf's
runtime for one message of which the numbers below are the published ones (`logs/v1`, `common/v1`,
`resource/v1`). Unknown fields are skipped, as the format demands; depth and number of messages are bounded.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from typing import Any

from sent.engines.radar.receiving.otlp import MAX_DEPTH, Malformed

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_NESTING = 4 * MAX_DEPTH
MAX_MESSAGES = 400_000
"""Of one request, with all that are nested in it."""

Read = Callable[["_Reader", Any, int], Any]


def request(data: bytes) -> dict[str, Any]:
    """Return an ExportLogsServiceRequest as its JSON would be; raises Malformed."""
    try:
        return _Reader().message(memoryview(data), _REQUEST, 0)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise Malformed("is no protobuf of OTLP logs") from error


def _text(_reader: _Reader, value: Any, _depth: int) -> str:
    return str(_bytes(value), "utf-8")


def _hex(_reader: _Reader, value: Any, _depth: int) -> str:
    return _bytes(value).hex()


def _base64(_reader: _Reader, value: Any, _depth: int) -> str:
    return base64.b64encode(_bytes(value)).decode()


def _bytes(value: Any) -> bytes:
    if not isinstance(value, memoryview):
        raise Malformed("a field has the wrong type")
    return bytes(value)


def _number(_reader: _Reader, value: Any, _depth: int) -> int:
    if not isinstance(value, int):
        raise Malformed("a field has the wrong type")
    return value


def _signed(reader: _Reader, value: Any, depth: int) -> str:
    number = _number(reader, value, depth)
    return str(number - (1 << 64) if number >= 1 << 63 else number)


def _truth(reader: _Reader, value: Any, depth: int) -> bool:
    return bool(_number(reader, value, depth))


def _double(reader: _Reader, value: Any, depth: int) -> float:
    found: float = struct.unpack("<d", struct.pack("<Q", _number(reader, value, depth)))[0]
    return found


def _nested(shape: Callable[[], _Shape]) -> Read:
    def read(reader: _Reader, value: Any, depth: int) -> dict[str, Any]:
        if not isinstance(value, memoryview):
            raise Malformed("a field has the wrong type")
        return reader.message(value, shape(), depth + 1)

    return read


_Shape = dict[int, tuple[str, Read, bool]]
"""By field number: its JSON name, how it is read, whether it repeats."""

_ANY: _Shape = {}
_PAIR: _Shape = {1: ("key", _text, False), 2: ("value", _nested(lambda: _ANY), False)}
_PAIRS: _Shape = {1: ("values", _nested(lambda: _PAIR), True)}
_VALUES: _Shape = {1: ("values", _nested(lambda: _ANY), True)}
_ANY |= {
    1: ("stringValue", _text, False),
    2: ("boolValue", _truth, False),
    3: ("intValue", _signed, False),
    4: ("doubleValue", _double, False),
    5: ("arrayValue", _nested(lambda: _VALUES), False),
    6: ("kvlistValue", _nested(lambda: _PAIRS), False),
    7: ("bytesValue", _base64, False),
}
_RECORD: _Shape = {
    1: ("timeUnixNano", _number, False),
    2: ("severityNumber", _number, False),
    3: ("severityText", _text, False),
    5: ("body", _nested(lambda: _ANY), False),
    6: ("attributes", _nested(lambda: _PAIR), True),
    9: ("traceId", _hex, False),
    10: ("spanId", _hex, False),
    11: ("observedTimeUnixNano", _number, False),
    12: ("eventName", _text, False),
}
_SCOPE: _Shape = {1: ("name", _text, False)}
_SCOPE_LOGS: _Shape = {
    1: ("scope", _nested(lambda: _SCOPE), False),
    2: ("logRecords", _nested(lambda: _RECORD), True),
}
_RESOURCE: _Shape = {1: ("attributes", _nested(lambda: _PAIR), True)}
_RESOURCE_LOGS: _Shape = {
    1: ("resource", _nested(lambda: _RESOURCE), False),
    2: ("scopeLogs", _nested(lambda: _SCOPE_LOGS), True),
}
_REQUEST: _Shape = {1: ("resourceLogs", _nested(lambda: _RESOURCE_LOGS), True)}


class _Reader:
    """Reads one request, counting its messages."""

    def __init__(self) -> None:
        self._messages = 0

    def message(self, data: memoryview, shape: _Shape, depth: int) -> dict[str, Any]:
        """Return a message by the names of `shape`."""
        self._messages += 1
        if depth > _MAX_NESTING or self._messages > MAX_MESSAGES:
            raise Malformed("is nested too deep, or holds too much")
        found: dict[str, Any] = {}
        for number, value in _fields(data):
            known = shape.get(number)
            if known is None:
                continue
            name, read, repeated = known
            if repeated:
                found.setdefault(name, []).append(read(self, value, depth))
            else:
                found[name] = read(self, value, depth)
        return found


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    position, length = 0, len(data)
    while position < length:
        tag, position = _varint(data, position)
        kind = tag & 7
        value: int | memoryview
        if kind == _VARINT:
            value, position = _varint(data, position)
        elif kind == _FIXED64:
            value, position = struct.unpack_from("<Q", data, position)[0], position + 8
        elif kind == _FIXED32:
            value, position = struct.unpack_from("<I", data, position)[0], position + 4
        elif kind == _BYTES:
            size, position = _varint(data, position)
            if size > length - position:
                raise Malformed("ends in the middle of a field")
            value, position = data[position : position + size], position + size
        else:
            raise Malformed("holds a field of an unknown kind")
        yield tag >> 3, value


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFF_FFFF_FFFF_FFFF, position
    raise Malformed("holds a number that never ends")
