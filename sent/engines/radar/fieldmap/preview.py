"""What a mapping would do to real events, before it is saved: each before and after, and which rules look.

Stored events went through the source's saved mapping when they came: what that moved or dropped is not there
any more. An event that is pasted is read as it would be from the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sent.engines.radar.decoding.arrival import Unreadable, event_of, zone_named
from sent.engines.radar.decoding.normalise import PROCESS_CREATION, process_creation_fields
from sent.engines.radar.fieldmap.applied import Mapped, reason_of
from sent.engines.radar.fieldmap.draft import TooMuch
from sent.engines.radar.fieldmap.steps import FieldMapping, checked
from sent.engines.radar.model import Event, LogSource, Route
from sent.engines.radar.rulebook.backtest import stored_route
from sent.engines.radar.sigma.logsource import wanted
from sent.engines.radar.store import settings
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid

SAMPLES = 20
MAX_PASTED = 262_144


@dataclass(frozen=True, slots=True)
class Looked:
    """An event before and after the steps; `failed` says why they do not run on it (it stays as it is)."""

    at: datetime
    before: dict[str, str | None]
    after: dict[str, str | None]
    source_before: str
    source_after: str
    rules_before: int
    rules: int
    """How many running rules look at it, after the steps."""
    failed: str = ""

    @property
    def changed(self) -> frozenset[str]:
        """Names that are new, gone, or have another value."""
        names = self.before.keys() | self.after.keys()
        lost = object()
        return frozenset(n for n in names if self.before.get(n, lost) != self.after.get(n, lost))


@dataclass(frozen=True, slots=True)
class Preview:
    """Events of the source, newest first; `went_through`: a saved mapping made them what they are before."""

    events: tuple[Looked, ...]
    went_through: bool


async def preview_mapping(
    ctx: Ctx, source_id: UUID, mapping: FieldMapping | list[Any], *, pasted: str = "", limit: int = SAMPLES
) -> Preview:
    """Return what the steps do to the source's latest events, or to the one that is pasted.

    `mapping` may be steps as JSON. Raises Invalid for steps that cannot run and for a pasted text that is no
    event, NotFound.
    """
    mapping = mapping if isinstance(mapping, FieldMapping) else checked(mapping)
    async with uow(ctx) as tx:
        source = await settings.known(tx, source_id)
        samples = [] if pasted else await settings.latest(tx, source_id, min(limit, SAMPLES))
        rules = [(_logsource(text), n) for text, n in await settings.rules_by_logsource(tx)]
    told = LogSource(source.product, source.category, source.service)
    if pasted:
        events = [pasted_event(source.kind, pasted, told, source.zone)]
    else:
        events = [
            Event(s.at, s.fields, stored_route(s.channel, s.event_code, s.program, told), host=s.host)
            for s in samples
        ]
    ready = Mapped(mapping.steps)
    looked = tuple(_looked(ready, event, rules) for event in events)
    return Preview(looked, went_through=source.mapping is not None and not pasted)


def pasted_event(kind: str, text: str, source: LogSource, zone: str) -> Event:
    """Return the event that a pasted text would be; raises Invalid."""
    data = text.strip().encode("utf-8", "replace")
    if not data or len(data) > MAX_PASTED:
        raise Invalid("radar.mapping.event", f"paste one event of at most {MAX_PASTED} bytes")
    try:
        return event_of(kind, data, source, received=datetime.now(UTC), zone=zone_named(zone))
    except Unreadable as error:
        raise Invalid("radar.mapping.event", f"the pasted text {error}") from error


def _looked(ready: Mapped, event: Event, rules: Sequence[tuple[LogSource, int]]) -> Looked:
    failed = ""
    try:
        after = ready.apply(event, event.at)
    except TooMuch as error:
        after, failed = event, reason_of(error)
    return Looked(
        event.at,
        dict(event.fields),
        dict(after.fields),
        written(event.route),
        written(after.route),
        looking(rules, event),
        looking(rules, after),
        failed,
    )


def looking(rules: Sequence[tuple[LogSource, int]], event: Event) -> int:
    """Return how many rules look at an event; Security 4688 is seen as process_creation too."""
    routes = [event.route]
    if process_creation_fields(event.fields, event.route) is not None:
        routes.append(PROCESS_CREATION)
    return sum(n for source, n in rules if any(wanted(source, route) for route in routes))


def written(route: Route) -> str:
    """Return a route as people write log sources."""
    if not route.known:
        return ""
    parts = (route.product or "*", ",".join(sorted(route.categories)), ",".join(sorted(route.services)))
    return "/".join(part or "*" for part in parts)


def _logsource(text: str) -> LogSource:
    parts = [None if part == "*" else part for part in (*text.split("/", 2), "*", "*")[:3]]
    return LogSource(*parts)
