"""Turns: what overlaps ends in order."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from sent.engines.radar.turns import Turn, Turns


async def test_turns_come_in_the_order_in_which_they_were_taken() -> None:
    turns, ended = Turns(), []

    async def work(number: int, turn: Turn, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await turn.come()
        ended.append(number)
        turn.done()

    async with asyncio.TaskGroup() as group:
        for number, seconds in enumerate((0.03, 0.0, 0.01)):
            group.create_task(work(number, turns.take(), seconds))
    assert ended == [0, 1, 2]


async def test_a_turn_that_failed_is_never_over_for_those_behind() -> None:
    turns = Turns()
    turns.take()
    behind = turns.take()
    with pytest.raises(TimeoutError):
        await behind.come(0.01)


async def test_patience_may_be_tried_again() -> None:
    turns = Turns()
    first, second = turns.take(), turns.take()
    with pytest.raises(TimeoutError):
        await second.come(0.001)
    first.done()
    await second.come(0.001)
    await second.come()


async def test_a_row_keeps_no_memory_of_those_who_are_done() -> None:
    turns = Turns()
    first = turns.take()
    gone = weakref.ref(first)
    second = turns.take()
    first.done()
    await second.come()
    del first
    gc.collect()
    assert gone() is None
