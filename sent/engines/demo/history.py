"""A week of history: what the sources said, what rules raised, what colleagues did about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from sent.engines.demo import attacks, traffic
from sent.engines.demo.company import SITES
from sent.engines.demo.messages import Sent
from sent.engines.radar.api import Alert, Decision, PastMessage

DAYS = 7
ATTACKS = 46
LIVE_RATE = 4.0
"""Messages per second of the live feed (`feed`); history thins out from it into the past."""

OLD_RATE = 0.03
RECENT_HOURS = 24
TRIAGED_AFTER = timedelta(hours=7)


def messages(random: Random, now: datetime, sources: Mapping[str, UUID]) -> Iterator[PastMessage]:
    """Yield the week before `now`, oldest first."""
    start = now - timedelta(days=DAYS)
    hostile = sorted(_attacks(random, start, now), key=lambda message: message.at)
    waiting = 0
    at = start
    while at < now:
        while waiting < len(hostile) and hostile[waiting].at <= at:
            message = hostile[waiting]
            yield PastMessage(sources[message.site], message.at, message.data)
            waiting += 1
        site = random.choices(SITES, (5, 3, 2))[0]
        message = traffic.message(random, site, at)
        yield PastMessage(sources[site.key], at, message.data)
        at += timedelta(seconds=random.expovariate(_rate(at, now)))


def _rate(at: datetime, now: datetime) -> float:
    """Messages per second: full in the last hour, thinning over a day, little before."""
    hours = (now - at).total_seconds() / 3600
    if hours <= 1:
        return LIVE_RATE
    thin = LIVE_RATE / hours**1.3 if hours < RECENT_HOURS else OLD_RATE
    return max(thin, OLD_RATE) * max(traffic.busyness(at), 0.3)


def _attacks(random: Random, start: datetime, now: datetime) -> Iterator[Sent]:
    for _ in range(ATTACKS):
        # More of them lately, as a queue that is being worked on looks.
        age = timedelta(days=DAYS) * random.random() ** 1.6
        begin = max(start, now - age - timedelta(minutes=4))
        for message in attacks.attack(random, random.choices(SITES, (4, 4, 3))[0], begin):
            if message.at < now:
                yield message


def decisions(
    random: Random, now: datetime, alerts: Sequence[Alert], people: Sequence[UUID]
) -> Iterator[Decision]:
    """Yield what colleagues did: old alerts are closed, some later ones acknowledged and assigned."""
    for alert in sorted(alerts, key=lambda found: found.at):
        age = now - alert.at
        person = random.choice(people)
        soon = alert.at + timedelta(minutes=random.uniform(3, 50))
        if soon >= now or (age < TRIAGED_AFTER and random.random() < 0.55):
            continue
        yield Decision(alert.id, person, soon, state="acknowledged", assignee=person)
        done = soon + timedelta(minutes=random.uniform(10, 240))
        if age > TRIAGED_AFTER and done < now and random.random() < 0.9:
            yield Decision(alert.id, person, done, state="closed")
