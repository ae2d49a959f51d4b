"""`sent notifications`: channels and the delivery log at the command line."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from sent.platform.auth.commandline import administer

if TYPE_CHECKING:
    from sent.engines.notifications.api import Delivery
    from sent.platform.context import Ctx

app = typer.Typer(help="Channels of notifications and what became of deliveries.", no_args_is_help=True)

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]
WAIT_S = 60.0


@app.command()
def channels(org: Org = None) -> None:
    """Print one JSON line per channel; secrets are never shown."""
    from sent.engines.notifications import api

    async def work(ctx: Ctx) -> None:
        for channel in await api.channels(ctx):
            print(json.dumps(asdict(channel), default=str, ensure_ascii=False))

    administer(org, work)


@app.command()
def log(
    org: Org = None,
    state: Annotated[
        list[str] | None, typer.Option(help="pending, failed, sent, dead, lapsed; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=2000)] = 200,
) -> None:
    """Print one JSON line per delivery, latest first."""
    from sent.engines.notifications import api
    from sent.platform.errors import Invalid

    if unknown := set(state or ()) - set(api.STATES):
        raise Invalid("notify.state", f"a state is one of: {', '.join(api.STATES)}; not {sorted(unknown)[0]}")

    async def work(ctx: Ctx) -> None:
        for delivery in await api.log(ctx, limit=limit, states=state or None):
            print(json.dumps(asdict(delivery), default=str, ensure_ascii=False))

    administer(org, work)


@app.command()
def retry(
    ids: Annotated[list[UUID], typer.Argument(help="Ids of dead deliveries.")], org: Org = None
) -> None:
    """Send dead deliveries again, under the same idempotency key."""
    from sent.engines.notifications import api

    async def work(ctx: Ctx) -> None:
        print(json.dumps({"retried": await api.retry(ctx, ids)}))

    administer(org, work)


@app.command()
def test(
    channel: Annotated[str, typer.Argument(help="Name or id of a webhook.")],
    org: Org = None,
) -> None:
    """Send a test to a webhook and wait for what became of it (mail is tested on the page, to yourself)."""
    from sent.engines.notifications import api
    from sent.platform.errors import Invalid, NotFound, SentError

    async def work(ctx: Ctx) -> None:
        found = next((c for c in await api.channels(ctx) if channel in (c.name, str(c.id))), None)
        if found is None:
            raise NotFound(
                "notify.channel", f"no channel {channel!r}; `sent notifications channels` lists them"
            )
        if found.kind != "webhook":
            raise Invalid(
                "notify.channel", "mail goes to a person: press Test now on the page, where you are one"
            )
        made = await api.test_channel(ctx, found.id)
        ended = await _ended(ctx, made)
        print(json.dumps({"state": ended.state, "reason": ended.reason}, ensure_ascii=False))
        if ended.state != "sent":
            raise SentError("notify.test", ended.reason or "nobody sends: is the database's owner running?")

    administer(org, work)


async def _ended(ctx: Ctx, delivery: UUID) -> Delivery:
    """Return the delivery once an attempt ended, or as it is after a minute."""
    from sent.engines.notifications import api

    loop = asyncio.get_running_loop()
    give_up = loop.time() + WAIT_S
    while True:
        row = next(row for row in await api.log(ctx, kinds=["webhook"]) if row.id == delivery)
        if row.state != "pending" or loop.time() > give_up:
            return row
        await asyncio.sleep(0.3)
