"""The matcher over a set of rules: the family by log source, the bucket by event id, the rest remembered.

Exact: it gives what the plain tree gives (`expression.holds`), whatever the events. For one thread at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sent.engines.radar.decoding.normalise import (
    PROCESS_CREATION,
    as_process_creation,
    integer,
    process_creation_fields,
    seen,
)
from sent.engines.radar.match.bucket import EVENT_ID, Bucket, Family, Fields
from sent.engines.radar.match.classes import LIMIT, Memory
from sent.engines.radar.match.records import Shapes, plain_parts
from sent.engines.radar.model import Event, LogSource, Match, Route, Rule
from sent.engines.radar.sigma.logsource import wanted, windows_route

MAX_ROUTES = 20_000
"""Routes remembered; a sender of made-up channels cannot grow it without bound."""

_Kind = tuple[str | None, frozenset[str], frozenset[str], bool]


class ValueMatcher:
    """The matcher by value classes. `map_4688`: Security 4688 feeds process_creation as well."""

    def __init__(self, rules: Iterable[Rule], *, map_4688: bool = True, memory: int = LIMIT) -> None:
        self._rules = tuple(sorted(rules, key=lambda rule: rule.id))
        self._map_4688 = map_4688
        self.memory = Memory(memory)
        self._families: dict[tuple[int, ...], Family] = {}
        self._kinds: dict[_Kind, Family] = {}
        self._routes: dict[Route, Family] = {}
        self._direct: dict[tuple[str, int | str], Bucket | None] = {}
        self._shapes = Shapes()

    def match(self, event: Event) -> list[Match]:
        """Return one match for each rule that fires, ordered by rule id."""
        found = [Match(rule, event) for rule in self._fired(event.fields, event.route)]
        mapped = as_process_creation(event) if self._map_4688 else None
        if mapped is not None:
            known = {match.rule.id for match in found}
            more = self._fired(mapped.fields, mapped.route)
            found += [Match(rule, mapped) for rule in more if rule.id not in known]
            found.sort(key=lambda match: match.rule.id)
        return found

    def fired(self, fields: Fields, route: Route) -> tuple[Rule, ...]:
        """Return the rules `match` would find, without an event."""
        found = self._fired(fields, route)
        mapped = process_creation_fields(fields, route) if self._map_4688 else None
        if mapped is not None:
            both = {rule.id: rule for rule in (*found, *self._fired(mapped, PROCESS_CREATION))}
            found = tuple(both[rule_id] for rule_id in sorted(both))
        return found

    def fired_on(self, record: Mapping[str, Any], source: LogSource | None = None) -> tuple[Rule, ...]:
        """Return the rules `match` would find on the event of a decoded JSON object."""
        parts = plain_parts(record, self._shapes)
        if parts is not None:
            system, data = parts
            bucket = self._straight(system)
            found = None if bucket is None else bucket.plainly(system, data)
            if found is not None:
                return found
        return self.fired(*seen(record, source))

    def _straight(self, system: Mapping[str, Any]) -> Bucket | None:
        """Return the bucket of a plain record, None where all fields are needed."""
        channel, event_id = system.get("Channel"), system.get("EventID")
        if type(event_id) is dict:
            event_id = event_id.get("#text")
        if type(channel) is not str or not (type(event_id) is int or type(event_id) is str):
            return None
        if self.memory.full:
            self.memory.forget()
        try:
            return self._direct[channel, event_id]
        except KeyError:
            return self._way(channel, event_id)

    def _way(self, channel: str, event_id: int | str) -> Bucket | None:
        if len(self._direct) >= MAX_ROUTES:
            self._direct.clear()
        fields: dict[str, str | None] = {EVENT_ID: str(event_id)}
        route = windows_route(channel, integer(fields[EVENT_ID]))
        mapped = self._map_4688 and process_creation_fields(fields, route) is not None
        bucket = self.family(route).bucket(fields)
        made = self._direct[channel, event_id] = None if mapped or bucket.wants_all else bucket
        return made

    def _fired(self, fields: Fields, route: Route) -> tuple[Rule, ...]:
        if self.memory.full:
            self.memory.forget()
        return self.family(route).bucket(fields).fired(fields)

    def prepare(self, routes: Iterable[Route]) -> None:
        """Make ready for events of these routes."""
        for route in routes:
            family = self.family(route)
            family.prepare()
            if route.event_id is not None:
                family.bucket({EVENT_ID: str(route.event_id)})
            if self._map_4688 and route.event_id == 4688:
                self.family(PROCESS_CREATION).prepare()

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes seen, for the matcher that comes after this one."""
        return tuple(self._routes)

    def family(self, route: Route) -> Family:
        """Return the rules that look at a route's events."""
        known = self._routes.get(route)
        if known is None:
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            known = self._routes[route] = self._family(route)
        return known

    def _family(self, route: Route) -> Family:
        kind = (route.product, route.categories, route.services, route.known)
        known = self._kinds.get(kind)
        if known is None:
            places = tuple(place for place, rule in enumerate(self._rules) if wanted(rule.logsource, route))
            known = self._families.get(places)
            if known is None:
                rules = tuple(self._rules[place] for place in places)
                known = self._families[places] = Family(rules, self.memory)
            self._kinds[kind] = known
        return known
