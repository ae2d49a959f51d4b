"""`sent radar letters`: what could not be read or stored is opened, read again, or given up."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from sent.platform.auth.commandline import administer
from sent.platform.terminal import json_line

if TYPE_CHECKING:
    from sent.engines.radar.api import DeadLetter
    from sent.platform.context import Ctx

commands = typer.Typer(help="Lines that could not be read or stored.", no_args_is_help=True)

Organisation = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]


@commands.command("list")
def list_letters(
    org: Organisation = None,
    all: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 200,
) -> None:
    """Print one JSON line per dead letter."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        states = api.LETTER_STATES if all else ("dead", "replay")
        for letter in await api.dead_letters(ctx, limit=limit, states=states):
            _line(_letter(letter))

    administer(org, work)


@commands.command("show")
def show_letter(letter: UUID, org: Organisation = None) -> None:
    """Print one dead letter with what arrived, as text and in base64."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        found = await api.dead_letter(ctx, letter)
        text = found.payload.decode("utf-8", "replace")
        _line(_letter(found) | {"text": text, "payload": b64encode(found.payload).decode()})

    administer(org, work)


@commands.command("replay")
def replay_letters(letters: list[UUID], org: Organisation = None) -> None:
    """Have a worker read dead letters again."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        await api.replay_letters(ctx, letters)
        _line({"replay": len(letters)})

    administer(org, work)


@commands.command("discard")
def discard_letters(letters: list[UUID], org: Organisation = None) -> None:
    """Give dead letters up; their payloads are deleted."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        await api.discard_letters(ctx, letters)
        _line({"discarded": len(letters)})

    administer(org, work)


def _letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": str(letter.id),
        "received_at": letter.received_at.isoformat(),
        "source": letter.source_name or None,
        "kind": letter.kind,
        "state": letter.state,
        "attempts": letter.attempts,
        "reason": letter.reason,
        "length": letter.length,
        "sha256": letter.digest.hex(),
    }


def _line(values: dict[str, Any]) -> None:
    print(json_line(values))
