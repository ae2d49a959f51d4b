"""`sent client`: the companies an organisation works for."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Create, list and close clients.")

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]


@app.command("list")
def show(org: Org = None) -> None:
    """Print one JSON line per client."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            for found in await directory.clients(await place.ctx(org)):
                line = {"id": str(found.id), "code": found.code, "name": found.name, "state": found.state}
                print(json.dumps(line, ensure_ascii=False))

    asyncio.run(work())


@app.command()
def create(name: str, code: str, note: str = "", org: Org = None) -> None:
    """Create a client; its code is short and unique in the organisation."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            made = await directory.create_client(await place.ctx(org), name, code, note)
            print(json.dumps({"id": str(made), "code": code, "name": name}, ensure_ascii=False))

    asyncio.run(work())


@app.command()
def close(code: str, org: Org = None) -> None:
    """Mark a client as no longer served; its rows stay."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation
    from sent.platform.errors import NotFound

    async def work() -> None:
        async with installation() as place:
            ctx = await place.ctx(org)
            for found in await directory.clients(ctx):
                if found.code == code:
                    await directory.close_client(ctx, found.id)
                    return
            raise NotFound("client.missing", f"no client with the code {code!r}")

    asyncio.run(work())
