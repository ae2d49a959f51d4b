"""Background work of the audit engine: retention, the nightly verification, erasure."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from sent.platform.audit import personal, proof, store
from sent.platform.bus.events import publish
from sent.platform.clock import SYSTEM_CLOCK, Clock
from sent.platform.config import settings_store
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.telemetry.log import get_logger

RETENTION = "audit.retention_days"

_log = get_logger("audit")


async def retain(ctx: Ctx, *, clock: Clock = SYSTEM_CLOCK) -> int:
    """Cut the sealed entries that are older than the organisation keeps them; returns how many.

    Only whole seals are cut. The last of them stays as the beginning of the chain, and the next anchor
    carries what follows it.
    """
    days = int(await settings_store.get(ctx, RETENTION))
    async with uow(ctx) as tx:
        number = await store.cut_number(tx, clock.now() - timedelta(days=days))
        if number is None:
            return 0
        await tx.execute("set local statement_timeout = '10min'")
        removed = await store.cut(tx, number)
        dropped = int(await scalar(tx, "select audit.drop_empty()"))
    _log.info("audit.cut", organization=str(ctx.org), entries=removed, behind_seal=number, partitions=dropped)
    return removed


async def verify(ctx: Ctx) -> None:
    """Verify the organisation's trail with keys and anchors of this machine; the page shows the result."""
    heads = await asyncio.to_thread(proof.read_anchors, None)
    report = await proof.check(ctx, proof.trusted_keys(), heads)
    if report.finding is not None:
        _log.error(
            "audit.broken", organization=str(ctx.org), kind=report.finding.kind, seq=report.finding.seq
        )
        async with uow(ctx) as tx:
            finding = {"kind": report.finding.kind, "seq": str(report.finding.seq or "-")}
            await publish(tx, ctx, "audit.trail.broken", finding)


async def erase(ctx: Ctx, person: str) -> None:
    """Erase a person of this organisation (see `personal.erase`)."""
    await personal.erase(ctx, UUID(person))
