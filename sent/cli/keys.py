"""`sent keys`: the keys of sealed fields."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sent.platform.errors import Conflict, Invalid

if TYPE_CHECKING:
    from sent.platform.auth.administration import Installation
    from sent.platform.context import Ctx

app = typer.Typer(no_args_is_help=True, help="Rotate, recover and destroy the keys of sealed fields.")

Org = Annotated[
    str | None,
    typer.Option("--org", help="Slug of the organisation, or 'platform'; without it all of them."),
]


@app.command()
def status(org: Org = None) -> None:
    """Print one JSON line per key: state, age, how many values it seals, whether it is due."""
    from sent.platform.crypto import recovery, rotate
    from sent.platform.crypto.root import Roots, root_id
    from sent.platform.crypto.vault import Vault

    async def work() -> None:
        from sent.platform.auth.administration import installation

        roots = Roots()
        held = [root_id(root) for root in roots.all()]
        _out({"root": held[0], "place": roots.place.name, "previous": held[1:]})
        if recovery.made(Vault()) is None:
            _say(
                "there is no recovery key: without the root key everything sealed is lost; sent keys recovery"
            )
        async with installation() as place:
            for slug, ctx in await _contexts(place, org):
                for line in await rotate.status(ctx):
                    _out({"org": slug, **line})

    asyncio.run(work())


@app.command("rotate-root")
def rotate_root() -> None:
    """Put all organisations' keys under a new root key."""
    from sent.platform.crypto import rotate
    from sent.platform.crypto.root import Roots
    from sent.platform.crypto.vault import Vault

    async def work() -> None:
        from sent.platform.auth.administration import installation

        async with installation() as place:
            contexts = [ctx for _, ctx in await _contexts(place, None)]
            fresh = await rotate.rotate_root(contexts, Roots(), Vault(), _progress)
            _out({"root": fresh})

    asyncio.run(work())


@app.command("rotate-organization")
def rotate_organization(org: Org = None) -> None:
    """Put the data keys under a new organisation's key."""
    from sent.platform.crypto import rotate
    from sent.platform.crypto.root import Roots
    from sent.platform.crypto.vault import Vault

    async def work() -> None:
        from sent.platform.auth.administration import installation

        async with installation() as place:
            for slug, ctx in await _contexts(place, org):
                if await rotate.status(ctx):
                    _out({"org": slug, **await rotate.rotate_organization(ctx, Roots(), Vault())})

    asyncio.run(work())


@app.command("rotate-data")
def rotate_data(
    org: Org = None,
    purpose: Annotated[str | None, typer.Option(help="Only the keys of this purpose.")] = None,
    destroy_old: Annotated[
        bool, typer.Option("--destroy-old", help="Destroy former keys that are proved unused.")
    ] = False,
) -> None:
    """Seal every value with a new key while the services go on; killed, it goes on where it stood."""
    from sent.platform.crypto import rotate
    from sent.platform.crypto.root import Roots
    from sent.platform.crypto.vault import Vault

    async def work() -> bool:
        from sent.platform.auth.administration import installation

        whole = True
        async with installation() as place:
            for slug, ctx in await _contexts(place, org):
                for name in [purpose] if purpose else await rotate.purposes(ctx):
                    found = await rotate.rotate_data(ctx, name, Roots(), Vault(), _progress)
                    whole = whole and not found["still_used"]
                    if destroy_old:
                        found["destroyed"] = await rotate.destroy_unused(ctx, name)
                    _out({"org": slug, **found})
        return whole

    if not asyncio.run(work()):
        raise Conflict("crypto.broken", "some values do not open and keep their old key; see above")


@app.command()
def recovery(
    replace: Annotated[
        bool, typer.Option("--replace", help="Make a new one; the former is worthless.")
    ] = False,
) -> None:
    """Print the recovery key once: write it on paper and lock it away."""
    from sent.platform.crypto import recovery as sheet
    from sent.platform.crypto.root import Roots
    from sent.platform.crypto.vault import Vault

    made = sheet.make(Roots(), Vault(), replace=replace)
    _out({"recovery_key": made.reveal()})
    _say(f"it is shown only now; keep a copy of {Vault().folder} in another place")


@app.command()
def recover(
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a root key that is there.")] = False,
) -> None:
    """Restore the root key from the recovery key (asked for, or on standard input)."""
    from sent.platform.crypto import recovery as sheet
    from sent.platform.crypto.root import Roots, root_id
    from sent.platform.crypto.vault import Vault
    from sent.platform.telemetry.log import Secret

    typed = typer.prompt("Recovery key", hide_input=True) if sys.stdin.isatty() else sys.stdin.read(2000)
    found = sheet.recover(Secret(typed), Vault())
    roots = Roots()
    held = roots.place.peek()
    if held and [root.hex() for root in found] != held.split() and not replace:
        raise Conflict("root.exists", f"{roots.place.name} holds another root key; --replace overwrites it")
    roots.store(found)
    _out({"root": root_id(found[0]), "place": roots.place.name})


@app.command()
def destroy(
    org: Annotated[str, typer.Option("--org", help="Slug of the organisation.")],
    confirm: Annotated[str, typer.Option("--confirm", help="The slug once more.")] = "",
) -> None:
    """Make everything sealed of an organisation unreadable for ever, in older backups too."""
    from sent.platform.crypto import rotate
    from sent.platform.crypto.vault import Vault

    if confirm != org:
        raise Invalid("crypto.confirm", f"nobody can take this back; confirm with --confirm {org}")

    async def work() -> None:
        from sent.platform.auth.administration import installation

        async with installation() as place:
            ((slug, ctx),) = await _contexts(place, org)
            _out({"org": slug, "destroyed": await rotate.destroy_organization(ctx, Vault())})

    asyncio.run(work())


async def _contexts(place: Installation, slug: str | None) -> list[tuple[str, Ctx]]:
    """Return the contexts on `sent_system` of the organisation, or of the platform and all."""
    from sent.platform.auth import directory
    from sent.platform.auth.administration import ADMINISTRATOR
    from sent.platform.context import Ctx
    from sent.platform.ids import PLATFORM_ORG

    if slug not in (None, "platform"):
        found = await directory.find_organization(place.system, str(slug))
        return [(found.slug, Ctx(place.system, found.id, ADMINISTRATOR))]
    platform = [("platform", Ctx(place.system, PLATFORM_ORG, ADMINISTRATOR))]
    if slug == "platform":
        return platform
    known: Iterable[Any] = await directory.organizations(place.system)
    return platform + [(one.slug, Ctx(place.system, one.id, ADMINISTRATOR)) for one in known]


def _out(line: dict[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=False))


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _progress(line: dict[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr)
