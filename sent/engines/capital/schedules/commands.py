"""`sent capital schedules`: what is due, carrying it out, the register of assets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from sent.platform.auth.commandline import administer
from sent.platform.terminal import json_line

if TYPE_CHECKING:
    from datetime import date

    from sent.platform.context import Ctx

app = typer.Typer(
    help="Assets, recurring entries and invoices: due, run, depreciate, assets.", no_args_is_help=True
)

Organisation = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day; today if not given.")
]


@app.callback()
def _group() -> None:
    """Assets, recurring entries and invoices: due, run, depreciate, assets."""


@app.command()
def due(until: Until = None, org: Organisation = None) -> None:
    """Print what is to be carried out, one JSON line each."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.capital.schedules import api

        for one in await api.due(ctx, _day(until)):
            typer.echo(json_line({"day": one.day.isoformat(), "name": one.name, "n": one.n}))

    administer(org, work)


@app.command()
def run(until: Until = None, org: Organisation = None) -> None:
    """Book entries and documents that are due and print what came of it; exit 1 when some were refused."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.capital.schedules import api

        made = await api.run(ctx, _day(until))
        refused = [why for _, why in made.refused]
        typer.echo(json_line({"entries": made.entries, "documents": made.documents, "refused": refused}))
        if refused:
            raise typer.Exit(1)

    administer(org, work)


@app.command()
def depreciate(until: Until = None, org: Organisation = None) -> None:
    """Book what assets lost up to the end of the month; exit 1 when some months were closed."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.capital.schedules import api

        made = await api.depreciate(ctx, _day(until))
        refused = [why for _, why in made.refused]
        typer.echo(json_line({"entries": made.entries, "amount": f"{made.amount:f}", "refused": refused}))
        if refused:
            raise typer.Exit(1)

    administer(org, work)


@app.command()
def assets(org: Organisation = None) -> None:
    """Print the register, one JSON line each: cost, what is worn, book value."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.capital.schedules import api

        for row in await api.assets(ctx):
            one = row.asset
            typer.echo(
                json_line(
                    {
                        "name": one.name, "bought_on": one.bought_on.isoformat(), "cost": f"{one.cost:f}",
                        "worn": f"{row.worn:f}", "book_value": f"{row.book_value:f}",
                        "disposed_on": one.disposed_on.isoformat() if one.disposed_on else None,
                    }
                )
            )  # fmt: skip

    administer(org, work)


def _day(until: datetime | None) -> date:
    return (until or datetime.now(UTC)).date()
