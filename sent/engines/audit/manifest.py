"""What the audit engine says of itself."""

from __future__ import annotations

from sent.platform.manifest import Manifest, Page, Permission

MANIFEST = Manifest(
    id="audit",
    title="Audit",
    area="admin",
    icon="scroll-text",
    summary="Who changed what, before and after, recorded by the database itself",
    order=10,
    pages=(
        Page(
            id="audit",
            title="Audit",
            icon="scroll-text",
            target="sent.ui.pages.audit:AuditPage",
            permission="audit:read",
            jump="u",
        ),
    ),
    permissions=(Permission("audit:read", "Read the audit trail"),),
    search="sent.engines.audit.search:search",
)
