"""`sent db`: the database of this installation."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from sent.platform.db.embedded import endpoint
from sent.platform.errors import Invalid, SentError

app = typer.Typer(no_args_is_help=True, help="Status, schema, backups, restore and upgrade of the database.")


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
    if not endpoint.external():
        line |= _kept()
    print(json.dumps(line))


def _kept() -> dict[str, Any]:
    from sent.platform.db import care, pitr, room, switch, waypoint

    there = care.backups()
    return {
        "waypoints": [asdict(one) | {"restore": one.command} for one in waypoint.waypoints()],
        "free_bytes": room.free(endpoint.cluster_dir()),
        "last_backup": there[0].made_at.isoformat() if there else None,
        "last_verified": max((b.verified_at.isoformat() for b in there if b.verified_at), default=None),
        "restorable": [[first.isoformat(), last.isoformat()] for first, last in pitr.covered()],
        "formers": [str(path) for path in switch.formers()],
    }


@app.command()
def migrate(
    snapshot: Annotated[
        bool, typer.Option(help="Note or make a way back first when there is something to change.")
    ] = True,
) -> None:
    """Bring the schema to head; does nothing when it is there."""
    from sent.platform.db import schema, waypoint
    from sent.platform.db.admin import admin_connection, admin_login
    from sent.platform.db.migrate import upgrade as upgrade_schema

    login = admin_login()
    with admin_connection() as connection:
        there = schema.current(connection)
    if snapshot and there is not None and there < schema.head():
        made = waypoint.make(_progress)
        if made is not None:
            kept = f"snapshot before the migration: {made.dump}" if made.dump else "no copy is needed"
            _say(f"{kept}; back to schema {there} with: sent update rollback, then {made.command}")
        _say(f"migrating from schema {there} to {schema.head()}")
    revision = upgrade_schema(login.server, login.role, login.password)
    print(json.dumps({"revision": revision}))


@app.command()
def backup(
    target: Annotated[
        Path | None, typer.Argument(help="Folder for one dump; without it, both kinds go to their places.")
    ] = None,
) -> None:
    """Dump the database into a folder, or make the daily backups now (a dump, and a base for any second)."""
    from sent.platform.db import care
    from sent.platform.db.backup import dump
    from sent.platform.db.pitr import present

    if target is not None:
        print(json.dumps(dump(target)))
        return
    print(json.dumps(care.make("logical", _progress).line()))
    if not endpoint.external():
        print(json.dumps(care.make("base", _progress, present().archive).line()))
    care.prune()


@app.command()
def backups() -> None:
    """List the backups, newest first, one JSON line each."""
    from sent.platform.db import care

    for one in care.backups():
        print(json.dumps(one.line()))


@app.command()
def verify(
    name: Annotated[str, typer.Argument(help="KIND/NAME or NAME; default: the newest of each kind.")] = "",
) -> None:
    """Restore a backup into a cluster beside the database and compare rows and the audit trail."""
    from sent.platform.db import care

    if name:
        chosen = [care.find(name)]
    else:
        there = care.backups()
        chosen = [next(b for b in there if b.kind == kind) for kind in {b.kind for b in there}]
    if not chosen:
        raise Invalid("backup.none", "there is no backup yet; `sent db backup` makes one")
    for one in chosen:
        print(json.dumps(care.verify(one, _progress)))


@app.command()
def restore(
    source: Annotated[Path | None, typer.Argument(help="Folder of a dump that SENT wrote.")] = None,
    at: Annotated[str, typer.Option(help="The second to go back to, such as 2026-11-21T08:15:00Z.")] = "",
    into: Annotated[
        str, typer.Option(help="With --at: a new folder, or `swap` to take the database's place.")
    ] = "",
    replace: Annotated[str, typer.Option(help="Name of the database to replace, typed out.")] = "",
) -> None:
    """Restore a dump, or the whole database as it was at a moment; what it replaces is kept beside it."""
    if (source is None) == (not at):
        raise Invalid("restore.what", "name either a dump's folder or a moment with --at")
    if source is not None:
        _restore_dump(source, replace)
        return
    from sent.platform.config import paths
    from sent.platform.db import pitr

    if endpoint.external():
        raise Invalid("restore.external", "an external server is restored with its own tools")
    moment = pitr.parse_moment(at)
    folder = Path(into) if into else paths.state_dir() / f"restored-{moment:%Y-%m-%dT%H%M%S}"
    print(json.dumps(pitr.restore(moment, None if into == "swap" else folder, _progress)))


def _restore_dump(source: Path, replace: str) -> None:
    from sent.platform.db.admin import admin_login
    from sent.platform.db.backup import restore as restore_backup

    name = admin_login().server.dbname
    if replace != name:
        raise Invalid("backup.confirm", f"this replaces the database; confirm with --replace {name}")
    print(json.dumps(restore_backup(source)))


@app.command()
def upgrade() -> None:
    """Bring the embedded server to the newest PostgreSQL this release carries; the former one is kept."""
    from sent.platform.db.upgrade import upgrade as upgrade_server

    if endpoint.external():
        raise Invalid("upgrade.external", "an external server is upgraded with its own tools")
    print(json.dumps(upgrade_server(_progress)))


@app.command()
def move(
    to: Annotated[
        str, typer.Option(help="URL of an empty database; its password may come from PGPASSWORD.")
    ] = "",
    abandon: Annotated[bool, typer.Option(help="Let this installation write again after a move.")] = False,
) -> None:
    """Copy the installation to another server, whose time series may use TimescaleDB; this one then rests."""
    from sent.platform.db import move as moving

    if bool(to) == abandon:
        raise Invalid("move.what", "name either the target with --to, or --abandon")
    if abandon:
        moving.abandon()
        print(json.dumps({"writes": True}))
        return
    print(json.dumps(moving.move(to, _progress)))
    _say("now set SENT_DATABASE_URL to the new database; see docs/howto/timescale.md")


@app.command()
def slow(most: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50) -> None:
    """List queries that took long, without their values, longest first, one JSON line each."""
    from sent.engines.database import api
    from sent.platform.auth.administration import installation
    from sent.platform.context import Ctx
    from sent.platform.ids import OrgId, uuid7

    async def show() -> None:
        async with installation() as place:
            ctx = Ctx(place.system, OrgId(UUID(int=0)), uuid7())
            for found in await api.slow_queries(ctx, limit=most):
                print(json.dumps(found.line(), ensure_ascii=False))

    asyncio.run(show())


@app.command(hidden=True)
def work(kind: str, arguments: str) -> None:
    """Do what an administrator ordered (the database's owner calls this); JSON lines say how far it is."""
    from sent.platform.db.orders import do

    do(kind, json.loads(arguments))


def _progress(share: float | None, step: str) -> None:
    _say(f"{step}" if share is None else f"{share:4.0%} {step}")


def _say(text: str) -> None:
    print(f"db: {text}", file=sys.stderr, flush=True)
