"""A repository of releases made by `build/release.py`, a web server for it, and installations that update."""

from __future__ import annotations

import functools
import http.server
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import release  # noqa: E402
from release_keys import CLEAR, one  # noqa: E402
from release_signing import Metadatas  # noqa: E402

from sent.platform.update import api, policy, staging  # noqa: E402
from sent.platform.update.layout import Layout  # noqa: E402
from sent.platform.update.sources import Source, Web  # noqa: E402

__all__ = ["CLEAR", "one", "release"]

SCRIPT = "#!/bin/sh\necho sent {version}\n"


def program(folder: Path, version: str, *, size: int = 60_000) -> Path:
    """Make a small program of `version`: most files are the same in all, one large one changes a little."""
    folder.mkdir(parents=True)
    (folder / "sent").write_text(SCRIPT.format(version=version))
    (folder / "sent").chmod(0o755)
    inner = folder / "_internal"
    (inner / "deep").mkdir(parents=True)
    dice = random.Random(1)
    for number in range(8):
        (inner / f"same{number}.so").write_bytes(dice.randbytes(size))
    code = bytearray(random.Random(2).randbytes(size))
    code[1000:1020] = version.encode().ljust(20)
    (inner / "deep" / "code.bin").write_bytes(code)
    (inner / "new.txt").write_text(f"only in {version}\n" * 20)
    (inner / "link.so").symlink_to("same0.so")
    for path in inner.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o644)
    return folder


class Releases:
    """A repository on disk and what tests do with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.keys = folder / "keys"
        self.made = Metadatas(self.repository, self.keys)
        self.run("init", "--clear", CLEAR)

    def run(self, *arguments: str) -> None:
        """Run the tool."""
        release.main([f"--repository={self.repository}", f"--keys={self.keys}", *arguments])

    def add(self, version: str, *arguments: str, size: int = 60_000) -> Path:
        """Release a small program and offer it to everybody."""
        built = program(self.folder / f"build-{version}", version, size=size)
        self.run("add", str(built), "--version", version, "--preset", "1", *arguments)
        self.run("publish")
        return built

    @property
    def root(self) -> bytes:
        return (self.repository / "metadata" / "1.root.json").read_bytes()

    def install(self, folder: Path, version: str) -> Layout:
        """Make an installation of a released version, as a package would."""
        layout = Layout(folder)
        for place in (layout.versions, layout.update):
            place.mkdir(parents=True, exist_ok=True)
        target = layout.folder(version)
        shutil.copytree(self.folder / f"build-{version}", target, symlinks=True)
        (target / "manifest.json").write_bytes(self.manifest(version))
        layout.current.symlink_to(f"versions/{version}")
        return layout

    def manifest(self, version: str, pack: str = "base") -> bytes:
        """Return the bytes of a signed manifest."""
        path = f"manifests/{api.PLATFORM}/{version}/{pack}.json"
        name, *_ = (self.repository / "targets" / path).parent.glob(f"*.{pack}.json")
        return name.read_bytes()


class Mirror(http.server.SimpleHTTPRequestHandler):
    """Serves files, ranges too; `cut` breaks every answer off after so many bytes."""

    protocol_version = "HTTP/1.0"
    cut: int | None = None
    asked: list[tuple[str, str]] = []  # noqa: RUF012  one server a test, a class for each

    def do_GET(self) -> None:
        type(self).asked.append((self.path, self.headers.get("Range", "")))
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        begin = int(found[1]) if found else 0
        self.send_response(206 if found else 200)
        if found:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        limit = len(data) if self.cut is None or "metadata" in self.path else begin + self.cut
        self.wfile.write(data[begin:limit])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path, handler: type[Mirror] | None = None) -> Iterator[str]:
    """Serve `folder` on loopback; gives its URL."""
    kind = handler or type("OwnMirror", (Mirror,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(kind, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def update(layout: Layout, sources: list[Source], root: bytes) -> str | None:
    """Check and apply as a person would who asks for it."""
    offer = api.check(layout, policy.load(layout), sources, asked=True, root=root)
    return None if offer is None else api.apply(layout, offer)


def starts(layout: Layout) -> str:
    """Run the current version, which must be whole; returns what it says it is."""
    version = layout.running()
    assert version is not None
    assert staging.whole(layout.folder(version)) is None
    run = subprocess.run([layout.current / "sent", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"sent {version}\n"
    return version


def shape(layout: Layout) -> dict[str, str]:
    """Return what is installed, byte for byte; metadata and locks are not part of it."""
    found = {"current": os.readlink(layout.current)}
    for path in sorted(layout.versions.rglob("*")):
        name = str(path.relative_to(layout.root))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = f"{path.stat().st_mode:o} {hash(path.read_bytes())}"
    return found


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    """Return a repository with 1.0 and 1.1."""
    found = Releases(tmp_path / "releases")
    found.add("1.0")
    found.add("1.1")
    return found


@pytest.fixture
def installed(releases: Releases, tmp_path: Path) -> Layout:
    """Return an installation of 1.0."""
    return releases.install(tmp_path / "sent", "1.0")


@pytest.fixture
def mirror(releases: Releases) -> Iterator[Web]:
    """Return the repository on a web server."""
    with served(releases.repository) as url:
        yield Web(url)
