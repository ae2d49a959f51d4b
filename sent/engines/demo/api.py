"""The demo organisation for `sent demo`: made once, found again afterwards."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from sent.engines.demo import company, history
from sent.engines.radar import api as radar
from sent.platform.auth import directory
from sent.platform.auth.client import BrokerClient
from sent.platform.config.secrets import secret_file
from sent.platform.context import Ctx
from sent.platform.db.embedded.endpoint import broker_socket
from sent.platform.db.engine import Database
from sent.platform.errors import NotFound
from sent.platform.ids import ClientId, OrgId, uuid7
from sent.platform.telemetry.log import Secret

SEED = 20261121
MOST_ALERTS = 2000


class Credentials(NamedTuple):
    """How the demo's owner logs in."""

    email: str
    password: Secret


@dataclass(frozen=True, slots=True)
class DemoOrg:
    """The demo organisation; `fresh`: this call made it."""

    org: OrgId
    owner: UUID
    fresh: bool


def credentials() -> Credentials:
    """Return the owner's login; the password is made up by this installation at first use."""
    password = secret_file("demo_owner", lambda: f"{secrets.token_hex(3)}-{secrets.token_hex(4)}-harbour")
    return Credentials(company.OWNER_EMAIL, Secret(password))


async def prepare(app: Database, system: Database, *, now: datetime | None = None) -> DemoOrg:
    """Make the demo organisation with people, clients, sources, a week of history and its books; once.

    What a broken-off call left out is added. Raises Conflict when another organisation was set up here.
    """
    try:
        found = await directory.find_organization(system, company.SLUG)
        fresh = False
    except NotFound:
        login = credentials()
        await BrokerClient(broker_socket()).setup(
            company.NAME, company.SLUG, company.OWNER_NAME, login.email, login.password
        )
        found = await directory.find_organization(system, company.SLUG)
        fresh = True
    owner = await fill(Ctx(app, found.id, uuid7()), now=now)
    return DemoOrg(found.id, owner, fresh)


async def fill(ctx: Ctx, *, now: datetime | None = None) -> UUID:
    """Add what the organisation lacks of people, clients, sources, history, books; return its owner."""
    people = {member.email: member.person_id for member in await directory.members(ctx)}
    for colleague in company.COLLEAGUES:
        if colleague.email not in people:
            invited = await directory.invite_person(ctx, colleague.email, colleague.name, colleague.role)
            people[colleague.email] = invited.person_id
    clients = {client.code: client.id for client in await directory.clients(ctx)}
    for customer in company.CUSTOMERS:
        if customer.code not in clients:
            clients[customer.code] = await directory.create_client(ctx, customer.name, customer.code)
    sources = await _sources(ctx, clients)
    owner = next((person for email, person in people.items() if email == company.OWNER_EMAIL), None)
    moment = now or datetime.now(UTC)
    if not await radar.tail(ctx, limit=1):
        analysts = [people[c.email] for c in company.COLLEAGUES if c.role != "auditor"]
        await _history(ctx, sources, analysts, moment)
    from sent.engines.demo import books

    await books.fill(ctx, moment.date(), clients)
    return owner or next(iter(people.values()))


async def count(app: Database) -> dict[str, Any]:
    """Return the radar's figures of the demo organisation; as `sent_app`."""
    ctx = await context(app)
    figures = await radar.counters(ctx)
    return {
        "events_today": figures.events_today,
        "events_per_second": figures.events_per_second,
        "alerts": await radar.alert_count(ctx, radar.AlertFilter()),
        "alerts_new": sum(figures.open_alerts_by_level.values()),
        "rules": figures.rules_active,
        "sources": figures.sources,
    }


async def context(app: Database) -> Ctx:
    """Return the demo organisation's context; raises NotFound when there is none (`sent demo` makes it)."""
    from sent.platform.config.secrets import role_password
    from sent.platform.db.engine import fixed

    password = fixed(role_password("sent_system"))
    async with Database(app.server, "sent_system", password, trusted=True, name="sent demo") as system:
        found = await directory.find_organization(system, company.SLUG)
    return Ctx(app, found.id, uuid7())


async def _sources(ctx: Ctx, clients: dict[str, ClientId]) -> dict[str, UUID]:
    known = {source.name: source.id for source in await radar.sources(ctx)}
    for site in company.SITES:
        if site.source not in known:
            added = await radar.add_source(
                ctx,
                site.source,
                site.kind,
                f"127.0.0.1:{_free_port(site.kind, site.port)}",
                client_id=clients[site.client] if site.client else None,
            )
            known[site.source] = added.id
    return {site.key: known[site.source] for site in company.SITES}


async def _history(ctx: Ctx, sources: dict[str, UUID], analysts: Sequence[UUID], now: datetime) -> None:
    random = Random(SEED)  # noqa: S311 (made-up traffic)
    await radar.backfill(ctx, history.messages(random, now, sources))
    raised = await radar.alerts(ctx, radar.AlertFilter(), limit=MOST_ALERTS)
    await radar.record_decisions(ctx, list(history.decisions(random, now, raised, analysts)))


def _free_port(kind: str, wanted: int) -> int:
    """Return `wanted`, or another port when somebody has it."""
    transport = socket.SOCK_DGRAM if kind == "syslog_udp" else socket.SOCK_STREAM
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, transport) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted
