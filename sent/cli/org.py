"""`sent org`: the organisations of this installation."""

from __future__ import annotations

import asyncio
import json

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
def create(name: str, slug: str) -> None:
    """Create an organisation; add its first owner with `sent user add --role owner`."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            made = await directory.create_organization(place.system, name, slug)
            print(json.dumps({"id": str(made), "slug": slug, "name": name}, ensure_ascii=False))

    asyncio.run(work())
