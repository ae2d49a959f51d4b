"""Correlations over a scan: no database, everything in memory, the input in its order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import orjson

from sent.engines.radar.correlations.correlate import Correlator
from sent.engines.radar.correlations.correlation import Correlation, silent
from sent.engines.radar.correlations.window import CorrelationHit, Occurrence
from sent.engines.radar.decoding.normalise import as_process_creation
from sent.engines.radar.decoding.when import moment
from sent.engines.radar.model import Event, Rule
from sent.engines.radar.sigma.logsource import wanted

Found = tuple[int, Rule, Event]
"""Position of an event, the rule that fired, the event."""


class Following:
    """Passes hits on and adds those of correlations, at the position of the event that completed them."""

    def __init__(self, correlations: Iterable[Correlation]) -> None:
        found = tuple(correlations)
        self._correlator = Correlator(found)
        self._silent = silent(found)

    def hits(self, position: int, event: Event, fired: Sequence[Rule]) -> Iterator[Found]:
        """Yield what fires on the event at `position`; rules that only correlations listen to are silent."""
        for rule in fired:
            if rule.id not in self._silent:
                yield position, rule, event
        for rule in fired:
            if rule.id in self._correlator.wanted:
                origin = orjson.dumps([position, event.host]).decode()
                occurrence = Occurrence(event.at.timestamp(), _seen(event, rule).fields, origin)
                for hit in self._correlator.feed(rule.id, occurrence):
                    yield from self._found(hit)

    def rest(self) -> Iterator[Found]:
        """Yield what the end of the input decides."""
        for hit in self._correlator.finish():
            yield from self._found(hit)

    def _found(self, hit: CorrelationHit) -> Iterator[Found]:
        rule = hit.correlation.rule
        if rule.id not in self._silent:
            position, host = orjson.loads(hit.occurrence.origin)
            event = Event(at=moment(hit.last_at), fields=hit.occurrence.fields, host=host)
            yield position, rule, event


def _seen(event: Event, rule: Rule) -> Event:
    """Return the event as the rule saw it: Security 4688 with the fields of process_creation."""
    if event.route.event_id != 4688 or wanted(rule.logsource, event.route):
        return event
    return as_process_creation(event) or event
