"""Events through a source's field mapping: compiled once, then a few look-ups for each event.

A step that fails loses no event: it goes on as it came, and is counted. What a step may do to one event is
bounded in names looked at, characters searched, fields and characters made, not in seconds, so the same event
always ends the same way. Patterns run on RE2 only, over the first 32,768 characters of a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sent.engines.radar.decoding.normalise import MAX_NAME, described
from sent.engines.radar.decoding.syslog import plausible
from sent.engines.radar.fieldmap.draft import (
    MAX_SEARCHED,
    Draft,
    Fields,
    TooMuch,
    holds,
    like_one_of,
    searching,
)
from sent.engines.radar.fieldmap.steps import Step, read
from sent.engines.radar.model import EPOCH, Event, Route
from sent.platform.errors import Invalid
from sent.platform.telemetry.log import get_logger
from sent.platform.telemetry.seldom import Seldom

MAX_PAIRS = 500
"""Pairs that one split makes."""

FAILED: Counter[UUID] = Counter()
"""Events that a mapping failed on, by source; of this process."""

_FAILED = Seldom(get_logger("radar"), "radar.mapping_failed")


Take = Callable[[Draft], None]


class Mapped:
    """A mapping that is ready to run."""

    def __init__(self, steps: Iterable[Step]) -> None:
        made = [(step.kind, compiled_step(step)) for step in steps if step.on]
        self.takes = tuple(take for _, take in made)
        self.reroutes = tuple(take for kind, take in made if kind == "logsource")

    def apply(self, event: Event, received: datetime) -> Event:
        """Return the event with the names, values and log source that the steps give it.

        What its source could not tell (time, host, program, message) is looked for among the new names. An
        event that gets Windows' Channel and EventID is routed as Windows'. Raises TooMuch.
        """
        draft = Draft(dict(event.fields), event.route)
        for take in self.takes:
            take(draft)
        fields, route = draft.fields, draft.settle()
        told = described(fields, route, received)
        windows = route.channel is not None and event.route.channel is None
        return replace(
            event,
            fields=fields,
            route=route,
            at=_time(event.at, told.at, received),
            host=event.host or told.host,
            program=event.program or told.program,
            message=event.message or told.message,
            severity=told.severity if windows else event.severity,
        )


def _time(at: datetime, told: datetime, received: datetime) -> datetime:
    if at != received:
        return at
    return told if received == EPOCH else plausible(told, received)


@lru_cache(maxsize=1024)
def _compiled(stored: str) -> Mapped | Invalid:
    try:
        return Mapped(read(stored).steps)
    except Invalid as error:
        return error
    except Exception as error:  # whatever it is, it is this mapping's
        return Invalid("radar.mapping", f"it cannot run: {type(error).__name__}")


def compiled(stored: str) -> Mapped:
    """Return the mapping kept as this JSON, ready to run; raises Invalid.

    One that cannot run is remembered, too: its source's events must not each cost the attempt.
    """
    made = _compiled(stored)
    if isinstance(made, Invalid):
        raise Invalid(made.code, made.message)
    return made


def mapped(stored: str, event: Event, received: datetime, source: UUID) -> Event:
    """Return the event as a source's mapping makes it; as it came where that fails."""
    try:
        return compiled(stored).apply(event, received)
    except Exception as error:  # whatever a step does, the event is worth more
        FAILED[source] += 1
        _FAILED.error(source=str(source), reason=reason_of(error))
        return event


def rerouted(stored: str, fields: Fields, route: Route) -> Route:
    """Return the log source that a mapping gives an event whose stored fields went through it already.

    Only its steps for log sources are taken again; those that ask for a field that was moved or dropped do
    not see it any more.
    """
    draft = Draft(fields, route)
    try:
        for take in compiled(stored).reroutes:
            take(draft)
    except (TooMuch, Invalid):
        return route
    return draft.route


def reason_of(error: Exception) -> str:
    """Return why a step failed, for people."""
    if isinstance(error, Invalid):
        return error.message
    return str(error) if isinstance(error, TooMuch) else type(error).__name__


def compiled_step(step: Step) -> Take:
    """Return what a step does."""
    take = _MAKERS[step.kind](step)
    if not step.when:
        return take
    tests = tuple(holds(condition) for condition in step.when)

    def guarded(draft: Draft) -> None:
        if all(test(draft) for test in tests):
            take(draft)

    return guarded


def _map(step: Step) -> Take:
    names, table = step.names, dict(step.names)
    move, overwrite = step.move, step.overwrite

    def take(draft: Draft) -> None:
        fields = draft.fields
        if len(table) > len(fields):
            draft.look(len(fields))
            found = [(name, table[name]) for name in fields if name in table]
        else:
            draft.look(len(names))
            found = [pair for pair in names if pair[0] in fields]
        for old, new in found:
            value = fields[old]
            put = [draft.put(name, value, overwrite) for name in new]
            if move and old not in new and any(put):
                del fields[old]

    return take


def _affix(step: Step) -> Take:
    text, length, move, overwrite = step.text, len(step.text), step.move, step.overwrite
    front, everything = step.kind == "prefix", "*" in step.fields
    chosen = like_one_of(step.fields)

    def renamed(fields: Fields) -> list[tuple[str, str]]:
        if step.strip and front:
            return [(n, n[length:]) for n in fields if n.startswith(text) and len(n) > length]
        if step.strip:
            return [(n, n[:-length]) for n in fields if n.endswith(text) and len(n) > length]
        return [(n, (text + n if front else n + text)[:MAX_NAME]) for n in fields]

    def take(draft: Draft) -> None:
        fields = draft.fields
        draft.look(len(fields) * chosen.cost)
        for old, new in renamed(fields):
            if (everything or chosen.like(old)) and draft.put(new, fields[old], overwrite) and move:
                del fields[old]

    return take


def _add(step: Step) -> Take:
    def constant(draft: Draft) -> None:
        draft.put(step.field, step.text, step.overwrite)

    def copied(draft: Draft) -> None:
        if step.source in draft.fields:
            draft.put(step.field, draft.fields[step.source], step.overwrite)

    return copied if step.source else constant


def _drop(step: Step) -> Take:
    plain = [name for name in step.fields if "*" not in name and "?" not in name]
    wild = [name for name in step.fields if name not in plain]
    chosen = like_one_of(wild) if wild else None

    def take(draft: Draft) -> None:
        draft.look(len(plain))
        for name in plain:
            draft.fields.pop(name, None)
        if chosen is not None:
            draft.look(len(draft.fields) * chosen.cost)
            for name in [name for name in draft.fields if chosen.like(name)]:
                del draft.fields[name]

    return take


def _lower(step: Step) -> Take:
    chosen = like_one_of(step.fields)

    def take(draft: Draft) -> None:
        draft.look(len(draft.fields) * chosen.cost)
        for name in [name for name in draft.fields if chosen.like(name)]:
            value = draft.fields[name]
            if value:
                draft.put(name, value.lower(), True)

    return take


def _split(step: Step) -> Take:
    def take(draft: Draft) -> None:
        value = (draft.fields.get(step.field) or "")[:MAX_SEARCHED]
        draft.search(len(value))
        for name, text in pairs(value, step.between, step.equals):
            draft.put((step.text + name)[:MAX_NAME], text, step.overwrite)

    return take


def pairs(text: str, between: str, equals: str) -> list[tuple[str, str]]:
    """Return the pairs of `a=1 b="two words"`: at most 500, of the first 32,768 characters.

    A value in double quotes holds `between` and reaches to the next quote; a piece without `equals` is left
    out. What precedes a name is stripped of blanks.
    """
    text = text[:MAX_SEARCHED]
    found: list[tuple[str, str]] = []
    place = 0
    while place < len(text) and len(found) < MAX_PAIRS:
        sign = text.find(equals, place)
        if sign < 0:
            break
        cut = text.rfind(between, place, sign)
        name = text[place if cut < 0 else cut + len(between) : sign].strip()
        start = sign + len(equals)
        if text.startswith('"', start):
            end = text.find('"', start + 1)
            end = len(text) if end < 0 else end
            value, place = text[start + 1 : end], end + 1
        else:
            end = text.find(between, start)
            end = len(text) if end < 0 else end
            value, place = text[start:end].strip(), end
        if text.startswith(between, place):
            place += len(between)
        if name:
            found.append((name, value))
    return found


def _extract(step: Step) -> Take:
    search = searching(step.pattern, step.field, lambda pattern: pattern.search)

    def take(draft: Draft) -> None:
        found = search(draft) if draft.fields.get(step.field) else None
        if found is None:
            return
        for name, text in found.groupdict().items():
            if text is not None:
                draft.put(name, text, step.overwrite)

    return take


def _logsource(step: Step) -> Take:
    source = step.logsource
    categories = frozenset({source.category}) if source.category else frozenset[str]()
    services = frozenset({source.service}) if source.service else frozenset[str]()

    def take(draft: Draft) -> None:
        old = draft.settle()
        keep = Route() if not step.add else old
        draft.route = Route(
            source.product or old.product,
            keep.categories | categories,
            keep.services | services,
            old.channel,
            old.event_id,
        )
        draft.rerouted = True

    return take


_MAKERS: dict[str, Callable[[Step], Take]] = {
    "map": _map,
    "prefix": _affix,
    "suffix": _affix,
    "add": _add,
    "drop": _drop,
    "split": _split,
    "lower": _lower,
    "extract": _extract,
    "logsource": _logsource,
}
