"""A real nats-server with JetStream on loopback, for tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path


def nats_server() -> str | None:
    """Return the program that `make setup` unpacked, or the machine's own."""
    unpacked = Path(__file__).resolve().parents[1] / ".venv/debian/usr/sbin"
    return shutil.which("nats-server", path=f"{unpacked}:/usr/sbin:{os.environ.get('PATH', '')}")


class NatsServer:
    """A real nats-server with JetStream on loopback."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"nats://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with what it had stored."""
        self._process = subprocess.Popen(
            [
                nats_server() or "nats-server",
                "-js",
                "-sd",
                str(self._folder),
                "-a",
                "127.0.0.1",
                "-p",
                str(self.port),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
