"""Where updates come from: a web server, a folder, or a bundle that was carried in.

None of them is trusted: whatever they give is bounded in bytes and time and compared with what was signed.
"""

from __future__ import annotations

import tarfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

import urllib3

from sent.platform.errors import Invalid, Unavailable

CHUNK = 64 * 1024
CONNECT_S = 10.0
READ_S = 30.0
GRACE_S = 60.0
SLOWEST = 4_000
"""Bytes a second below which a source is given up, after `GRACE_S`."""

MAX_MEMBERS = 100_000


class Missing(Exception):
    """The source does not have it."""


class Broken(Exception):
    """The source does not answer, or ended in the middle."""


class Source(Protocol):
    """Gives the bytes of a file of the repository."""

    name: str

    def read(self, path: str, offset: int = 0) -> tuple[int, Iterator[bytes]]:
        """Return where it really begins (`offset` or 0) and what follows; raises Missing, Broken."""
        ...


class Web:
    """A mirror on a web server."""

    def __init__(self, url: str) -> None:
        self.name = url.rstrip("/")
        parts = urlsplit(self.name)
        proxy = urllib.request.getproxies().get(parts.scheme)
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        # A server that says when to come back would say: in a year.
        retries = urllib3.Retry(total=2, redirect=2, backoff_factor=0.2, respect_retry_after_header=False)
        if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
            self._pool: urllib3.PoolManager = urllib3.ProxyManager(proxy, timeout=timeout, retries=retries)
        else:
            self._pool = urllib3.PoolManager(timeout=timeout, retries=retries)

    def read(self, path: str, offset: int = 0) -> tuple[int, Iterator[bytes]]:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        try:
            answer = self._pool.request(
                "GET", f"{self.name}/{quote(path)}", headers=headers, preload_content=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise Broken(f"{self.name} does not answer ({type(error).__name__})") from error
        if answer.status not in (200, 206):
            answer.close()
            if answer.status == 416 and offset:
                return self.read(path)
            if answer.status in (403, 404, 410):
                raise Missing(path)
            raise Broken(f"{self.name} answers with status {answer.status}")
        begins = offset if answer.status == 206 else 0
        if begins and not answer.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
            answer.close()
            return self.read(path)
        return begins, self._chunks(answer)

    def _chunks(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        began, had = time.monotonic(), 0
        try:
            # `read1`: what is there now. `read` would wait for a whole chunk, as slowly as it comes.
            while chunk := answer.read1(CHUNK, decode_content=False):
                had += len(chunk)
                spent = time.monotonic() - began
                if spent > GRACE_S and had < SLOWEST * spent:
                    raise Broken(f"{self.name} gives less than {SLOWEST:,} bytes a second")
                yield chunk
        except urllib3.exceptions.HTTPError as error:
            raise Broken(f"{self.name} ended in the middle ({type(error).__name__})") from error
        finally:
            answer.close()


class Folder:
    """A mirror on a disk or a share."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def read(self, path: str, offset: int = 0) -> tuple[int, Iterator[bytes]]:
        place = self._folder / path
        if not place.is_file():
            raise Missing(path)
        return offset, self._chunks(place, offset)

    def _chunks(self, place: Path, offset: int) -> Iterator[bytes]:
        try:
            with place.open("rb") as file:
                file.seek(offset)
                while chunk := file.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise Broken(f"{place} cannot be read ({error.strerror})") from error


class Bundle:
    """One tar file with the metadata and all that one version needs; read in place, never unpacked."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    if member.size < 0:
                        raise tarfile.ReadError("a file of less than nothing")
                    if len(self._places) >= MAX_MEMBERS:
                        raise Invalid("update.bundle", f"{path} holds more than {MAX_MEMBERS:,} files")
                    if member.isreg():
                        self._places[member.name] = (member.offset_data, member.size)
        except (OSError, tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
            raise Invalid(
                "update.bundle", f"{path} is no bundle of SENT ({error}); copy it again. Nothing was changed"
            ) from error

    def read(self, path: str, offset: int = 0) -> tuple[int, Iterator[bytes]]:
        if path not in self._places:
            raise Missing(path)
        return offset, self._chunks(*self._places[path], offset)

    def _chunks(self, begin: int, size: int, offset: int) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                file.seek(begin + offset)
                left = size - offset
                while left > 0 and (chunk := file.read(min(CHUNK, left))):
                    left -= len(chunk)
                    yield chunk
        except OSError as error:
            raise Broken(f"{self.name} cannot be read ({error.strerror})") from error


def source(place: str) -> Source:
    """Return the source that `place` names: a URL, a folder, or a bundle's file."""
    if place.startswith(("https://", "http://")):
        try:
            return Web(place)
        except ValueError as error:
            raise Unavailable("update.mirror", f"{place} is no address; correct it") from error
    path = Path(place.removeprefix("file://")).expanduser()
    if path.is_dir():
        return Folder(path)
    if path.is_file():
        return Bundle(path)
    raise Unavailable("update.mirror", f"there is no mirror {place}: name a URL, a folder or a bundle's file")
