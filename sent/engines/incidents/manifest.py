"""Incidents, as the rest of SENT sees them."""

from __future__ import annotations

from sent.platform.manifest import Event, Manifest, Page, Permission

MANIFEST = Manifest(
    id="incidents",
    title="Incidents",
    area="security",
    icon="siren",
    summary="What people work on together: severity, owner, status, timeline, linked records",
    order=20,
    pages=(
        Page(
            "incidents",
            "Incidents",
            "siren",
            "sent.ui.pages.incidents:IncidentsPage",
            "incidents:read",
            order=11,
            jump="i",
        ),
    ),
    permissions=(
        Permission("incidents:read", "See incidents"),
        Permission("incidents:respond", "Open incidents and work on them"),
    ),
    events=(
        Event("incidents.incident.opened", ("incident_id",), "Incident opened"),
        Event("incidents.incident.changed", ("incident_id",), "Incident changed"),
    ),
    search="sent.engines.incidents.search:search",
)
