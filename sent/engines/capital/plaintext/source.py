"""Files as text, within bounds: a book includes only what stands in its own folder or below."""

from __future__ import annotations

import gzip
import sys
import zlib
from itertools import islice
from pathlib import Path

from sent.engines.capital.plaintext.model import Place, wrong
from sent.platform.errors import Invalid

MOST_BYTES = 64 * 1024 * 1024
"""Of a book with all it includes, unpacked."""
MOST_FILES = 500
MOST_DEPTH = 16
LONGEST_LINE = 20_000
"""Characters of a line; a text in quotes may go over several."""


class Source:
    """Reads a book's first file (`-` is standard input, `.gz` is unpacked) and what it includes."""

    def __init__(self, first: Path) -> None:
        self.first = first
        self._left = MOST_BYTES
        self._files = 0
        self._open: list[Path] = []

    def name(self, path: Path) -> str:
        """Return what a file is called in messages."""
        if str(path) == "-":
            return "standard input"
        folder = self.first.resolve().parent
        whole = path.resolve()
        return str(whole.relative_to(folder)) if whole.is_relative_to(folder) else path.name

    def read(self, path: Path, by: Place | None = None) -> str:
        """Return a file's text; raises Invalid (too large, no UTF-8, not there, includes itself)."""
        at = by or Place(self.name(path), 1)
        self._files += 1
        if self._files > MOST_FILES or len(self._open) >= MOST_DEPTH:
            raise wrong(at, f"a book has at most {MOST_FILES} files, {MOST_DEPTH} deep: join some")
        if path in self._open:
            raise wrong(at, f"{path.name} includes itself: remove the include")
        try:
            raw = self._bytes(path)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if by is None:
                raise Invalid("capital.plaintext", f"{path}: cannot be read: {reason}") from error
            raise wrong(at, f"{path.name} cannot be read: {reason}") from error
        if len(raw) > self._left:
            raise wrong(at, f"a book has at most {MOST_BYTES >> 20} MB: split it by year")
        self._left -= len(raw)
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise wrong(Place(self.name(path), line), "the file must be UTF-8 text") from error
        self._check(path, text)
        self._open.append(path)
        return text.replace("\r\n", "\n")

    def done(self) -> None:
        """End the file that was read last."""
        self._open.pop()

    def included(self, name: str, by: Place) -> list[Path]:
        """Return the files an include names (`*` and `?` match), in the order of their names."""
        here = self._open[-1]
        if str(here) == "-":
            raise wrong(by, "standard input has no folder to include from: give the file by name")
        folder = self.first.resolve().parent
        if name.startswith(("/", "~", "\\")) or ".." in Path(name).parts or "**" in name or not name:
            raise wrong(by, f"include {name!r} leaves the book's folder: put the file beside the book")
        base = here.resolve().parent
        if any(sign in name for sign in "*?["):
            found = sorted(islice(base.glob(name), MOST_FILES + 1))
            found = [path for path in found if path.is_file() and path.resolve() != here.resolve()]
        else:
            found = [base / name]
        for path in found:
            if not path.resolve().is_relative_to(folder):
                raise wrong(by, f"include {name!r} leaves the book's folder: put the file beside the book")
        if not found or not all(path.is_file() for path in found):
            raise wrong(by, f"include {name!r} names no file")
        return found

    def _bytes(self, path: Path) -> bytes:
        if str(path) == "-":
            return sys.stdin.buffer.read(self._left + 1)
        if path.suffix == ".gz":
            with gzip.open(path) as packed:
                return packed.read(self._left + 1)
        with path.open("rb") as plain:
            return plain.read(self._left + 1)

    def _check(self, path: Path, text: str) -> None:
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > LONGEST_LINE:
                raise wrong(
                    Place(self.name(path), number), f"a line has at most {LONGEST_LINE} characters: break it"
                )
            if "\0" in line:
                raise wrong(Place(self.name(path), number), "the file must be text: there is a zero byte")
