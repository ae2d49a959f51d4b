"""An installation whose versions run this source: the real starter, thin programs, no build.

A thin program is what the packaged one is to the rest of SENT: an executable in a version's folder that knows
itself to be frozen. `SENT_TEST_BINARY` names a built program to be taken instead.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sent.platform.update import switching
from sent.platform.update.layout import Layout

ROOT = Path(__file__).resolve().parents[1]
STARTER = ROOT / "build" / "linux" / "starter.sh"

PROGRAM = """\
#!/bin/sh
exec {python} {folder}/program.py "$@"
"""
FROZEN = """\
import sys
sys.frozen, sys.executable = True, {executable!r}
sys.path.insert(0, {root!r})
from sent.launch import main
sys.exit(main())
"""


def installed(root: Path, version: str) -> Layout:
    """Make an installation in `root` with one version, as a package does."""
    layout = Layout(root)
    layout.update.mkdir(parents=True)
    shutil.copy(STARTER, layout.starter)
    add(layout, version)
    layout.current.symlink_to(f"versions/{version}")
    return layout


def add(layout: Layout, version: str, *, instead: str = "") -> None:
    """Add a version; `instead` is a shell script that takes the program's place."""
    folder = layout.folder(version)
    program = folder / "sent"
    if instead:
        folder.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{instead}\n")
    elif "SENT_TEST_BINARY" in os.environ:
        shutil.copytree(os.environ["SENT_TEST_BINARY"], folder, symlinks=True, copy_function=os.link)
        return
    else:
        folder.mkdir(parents=True)
        program.write_text(PROGRAM.format(python=sys.executable, folder=folder))
        (folder / "program.py").write_text(FROZEN.format(executable=str(program), root=str(ROOT)))
    program.chmod(0o755)


def switch(layout: Layout, version: str) -> None:
    """Make a version current on trial, as an update does at its end."""
    switching.switch(layout, version, trial_for=layout.running())


class Managed:
    """A service that is started again when it ends, as systemd does it."""

    def __init__(self, layout: Layout, environment: Mapping[str, str], log: Path, *words: str) -> None:
        self._command = [str(layout.starter), "--mode=worker", *words]
        self._environment = dict(environment)
        self.log = log
        self.ended: list[int] = []
        """Exit codes of the processes that ended."""
        self.process = self._begin()

    def _begin(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(self._command, env=self._environment, stdout=output, stderr=output)

    def look(self) -> None:
        """Start the service again when it has ended."""
        code = self.process.poll()
        if code is not None:
            self.ended.append(code)
            self.process = self._begin()

    def version(self) -> str | None:
        """Return the version that runs in the service's place, None while none does or the starter waits."""
        for pid in (self.process.pid, *_children(self.process.pid)):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                words.insert(0, os.readlink(os.fsencode(f"/proc/{pid}/exe")))
            except OSError:
                continue
            for word in words[:3]:
                path = Path(os.fsdecode(word))
                if path.parent.parent.name == "versions" and path.name in ("sent", "program.py"):
                    return path.parent.name
        return None

    def children(self) -> list[int]:
        """Return the processes below it, those of a starter that waits too."""
        direct = _children(self.process.pid)
        return [*direct, *(below for one in direct for below in _children(one))]

    def ready(self) -> int:
        """Return how often the service said that it is ready."""
        return self.log.read_text(errors="replace").count("service.ready")

    def settled(self) -> bool:
        """Say whether it is ready again after each version that it noticed."""
        return self.ready() == 1 + self.log.read_text(errors="replace").count("service.renewing")

    def end(self) -> None:
        """End it in good order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def managed(
    layout: Layout, environment: Mapping[str, str], folder: Path, *services: str
) -> Iterator[list[Managed]]:
    """Run services (each the words of its command line) and end them, the last one first."""
    running: list[Managed] = []
    try:
        for number, service in enumerate(services):
            log = folder / f"service{number}.log"
            running.append(Managed(layout, environment, log, *service.split()))
        yield running
    finally:
        for one in reversed(running):
            one.end()


def wait(running: list[Managed], found: Callable[[], bool], what: str, *, seconds: float = 60.0) -> float:
    """Wait until `found`, keeping the services running meanwhile; returns the seconds."""
    began = time.monotonic()
    while not found():
        for one in running:
            one.look()
        if time.monotonic() - began > seconds:
            said = "\n".join(one.log.read_text(errors="replace")[-2500:] for one in running)
            raise AssertionError(f"{what}: not within {seconds} s\n{said}")
        time.sleep(0.05)
    return time.monotonic() - began


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
