"""What the updates engine says of itself."""

from __future__ import annotations

from sent.platform.manifest import Manifest, Page

MANIFEST = Manifest(
    id="updates",
    title="Updates",
    area="admin",
    icon="package",
    summary="The version that runs on this machine, newer ones, component packs, and the way back",
    order=40,
    pages=(
        Page(
            id="updates",
            title="Updates",
            icon="package",
            target="sent.ui.pages.updates:UpdatesPage",
            permission="database:read",
            order=40,
            jump="v",
        ),
    ),
)
