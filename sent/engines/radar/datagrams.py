"""Many datagrams with one call: Linux's `recvmmsg`, elsewhere one `recv` after the other.

Python gives up its interpreter lock around every `recv`, and beside a thread that computes it waits up to
5 ms to get it back: 200 datagrams a second. One call for hundreds waits once.
"""

from __future__ import annotations

import ctypes
import mmap
import socket
import sys
from typing import Protocol

from sent.engines.radar.syslog import MAX_MESSAGE

AT_ONCE = 512
"""Datagrams of one call; their buffers take memory only as far as datagrams fill them."""


class Datagrams(Protocol):
    """Reads what waits in a socket that does not block."""

    def receive(self) -> list[bytes]:
        """Return up to `AT_ONCE` datagrams, none when nothing waits."""
        ...


def reader_of(source: socket.socket) -> Datagrams:
    """Return the fastest reader that this system has for `source`."""
    if sys.platform == "linux":
        try:
            return _Many(source)
        except (AttributeError, OSError):
            return _Single(source)
    return _Single(source)


class _Single:
    def __init__(self, source: socket.socket) -> None:
        self._source = source

    def receive(self) -> list[bytes]:
        """Return what waits."""
        found: list[bytes] = []
        for _ in range(AT_ONCE):
            try:
                found.append(self._source.recv(MAX_MESSAGE))
            except (BlockingIOError, InterruptedError):
                break
            except OSError:  # an answer to what somebody else sent from this port
                continue
        return found


class _Slice(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("slices", ctypes.POINTER(_Slice)),
        ("slice_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Received(ctypes.Structure):
    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


class _Many:
    """`recvmmsg(2)` into one mapping of memory, of which only the touched pages are real."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._call = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._memory = mmap.mmap(-1, AT_ONCE * MAX_MESSAGE)
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._slices = (_Slice * AT_ONCE)()
        self._messages = (_Received * AT_ONCE)()
        for number in range(AT_ONCE):
            self._slices[number].base = base + number * MAX_MESSAGE
            self._slices[number].length = MAX_MESSAGE
            header = self._messages[number].header
            header.slices = ctypes.pointer(self._slices[number])
            header.slice_count = 1

    def receive(self) -> list[bytes]:
        """Return what waits."""
        amount = self._call(self._source.fileno(), self._messages, AT_ONCE, socket.MSG_DONTWAIT, None)
        memory, found = self._memory, []
        for number in range(max(amount, 0)):
            start = number * MAX_MESSAGE
            found.append(memory[start : start + self._messages[number].length])
        return found
