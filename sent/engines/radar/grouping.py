"""Which hits belong to one alert: those of one rule, source, host and span of time."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sent.engines.radar.batch import Hit
from sent.engines.radar.model import FieldMatch, Match
from sent.engines.radar.sigma.expression import View, explain
from sent.engines.radar.store import sink

MAX_GROUPS = 200
"""Alerts of one rule on one source within one grouping window."""

MAX_WINDOWS = 1000
MANY_HOSTS = "(many hosts)"


class Crowd:
    """Bounds what a sender that makes up hosts and times can raise.

    Within the same minutes of reception, one rule raises at most `MAX_GROUPS` alerts on one source; what
    more there is counts up one alert for `MANY_HOSTS`.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, set[str]] = OrderedDict()

    def key(self, hit: Hit, minutes: int) -> tuple[str, str]:
        """Return the group a hit belongs to, and its host; the same again when a batch is tried again."""
        own = group_key(hit, minutes)
        window = _window(hit.line.received_at, minutes)
        shared = _digest(hit.match.rule.id, str(hit.line.source_id), MANY_HOSTS, window, str(minutes))
        groups = self._known.setdefault(shared, set())
        if len(self._known) > MAX_WINDOWS:
            self._known.popitem(last=False)
        if own not in groups and len(groups) >= MAX_GROUPS:
            return shared, MANY_HOSTS
        groups.add(own)
        return own, hit.line.host


def grouped(hits: Sequence[Hit], minutes: int, crowd: Crowd | None = None) -> list[sink.Raised]:
    """Return one entry for each rule, source, host and window of `minutes`; the first event explains it."""
    groups: dict[str, sink.Raised] = {}
    for hit in hits:
        key, host = crowd.key(hit, minutes) if crowd else (group_key(hit, minutes), hit.line.host)
        known = groups.get(key)
        if known is None:
            groups[key] = replace(_raised(key, hit), host=host)
        else:
            groups[key] = replace(
                known,
                count=known.count + 1,
                at=min(known.at, hit.line.at),
                last_at=max(known.last_at, hit.line.at),
                last_event_id=hit.line.id,
            )
    return list(groups.values())


def group_key(hit: Hit, minutes: int) -> str:
    """Return what hits of one alert have in common."""
    window = _window(hit.line.at, minutes)
    return _digest(hit.match.rule.id, str(hit.line.source_id), hit.line.host.lower(), window, str(minutes))


def _window(at: datetime, minutes: int) -> str:
    return str(int(at.timestamp() // timedelta(minutes=minutes).total_seconds()))


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _raised(key: str, hit: Hit) -> sink.Raised:
    line, match = hit
    return sink.Raised(
        group_key=key,
        rule=match.rule,
        source_id=line.source_id,
        client_id=line.client_id,
        host=line.host,
        at=line.at,
        last_at=line.at,
        received_at=line.received_at,
        count=1,
        first_event_id=line.id,
        last_event_id=line.id,
        matched=_reasons(match),
        event=sink.fields_json(dict(match.event.fields)),
    )


def _reasons(match: Match) -> Sequence[FieldMatch]:
    if match.matched is not None:
        return match.matched
    return explain(match.rule.condition, View(match.event.fields))
