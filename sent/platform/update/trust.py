"""What may be believed: metadata by TUF, from the root that was built into the program.

The metadata seen last is kept in `update/metadata`: older is refused afterwards, whoever offers it.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tuf.api import exceptions
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from sent.platform.config.secrets import sync_folder
from sent.platform.errors import Denied, Invalid, SentError, Unavailable
from sent.platform.update.manifest import MAX_BYTES
from sent.platform.update.sources import Broken, Missing, Source

ROOT = Path(__file__).with_name("root.json")
_BASE = "mirror:/"
_CONFIG = UpdaterConfig(
    max_root_rotations=64,
    max_delegations=2,
    root_max_length=200_000,
    timestamp_max_length=16_384,
    snapshot_max_length=200_000,
    targets_max_length=4_000_000,
)


def shipped_root() -> bytes:
    """Return the root that this program was built with; raises Invalid for a build without one."""
    try:
        return ROOT.read_bytes()
    except OSError as error:
        raise Invalid(
            "update.no_root",
            "this build carries no root of trust and does not update itself; install a released one",
        ) from error


class Trust:
    """The signed files of one source, verified."""

    def __init__(self, metadata: Path, source: Source, root: bytes) -> None:
        self._source = source
        self._metadata = metadata
        with _told(source.name), _writable(metadata):
            metadata.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._updater = Updater(
                str(metadata),
                f"{_BASE}metadata/",
                target_base_url=f"{_BASE}targets/",
                fetcher=_Fetcher(source),
                config=_CONFIG,
                bootstrap=root,
            )

    def refresh(self) -> None:
        """Bring the metadata up to date; raises SentError that says what is refused and why."""
        with _told(self._source.name), _writable(self._metadata):
            self._updater.refresh()
            _settle(self._metadata)

    def names(self, folder: str) -> list[str]:
        """Return the names of the signed files in `folder`, after `refresh`."""
        # The library keeps what it has verified in this file and offers no list of its own.
        with _told(self._source.name), _writable(self._metadata):
            signed = json.loads((self._metadata / "targets.json").read_bytes())["signed"]
        found = (path.rpartition("/") for path in signed["targets"])
        return sorted(name for place, _, name in found if place == folder)

    def target(self, path: str) -> bytes | None:
        """Return a signed file of at most 8 MiB; None when nothing of the kind was signed."""
        with _told(self._source.name), _writable(self._metadata):
            info = self._updater.get_targetinfo(path)
            if info is None:
                return None
            if info.length > MAX_BYTES:
                raise Invalid("update.metadata", f"{path} has {info.length:,} bytes, which is too much")
            folder, _, name = path.rpartition("/")
            digest = next(iter(info.hashes.values()))
            url = f"{_BASE}targets/{folder}/{digest}.{name}"
            data = _Fetcher(self._source).download_bytes(url, info.length)
            info.verify_length_and_hashes(data)
            return data


def first(metadata: Path, sources: Sequence[Source], root: bytes) -> Trust:
    """Return the trust in the first source that is up to date; raises what the first one was refused for."""
    refused: list[SentError] = []
    for source in sources:
        try:
            trust = Trust(metadata, source, root)
            trust.refresh()
        except (Invalid, Unavailable) as error:
            refused.append(error)
        else:
            return trust
    if not refused:
        raise Invalid(
            "update.no_mirror",
            "no mirror is set: name one with --mirror or --bundle, or in `mirrors` of update/policy.toml",
        )
    raise next((error for error in refused if isinstance(error, Invalid)), refused[0])


class _Fetcher(FetcherInterface):
    """Reads from a source into bounded memory: the library's own would need a temporary folder."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            return self._source.read(url.removeprefix(_BASE))[1]
        except Missing as error:
            raise exceptions.DownloadHTTPError(f"{error} is missing", 404) from error
        except Broken as error:
            raise exceptions.DownloadError(str(error)) from error

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        had = io.BytesIO()
        try:
            for chunk in self.fetch(url):
                if had.tell() + len(chunk) > max_length:
                    raise exceptions.DownloadLengthMismatchError(f"{url} is longer than {max_length:,} bytes")
                had.write(chunk)
        except Broken as error:
            raise exceptions.DownloadError(str(error)) from error
        had.seek(0)
        yield had


_REFUSED: tuple[tuple[type[Exception], str, str], ...] = (
    (
        exceptions.ExpiredMetadataError,
        "update.expired",
        "expired: it may be held back. Look at this machine's clock, then tell who runs the mirror",
    ),
    (
        exceptions.BadVersionNumberError,
        "update.older",
        "is older than what was seen here before, or mixed from several times. Try another mirror",
    ),
    (
        exceptions.UnsignedMetadataError,
        "update.signature",
        "is not signed by the keys that this installation trusts. Tell who makes the releases",
    ),
    (
        exceptions.LengthOrHashMismatchError,
        "update.mismatch",
        "does not fit together: it was changed or mixed from several times. Try another mirror",
    ),
    (
        exceptions.DownloadLengthMismatchError,
        "update.mismatch",
        "is longer than was signed. Try another mirror",
    ),
    (exceptions.RepositoryError, "update.metadata", "cannot be read. Try another mirror"),
)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn the library's errors into ours."""
    try:
        yield
    except (exceptions.RepositoryError, exceptions.DownloadError) as error:
        for kind, code, why in _REFUSED:
            if isinstance(error, kind):
                raise Invalid(
                    code, f"what {name} offers {why}. Nothing was changed ({error})", mirror=name
                ) from error
        raise Unavailable(
            "update.unreachable",
            f"{name} does not give what belongs to an update ({error}); nothing was changed, try again later",
        ) from error


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Denied(
            "update.not_writable",
            f"{folder} cannot be written ({error.strerror}); run the update as the owner of the installation,"
            " with room on its disk. Nothing was changed",
        ) from error


def _settle(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    sync_folder(folder)
