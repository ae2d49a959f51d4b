"""Rules tried on stored events before they are switched on: what they would have raised.

Nothing is written. Rules and correlations run as they do in a scan; filters narrow them as they would.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sent.engines.radar.logsource import configured_route, syslog_route, windows_route
from sent.engines.radar.mapped import rerouted
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.model import Event, Level, LogSource, Rejected, Route, RuleSet
from sent.engines.radar.store import past
from sent.engines.radar.store.past import PastEvent
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid

SAMPLES = 50
"""Events kept of each rule."""

HOSTS = 10
"""Hosts named for each rule."""

Progress = Callable[[int, int], object]
"""Hears how many events were looked at, and of about how many."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An event a rule would have fired on."""

    event_id: UUID
    at: datetime
    host: str
    message: str


@dataclass(slots=True)
class Tried:
    """What one rule would have raised; `days` are counts by ISO date, `hosts` the most frequent ones."""

    rule_id: str
    title: str
    level: Level
    author: str
    hits: int = 0
    days: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Backtest:
    """The outcome: rules with hits first; `rejected` do not run, with the reason."""

    events: int
    tried: tuple[Tried, ...]
    rejected: tuple[Rejected, ...]


async def backtest(
    ctx: Ctx, text: str, since: datetime, until: datetime, progress: Progress | None = None
) -> Backtest:
    """Run the rules of a YAML text over the events in [since, until); cancelling it leaves nothing behind.

    Raises Invalid when the text holds no rule that runs.
    """
    from sent.engines.radar.reading import parsed
    from sent.engines.radar.store import placeholders

    async with uow(ctx) as tx:
        values = await placeholders.values(tx)
        total = await past.amount(tx, since, until)
    found = await asyncio.to_thread(parsed, [("rule.yml", text, "")], values)
    if not found.rules:
        why = "; ".join(bad.reason for bad in found.rejected) or "there is no rule in it"
        raise Invalid("radar.backtest.rules", f"nothing to try: {why}")
    trial = _Trial(found)
    place: tuple[datetime, UUID] | None = None
    while True:
        async with uow(ctx) as tx:
            events = await past.page(tx, since, until, place)
        await asyncio.to_thread(trial.look, events)
        if progress is not None:
            progress(trial.events, max(total, trial.events))
        if len(events) < past.PAGE:
            break
        place = (events[-1].at, events[-1].id)
    return trial.result()


class _Trial:
    """Counts what fires, page by page."""

    def __init__(self, found: RuleSet) -> None:
        from sent.engines.radar.following import Following

        self._found = found
        self._matcher = ValueMatcher(found.rules)
        self._following = Following(found.correlations)
        self._tried: dict[str, Tried] = {}
        self.events = 0

    def look(self, events: Sequence[PastEvent]) -> None:
        """Match the next events."""
        for past_event in events:
            event = _event(past_event)
            fired = self._matcher.fired(event.fields, event.route)
            for _, rule, seen in self._following.hits(self.events, event, fired):
                tried = self._tried.setdefault(rule.id, Tried(rule.id, rule.title, rule.level, rule.author))
                tried.hits += 1
                tried.days[event.at.date().isoformat()] += 1
                tried.hosts[seen.host or event.host] += 1
                if len(tried.samples) < SAMPLES:
                    tried.samples.append(
                        Sample(past_event.id, past_event.at, past_event.host, past_event.message)
                    )
            self.events += 1

    def result(self) -> Backtest:
        """Return the outcome; rules without a hit are in it."""
        for rule in (*self._found.rules, *(each.rule for each in self._found.correlations)):
            self._tried.setdefault(rule.id, Tried(rule.id, rule.title, rule.level, rule.author))
        for tried in self._tried.values():
            tried.hosts = Counter(dict(tried.hosts.most_common(HOSTS)))
        ranked = sorted(self._tried.values(), key=lambda tried: (-tried.hits, tried.title))
        return Backtest(self.events, tuple(ranked), self._found.rejected)


def _event(found: PastEvent) -> Event:
    """Return a stored event as it was matched when it came."""
    source = LogSource(found.product, found.category, found.service)
    route = stored_route(found.channel, found.event_code, found.program, source)
    if found.mapping is not None:
        route = rerouted(found.mapping, found.fields, route)
    return Event(at=found.at, fields=found.fields, route=route, host=found.host, program=found.program)


def stored_route(channel: str | None, event_code: int | None, program: str, source: LogSource) -> Route:
    """Return how a stored event was routed, from what is stored of it and said of its source."""
    if channel:
        return windows_route(channel, event_code)
    return syslog_route(program, source) if program else configured_route(source)
