"""Incidents in SQL; every change goes through a function of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from sent.engines.incidents.model import Entry, Incident, IncidentDetail, IncidentFilter, Link
from sent.platform.db.uow import Tx, fetch, scalar

MAX_PAGE = 1000
MAX_ENTRIES = 1000

_COLUMNS = """
select i.id, i.number, i.title, i.severity, i.status, i.owner_id as owner, o.name as owner_name,
  i.created_at as opened_at, b.name as opened_by_name, i.updated_at as changed_at, i.ended_at,
  i.client_id as client, c.name as client_name, (select count(*) from incidents.link l
    where l.organization_id = i.organization_id and l.incident_id = i.id) as links, i.version
from incidents.incident i
left join core.person o on o.id = i.owner_id
left join core.person b on b.id = i.opened_by
left join core.client c on c.organization_id = i.organization_id and c.id = i.client_id
"""


async def page(tx: Tx, wanted: IncidentFilter, before: int | None, limit: int) -> list[Incident]:
    """Return a page of the list, newest first, with numbers below `before`."""
    parts: list[str] = ["i.organization_id = (select sec.org())"]
    values: list[object] = []

    def add(condition: str, value: object) -> None:
        parts.append(condition)
        values.append(value)

    if wanted.statuses:
        add("i.status = any (%s)", list(wanted.statuses))
    if wanted.severities:
        add("i.severity = any (%s)", list(wanted.severities))
    if wanted.owner:
        add("i.owner_id = %s", wanted.owner)
    for word in wanted.text.split()[:10]:
        name = "concat_ws(' ', i.title, '#' || i.number, o.name, c.name)"
        add(f"strpos(lower({name}), lower(%s)) > 0", word[:200])
    if before is not None:
        add("i.number < %s", before)
    query = f"{_COLUMNS} where {' and '.join(parts)} order by i.number desc limit %s"
    return await fetch(tx, Incident, query, [*values, max(1, min(limit, MAX_PAGE))])


async def by_ids(tx: Tx, ids: Sequence[UUID]) -> list[Incident]:
    """Return these incidents, newest first."""
    query = f"{_COLUMNS} where i.id = any (%s) order by i.number desc"
    return await fetch(tx, Incident, query, [list(ids)])


async def detail(tx: Tx, incident_id: UUID) -> IncidentDetail | None:
    """Return an incident with its newest entries and its links."""
    found = await by_ids(tx, [incident_id])
    if not found:
        return None
    timeline = await fetch(
        tx,
        Entry,
        "select e.id, e.created_at as at, p.name as actor_name, e.kind,"
        " case e.kind when 'owner' then coalesce(v.name, e.value) else e.value end as value,"
        " case e.kind when 'owner' then coalesce(b.name, e.before) else e.before end as before, e.text"
        " from incidents.entry e left join core.person p on p.id = e.actor_id"
        " left join core.person v on e.kind = 'owner' and v.id = e.value::uuid"
        " left join core.person b on e.kind = 'owner' and b.id = e.before::uuid"
        " where e.incident_id = %s order by e.created_at desc, e.id desc limit %s",
        [incident_id, MAX_ENTRIES],
    )
    return IncidentDetail(found[0], timeline, await links(tx, incident_id))


async def links(tx: Tx, incident_id: UUID) -> list[Link]:
    """Return the records linked to an incident, in the order in which they were."""
    return await fetch(
        tx,
        Link,
        "select l.kind, l.ref, l.title, l.place, l.level, l.credit, l.client_id as client"
        " from incidents.link l where l.incident_id = %s order by l.created_at, l.id limit 5000",
        [incident_id],
    )


async def of_record(tx: Tx, kind: str, ref: str) -> list[Incident]:
    """Return the incidents a record belongs to, newest first."""
    query = (
        f"{_COLUMNS} where exists (select from incidents.link l where l.organization_id = i.organization_id"
        " and l.incident_id = i.id and l.kind = %s and l.ref = %s) order by i.number desc limit 100"
    )
    return await fetch(tx, Incident, query, [kind, ref])


async def of_records(tx: Tx, kind: str, refs: Sequence[str]) -> list[Incident]:
    """Return the incidents that any of these records belongs to, newest first."""
    query = (
        f"{_COLUMNS} where exists (select from incidents.link l where l.organization_id = i.organization_id"
        " and l.incident_id = i.id and l.kind = %s and l.ref = any (%s)) order by i.number desc limit 200"
    )
    return await fetch(tx, Incident, query, [kind, list(refs)])


async def open_incident(
    tx: Tx, incident_id: UUID, title: str, severity: str, owner: UUID | None, linked: Sequence[Link]
) -> int:
    """Open an incident and return its number."""
    return int(
        await scalar(
            tx,
            "select incidents.open(%s, %s, %s, %s, %s::jsonb)",
            [incident_id, title, severity, owner, _json(linked)],
        )
    )


async def attach(tx: Tx, incident_id: UUID, linked: Sequence[Link]) -> int:
    """Link records; returns how many were not linked yet."""
    return int(await scalar(tx, "select incidents.attach(%s, %s::jsonb)", [incident_id, _json(linked)]))


async def change(
    tx: Tx, ids: Sequence[UUID], field: str, value: str | None, expected: Mapping[UUID, int] | None
) -> None:
    """Set status, severity, owner or title; Conflict when an incident was changed since it was read."""
    versions = [(expected or {}).get(id) for id in ids]
    await tx.execute(
        "select incidents.change(%s::uuid[], %s::integer[], %s, %s)", [list(ids), versions, field, value]
    )


async def note(tx: Tx, incident_id: UUID, text: str) -> None:
    """Write a note into the timeline."""
    await tx.execute("select incidents.note(%s, %s)", [incident_id, text])


async def people(tx: Tx) -> list[tuple[UUID, str]]:
    """Return who can own an incident, by name."""
    cursor = await tx.execute(
        "select p.id, p.name from core.membership m join core.person p on p.id = m.person_id"
        " where m.state = 'active' order by p.name, p.id limit 2000"
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


def _json(linked: Sequence[Link]) -> str:
    items = [
        {
            "kind": link.kind,
            "ref": link.ref,
            "title": link.title,
            "place": link.place,
            "level": link.level,
            "credit": link.credit,
            "client": None if link.client is None else str(link.client),
        }
        for link in linked
    ]
    return orjson.dumps(items).decode()
