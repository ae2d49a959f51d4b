"""Tasks that are kept and whose failures are seen.

The event loop holds only weak references to tasks, so an unreferenced `asyncio.create_task` may vanish in
the middle of its work; `spawn` holds it until it is done and logs what it raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from sent.platform.telemetry.log import get_logger

CANCEL_AGAIN_S = 0.5

_log = get_logger("tasks")
_running: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Start `work` as a task that is kept alive and whose exception is logged once."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_finished)
    return task


async def cancel(*tasks: asyncio.Task[Any] | None, patience: float = CANCEL_AGAIN_S) -> None:
    """Cancel the tasks and wait until each has ended; their own failures were logged already.

    Who has not ended after `patience` seconds is told again: give more to what ends in good order slowly.
    """
    alive = {task for task in tasks if task is not None}
    while alive:
        for task in alive:
            task.cancel()
        # A cancelled query may come back as the server's QueryCanceled, which a loop takes for one more
        # failure and sleeps on: it is told again.
        _, alive = await asyncio.wait(alive, timeout=patience)


def _finished(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("task.failed", task=task.get_name(), exc_info=error)
