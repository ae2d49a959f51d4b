"""`sent user`: people and what they may do."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sent.platform.auth.directory import Member
    from sent.platform.context import Ctx

app = typer.Typer(no_args_is_help=True, help="Invite people, change roles, switch memberships on and off.")

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]


@app.command("list")
def show(org: Org = None) -> None:
    """Print one JSON line per member."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            for member in await directory.members(await place.ctx(org)):
                line = {
                    "email": member.email,
                    "name": member.name,
                    "role": member.role_key,
                    "state": member.state,
                    "client_narrowed": member.client_narrowed,
                    "second_factor": member.second_factor,
                    "last_seen": member.last_seen and member.last_seen.isoformat(),
                    "membership_id": str(member.membership_id),
                }
                print(json.dumps(line, ensure_ascii=False))

    asyncio.run(work())


@app.command()
def add(
    email: str,
    name: str,
    role: Annotated[
        str, typer.Option(help="owner, admin, analyst, bookkeeper, viewer or auditor")
    ] = "viewer",
    org: Org = None,
) -> None:
    """Make somebody a member; prints the first password once, to be changed at login."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            made = await directory.invite_person(await place.ctx(org), email, name, role)
            line = {
                "person_id": str(made.person_id),
                "membership_id": str(made.membership_id),
                "password": made.password.reveal() if made.password else None,
            }
            print(json.dumps(line))
            if made.password is None:
                print("known already: the person keeps the password", file=sys.stderr)

    asyncio.run(work())


@app.command()
def role(email: str, role: str, org: Org = None) -> None:
    """Give a member another role."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            ctx = await place.ctx(org)
            await directory.set_role(ctx, (await _member(ctx, email)).membership_id, role)

    asyncio.run(work())


@app.command()
def disable(email: str, org: Org = None) -> None:
    """Switch a membership off; open sessions see nothing from their next statement on."""
    asyncio.run(_switch(email, org, active=False))


@app.command()
def enable(email: str, org: Org = None) -> None:
    """Switch a membership on again."""
    asyncio.run(_switch(email, org, active=True))


@app.command()
def narrow(
    email: str,
    client: Annotated[list[str] | None, typer.Option(help="Code of a client; none lifts the limit.")] = None,
    org: Org = None,
) -> None:
    """Limit a member to rows of the given clients."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation
    from sent.platform.errors import NotFound

    async def work() -> None:
        async with installation() as place:
            ctx = await place.ctx(org)
            membership = (await _member(ctx, email)).membership_id
            known = {found.code: found.id for found in await directory.clients(ctx)}
            if unknown := set(client or ()) - known.keys():
                raise NotFound("client.missing", f"no such client: {', '.join(sorted(unknown))}")
            wanted = [known[code] for code in client] if client else None
            await directory.narrow(ctx, membership, wanted)

    asyncio.run(work())


@app.command()
def password(email: str) -> None:
    """Give a person a new first password, printed once, and remove the second factor."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            fresh = await directory.reset_password(place.system, email)
            print(json.dumps({"email": email, "password": fresh.reveal()}))

    asyncio.run(work())


async def _switch(email: str, org: str | None, *, active: bool) -> None:
    from sent.platform.auth import directory
    from sent.platform.auth.administration import installation

    async with installation() as place:
        ctx = await place.ctx(org)
        await directory.set_member_state(ctx, (await _member(ctx, email)).membership_id, active=active)


async def _member(ctx: Ctx, email: str) -> Member:
    from sent.platform.auth import directory
    from sent.platform.auth.addresses import canonical
    from sent.platform.errors import NotFound

    wanted = canonical(email)
    for member in await directory.members(ctx):
        if member.email == wanted:
            return member
    raise NotFound("member.missing", f"{email} is not a member")
