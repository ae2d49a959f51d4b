"""`sent org`: the organisations of this installation."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Create and list organisations.")


@app.command("list")
def show() -> None:
    """Print one JSON line per organisation."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            for found in await directory.organizations(place.system):
                line = {
                    "id": str(found.id),
                    "slug": found.slug,
                    "name": found.name,
                    "state": found.state,
                    "created_at": found.created_at.isoformat(),
                }
                print(json.dumps(line, ensure_ascii=False))

    asyncio.run(work())


@app.command()
def operator(
    slug: str,
    off: Annotated[
        bool, typer.Option("--off", help="Take it away; one organisation always keeps it.")
    ] = False,
) -> None:
    """Let an organisation look after the installation: its administrators see and order database work."""
    from sent.platform.auth.administration import installation
    from sent.platform.db.uow import transaction

    async def work() -> None:
        async with installation() as place, transaction(place.system) as tx:
            await tx.execute("select core.set_operator(%s, %s)", [slug, not off])
        print(json.dumps({"slug": slug, "operator": not off}))

    asyncio.run(work())


@app.command()
def create(name: str, slug: str) -> None:
    """Create an organisation; add its first owner with `sent user add --role owner`."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            made = await directory.create_organization(place.system, name, slug)
            print(json.dumps({"id": str(made), "slug": slug, "name": name}, ensure_ascii=False))

    asyncio.run(work())
    _remind_of_recovery()


def _remind_of_recovery() -> None:
    """Say that the recovery key is still to be made: the console shows it at set-up, here it is asked for."""
    from sent.platform.crypto import recovery
    from sent.platform.crypto.vault import Vault

    if recovery.made(Vault()) is None:
        print("make the recovery key now and keep it on paper: sent keys recovery", file=sys.stderr)
