"""Groups of alerts with a risk score: what to look at first. Pure.

An alert's weight is that of its level, halved for every 24 hours since its last event:

    weight = WEIGHTS[level] * 0.5 ** (hours since / 24)

A group by entity (host or user) adds up the strongest alert of each distinct rule, because the hundredth hit
of one rule says little that the first did not, and grows by a quarter for each further rule, because
different rules on one entity are how an intrusion looks:

    risk = sum over rules of max(weight) * (1 + 0.25 * (rules - 1))

A group by rule does the same with the entities: the strongest alert of each, a quarter for each further one.
Closed alerts count nothing. A fresh critical alert alone is 100; the score has no upper end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sent.engines.radar.model import LEVELS

GroupBy = Literal["rule", "host", "user"]
GROUPINGS: tuple[GroupBy, ...] = ("rule", "host", "user")

WEIGHTS = {"informational": 1.0, "low": 5.0, "medium": 15.0, "high": 40.0, "critical": 100.0}
HALF_LIFE_H = 24.0
EACH_FURTHER = 0.25

SAMPLES = 3
"""Names of rules or entities that a group tells."""


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What grouping needs of an alert."""

    rule_id: str
    title: str
    author: str
    level: str
    host: str
    user: str
    last_at: datetime
    count: int
    state: str


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts of one rule, host or user. `key` is the rule's id or the entity; `level` the highest."""

    by: GroupBy
    key: str
    title: str
    author: str
    """Of the rule; of the rules of an entity, each once."""
    level: str
    alerts: int
    hits: int
    rules: int
    entities: int
    samples: tuple[str, ...]
    """Some titles of rules (by entity), or some entities (by rule)."""
    last_at: datetime
    risk: float


def weight(level: str, last_at: datetime, now: datetime) -> float:
    """Return what an alert weighs now."""
    hours = max(0.0, (now - last_at).total_seconds() / 3600)
    return float(WEIGHTS.get(level, 0.0) * 0.5 ** (hours / HALF_LIFE_H))


def risk(strongest: Sequence[float]) -> float:
    """Return the score of a group from the strongest weight of each of its rules (or entities)."""
    return sum(strongest) * (1 + EACH_FURTHER * max(0, len(strongest) - 1))


def grouped(alerts: Iterable[AlertFacts], by: GroupBy, now: datetime) -> list[AlertGroup]:
    """Return the groups, the riskiest first; alerts that name no user stand in no group by user."""
    members: dict[str, list[AlertFacts]] = {}
    for alert in alerts:
        key = {"rule": alert.rule_id, "host": alert.host.lower(), "user": alert.user}[by]
        if key or by == "rule":
            members.setdefault(key, []).append(alert)
    found = [_group(by, key, group, now) for key, group in members.items()]
    return sorted(found, key=lambda group: (-group.risk, group.title.lower(), group.key))


def _group(by: GroupBy, key: str, alerts: list[AlertFacts], now: datetime) -> AlertGroup:
    strongest: dict[str, float] = {}
    for alert in alerts:
        part = _entity(alert) if by == "rule" else alert.rule_id
        heavy = 0.0 if alert.state == "closed" else weight(alert.level, alert.last_at, now)
        strongest[part] = max(strongest.get(part, 0.0), heavy)
    latest = max(alerts, key=lambda alert: alert.last_at)
    names = (_entity(a) for a in alerts) if by == "rule" else (a.title for a in alerts)
    return AlertGroup(
        by=by,
        key=key,
        title=latest.title if by == "rule" else (latest.host if by == "host" else key),
        author=", ".join(dict.fromkeys(a.author for a in alerts if a.author)),
        level=max((a.level for a in alerts), key=_rank),
        alerts=len(alerts),
        hits=sum(a.count for a in alerts),
        rules=len({a.rule_id for a in alerts}),
        entities=len({_entity(a) for a in alerts}),
        samples=tuple(list(dict.fromkeys(name for name in names if name))[:SAMPLES]),
        last_at=latest.last_at,
        risk=risk([value for value in strongest.values() if value > 0]),
    )


def _entity(alert: AlertFacts) -> str:
    return alert.host.lower() or alert.user


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else -1
