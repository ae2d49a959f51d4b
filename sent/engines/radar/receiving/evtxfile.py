"""Reads an EVTX file into the backlog, and again what was added when it changes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson

from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.logfile import open_log
from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.store.sink import Checkpoint
from sent.platform.errors import SentError
from sent.platform.telemetry.log import get_logger

POLL_S = 5.0
PARCEL = 500

_log = get_logger("radar")


class EvtxFeed:
    """Follows one EVTX file; its position counts records."""

    def __init__(self, source: Source, backlog: Backlog, start: Checkpoint | None) -> None:
        self._source = source
        self._backlog = backlog
        self._path = Path(source.address)
        self._position = start.position if start else 0
        self._inode = start.inode if start else 0
        self._seen: tuple[int, int] | None = None
        self.problem = ""
        """Why the file cannot be read."""

    async def run(self) -> None:
        """Read the file whenever it changed, until cancelled; a missing file is waited for."""
        while True:
            try:
                await self._read_if_changed()
                self.problem = ""
            except (OSError, SentError) as error:
                self.problem = str(error)
                _log.warning("radar.evtx_unreadable", path=str(self._path), reason=str(error))
            await asyncio.sleep(POLL_S)

    def close(self) -> None:
        """Nothing is held open between reads."""

    async def _read_if_changed(self) -> None:
        with open_log(self._path) as stream:
            status = os.fstat(stream.fileno())
        if self._seen == (status.st_size, status.st_mtime_ns):
            return
        if status.st_ino != self._inode:
            self._inode, self._position = status.st_ino, 0
        records = await asyncio.to_thread(self._from_position)
        while payloads := await asyncio.to_thread(lambda: tuple(islice(records, PARCEL))):
            self._position += len(payloads)
            point = Checkpoint(self._source.id, status.st_dev, self._inode, self._position, b"")
            await self._backlog.put(Parcel(self._source, datetime.now(UTC), payloads, point))
        self._seen = (status.st_size, status.st_mtime_ns)

    def _from_position(self) -> Iterator[bytes]:
        from sent.engines.radar.inputs import Unreadable, read_events

        items = islice(read_events(Path(os.fspath(self._path))), self._position, None)
        return (b"" if isinstance(item, Unreadable) else orjson.dumps(item) for item in items)
