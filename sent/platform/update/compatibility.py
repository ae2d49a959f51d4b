"""Whether a version and the database go together: schemas only grow."""

from __future__ import annotations

from sent.platform.db import schema
from sent.platform.errors import Conflict, SentError
from sent.platform.update.manifest import Manifest


def guard(manifest: Manifest) -> None:
    """Raise Conflict when the new version could not use this database, or this one not go on afterwards.

    Without a database that answers, only the program's own schema is compared: a console's machine may
    have none at all.
    """
    compare(manifest, schema.head(), _database())


def compare(manifest: Manifest, own: str, database: str | None) -> None:
    """Compare a version's schema with the present program's and the database's (revisions)."""
    if database is not None and database > manifest.schema_head:
        raise Conflict(
            "update.schema",
            f"the database is at schema {database}, version {manifest.version} knows only"
            f" {manifest.schema_head}; nothing was changed. Choose a newer version",
        )
    if manifest.runs_on and own not in manifest.runs_on:
        raise Conflict(
            "update.schema",
            f"version {manifest.version} brings schema {manifest.schema_head}, on which the present version"
            f" (schema {own}) could not run if it had to come back; nothing was changed. Install a version in"
            " between first",
        )


def _database() -> str | None:
    from sent.platform.db.admin import admin_connection

    try:
        with admin_connection() as connection:
            return schema.current(connection)
    except SentError:
        return None
