"""Runs rules over files of events, without a database (`sent radar scan`)."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import orjson

from sent.engines.radar.correlations.following import Following
from sent.engines.radar.decoding.normalise import event_from
from sent.engines.radar.fieldmap.applied import Mapped
from sent.engines.radar.fieldmap.draft import TooMuch
from sent.engines.radar.inputs import Unreadable, read_events
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.model import EPOCH, LEVELS, Event, Rejected, Rule, RuleSet
from sent.engines.radar.sigma.logsource import product_wide
from sent.platform.errors import Invalid
from sent.platform.terminal import harmless_json

Format = Literal["json", "csv", "timeline", "summary"]

MAX_COMPLAINTS = 20
"""Unreadable lines named one by one; the rest is counted."""

TELL_EVERY = 500
MAX_HOSTS = 10_000
"""Hosts of one rule that a summary counts."""

COLUMNS = ("n", "rule_id", "title", "level", "author")


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fired on the event at position `n` (from 0, over all input)."""

    n: int
    rule: Rule
    event: Event = field(repr=False)


@dataclass(slots=True)
class Scan:
    """A run over files; iterate `hits`, then read the counters."""

    rules: RuleSet
    map_4688: bool = False
    wide: bool = False
    least: str = "informational"
    """The lowest level of hits; correlations count weaker ones all the same."""
    complain: Callable[[str], None] = print
    tell: Callable[[int, int], None] = field(default=lambda events, number: None)
    """Hears how many events were read, and the number of the file, every now and then."""
    mapping: Mapped | None = None
    events: int = 0
    unreadable: int = 0
    unmapped: int = 0
    """Events that the mapping failed on; they are looked at as they are."""
    seconds: float = 0.0

    def rejected(self) -> list[Rejected]:
        """Return the rules that do not run, with reasons."""
        why = "looks at every Windows channel; --wide runs it"
        held = () if self.wide else (rule for rule in self.rules.rules if product_wide(rule.logsource))
        return [*self.rules.rejected, *(Rejected(r.source, r.id, r.title, why) for r in held)]

    def hits(self, files: Sequence[Path]) -> Iterator[Hit]:
        """Yield the hits of `files` in their order; raises Invalid when a whole file is no events."""
        started = perf_counter()
        active = [rule for rule in self.rules.rules if self.wide or not product_wide(rule.logsource)]
        least = LEVELS.index(self.least)
        matcher = ValueMatcher(active, map_4688=self.map_4688)
        following = Following(self.rules.correlations)
        for number, path in enumerate(files):
            readable = bad = 0
            for item in read_events(path):
                position = self.events
                self.events += 1
                if not self.events % TELL_EVERY:
                    self.tell(self.events, number)
                if isinstance(item, Unreadable):
                    bad += 1
                    self._unreadable(item)
                    continue
                readable += 1
                fired, event = self._fired(matcher, item)
                if fired:
                    for found in following.hits(position, event or event_from(item), fired):
                        if LEVELS.index(found[1].level) >= least:
                            yield Hit(*found)
                self.seconds = perf_counter() - started
            if bad and not readable:
                raise Invalid(
                    "radar.events.kind",
                    f"{path}: holds no events; give JSON lines (one object a line), .gz of them, or .evtx",
                )
        for found in following.rest():
            if LEVELS.index(found[1].level) >= least:
                yield Hit(*found)
        self.seconds = perf_counter() - started

    def _fired(self, matcher: ValueMatcher, item: Mapping[str, Any]) -> tuple[tuple[Rule, ...], Event | None]:
        """Return what fires on an event, and the event where a mapping made it."""
        if self.mapping is None:
            return matcher.fired_on(item), None
        event = event_from(item)
        try:
            event = self.mapping.apply(event, EPOCH)
        except TooMuch:
            self.unmapped += 1
        return matcher.fired(event.fields, event.route), event

    def statistics(self) -> bytes:
        """Return the counters as one JSON line."""
        rate = self.events / self.seconds if self.seconds else 0.0
        rejected = len(self.rejected())
        return orjson.dumps(
            {
                "events": self.events,
                "rules": len(self.rules.rules)
                + len(self.rules.correlations)
                + len(self.rules.rejected)
                - rejected,
                "rejected": rejected,
                "seconds": round(self.seconds, 3),
                "events_per_second": round(rate, 1),
            }
        )

    def _unreadable(self, item: Unreadable) -> None:
        self.unreadable += 1
        if self.unreadable <= MAX_COMPLAINTS:
            self.complain(f"{item.place}: {item.reason}")
        elif self.unreadable == MAX_COMPLAINTS + 1:
            self.complain("further unreadable lines are only counted")


def written(hits: Iterable[Hit], shape: Format) -> Iterator[bytes]:
    """Yield output lines, each with its newline."""
    if shape == "json":
        for hit in hits:
            line = orjson.dumps(dict(zip(COLUMNS, _values(hit), strict=True)))
            yield f"{harmless_json(line.decode())}\n".encode()
    elif shape == "csv":
        yield _csv(COLUMNS)
        for hit in hits:
            yield _csv(_values(hit))
    elif shape == "summary":
        yield from _summary(hits)
    else:
        for hit in sorted(hits, key=lambda hit: (hit.event.at, hit.n, hit.rule.id)):
            yield _timeline(hit)


def _values(hit: Hit) -> tuple[int, str, str, str, str]:
    return hit.n, hit.rule.id, hit.rule.title, hit.rule.level, hit.rule.author


def _csv(row: Sequence[object]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(row)
    return buffer.getvalue().encode()


def _summary(hits: Iterable[Hit]) -> Iterator[bytes]:
    """Yield a line for each rule that fired, the gravest and most frequent first."""
    count: Counter[str] = Counter()
    rules: dict[str, Rule] = {}
    hosts: dict[str, Counter[str]] = {}
    for hit in hits:
        count[hit.rule.id] += 1
        rules[hit.rule.id] = hit.rule
        seen = hosts.setdefault(hit.rule.id, Counter())
        if hit.event.host in seen or len(seen) < MAX_HOSTS:
            seen[hit.event.host] += 1
    for id in sorted(count, key=lambda id: (-LEVELS.index(rules[id].level), -count[id], id)):
        rule, seen = rules[id], hosts[id]
        most = ", ".join(f"{host or '-'} ({amount:,})" for host, amount in seen.most_common(3))
        more = f" and {len(seen) - 3:,} more" if len(seen) > 3 else ""
        by = f" (rule by {rule.author})" if rule.author else ""
        yield _printable(f"{rule.level:<13}  {count[id]:>8,}  {rule.title}{by}  on {most}{more}")


def _timeline(hit: Hit) -> bytes:
    stamp = hit.event.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    by = f" (rule by {hit.rule.author})" if hit.rule.author else ""
    return _printable(
        f"{stamp}Z  {hit.rule.level:<13}  {hit.event.host or '-':<24}  {hit.rule.title}{by}  #{hit.n}"
    )


def _printable(line: str) -> bytes:
    return "".join(char if char.isprintable() else "\ufffd" for char in line).encode() + b"\n"
