"""The use cases of incidents; first parameter `ctx`, one transaction each. See `api` for the errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sent.engines.incidents import store
from sent.engines.incidents.model import Incident, IncidentDetail, IncidentFilter, Link, Severity, Status
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import NotFound
from sent.platform.ids import uuid7

CHANGED = "incidents.incident.changed"


async def incidents(
    ctx: Ctx, wanted: IncidentFilter, *, before: int | None = None, limit: int = 200
) -> list[Incident]:
    """Return a page of the list, newest first; the next page starts `before` the number of the last."""
    async with uow(ctx) as tx:
        return await store.page(tx, wanted, before, limit)


async def incident(ctx: Ctx, incident_id: UUID) -> IncidentDetail:
    """Return an incident with timeline and links; raises NotFound."""
    async with uow(ctx) as tx:
        found = await store.detail(tx, incident_id)
    if found is None:
        raise NotFound("incidents.missing", "the incident is not there, or not yours to see")
    return found


async def incidents_of(ctx: Ctx, kind: str, ref: str) -> list[Incident]:
    """Return the incidents that a record (see `Link`) belongs to, newest first."""
    async with uow(ctx) as tx:
        return await store.of_record(tx, kind, ref)


async def incidents_of_records(ctx: Ctx, kind: str, refs: Sequence[str]) -> list[Incident]:
    """Return the incidents that any of these records (at most 1000) belongs to, newest first."""
    async with uow(ctx) as tx:
        return await store.of_records(tx, kind, refs[:1000])


async def open_incident(
    ctx: Ctx,
    title: str,
    severity: Severity,
    *,
    links: Sequence[Link] = (),
    owner: UUID | None = None,
) -> Incident:
    """Open an incident with linked records; records of one client make it an incident of that client."""
    made = uuid7()
    async with uow(ctx) as tx:
        await store.open_incident(tx, made, title, severity, owner, links)
        return (await store.by_ids(tx, [made]))[0]


async def link(ctx: Ctx, incident_id: UUID, links: Sequence[Link]) -> int:
    """Link further records; returns how many were new. Raises Invalid for another client's."""
    async with uow(ctx) as tx:
        added = await store.attach(tx, incident_id, links)
        await _changed(tx, ctx, [incident_id])
    return added


async def set_status(
    ctx: Ctx, ids: Sequence[UUID], status: Status, expected: Mapping[UUID, int] | None = None
) -> list[Incident]:
    """Open, contain, resolve or close incidents, all or none; `expected` are versions as read (Conflict)."""
    return await _set(ctx, ids, "status", status, expected)


async def set_severity(
    ctx: Ctx, ids: Sequence[UUID], severity: Severity, expected: Mapping[UUID, int] | None = None
) -> list[Incident]:
    """Give incidents a severity."""
    return await _set(ctx, ids, "severity", severity, expected)


async def set_owner(
    ctx: Ctx, ids: Sequence[UUID], owner: UUID | None, expected: Mapping[UUID, int] | None = None
) -> list[Incident]:
    """Give incidents to an active member of the organisation, or to nobody."""
    return await _set(ctx, ids, "owner", None if owner is None else str(owner), expected)


async def rename(ctx: Ctx, incident_id: UUID, title: str, expected: int | None = None) -> Incident:
    """Give an incident another title."""
    versions = None if expected is None else {incident_id: expected}
    return (await _set(ctx, [incident_id], "title", title, versions))[0]


async def note(ctx: Ctx, incident_id: UUID, text: str) -> IncidentDetail:
    """Write a note into the timeline; returns the incident as it is now."""
    async with uow(ctx) as tx:
        await store.note(tx, incident_id, text)
        await _changed(tx, ctx, [incident_id])
    return await incident(ctx, incident_id)


async def people(ctx: Ctx) -> list[tuple[UUID, str]]:
    """Return who can own an incident, by name."""
    async with uow(ctx) as tx:
        return await store.people(tx)


async def _set(
    ctx: Ctx, ids: Sequence[UUID], field: str, value: str | None, expected: Mapping[UUID, int] | None
) -> list[Incident]:
    async with uow(ctx) as tx:
        await store.change(tx, ids, field, value, expected)
        await _changed(tx, ctx, ids)
        return await store.by_ids(tx, ids)


async def _changed(tx: Tx, ctx: Ctx, ids: Sequence[UUID]) -> None:
    for incident_id in ids:
        await publish(tx, ctx, CHANGED, {"incident_id": str(incident_id)})
