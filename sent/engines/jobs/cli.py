"""`sent jobs`: background work at the command line."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sent.platform.auth.commandline import administer

if TYPE_CHECKING:
    from sent.platform.context import Ctx

app = typer.Typer(help="Background jobs of an organisation.", no_args_is_help=True)

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]
Numbers = Annotated[list[int], typer.Argument(help="Numbers of jobs.")]


@app.command("list")
def show(
    org: Org = None,
    status: Annotated[
        list[str] | None, typer.Option(help="todo, doing, failed ...; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=2000)] = 200,
) -> None:
    """Print one JSON line per job, newest first."""
    from sent.engines.jobs import api
    from sent.platform.errors import Invalid

    wanted = [name for name in api.STATUSES if name in (status or ())]
    if len(wanted) != len(status or ()):
        raise Invalid("job.status", f"a status is one of: {', '.join(api.STATUSES)}")

    async def work(ctx: Ctx) -> None:
        for job in await api.jobs(ctx, limit=limit, status=wanted or None):
            print(json.dumps(asdict(job), default=str, ensure_ascii=False))

    administer(org, work)


@app.command("run-again")
def run_again(numbers: Numbers, org: Org = None) -> None:
    """Put failed or stopped jobs back into the queue."""
    from sent.engines.jobs import api

    administer(org, lambda ctx: api.run_again(ctx, numbers))


@app.command()
def stop(numbers: Numbers, org: Org = None) -> None:
    """Take waiting jobs out of the queue and ask running ones to stop."""
    from sent.engines.jobs import api

    administer(org, lambda ctx: api.stop(ctx, numbers))


@app.command()
def schedules(org: Org = None) -> None:
    """Print one JSON line per scheduled task."""
    from sent.engines.jobs import api

    async def work(ctx: Ctx) -> None:
        for schedule in await api.schedules(ctx):
            print(json.dumps(asdict(schedule), default=str, ensure_ascii=False))

    administer(org, work)


@app.command()
def start(task: str, org: Org = None) -> None:
    """Start a scheduled task now."""
    from sent.engines.jobs import api

    async def work(ctx: Ctx) -> None:
        print(json.dumps({"job": await api.start(ctx, task)}))

    administer(org, work)
