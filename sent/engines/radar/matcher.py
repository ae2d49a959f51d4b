"""The seam between detection and everything around it."""

from __future__ import annotations

from typing import Protocol

from sent.engines.radar.model import Event, Match, Route


class Matcher(Protocol):
    """Finds the rules an event fulfils. Exact: two implementations give the same rules."""

    def match(self, event: Event) -> list[Match]:
        """Return one match for each rule that fires, ordered by rule id."""
        ...

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of the events seen, for the matcher that comes after this one."""
        ...
