"""Events out of files: JSON lines (plain, gzip, standard input) and EVTX. Sizes are bounded.

A line is a bare event or wrapped as `{"n", "src", "event"}`; the wrapper's `n` is ignored, because the
position over all input counts.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

from sent.platform.errors import Invalid, NotFound

MAX_LINE = 16_000_000
"""Bytes of one JSON line."""

MAX_DAMAGED = 1000
"""Unreadable EVTX records in a row after which a file is given up."""

_EVTX_MAGIC = b"ElfFile\x00"
_GZIP_MAGIC = b"\x1f\x8b"
_WRAPPER = frozenset({"n", "src", "event"})


class LineStream(Protocol):
    """What lines are read from."""

    def readline(self, size: int, /) -> bytes:
        """Return a line of at most `size` bytes, empty at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line or record that is no event; it takes a position all the same."""

    place: str
    reason: str


Item = Mapping[str, Any] | Unreadable


def read_events(path: Path) -> Iterator[Item]:
    """Yield the events of a file (`-`: standard input); raises NotFound or Invalid with the cure."""
    if str(path) == "-":
        yield from json_lines(sys.stdin.buffer, "standard input")
        return
    if not path.is_file():
        raise NotFound("radar.events.missing", f"{path}: no such file of events", path=str(path))
    with path.open("rb") as stream:
        magic = stream.read(8)
        stream.seek(0)
        if magic == _EVTX_MAGIC:
            yield from _evtx(path)
        elif magic.startswith(_GZIP_MAGIC):
            with gzip.open(stream) as plain:
                yield from _unzipped(plain, path)
        else:
            yield from json_lines(stream, str(path))


def json_lines(stream: LineStream, place: str) -> Iterator[Item]:
    """Yield the objects of JSON lines; empty lines count for nothing."""
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
            yield Unreadable(f"{place}:{number}", f"line is longer than {MAX_LINE // 1_000_000} MB")
        elif stripped := line.strip(b" \t\r\n\xef\xbb\xbf"):
            yield _decoded(stripped, f"{place}:{number}")


def _decoded(line: bytes, place: str) -> Item:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Unreadable(place, f"is no JSON: {error}")
    if not isinstance(value, dict):
        return Unreadable(place, f"is no JSON object but {type(value).__name__}")
    inner = value.get("event")
    return inner if isinstance(inner, dict) and value.keys() <= _WRAPPER else value


def _unzipped(stream: LineStream, path: Path) -> Iterator[Item]:
    try:
        yield from json_lines(stream, str(path))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Invalid("radar.events.damaged", f"{path}: the gzip data is damaged ({error})") from error


def _evtx(path: Path) -> Iterator[Item]:
    from evtx import PyEvtxParser

    try:
        records = iter(PyEvtxParser(str(path)).records_json())
    except (RuntimeError, OSError) as error:
        raise Invalid("radar.events.damaged", f"{path}: is no readable EVTX file ({error})") from error
    damaged = 0
    while damaged < MAX_DAMAGED:
        try:
            record = next(records)
        except StopIteration:
            return
        except RuntimeError as error:
            damaged += 1
            yield Unreadable(str(path), f"EVTX record is damaged: {error}")
            continue
        damaged = 0
        if record is None:
            continue
        yield _decoded(record["data"].encode(), f"{path}: record {record['event_record_id']}")
    raise Invalid("radar.events.damaged", f"{path}: {MAX_DAMAGED} damaged records in a row")
