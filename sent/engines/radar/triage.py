"""What people do with alerts beside deciding on them: comments, muting, groups. See `api` for the errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sent.engines.radar.desk import AlertFilter, Groups, MuteScope, Suppression
from sent.engines.radar.risk import GroupBy, grouped
from sent.engines.radar.store import alerts as queue
from sent.engines.radar.store import suppressions
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import NotFound

MOST_GROUPED = 5000
"""Alerts that are grouped at once, the latest ones."""


async def comment(ctx: Ctx, ids: Sequence[UUID], text: str) -> list[UUID]:
    """Write a comment on alerts; returns the comments' ids."""
    async with uow(ctx) as tx:
        made = await queue.comment(tx, ids, text)
        await _changed(tx, ctx, ids)
    return made


async def withdraw_comments(ctx: Ctx, comments: Sequence[UUID]) -> int:
    """Take back comments that the asker wrote within the day; returns how many."""
    async with uow(ctx) as tx:
        gone = await queue.withdraw_comments(tx, comments)
    return gone


async def suppress(
    ctx: Ctx, alert_id: UUID, scope: MuteScope, entity: str, until: datetime, reason: str
) -> UUID:
    """Mute the rule of an alert until then: for a host or user (`entity`), or everywhere (`rule`).

    It holds for the alert's client. At most 90 days; raises Invalid.
    """
    async with uow(ctx) as tx:
        made = await suppressions.add(tx, alert_id, scope, entity, until, reason)
        await publish(tx, ctx, "radar.rules.changed", {})
    return made


async def unsuppress(ctx: Ctx, ids: Sequence[UUID]) -> int:
    """Let muted rules raise alerts again; returns how many were muted."""
    async with uow(ctx) as tx:
        gone = await suppressions.remove(tx, ids)
        await publish(tx, ctx, "radar.rules.changed", {})
    return gone


async def suppressions_now(ctx: Ctx) -> list[Suppression]:
    """Return what is muted, with how many hits it kept quiet; what ended within 30 days, too."""
    async with uow(ctx) as tx:
        return await suppressions.listed(tx)


async def groups(ctx: Ctx, wanted: AlertFilter, by: GroupBy) -> Groups:
    """Return the alerts that pass the filter by rule, host or user, the riskiest first (see `risk`)."""
    async with uow(ctx) as tx:
        facts = await queue.facts(tx, wanted, MOST_GROUPED + 1)
    now = datetime.now(UTC)
    return Groups(tuple(grouped(facts[:MOST_GROUPED], by, now)), len(facts) <= MOST_GROUPED)


async def alert_entity(ctx: Ctx, alert_id: UUID) -> tuple[str, str]:
    """Return the host and the user (or empty) an alert is about."""
    from sent.engines.radar.entity import user_of

    async with uow(ctx) as tx:
        found = await queue.detail(tx, alert_id)
    if found is None:
        raise NotFound("radar.alert.missing", "the alert is not there, or not yours to see")
    return found.alert.host, user_of(found.event)


async def _changed(tx: Tx, ctx: Ctx, ids: Sequence[UUID]) -> None:
    for alert_id in ids:
        await publish(tx, ctx, "radar.alert.changed", {"alert_id": str(alert_id)})
