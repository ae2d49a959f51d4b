"""Spawned tasks are kept, and their failures are written once."""

from __future__ import annotations

import asyncio
import gc

import pytest

from sent.platform import tasks


async def test_a_spawned_task_survives_the_garbage_collector() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.set()

    tasks.spawn(work(), name="work")
    gc.collect()
    await asyncio.wait_for(done.wait(), 2)


class Written:
    """Keeps what would have been logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def error(self, event: str, **fields: object) -> None:
        """Keep one line."""
        self.lines.append((event, fields))


async def test_a_failure_is_logged_with_the_tasks_name(monkeypatch: pytest.MonkeyPatch) -> None:
    written = Written()
    monkeypatch.setattr(tasks, "_log", written)

    async def work() -> None:
        raise ValueError("broken")

    task = tasks.spawn(work(), name="fragile")
    await asyncio.wait([task])
    await asyncio.sleep(0)
    ((event, fields),) = written.lines
    assert (event, fields["task"], str(fields["exc_info"])) == ("task.failed", "fragile", "broken")


async def test_cancel_waits_for_the_end_and_takes_nothing() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append(True)

    task = tasks.spawn(work(), name="slow to end")
    await asyncio.sleep(0)
    await tasks.cancel(task, None)
    assert ended == [True]
    assert task.cancelled()
