"""An installation that is only said to be there, for the Updates page."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication
from ui.conftest import Desk

from sent.engines.updates import api
from sent.engines.updates.api import Installed
from sent.platform.update.api import Status
from sent.platform.update.known import Known
from sent.platform.update.layout import Layout
from sent.platform.update.policy import Policy
from sent.ui.pages.updates import UpdatesPage
from sent.ui.updates import Updates

NOTES = """## Radar
- Search answers in half the time on large estates
- *Muted* rules show how often they would have fired

## Fixed
1. Windows come back on the right monitor
2. A slow mirror no longer holds an update up

Details: [all changes](https://example.com/sent/changes) ![](https://example.com/x.png)
"""

STATUS = Status(
    version="1.4.0",
    previous="1.3.2",
    installed=("1.3.2", "1.4.0"),
    packs=("base", "media"),
    pending=False,
    failed={},
    since="2026-11-20T08:00:00+00:00",
    root="/opt/sent",
    writable=True,
    free_bytes=40_000_000_000,
    size=287_000_000,
    notes="- The live tail keeps its place\n- Fewer questions at the first start\n",
)
POLICY = Policy(
    window="22:00-05:00", mirrors=("https://updates.example.com/sent", "/srv/mirrors/sent", "/mnt/usb/sent")
)
OFFERED = Known(
    at=0.0,
    version="1.5.0",
    notes=NOTES,
    released="2026-11-27T10:00:00Z",
    size_download=12_400_000,
    packs=("base", "media"),
    asked=True,
    addable={"vision": 86_000_000, "capture": 9_300_000},
)
NOTHING = replace(OFFERED, version="", notes="", size_download=0)


class FakeUpdates:
    """The engine's api: says what it was told to."""

    MANAGE = api.MANAGE

    def __init__(self, known: Known | None = OFFERED, **status: Any) -> None:
        looked = replace(known, at=time.time() - 300) if known is not None else None
        self.now = Installed(replace(STATUS, **status), looked, POLICY, "", "sent")
        self.may = True
        self.saved: list[Policy] = []

    async def installed(self, _layout: Layout) -> Installed:
        return self.now

    async def may_operate(self, _ctx: object) -> bool:
        return self.may

    async def save_policy(self, _layout: Layout, policy: Policy) -> None:
        self.saved.append(policy)
        self.now = replace(self.now, policy=policy)


def settle(desk: Desk, folder: Path, fake: FakeUpdates, program: str = "exit 1") -> Updates:
    """Give the console that installation; `program` is what carries out its orders (a shell script)."""
    script = folder / "carry"
    script.write_text(f"#!/bin/sh\n{program}\n")
    script.chmod(0o755)
    layout = Layout(folder / "sent")
    for version in ("1.3.2", "1.4.0"):
        (layout.versions / version).mkdir(parents=True)
    layout.update.mkdir()
    layout.current.symlink_to("versions/1.4.0")
    common = desk.window.shell.common
    updates = common.updates
    assert updates is not None
    updates.layout, updates.own, updates.current = layout, "1.4.0", "1.4.0"
    updates._program = [str(script)]
    desk.console.bridge.apis["updates"] = fake
    desk.backend.permissions |= {"database:read"}
    return updates


def install(updates: Updates, version: str) -> None:
    """Make a version current, as somebody else's update does."""
    layout = updates.layout
    assert layout is not None
    (layout.versions / version).mkdir()
    layout.current.unlink()
    layout.current.symlink_to(f"versions/{version}")
    updates.look_at_current()


def page(desk: Desk) -> UpdatesPage:
    """Sign in and show the page."""
    desk.sign_in("updates")
    found = desk.window.pages["updates"]
    assert isinstance(found, UpdatesPage)
    desk.until(lambda: found.now is not None)
    desk.settle()
    QApplication.processEvents()  # what was added to a card that is shown appears with the next event
    return found
