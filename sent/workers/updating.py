"""A machine without consoles looks for updates too: the owner of the database does it, or `core`.

It only decides; the look and the update run in a process of their own (`sent.platform.update.orders`), and
the services notice by themselves that another version is current. Where a console is open as well, whoever
comes first does it for both: they share one note.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from sent.platform.errors import SentError
from sent.platform.telemetry.log import get_logger
from sent.platform.update import policy as policies
from sent.platform.update import schedule, told
from sent.platform.update.layout import Layout, installation

FIRST_S = 120.0
"""After the start, so that a machine that comes up has better things to do."""
EVERY_S = 300.0
LIMIT_S = 3600.0

_log = get_logger("updating")

Carry = Callable[[], Awaitable[dict[str, Any]]]


def _now() -> datetime:
    return datetime.now().astimezone()


class Updating:
    """Does by itself what is due; `now` and `carry` are replaced in tests."""

    def __init__(
        self,
        layout: Layout | None = None,
        *,
        now: Callable[[], datetime] = _now,
        carry: Carry | None = None,
    ) -> None:
        self._layout = layout or installation()
        self._now = now
        self._carry = carry or carry_out
        self._told = ""

    async def run(self) -> None:
        """Look from time to time; returns at once where SENT does not update itself."""
        if self._layout is None:
            return
        await asyncio.sleep(FIRST_S)
        while True:
            await self.turn(self._layout)
            await asyncio.sleep(EVERY_S)

    async def turn(self, layout: Layout) -> None:
        """Do what is due now; what fails is logged once until something else happens."""
        try:
            step = await asyncio.to_thread(lambda: schedule.step(layout, policies.load(layout), self._now()))
            if step is None:
                return
            done = await self._carry()
        except SentError as error:
            if error.code != self._told:
                _log.warning("update.failed", code=error.code, reason=error.message)
            self._told = error.code
            return
        self._told = ""
        if done.get("version"):
            _log.warning("update.installed", version=done["version"])


async def carry_out() -> dict[str, Any]:
    """Have it done by a process of its own; raises what that tells."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *told.command("auto"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=told.LINE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            return await _heard(process)
    except TimeoutError as error:
        raise SentError("update.slow", f"the update took more than {LIMIT_S / 60:.0f} minutes") from error
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _heard(process: asyncio.subprocess.Process) -> dict[str, Any]:
    last: dict[str, Any] = {}
    while process.stdout is not None and (line := await process.stdout.readline()):
        last = told.read(line) or last
    return told.outcome(last)
