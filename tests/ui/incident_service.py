"""The incidents' api over a list, for tests of the console alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sent.engines.incidents import model
from sent.platform.errors import Conflict, NotFound
from sent.platform.ids import uuid7

AT = datetime(2026, 1, 5, tzinfo=UTC)


class FakeIncidents:
    """Incidents in memory, with their timelines."""

    Link, IncidentFilter = model.Link, model.IncidentFilter

    def __init__(self, incidents: int = 0) -> None:
        self.rows: dict[UUID, model.Incident] = {}
        self.entries: dict[UUID, list[model.Entry]] = {}
        self.linked: dict[UUID, list[model.Link]] = {}
        self.broken: Exception | None = None
        for number in range(1, incidents + 1):
            self._make(f"Incident {number}", model.SEVERITIES[number % 4], ())

    async def incidents(
        self, _ctx: Any, wanted: model.IncidentFilter, *, before: int | None = None, limit: int = 200
    ) -> list[model.Incident]:
        if self.broken is not None:
            raise self.broken
        rows = sorted(self.rows.values(), key=lambda row: -row.number)
        return [
            row
            for row in rows
            if (not wanted.statuses or row.status in wanted.statuses)
            and (not wanted.severities or row.severity in wanted.severities)
            and wanted.text.lower() in row.title.lower()
            and (before is None or row.number < before)
        ][:limit]

    async def incident(self, _ctx: Any, id: UUID) -> model.IncidentDetail:
        if id not in self.rows:
            raise NotFound("incidents.missing", "the incident is not there")
        return model.IncidentDetail(self.rows[id], self.entries[id][::-1], self.linked[id])

    async def open_incident(
        self, _ctx: Any, title: str, severity: Any, *, links: Sequence[model.Link] = ()
    ) -> model.Incident:
        return self._make(title, severity, links)

    async def link(self, _ctx: Any, id: UUID, links: Sequence[model.Link]) -> int:
        fresh = [link for link in links if link not in self.linked[id]]
        self.linked[id] += fresh
        return len(fresh)

    async def note(self, ctx: Any, id: UUID, text: str) -> model.IncidentDetail:
        self._tell(id, "note", text=text)
        return await self.incident(ctx, id)

    async def people(self, _ctx: Any) -> list[tuple[UUID, str]]:
        return [(UUID(int=77), "Anna Berg")]

    async def set_status(self, _ctx: Any, ids: Sequence[UUID], status: Any, expected: Any = None) -> Any:
        return self._set(ids, "status", status, expected)

    async def set_severity(self, _ctx: Any, ids: Sequence[UUID], level: Any, expected: Any = None) -> Any:
        return self._set(ids, "severity", level, expected)

    async def set_owner(self, _ctx: Any, ids: Sequence[UUID], owner: Any, expected: Any = None) -> Any:
        found = self._set(ids, "owner", owner, expected)
        for row in found:
            self.rows[row.id] = replace(row, owner_name="Anna Berg" if owner else None)
        return [self.rows[id] for id in ids]

    async def rename(self, _ctx: Any, id: UUID, title: str, expected: int | None = None) -> model.Incident:
        return self._set([id], "title", title, None if expected is None else {id: expected})[0]

    def _set(
        self, ids: Sequence[UUID], field: str, value: Any, expected: Mapping[UUID, int] | None
    ) -> list[model.Incident]:
        for id in ids:
            if expected is not None and self.rows[id].version != expected[id]:
                raise Conflict("incidents.changed", "somebody else changed the incident first")
            before = getattr(self.rows[id], field)
            self._tell(id, field, value=str(value), before=str(before))
            changes: dict[str, Any] = {field: value, "version": self.rows[id].version + 1}
            self.rows[id] = replace(self.rows[id], **changes)
        return [self.rows[id] for id in ids]

    def _make(self, title: str, severity: Any, links: Sequence[model.Link]) -> model.Incident:
        id, number = uuid7(), len(self.rows) + 1
        made = model.Incident(
            id, number, title, severity, "open", None, None, AT, "Anna Berg", AT, None, None, None,
            len(links), 1,
        )  # fmt: skip
        self.rows[id], self.entries[id], self.linked[id] = made, [], list(links)
        self._tell(id, "opened", value=severity)
        return made

    def _tell(self, id: UUID, kind: str, **values: Any) -> None:
        entry = {"value": None, "before": None, "text": None} | values
        self.entries[id].append(model.Entry(uuid7(), AT, "Anna Berg", kind, **entry))
