"""A whole installation for tests: its own state folder, processes started and ended here."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

START_TIMEOUT_S = 60.0


class Service:
    """A running worker process."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    def rss_mb(self) -> float:
        """Return the resident memory of the process."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmRSS")

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; return exit code and seconds."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)
        return code, time.monotonic() - began


class Installation:
    """Services that share one state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "SENT_STATE_DIR": str(folder)}
        self._running: list[Service] = []

    def start(self, service: str, *options: str) -> Service:
        """Start a service and wait until its probe says ready."""
        log = self.folder / f"{service}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "sent", "--mode=worker", f"--service={service}", *options],
                env=self.environment,
                stderr=output,
                stdout=output,
            )
        found = Service(service, process, log)
        self._running.append(found)
        give_up = time.monotonic() + START_TIMEOUT_S
        while not self.ready(service):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < give_up, log.read_text()[-3000:]
            time.sleep(0.05)
        return found

    def ready(self, service: str) -> bool:
        """Ask the service's own probe."""
        return "200 OK" in self.probe(service, "/readyz")

    def probe(self, service: str, path: str) -> str:
        """Return the answer of a probe, or an empty text when nobody listens."""
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.settimeout(5)
            probe.connect(str(self.folder / "run" / "health" / f"{service}.sock"))
            probe.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            return b"".join(iter(lambda: probe.recv(4096), b"")).decode()
        return ""

    def run(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run the admin's tool in this installation."""
        return subprocess.run(
            [sys.executable, "-m", "sent", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def python(self, code: str) -> str:
        """Run Python within the installation and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def kill(self, service: str) -> None:
        """kill -9 a service."""
        (victim,) = [found for found in self._running if found.name == service]
        victim.process.kill()
        victim.process.wait()
        self._running.remove(victim)

    def stop(self) -> None:
        """End every service, the last one first."""
        for service in reversed(self._running):
            if service.process.poll() is None:
                service.process.send_signal(signal.SIGTERM)
                try:
                    service.process.wait(40)
                except subprocess.TimeoutExpired:
                    service.process.kill()
                    service.process.wait()


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """Use an installation in `folder` (which the database's OS user can reach) and end it."""
    found = Installation(folder)
    try:
        yield found
    finally:
        found.stop()
