"""One group of a correlation: its events in order of time, and what they come to (see `correlate`)."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sent.engines.radar.correlations.correlation import MAX_COUNT, MAX_VALUES, Correlation
from sent.engines.radar.correlations.tally import Entry, most, tally_of
from sent.engines.radar.sigma.expression import number_of

StateKey = tuple[str, str]
"""A correlation's id and a digest of the values its events are grouped by."""

MAX_KEPT = 500
"""Characters of a value that events are grouped by; a longer one ends in a digest of itself."""

LARGEST = 1e300
"""Numbers beyond it are not added up."""

SHORT = 40
"""Longer values are counted by a digest of theirs."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event on which a rule fired. `at` in epoch seconds; `origin` is the caller's own, short text."""

    at: float
    fields: Mapping[str, str | None]
    origin: str = ""
    scope: str = ""
    """Events of different scopes never come together."""


@dataclass(frozen=True, slots=True)
class CorrelationHit:
    """A correlation that holds. `figure` is the count, sum, average or percentage it holds with."""

    correlation: Correlation
    occurrence: Occurrence
    """The event that completed it; its fields with the group's values under the names of `group-by`."""
    first_at: float
    last_at: float
    figure: float
    group: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Group:
    """Events that share the values of `group-by`. `entries` are in the order of (at, order)."""

    values: tuple[str, ...]
    scope: str = ""
    entries: list[Entry] = field(default_factory=list)
    order: int = 0
    newest: float = -math.inf
    above: bool = False
    """Whether the average or percentile held when last looked at."""
    fired: dict[str, float] = field(default_factory=dict)
    """When it fired: of averages under the name "", of shares by value."""
    closed: float = -math.inf
    """The end of the latest window that was decided when it had passed."""

    @property
    def empty(self) -> bool:
        """Say whether nothing would be lost with it."""
        return not self.entries and not self.fired and self.closed == -math.inf

    def take(
        self, found: Correlation, reference: int, value: str | float, occurrence: Occurrence
    ) -> list[CorrelationHit]:
        """Take an event in and return what it completes; windows that wait are left to `close`."""
        origin = occurrence.origin if found.deferred else ""
        entry = Entry(occurrence.at, self.order, reference, value, origin)
        self.order += 1
        insort(self.entries, entry)
        self.newest = max(self.newest, occurrence.at)
        if found.deferred:
            return []
        if found.kind in ("value_avg", "value_percentile"):
            return self._level(found, entry, occurrence)
        return self._threshold(found, entry, occurrence)

    def _threshold(self, found: Correlation, entry: Entry, occurrence: Occurrence) -> list[CorrelationHit]:
        """Look at each window that holds the event; spend the events of the first that is enough."""
        if not found.holds(most(found, self.entries)):
            return []
        place = bisect_left(self.entries, entry)
        begin = bisect_left(self.entries, (entry.at - found.span_s,))
        tally = tally_of(found)
        for other in self.entries[begin:place]:
            tally.add(other)
        for end in range(place, len(self.entries)):
            last = self.entries[end].at
            if last > entry.at + found.span_s:
                break
            while self.entries[begin].at < last - found.span_s:
                tally.drop(self.entries[begin])
                begin += 1
            tally.add(self.entries[end])
            figure = tally.figure(last - found.span_s)
            if found.holds(figure):
                hit = self._hit(found, occurrence, self.entries[begin : end + 1], figure)
                del self.entries[begin : end + 1]
                return [hit]
        return []

    def _level(self, found: Correlation, entry: Entry, occurrence: Occurrence) -> list[CorrelationHit]:
        """Look at the latest window that holds the event."""
        end = bisect_left(self.entries, (entry.at + found.span_s, math.inf))
        last = self.entries[end - 1].at
        window = self.entries[bisect_left(self.entries, (last - found.span_s,)) : end]
        if found.kind == "value_percentile" and found.percentile is None:
            share = 100 * sum(other.value == entry.value for other in window) / len(window)
            mark, holds, figure = str(entry.value), found.holds(share), share
            again = mark not in self.fired or last - self.fired[mark] > found.span_s
        else:
            figure = _statistic(found, [float(other.value) for other in window])
            mark, holds = "", found.holds(figure)
            again = not self.above or last - self.fired.get(mark, -math.inf) > found.span_s
            self.above = holds
        if not holds or not again:
            return []
        self.fired[mark] = last
        return [self._hit(found, occurrence, window, figure)]

    def close(self, found: Correlation, until: float) -> list[CorrelationHit]:
        """Decide the windows that ended before `until`; each begins with the first event after the last."""
        hits: list[CorrelationHit] = []
        while self.entries and self.entries[0].at + found.span_s < until:
            self.closed = self.entries[0].at + found.span_s
            end = bisect_left(self.entries, (self.closed, math.inf))
            window = self.entries[:end]
            del self.entries[:end]
            tally = tally_of(found)
            for entry in window:
                tally.add(entry)
            figure = tally.figure(-math.inf)
            if found.holds(figure):
                last = Occurrence(window[-1].at, {}, window[-1].origin, self.scope)
                hits.append(self._hit(found, last, window, figure))
        return hits

    def prune(self, found: Correlation, lateness_s: float) -> int:
        """Forget what no window can hold any more; return how many events had to go for want of room."""
        if not found.deferred:
            oldest = self.newest - found.span_s - lateness_s
            del self.entries[: bisect_left(self.entries, (oldest,))]
            for mark in [mark for mark, at in self.fired.items() if at < oldest]:
                del self.fired[mark]
        room = MAX_COUNT if found.kind == "event_count" else MAX_VALUES
        excess = len(self.entries) - room
        if excess <= 0:
            return 0
        if found.kind == "value_sum":
            self.entries = _paired(self.entries)
            return 0
        del self.entries[:excess]
        return excess

    def _hit(
        self, found: Correlation, occurrence: Occurrence, window: Sequence[Entry], figure: float
    ) -> CorrelationHit:
        group = tuple(zip(found.group_by, self.values, strict=True))
        completed = replace(occurrence, at=window[-1].at, fields={**occurrence.fields, **dict(group)})
        return CorrelationHit(found, completed, window[0].at, window[-1].at, figure, group)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "values": list(self.values),
            "scope": self.scope,
            "entries": [list(entry) for entry in self.entries],
            "order": self.order,
            "newest": _finite(self.newest),
            "above": self.above,
            "fired": self.fired,
            "closed": _finite(self.closed),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Group:
        """Return the group of `as_json`."""
        return cls(
            tuple(state["values"]),
            state["scope"],
            [Entry(*entry) for entry in state["entries"]],
            state["order"],
            _number(state["newest"]),
            state["above"],
            dict(state["fired"]),
            _number(state["closed"]),
        )


def kept(value: str) -> str:
    """Return a value events are grouped by at a bounded length; `kept(kept(x))` is `kept(x)`."""
    return value if len(value) <= MAX_KEPT else f"{value[: MAX_KEPT - 40]}…{digest([value])}"


def digest(values: Sequence[str], *further: str) -> str:
    """Return what a group is known by: its values without regard to case, and `further` marks."""
    text = "\x1f".join([*(value.lower() for value in values), *further])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def value_of(found: Correlation, rule_id: str, fields: Mapping[str, str | None]) -> str | float | None:
    """Return what is counted or added of an event, None when it has no such value; "" when none is asked."""
    if not found.fields:
        return ""
    texts = [fields.get(found.field_of(name, rule_id)) for name in found.fields]
    present = [text for text in texts if text is not None]
    if len(present) < len(texts):
        return None
    if found.kind == "value_count" or (found.kind == "value_percentile" and found.percentile is None):
        whole = "\x1f".join(present).lower()
        return whole if len(whole) <= SHORT else digest(present)
    if found.kind.startswith("value_"):
        number = number_of(present[0])
        return None if number is None or abs(number) > LARGEST else number
    return ""


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _number(value: float | None) -> float:
    return -math.inf if value is None else value


def _paired(entries: list[Entry]) -> list[Entry]:
    """Return half as many entries with the same sum; each pair counts from its later one on."""
    pairs = [
        later._replace(value=float(earlier.value) + float(later.value))
        for earlier, later in zip(entries[::2], entries[1::2], strict=False)
    ]
    return pairs + entries[len(pairs) * 2 :]


def _statistic(found: Correlation, values: list[float]) -> float:
    """Return the average, or the percentile by linear interpolation between the nearest ranks."""
    if found.kind == "value_avg":
        return math.fsum(values) / len(values)
    values.sort()
    rank = (found.percentile or 0.0) / 100 * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (rank - low)
