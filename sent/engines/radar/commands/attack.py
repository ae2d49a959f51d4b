"""`sent radar attack`: names and tactics of ATT&CK's techniques out of a STIX bundle that one has."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from sent.platform.auth.commandline import administer
from sent.platform.errors import SentError

if TYPE_CHECKING:
    from sent.platform.context import Ctx

commands = typer.Typer(help="Names of ATT&CK's techniques.", no_args_is_help=True)

Organisation = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]
Bundle = Annotated[Path, typer.Argument(help="A STIX bundle of ATT&CK, .json or .json.gz.")]


@commands.command("read")
def read(bundle: Bundle) -> None:
    """Print edition, tactics and techniques of a bundle as one line of JSON."""
    from sent.engines.radar.coverage.attack import as_json, read_bundle

    try:
        found = read_bundle(bundle)
    except SentError as error:
        _fail(error)
    print(json.dumps({"edition": found.edition, **as_json(found)}))


@commands.command("import")
def import_bundle(bundle: Bundle, org: Organisation = None) -> None:
    """Keep the names of a bundle for the organisation: its coverage matrix shows them."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar.coverage.covering import import_attack

        found = await import_attack(ctx, bundle)
        counts = {"techniques": len(found.techniques), "tactics": len(found.tactics)}
        print(json.dumps({"edition": found.edition, **counts}))

    _run(org, work)


@commands.command("forget")
def forget(org: Organisation = None) -> None:
    """Forget the names; the matrix shows ids."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar.coverage.covering import forget_attack

        await forget_attack(ctx)
        print(json.dumps({"edition": None}))

    _run(org, work)


def _run(org: str | None, work: Callable[[Ctx], Awaitable[None]]) -> None:
    try:
        administer(org, work)
    except SentError as error:
        _fail(error)


def _fail(error: SentError) -> NoReturn:
    text = "".join(char if char.isprintable() else "\ufffd" for char in error.message)
    print(text, file=sys.stderr)
    raise typer.Exit(1) from error
