"""Messages from the past, stored and matched as if they had arrived at their time (trusted services only)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from sent.engines.radar.desk import Backfilled, Decision, PastMessage
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.pipeline import Figures, Pipeline
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.rulebook.library import ship_rules
from sent.engines.radar.store import alerts, catalogue
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import NotFound

BATCH = 4000
GROUP_MINUTES = 15


async def backfill(ctx: Ctx, messages: Iterable[PastMessage]) -> Backfilled:
    """Store messages of the past, run SENT's own rules over them; the organisation's sources must exist."""
    async with uow(ctx) as tx:
        known = {source.id: source for source in await catalogue.enabled_sources(tx)}
    rules = await ship_rules(ctx)
    figures = Figures()
    pipeline = Pipeline(ctx, ValueMatcher(rules.rules), group_minutes=GROUP_MINUTES, figures=figures)
    waiting = iter(messages)
    while batch := list(islice(waiting, BATCH)):
        missing = {message.source_id for message in batch} - known.keys()
        if missing:
            raise NotFound("radar.source.missing", f"no enabled source {missing.pop()}")
        await pipeline.handle([Parcel(known[m.source_id], m.at, (m.data,)) for m in batch])
    return Backfilled(figures.events, figures.alerts)


async def record_decisions(ctx: Ctx, decisions: Sequence[Decision]) -> None:
    """Enter decisions of the past into the alerts and their histories, in the order given."""
    async with uow(ctx) as tx:
        for decision in decisions:
            if decision.state is not None:
                await alerts.record_past(
                    tx, decision.alert_id, decision.actor, decision.at, "state", decision.state
                )
            if decision.assignee is not None:
                await alerts.record_past(
                    tx, decision.alert_id, decision.actor, decision.at, "assignee", str(decision.assignee)
                )
