"""What the audit engine says of itself."""

from __future__ import annotations

from sent.platform.manifest import Event, Manifest, Page, Permission, Setting, Task

MANIFEST = Manifest(
    id="audit",
    title="Audit",
    area="admin",
    icon="file-clock",
    summary="Who changed what, before and after, recorded by the database itself",
    order=10,
    pages=(
        Page(
            id="audit",
            title="Audit",
            icon="file-clock",
            target="sent.ui.pages.audit:AuditPage",
            permission="audit:read",
            order=10,
            jump="u",
        ),
    ),
    permissions=(
        Permission("audit:read", "Read the audit trail"),
        Permission("audit:manage", "Erase people from the audit trail"),
    ),
    tasks=(
        Task(
            "audit.retention", "Cut the expired trail", "sent.engines.audit.tasks:retain", cron="17 3 * * *"
        ),
        Task("audit.verify", "Verify the trail", "sent.engines.audit.tasks:verify", cron="41 3 * * *"),
        Task("audit.erase", "Erase a person", "sent.engines.audit.tasks:erase"),
    ),
    events=(Event("audit.trail.broken", ("kind", "seq"), "The trail does not verify"),),
    settings=(
        Setting(
            "retention_days",
            "Days the trail is kept",
            "int",
            90,
            "Older entries are cut behind their seal at night; the chain stays verifiable from there on.",
            minimum=30,
            maximum=3660,
        ),
    ),
    search="sent.engines.audit.search:search",
)
