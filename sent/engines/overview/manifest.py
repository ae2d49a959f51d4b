"""The Overview page and the services that keep an installation running."""

from __future__ import annotations

from sent.platform.manifest import Manifest, Page, Permission, Service

MANIFEST = Manifest(
    id="overview",
    title="Overview",
    area="command",
    icon="layout-dashboard",
    summary="Health of every worker, engine and the database.",
    order=10,
    pages=(
        Page(
            id="overview",
            title="Overview",
            icon="layout-dashboard",
            target="sent.ui.pages.overview:OverviewPage",
            permission="overview:read",
            order=10,
            jump="o",
        ),
    ),
    permissions=(Permission("overview:read", "See the health of workers and database"),),
    search="sent.engines.overview.search:search",
    services=(
        Service("db", "Embedded database, login broker and chores", "sent.workers.db:DatabaseOwner"),
        Service("core", "Chores of an external database", "sent.workers.core:Core"),
        Service("supervisor", "Several services on one machine", "sent.workers.supervisor:Supervisor"),
    ),
)
