"""What the database engine says of itself."""

from __future__ import annotations

from sent.platform.manifest import Manifest, Page, Permission, Task

MANIFEST = Manifest(
    id="database",
    title="Database",
    area="admin",
    icon="database",
    summary="Backups, restore, upgrades, growth and running queries of the installation's database",
    order=30,
    pages=(
        Page(
            id="database",
            title="Database",
            icon="database",
            target="sent.ui.pages.database:DatabasePage",
            permission="database:read",
            order=30,
        ),
    ),
    tasks=(
        Task(
            "database.thin",
            "Remove old rollups",
            "sent.engines.database.tasks:thin",
            cron="23 2 * * *",
            scope="installation",
        ),
    ),
    permissions=(
        Permission("database:read", "See the database's health, backups and queries (operator only)"),
        Permission("database:manage", "Order backups and end queries of the database (operator only)"),
    ),
)
