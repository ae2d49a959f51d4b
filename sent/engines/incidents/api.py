"""Incidents for other layers and engines: value types and functions `async f(ctx, ...)`.

    made = await api.open_incident(ctx, "LSASS was read", "high", links=[api.Link("radar.alert", id, title)])

Errors: Denied without `incidents:read` (reading) or `incidents:respond` (all else); Conflict when an incident
changed since it was read; Invalid; NotFound; Unavailable.
"""

from __future__ import annotations

from sent.engines.incidents.model import (
    SEVERITIES,
    STATUSES,
    Entry,
    Incident,
    IncidentDetail,
    IncidentFilter,
    Link,
    Severity,
    Status,
)
from sent.engines.incidents.service import (
    incident,
    incidents,
    incidents_of,
    incidents_of_records,
    link,
    note,
    open_incident,
    people,
    rename,
    set_owner,
    set_severity,
    set_status,
)
from sent.engines.incidents.store import by_ids as incidents_within
from sent.engines.incidents.store import links as links_within

__all__ = [
    "SEVERITIES",
    "STATUSES",
    "Entry",
    "Incident",
    "IncidentDetail",
    "IncidentFilter",
    "Link",
    "Severity",
    "Status",
    "incident",
    "incidents",
    "incidents_of",
    "incidents_of_records",
    "incidents_within",
    "link",
    "links_within",
    "note",
    "open_incident",
    "people",
    "rename",
    "set_owner",
    "set_severity",
    "set_status",
]
