"""Rule files out of a file, a folder, a tar (gz, bz2, xz) or a zip; sizes and counts are bounded.

Archives are read, never unpacked: a member's name goes nowhere but into messages.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sent.platform.errors import Invalid, NotFound

MAX_FILE = 1_000_000
"""Bytes of one rule file (the largest of SigmaHQ has 295 KB)."""

MAX_FILES = 50_000
MAX_MEMBERS = 200_000
MAX_TOTAL = 256_000_000
SUFFIXES = (".yml", ".yaml")

RuleFile = tuple[str, str | None, str]
"""Name, text (None: refused), reason."""


def rule_files(path: Path) -> Iterator[RuleFile]:
    """Yield the rule files of `path`; raises NotFound, or Invalid when it is no archive or too large."""
    if path.is_dir():
        found = _folder(path)
    elif not path.is_file():
        raise NotFound("radar.rules.missing", f"{path}: no such file or folder of rules", path=str(path))
    elif path.suffix.lower() in SUFFIXES:
        found = iter([_opened(path, path.name)])
    elif zipfile.is_zipfile(path):
        found = _zip(path)
    elif tarfile.is_tarfile(path):
        found = _tar(path)
    else:
        raise Invalid(
            "radar.rules.kind",
            f"{path}: neither a .yml file nor a folder, tar or zip of them",
            path=str(path),
        )
    total = 0
    for count, (name, content) in enumerate(found):
        total += len(content or b"")
        if count >= MAX_FILES or total > MAX_TOTAL:
            raise Invalid(
                "radar.rules.large",
                f"{path}: more than {MAX_FILES} rule files or {MAX_TOTAL // 1_000_000} MB; split it",
                path=str(path),
            )
        yield _decoded(name, content)


def _decoded(name: str, content: bytes | None) -> RuleFile:
    if content is None:
        return name, None, f"is larger than {MAX_FILE // 1000} KB or cannot be read"
    try:
        return name, content.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        return name, None, f"is not UTF-8 (byte {error.start})"


def _read(stream: IO[bytes]) -> bytes | None:
    content = stream.read(MAX_FILE + 1)
    return content if len(content) <= MAX_FILE else None


def _opened(path: Path, name: str) -> tuple[str, bytes | None]:
    try:
        with path.open("rb") as stream:
            return name, _read(stream)
    except OSError:
        return name, None


def _folder(path: Path) -> Iterator[tuple[str, bytes | None]]:
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    for file in files:
        yield _opened(file, file.relative_to(path).as_posix())


def _zip(path: Path) -> Iterator[tuple[str, bytes | None]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for count, member in enumerate(archive.infolist()):
                _bound_members(path, count)
                if not member.filename.lower().endswith(SUFFIXES):
                    continue
                if member.file_size > MAX_FILE or member.flag_bits & 0x1:
                    yield member.filename, None
                    continue
                with archive.open(member) as stream:
                    yield member.filename, _read(stream)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise _damaged(path, error) from error


class _BoundedInfo(tarfile.TarInfo):
    """Refuses long names and attributes that would be read into memory whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        described = self.type in (
            *tarfile.GNU_TYPES,
            tarfile.XHDTYPE,
            tarfile.XGLTYPE,
            tarfile.SOLARIS_XHDTYPE,
        )
        if described and self.type != tarfile.GNUTYPE_SPARSE and self.size > MAX_FILE:
            raise tarfile.ReadError("a header is larger than a file may be")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def _tar(path: Path) -> Iterator[tuple[str, bytes | None]]:
    try:
        with tarfile.open(path, "r:*", tarinfo=_BoundedInfo) as archive:
            for count, member in enumerate(archive):
                _bound_members(path, count)
                if not member.isfile() or not member.name.lower().endswith(SUFFIXES):
                    continue
                stream = archive.extractfile(member) if member.size <= MAX_FILE else None
                yield member.name, None if stream is None else _read(stream)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise _damaged(path, error) from error


def _bound_members(path: Path, count: int) -> None:
    if count >= MAX_MEMBERS:
        raise Invalid("radar.rules.large", f"{path}: more than {MAX_MEMBERS} members; split it")


def _damaged(path: Path, error: Exception) -> Invalid:
    return Invalid("radar.rules.damaged", f"{path}: the archive is damaged ({error}); fetch it again")
