"""`sent person`: people of the installation, whatever organisation they belong to."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sent.platform.errors import Invalid

if TYPE_CHECKING:
    from uuid import UUID

    from sent.platform.context import Ctx

app = typer.Typer(no_args_is_help=True, help="Erase people for good.")


@app.callback()
def group() -> None:
    """Erase people for good."""


@app.command()
def erase(
    email: Annotated[str | None, typer.Argument(help="Address of the person.")] = None,
    confirm: Annotated[str, typer.Option("--confirm", help="The address once more.")] = "",
    again: Annotated[
        bool,
        typer.Option("--again", help="Erase everybody whose key was destroyed: after restoring a backup."),
    ] = False,
) -> None:
    """Overwrite name and address, end memberships and logins, destroy the person's key; prints a report."""
    if again:
        asyncio.run(_erase_again())
        return
    if email is None or confirm != email:
        raise Invalid("person.confirm", "nobody can take this back; confirm with --confirm and the address")
    asyncio.run(_erase_one(email))


async def _erase_one(email: str) -> None:
    from sent.platform.auth.addresses import canonical
    from sent.platform.auth.administration import ADMINISTRATOR, installation
    from sent.platform.context import Ctx
    from sent.platform.db.uow import scalar, uow
    from sent.platform.errors import NotFound
    from sent.platform.ids import PLATFORM_ORG

    async with installation() as place:
        ctx = Ctx(place.system, PLATFORM_ORG, ADMINISTRATOR)
        async with uow(ctx) as tx:
            person = await scalar(tx, "select auth.person_of(%s)", [canonical(email)])
        if person is None:
            raise NotFound("person.unknown", f"nobody has the address {email}")
        await _erase(ctx, person)


async def _erase_again() -> None:
    from sent.platform.auth.administration import ADMINISTRATOR, installation
    from sent.platform.context import Ctx
    from sent.platform.crypto.vault import Vault
    from sent.platform.db.uow import uow
    from sent.platform.ids import PLATFORM_ORG

    async with installation() as place:
        ctx = Ctx(place.system, PLATFORM_ORG, ADMINISTRATOR)
        async with uow(ctx) as tx:
            found = await tx.execute("select auth.unerased(%s)", [Vault().all_destroyed()])
            people = [row[0] for row in await found.fetchall()]
        for person in people:
            await _erase(ctx, person)
        print(f"{len(people)} people were erased again", file=sys.stderr)


async def _erase(ctx: Ctx, person: UUID) -> None:
    from sent.platform.audit.personal import erase as erase_person
    from sent.platform.crypto.vault import Vault

    report = await erase_person(ctx, person)
    Vault().destroy(person)
    print(json.dumps(report))
