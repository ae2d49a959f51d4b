"""Threads for talking to peers: their own, so that slow ones hold up nobody else.

The loop's own threads also watch the database, make backups and write anchors. There are as many here as
deliveries on their way at once: none waits for a thread while its deadline runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from sent.platform.notify.store import AT_ONCE

THREADS = AT_ONCE

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return what `work` returns, run where waiting for a peer harms only deliveries."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads(), lambda: work(*arguments, **named))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="notify")
