"""Syslog over TCP: both framings of RFC 6587, told apart message by message.

    octet counting    `83 <34>1 ...`    a count, a space, that many bytes
    non-transparent   `<34>1 ...\\n`    up to a line feed (or NUL)

A message is bounded; what is longer is cut and counted, and reading goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sent.engines.radar.decoding.syslog import MAX_MESSAGE

_DIGITS = frozenset(b"123456789")
_MAX_COUNT_DIGITS = 7


class Framer:
    """Cuts a stream into messages; feed it what was read, in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip_bytes = 0
        self._skip_line = False
        self.cut = 0
        """Messages that were too long and lost their end."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the messages that are complete now."""
        self._buffer += data
        while self._buffer:
            before = len(self._buffer)
            message = self._next()
            if message:
                yield message
            elif message is None and len(self._buffer) == before:
                return

    def finish(self) -> Iterator[bytes]:
        """Yield what a closed connection left without an end: a last line without line feed."""
        rest = bytes(self._buffer).rstrip(b"\r\n\x00")
        counted = rest[:1].isdigit()
        self._buffer.clear()
        if rest and not counted and not self._skip_line:
            yield rest[:MAX_MESSAGE]

    def _next(self) -> bytes | None:
        """Take one message off the buffer; None: more bytes are needed, empty: something was skipped."""
        if self._skip_bytes:
            taken = min(self._skip_bytes, len(self._buffer))
            del self._buffer[:taken]
            self._skip_bytes -= taken
            return b""
        if self._buffer[0] in _DIGITS and not self._skip_line:
            space = self._buffer.find(b" ", 0, _MAX_COUNT_DIGITS + 1)
            if self._counts(space):
                return None if space < 0 else self._counted(space)
        return self._line()

    def _counts(self, space: int) -> bool:
        """Say whether a count begins here, as far as one can see: digits, a space, then a priority."""
        count = bytes(self._buffer[: space if space >= 0 else _MAX_COUNT_DIGITS + 1])
        if not count.isdigit() or len(count) > _MAX_COUNT_DIGITS:
            return False
        return space < 0 or bytes(self._buffer[space + 1 : space + 2]) in (b"", b"<")

    def _counted(self, space: int) -> bytes | None:
        """Take the message whose count ends at `space`; None when it is incomplete."""
        length = int(self._buffer[:space])
        wanted = min(length, MAX_MESSAGE)
        if len(self._buffer) < space + 1 + wanted:
            return None
        message = bytes(self._buffer[space + 1 : space + 1 + wanted])
        del self._buffer[: space + 1 + wanted]
        if length > wanted:
            self.cut += 1
            self._skip_bytes = length - wanted
        return message

    def _line(self) -> bytes | None:
        ends = [place for place in (self._buffer.find(b"\n"), self._buffer.find(b"\x00")) if place >= 0]
        if not ends:
            if len(self._buffer) <= MAX_MESSAGE:
                return None
            message = b"" if self._skip_line else bytes(self._buffer[:MAX_MESSAGE])
            self.cut += not self._skip_line
            self._buffer.clear()
            self._skip_line = True
            return message
        end = min(ends)
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        if self._skip_line:
            self._skip_line = False
            return b""
        if len(line) > MAX_MESSAGE:
            self.cut += 1
        return line[:MAX_MESSAGE]
