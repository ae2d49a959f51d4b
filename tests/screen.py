"""A screen of its own for the real console: an X server, a window manager, keys and a mouse."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from installation import Installation

from sent.platform.auth.client import BrokerClient
from sent.platform.telemetry.log import Secret

TESTS = Path(__file__).resolve().parent
TOOLS = ("Xvfb", "openbox", "xdotool")
NAME, EMAIL, PASSWORD = "Anna Berg", "anna@example.com", "harbour-lamp-9-violet"

needs_screen = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason="needs Xvfb, openbox and xdotool"
)


async def organisation(place: Installation) -> None:
    """Make organisation and owner when nobody has done it yet."""
    client = BrokerClient(place.folder / "run" / "db" / "broker.sock")
    if not (await client.status()).initialised:
        await client.setup("Northwind Security", "northwind", NAME, EMAIL, Secret(PASSWORD))


class Screen:
    """A display of its own with a console on it."""

    def __init__(self, display: str, state: Path) -> None:
        self.display, self._file = display, state

    def tool(self, *words: str) -> None:
        """Run xdotool."""
        environment = os.environ | {"DISPLAY": self.display}
        subprocess.run(["xdotool", *words], env=environment, check=True, timeout=30, capture_output=True)

    def keys(self, *names: str) -> None:
        """Press keys one after the other."""
        self.tool("key", "--delay", "60", *names)

    def type(self, text: str) -> None:
        """Type a text."""
        self.tool("type", "--delay", "15", text)

    def click(self, name: str) -> None:
        """Click the button with this name."""
        self.until(lambda s: name in s["places"], f"button {name}")
        x, y = self.state()["places"][name]
        self.tool("mousemove", str(x), str(y), "click", "1")

    def state(self) -> dict[str, Any]:
        """Return what the console shows."""
        with suppress(FileNotFoundError, ValueError):
            return dict(json.loads(self._file.read_text()))
        return {"places": {}}

    def until(
        self, ready: Callable[[dict[str, Any]], Any], what: str, seconds: float = 30.0
    ) -> dict[str, Any]:
        """Wait until the console shows it."""
        give_up = time.monotonic() + seconds
        while True:
            state = self.state()
            with suppress(KeyError, TypeError, IndexError):
                if ready(state):
                    return state
            assert time.monotonic() < give_up, f"{what}: {json.dumps(state)[:1500]}"
            time.sleep(0.05)


@contextmanager
def process(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program and end it."""
    found = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE)
    try:
        yield found
    finally:
        found.terminate()
        with suppress(subprocess.TimeoutExpired):
            found.wait(10)
        if found.poll() is None:
            found.kill()
            found.wait()
        if found.stderr is not None:
            found.stderr.close()


@contextmanager
def display() -> Iterator[str]:
    """Start an X server and a window manager."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            name = f":{pipe.readline().strip()}"
        with process("openbox", "--sm-disable", DISPLAY=name):
            yield name
    finally:
        server.terminate()
        server.wait(10)


def environment(place: Installation) -> dict[str, str]:
    """Return what a console of this installation needs to find it and the tests' modules."""
    return {"SENT_STATE_DIR": str(place.folder), "QT_QPA_PLATFORM": "xcb", "PYTHONPATH": str(TESTS.parent)}


@contextmanager
def console(
    place: Installation, display: str, state: Path, seconds: float = 30.0
) -> Iterator[tuple[Screen, subprocess.Popen[bytes]]]:
    """Run the console on a display; it writes what it shows to `state`."""
    state.unlink(missing_ok=True)
    command = (sys.executable, str(TESTS / "acceptance" / "console_under_test.py"), str(state))
    with process(*command, DISPLAY=display, **environment(place)) as running:
        found = Screen(display, state)
        found.until(lambda s: s["ready"] and s["active"], "the console asks who is there", seconds)
        yield found, running


def sign_in(screen: Screen, seconds: float = 30.0) -> None:
    """Sign the owner in by keyboard."""
    screen.until(lambda s: s["gate"] == 0, "the sign-in")
    if screen.state()["focus"] == "Email":
        screen.type(EMAIL)
        screen.keys("Tab")
    screen.type(PASSWORD)
    screen.keys("Return")
    screen.until(lambda s: s["person"] == NAME, "signed in", seconds)
