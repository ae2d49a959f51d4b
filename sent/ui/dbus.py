"""As much of D-Bus as notifications need: call a method of the session bus, hear its signals.

Qt's own binding cannot do it from Python: an `int` always leaves as INT32, and `Notify` wants a UINT32
(measured with PySide6 6.11.3: signature `sisssasa{sv}i` instead of `susssasa{sv}i`, which servers refuse).
Types here: y b i u s o g, arrays of strings, a{sv}. Source: D-Bus Specification 0.43, "Message Protocol".
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sent.platform.errors import Unavailable

BIGGEST = 1 << 20
TIMEOUT_S = 5.0
CALL, REPLY, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = range(1, 9)

Heard = Callable[[str, str, list[Any]], None]
"""Interface, member and values of a signal."""


class Bus:
    """A connection to the session bus; lives on one event loop."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._writer: asyncio.StreamWriter | None = None
        self._serial = 0
        self._waiting: dict[int, asyncio.Future[list[Any]]] = {}

    async def open(self, address: str | None = None) -> None:
        """Connect and say hello; raises Unavailable where there is no session bus."""
        path = _path(address or os.environ.get("DBUS_SESSION_BUS_ADDRESS", ""))
        try:
            async with asyncio.timeout(TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(path)
                writer.write(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
                if not (await reader.readline()).startswith(b"OK "):
                    raise Unavailable("dbus.refused", "the session bus does not let us in")
                writer.write(b"BEGIN\r\n")
        except (OSError, TimeoutError, ValueError) as error:
            raise Unavailable("dbus.unreachable", f"no session bus: {error}") from error
        self._writer = writer
        self._reader = reader

    async def listen(self) -> None:
        """Pass on answers and signals until the connection ends."""
        try:
            while True:
                kind, fields, values = await _read(self._reader)
                serial = fields.get(REPLY_SERIAL)
                if kind == SIGNAL:
                    self._heard(fields.get(INTERFACE, ""), fields.get(MEMBER, ""), values)
                elif serial in self._waiting and not (waiting := self._waiting.pop(serial)).done():
                    if kind == REPLY:
                        waiting.set_result(values)
                    else:
                        waiting.set_exception(
                            Unavailable("dbus.error", f"{fields.get(ERROR_NAME)}: {values[:1]}")
                        )
        except (OSError, EOFError, ValueError, struct.error):
            self.close()

    def close(self) -> None:
        """Hang up; who waits for an answer gets none."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Unavailable("dbus.unreachable", "the session bus is gone"))
        self._waiting.clear()

    async def call(
        self, destination: str, path: str, interface: str, member: str, signature: str = "", *values: Any
    ) -> list[Any]:
        """Call a method and return its values; raises Unavailable."""
        if self._writer is None:
            raise Unavailable("dbus.unreachable", "the session bus is gone")
        self._serial += 1
        body = marshal(signature, values)
        fields = [(PATH, "o", path), (INTERFACE, "s", interface), (MEMBER, "s", member)]
        fields += [(DESTINATION, "s", destination)] + ([(SIGNATURE, "g", signature)] if signature else [])
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._serial] = answer
        self._writer.write(message(CALL, self._serial, fields, body))
        try:
            return await asyncio.wait_for(answer, TIMEOUT_S)
        except TimeoutError as error:
            raise Unavailable("dbus.timeout", f"{interface} does not answer") from error


def message(kind: int, serial: int, fields: Sequence[tuple[int, str, Any]], body: bytes) -> bytes:
    """Return a message of protocol version 1, little endian."""
    inner = bytearray()
    for code, signature, value in fields:
        inner += b"\0" * (-len(inner) % 8)
        inner.append(code)
        _put(inner, "g", signature)
        _put(inner, signature, value)
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(inner)) + inner
    return head + b"\0" * (-len(head) % 8) + body


def marshal(signature: str, values: Sequence[Any]) -> bytes:
    """Return the values as a message's body."""
    out = bytearray()
    kinds = _kinds(signature)
    if len(kinds) != len(values):
        raise ValueError(f"{signature} has {len(kinds)} values, not {len(values)}")
    for kind, value in zip(kinds, values, strict=True):
        _put(out, kind, value)
    return bytes(out)


def _put(out: bytearray, kind: str, value: Any) -> None:
    if kind == "y":
        out.append(value)
    elif kind == "g":
        out += bytes([len(value)]) + value.encode() + b"\0"
    elif kind in ("i", "u", "b"):
        out += b"\0" * (-len(out) % 4) + struct.pack("<i" if kind == "i" else "<I", value)
    elif kind in ("s", "o"):
        raw = str(value).replace("\0", "").encode("utf-8", "replace")
        out += b"\0" * (-len(out) % 4) + struct.pack("<I", len(raw)) + raw + b"\0"
    elif kind in ("as", "a{sv}"):
        out += b"\0" * (-len(out) % 4)
        place = len(out)
        out += b"\0\0\0\0"
        if kind == "a{sv}":
            out += b"\0" * (-len(out) % 8)
        start = len(out)
        for item in value.items() if isinstance(value, Mapping) else value:
            if kind == "as":
                _put(out, "s", item)
                continue
            out += b"\0" * (-len(out) % 8)
            _put(out, "s", item[0])
            _put(out, "g", item[1][0])
            _put(out, *item[1])
        struct.pack_into("<I", out, place, len(out) - start)
    else:
        raise ValueError(f"the type {kind!r} is not known here")


async def _read(reader: asyncio.StreamReader) -> tuple[int, dict[int, Any], list[Any]]:
    head = await reader.readexactly(16)
    order = "<" if head[:1] == b"l" else ">"
    kind, body, inner = head[1], *struct.unpack(f"{order}I4xI", head[4:16])
    if body > BIGGEST or inner > BIGGEST:
        raise ValueError("a message too big for notifications")
    rest = await reader.readexactly(inner + (-inner % 8) + body)
    fields: dict[int, Any] = {}
    take = _Take(rest, order)
    while take.at < inner:
        take.align(8)
        code = take.one("y")
        fields[code] = take.one(take.one("g"))
    values = _Take(rest[inner + (-inner % 8) :], order)
    return kind, fields, [values.one(each) for each in _kinds(fields.get(SIGNATURE, ""))]


class _Take:
    """Reads values one after the other."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data, self._order, self.at = data, order, 0

    def align(self, to: int) -> None:
        self.at += -self.at % to

    def one(self, kind: str) -> Any:
        if kind in ("y", "g"):
            size = self._data[self.at]
            self.at += 1
            return size if kind == "y" else self._text(size)
        self.align(4)
        shape = f"{self._order}{'i' if kind == 'i' else 'I'}"
        number: int = struct.unpack_from(shape, self._data, self.at)[0]
        self.at += 4
        if kind in ("i", "u", "b"):
            return number
        if kind in ("s", "o"):
            return self._text(number)
        if kind == "as":
            end, found = self.at + number, []
            while self.at < end:
                found.append(self.one("s"))
            return found
        raise ValueError(f"the type {kind!r} is not known here")

    def _text(self, size: int) -> str:
        text = self._data[self.at : self.at + size].decode("utf-8", "replace")
        self.at += size + 1
        return text


def _kinds(signature: str) -> list[str]:
    found, at = [], 0
    while at < len(signature):
        kind = next((k for k in ("a{sv}", "as") if signature.startswith(k, at)), signature[at])
        found.append(kind)
        at += len(kind)
    return found


def _path(address: str) -> str:
    for part in address.split(";"):
        kind, _, pairs = part.partition(":")
        values = dict(pair.partition("=")[::2] for pair in pairs.split(","))
        if kind == "unix" and "path" in values:
            return values["path"]
        if kind == "unix" and "abstract" in values:
            return "\0" + values["abstract"]
    raise Unavailable("dbus.unreachable", "there is no session bus")
