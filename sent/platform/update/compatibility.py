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
    there = _database()
    compare(manifest, schema.head(), there)
    if there is not None and there < manifest.schema_head:
        _room_for_the_way_back()


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


def _room_for_the_way_back() -> None:
    """Raise Unavailable when the migration could not begin: better now than at the first start."""
    from sent.platform.db import care, room, waypoint

    if wanted := waypoint.room_wanted():
        room.require(care.root(), wanted, "the dump before the migration that this update brings")


def _database() -> str | None:
    from sent.platform.db.admin import admin_connection

    try:
        with admin_connection() as connection:
            return schema.current(connection)
    except SentError:
        return None
