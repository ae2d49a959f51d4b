"""Follows a growing file through rotation, truncation and restarts.

What is read is handed on together with how far the file is then read; both are stored in one transaction, so
a killed worker neither loses nor repeats a line. A file is known by device, inode and a digest of its first
bytes: a rotated file is read to its end under its new name, a truncated one (also when it has grown past the
old place again) from its beginning. A last line without line feed waits for its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sent.engines.radar.decoding.syslog import MAX_MESSAGE
from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.logfile import open_log
from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.store.sink import Checkpoint

POLL_S = 0.2
CHUNK = 262_144
HEAD = 256
"""First bytes of a file that tell it from its successor."""

ROTATED_POLLS = 3
"""Quiet polls after which a rotated file is left: its writer may hold it open a little longer."""

MAX_SIBLINGS = 1000
_GENERATION = re.compile(r"[.-]\d{1,14}")
"""What rotation appends to a name: `.1` or a date; compressed generations cannot be read on."""


@dataclass(slots=True)
class _Open:
    """A file being read; `position` is behind the last complete line."""

    stream: BinaryIO
    device: int
    inode: int
    position: int
    head: bytes = b""
    skipping: bool = False

    @classmethod
    def of(cls, path: Path, position: int = 0) -> _Open:
        stream = open_log(path)
        status = os.fstat(stream.fileno())
        return cls(stream, status.st_dev, _signed(status.st_ino), position)

    def size(self) -> int:
        return os.fstat(self.stream.fileno()).st_size

    def read(self, position: int, length: int) -> bytes:
        self.stream.seek(position)
        return self.stream.read(length)

    def digest(self, length: int) -> bytes:
        return _digest(self.read(0, length))

    def remember_head(self) -> None:
        """Note the first bytes once they are there; they grow until HEAD bytes are known."""
        if len(self.head) < 2 or int.from_bytes(self.head[:2], "big") < HEAD:
            self.head = self.digest(min(HEAD, self.position))

    def is_same(self, head: bytes) -> bool:
        return head == self.digest(int.from_bytes(head[:2], "big")) if len(head) > 2 else True


class FileTail:
    """Reads one file of complete lines into the backlog."""

    def __init__(self, source: Source, backlog: Backlog, start: Checkpoint | None) -> None:
        self._source = source
        self._backlog = backlog
        self._path = Path(source.address)
        self._known = start
        self._file: _Open | None = None
        self._quiet = 0
        self.problem = ""
        """Why the file cannot be read; a missing one is only waited for."""

    async def run(self) -> None:
        """Follow the file until cancelled; a missing file is waited for."""
        while True:
            try:
                busy = await self.poll()
                self.problem = ""
            except OSError as error:
                self._close()
                busy = False
                self.problem = str(error)
            if not busy:
                await asyncio.sleep(POLL_S)

    async def poll(self) -> bool:
        """Read what is there; True when there may be more at once."""
        if self._file is None:
            self._file = self._opened()
            if self._file is None:
                return False
        file = self._file
        if file.size() < file.position or not file.is_same(file.head):
            file.position, file.head, file.skipping = 0, b"", False
        lines = self._lines(file, last=False)
        if lines:
            self._quiet = 0
            await self._send(file, lines)
            return True
        if not self._rotated(file):
            self._quiet = 0
            return False
        self._quiet += 1
        if self._quiet > ROTATED_POLLS:
            await self._send(file, self._lines(file, last=True))
            following = self._following(file)
            self._close()
            self._known = None
            self._quiet = 0
            self._file = following
            return True
        return False

    def close(self) -> None:
        """Let go of the file."""
        self._close()

    def _opened(self) -> _Open | None:
        """Open the file where it was left: at its own path, or under the name rotation gave it."""
        known = self._known
        if known is not None:
            for path in self._candidates():
                with contextlib.suppress(OSError):
                    file = _Open.of(path, known.position)
                    if (file.inode, file.device) == (known.inode, known.device) and file.is_same(known.head):
                        file.head = known.head
                        return file
                    file.stream.close()
            self._known = None
        try:
            return _Open.of(self._path)
        except FileNotFoundError:
            return None

    def _candidates(self) -> Iterator[Path]:
        yield self._path
        with contextlib.suppress(OSError):
            siblings = sorted(self._path.parent.glob(f"{_escaped(self._path.name)}*"))
            yield from (path for path in siblings[:MAX_SIBLINGS] if path != self._path)

    def _following(self, finished: _Open) -> _Open | None:
        """Return the file that came after a finished one and was rotated as well while nobody looked."""
        ended = os.fstat(finished.stream.fileno()).st_mtime_ns
        later: list[tuple[int, Path]] = []
        for path in self._candidates():
            with contextlib.suppress(OSError):
                status = path.stat()
                generation = _GENERATION.fullmatch(path.name.removeprefix(self._path.name))
                if generation and status.st_mtime_ns > ended and _signed(status.st_ino) != finished.inode:
                    later.append((status.st_mtime_ns, path))
        return _Open.of(min(later)[1]) if later else None

    def _rotated(self, file: _Open) -> bool:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return True
        return (status.st_dev, _signed(status.st_ino)) != (file.device, file.inode)

    def _lines(self, file: _Open, *, last: bool) -> list[bytes]:
        """Return the complete lines of the next chunk; `last`: the rest without line feed as well."""
        data = file.read(file.position, CHUNK)
        end = data.rfind(b"\n") + 1
        if end == 0:
            if not last and len(data) < CHUNK:
                return []
            file.position += len(data)
            file.remember_head()
            lines = [] if file.skipping or not data else [data]
            file.skipping = not last
        else:
            file.position += end
            file.remember_head()
            lines = data[: end - 1].split(b"\n")[int(file.skipping) :]
            file.skipping = False
            if last:
                lines += [data[end:]]
                file.position += len(data) - end
        return [line[:MAX_MESSAGE].rstrip(b"\r") for line in lines if line.strip()] or ([b""] if data else [])

    async def _send(self, file: _Open, lines: list[bytes]) -> None:
        point = Checkpoint(self._source.id, file.device, file.inode, file.position, file.head)
        payloads = tuple(line for line in lines if line)
        await self._backlog.put(Parcel(self._source, datetime.now(UTC), payloads, point))

    def _close(self) -> None:
        if self._file is not None:
            self._file.stream.close()
            self._file = None


def _digest(head: bytes) -> bytes:
    return len(head).to_bytes(2, "big") + hashlib.blake2b(head, digest_size=16).digest()


def _signed(inode: int) -> int:
    """Inodes are unsigned 64 bits; the database keeps them as signed ones."""
    return inode - (1 << 64) if inode >= 1 << 63 else inode


def _escaped(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
