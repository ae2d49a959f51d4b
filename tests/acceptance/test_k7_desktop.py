"""K7 under Xvfb: the real console, real keys, other processes of the user, a desktop without a tray."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from installation import Installation, installation
from screen import console, display, environment, needs_screen, organisation, sign_in

pytestmark = [
    needs_screen,
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def place() -> Iterator[Installation]:
    """Return an installation with one organisation."""
    with tempfile.TemporaryDirectory(prefix="sent-k7-") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder)) as found:
            found.start("db")
            asyncio.run(organisation(found))
            yield found


def follow(place: Installation, name: str, link: str) -> int:
    """Start SENT a second time with a link, as the desktop does."""
    command = [sys.executable, "-m", "sent", link]
    whole = os.environ | environment(place) | {"DISPLAY": name}
    return subprocess.run(command, env=whole, timeout=90, check=False, capture_output=True).returncode


def test_k7_19_20_21_25_windows_links_and_drafts_on_a_desktop_without_a_tray(
    place: Installation, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    with display() as name:
        with console(place, name, state, 60) as (screen, running):
            sign_in(screen, 60)
            assert not screen.state()["tray"], "openbox alone has no tray: everything below works without"
            screen.keys("g", "u")
            screen.until(lambda s: s["page"] == "audit", "the audit page")
            screen.keys("ctrl+shift+n")
            screen.until(lambda s: s["windows"] == ["audit"] and not s["active"], "a second window in front")

            assert follow(place, name, "sent://org/northwind/settings") == 0
            screen.until(lambda s: s["page"] == "settings" and s["active"], "the link raised the console")
            assert follow(place, name, "sent://org/northwind/../x") == 65
            assert follow(place, name, "sent://org/harbour/radar") == 0
            screen.until(lambda s: "harbour" in s["question"], "another organisation's link is offered")
            assert screen.state()["page"] == "settings"
            screen.click("Stay here")

            screen.keys("ctrl+k")
            screen.type("report a pro")
            screen.until(lambda s: s["palette"][0] == "Report a problem", "the report is found")
            screen.keys("Return")
            screen.until(lambda s: s["report"] == "", "the report")
            screen.type("it hangs when I")
            screen.until(lambda s: s["report"] == "it hangs when I", "the description")
            drafts = place.folder / "drafts"
            screen.until(
                lambda _s: any("hangs when I" in f.read_text() for f in drafts.glob("*.json")), "the draft"
            )
            running.kill()
            running.wait(20)
        assert (place.folder / "run" / "console" / "link").exists(), "a stale socket was left behind"

        with console(place, name, state, 60) as (screen, _):
            assert follow(place, name, "sent://org/northwind/audit") == 0
            sign_in(screen, 60)
            screen.until(lambda s: s["page"] == "audit", "the link waited for the sign-in")
            screen.until(lambda s: s["windows"] == ["audit"], "the second window is back")
            screen.until(lambda s: s["active"], "the main window is in front")
            screen.keys("ctrl+k")
            screen.type("report a pro")
            screen.until(lambda s: s["palette"][0] == "Report a problem", "the report is found")
            screen.keys("Return")
            screen.until(lambda s: s["report"] == "it hangs when I", "what was typed is there again")
