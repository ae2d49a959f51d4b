"""Which events of other engines people are told of.

Runs as a consumer of the bus: the notice and the place behind its event commit together, so an event is told
once, however often a worker dies.
"""

from __future__ import annotations

from uuid import UUID

from sent.engines.notifications import templates
from sent.platform.bus.consumer import Consumer
from sent.platform.bus.source import ShardEvent, Source
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import Tx
from sent.platform.ids import uuid7
from sent.platform.notify.api import Severity, notify

NAME = "notifications.tell"
TOPICS = ("radar.alert.raised", "incidents.incident.opened", "jobs.job.died", "audit.trail.broken")
LISTED = 10
"""Linked records that a notice of an incident tells."""


def consumer(system: Database, app: Database, source: Source) -> Consumer:
    """Return what tells people of events, from now on."""
    holder = uuid7()
    return Consumer(
        NAME, TOPICS, tell, system=system, ctx=lambda org: Ctx(app, org, holder), holder=holder, source=source
    )


async def tell(tx: Tx, ctx: Ctx, event: ShardEvent) -> None:
    """Raise the notice of an event."""
    if event.topic == "radar.alert.raised":
        await _alert(tx, ctx, event)
    elif event.topic == "incidents.incident.opened":
        await _incident(tx, event)
    elif event.topic == "jobs.job.died":
        task = event.payload["task"]
        await notify(
            tx,
            event.topic,
            texts=templates.JOB_DIED.render(task=task, job=event.payload["job"]),
            link="jobs",
            severity="warning",
            permission="jobs:manage",
            key=f"job:{task}"[:200],
        )
    elif event.topic == "audit.trail.broken":
        await notify(
            tx,
            event.topic,
            texts=templates.TRAIL_BROKEN.render(kind=event.payload["kind"], seq=event.payload["seq"]),
            link="audit",
            severity="critical",
            permission="audit:read",
            key="audit:broken",
        )


async def _alert(tx: Tx, ctx: Ctx, event: ShardEvent) -> None:
    from sent.engines.radar import api as radar

    rows = await radar.alerts_within(tx, [UUID(event.payload["alert_id"])])
    if not rows or rows[0].level not in ("high", "critical"):
        return
    found = rows[0]
    severity: Severity = "critical" if found.level == "critical" else "warning"
    await notify(
        tx,
        event.topic,
        texts=templates.ALERT.render(
            level=found.level,
            title=found.title,
            host=found.host or "-",
            source=found.source_name or "-",
            author=found.author or "-",
        ),
        link=f"radar/{found.id}",
        severity=severity,
        permission="radar:triage",
        key=f"alert:{found.id}",
        client=found.client_id,
    )


async def _incident(tx: Tx, event: ShardEvent) -> None:
    """Tell of an incident; the rules behind its alerts keep their authors (Detection Rule License 1.1)."""
    from sent.engines.incidents import api as incidents

    rows = await incidents.incidents_within(tx, [UUID(event.payload["incident_id"])])
    if not rows or rows[0].severity not in ("high", "critical"):
        return
    found = rows[0]
    linked = await incidents.links_within(tx, found.id)
    told = [f"{link.title} ({link.credit})" if link.credit else link.title for link in linked[:LISTED]]
    severity: Severity = "critical" if found.severity == "critical" else "warning"
    await notify(
        tx,
        event.topic,
        texts=templates.INCIDENT.render(
            number=found.number,
            severity=found.severity,
            title=found.title,
            name=found.opened_by_name or "SENT",
            links=len(linked),
            credit="; ".join(told) or "-",
        ),
        link=f"incidents/{found.id}",
        severity=severity,
        permission="incidents:read",
        key=f"incident:{found.id}",
        client=found.client,
    )
