"""Rules tried on stored events before they are switched on: what they would have raised.

Nothing is written. Rules and correlations run as they do in a scan; filters narrow them as they would.
Hits are grouped to alerts as the worker groups them: one rule on one host of one source counts up one alert
for some minutes, and at most `MAX_GROUPS` hosts of a source raise one each in that time.

What is counted by host is bounded, because whoever sends logs makes hosts up: `MAX_HOSTS` for one rule,
`MAX_ALL_HOSTS` for all rules together. Hits on further hosts are counted as `other_hosts`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sent.engines.radar.fieldmap.applied import rerouted
from sent.engines.radar.grouping import MANY_HOSTS, MAX_GROUPS
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.model import Event, Level, LogSource, Rejected, Route, Rule, RuleSet
from sent.engines.radar.sigma.logsource import configured_route, syslog_route, windows_route
from sent.engines.radar.store import past
from sent.engines.radar.store.past import PastEvent
from sent.platform.config import settings_store
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid

SAMPLES = 50
"""Events kept of each rule."""

HOSTS = 10
"""Hosts named for each rule."""

MAX_HOSTS = 10_000
"""Hosts counted for one rule."""

MAX_ALL_HOSTS = 100_000
"""The same for all rules that are tried together."""

BUCKETS = 120
"""Buckets of the hits over time, at most."""

STEPS = (60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 7 * 86_400)
"""Lengths of a bucket, in seconds."""

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
    """What one rule would have raised.

    `days` are counts by ISO date, `times` by the epoch second a bucket begins with, `hosts` the most frequent
    ones; `other_hosts` are hits on hosts beyond those that are counted, so `hosts` may lack some then.
    """

    rule_id: str
    title: str
    level: Level
    author: str
    hits: int = 0
    alerts: int = 0
    days: Counter[str] = field(default_factory=Counter)
    times: Counter[int] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    other_hosts: int = 0
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Backtest:
    """The outcome: rules with hits first; `rejected` do not run, with the reason."""

    events: int
    tried: tuple[Tried, ...]
    rejected: tuple[Rejected, ...]
    step_seconds: int
    """Length of the buckets of `times`, which begin at its multiples since the epoch."""


async def backtest(
    ctx: Ctx, text: str, since: datetime, until: datetime, progress: Progress | None = None
) -> Backtest:
    """Run the rules of a YAML text over the events in [since, until); cancelling it leaves nothing behind.

    Raises Invalid when the text holds no rule that runs.
    """
    return await over_past(ctx, [("rule.yml", text, "")], since, until, progress)


async def over_past(
    ctx: Ctx,
    files: Sequence[tuple[str, str | None, str]],
    since: datetime,
    until: datetime,
    progress: Progress | None = None,
) -> Backtest:
    """Run the rules of several files, as `backtest` does those of one."""
    from sent.engines.radar.sigma.reading import parsed
    from sent.engines.radar.store import placeholders

    minutes = int(await settings_store.get(ctx, "radar.group_minutes"))
    async with uow(ctx) as tx:
        values = await placeholders.values(tx)
        total = await past.amount(tx, since, until)
    found = await asyncio.to_thread(parsed, files, values)
    if not found.rules:
        why = "; ".join(bad.reason for bad in found.rejected) or "there is no rule in it"
        raise Invalid("radar.backtest.rules", f"nothing to try: {why}")
    span = (until - since).total_seconds()
    trial = _Trial(found, minutes, next((step for step in STEPS if span / step <= BUCKETS), STEPS[-1]))
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

    def __init__(self, found: RuleSet, minutes: int, step: int) -> None:
        from sent.engines.radar.correlations.following import Following

        self._found, self._step = found, step
        self._matcher = ValueMatcher(found.rules)
        self._following = Following(found.correlations)
        self._tried: dict[str, Tried] = {}
        self._hosts_left = MAX_ALL_HOSTS
        self._groups = Groups(minutes)
        self.events = 0

    def look(self, events: Sequence[PastEvent]) -> None:
        """Match the next events."""
        for past_event in events:
            event = event_of(past_event)
            fired = self._matcher.fired(event.fields, event.route)
            for _, rule, seen in self._following.hits(self.events, event, fired):
                self._count(rule, past_event, event.at, seen.host or event.host)
            self.events += 1

    def _count(self, rule: Rule, found: PastEvent, at: datetime, host: str) -> None:
        tried = self._tried.setdefault(rule.id, Tried(rule.id, rule.title, rule.level, rule.author))
        tried.hits += 1
        tried.days[at.date().isoformat()] += 1
        tried.times[int(at.timestamp() // self._step) * self._step] += 1
        tried.alerts += self._groups.raises(rule.id, found.source_id, host, at)
        if host in tried.hosts:
            tried.hosts[host] += 1
        elif len(tried.hosts) < MAX_HOSTS and self._hosts_left:
            tried.hosts[host] = 1
            self._hosts_left -= 1
        else:
            tried.other_hosts += 1
        if len(tried.samples) < SAMPLES:
            tried.samples.append(Sample(found.id, found.at, found.host, found.message))

    def result(self) -> Backtest:
        """Return the outcome; rules without a hit are in it."""
        for rule in (*self._found.rules, *(each.rule for each in self._found.correlations)):
            self._tried.setdefault(rule.id, Tried(rule.id, rule.title, rule.level, rule.author))
        for tried in self._tried.values():
            tried.hosts = Counter(dict(tried.hosts.most_common(HOSTS)))
        ranked = sorted(self._tried.values(), key=lambda tried: (-tried.hits, tried.title))
        return Backtest(self.events, tuple(ranked), self._found.rejected, self._step)


class Groups:
    """Which hit begins another alert; of each rule and source only the window of the latest hit is kept."""

    def __init__(self, minutes: int) -> None:
        self._seconds = minutes * 60
        self._windows: dict[tuple[str, UUID | None], tuple[int, set[str]]] = {}

    def raises(self, rule_id: str, source: UUID | None, host: str, at: datetime) -> bool:
        """Say whether a hit raises an alert of its own; hits come in the order of their time."""
        window = int(at.timestamp() // self._seconds)
        known, hosts = self._windows.get((rule_id, source), (None, set[str]()))
        if known != window:
            hosts = set()
            self._windows[rule_id, source] = (window, hosts)
        name = host.lower() if len(hosts) < MAX_GROUPS or host.lower() in hosts else MANY_HOSTS
        if name in hosts:
            return False
        hosts.add(name)
        return True


def event_of(found: PastEvent) -> Event:
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
