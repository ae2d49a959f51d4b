"""What people do with sources: look how they fare, change them, map their fields. See `api` for the errors.

A change names the version that was read, so nobody overwrites what somebody else did meanwhile (Conflict).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sent.engines.radar.desk import SourceRow
from sent.engines.radar.fieldmap.steps import FieldMapping, checked, read
from sent.engines.radar.store import catalogue, settings, states
from sent.engines.radar.store.states import SourceState
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid

HealthState = Literal["off", "problem", "unknown", "opening", "silent", "working"]
HOURS = 24

SILENT_AFTER = timedelta(hours=1)
"""After which a source that used to send is called silent."""


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A source with how it fares.

    state: off (switched off), unknown (no worker said anything for 30 s), problem, opening (the worker has
    not taken up the last change), silent (it sent something once, and nothing for an hour), working. `hours`
    are the events of the last 24 hours, oldest first, this one last.
    """

    source: SourceRow
    fares: SourceState
    state: HealthState
    hours: tuple[int, ...]

    @property
    def id(self) -> UUID:
        """The source's id."""
        return self.source.id


async def source_board(ctx: Ctx) -> list[SourceHealth]:
    """Return all sources by name with how they fare."""
    async with uow(ctx) as tx:
        rows = await catalogue.sources(tx)
        fares = {one.id: one for one in await states.states(tx)}
        counted = await states.by_hour(tx, HOURS)
        now = await settings.now(tx)
    first = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    hours: dict[UUID, list[int]] = {}
    for source, hour, amount in counted:
        place = int((hour - first).total_seconds() // 3600)
        if 0 <= place < HOURS:
            hours.setdefault(source, [0] * HOURS)[place] += amount
    return [
        SourceHealth(
            row, fares[row.id], health(row, fares[row.id], now), tuple(hours.get(row.id) or [0] * HOURS)
        )
        for row in rows
        if row.id in fares
    ]


async def source_counts(ctx: Ctx) -> states.SourceCounts:
    """Return how many sources are on and have a problem: cheap, for badges and figures that ask often."""
    async with uow(ctx) as tx:
        return await states.counts(tx)


def health(source: SourceRow, fares: SourceState, now: datetime) -> HealthState:
    """Return a source's state in a word."""
    if not source.enabled:
        return "off"
    if fares.stale:
        return "unknown"
    if fares.problem:
        return "problem"
    if fares.told_version != source.version:
        return "opening"
    last = fares.last_event_at
    return "silent" if last is not None and now - last > SILENT_AFTER else "working"


async def edit_source(
    ctx: Ctx,
    source_id: UUID,
    expected: int,
    *,
    name: str,
    address: str,
    product: str | None = None,
    category: str | None = None,
    service: str | None = None,
    client_id: UUID | None = None,
    zone: str = "UTC",
    tls: Mapping[str, Any] | None = None,
    keep_days: int | None = None,
) -> None:
    """Change a source as it was read at version `expected`; its kind and its token stay as they are.

    Raises Invalid, Conflict (changed meanwhile, name taken), Denied, NotFound.
    """
    from sent.engines.radar.keep import MOST_DAYS
    from sent.engines.radar.receiving.address import checked_address, checked_tls, checked_zone

    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise Invalid("radar.source.name", "a source's name has 1 to 200 characters")
    if keep_days is not None and not 1 <= keep_days <= MOST_DAYS:
        raise Invalid("radar.source.keep", f"events are kept for 1 to {MOST_DAYS} days; not {keep_days}")
    async with uow(ctx) as tx:
        kind = (await settings.known(tx, source_id)).kind
        stored = checked_tls(kind, tls)
        values = {
            "name": name,
            "address": checked_address(kind, address),
            "product": product or None,
            "category": category or None,
            "service": service or None,
            "client_id": client_id,
            "zone": checked_zone(zone),
            "tls": stored,
            "keep_days": keep_days,
        }
        await settings.change(tx, source_id, expected, values)
        await publish(tx, ctx, "radar.sources.changed", {})


async def rotate_token(ctx: Ctx, source_id: UUID, expected: int) -> str:
    """Give an HTTP source a fresh token and return it: it is not kept, the old one ends within seconds."""
    from sent.engines.radar.receiving.access import digest_of, new_token

    token = new_token()
    async with uow(ctx) as tx:
        kind = (await settings.known(tx, source_id)).kind
        await settings.change(tx, source_id, expected, {"token_digest": digest_of(kind, token)})
        await publish(tx, ctx, "radar.sources.changed", {})
    return token


async def source_mapping(ctx: Ctx, source_id: UUID) -> tuple[FieldMapping, int]:
    """Return the steps that a source's events go through, and the source's version."""
    async with uow(ctx) as tx:
        found = await settings.known(tx, source_id)
    return (FieldMapping() if found.mapping is None else read(found.mapping)), found.version


async def set_mapping(ctx: Ctx, source_id: UUID, mapping: FieldMapping | list[Any], expected: int) -> int:
    """Have a source's events go through these steps (none: they stay as they are); return the new version.

    `mapping` may be steps as JSON, as `step_json` returns them. Raises Invalid, Conflict, Denied, NotFound.
    """
    mapping = mapping if isinstance(mapping, FieldMapping) else checked(mapping)
    value = json.loads(mapping.stored())
    checked(value)
    async with uow(ctx) as tx:
        await settings.change(tx, source_id, expected, {"mapping": value if mapping.steps else None})
        await publish(tx, ctx, "radar.sources.changed", {})
        return (await settings.known(tx, source_id)).version


async def source_clients(ctx: Ctx) -> list[tuple[UUID, str]]:
    """Return the clients that a source may belong to, by name."""
    async with uow(ctx) as tx:
        return await settings.clients(tx)
