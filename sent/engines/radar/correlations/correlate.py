"""Runs correlations: hits of rules in, hits of correlations out. Pure; knows neither clock nor database.

Windows slide in the time events tell, so 00:59:59 and 01:00:01 are two seconds apart, whatever hour they
belong to; two events a whole timespan apart are still within it. Events may come out of order: one that is
older than its group's newest by more than the timespan and `lateness_s` is counted and left out.

- Lower bounds (`gt`, `gte`) on counts and sums, and proximity in time, fire as soon as they are reached.
  The events of that window are then spent: it takes as many new ones to fire again.
- An upper bound (`lt`, `lte`, `eq`, `neq`) on them is decided when the window has passed, since more events
  could still come; such windows begin with their first event and do not overlap.
- Averages and percentiles are looked at with each event. They fire when they come to hold, and again only
  after they ceased to, or a timespan later.
- `value_percentile` without a percentile asks what share of the window's values, in percent, the event's own
  value has (the specification's example of a rare process); it fires once for each value and window.

Events that lack a field of `group-by`, or a value to count or add, take no part. Values are compared without
regard to case, as everywhere in Sigma.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sent.engines.radar.correlations.correlation import Correlation
from sent.engines.radar.correlations.window import (
    CorrelationHit,
    Group,
    Occurrence,
    StateKey,
    digest,
    kept,
    value_of,
)

LATENESS_S = 300.0
"""Seconds an event may come later than the window it belongs to."""

MAX_GROUPS = 50_000
"""Groups kept together; beyond, the one that was quiet the longest is forgotten and counted."""

Fed = tuple[str, Occurrence]
"""The id of the rule or correlation that fired, and where."""


class Correlator:
    """State of a set of correlations. `correlations` follow those they refer to (see `resolved`)."""

    def __init__(
        self,
        correlations: Iterable[Correlation],
        *,
        lateness_s: float = LATENESS_S,
        max_groups: int = MAX_GROUPS,
    ) -> None:
        self.levels = _levels(list(correlations))
        self.late = 0
        """Events that came too late to count."""
        self.evicted = 0
        """Groups forgotten for want of room, and events beyond what a group keeps."""
        self._lateness_s = lateness_s
        self._max_groups = max_groups
        self._groups: OrderedDict[StateKey, Group] = OrderedDict()
        self._listening = tuple(map(_listening, self.levels))
        self._by_id = {found.id: found for level in self.levels for found in level}
        self._touched: set[StateKey] = set()
        self.wanted = frozenset(id for found in self._by_id.values() for id in found.references)
        """Ids of the rules whose hits matter."""

    def feed(self, rule_id: str, occurrence: Occurrence) -> list[CorrelationHit]:
        """Take a hit of a rule; return the correlations it completes, chained ones after their parts."""
        return self._through([(rule_id, occurrence)], None)

    def advance(self, until: float) -> list[CorrelationHit]:
        """Decide windows that have passed when time (epoch seconds) has reached `until`."""
        return self._through([], until)

    def finish(self) -> list[CorrelationHit]:
        """Decide every window that is still open: no more events will come."""
        return self._through([], float("inf"))

    def _through(self, fed: Sequence[Fed], until: float | None) -> list[CorrelationHit]:
        found: list[CorrelationHit] = []
        inputs = list(fed)
        for level in range(len(self.levels)):
            hits = self.run(level, inputs, until)
            found += hits
            inputs += [(hit.correlation.id, hit.occurrence) for hit in hits]
        return found

    def run(self, level: int, fed: Sequence[Fed], until: float | None = None) -> list[CorrelationHit]:
        """Run one level of the chain on hits of rules and of the levels below (see `keys`)."""
        hits: list[CorrelationHit] = []
        listening = self._listening[level]
        for rule_id, occurrence in sorted(fed, key=lambda each: each[1].at):
            for found in listening.get(rule_id, ()):
                hits += self._take(found, rule_id, occurrence)
        if until is not None:
            for found in self.levels[level]:
                if found.deferred:
                    hits += self._close(found, until)
        return hits

    def keys(self, level: int, fed: Sequence[Fed]) -> set[StateKey]:
        """Return the groups `run` would touch, so that their states can be brought first."""
        return {
            _key(found, values, occurrence)
            for rule_id, occurrence in fed
            for found in self._listening[level].get(rule_id, ())
            if (values := _group(found, rule_id, occurrence.fields)) is not None
        }

    def snapshot(self) -> dict[StateKey, dict[str, Any]]:
        """Return the groups touched since the last one as JSON values; an empty one holds nothing more."""
        states = {
            key: self._groups[key].as_json() if key in self._groups else {} for key in sorted(self._touched)
        }
        self._touched.clear()
        return states

    def restore(self, states: Mapping[StateKey, Mapping[str, Any]]) -> None:
        """Take up groups that `snapshot` gave; those of correlations that are gone are left out."""
        for key, state in states.items():
            if key[0] in self._by_id and state:
                self._groups[key] = Group.from_json(state)

    def closing(self, key: StateKey) -> float | None:
        """Return when (epoch seconds) the first open window of a group is decided, None if none is."""
        group = self._groups.get(key)
        found = self._by_id[key[0]]
        if group is None or not found.deferred or not group.entries:
            return None
        return group.entries[0].at + found.span_s + self._lateness_s

    def _take(self, found: Correlation, rule_id: str, occurrence: Occurrence) -> list[CorrelationHit]:
        values = _group(found, rule_id, occurrence.fields)
        value = value_of(found, rule_id, occurrence.fields)
        if values is None or value is None:
            return []
        key = _key(found, values, occurrence)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(values, occurrence.scope)
        self._groups.move_to_end(key)
        self._touched.add(key)
        if occurrence.at < group.newest - found.span_s - self._lateness_s or occurrence.at <= group.closed:
            self.late += 1
            return []
        hits = group.take(found, found.references.index(rule_id), value, occurrence)
        if found.deferred:
            hits += group.close(found, group.newest - self._lateness_s)
        self.evicted += group.prune(found, self._lateness_s)
        self._tidy(key, group)
        while len(self._groups) > self._max_groups:
            gone, _ = self._groups.popitem(last=False)
            self._touched.add(gone)
            self.evicted += 1
        return hits

    def _close(self, found: Correlation, until: float) -> list[CorrelationHit]:
        hits: list[CorrelationHit] = []
        for key in [key for key in self._groups if key[0] == found.id]:
            group = self._groups[key]
            before = len(group.entries)
            hits += group.close(found, until - self._lateness_s)
            if len(group.entries) != before:
                self._touched.add(key)
                self._tidy(key, group)
        return hits

    def _tidy(self, key: StateKey, group: Group) -> None:
        if group.empty:
            del self._groups[key]


def _levels(correlations: list[Correlation]) -> tuple[tuple[Correlation, ...], ...]:
    depth: dict[str, int] = {}
    for found in correlations:
        below = [depth[reference] for reference in found.references if reference in depth]
        depth[found.id] = max(below, default=-1) + 1
    levels: list[list[Correlation]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for found in correlations:
        levels[depth[found.id]].append(found)
    return tuple(map(tuple, levels))


def _listening(level: Sequence[Correlation]) -> dict[str, list[Correlation]]:
    """Return which correlations of a level each rule's hits go to."""
    found: dict[str, list[Correlation]] = {}
    for member in level:
        for reference in member.references:
            found.setdefault(reference, []).append(member)
    return found


def _group(found: Correlation, rule_id: str, fields: Mapping[str, str | None]) -> tuple[str, ...] | None:
    """Return the values an event is grouped by, None when one is missing."""
    values = []
    for name in found.group_by:
        value = fields.get(found.field_of(name, rule_id))
        if value is None:
            return None
        values.append(kept(value))
    return tuple(values)


def _key(found: Correlation, values: Sequence[str], occurrence: Occurrence) -> StateKey:
    return found.id, digest(values, occurrence.scope, found.revision)
