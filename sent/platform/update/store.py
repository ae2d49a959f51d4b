"""Files and deltas of the store: resumed where they were broken off, checked before they are opened.

Nothing that the signed manifest does not name by size and hash is ever unpacked or patched.
"""

from __future__ import annotations

import hashlib
import lzma
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import bsdiff4

from sent.platform.errors import Invalid, SentError, Unavailable
from sent.platform.update.durable import create
from sent.platform.update.manifest import Blob, File
from sent.platform.update.sources import Broken, Missing, Source

CHUNK = 256 * 1024
DECODER_MEMORY = 160 * 1024 * 1024
TRIES = 3
"""Times a mirror is asked again for the rest of a file that it broke off."""


class Cancelled(SentError):
    """Somebody took the update back while it was made."""

    def __init__(self) -> None:
        super().__init__("update.cancelled", "the update was cancelled; nothing was changed")


class Store:
    """Downloads of one update, kept in `folder` until it is complete."""

    def __init__(
        self,
        folder: Path,
        sources: Sequence[Source],
        advanced: Callable[[int], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._sources = sources
        self._advanced = advanced
        self._cancelled = cancelled

    def held(self, blob: Blob) -> int:
        """Return how many bytes of it are here."""
        for path in (self._folder / blob.sha256, self._part(blob)):
            try:
                return min(path.stat().st_size, blob.size)
            except OSError:
                continue
        return 0

    def get(self, blob: Blob) -> Path:
        """Return the file with exactly these bytes; raises with what each mirror did."""
        whole = self._folder / blob.sha256
        if whole.is_file() and _digest(whole) == blob.sha256:
            return whole
        refused: list[str] = []
        wrong = False
        for source in self._sources:
            for _ in range(TRIES):
                before = self.held(blob)
                why = self._from(source, blob)
                if why is None and _digest(self._part(blob)) == blob.sha256:
                    self._part(blob).replace(whole)
                    return whole
                if why is None:
                    self._part(blob).unlink()
                    self._advanced(-blob.size)
                    refused.append(f"{source.name}: {blob.name} is not what was signed")
                    wrong = True
                    break
                if self.held(blob) <= before:
                    refused.append(why)
                    break
            else:
                refused.append(f"{source.name} breaks off again and again")
        text = f"{'; '.join(refused)}. Nothing was changed; try another mirror, or again later"
        raise Invalid("update.tampered", text) if wrong else Unavailable("update.unreachable", text)

    def _from(self, source: Source, blob: Blob) -> str | None:
        """Complete the part from one source; returns what went wrong."""
        part = self._part(blob)
        offset = self.held(blob)
        if offset == blob.size and offset:
            return None
        try:
            begins, chunks = source.read(blob.name, offset)
            if begins != offset:
                self._advanced(-offset)
            with create(part, "ab" if begins else "wb") as file:
                had = begins
                for chunk in chunks:
                    if self._cancelled():
                        raise Cancelled
                    had += len(chunk)
                    if had > blob.size:
                        file.truncate(0)
                        self._advanced(-(had - len(chunk)))
                        return f"{source.name}: {blob.name} is longer than was signed"
                    file.write(chunk)
                    self._advanced(len(chunk))
        except Missing:
            return f"{source.name} has no {blob.name}"
        except Broken as error:
            return str(error)
        return (
            None
            if had == blob.size
            else f"{source.name} ended {blob.name} after {had:,} of {blob.size:,} bytes"
        )

    def _part(self, blob: Blob) -> Path:
        return self._folder / f"{blob.sha256}.part"


def unpack(packed: Path, file: File, target: Path) -> None:
    """Write the whole file to `target`, flushed; raises Invalid when the packed form holds something else."""
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DECODER_MEMORY)
    digest, size = hashlib.sha256(), 0
    try:
        with packed.open("rb") as source, create(target) as made:
            while not decoder.eof:
                data = source.read(CHUNK) if decoder.needs_input else b""
                if decoder.needs_input and not data:
                    break
                out = decoder.decompress(data, CHUNK)
                size += len(out)
                if size > file.size:
                    break
                digest.update(out)
                made.write(out)
            _finish(made.fileno(), file.mode)
    except lzma.LZMAError as error:
        raise _wrong(file) from error
    if size != file.size or digest.hexdigest() != file.sha256:
        raise _wrong(file)


def patch(base: Path, delta: Path, file: File, target: Path) -> bool:
    """Write the file made of `base` and `delta`, flushed; False when that gives something else."""
    try:
        with delta.open("rb") as head:
            if int.from_bytes(head.read(32)[24:32], "little") != file.size:
                return False
        data = bsdiff4.patch(base.read_bytes(), delta.read_bytes())
    except (ValueError, OSError, EOFError, MemoryError):
        return False
    if hashlib.sha256(data).hexdigest() != file.sha256:
        return False
    with create(target) as made:
        made.write(data)
        _finish(made.fileno(), file.mode)
    return True


def _finish(descriptor: int, mode: int) -> None:
    os.fchmod(descriptor, mode)
    os.fsync(descriptor)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wrong(file: File) -> Invalid:
    return Invalid(
        "update.tampered",
        f"{file.path} is not what was signed; nothing was changed. Tell who makes the releases",
    )
