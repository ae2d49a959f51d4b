"""A rule from the first letter to its first alert: written in the real console, raised by the real worker."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from installation import Installation, installation
from radar_worker import free_port
from screen import EMAIL, NAME, PASSWORD, organisation

HERE = Path(__file__).resolve().parent

SOURCE = """
import asyncio
from sent.engines.radar import api
from sent.platform.auth import directory
from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.embedded.endpoint import find
from sent.platform.db.engine import Database, fixed
from sent.platform.ids import uuid7

async def main():
    made = {}
    for role in ("sent_app", "sent_system"):
        made[role] = Database(find(), role, fixed(role_password(role)), trusted=True, name="test")
    async with made["sent_app"] as app, made["sent_system"] as system:
        org = await directory.find_organization(system, "northwind")
        await api.add_source(Ctx(app, org.id, uuid7()), "Front", "syslog_udp", "127.0.0.1:PORT")

asyncio.run(main())
"""
ASK = """
import json
from sent.platform.db.admin import admin_connection
with admin_connection() as connection:
    print(json.dumps(connection.execute(
        "select (select count(*) from ts.radar_event)::int, (select count(*) from radar.rule_set"
        " where name = 'Own rules')::int, array(select a.title || ' by ' || a.author from radar.alert a"
        " where a.title = 'Vault opened')"
    ).fetchone()))
"""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def place() -> Iterator[tuple[Installation, int]]:
    """Return an installation with an organisation and a worker that listens on a port."""
    port = free_port(socket.SOCK_DGRAM)
    with tempfile.TemporaryDirectory(prefix="sent-rules-") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder)) as found:
            found.start("db")
            asyncio.run(organisation(found))
            found.python(SOURCE.replace("PORT", str(port)))
            found.start("radar")
            yield found, port


def ask(place: Installation) -> tuple[int, int, list[str]]:
    """Return how many events and own sets there are, and the alerts of the rule."""
    events, sets, alerts = json.loads(place.python(ASK))
    return events, sets, alerts


def send(port: int, text: str) -> None:
    """Send a line to the worker."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        line = f"<38>1 {datetime.now(UTC).isoformat()} web1 vaultd 7 - - {text}"
        sender.sendto(line.encode(), ("127.0.0.1", port))


class Console:
    """The console in a process of its own, step by step."""

    def __init__(self, place: Installation) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "rule_author.py"), EMAIL, PASSWORD],
            env=place.environment | {"QT_QPA_PLATFORM": "offscreen"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def step(self, name: str) -> dict[str, Any]:
        """Wait for the next step."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(self._process.communicate()[1][-3000:])
        found: dict[str, Any] = json.loads(line)
        assert found["step"] == name
        return found

    def go_on(self) -> None:
        """Let it do the next step."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def test_a_rule_is_written_corrected_tested_tried_saved_and_raises_an_alert(
    place: tuple[Installation, int],
) -> None:
    found, port = place
    for number in range(3):
        send(port, f"anna opened the vault, number {number}")
    send(port, "bob closed the door")
    until(lambda: ask(found)[0] == 4, "the past is stored")
    console = Console(found)
    try:
        step = console.step("complained")
        assert "Unknown modifier 'contain'" in step["reason"]
        line = step["text"].split("\n").index("        message|contain: opened the vault") + 1
        assert step["marks"] == [[line, "error"]]
        assert ask(found)[1] == 0, "what does not run is not saved, whatever is pressed"
        console.go_on()

        step = console.step("tested")
        assert step["said"].startswith("1 of 1 event fires it")
        assert [depth_holds_text[1] for depth_holds_text in step["tree"]] == [True] * len(step["tree"])
        console.go_on()

        step = console.step("backtested")
        assert step["said"].startswith("3 hits  ·  ")
        assert ask(found)[1:] == (0, []), "a backtest raises and saves nothing"
        console.go_on()

        step = console.step("saved")
        assert "\nid: " in step["text"] and f"author: {NAME}" in step["text"]
        until(lambda: raised(found, port), "the worker takes the rule up and raises an alert")
        assert set(ask(found)[2]) == {f"Vault opened by {NAME}"}
        console.go_on()

        ((title, state, author, hits),) = console.step("listed")["rows"]
        assert (title, state, author) == ("Vault opened", "enabled", NAME) and hits >= 1
    finally:
        console.end()


def raised(place: Installation, port: int) -> bool:
    """Send the line once more and say whether an alert is there."""
    send(port, "anna opened the vault again")
    time.sleep(0.5)
    return bool(ask(place)[2])


def until(ready: Any, what: str) -> None:
    """Wait until it is so."""
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end, what
        time.sleep(0.2)
