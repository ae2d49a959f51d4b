"""What the events of a window come to, kept up as the window slides: each event enters and leaves once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sent.engines.radar.correlations.correlation import Correlation


class Entry(NamedTuple):
    """An event kept: which of the references it is, its value, and where a window that waits came from."""

    at: float
    order: int
    reference: int
    value: str | float
    origin: str


class Tally(Protocol):
    """Counts the entries of a window. They enter in the order of their time, and leave in it."""

    def add(self, entry: Entry) -> None:
        """Let the latest entry in."""
        ...

    def drop(self, entry: Entry) -> None:
        """Let the earliest entry out."""
        ...

    def figure(self, since: float) -> float:
        """Return what the window that begins at `since` comes to."""
        ...


def tally_of(found: Correlation) -> Tally:
    """Return an empty tally for the kind of correlation."""
    if found.kind == "value_count":
        return Distinct("value")
    if found.kind == "value_sum":
        return Sum()
    if found.kind == "temporal":
        return Distinct("reference")
    if found.kind == "temporal_ordered":
        return Ordered(len(found.references))
    return Count()


def most(found: Correlation, entries: Sequence[Entry]) -> float:
    """Return what no window of the entries can exceed: where it is too little, none needs to be looked at."""
    if found.kind == "event_count":
        return len(entries)
    if found.kind == "value_sum":
        return sum(value for entry in entries if (value := entry.value) > 0)  # type: ignore[operator,misc]
    if found.kind == "value_count":
        return len({entry.value for entry in entries})
    return len({entry.reference for entry in entries})


class Count:
    """How many there are."""

    def __init__(self) -> None:
        self._amount = 0

    def add(self, entry: Entry) -> None:
        """Count up."""
        self._amount += 1

    def drop(self, entry: Entry) -> None:
        """Count down."""
        self._amount -= 1

    def figure(self, since: float) -> float:
        """Return the count."""
        return self._amount


class Distinct:
    """How many different values (or rules) there are."""

    def __init__(self, of: str) -> None:
        self._of = of
        self._amounts: Counter[str | float] = Counter()

    def add(self, entry: Entry) -> None:
        """Count the value."""
        self._amounts[getattr(entry, self._of)] += 1

    def drop(self, entry: Entry) -> None:
        """Count it down."""
        value = getattr(entry, self._of)
        self._amounts[value] -= 1
        if not self._amounts[value]:
            del self._amounts[value]

    def figure(self, since: float) -> float:
        """Return how many have a count."""
        return len(self._amounts)


class Sum:
    """What the values add up to; whole numbers exactly."""

    def __init__(self) -> None:
        self._sum: float = 0

    def add(self, entry: Entry) -> None:
        """Add."""
        self._sum += entry.value  # type: ignore[operator]  # a sum's values are numbers (window.value_of)

    def drop(self, entry: Entry) -> None:
        """Take away."""
        self._sum -= entry.value  # type: ignore[operator]

    def figure(self, since: float) -> float:
        """Return the sum."""
        return self._sum


class Ordered:
    """How many rules of a list follow each other, at most, in the order of the list.

    For each rule and length it knows the latest beginning of such a row that ends with the rule or one before
    it; a row counts while its beginning is in the window, so nothing needs to be dropped.
    """

    def __init__(self, rules: int) -> None:
        self._starts = [[-math.inf] * (rules + 1) for _ in range(rules)]

    def add(self, entry: Entry) -> None:
        """Let the entry continue the rows that end with an earlier rule."""
        start, earlier = entry.at, self._starts[entry.reference - 1]
        for length in range(1, entry.reference + 2):
            if length > 1:
                start = earlier[length - 1]
            if start == -math.inf:  # then there is no longer one either
                return
            for row in self._starts[entry.reference :]:
                if row[length] >= start:
                    break
                row[length] = start

    def drop(self, entry: Entry) -> None:
        """Nothing: see the class."""

    def figure(self, since: float) -> float:
        """Return the length of the longest row that began at `since` or later."""
        latest = self._starts[-1]
        return next((length for length in range(len(latest) - 1, 0, -1) if latest[length] >= since), 0)
