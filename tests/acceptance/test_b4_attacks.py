"""B4: what thieves of one key, mirrors, other users of the machine and bundles by mail try."""

from __future__ import annotations

import http.server
import os
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from releases import CLEAR, Releases, installed, mirror, one, releases, starts, update

from sent.platform.errors import Invalid, SentError, Unavailable
from sent.platform.update import api, policy, sources
from sent.platform.update.layout import Layout
from sent.platform.update.sources import Web

__all__ = ["installed", "mirror", "releases"]


@pytest.mark.parametrize("role", ["targets", "snapshot"])
def test_b4_one_stolen_key_and_the_mirror_replace_nothing(
    releases: Releases, installed: Layout, mirror: Web, role: str
) -> None:
    """The same version number, another content, signed with the stolen key."""
    made = releases.made.latest(role)
    made.signed.unrecognized_fields["by"] = "a thief"
    made.sign(one(releases.keys, role))
    path = releases.repository / "metadata" / f"{made.signed.version}.{role}.json"
    path.write_bytes(made.to_bytes())
    with pytest.raises(SentError) as error:
        update(installed, [mirror], releases.root)
    assert error.value.code == "update.mismatch"
    assert starts(installed) == "1.0"


def test_b4_a_stolen_timestamp_key_holds_nobody_up_after_its_rotation(
    releases: Releases, installed: Layout, mirror: Web
) -> None:
    """The thief counts up to a version that nobody reaches by signing; a new key begins anew."""
    made = releases.made.latest("timestamp")
    path: Path = releases.repository / "metadata" / "timestamp.json"
    honest = path.read_bytes()
    made.signed.version = 2_000_000_000
    made.sign(one(releases.keys, "timestamp"))
    path.write_bytes(made.to_bytes())
    assert update(installed, [mirror], releases.root) == "1.1"
    path.write_bytes(honest)
    releases.add("1.2")
    with pytest.raises(SentError) as error:
        update(installed, [mirror], releases.root)
    assert error.value.code == "update.older"
    releases.run("rotate-root", "timestamp", "--clear", CLEAR)
    assert update(installed, [mirror], releases.root) == "1.2"


class Trickle(http.server.BaseHTTPRequestHandler):
    """Gives a byte now and then, for ever."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "60000")
        self.end_headers()
        with suppress(OSError):
            for _ in range(200):
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Later(Trickle):
    """Asks to come back in three hours."""

    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Retry-After", "10000")
        self.end_headers()


@contextmanager
def hostile(handler: type[Trickle]) -> Iterator[Web]:
    """Give a mirror that answers so."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield Web(f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_b4_a_mirror_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "GRACE_S", 0.3)
    begun = time.monotonic()
    with hostile(Trickle) as web, pytest.raises(sources.Broken, match="less than"):
        list(web.read("metadata/timestamp.json")[1])
    assert time.monotonic() - begun < 15, "the server's own end takes ten seconds"


def test_b4_a_mirror_does_not_say_how_long_we_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    with hostile(Later) as web, pytest.raises(sources.Broken, match="503"):
        web.read("metadata/timestamp.json")
    assert sum(slept) < 5


def test_b4_bundles_by_mail_that_tar_chokes_on_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "x.bundle"
    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 1
    nested = (long.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0")) * 3000
    less = tarfile.TarInfo("metadata/timestamp.json")
    less.size = -(10**6)
    for data in (nested, less.tobuf(tarfile.GNU_FORMAT) + bytes(1024), b"no tar at all" * 99):
        path.write_bytes(data)
        with pytest.raises(Invalid, match="no bundle of SENT"):
            sources.Bundle(path)


def test_b4_an_address_that_is_none_is_told() -> None:
    with pytest.raises(Unavailable, match="no address"):
        sources.source("https://[mirror/sent")


def test_b4_nobody_else_can_write_what_is_installed_whatever_the_umask(
    releases: Releases, installed: Layout, mirror: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for a moment: who opened a file before its mode is set could write to it after it was checked."""
    early: list[str] = []
    real = os.fchmod

    def watched(descriptor: int, mode: int) -> None:
        early.append(f"{os.fstat(descriptor).st_mode & 0o777:o}")
        real(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", watched)
    (installed.update / "downloads").mkdir()
    (installed.update / "downloads" / "left.part").write_bytes(b"of an update that came to nothing")
    before = os.umask(0)
    try:
        offer = api.check(installed, policy.load(installed), [mirror], asked=True, root=releases.root)
        assert offer is not None
        api.apply(installed, offer)
    finally:
        os.umask(before)
    assert early and set(early) == {"600"}
    others = [
        path
        for top in (installed.folder("1.1"), installed.update)
        for path in [top, *top.rglob("*")]
        if not path.is_symlink() and path.stat().st_mode & 0o022 and path.parent.name != "root_history"
    ]
    assert [path for path in others if path.name != "root_history"] == []
