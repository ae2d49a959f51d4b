"""The radar's intake inside a test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING

from sent.engines.radar.intake import Intake
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.ids import uuid7
from sent.platform.tasks import cancel, spawn

if TYPE_CHECKING:
    from sent.platform.db.engine import Database


async def eventually(found: Callable[[], Awaitable[bool]], *, seconds: float = 15.0) -> None:
    """Wait until `found` says so."""
    end = monotonic() + seconds
    while not await found():
        assert monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


async def amount(ctx: Ctx) -> int:
    """Return how many events are stored."""
    async with uow(ctx) as tx:
        return int(await scalar(tx, "select count(*) from radar.event"))


@asynccontextmanager
async def running(system_db: Database, ctx: Ctx, nats: str | None = None) -> AsyncIterator[Intake]:
    """Run an intake that works the sources of `ctx`'s organisation, with the message server at `nats`."""
    server = None if nats is None else (nats, None)
    intake = Intake(system_db, lambda org: Ctx(ctx.db, org, uuid7()), uuid7(), nats=server)
    await intake.start()
    task = spawn(intake.run(), name="intake")
    try:
        yield intake
    finally:
        await cancel(task)
        await intake.stop()
