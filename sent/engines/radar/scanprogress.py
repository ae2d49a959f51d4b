"""What `sent radar scan` tells while it runs: a line on the terminal that is drawn again and again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from sent.engines.radar.scan import Hit

EVERY_S = 0.2
EVENTS = frozenset({".evtx", ".json", ".jsonl", ".ndjson", ".gz"})
"""How files of events are called in a folder."""


class ScanProgress:
    """Draws events, speed, hits and the share of bytes read on `out`; sizes of `-` are not known."""

    def __init__(
        self, files: Sequence[Path], out: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sizes = [path.stat().st_size if path.is_file() else 0 for path in files]
        self._files = files
        self._out = out
        self._clock = clock
        self._began = clock()
        self._next = self._began + EVERY_S
        self._drawn = False
        self.hits = 0

    def tell(self, events: int, number: int) -> None:
        """Say that so many events were read and file `number` (from 0) is at work."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + EVERY_S
        self._drawn = True
        rate = events / max(now - self._began, 0.001)
        share = sum(self._sizes[:number]) / max(sum(self._sizes), 1)
        where = f"file {number + 1} of {len(self._files)}, {share:.0%}  {self._files[number].name}"
        line = f"{events:,} events  {rate:,.0f}/s  {self.hits:,} hits  {where}"
        width = shutil.get_terminal_size().columns - 1
        self._out.write("\r\x1b[K" + "".join(char if char.isprintable() else "?" for char in line)[:width])
        self._out.flush()

    def counted(self, hits: Iterable[Hit]) -> Iterator[Hit]:
        """Yield the hits and count them."""
        for hit in hits:
            self.hits += 1
            yield hit

    def say(self, text: str) -> None:
        """Write a line of its own."""
        self.clear()
        self._out.write(text + "\n")

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._drawn = False


def within(given: Sequence[Path]) -> list[Path]:
    """Return the files: those of a folder, at any depth, by name; everything else as it is."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = (each for each in path.rglob("*") if each.suffix.lower() in EVENTS and each.is_file())
            found += sorted(inside)
        else:
            found.append(path)
    return found
