"""`sent db`: the database of this installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sent.platform.db.embedded import endpoint
from sent.platform.errors import Invalid, SentError

app = typer.Typer(no_args_is_help=True, help="Status, schema, backup and restore of the database.")


@app.command()
def status() -> None:
    """Say in one JSON line where the database is and how it does; exit 1 when it does not answer."""
    from sent.platform.db import schema
    from sent.platform.db.admin import admin_connection

    line: dict[str, Any] = {"external": endpoint.external(), "answers": False, "head": schema.head()}
    try:
        with admin_connection() as connection:
            row = connection.execute(
                "select current_setting('server_version'), pg_database_size(current_database()),"
                " (select count(*) from pg_stat_activity where backend_type = 'client backend'),"
                " pg_postmaster_start_time()"
            ).fetchone()
            revision = schema.current(connection)
    except SentError as error:
        line["error"] = error.message
        print(json.dumps(line))
        raise typer.Exit(1) from error
    if row is not None:
        line |= {
            "answers": True,
            "version": row[0],
            "size_bytes": row[1],
            "connections": row[2],
            "started_at": row[3].isoformat(),
            "revision": revision,
            "at_head": revision == line["head"],
        }
    print(json.dumps(line))


@app.command()
def migrate() -> None:
    """Bring the schema to head; does nothing when it is there."""
    from sent.platform.db.admin import admin_login
    from sent.platform.db.migrate import upgrade

    login = admin_login()
    revision = upgrade(login.server, login.role, login.password)
    print(json.dumps({"revision": revision}))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="Folder to write; must not exist yet.")],
) -> None:
    """Dump the whole database into a folder with a manifest of checksums."""
    from sent.platform.db.backup import dump

    print(json.dumps(dump(target)))


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="Folder that `sent db backup` wrote.")],
    replace: Annotated[str, typer.Option(help="Name of the database to replace, typed out.")] = "",
) -> None:
    """Restore a backup; the present database is kept beside it as <name>_before_restore."""
    from sent.platform.db.admin import admin_login
    from sent.platform.db.backup import restore as restore_backup

    name = admin_login().server.dbname
    if replace != name:
        raise Invalid("backup.confirm", f"this replaces the database; confirm with --replace {name}")
    print(json.dumps(restore_backup(source)))
